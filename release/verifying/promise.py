"""What a release promises: the decisions of a run, as the verifier holds them against the staged bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from math import floor
from typing import Literal

import polars as pl

from anonymizer.criteria import Criterion
from anonymizer.private.sample import PrivateSample
from anonymizer.tables.table import Role, Table
from anonymizer.transforming.microaggregation import Grouping
from anonymizer.transforming.timing import Timing
from release.verifying.recoding_map import RecodingMap
from release.verifying.verdicts import column_of, columns_repaired, rests_on


@dataclass(frozen=True, slots=True)
class Promise:
    """The input, what was decided about it, and the files ``<table_name>.<format>`` that hold the result.

    ``transformation`` maps each quasi-identifier to its level; at most ``floor(suppression_limit * rows)``
    rows are suppressed, by dropping them or by starring them where the starred class meets every criterion.
    ``table`` holds the sample alone where the release is differentially ``private``. ``groupings`` say which
    rows' numbers were averaged. ``removed_codes`` tells by list column what left the lists of which class:
    its labels ``q0``, ``q1``, … and a ``code``. Where there is a ``recoding``, its map has the levels, and
    which rows are suppressed; ``transformation`` then says nothing of the release. ``timing`` says which
    dates are shifted or told since an event; the tables hold them as they were. ``events`` are the further
    tables of a release of several, as they were read: what each person's key links to the row in ``table``.
    Where there is a day of ``fhir``, all tables are there as resources once more, of that day.
    """

    table: Table
    table_name: str
    formats: tuple[str, ...]
    transformation: Mapping[str, int]
    criteria: tuple[Criterion, ...]
    suppression_limit: float | Fraction
    suppressed: Literal["drop", "star"] = "drop"
    private: PrivateSample | None = None
    groupings: tuple[Grouping, ...] = ()
    removed_codes: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    recoding: RecodingMap | None = None
    timing: Timing = field(default_factory=Timing)
    events: Mapping[str, Table] = field(default_factory=dict)
    fhir: date | None = None

    @property
    def rows_in(self) -> int:
        """The rows of the whole input."""
        return (self.table if self.private is None else self.private.input).frame.height

    @property
    def most_suppressed(self) -> int:
        """The largest number of rows the limit allows, exactly: 0.29 of 100 rows are 29, in floats 28."""
        return floor(Fraction(str(self.suppression_limit)) * self.table.frame.height)

    @property
    def own_timing(self) -> Timing:
        """How dates of ``table`` itself are released; those of another are called ``<table>.<column>``."""
        others = tuple(f"{name}." for name in self.events)
        return _only(self.timing, [name for name in self.timing.columns if not name.startswith(others)], "")

    def of_events(self, name: str) -> Promise:
        """What is promised of one of the ``events`` as of a table of its own: fixed levels, and dates."""
        table, prefix = self.events[name], f"{name}."
        timed = [each for each in self.timing.columns if each.startswith(prefix)]
        return replace(
            self,
            table=table,
            table_name=name,
            transformation={column.name: column.min_level for column in table.quasi_identifiers},
            criteria=(),
            removed_codes={},
            timing=_only(self.timing, timed, prefix),
            events={},
        )

    def is_recountable(self, criterion: Criterion, *, row_is_person: bool) -> bool:
        """Whether anybody can count the criterion again from the release alone.

        That takes released rows that are people, for l-diversity the base values in the release (lists
        without the codes that others had to lose are none), and nothing that only the input tells.
        """
        needed = rests_on(criterion)
        if not row_is_person or needed != "values":
            return row_is_person and needed in ("people", "cells")
        column = next(column for column in self.table if column.name == column_of(criterion))
        is_averaged = any(column.name in grouping.demand.columns for grouping in self.groupings)
        is_timed = column.name in self.timing.columns
        is_changed = is_averaged or is_timed or column.name in columns_repaired(self.criteria)
        is_released_as_it_is = column.clip is None and column.release_level is None and not is_changed
        return column.role is Role.SENSITIVE and is_released_as_it_is


def _only(timing: Timing, names: Sequence[str], prefix: str) -> Timing:
    """The treatment of these columns alone, in its own order, under their names without the ``prefix``."""

    def own(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name.removeprefix(prefix) for name in columns if name in names)

    shift, relative = timing.shift, timing.relative
    return Timing(
        replace(shift, columns=own(shift.columns)) if shift and own(shift.columns) else None,
        replace(relative, columns=own(relative.columns)) if relative and own(relative.columns) else None,
    )
