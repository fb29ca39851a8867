"""Generalisation hierarchies, and values as codes of them."""
