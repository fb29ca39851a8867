"""What dates of events tell of dates that somebody may know, though of other events.

Values are measured during stays, drugs are given for diagnoses: whoever knows when two stays of a person
began knows how many days lie between some of the person's values. So where a date is a quasi-identifier, of a
person or of an event, a date of events may be told neither finer nor by its distance from another. Beside a
quasi-identifier of events it may not be told at all: what is rare leaves, and would be told all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from anonymizer.errors import Problem
from anonymizer.hierarchies.dates import UNITS, Dates
from anonymizer.tables.table import Column, Role
from release.config.columns import matching_keys
from release.config.root import Config
from release.config.tables import DATES
from release.config.time import EVENTS
from release.intake.event_columns import DISCHARGED
from release.intake.families import Families, is_suppressed
from release.intake.time_columns import STAY, changed_dates

_BY_THE_DAY, _NOT_AT_ALL = 0, len(UNITS)


def event_date_problems(
    config: Config,
    columns: Sequence[Column],
    events: Sequence[Column],
    families: Families,
    kinds: Mapping[str, str],
) -> Iterator[Problem]:
    """Which kept columns tell finer what is a quasi-identifier of ``events``, or of people beside them.

    Columns of ``events`` are called ``<table>.<column>``; ``families`` are sets of patients' columns made of
    one element, ``kinds`` tells what declared ones are.
    """
    quasi = [column for column in (*columns, *events) if column.role is Role.QUASI_IDENTIFIER]
    known = [column for column in quasi if _tells_time(column.name) or _is_a_declared_day(column.name, kinds)]
    of_death = frozenset[str]().union(*(family for family in families if DISCHARGED in family))
    deaths = [column.name for column in quasi if column.name in of_death]
    for column in events:
        table, _, name = column.name.partition(".")
        at = ("tables", table, name)
        if column.role is Role.QUASI_IDENTIFIER:
            continue
        if name in DATES and known:
            coarsest = max(known, key=_period)
            if column.name in changed_dates(config) or _released(column) < _period(coarsest):
                yield config.problem(at, _DATE.format(coarsest.name, _remedy(_period(coarsest))))
        elif name == DISCHARGED and deaths and not is_suppressed(column):
            yield config.problem(at, _DEATH.format(deaths[0]))
    # What is rare leaves the events, and a patient's own columns would tell it all the same.
    of_events = [column.name for column in known if _is_of_an_event(column)]
    discharged = [column.name for column in quasi if column.name == f"encounters.{DISCHARGED}"]
    for column in columns:
        if column.role in (Role.IDENTIFIER, Role.QUASI_IDENTIFIER) or is_suppressed(column):
            continue
        key = matching_keys(config.columns, column.name)[0]
        is_a_day = column.name in EVENTS or _is_a_declared_day(column.name, kinds)
        if of_events and is_a_day and column.name not in _shifted(config):
            message = _DATE.format(of_events[0], _remedy(_NOT_AT_ALL))
            yield config.problem(("columns", key), message)
        elif discharged and column.name in of_death:
            yield config.problem(("columns", key), _DEATH.format(discharged[0]))


def _shifted(config: Config) -> Collection[str]:
    """The dates of which what they tell of one another is looked at elsewhere: one alone tells nothing."""
    return () if config.time is None or config.time.shift is None else config.time.shift.columns


def _is_of_an_event(column: Column) -> bool:
    return "." in column.name


def _is_a_declared_day(name: str, kinds: Mapping[str, str]) -> bool:
    return kinds.get(name) == "date"


def _tells_time(name: str) -> bool:
    own = name.rpartition(".")[2]
    return own in EVENTS | DATES or own == STAY


def _period(known: Column) -> int:
    """How coarse a date must be beside a quasi-identifier: as that may get, as far as its unit is known."""
    if _is_of_an_event(known) or known.max_level is None:
        return _NOT_AT_ALL
    return _rank(known, known.max_level, otherwise=_NOT_AT_ALL)


def _released(column: Column) -> int:
    """How coarse a kept date is at least."""
    level = column.release_level
    return _BY_THE_DAY if level is None else _rank(column, level, otherwise=_BY_THE_DAY)


def _rank(column: Column, level: int, *, otherwise: int) -> int:
    """The place of a level's unit among all units, after which comes the top level; else ``otherwise``."""
    names = () if column.hierarchy is None else column.hierarchy.level_names
    if level >= len(names) - 1:
        return _NOT_AT_ALL
    return UNITS.index(names[level]) if isinstance(column.hierarchy, Dates) else otherwise


def _remedy(period: int) -> str:
    return "at the top level (*)" if period == _NOT_AT_ALL else f"by {UNITS[period]} or coarser"


_DATE = (
    "tells of dates that may be known, since {} is a quasi-identifier: leave it out, release it {}, or make "
    "it a quasi-identifier too"
)
_DEATH = "tells who died, and {} is a quasi-identifier: leave it out, or make it a quasi-identifier too"
