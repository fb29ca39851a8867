"""Dates told without their day: moved by a number of days of each person's own, or counted from an event.

A *shift* moves all dates of a person by the same number of days, so that every interval between them is kept
and nothing else is. How many, an HMAC-SHA-256 (RFC 2104, FIPS 198-1) of the person's id under a secret tells:
nobody can tell it who does not have the secret, and who has it needs no table of people. *Relative time* is
the number of days since a person's first day in another column.

Neither is a generalisation: a shifted date stands for no set of days. It is nothing for a quasi-identifier.
"""

from __future__ import annotations

import calendar
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import TypeVar

import polars as pl

from anonymizer.tables.table import Table

WEEK = 7
_DOMAIN = "clinical-anon date shift"
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_FORMS = ("%Y-%m-%d", "%Y-%m", "%Y")
_FIRST, _LAST = date.min, date.max
_WHOLE_MONTH, _WHOLE_YEAR = 1, 2
"""How much of a date is unknown; 0 where it is a day."""


@dataclass(frozen=True, slots=True)
class Shift:
    """All dates of a person in ``columns`` move by the same days, from 1 to ``days`` forwards or backwards.

    With ``keep_weekday`` they are whole weeks. ``secret`` decides how many; ``secret_file`` is where it lies
    if that is not the run's ``internal/``.
    """

    columns: tuple[str, ...]
    days: int
    keep_weekday: bool
    secret: bytes = field(repr=False)
    secret_file: Path | None = None

    @property
    def steps(self) -> int:
        """How many steps of a day, or of a week, a date may move in one direction."""
        return self.days // WEEK if self.keep_weekday else self.days


@dataclass(frozen=True, slots=True)
class Relative:
    """``columns`` are told as days since the person's first day in the column ``to``."""

    columns: tuple[str, ...]
    to: str


@dataclass(frozen=True, slots=True)
class Timing:
    """How dates are released that are not released as they are."""

    shift: Shift | None = None
    relative: Relative | None = None

    @property
    def columns(self) -> frozenset[str]:
        """Every column whose dates are changed."""
        shifted = () if self.shift is None else self.shift.columns
        return frozenset((*shifted, *(() if self.relative is None else self.relative.columns)))

    def of_table(self, name: str) -> Timing:
        """What of it is about the table ``name``, whose columns it calls ``<name>.<column>``."""
        prefix = f"{name}."
        return self._of(lambda column: column.removeprefix(prefix) if column.startswith(prefix) else None)

    def beside(self, tables: Iterable[str]) -> Timing:
        """What of it is about the table of people, whose columns it calls by their names alone."""
        prefixes = tuple(f"{name}." for name in tables)
        return self._of(lambda column: None if column.startswith(prefixes) else column)

    def _of(self, own: Callable[[str], str | None]) -> Timing:
        """The same for the columns that ``own`` gives a name."""
        shift, relative = self.shift, self.relative
        return Timing(
            None if shift is None else _with_columns(shift, own),
            None if relative is None else _with_columns(relative, own),
        )


_Changed = TypeVar("_Changed", Shift, Relative)


def _with_columns(changed: _Changed, own: Callable[[str], str | None]) -> _Changed | None:
    columns = tuple(name for name in map(own, changed.columns) if name is not None)
    return replace(changed, columns=columns) if columns else None


@dataclass(frozen=True, slots=True)
class Timed:
    """The table with its dates as ``timing`` tells them, and by column how many cells met which rule."""

    table: Table
    timing: Timing
    counts: Mapping[str, Mapping[str, int]]


def days_of(shift: Shift, person: str) -> int:
    """The days by which the dates of ``person`` move: uniform over all that are possible, never 0.

    The reduction of 256 bits to fewer than 2^16 steps is uniform up to 2^-240.
    """
    message = f"{_DOMAIN}\0{shift.days}\0{int(shift.keep_weekday)}\0{person}".encode()
    steps = shift.steps
    place = int.from_bytes(hmac.digest(shift.secret, message, "sha256"), "big") % (2 * steps)
    return (place - steps if place < steps else place - steps + 1) * (WEEK if shift.keep_weekday else 1)


def timed(table: Table, timing: Timing, *, people: Table | None = None) -> Timed:
    """The table with shifted dates and relative times in place of its dates; all other columns as they are.

    Days are counted from a column of ``people`` where the table is about events of theirs.

    Text stays text and dates stay dates; relative times are Int64. Missing stays missing. A partial date is
    shifted by its middle day and keeps its precision; relative to it, or since it, nothing is told. A date
    that would leave the calendar (years 1 to 9999) becomes missing.
    """
    columns: list[pl.Series] = []
    counts: dict[str, dict[str, int]] = {}
    if timing.shift is not None:
        offsets = _offsets(table, timing.shift)
        for name in timing.shift.columns:
            cells, counts[name] = shifted(table.frame[name], offsets)
            columns.append(cells)
    if timing.relative is not None:
        start = _starts(table, timing.relative, people)
        for name in timing.relative.columns:
            cells, counts[name] = since(table.frame[name], start)
            columns.append(cells)
    return Timed(replace(table, frame=table.frame.with_columns(columns)), timing, counts)


