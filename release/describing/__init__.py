"""What a release says of itself: `treatment` of each column, `datapackage` and `manifest`."""
