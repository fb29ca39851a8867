"""Every cell as it must be released if no row is suppressed: a literal join of every value with its label."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor

import polars as pl

from anonymizer.errors import VerificationFailed
from anonymizer.hierarchies.hierarchy import SUPPRESSED
from anonymizer.tables.table import Column, Role
from anonymizer.tables.values import canonical
from release.verifying.labels import labels_at, level_bounds
from release.verifying.promise import Promise
from release.verifying.recoding_map import check_map


def check_levels(promise: Promise) -> None:
    """Raise ``VerificationFailed`` unless every quasi-identifier has one level, within its bounds; under a
    recoding a level for each combination of values.
    """
    if promise.recoding is not None:
        check_map(promise.recoding, promise.table)
        return
    quasi = {column.name: column for column in promise.table.quasi_identifiers}
    if set(promise.transformation) != set(quasi):
        raise VerificationFailed("the transformation does not name exactly the quasi-identifiers")
    for name, level in promise.transformation.items():
        column = quasi[name]
        lowest, highest = level_bounds(column)
        if not lowest <= level <= highest:
            raise VerificationFailed("the generalisation level lies outside its bounds", column=name)


def every_row(promise: Promise, given: Mapping[str, pl.Series]) -> pl.DataFrame:
    """The input's rows as they are released if none is suppressed; ``given`` columns are known."""
    table = promise.table
    return pl.DataFrame(
        [
            given[column.name]
            if column.name in given
            else released_cells(table.frame[column.name], column, promise)
            for column in table.released
        ]
    )


def released_cells(cells: pl.Series, column: Column, promise: Promise) -> pl.Series:
    if column.role is Role.QUASI_IDENTIFIER:
        labels = labels_at(column, cells, promise.transformation[column.name])
        return _join(cells, _as_categories(labels)).alias(column.name)
    return kept_cells(cells, column)


def kept_cells(cells: pl.Series, column: Column) -> pl.Series:
    """The cells of a column that is no quasi-identifier as they are released: clipped, or at a level."""
    if column.clip is not None:
        return _clip(cells, *column.clip)
    if column.release_level is not None:
        return _at_release_level(cells, column)
    return cells


def _as_categories(labels: pl.DataFrame) -> pl.DataFrame:
    """The labels by number: a million rows of them are then filtered and grouped many times faster."""
    few = pl.Enum(sorted({SUPPRESSED, *labels["label"].drop_nulls()}))
    return labels.with_columns(pl.col("label").cast(few))


def _join(cells: pl.Series, labels: pl.DataFrame) -> pl.Series:
    rows = cells.alias("value").to_frame()
    return rows.join(labels, on="value", how="left", nulls_equal=True, maintain_order="left")["label"]


def _clip(cells: pl.Series, low: float | None, high: float | None) -> pl.Series:
    if cells.dtype.is_integer():
        lowest = None if low is None else max(ceil(low), -(2**63))
        return cells.clip(lowest, None if high is None else min(floor(high), 2**63 - 1))
    return cells.clip(low, high)


def _at_release_level(cells: pl.Series, column: Column) -> pl.Series:
    """Labels of a fixed level; missing stays missing, and a list becomes the set of its codes' labels."""
    level = column.release_level or 0
    listed = isinstance(cells.dtype, pl.List)
    values = cells.drop_nulls().explode(empty_as_null=False) if listed else canonical(cells)
    labels = labels_at(column, values, level).drop_nulls("value")
    if not listed:
        return _join(values, labels).alias(column.name)
    codes = pl.DataFrame({"row": range(len(cells)), "value": cells}).explode("value").drop_nulls("value")
    sets = codes.join(labels, on="value").group_by("row").agg(pl.col("label").unique().sort())
    rows = pl.DataFrame({"row": range(len(cells)), "cells": cells}).join(sets, on="row", how="left")
    empty = pl.when(pl.col("cells").is_not_null()).then(pl.lit([], dtype=pl.List(pl.String)))
    return rows.sort("row").select(pl.coalesce("label", empty)).to_series().alias(column.name)