def shifted(cells: pl.Series, offsets: pl.Series) -> tuple[pl.Series, dict[str, int]]:
    """String or Date ``cells`` moved by Int64 ``offsets`` days, and counts of what happened to them."""
    told = _told(cells)
    moved = told["middle"].cast(pl.Int64) + offsets + _EPOCH
    inside = (moved >= _FIRST.toordinal()) & (moved <= _LAST.toordinal())
    days = pl.select(pl.when(inside).then(moved - _EPOCH)).to_series().cast(pl.Int32).cast(pl.Date)
    unknown = told["unknown"]
    counts = {
        "shifted": len(days) - days.null_count(),
        "partial": int((unknown > 0).sum()),
        "missing_outside_the_calendar": days.null_count() - cells.null_count(),
    }
    if cells.dtype == pl.Date:
        return days.alias(cells.name), counts
    frame = pl.DataFrame({"day": days, "unknown": unknown})
    text = pl.coalesce(
        pl.when(pl.col("unknown") == part).then(pl.col("day").dt.strftime(form))
        for part, form in enumerate(_FORMS)
    )
    return frame.select(text.alias(cells.name)).to_series(), counts


def first_days(cells: pl.Series, people: pl.Series) -> pl.Series:
    """Each row's person's earliest day among their ``cells``, as Date.

    Missing where there is none, and where a partial date might lie before it.
    """
    told = _told(cells).with_columns(people.alias("person"))
    whole = pl.col("unknown") == 0
    day = pl.col("middle").filter(whole).min().over("person")
    partly = pl.col("first").filter(~whole).min().over("person")
    certain = partly.is_null() | (partly >= day)
    return told.select(pl.when(certain).then(day).alias("start")).to_series()


def since(cells: pl.Series, start: pl.Series) -> tuple[pl.Series, dict[str, int]]:
    """The days from each row's ``start`` to its ``cells`` as Int64, and counts of what is missing why."""
    told = _told(cells).with_columns(start.alias("start"))
    partial = pl.col("unknown") > 0
    days = (pl.col("middle").cast(pl.Int64) - pl.col("start").cast(pl.Int64)).alias(cells.name)
    frame = told.select(
        pl.when(~partial).then(days),
        partial.fill_null(value=False).alias("partial"),
        (~partial & pl.col("start").is_null()).fill_null(value=False).alias("lost"),
    )
    counts = {
        "told": len(cells) - frame[cells.name].null_count(),
        "missing_for_a_partial_date": int(frame["partial"].sum()),
        "missing_for_want_of_a_first_day": int(frame["lost"].sum()),
    }
    return frame[cells.name], counts


_EPOCH = date(1970, 1, 1).toordinal()


def _starts(table: Table, relative: Relative, people: Table | None) -> pl.Series:
    """The day from which each row's days are counted."""
    if people is None:
        return first_days(table.frame[relative.to], table.people)
    if table.subject is None or people.subject is None:
        raise ValueError("events need the column that names the person")
    start = first_days(people.frame[relative.to], people.people)
    of_people = pl.DataFrame([people.frame[people.subject].alias("owner"), start.alias("start")])
    owners = table.frame.select(pl.col(table.subject).alias("owner"))
    return owners.join(of_people.unique("owner"), on="owner", how="left", maintain_order="left")["start"]


def _offsets(table: Table, shift: Shift) -> pl.Series:
    if table.subject is None:
        raise ValueError("a shift needs the column that names the person")
    people = table.frame[table.subject]
    distinct = people.unique()
    drawn = pl.Series([days_of(shift, person) for person in distinct], dtype=pl.Int64)
    return people.replace_strict(distinct, drawn, default=None, return_dtype=pl.Int64)


def _told(cells: pl.Series) -> pl.DataFrame:
    """By row the ``first`` and the ``middle`` day that a date can mean, and how much of it is ``unknown``."""
    if cells.dtype == pl.Date:
        whole = pl.when(cells.is_not_null()).then(0).cast(pl.Int8)
        return pl.select(first=cells, middle=cells, unknown=whole)
    distinct = cells.drop_nulls().unique()
    read = [read_date(text) for text in distinct]
    columns = [pl.Series(days, dtype=pl.Date) for days in ([r[0] for r in read], [r[1] for r in read])]
    parts = pl.Series([r[2] for r in read], dtype=pl.Int8)
    first, middle = (
        cells.replace_strict(distinct, days, default=None, return_dtype=pl.Date) for days in columns
    )
    unknown = cells.replace_strict(distinct, parts, default=None, return_dtype=pl.Int8)
    return pl.DataFrame({"first": first, "middle": middle, "unknown": unknown})


def read_date(text: str) -> tuple[date, date, int]:
    """The first and the middle day that an ISO date can mean, and how much of it is unknown.

    The middle of a month is its 15th, of a year its 2 July. Raises ``ValueError`` for what is no date,
    without its text.
    """
    shape = _DATE.fullmatch(text)
    if shape is None:
        raise ValueError("no date")
    year, month, day = shape.groups()
    try:
        first = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        raise ValueError("no date") from None
    if day:
        return first, first, 0
    if month:
        return first, first.replace(day=15), _WHOLE_MONTH
    return first, first.replace(month=7, day=2), _WHOLE_YEAR


def last_day(text: str) -> date:
    """The last day that an ISO date can mean; raises ``ValueError`` as ``read_date`` does."""
    first, _, unknown = read_date(text)
    if unknown == _WHOLE_YEAR:
        return date(first.year, 12, 31)
    if unknown == _WHOLE_MONTH:
        return date(first.year, first.month, calendar.monthrange(first.year, first.month)[1])
    return first
