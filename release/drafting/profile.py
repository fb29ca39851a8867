"""What a column of a table holds, looked at once: its distinct values as text, and how many rows have one."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from anonymizer.errors import BadInput
from anonymizer.tables import values

NEARLY_UNIQUE = 0.9
FEWEST_ROWS = 10
MISSING_MARKS = frozenset({"?", "NULL", "null", "#N/A", "NaN", "nan", "NA", "N/A", "n/a", "-", "k.A.", "."})
"""Cells that may mean missing; only what a file needs is declared."""


@dataclass(frozen=True, slots=True)
class Profile:
    """A column: its ``name``, the ``distinct`` values present, as text, and the number of cells ``present``.

    ``distinct`` is ``None`` where the cells have no text (nested or binary columns).
    """

    name: str
    distinct: pl.Series | None
    present: int

    @property
    def is_nearly_unique(self) -> bool:
        """Whether nearly every cell is unlike all others, as in a column of numbers that name people."""
        if self.distinct is None:
            return False
        return self.present >= FEWEST_ROWS and self.distinct.len() >= NEARLY_UNIQUE * self.present


def profiled(series: pl.Series) -> Profile:
    """The profile of a column of any type; timestamps are looked at as days."""
    days = series.dt.date() if isinstance(series.dtype, pl.Datetime) else series
    try:
        text = values.canonical(days)
    except BadInput:
        return Profile(series.name, None, len(series) - series.null_count())
    return Profile(series.name, text.drop_nulls().unique(), len(text) - text.null_count())


def without_marks(profile: Profile) -> tuple[Profile, frozenset[str]]:
    """The profile without the cells that may mean missing, and which those are."""
    if profile.distinct is None:
        return profile, frozenset()
    marks = profile.distinct.is_in(list(MISSING_MARKS))
    kept = Profile(profile.name, profile.distinct.filter(~marks), profile.present)
    return kept, frozenset(profile.distinct.filter(marks))
