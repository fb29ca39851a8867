"""Recoding beyond one level per column: local, multidimensional, cell suppression."""
