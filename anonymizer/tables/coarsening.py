"""Columns that are no quasi-identifiers as they are released: clipped, or at a fixed level."""

from __future__ import annotations

from math import ceil, floor

import numpy as np
import polars as pl

from anonymizer.errors import BadConfig
from anonymizer.hierarchies.encoding import level_labels
from anonymizer.tables import values
from anonymizer.tables.table import Column

_INT64 = np.iinfo(np.int64)


def coarsen(series: pl.Series, column: Column) -> pl.Series:
    """A sensitive or insensitive column as it is released: clipped, or at its ``release_level``.

    Raises:
        BadInput: values outside the hierarchy (column and count).
        BadConfig: bounds between which an integer column has no value.
    """
    if column.clip is not None:
        low, high = _bounds(column, *column.clip) if series.dtype.is_integer() else column.clip
        return series.clip(low, high)
    if column.release_level is None or column.hierarchy is None:
        return series
    listed = isinstance(series.dtype, pl.List)
    cells = series if listed else values.canonical(series)
    distinct = (cells.explode() if listed else cells).unique().drop_nulls().to_list()
    labels, _, _ = level_labels(column.hierarchy, distinct, missing=False, column=column.name)
    table = dict(zip(distinct, labels[column.release_level], strict=True))
    if listed:
        replaced = pl.element().replace_strict(table, return_dtype=pl.String)
        return cells.list.eval(replaced).list.unique().list.sort()
    return cells.replace_strict(table, return_dtype=pl.String)


def _bounds(column: Column, low: float | None, high: float | None) -> tuple[int, int]:
    """The integers inside the bounds: cutting 0.5 down to 0 would leave them."""
    lowest, highest = int(_INT64.min), int(_INT64.max)
    lowest = lowest if low is None else max(ceil(low), lowest)
    highest = highest if high is None else min(floor(high), highest)
    if lowest > highest:
        raise BadConfig("no integer of 64 bits lies between the bounds of clip", column=column.name)
    return lowest, highest
