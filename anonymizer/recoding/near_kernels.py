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

    ``ids`` int32 (b) are the numbers of the classes or tuples; the place-th of ``cells`` int32 (b, m) is what
    the box shows in column ``Tree.order[place]``, as ``Tree.alike`` numbers it. ``differs`` int32 (b): the
    first place where a box differs from the one before it. ``skip`` int32 (b, m): the next box that differs
    at this place or an earlier one. ``rest`` int64 (b, m): the least that a row pays behind this place in
    any box from this one to before that next. ``gains`` int64 (b): what its class saves where a tuple leaves
    it; empty for classes.

    Room, changed in place: by how much the price ``rises`` where the query joins at a cell, int64 (cells, 2),
    after the number of the query for which that is right; ``queries`` int64 (1) is the last number given.
    """

    ids: NDArray[np.int32]
    cells: NDArray[np.int32]
    differs: NDArray[np.int32]
    skip: NDArray[np.int32]
    rest: Ints
    gains: Ints
    rises: Ints
    queries: Ints


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
    cells, rest = np.empty_like(codes), np.zeros(codes.shape, np.int64)
    differs, skip = np.full(count, m, np.int32), np.full((count, m), count, np.int32)
    for i in range(count):
        for place in range(m - 1, -1, -1):
            j = tree.order[place]
            cells[i, place] = tree.alike[tree.offsets[j] + levels[i, j] * tree.values[j] + codes[i, j]]
            if i == 0 or cells[i, place] != cells[i - 1, place]:
                differs[i] = place
    for i in range(count - 2, -1, -1):
        for place in range(m):
            skip[i, place] = i + 1 if differs[i + 1] <= place else skip[i + 1, place]
    if len(gains) == 0:
        _add_rest(tree, cells, skip, rest)
    rises = np.zeros((len(tree.prices), 2), np.int64)
    return Index(ids, cells, differs, skip, rest, gains, rises, np.zeros(1, np.int64))


@kernel
def _add_rest(tree, cells, skip, rest):  # type: ignore[no-untyped-def]
    """Write ``Index.rest``."""
    count, m = cells.shape
    for i in range(count - 1, -1, -1):
        price = np.int64(0)
        for place in range(m - 1, -1, -1):
            rest[i, place] = price
            if skip[i, place] > i + 1:
                rest[i, place] = min(price, rest[i + 1, place])
            price += tree.prices[cells[i, place]]


@kernel
def nearest(tree, needs, members, partition, index, query, most):  # type: ignore[no-untyped-def]
    """The class or tuple that ``query`` joins at the least rise of the total price, and the rise.

    -1 where none is below ``most``. Classes that changed since the index was made may be missed; what is
    found is right. The gain of a tuple may be another by now.
    """
    least = needs.least[0] if len(index.gains) == 0 else np.int64(0)
    m, row, levels, rows = len(tree.order), query.row, query.levels, query.rows
    cells, rises, differs, skip, rest = index.cells, index.rises, index.differs, index.skip, index.rest
    # Who pays nothing yet pays at least what the box does; of others, no more is known.
    joining = rows if query.price == 0 else np.int64(0)
    index.queries[0] += 1
    number, rise = index.queries[0], np.zeros(m + 1, np.int64)
    best, found, i, known, looks = np.int64(most), -1, 0, 0, 0
    while i < len(cells):
        place = known
        while place < m:
            looks += 1
            at = cells[i, place]
            if rises[at, 0] != number:
                # No function of its own: handing the arrays on takes longer than the look itself.
                j, level = tree.order[place], np.int64(tree.level[at])
                code, ours = at - tree.offsets[j] - level * tree.values[j], np.int64(levels[j])
                price = cell_price(tree, j, row[j], meeting_level(tree, j, row[j], code, max(level, ours)))
                now = cell_price(tree, j, row[j], ours) if query.price else np.int64(0)
                rises[at, 0] = number
                rises[at, 1] = rows * (price - now) + least * (price - tree.prices[at])
            rise[place + 1] = rise[place] + rises[at, 1]
            if rise[place + 1] + joining * rest[i, place] >= best:
                break
            place += 1
        known, after = place, skip[i, place] if place < m else i + 1
        if place == m:
            looks += m
            exact = _rise(tree, needs, members, partition, index, i, query)
            if exact < best:
                best, found = exact, index.ids[i]
        i = after
        if i < len(cells):
            known = min(known, differs[i])
    partition.looks[0] += looks
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
