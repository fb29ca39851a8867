"""Compiled loops of the exact search: arrays in, arrays out.

``queries`` and ``reference`` are ``Rows``: the arrays of ``encoding.Encoded`` and the rows' people, int64;
the reference lies in the order of its ``boxes``, those of ``leaves.Leaves``. Distances are float32 sums over
attributes, whole numbers of ``UNIT``ths. A leaf is passed over when its box is too far, a row when it is
too far without the codes it may share: nothing nearer is ever missed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anonymizer.compiled import kernel
from anonymizer.distances.encoding import UNIT, Floats32, Longs

_UNIT = np.float32(UNIT)
_ZERO = np.float32(0)


class Rows(NamedTuple):
    numbers: Floats32
    categories: Floats32
    starts: Longs
    members: Longs
    signatures: Longs
    people: Longs


class Boxes(NamedTuple):
    starts: Longs
    low: Floats32
    high: Floats32
    present: Longs


class Cones(NamedTuple):
    """Each row's nearest rows of other people: ``distances`` float32 and ``people`` int64 (rows, k).

    Its width is the ``rank``-th distance, counted from 0; the further ones stand in where a person's rows are
    taken out. ``widest`` float32 (leaves) is the largest last distance in each leaf.
    """

    distances: Floats32
    people: Longs
    widest: Floats32
    rank: int


@kernel
def bound(queries, q, boxes, least):  # type: ignore[no-untyped-def]
    """Fill ``least`` float32 (leaves) with what row q's numbers and categories are away from each box."""
    least[:] = _ZERO
    for c in range(len(boxes.low)):
        value = queries.numbers[c, q]
        low, high = boxes.low[c], boxes.high[c]
        for leaf in range(len(least)):
            gap = max(max(low[leaf] - value, value - high[leaf]), _ZERO)
            least[leaf] += min(gap, _UNIT)
    for c in range(len(boxes.present)):
        bit = np.int64(queries.categories[c, q]) % 64
        present = boxes.present[c]
        for leaf in range(len(least)):
            least[leaf] += _ZERO if (present[leaf] >> bit) & 1 else _UNIT


@kernel
def apart(queries, q, reference, start, away):  # type: ignore[no-untyped-def]
    """Fill ``away`` float32 (n) with how far q is from rows start …, but for sets that may share codes."""
    n = len(away)
    away[:] = _ZERO
    for c in range(len(reference.categories)):
        value = queries.categories[c, q]
        column = reference.categories[c, start : start + n]
        for i in range(n):
            away[i] += _ZERO if column[i] == value else _UNIT
    for c in range(len(reference.numbers)):
        value = queries.numbers[c, q]
        column = reference.numbers[c, start : start + n]
        for i in range(n):
            away[i] += min(abs(column[i] - value), _UNIT)
    for c in range(len(reference.signatures)):
        bits = queries.signatures[c, q]
        signatures = reference.signatures[c, start : start + n]
        for i in range(n):
            away[i] += _ZERO if signatures[i] & bits else _UNIT


@kernel
def common(queries, c, q, reference, r):  # type: ignore[no-untyped-def]
    """How many codes the sets of column c in rows q and r have in common."""
    i, i_end = queries.starts[c, q], queries.starts[c, q + 1]
    j, j_end = reference.starts[c, r], reference.starts[c, r + 1]
    shared = 0
    while i < i_end and j < j_end:
        a, b = queries.members[i], reference.members[j]
        if a == b:
            shared += 1
        i += a <= b
        j += b <= a
    return shared


