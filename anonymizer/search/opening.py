"""Opening a search: the lattice as the arrays its compiled loops want."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting.counts import Counts
from anonymizer.hierarchies.encoding import Ladder
from anonymizer.measuring.affine import AffineMetric
from anonymizer.measuring.class_metrics import ClassMetric
from anonymizer.search.lattice import MOST_TRACED, NONE, Fields, Lattice, guided, populate

SLACK = 1e-11
"""By how much totals may differ and count as equal."""


def open_lattice(counts: Counts, metric: AffineMetric | ClassMetric) -> Lattice:
    """All transformations between the ladders' lowest and highest levels, with the metric's first bounds."""
    ladders = counts.ladders
    heights = np.array([ladder.highest - ladder.lowest for ladder in ladders], np.int64)
    size = counts.lattice_size
    # A column of one level needs no room, so any lattice that fits in memory fits 64 bits.
    widths = [int(top).bit_length() + 1 if top else 0 for top in heights]
    # The first column takes the highest bits, so that words are ordered as tuples of levels are.
    shifts = np.cumsum([0, *reversed(widths[1:])])[::-1].astype(np.int64)
    guard = sum(1 << (int(shift) + width - 1) for shift, width in zip(shifts, widths, strict=True) if width)
    base, guide = (metric.start(),) * 2 if isinstance(metric, AffineMetric) else (metric.base, metric.guide)
    parts = 0 if isinstance(metric, AffineMetric) else size
    lattice = Lattice(
        fields=Fields(
            shifts=shifts.astype(np.uint64),
            masks=np.array([(1 << int(top).bit_length()) - 1 for top in heights], np.uint64),
            strides=np.append(np.cumprod((heights + 1)[:0:-1])[::-1], 1).astype(np.int64),
            heights=heights,
            guard=np.array([guard], np.uint64),
            largest=isinstance(metric, AffineMetric) and metric.largest,
        ),
        terms=within(ladders, base),
        guide=within(ladders, guide),
        nodes=np.empty(size, np.uint64),
        bounds=np.empty(size),
        start=np.empty(parts),
        down=np.zeros(parts),
        up=np.zeros(parts),
        evaluated=np.zeros(size, np.uint8),
        chain=np.empty(int(heights.sum()) + 1, np.uint64),
        best_node=np.array([NONE], np.uint64),
        best=np.array([np.finfo(np.float64).max, SLACK, 0.0]),
        registers=np.zeros(16, np.int64),
        trace=np.zeros((MOST_TRACED, 3)),
    )
    populate(lattice)
    lattice.start[:] = lattice.bounds[:parts]
    if not isinstance(metric, AffineMetric):
        np.maximum(lattice.bounds, metric.at_least(guided(lattice)), out=lattice.bounds)
    return lattice


def within(ladders: Sequence[Ladder], terms: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The columns' terms from their lowest to their highest levels; float64 (m, L)."""
    levels_of = np.zeros((len(ladders), max(ladder.highest - ladder.lowest for ladder in ladders) + 1))
    for j, (ladder, row) in enumerate(zip(ladders, terms, strict=True)):
        levels = row[ladder.lowest : ladder.highest + 1]
        levels_of[j, : len(levels)] = levels
    return levels_of


def unpacked(lattice: Lattice, word: np.uint64) -> tuple[int, ...]:
    """The node's levels above the lowest, column by column."""
    return tuple(
        int(word) >> int(shift) & int(mask)
        for shift, mask in zip(lattice.fields.shifts, lattice.fields.masks, strict=True)
    )


def packed(lattice: Lattice, levels: Sequence[int]) -> np.uint64:
    """The word of the node at so many levels above the lowest, column by column."""
    shifts = lattice.fields.shifts.tolist()
    return np.uint64(sum(level << shift for level, shift in zip(levels, shifts, strict=True)))
