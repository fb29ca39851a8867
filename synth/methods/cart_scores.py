"""Codes as numbers that a tree can split: by position, or by what of the target goes with each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.axes import Axis, Floats, Ints

Table = NDArray[np.float32]
"""By code and score, shape (size, scores)."""

SCORES = 2
"""How many scores an unordered axis has where the target has more than two classes."""
SCORES_OF_MANY = 8
"""And one of more than ``MANY`` codes: what follows each of 200 diagnoses is not told along two lines."""
MANY = 64
PRIOR = 5.0
"""So many rows of the usual kind are added to each code: rare codes lie near the middle."""


def ranks(axis: Axis) -> Floats:
    """The place of each code by its position, from 0; NaN where it has none. Equal positions: one place."""
    places = np.full(axis.size, np.nan)
    known = np.isfinite(axis.positions)
    places[known] = np.unique(axis.positions[known], return_inverse=True)[1]
    return places


def scored(axis: Axis, codes: NDArray[np.int32], classes: Ints, weights: Floats) -> Table:
    """Return the numbers by which rows are told apart by an axis: its positions, or scores of its codes.

    ``codes``, ``classes`` (the target's, from 0) and ``weights`` have shape (rows,). For two classes ordering
    codes by the share of the second finds the best split into two sets (Breiman et al. 1984, section 4.2);
    for more, by the first principal components of the classes' shares (Coppersmith, Hong and Hosking, Data
    Mining and Knowledge Discovery 3, 1999).
    """
    if axis.is_ordered:
        places = ranks(axis)
        lost = np.isnan(places)
        places[lost] = -1.0 - np.arange(lost.sum())
        return places[:, None].astype(np.float32)
    if axis.size <= 2:
        return np.arange(axis.size, dtype=np.float32)[:, None]
    return _leading(axis.size, codes, classes, weights)


def _leading(size: int, codes: NDArray[np.int32], classes: Ints, weights: Floats) -> Table:
    """The first principal components of how the classes of each code differ from those of all rows."""
    seen, known = np.unique(codes, return_inverse=True)
    count = int(classes.max()) + 1
    table = np.bincount(known * count + classes, weights, len(seen) * count).reshape(len(seen), count)
    rows = table.sum(1, keepdims=True)
    usual = table.sum(0) / rows.sum()
    apart = (table + PRIOR * usual) / (rows + PRIOR) - usual
    if count == 2:
        axes = np.array([[0.0], [1.0]])
    else:
        number = SCORES if len(seen) <= MANY else SCORES_OF_MANY
        axes = np.linalg.eigh((apart * rows).T @ apart)[1][:, -number:]
    scores = np.zeros((size, axes.shape[1]), np.float32)
    scores[seen] = apart @ axes
    return scores
