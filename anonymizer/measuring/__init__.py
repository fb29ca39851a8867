"""Information loss of a lattice node, with the bounds that the search prunes by."""
