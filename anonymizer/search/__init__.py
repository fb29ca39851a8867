"""The search of the generalisation lattice for the optimum."""
