"""What an export holds, before anything is done to it: the page and the summary of ``anon inspect``.

pages                       the HTML page, and the summary on a terminal
sections, rows, uniqueness  what stands in them
notices                     what somebody should look at first
"""
