"""Core-dataset exports (FHIR or flattened) read into tables; consent; code systems."""

from mii.reading import Export, read
from mii.request import COLUMNS, FAMILIES, MiiRequest, Observation, lab_columns

__all__ = ["COLUMNS", "FAMILIES", "Export", "MiiRequest", "Observation", "lab_columns", "read"]
