"""What a tree is to tell: classes, places in an order, or, of very many codes, the company they keep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synth.axes import Floats, Ints
from synth.methods.cart_scores import Table

MOST_CLASSES = 48
"""A tree's classes; a target of more is grown level by level, or told apart by the company of its codes."""
MOST_STEPS = 10
"""Codes of an ordered axis up to which they are classes too."""
_BINS = 8
_COMPANY = 6
_ROWS_PER_CLASS = 3


@dataclass(frozen=True, slots=True)
class Target:
    """Labels of rows as a tree sees them.

    ``classes`` (int64, shape (rows,)) summarise the labels in few classes. ``aims`` (float64, shape
    (rows, aims)) are numbers to tell, or None where they are still to be found, or ``classes`` are the aim.
    """

    labels: Ints
    classes: Ints
    aims: Floats | None
    is_classes: bool


def target(labels: Ints, places: Floats | None, weights: Floats) -> Target:
    """Return the target for ``labels`` (int64, shape (rows,)); ``places`` (by label) are their order."""
    seen, own = np.unique(labels, return_inverse=True)
    if places is not None and len(seen) > MOST_STEPS:
        return _in_order(own, places[seen], weights)
    if len(seen) <= MOST_CLASSES and _ROWS_PER_CLASS * len(seen) <= len(labels):
        return Target(own, own, None, True)
    return Target(own, _commonest(own, weights), None, False)


def _in_order(own: Ints, places: Floats, weights: Floats) -> Target:
    """Aims are the share of rows below each, and whether a row has a place at all."""
    placed = np.isfinite(places)
    rows = np.bincount(own, weights) * placed
    by_place = np.argsort(places, kind="stable")
    below = np.empty(len(places))
    below[by_place] = (np.cumsum(rows[by_place]) - rows[by_place] / 2) / max(rows.sum(), 1e-300)
    below[~placed] = 0.5
    bins = np.minimum((below * _BINS).astype(np.int64), _BINS - 1)
    bins[~placed] = _BINS
    aims = np.column_stack([below, ~placed])[:, : 1 if placed.all() else 2]
    return Target(own, np.unique(bins[own], return_inverse=True)[1], aims[own], False)


def _commonest(own: Ints, weights: Floats) -> Ints:
    """The labels with all but the most frequent ones in one class."""
    rows = np.bincount(own, weights)
    common = np.argsort(-rows, kind="stable")[: MOST_CLASSES - 1]
    classes = np.full(len(rows), len(common))
    classes[common] = np.arange(len(common))
    return np.unique(classes[own], return_inverse=True)[1]


def company(own: Ints, predictors: Table, weights: Floats) -> Floats:
    """Return, by row, where the others with its label lie among the predictors: float64 (rows, few).

    Labels that keep the same company are alike to a tree that aims at it: first principal components of the
    labels' mean predictors, each drawn towards the middle by the ``weights`` of a few rows.
    """
    spread = predictors.std(0, dtype=np.float64)
    usual = predictors.mean(0, dtype=np.float64)
    rows = np.bincount(own, weights)
    sums = [np.bincount(own, weights * column) for column in predictors.T]
    means = (np.column_stack(sums) - rows[:, None] * usual) / (rows[:, None] + 5.0)
    means /= np.where(spread > 0, spread, 1.0)
    axes = np.linalg.eigh((means * rows[:, None]).T @ means)[1][:, -_COMPANY:]
    return np.asarray((means @ axes)[own])
