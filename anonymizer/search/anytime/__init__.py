"""The search of a lattice of any size: the best so far, a bound at all times, the optimum in the end."""
