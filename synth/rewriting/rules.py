"""What is checked row by row as rows are drawn: those that break a rule are drawn anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from synth.axes import Bools
from synth.conditions import Condition, all_matching, conditions, within
from synth.recipe import Constraint, Never, Order, Range, Wanted
from synth.variables import Variable


@dataclass(frozen=True, slots=True)
class Rules:
    """The conditions and the constraints that one row alone can break."""

    given: tuple[Condition, ...]
    orders: tuple[Order, ...]
    ranges: tuple[Range, ...]
    nevers: tuple[tuple[tuple[Condition, ...], tuple[Condition, ...]], ...]

    def hold(self, frame: pl.DataFrame) -> Bools:
        """Return the rows that keep all of them, shape (rows,)."""
        keep = all_matching(self.given, frame, certain=True)
        for order in self.orders:
            keep &= _rises(frame, order)
        for each in self.ranges:
            keep &= within(frame[each.column], each.span) | frame[each.column].is_null().to_numpy()
        for where, never in self.nevers:
            keep &= ~all_matching((*where, *never), frame, certain=False)
        return keep


def rules(
    variables: Sequence[Variable], given: Mapping[str, Wanted], constraints: Sequence[Constraint]
) -> Rules:
    """Return the rules of a recipe.

    Raises:
        BadConfig: a column does not exist or cannot hold what is asked.
    """
    return Rules(
        given=conditions(variables, given),
        orders=tuple(each for each in constraints if isinstance(each, Order)),
        ranges=tuple(each for each in constraints if isinstance(each, Range)),
        nevers=tuple(
            (conditions(variables, each.where), conditions(variables, each.never))
            for each in constraints
            if isinstance(each, Never)
        ),
    )


def _rises(frame: pl.DataFrame, order: Order) -> Bools:
    """Whether what is not missing never falls, from each column to the next."""
    keep = np.ones(frame.height, dtype=np.bool_)
    last = frame[order.columns[0]]
    for name in order.columns[1:]:
        cells = frame[name]
        keep &= ~(cells < last).fill_null(False).to_numpy()
        last = (
            cells.zip_with(cells.is_not_null(), last) if cells.dtype == last.dtype else _either(cells, last)
        )
    return keep


def _either(cells: pl.Series, last: pl.Series) -> pl.Series:
    return cells.cast(pl.Float64).zip_with(cells.is_not_null(), last.cast(pl.Float64))
