"""What a class of records shows when its members are generalised alike, and what that costs: compiled code.

A box is a level per column and any one of its tuples, whose labels at these levels every member has. Shapes:
n tuples, m columns; codes int32 (n, m) are the tuples' base codes, levels int8 (m).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.compiled import kernel

Ints = NDArray[np.int64]

ROW = 2**24
"""The price of a row that shows nothing: prices are integers, so that no sum depends on its order."""
FAR = 2**28
"""The price of a cell beyond its column's highest level: more than any row can cost."""


class Tree(NamedTuple):
    """All hierarchies in flat arrays.

    Column j's label and price of base code v at level l stand at ``offsets[j] + l * values[j] + v``:
    ``labels`` int32 are equal where a column's cells read alike, on whatever level; ``alike`` int32 is the
    first place of this ``level``, int8, where they do; ``prices`` int64 say what a row pays for such a cell.
    ``lowest`` and ``highest`` int64 (m) bound the levels. ``order`` int64 (m) are the columns, those with few
    values first: they tell boxes apart soonest.
    """

    labels: NDArray[np.int32]
    alike: NDArray[np.int32]
    level: NDArray[np.int8]
    prices: Ints
    offsets: Ints
    values: Ints
    lowest: Ints
    highest: Ints
    order: Ints


@kernel
def meeting_level(tree, j, one, other, level):  # type: ignore[no-untyped-def]
    """The lowest level from ``level`` on at which two codes of column j have one label; beyond the highest
    where there is none."""
    while level <= tree.highest[j]:
        at = tree.offsets[j] + level * tree.values[j]
        if tree.labels[at + one] == tree.labels[at + other]:
            return level
        level += 1
    return level


@kernel
def cell_price(tree, j, code, level):  # type: ignore[no-untyped-def]
    """What a row pays in column j for the label of ``code`` at ``level``."""
    if level > tree.highest[j]:
        return np.int64(FAR)
    return tree.prices[tree.offsets[j] + level * tree.values[j] + code]


@kernel
def box_price(tree, row, levels):  # type: ignore[no-untyped-def]
    """What a row pays in a box of ``levels`` around the base codes ``row``."""
    price = np.int64(0)
    for j in range(len(levels)):
        price += cell_price(tree, j, row[j], np.int64(levels[j]))
    return price


@kernel
def widen(tree, levels, row, other):  # type: ignore[no-untyped-def]
    """Raise ``levels`` of a box around ``row``, in place, until it holds ``other`` as well."""
    for j in range(len(levels)):
        levels[j] = meeting_level(tree, j, row[j], other[j], np.int64(levels[j]))


@kernel
def joined_price(tree, row, levels, other, other_levels):  # type: ignore[no-untyped-def]
    """What a row pays in the least box that holds two boxes."""
    price = np.int64(0)
    for j in range(len(levels)):
        level = max(np.int64(levels[j]), np.int64(other_levels[j]))
        price += cell_price(tree, j, row[j], meeting_level(tree, j, row[j], other[j], level))
    return price
