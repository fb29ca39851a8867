"""Differential privacy by random sampling and generalisation."""
