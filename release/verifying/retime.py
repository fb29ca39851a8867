"""Changed dates once more: every person's move by its literal definition, and each date by the calendar.

Nothing of the code that changed them is used, only the record of what was to be done, and the secret as it
lies on disk.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from anonymizer.errors import VerificationFailed
from anonymizer.tables.table import Role, Table
from anonymizer.transforming.timing import Relative, Shift, Timing
from release.files.shift_secret import kept_secret
from release.files.staging import Staging

Cell = str | date | None


def recorded(timing: Timing, staging: Staging) -> Timing:
    """The same treatment of dates, with the secret that was kept; raises ``VerificationFailed``."""
    if timing.shift is None:
        return timing
    return replace(timing, shift=replace(timing.shift, secret=kept_secret(staging, timing.shift)))


def retimed(table: Table, timing: Timing, *, beginning: Table | None = None) -> Mapping[str, pl.Series]:
    """Every changed column as it must be released, in the order of the input's rows.

    The first day that others are relative to stands in ``beginning``, by default in the table itself.

    Raises:
        VerificationFailed: a column is changed that is a quasi-identifier or dropped, or is changed twice.
    """
    _check_columns(table, timing)
    columns: dict[str, pl.Series] = {}
    if timing.shift is not None:
        columns |= _shifted(table, timing.shift)
    if timing.relative is not None:
        columns |= _relative(table, timing.relative, beginning)
    return columns


def _check_columns(table: Table, timing: Timing) -> None:
    roles = {column.name: column.role for column in table}
    named = [
        *(timing.shift.columns if timing.shift else ()),
        *(timing.relative.columns if timing.relative else ()),
    ]
    if len(set(named)) < len(named):
        raise VerificationFailed("a date is changed twice")
    for name in named:
        if roles.get(name) not in (Role.SENSITIVE, Role.INSENSITIVE):
            raise VerificationFailed("a date is changed that is a quasi-identifier or dropped", column=name)


def _shifted(table: Table, shift: Shift) -> dict[str, pl.Series]:
    if table.subject is None:
        raise VerificationFailed("dates are shifted of people whom no column names")
    possible = [
        days for days in range(-shift.days, shift.days + 1) if days and not (shift.keep_weekday and days % 7)
    ]
    people = table.frame[table.subject].to_list()
    moves = {person: timedelta(days=_days(shift, possible, person)) for person in set(people)}
    return {
        name: pl.Series(
            name,
            [_moved(cell, moves[who]) for cell, who in zip(table.frame[name].to_list(), people, strict=True)],
            dtype=table.frame.schema[name],
        )
        for name in shift.columns
    }


def _days(shift: Shift, possible: Sequence[int], person: str) -> int:
    """The days at the place that the person's HMAC has among all that are possible."""
    weekday = "1" if shift.keep_weekday else "0"
    message = "\0".join(("clinical-anon date shift", str(shift.days), weekday, person))
    digest = hmac.new(shift.secret, message.encode(), "sha256").hexdigest()
    return possible[int(digest, 16) % len(possible)]


def _moved(cell: Cell, by: timedelta) -> Cell:
    """A date moved; a partial one by the 15th of its month or the 2 July of its year, and as precise."""
    if cell is None:
        return None
    text = str(cell)
    try:
        moved = date.fromisoformat(text + {4: "-07-02", 7: "-15", 10: ""}[len(text)]) + by
    except OverflowError:
        return None
    return moved if isinstance(cell, date) else moved.isoformat()[: len(text)]


def _relative(table: Table, relative: Relative, beginning: Table | None) -> dict[str, pl.Series]:
    first = table if beginning is None else beginning
    people, others = (table.people, first.people) if beginning is None else (_named(table), _named(first))
    of_person: dict[object, list[str]] = {}
    for who, cell in zip(others.to_list(), first.frame[relative.to].to_list(), strict=True):
        if cell is not None:
            of_person.setdefault(who, []).append(str(cell))
    start = {who: _first(days) for who, days in of_person.items()}
    return {
        name: pl.Series(
            name,
            [
                _between(start.get(who), cell)
                for who, cell in zip(people.to_list(), table.frame[name].to_list(), strict=True)
            ],
            dtype=pl.Int64,
        )
        for name in relative.columns
    }


def _named(table: Table) -> pl.Series:
    """Whom each row is about, by the id that links it to another table."""
    if table.subject is None:
        raise VerificationFailed("dates are relative to those of people whom no column names")
    return table.frame[table.subject]


def _first(days: Sequence[str]) -> date | None:
    """The first day; none where all are partial, or where a partial one may mean an earlier day."""
    whole = [date.fromisoformat(day) for day in days if len(day) == 10]
    begins = [date.fromisoformat(day + "-01-01"[len(day) - 4 :]) for day in days if len(day) < 10]
    if not whole or min([min(whole), *begins]) < min(whole):
        return None
    return min(whole)


def _between(start: date | None, cell: Cell) -> int | None:
    if start is None or cell is None or len(str(cell)) < 10:
        return None
    return (date.fromisoformat(str(cell)) - start).days
