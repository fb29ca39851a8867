"""The first and the last day on which a procedure was performed, of a row's Procedures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date

import polars as pl

from mii.dates import span

PERFORMED = frozenset({"performed_first", "performed_last"})

Days = dict[str, list[str]]
"""The days of each row's Procedures as written, maybe partial."""


def performed(
    procedures: pl.DataFrame, keys: Sequence[str], counts: Counter[str]
) -> dict[str, list[str | None]]:
    """performed_first and performed_last of the rows ``keys``, as written.

    ``procedures`` has the columns row, start, end (of a period) and is_period. A day that is none is
    counted and left out. Of partial dates the first is the one that can be earliest, the last the one
    that can be latest; a period ends with its last day, where it tells one.
    """
    told = procedures.filter(pl.col("row").is_not_null())
    ends = told.select("row", day=pl.coalesce("end", "start"))
    starts = told.select("row", day="start")
    counts["performed_invalid"] += sum(span(day) is None for _, day in _distinct(starts, ends))
    first, last = _by_row(starts), _by_row(ends)
    return {
        "performed_first": [min(first.get(key, ()), key=_earliest, default=None) for key in keys],
        "performed_last": [max(last.get(key, ()), key=_latest, default=None) for key in keys],
    }


def _distinct(*told: pl.DataFrame) -> set[tuple[str, str]]:
    return set(pl.concat(told).drop_nulls().iter_rows())


def _by_row(told: pl.DataFrame) -> Days:
    days: Days = {}
    for key, day in _distinct(told):
        if span(day) is not None:
            days.setdefault(key, []).append(day)
    return days


def _earliest(day: str) -> tuple[date, int]:
    """Of two that can begin on one day, the one written in full."""
    return _days(day)[0], -len(day)


def _latest(day: str) -> tuple[date, int]:
    return _days(day)[1], len(day)


def _days(day: str) -> tuple[date, date]:
    days = span(day)
    assert days is not None  # kept out by `_by_row`
    return days
