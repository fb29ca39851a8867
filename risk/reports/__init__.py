"""The HTML reports: static pages from templates, without scripts, with charts as inline SVG.

report                          the release report and the risk report
report_rows, linked_tables      rows and sections of them
criteria_words, wording         criteria and numbers in words
charts, page                    drawings; a template into a page
"""
