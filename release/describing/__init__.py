"""What a release says of itself: `treatment` of each column, the tables `linking` tells reports of,
`comparing` it with the people it was made of, what `minimality` tells of them, a `synthetic` table
and its `stated_rules`, `datapackage` and `manifest`.
"""
