"""Kept dates of birth, which would tell ages over 89: few people are so old, and they are known.

As an age is top-coded, the births of people who are over 89, or may be, become missing; whatever else is made
of the date of birth cannot be kept. A quasi-identifier may tell more: at least k people share what is told of
each. So may a column that is released no finer than a quasi-identifier of the same element.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from anonymizer.errors import Problem
from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.timing import read_date
from release.config.columns import matching_keys
from release.config.root import Config

BIRTH, AGE = "birth_date", "age_years"
_TOO_OLD = 90
Families = Iterable[Collection[str]]


def without_oldest(
    config: Config, columns: Sequence[Column], families: Families, kinds: Mapping[str, str]
) -> tuple[Column, ...]:
    """The columns of an export, kept dates of birth with the first day of which they may tell."""
    first = _birthday(config.reference_date, _TOO_OLD) + timedelta(days=1)
    births = _kept_births(columns, families)
    return tuple(
        replace(column, first_day=first)
        if column.name in births and kinds.get(column.name, "date") == "date"
        else column
        for column in columns
    )


def birth_problems(
    config: Config, columns: Sequence[Column], families: Families, kinds: Mapping[str, str]
) -> Iterator[Problem]:
    """The kept columns made of the date of birth that are no dates: an age, a year, or what depends on it."""
    for name in sorted(_kept_births(columns, families)):
        if kinds.get(name, "date") != "date":
            key = matching_keys(config.columns, name)[0]
            yield config.problem(("columns", key), _TELLS.format(name))


def cut_births(table: Table) -> tuple[Table, dict[str, int]]:
    """The table without the days before each column's first, and by column how many those were.

    A partial date that may lie before it counts as such.
    """
    counts = {}
    frame = table.frame
    for column in table.columns:
        if column.first_day is not None and frame.schema[column.name] == pl.String:
            cells = frame[column.name]
            early = [day for day in cells.unique().drop_nulls() if read_date(day)[0] < column.first_day]
            is_early = cells.is_in(early).fill_null(value=False)
            counts[column.name] = int(is_early.sum())
            kept = pl.select(pl.when(~is_early).then(cells).alias(column.name)).to_series()
            frame = frame.with_columns(kept)
    return replace(table, frame=frame), counts


def _kept_births(columns: Sequence[Column], families: Families) -> frozenset[str]:
    """The kept columns made of the date of birth, where none of them is a quasi-identifier."""
    made = {BIRTH, AGE}.union(*(family for family in families if BIRTH in family))
    members = [column for column in columns if column.name in made]
    if any(column.role is Role.QUASI_IDENTIFIER for column in members):
        return frozenset()
    kept = (column.name for column in members if column.role is not Role.IDENTIFIER)
    return frozenset(kept) - {AGE}


def _birthday(day: date, years: int) -> date:
    """The last birthday of those who are ``years`` old on ``day`` or older."""
    leap = day.month == 2 and day.day == 29
    return day.replace(year=day.year - years, day=28) if leap else day.replace(year=day.year - years)


_TELLS = (
    "{!r} is made of the date of birth, or may be, and tells ages over 89; drop it (identifier) and "
    "release age_years, which is top-coded at 90; make it a quasi-identifier; or let the view give the date "
    "itself"
)
