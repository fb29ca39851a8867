"""Every value that a column's hierarchy knows, where they can be counted up: nothing of the data."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from string import digits

from anonymizer.hierarchies.dates import Dates
from anonymizer.hierarchies.hierarchy import Bands, Prefix
from anonymizer.hierarchies.hierarchy_file import FromFile
from anonymizer.tables.table import Column
from mii.codesystems import Icd10Gm

MOST_VALUES = 100_000
"""The most values of a domain that are counted up."""


def leaves(column: Column, level: int) -> tuple[str, ...]:
    """Values that between them have every label of the level."""
    match column.hierarchy:
        case FromFile() as file:
            return tuple(file.rows)
        case Bands() as bands:
            lowest = bands.bottom - bands.bottom_group
            return tuple(map(str, range(lowest, bands.top + 1)))
        case Dates() as days:
            return _days(days)
        case Prefix() as prefix:
            return _prefixes(prefix, level)
        case Icd10Gm() if level >= 2:
            return tuple(f"{letter}{a}{b}" for letter in _LETTERS for a in digits for b in digits)
        case _:
            return ()


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _days(days: Dates) -> tuple[str, ...]:
    count = (days.last - days.first).days + 1
    if count > MOST_VALUES:
        return ()
    return tuple((days.first + timedelta(day)).isoformat() for day in range(count))


def _prefixes(prefix: Prefix, level: int) -> tuple[str, ...]:
    """Codes of digits alone; others have no domain that could be counted up."""
    kept = (len(prefix.alphabet), *prefix.kept)[level] if level <= len(prefix.kept) else 1
    if set(prefix.alphabet) != {10} or 10**kept > MOST_VALUES:
        return ()
    return tuple("".join(each).ljust(len(prefix.alphabet), "0") for each in product(digits, repeat=kept))
