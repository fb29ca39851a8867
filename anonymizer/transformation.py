"""Apply a transformation: generalise each quasi-identifier to its level, suppress, coarsen, and sort.

Released rows are sorted by all released columns, so that their order holds no information about the input.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer import values
from anonymizer.classes import Ladders, Node, merge, number_classes, violations
from anonymizer.counts import Counts
from anonymizer.criteria import Criterion
from anonymizer.encoding import Ladder, level_labels
from anonymizer.errors import BadConfig
from anonymizer.hierarchy import SUPPRESSED
from anonymizer.solution import Solution
from anonymizer.table import Column, Role, Table

Mask = NDArray[np.bool_]
Suppressed = Literal["drop", "star"]
_INT64 = np.iinfo(np.int64)


def transform(
    table: Table,
    counts: Counts,
    solution: Solution,
    criteria: Sequence[Criterion],
    *,
    suppressed: Suppressed = "drop",
) -> pl.DataFrame:
    """The released frame: the columns that are no identifiers, in the table's order, rows sorted.

    Suppressed rows are dropped, or starred (``*`` in every quasi-identifier, null in insensitive columns)
    where the starred rows themselves form a class that meets every criterion.
    """
    node = tuple(solution.transformation[ladder.name] for ladder in counts.ladders)
    removed = suppressed_tuples(counts, criteria, node)
    star = suppressed == "star" and _may_be_starred(counts, criteria, removed)
    row_removed = removed[counts.tuple_of_row]
    quasi = {
        ladder.name: _generalised(counts, j, ladder, node[j], removed)
        for j, ladder in enumerate(counts.ladders)
    }
    kept = {
        column.name: _coarsened(table, column, row_removed)
        for column in table.released
        if column.role is not Role.QUASI_IDENTIFIER
    }
    frame = pl.DataFrame({**quasi, **kept}).select(column.name for column in table.released)
    return in_order(frame if star else frame.filter(pl.Series(~row_removed)))


def suppressed_tuples(counts: Counts, criteria: Sequence[Criterion], node: Node) -> Mask:
    """Which base tuples lie in a class that breaks a criterion at ``node``; bool (tuples)."""
    everyone = np.arange(counts.n_tuples, dtype=np.int32)
    class_of, classes = number_classes(counts, Ladders.of(counts), everyone, node)
    broken = violations(merge(counts, node, class_of, classes), criteria)
    return np.asarray(broken[class_of])


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame sorted by all its columns, from left to right (lists by their joined text)."""
    by = [
        pl.col(name).list.join(" ") if isinstance(dtype, pl.List) else pl.col(name)
        for name, dtype in frame.schema.items()
    ]
    return frame.sort(by) if by else frame


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


def _bounds(column: Column, low: float, high: float) -> tuple[int, int]:
    """The integers inside the bounds: cutting 0.5 down to 0 would leave them."""
    lowest, highest = max(ceil(low), int(_INT64.min)), min(floor(high), int(_INT64.max))
    if lowest > highest:
        raise BadConfig("no integer of 64 bits lies between the bounds of clip", column=column.name)
    return lowest, highest


def _generalised(counts: Counts, j: int, ladder: Ladder, level: int, removed: Mask) -> pl.Series:
    cells = pl.Series(ladder.name, ladder.labels[level], dtype=pl.String).gather(counts.codes[:, j])
    starred = pl.select(pl.when(pl.Series(removed)).then(pl.lit(SUPPRESSED)).otherwise(cells)).to_series()
    return starred.gather(counts.tuple_of_row).alias(ladder.name)


def _coarsened(table: Table, column: Column, row_removed: Mask) -> pl.Series:
    series = coarsen(table.frame[column.name], column)
    if column.role is not Role.INSENSITIVE:
        return series
    return pl.select(pl.when(pl.Series(~row_removed)).then(series)).to_series().alias(column.name)


def _may_be_starred(counts: Counts, criteria: Sequence[Criterion], removed: Mask) -> bool:
    """Whether the suppressed rows, taken as one class, meet every criterion."""
    if not removed.any():
        return False
    # The starred rows' class holds nobody else, so it is counted on the removed tuples alone.
    class_of = np.where(removed, 0, 1).astype(np.int32)
    top = tuple(ladder.top for ladder in counts.ladders)
    return not violations(merge(counts, top, class_of, 2), criteria)[0]
