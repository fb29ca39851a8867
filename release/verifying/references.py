"""What a criterion compares a class with: the input's distribution of a sensitive column, made literally."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from anonymizer.criteria import BetaLikeness, Criterion, DeltaDisclosure, TCloseness
from anonymizer.hierarchies.hierarchy import SUPPRESSED
from anonymizer.tables.table import Column, Table
from anonymizer.tables.values import canonical


def references(criteria: Sequence[Criterion], table: Table) -> dict[int, pl.DataFrame]:
    """By its criterion's position, what of the input each criterion compares with.

    A distribution has one row per ``value``, in the values' order, missing last, with the distinct ``people``
    who have it; for the hierarchical distance also its group at every level, ``level_0`` …
    """
    return {
        position: _distribution(criterion, table)
        for position, criterion in enumerate(criteria)
        if isinstance(criterion, TCloseness | DeltaDisclosure | BetaLikeness)
    }


def _distribution(criterion: TCloseness | DeltaDisclosure | BetaLikeness, table: Table) -> pl.DataFrame:
    cells = table.frame[criterion.column]
    having = pl.DataFrame({"value": cells, "person": table.people}).unique()
    counts = having.group_by("value").agg(people=pl.len().cast(pl.Int64))
    ordered = counts.sort(*_order(counts["value"]), nulls_last=True)
    if isinstance(criterion, TCloseness) and criterion.distance == "hierarchical":
        column = next(column for column in table if column.name == criterion.column)
        return ordered.with_columns(_groups(ordered["value"], column))
    return ordered


def _order(values: pl.Series) -> list[pl.Expr]:
    """The order of numbers and days, of text that is whole numbers throughout, or else of text."""
    if values.dtype != pl.String or not values.str.contains(r"^[+-]?[0-9]{1,18}$").all():
        return [pl.col("value")]
    return [pl.col("value").str.strip_prefix("+").cast(pl.Int64), pl.col("value")]


def _groups(values: pl.Series, column: Column) -> list[pl.Series]:
    """At every level the number of each value's group; missing is a group of its own below the top."""
    hierarchy = column.hierarchy
    assert hierarchy is not None  # the config's rules see to it
    text = canonical(values)
    generalised = hierarchy.generalise(text.drop_nulls().to_list()).labels
    top = len(generalised) - 1
    groups = []
    for level, labels in enumerate(generalised):
        missing = [SUPPRESSED if level == top else None] * text.null_count()
        groups.append(pl.Series(f"level_{level}", [*labels, *missing], dtype=pl.String))
    return [_numbered(each) for each in groups]


def _numbered(labels: pl.Series) -> pl.Series:
    """The number of each label by its first place; a missing label counts as one."""
    first = {label: place for place, label in reversed(list(enumerate(labels.to_list())))}
    return pl.Series(labels.name, [first[label] for label in labels.to_list()], dtype=pl.Int64)
