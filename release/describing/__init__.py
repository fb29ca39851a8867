"""What a release says of itself: `treatment` of each column, the tables `linking` tells reports of,
`datapackage` and `manifest`.
"""
