"""What dates of events tell of dates that somebody may know, though of other events.

Values are measured during stays, drugs are given for diagnoses: whoever knows when two stays of a person
began knows how many days lie between some of the person's values. So where a date is a quasi-identifier, of a
person or of an event, at whatever level it is released, a date of events may be told neither finer nor by its
distance from another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from anonymizer.errors import Problem
from anonymizer.hierarchies.dates import UNITS, Dates
from anonymizer.tables.table import Column, Role
from release.config.root import Config
from release.config.tables import DATES
from release.config.time import EVENTS
from release.intake.time_columns import STAY, changed_dates

_FINEST, _COARSEST = 0, len(UNITS)
_MESSAGE = (
    "tells of dates that may be known, since {} is a quasi-identifier: leave it out, release it at a level "
    "that is no finer, or make it a quasi-identifier too"
)
_DIED = "tells who died, and {} is a quasi-identifier: leave it out, or make it a quasi-identifier too"


def event_date_problems(
    config: Config, columns: Sequence[Column], events: Sequence[Column]
) -> Iterator[Problem]:
    """Which columns of events, called ``<table>.<column>``, tell finer what is a quasi-identifier."""
    quasi = [column for column in (*columns, *events) if column.role is Role.QUASI_IDENTIFIER]
    known = [column for column in quasi if _tells_time(column.name)]
    deaths = [column.name for column in quasi if column.name in ("deceased", "death_date")]
    for column in events:
        if column.role is Role.QUASI_IDENTIFIER:
            continue
        table, _, name = column.name.partition(".")
        if name in DATES:
            is_told = column.name in changed_dates(config)
            for finer in (each for each in known if is_told or _released(column) < _period(each)):
                yield config.problem(("tables", table, name), _MESSAGE.format(finer.name))
                break
        elif name == "discharge_reason" and deaths and _released(column) < _COARSEST:
            yield config.problem(("tables", table, name), _DIED.format(deaths[0]))


def _tells_time(name: str) -> bool:
    own = name.rpartition(".")[2]
    return own in EVENTS | DATES or own == STAY


def _period(known: Column) -> int:
    """How coarse a quasi-identifier may be released: its unit's rank; where it is no date, the coarsest."""
    if not isinstance(known.hierarchy, Dates) or known.max_level is None:
        return _COARSEST
    return _rank(known, known.max_level, otherwise=_COARSEST)


def _released(column: Column) -> int:
    """How coarse a kept column is released at least."""
    return _FINEST if column.release_level is None else _rank(column, column.release_level, otherwise=_FINEST)


def _rank(column: Column, level: int, *, otherwise: int) -> int:
    names = () if column.hierarchy is None else column.hierarchy.level_names
    if level == len(names) - 1:
        return _COARSEST
    return UNITS.index(names[level]) if isinstance(column.hierarchy, Dates) else otherwise
