"""The HTML reports: static pages from templates, without scripts, with charts as inline SVG.

release_report, risk_report, utility_report     the pages of a run
risk_utility                                    runs side by side
report_rows, linked_tables, group_rows          rows and sections of them
synthetic_rows, synthetic_numbers, model_rows   synthetic tables, and two models of one
attack_rows, class_rows                         what attacks gained, and what classes tell
utility_rows, further_rows                      what is left of the data's value, and what has no other place
scales, charts, plots                           drawings
words, criteria_words, wording                  messages in each language (texts); criteria, numbers
page                                            a template into a page
"""
