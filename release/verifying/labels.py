"""The labels that a column's hierarchy gives its values, looked up literally, and the levels it may have."""

from __future__ import annotations

import polars as pl

from anonymizer.errors import VerificationFailed
from anonymizer.hierarchies.hierarchy import SUPPRESSED, Hierarchy
from anonymizer.tables.table import Column

Span = tuple[int, int]
"""The lowest and the highest level of a column."""


def hierarchy_of(column: Column) -> Hierarchy:
    """The column's hierarchy; raises ``VerificationFailed`` where it has none."""
    if column.hierarchy is None:
        raise VerificationFailed("there is no hierarchy to check the column against", column=column.name)
    return column.hierarchy


def level_bounds(column: Column) -> Span:
    """The levels that a quasi-identifier may have; raises ``VerificationFailed`` without a hierarchy."""
    top = len(hierarchy_of(column).level_names) - 1
    return max(column.min_level, 0), top if column.max_level is None else min(column.max_level, top)


def labels_at(column: Column, values: pl.Series, level: int) -> pl.DataFrame:
    """The distinct ``value``s of a column and the ``label`` of each; missing stays so below the top."""
    return labels_between(column, values, (level, level)).drop("level")


def labels_between(column: Column, values: pl.Series, span: Span) -> pl.DataFrame:
    """The distinct ``value``s of a column at each ``level`` of the span, and the ``label`` of each.

    Missing stays so below the top.
    """
    distinct = values.unique().drop_nulls().sort().to_list()
    labels = hierarchy_of(column).generalise(distinct).labels
    top, levels = len(labels) - 1, range(span[0], span[1] + 1)
    return pl.DataFrame(
        {
            "value": [value for _ in levels for value in (*distinct, None)],
            "level": [at for at in levels for _ in range(len(distinct) + 1)],
            "label": [label for at in levels for label in (*labels[at], SUPPRESSED if at == top else None)],
        },
        schema={"value": pl.String, "level": pl.Int64, "label": pl.String},
    )
