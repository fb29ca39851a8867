"""Compiled loops of the metrics, linear in the classes: arrays in, arrays out.

``weights`` int64 (classes) is how many of a class's rows count (suppressed or lost ones; 0: none). Classes
stand for their ``representatives``, int32 places in ``codes``, int32 (tuples, m). The values' labels and
covers of column j at its level lie in one flat array from ``offsets[j]``, as in
``anonymizer.counting.classes.Ladders``.
"""

from __future__ import annotations

import numpy as np

from anonymizer.compiled import kernel


@kernel
def covered(weights, representatives, codes, cover, offsets):  # type: ignore[no-untyped-def]
    """Per column, the sum over the counted rows of what their labels cover; int64 (m)."""
    total = np.zeros(len(offsets), np.int64)
    for c in range(len(weights)):
        if weights[c]:
            for j in range(len(offsets)):
                total[j] += weights[c] * cover[offsets[j] + codes[representatives[c], j]]
    return total


@kernel
def capped(weights, representatives, codes, cover, offsets, caps):  # type: ignore[no-untyped-def]
    """Per column and level, the most that the counted rows can cover there; int64 (m, levels).

    ``caps`` int64 (m, levels): a level's largest cover. A finer label covers no more than this one does.
    """
    total = np.zeros(caps.shape, np.int64)
    for c in range(len(weights)):
        if weights[c]:
            for j in range(len(offsets)):
                here = cover[offsets[j] + codes[representatives[c], j]]
                for level in range(caps.shape[1]):
                    total[j, level] += weights[c] * min(here, caps[j, level])
    return total


@kernel
def label_rows(weights, representatives, codes, label_codes, offsets, starts):  # type: ignore[no-untyped-def]
    """The counted rows per label; int64, column j's labels from ``starts[j]``, ``starts[-1]`` in all."""
    total = np.zeros(starts[-1], np.int64)
    for c in range(len(weights)):
        if weights[c]:
            for j in range(len(offsets)):
                total[starts[j] + label_codes[offsets[j] + codes[representatives[c], j]]] += weights[c]
    return total


@kernel
def log_areas(representatives, codes, log_cover, offsets):  # type: ignore[no-untyped-def]
    """The logarithm of the number of domain tuples that each class covers; float64 (classes)."""
    area = np.zeros(len(representatives))
    for c in range(len(representatives)):
        for j in range(len(offsets)):
            area[c] += log_cover[offsets[j] + codes[representatives[c], j]]
    return area


@kernel
def area_sums(rows, weights, representatives, codes, shares, offsets):  # type: ignore[no-untyped-def]
    """The products of the columns' ``shares`` float64, summed over all rows and over the counted ones."""
    everyone, counted = 0.0, 0.0
    for c in range(len(rows)):
        area = 1.0
        for j in range(len(offsets)):
            area *= shares[offsets[j] + codes[representatives[c], j]]
        everyone += rows[c] * area
        counted += weights[c] * area
    return everyone, counted


@kernel
def majorities(owner, number, classes):  # type: ignore[no-untyped-def]
    """The largest number among each class's values; int64 (classes) from pairs int32, int64 (pairs)."""
    most = np.zeros(classes, np.int64)
    for i in range(len(owner)):
        most[owner[i]] = max(most[owner[i]], number[i])
    return most
