"""Ranges: what lies outside a span is not learned from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import polars as pl

from anonymizer.errors import BadConfig, SynthesisFailed
from synth.conditions import check_span, named, within
from synth.recipe import Range
from synth.variables import Training, Variable


def cut(training: Training, constraint: Range) -> tuple[Training, int]:
    """Return the table whose values outside the span are missing, and how many those were.

    A number's own bounds are drawn in too, so that what is decoded lies within them.

    Raises:
        BadConfig: no such column, or one that has no order, or a span of another kind.
    """
    variable = check_range(training.variables, constraint)
    cells = training.frame[variable.name]
    outside = ~within(cells, constraint.span) & cells.is_not_null().to_numpy()
    kept = pl.select(pl.when(~pl.Series(outside)).then(cells).alias(variable.name)).to_series()
    variables = tuple(_bounded(each, constraint) for each in training.variables)
    frame = training.frame.with_columns(kept)
    return replace(training, frame=frame, variables=variables), int(outside.sum())


def refuse_emptied(told: Training, left: Training, ranges: Iterable[Range]) -> None:
    """Raise ``SynthesisFailed`` where ranges leave less than half of what a column of ``told`` holds.

    Data that mostly break what is said of them are not what they are taken for: another unit, or a slip.
    """
    for name in dict.fromkeys(each.column for each in ranges):
        if 2 * left.frame[name].count() < told.frame[name].count():
            raise SynthesisFailed(
                "its range leaves out more than half of what the column holds",
                column=name,
                hint="see to the bounds, and the unit they are in",
            )


def check_range(variables: tuple[Variable, ...], constraint: Range) -> Variable:
    """Return the column of a range; raises ``BadConfig`` unless it is one of numbers, days or moments."""
    variable = named(variables, constraint.column)
    if variable.type == "string":
        raise BadConfig("a range needs a column of numbers or days", column=variable.name)
    check_span(variable, constraint.span)
    return variable


def _bounded(variable: Variable, constraint: Range) -> Variable:
    if variable.name != constraint.column or variable.type not in ("integer", "number"):
        return variable
    low, high = constraint.span.low, constraint.span.high
    lows = [float(each) for each in (variable.low, low) if isinstance(each, int | float)]
    highs = [float(each) for each in (variable.high, high) if isinstance(each, int | float)]
    return replace(variable, low=max(lows, default=None), high=min(highs, default=None))