@kernel
def codes_apart(queries, q, reference, r):  # type: ignore[no-untyped-def]
    """How far those sets of rows q and r are apart whose signatures have a common bit; float32."""
    total = _ZERO
    for c in range(len(reference.signatures)):
        if queries.signatures[c, q] & reference.signatures[c, r]:
            here = queries.starts[c, q + 1] - queries.starts[c, q]
            there = reference.starts[c, r + 1] - reference.starts[c, r]
            shared = common(queries, c, q, reference, r)
            union = max(here + there - shared, 1)
            # Rounded up: two distances' sum then stays at least the third, as for exact ones.
            total += np.float32((UNIT * (here + there - 2 * shared) + union - 1) // union)
    return total


@kernel
def insert(distances, rows, distance, row):  # type: ignore[no-untyped-def]
    """Put a row among the nearest ones, ascending by distance; the last one goes."""
    i = len(distances) - 1
    while i > 0 and distances[i - 1] > distance:
        distances[i], rows[i] = distances[i - 1], rows[i - 1]
        i -= 1
    distances[i], rows[i] = distance, row


@kernel
def visit(step, first, leaves):  # type: ignore[no-untyped-def]
    """The leaf to be looked at in a step: ``first``, then those around it, then -1 where there is none."""
    leaf = first + (step + 1) // 2 if step % 2 else first - step // 2
    return leaf if 0 <= leaf < leaves else -1


@kernel
def nearest(queries, reference, boxes, distances, rows):  # type: ignore[no-untyped-def]
    """Fill ``distances`` float32 (queries, k), all infinite, and ``rows`` int64 with others' nearest rows."""
    leaves, k = len(boxes.starts) - 1, distances.shape[1]
    least, away = np.empty(leaves, np.float32), np.empty(np.diff(boxes.starts).max(), np.float32)
    for q in range(len(distances)):
        bound(queries, q, boxes, least)
        first = np.argmin(least)
        for step in range(2 * leaves):
            leaf = visit(step, first, leaves)
            if leaf < 0 or least[leaf] >= distances[q, k - 1]:
                continue
            start, stop = boxes.starts[leaf], boxes.starts[leaf + 1]
            apart(queries, q, reference, start, away[: stop - start])
            for i in range(stop - start):
                if away[i] >= distances[q, k - 1] or reference.people[start + i] == queries.people[q]:
                    continue
                total = away[i] + codes_apart(queries, q, reference, start + i)
                if total < distances[q, k - 1]:
                    insert(distances[q], rows[q], total, start + i)


@kernel
def width(cones, r, person):  # type: ignore[no-untyped-def]
    """The width of row r's cone without a person's rows: of none where ``person`` is negative; float32.

    It is the last distance that is known where the person has more rows among them than stand in.
    """
    left = cones.rank
    for i in range(cones.distances.shape[1]):
        if person >= 0 and cones.people[r, i] == person:
            continue
        if left == 0:
            return cones.distances[r, i]
        left -= 1
    return cones.distances[r, -1]


@kernel
def narrowest(queries, reference, boxes, cones, ratios):  # type: ignore[no-untyped-def]
    """Lower each query's ratio, ``ratios`` float64 (queries, 2), to the least of its distance over ``width``.

    Rows of the query's own person have no part in it. A ratio stays its two whole numbers, and ratios are
    compared by their cross products, which are exact: below 2⁴⁸.
    """
    leaves, last = len(boxes.starts) - 1, cones.distances.shape[1] - 1
    least, away = np.empty(leaves, np.float32), np.empty(np.diff(boxes.starts).max(), np.float32)
    for q in range(len(ratios)):
        bound(queries, q, boxes, least)
        first = np.argmin(least)
        for step in range(2 * leaves):
            leaf = visit(step, first, leaves)
            if leaf < 0 or least[leaf] * ratios[q, 1] >= ratios[q, 0] * cones.widest[leaf]:
                continue
            start, stop = boxes.starts[leaf], boxes.starts[leaf + 1]
            apart(queries, q, reference, start, away[: stop - start])
            for i in range(stop - start):
                row = start + i
                if away[i] * ratios[q, 1] >= ratios[q, 0] * cones.distances[row, last]:
                    continue
                if reference.people[row] == queries.people[q]:
                    continue
                wide = width(cones, row, queries.people[q])
                total = away[i] + codes_apart(queries, q, reference, row)
                if total * ratios[q, 1] < ratios[q, 0] * wide:
                    ratios[q, 0], ratios[q, 1] = total, wide
