"""Cell suppression: single cells of the suppressed records are starred, and the records are released.

The optimum's classes stay as they are. Records it suppresses are grouped by what they show when some columns
are starred, first one column, then two, …; a group that meets every criterion is released so. With fewest
cells: no record loses more than the first set of columns under which it finds a group. It is greedy, and
which sets of as many columns come first goes by their price.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, islice

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion
from anonymizer.recoding.box_kernels import Tree
from anonymizer.recoding.recoding import Levels, Recoding, holds, number_by_text, tree_of
from anonymizer.recoding.specialising import NONE, Judge

MOST_SETS = 2**12
"""How many sets of columns are tried, beside all columns together; every set of up to 12 columns."""


def suppress_cells(counts: Counts, criteria: Sequence[Criterion], start: Recoding) -> Recoding:
    """``start`` with suppressed tuples released under ``*`` in some columns, where they meet the criteria.

    ``start`` is the global optimum: one node, some tuples suppressed. Columns whose highest level is not the
    top cannot be starred. What finds no group stays suppressed.
    """
    tree, judge = tree_of(counts.ladders), Judge.of(counts, criteria)
    levels = start.levels.copy()
    node = levels[~start.suppressed].max(axis=0, initial=0)
    tops = np.array([ladder.top for ladder in counts.ladders])
    open_columns = np.flatnonzero((node < tops) & (tree.highest == tops))
    waiting = np.flatnonzero(start.suppressed & (counts.rows > 0))
    for starred in _sets(counts, tree, open_columns, waiting):
        if not len(waiting):
            break
        shown = node.copy()
        shown[starred] = tops[starred]
        found = _released(counts, tree, judge, waiting, shown)
        levels[waiting[found]] = shown
        waiting = waiting[~found]
    result = Recoding(levels)
    # Each group is judged by itself; should one be wrong all the same, the optimum is not.
    return result if holds(counts, result, criteria) else start


def _released(
    counts: Counts, tree: Tree, judge: Judge, waiting: NDArray[np.int64], shown: NDArray[np.int8]
) -> NDArray[np.bool_]:
    """Which of the waiting tuples are in groups that hold when they show these levels; bool (waiting)."""
    levels: Levels = np.full((counts.n_tuples, len(shown)), -1, np.int8)
    levels[waiting] = shown
    class_of, classes = number_by_text(counts, tree, levels)
    class_of[class_of == classes] = NONE
    return np.asarray(~judge.broken(class_of, classes)[class_of[waiting]])


def _sets(
    counts: Counts, tree: Tree, columns: NDArray[np.int64], waiting: NDArray[np.int64]
) -> Iterator[list[int]]:
    """Sets of columns to star: fewest columns first, then those whose stars are cheapest for these tuples."""
    price = {}
    for j in columns.tolist():
        top = tree.offsets[j] + counts.ladders[j].top * tree.values[j]
        price[j] = int(tree.prices[top : top + tree.values[j]].max(initial=0))
    every = (chosen for size in range(1, len(price) + 1) for chosen in _by_price(price, size))
    yield from islice(every, MOST_SETS)
    if 2 ** len(price) - 1 > MOST_SETS:
        yield list(price)


def _by_price(price: dict[int, int], size: int) -> list[list[int]]:
    sets = [list(chosen) for chosen in combinations(price, size)]
    return sorted(sets, key=lambda chosen: (sum(price[j] for j in chosen), chosen))
