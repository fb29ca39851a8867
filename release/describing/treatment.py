"""What was done to each column, in words and numbers that may leave the house."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from anonymizer.tables.table import Column, Role
from anonymizer.transforming.microaggregation import Microaggregation
from anonymizer.transforming.timing import Timing
from release.deciding.averaging import demand_on
from release.files.tables import Types, types
from release.verifying.labels import Span
from release.verifying.promise import Promise
from release.verifying.recount import PERSON
from risk.facts import ReleasedColumn

KEY = ReleasedColumn(
    PERSON, "key", "string", None, None, None, "random, the same for a person in every table"
)
"""The column that links the tables of a release of several; a one-table release has none."""


_DRAWN = "drawn from a model"


def released_columns(promise: Promise, types: Types) -> tuple[ReleasedColumn, ...]:
    """Every released column but a key: role, type, level, and what was done to it.

    Those of a table of events are told by ``promise.of_events``.
    """
    return tuple(_described(column, promise, types[column.name]) for column in promise.table.released)


def synthetic_columns(columns: Sequence[Column], frame: pl.DataFrame) -> tuple[ReleasedColumn, ...]:
    """The columns of a synthetic table, whose values have the levels of the table that was learned from."""
    told = types(frame)
    return tuple(
        ReleasedColumn(column.name, roles_of(column), told[column.name], None, None, None, _DRAWN)
        for column in columns
    )


def level_of(column: Column, promise: Promise) -> int | None:
    """The level at which a column is released, the lowest where it has several; None where it has none."""
    if column.role is not Role.QUASI_IDENTIFIER:
        return column.release_level
    span = span_of(column, promise)
    return promise.transformation[column.name] if span is None else span[0]


def span_of(column: Column, promise: Promise) -> Span | None:
    """The lowest and the highest level of a column that is recoded; None for any other."""
    if promise.recoding is None or column.role is not Role.QUASI_IDENTIFIER:
        return None
    return promise.recoding.span(promise.table.quasi_identifiers.index(column))


def roles_of(column: Column) -> str:
    """The column's role, or both where a quasi-identifier is sensitive as well."""
    both = column.sensitive and column.role is Role.QUASI_IDENTIFIER
    return f"{column.role}, {Role.SENSITIVE}" if both else str(column.role)


def changed_in_words(column: str, timing: Timing) -> str | None:
    """How a column's dates are released, for whoever gets them; ``None`` where they are not changed."""
    shift, relative = timing.shift, timing.relative
    if shift is not None and column in shift.columns:
        weeks = " of whole weeks" if shift.keep_weekday else ""
        return f"moved by a secret number of days{weeks}, at most {shift.days}, one for all dates of a person"
    if relative is not None and column in relative.columns:
        return f"told as days since the person's first {relative.to}"
    return None


def _described(column: Column, promise: Promise, type_: str) -> ReleasedColumn:
    level = level_of(column, promise)
    names = column.hierarchy.level_names if column.hierarchy and level is not None else ()
    height = len(names) - 1 if names else None
    level_name = names[level] if names and level is not None else None
    span = span_of(column, promise)
    highest = None if span is None or span[0] == span[1] else span[1]
    treatment = _treatment(column, level, height, level_name)
    if highest is not None:
        level_name = f"{level_name} to {names[highest]}"
        treatment = f"recoded class by class to levels {level} to {highest} of {height} ({level_name})"
    treatment = changed_in_words(column.name, promise.timing) or treatment
    if column.first_day is not None:
        treatment = f"{treatment}, of those born from {column.first_day} on; missing for who may be older"
    if averaged := demand_on(column.name, promise.groupings):
        treatment = _with_means(treatment, averaged)
    return ReleasedColumn(column.name, roles_of(column), type_, level, height, level_name, treatment, highest)


def _clipped(low: float | None, high: float | None) -> str:
    if low is None:
        return f"clipped to at most {high:g}"
    return f"clipped to at least {low:g}" if high is None else f"clipped to {low:g} … {high:g}"


def _with_means(treatment: str, averaged: Microaggregation) -> str:
    before = "" if treatment == "unchanged" else f"{treatment}, then "
    together = f" of {', '.join(averaged.columns)}" if len(averaged.columns) > 1 else ""
    return f"{before}replaced by the mean{together} over groups of at least {averaged.k} people"


def _treatment(column: Column, level: int | None, height: int | None, level_name: str | None) -> str:
    if column.clip is not None:
        return _clipped(*column.clip)
    if level is None:
        return "unchanged"
    if level == height:
        return "suppressed in every row (*)"
    if level == 0:
        return "not generalised"
    return f"generalised to level {level} of {height} ({level_name})"
