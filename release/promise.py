"""What a release promises: the decisions of a run, as the verifier holds them against the staged bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Literal

from anonymizer.criteria import Criterion, DistinctLDiversity
from anonymizer.table import Role, Table


@dataclass(frozen=True, slots=True)
class Promise:
    """The input, what was decided about it, and the files ``<table_name>.<format>`` that hold the result.

    ``transformation`` maps each quasi-identifier to its level; at most ``floor(suppression_limit * rows)``
    rows are suppressed, by dropping them or by starring them where the starred class meets every criterion.
    """

    table: Table
    table_name: str
    formats: tuple[str, ...]
    transformation: Mapping[str, int]
    criteria: tuple[Criterion, ...]
    suppression_limit: float | Fraction
    suppressed: Literal["drop", "star"] = "drop"

    @property
    def most_suppressed(self) -> int:
        """The largest number of rows the limit allows, exactly: 0.29 of 100 rows are 29, in floats 28."""
        return floor(Fraction(str(self.suppression_limit)) * self.table.frame.height)

    def is_recountable(self, criterion: Criterion, *, row_is_person: bool) -> bool:
        """Whether anybody can count the criterion again from the release alone.

        That takes released rows that are people, and for l-diversity the base values in the release.
        """
        if not row_is_person or not isinstance(criterion, DistinctLDiversity):
            return row_is_person
        column = next(column for column in self.table if column.name == criterion.column)
        is_released_as_it_is = column.clip is None and column.release_level is None
        return column.role is Role.SENSITIVE and is_released_as_it_is
