"""Finding the box that two boxes join at the least price among many: compiled code.

Boxes stand in lexical order of their columns, so that what is too dear by the first columns is skipped with
all its neighbours that agree on them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.compiled import kernel
from anonymizer.recoding.box_kernels import cell_price, joined_price, meeting_level

Ints = NDArray[np.int64]


class Index(NamedTuple):
    """Classes, or single tuples, by their boxes as they were when the index was made; b boxes.

    ``ids`` int32 (b) are the numbers of the classes or tuples; the place-th column of ``codes``, ``levels``,
    ``labels``, ``prices`` (b, m) is that of ``Tree.order``. ``differs`` int32 (b): the first place where a
    box differs from the one before it. ``skip`` int32 (m, b): the next box that differs at this place or an
    earlier one.
    ``gains`` int64 (b): what its class saves where a tuple leaves it; empty for classes.
    """

    ids: NDArray[np.int32]
    codes: NDArray[np.int32]
    levels: NDArray[np.int8]
    labels: NDArray[np.int32]
    prices: Ints
    differs: NDArray[np.int32]
    skip: NDArray[np.int32]
    gains: Ints


class Query(NamedTuple):
    """Who looks for company: a tuple of ``rows`` rows without a class, or what is left of a class.

    Its box is ``levels`` around ``row``, and its rows now pay ``price``; of a tuple 0, since it pays in full
    wherever it goes. It goes neither to class ``own`` nor ``other``; it needs ``need`` rows more.
    """

    row: NDArray[np.int32]
    levels: NDArray[np.int8]
    rows: np.int64
    price: np.int64
    own: np.int64
    other: np.int64
    need: np.int64


@kernel
def make_index(tree, ids, codes, levels, gains):  # type: ignore[no-untyped-def]
    """The index of boxes ``levels`` int8 (b, m) around ``codes`` int32 (b, m), which stand in its order.

    Tuples, which have ``gains``, pay nothing yet.
    """
    count, m = codes.shape
    ours, at, prices = np.empty_like(codes), np.empty_like(levels), np.zeros(codes.shape, np.int64)
    labels = np.empty_like(codes)
    differs, skip = np.full(count, m, np.int32), np.full((m, count), count, np.int32)
    for i in range(count):
        for place in range(m - 1, -1, -1):
            j = tree.order[place]
            code, level = codes[i, j], np.int64(levels[i, j])
            ours[i, place], at[i, place] = code, level
            labels[i, place] = tree.labels[tree.offsets[j] + level * tree.values[j] + code]
            if len(gains) == 0:
                prices[i, place] = cell_price(tree, j, code, level)
            if i == 0 or level != at[i - 1, place] or labels[i, place] != labels[i - 1, place]:
                differs[i] = place
    for place in range(m):
        for i in range(count - 2, -1, -1):
            skip[place, i] = i + 1 if differs[i + 1] <= place else skip[place, i + 1]
    return Index(ids, ours, at, labels, prices, differs, skip, gains)


@kernel
def nearest(tree, needs, members, partition, index, query, most):  # type: ignore[no-untyped-def]
    """The class or tuple that ``query`` joins at the least rise of the total price, and the rise.

    -1 where none is below ``most``. Classes that changed since the index was made may be missed; what is
    found is right. The gain of a tuple may be another by now.
    """
    least = needs.least[0] if len(index.gains) == 0 else np.int64(0)
    m, row, levels, rows = len(tree.order), query.row, query.levels, query.rows
    codes, boxes, labels, prices = index.codes, index.levels, index.labels, index.prices
    differs, skip, order, offsets, values = index.differs, index.skip, tree.order, tree.offsets, tree.values
    rise = np.zeros(m + 1, np.int64)
    best, found, i, known, count = np.int64(most), -1, 0, 0, len(index.ids)
    while i < count:
        place = known
        while place < m:
            j = order[place]
            code, ours, level = row[j], np.int64(levels[j]), np.int64(boxes[i, place])
            if level < ours or tree.labels[offsets[j] + level * values[j] + code] != labels[i, place]:
                level = meeting_level(tree, j, code, codes[i, place], max(level, ours))
            price = cell_price(tree, j, code, level)
            now = cell_price(tree, j, code, ours) if query.price else np.int64(0)
            rise[place + 1] = rise[place] + rows * (price - now) + least * (price - prices[i, place])
            if rise[place + 1] >= best:
                break
            place += 1
        known, after = place, skip[place, i] if place < m else i + 1
        if place == m:
            exact = _rise(tree, needs, members, partition, index, i, query)
            if exact < best:
                best, found = exact, index.ids[i]
        i = after
        if i < count:
            known = min(known, differs[i])
    return found, best


@kernel
def _rise(tree, needs, members, partition, index, i, query):  # type: ignore[no-untyped-def]
    """By how much the total price rises when ``query`` joins the index's i-th class or tuple."""
    never = np.int64(2**62)
    if len(index.gains):
        t = index.ids[i]
        c, rows = partition.class_of[t], members.rows[t]
        spared = partition.rows[c] - rows
        if c == query.own or c == query.other or rows < query.need or spared < needs.least[0]:
            return never
        price = joined_price(tree, query.row, query.levels, members.codes[t], query.levels)
        return price * (query.rows + rows) - query.rows * query.price - index.gains[i]
    c = index.ids[i]
    rows = partition.rows[c]
    if c == query.own or c == query.other or rows == 0:
        return never
    box = members.codes[partition.first[c]]
    price = joined_price(tree, query.row, query.levels, box, partition.levels[c])
    return price * (query.rows + rows) - rows * partition.price[c]
