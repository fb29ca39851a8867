"""What shifted dates and relative times still tell, and which combinations of columns that makes unsafe.

A shifted date alone tells nothing of the day beyond `days` forwards or backwards. But it leaves two things:

- the *intervals* between the dates of a person. An interval that is a quasi-identifier itself (the length of
  stay), or determines one, would be released finer than the quasi-identifier is;
- the *shift*, which whoever finds it undoes in all dates of the person. A date that is released by the
  calendar (however coarse), and lies near a shifted one, tells the shift.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import polars as pl

from anonymizer.errors import Problem
from anonymizer.hierarchies.dates import Dates
from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.timing import Relative, Timing, first_days, since, timed
from release.config.root import Config
from release.config.tables import DATES
from release.config.time import EVENTS
from release.intake.families import Families

STAY = "length_of_stay_days"
_STAYS = frozenset({STAY, f"encounters.{STAY}"})
_KEPT = (Role.SENSITIVE, Role.INSENSITIVE)


def changed_dates(config: Config) -> frozenset[str]:
    """The columns whose dates are shifted or told since an event."""
    return frozenset() if config.time is None else config.time.columns


def export_time_problems(
    config: Config, columns: Sequence[Column], families: Families, events: Sequence[Column] = ()
) -> Iterator[Problem]:
    """What is unsafe about an export's changed dates; its columns' meanings are known.

    ``events`` are the columns of further tables, each called ``<table>.<column>``; what is unsafe about
    their own changed dates, `event_dates` tells.
    """
    if config.time is None:
        return
    sets = [frozenset(family) for family in families]
    quasi = {column.name for column in (*columns, *events) if column.role is Role.QUASI_IDENTIFIER}
    for at, name in config.time.named:
        beside = {other for family in sets if name in family for other in quasi & family} - _STAYS
        for other in sorted(beside):
            yield config.problem(("time", *at), _IN_FAMILY.format(name, other))
    if quasi & _STAYS and (len(config.time.columns) > 1 or config.time.relative is not None):
        yield config.problem(("time",), _STAY)
    if config.time.shift is not None:
        dated = (EVENTS | {column.name for column in events if _is_a_date(column)}) - config.time.columns
        for column in (*columns, *events):
            if column.name in dated and is_on_the_calendar(column):
                message = _CALENDAR.format(column.name, drop=_drop(column.name))
                yield config.problem(("time", "shift"), message)


def _is_a_date(column: Column) -> bool:
    return column.name.partition(".")[2] in DATES


def _drop(name: str) -> str:
    return "leave it out" if "." in name else "drop it (identifier)"


def table_time_problems(config: Config, table: Table, accepted: Collection[str]) -> Iterator[Problem]:
    """Which dates of a plain table lie so near a shifted one that they tell its shift."""
    shift = None if config.time is None else config.time.shift
    if shift is None:
        return
    by_calendar = [
        column
        for column in table
        if column.name not in changed_dates(config)
        and is_on_the_calendar(column)
        and (isinstance(column.hierarchy, Dates) or table.frame.schema[column.name] == pl.Date)
    ]
    for index, name in enumerate(shift.columns):
        for column in by_calendar if name not in accepted else ():
            if _is_near(table.frame[name], table.frame[column.name], 2 * shift.days):
                remedy = "or write accept_dependency: true for the shifted one"
                message = f"{_CALENDAR.format(column.name, drop=_drop(''))}, {remedy}"
                yield config.problem(("time", "shift", "columns", index), message)


def with_intervals(config: Config, table: Table, accepted: Collection[str]) -> Table:
    """The table as its changed dates tell it: intervals in place of shifted dates, days in place of others.

    An interval between two shifted columns is a column of its own, called ``a … b``; a shifted date alone
    tells nothing that could determine a column. Intervals of ``accepted`` columns are left out.
    """
    if config.time is None:
        return table
    shift, relative = config.time.shift, config.time.relative
    if relative is not None:
        table = timed(table, Timing(relative=Relative(relative.columns, relative.to))).table
    if shift is None:
        return table
    frame, columns = table.frame, [c for c in table.columns if c.name not in shift.columns]
    own = pl.int_range(frame.height, eager=True)
    for a, b in combinations([name for name in shift.columns if name not in accepted], 2):
        interval = since(frame[b], first_days(frame[a], own))[0].alias(f"{a} … {b}")
        frame = frame.with_columns(interval)
        columns.append(Column(interval.name, Role.INSENSITIVE))
    return replace(table, frame=frame.select(c.name for c in columns), columns=tuple(columns))


def is_on_the_calendar(column: Column) -> bool:
    """Whether a date is released as one, however coarse, if it is not changed."""
    top = None if column.hierarchy is None else len(column.hierarchy.level_names) - 1
    if column.role is Role.QUASI_IDENTIFIER:
        return column.min_level != top
    return column.role in _KEPT and (column.release_level is None or column.release_level != top)


def _is_near(shifted: pl.Series, other: pl.Series, width: int) -> bool:
    """Whether half of the rows have an interval between the columns within ``width`` days of one another.

    Then an attacker who guesses the usual interval knows the shift better than that it is one of ``width``.
    """
    own = pl.int_range(len(shifted), eager=True)
    intervals = since(shifted, first_days(other, own))[0].drop_nulls().sort().to_numpy()
    half = (len(intervals) + 1) // 2
    if not half:
        return False
    spans = intervals[half - 1 :] - intervals[: len(intervals) - half + 1]
    return bool(np.min(spans) <= width)


_IN_FAMILY = (
    "{0} comes from the same source element as the quasi-identifier {1}, which it would tell finer; drop "
    "it (identifier), or make it a quasi-identifier too and leave it out here"
)
_STAY = (
    f"{STAY} is a quasi-identifier, and the days between two events may be the stay exactly: beside it one "
    "date may be shifted, and none be told as relative time"
)
_CALENDAR = (
    "{} is released by the calendar: near a shifted date it tells the shift, which undoes it for all dates "
    "of the person; shift it too, {drop}, or release it at the top level (*)"
)
