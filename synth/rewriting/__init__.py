"""Constraints: some hold by construction, as the table is rewritten before it is learned from."""
