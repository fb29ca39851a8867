"""A table's distribution as a tree of dependences between columns, and how likely it makes a record.

The tree is the one of most mutual information (Chow and Liu, IEEE Trans. Inform. Theory 14 (1968), p. 462).
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.comparison import Attribute

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BANDS = 8
"""Numbers are taken in as many bands of equally many released records."""
WORDS = 30
"""The most frequent values of a category that are told apart; the rest is one more."""
SMOOTHING = 2.0
"""How many records a table's own margins weigh where a pair of values is rare."""
_ROWS_FOR_THE_TREE = 20_000


def likelihood_ratio(
    released: pl.DataFrame,
    reference: pl.DataFrame,
    targets: pl.DataFrame,
    attributes: tuple[Attribute, ...],
) -> Floats:
    """Return the logarithm of how much likelier the release makes each target than the reference does.

    Shape (targets,). One tree, that of the release; its probabilities are estimated in either table.
    """
    tables = [_coded(released, each, attributes) for each in (released, reference, targets)]
    shown, elsewhere, asked = (np.array(table) for table in tables)
    sizes = [int(max(column.max() for column in columns)) + 1 for columns in zip(*tables, strict=True)]
    parents = tree(shown[:, :_ROWS_FOR_THE_TREE], sizes)
    total = np.zeros(targets.height)
    for child, parent in enumerate(parents):
        pair = [child, child if parent < 0 else parent]
        size = (sizes[pair[0]], 1 if parent < 0 else sizes[pair[1]])
        for sign, table in ((1, shown), (-1, elsewhere)):
            total += sign * _log_share(table[pair], asked[pair], size)
    return total


def tree(columns: Ints, sizes: list[int]) -> list[int]:
    """Return each column's parent in the tree of most mutual information, -1 for the root, which is column 0.

    ``columns`` int64 (columns, rows) holds numbers from 0 to below ``sizes``. Grown as by Prim; of equal
    pairs the first.
    """
    count = len(sizes)
    parents = [-1] * count
    best = np.full(count, -np.inf)
    outside = list(range(1, count))
    newest = 0
    while outside:
        for column in outside:
            shared = _mutual_information(columns[newest], columns[column], sizes[newest], sizes[column])
            if shared > best[column]:
                best[column], parents[column] = shared, newest
        newest = max(outside, key=lambda column: best[column])
        outside.remove(newest)
    return parents


def _mutual_information(one: Ints, other: Ints, size: int, other_size: int) -> float:
    joint = np.bincount(one * other_size + other, minlength=size * other_size) / len(one)
    shares = joint.reshape(size, other_size)
    apart = np.outer(shares.sum(1), shares.sum(0))
    there = shares > 0
    return float((shares[there] * np.log(shares[there] / apart[there])).sum())


def _log_share(table: Ints, asked: Ints, sizes: tuple[int, int]) -> Floats:
    """The logarithm of each asked value's probability given its parent's, in one table."""
    children, parents = sizes
    (child, parent), (asked_child, asked_parent) = table, asked
    if parents == 1:
        parent, asked_parent = np.zeros_like(parent), np.zeros_like(asked_parent)
    margin = (np.bincount(child, minlength=children) + 1) / (len(child) + children)
    pairs = np.bincount(child * parents + parent, minlength=children * parents).reshape(children, parents)
    given = (pairs + SMOOTHING * margin[:, None]) / (pairs.sum(0) + SMOOTHING)
    return np.asarray(np.log(given[asked_child, asked_parent]))


def _coded(released: pl.DataFrame, frame: pl.DataFrame, attributes: tuple[Attribute, ...]) -> list[Ints]:
    return [
        _bands(released[each.name], frame[each.name])
        if each.kind == "number"
        else _words(_joined(released[each.name]), _joined(frame[each.name]))
        for each in attributes
    ]


def _bands(released: pl.Series, column: pl.Series) -> Ints:
    """Each number's band by the release's quantiles; one more where it is missing."""
    known = released.drop_nulls().to_numpy()
    edges = np.unique(np.quantile(known, np.arange(1, BANDS) / BANDS)) if len(known) else np.zeros(0)
    values = column.fill_null(float("nan")).to_numpy()
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))


def _joined(column: pl.Series) -> pl.Series:
    """A set of codes as one word."""
    return column.list.sort().list.join("\x1f") if isinstance(column.dtype, pl.List) else column


def _words(released: pl.Series, column: pl.Series) -> Ints:
    """Each value's number among the release's most frequent ones; one for all others, one where missing."""
    counted = released.alias("word").drop_nulls().value_counts(name="count")
    words = counted.sort(["count", "word"], descending=[True, False])["word"].head(WORDS)
    places = pl.DataFrame({"word": words, "place": np.arange(len(words))})
    found = pl.DataFrame({"word": column}).join(places, on="word", how="left", maintain_order="left")
    placed = found["place"].fill_null(len(words)).to_numpy()
    return np.where(column.is_null().to_numpy(), len(words) + 1, placed).astype(np.int64)
