"""What dates tell of dates that somebody may know, though of other events.

Values are measured during stays, drugs are given for diagnoses: whoever knows when two stays of a person
began knows how many days lie between some of the person's values. So where a date is a quasi-identifier, of a
person or of an event, another may be told neither finer nor, if it is an event's, by its distance. Beside a
quasi-identifier of events it may not be told at all: what is rare leaves, and would be told all the same.

A length of stay is the days between two dates: it tells of those where both may be known, and they tell it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from anonymizer.errors import Problem
from anonymizer.hierarchies.dates import UNITS, Dates
from anonymizer.tables.table import Column, Role
from release.config.columns import matching_keys
from release.config.root import Config
from release.config.tables import DATES
from release.config.time import EVENTS
from release.intake.births import BIRTH
from release.intake.event_columns import DISCHARGED
from release.intake.families import Families, is_suppressed
from release.intake.time_columns import STAY, changed_dates

_DISTANCE, _BY_THE_DAY, _NOT_AT_ALL = -1, 0, len(UNITS)
_KEPT = (Role.SENSITIVE, Role.INSENSITIVE)
_NUMBERS = ("integer", "number")


def event_date_problems(
    config: Config,
    columns: Sequence[Column],
    events: Sequence[Column],
    families: Families,
    kinds: Mapping[str, str],
) -> Iterator[Problem]:
    """Which kept columns tell finer what is a quasi-identifier, of people or of ``events`` beside them.

    Columns of ``events`` are called ``<table>.<column>``; ``families`` are sets of patients' columns made of
    one element (what is refused within one, `families` tells), ``kinds`` tells what declared ones are.
    """
    days = [column for column in (*columns, *events) if _is_a_day(column.name, families, kinds)]
    known = [column for column in days if column.role is Role.QUASI_IDENTIFIER]
    kept = [column for column in days if column.role in _KEPT and not is_suppressed(column)]
    for column in kept:
        beside = [each for each in known if _tells_of(column, each, kept=kept, known=known)]
        if not _is_of_an_event(column):
            beside = _not_seen_elsewhere(config, column, beside, families)
        if beside and _how_coarse(config, column) < _period(coarsest := max(beside, key=_period)):
            message = _DATE.format(coarsest.name, _remedy(_period(coarsest)), drop=_drop(column.name))
            yield config.problem(_place(config, column), message)
    yield from _deaths(config, columns, events, families)


def _tells_of(column: Column, other: Column, *, kept: Sequence[Column], known: Sequence[Column]) -> bool:
    """Whether a kept column may tell of a known one.

    A length and a single day tell nothing of each other, but of several stays the lengths are several.
    """
    if _is_a_length(column) == _is_a_length(other) or _is_of_an_event(other):
        return True
    return _are_several(known if _is_a_length(column) else kept)


def _are_several(days: Sequence[Column]) -> bool:
    """Whether there are two days of one person; of an event's column there can be."""
    days = [column for column in days if not _is_a_length(column)]
    return len(days) > 1 or any(_is_of_an_event(column) for column in days)


def _not_seen_elsewhere(
    config: Config, column: Column, known: Sequence[Column], families: Families
) -> list[Column]:
    """Those of ``known`` beside which a patient's own kept column is looked at here.

    A quasi-identifier of its family is not; beside patients' own, nor is what `time` changes. What shifted
    dates tell of one another is looked at elsewhere: one alone tells nothing.
    """
    if config.time is not None and config.time.shift is not None and column.name in config.time.shift.columns:
        return []
    if column.name in changed_dates(config):
        return [each for each in known if _is_of_an_event(each)]
    kin = frozenset[str]().union(*(family for family in families if column.name in family))
    return [each for each in known if each.name not in kin]


def _deaths(
    config: Config, columns: Sequence[Column], events: Sequence[Column], families: Families
) -> Iterator[Problem]:
    """What tells who died beside a quasi-identifier that does, one of them being an event's."""
    of_death = frozenset[str]().union(*(family for family in families if DISCHARGED in family))
    own = [column for column in columns if column.name in of_death]
    discharged = [column for column in events if column.name == f"encounters.{DISCHARGED}"]
    for some, others in ((own, discharged), (discharged, own)):
        known = [column.name for column in others if column.role is Role.QUASI_IDENTIFIER]
        for column in some if known else ():
            if column.role in _KEPT and not is_suppressed(column):
                message = _DEATH.format(known[0], drop=_drop(column.name))
                yield config.problem(_place(config, column), message)


def _place(config: Config, column: Column) -> tuple[str, ...]:
    if _is_of_an_event(column):
        return ("tables", *column.name.split(".", 1))
    return "columns", matching_keys(config.columns, column.name)[0]


def _drop(name: str) -> str:
    return "leave it out" if "." in name else "drop it (identifier)"


def _is_of_an_event(column: Column) -> bool:
    return "." in column.name


def _is_a_length(column: Column) -> bool:
    return column.name.rpartition(".")[2] == STAY


def _is_a_day(name: str, families: Families, kinds: Mapping[str, str]) -> bool:
    """Whether a column tells when something happened that is no birth, or how long it lasted."""
    if name.rpartition(".")[2] in EVENTS | DATES | {STAY}:
        return True
    own = [family for family in families if name in family]
    if kinds.get(name) in _NUMBERS:
        return any(STAY in family for family in own)
    return kinds.get(name) == "date" and not (own and all(BIRTH in family for family in own))


def _how_coarse(config: Config, column: Column) -> int:
    """How coarse a kept date is at least; days since another tell more than a day that may be known."""
    if column.name in changed_dates(config):
        return _DISTANCE
    level = column.release_level
    return _BY_THE_DAY if level is None else _rank(column, level, otherwise=_BY_THE_DAY)


def _period(known: Column) -> int:
    """How coarse a date must be beside a quasi-identifier: as that may get, as far as its unit is known."""
    if _is_of_an_event(known) or known.max_level is None:
        return _NOT_AT_ALL
    return _rank(known, known.max_level, otherwise=_NOT_AT_ALL)


def _rank(column: Column, level: int, *, otherwise: int) -> int:
    """The place of a level's unit among all units, after which comes the top level; else ``otherwise``."""
    names = () if column.hierarchy is None else column.hierarchy.level_names
    if level >= len(names) - 1:
        return _NOT_AT_ALL
    return UNITS.index(names[level]) if isinstance(column.hierarchy, Dates) else otherwise


def _remedy(period: int) -> str:
    return "at the top level (*)" if period == _NOT_AT_ALL else f"by {UNITS[period]} or coarser"


_DATE = (
    "tells of dates that may be known, since {} is a quasi-identifier: {drop}, release it {}, or make "
    "it a quasi-identifier too"
)
_DEATH = "tells who died, and {} is a quasi-identifier: {drop}, or make it a quasi-identifier too"
