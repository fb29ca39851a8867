"""Core-dataset exports (FHIR or flattened) read into tables; consent; code systems.

`mii.writing` makes FHIR of released tables again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mii.effort import Effort
from mii.event_tables import TABLES
from mii.request import COLUMNS, FAMILIES, OPTIONAL, MiiRequest, Observation, available, lab_columns

if TYPE_CHECKING:
    from mii.reading import Export, read

__all__ = [
    "COLUMNS",
    "FAMILIES",
    "OPTIONAL",
    "TABLES",
    "Effort",
    "Export",
    "MiiRequest",
    "Observation",
    "available",
    "lab_columns",
    "read",
]


def __getattr__(name: str) -> Any:
    """Reading comes with polars and msgspec, which a command that reads no export need not wait for."""
    if name not in ("Export", "read"):
        raise AttributeError(name)
    from mii import reading

    return getattr(reading, name)
