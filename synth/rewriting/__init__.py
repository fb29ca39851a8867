"""Constraints: those that hold by construction change the table before it is learned from; all are checked."""
