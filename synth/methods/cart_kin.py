"""The kin of a code: its neighbours in an order, or the other codes of its group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synth.axes import Bools, Floats, Ints
from synth.methods.cart_trees import sealed

REACH = 2
"""How many places an ordered code's kin are away, at most."""
REACH_OF_ROWS = 0.06
"""And the share of all rows that may lie between: large codes stand alone, and few bands are not blurred."""
STRAYING = 0.05
"""The share of drawn unordered codes in whose place one of their kin comes; of ordered ones all do."""


@dataclass(frozen=True, slots=True)
class Kin:
    """Labels in an ``order`` where kin stand together: those from ``first`` to before ``last`` (by label).

    ``rows`` (int64, shape (labels,)) says how often each label occurs, which is how often it comes in the
    place of its kin; ``straying`` (float64, same shape) is the share in whose place one does, itself too.
    """

    order: Ints
    first: Ints
    last: Ints
    rows: Ints
    straying: Floats

    def __post_init__(self) -> None:
        sealed(self)


def kin_in_order(places: Floats, rows: Ints) -> Kin:
    """Each label's kin are those near it by ``places``; labels without a place have none."""
    count = len(places)
    order = np.argsort(places, kind="stable")
    known = int(np.isfinite(places).sum())
    often = rows[order[:known]]
    below = (np.cumsum(often) - often / 2) / max(often.sum(), 1)
    at, rank = np.empty(count, np.int64), np.arange(known)
    at[order] = np.arange(count)
    first, last = np.arange(count), np.arange(count) + 1
    low = np.searchsorted(below, below - REACH_OF_ROWS)
    high = np.searchsorted(below, below + REACH_OF_ROWS, "right")
    first[:known] = np.clip(low, rank - REACH, rank)
    last[:known] = np.clip(high, rank + 1, rank + REACH + 1)
    return _kin(order, (first[at], last[at]), rows, 1.0)


def kin_in_groups(groups: Ints, rows: Ints) -> Kin:
    """Each label's kin are those of its group: ``groups`` has shape (labels,)."""
    order = np.argsort(groups, kind="stable")
    span = (np.searchsorted(groups[order], groups, side) for side in ("left", "right"))
    return _kin(order, tuple(span), rows, STRAYING)


def _kin(order: Ints, span: tuple[Ints, ...], rows: Ints, straying: float) -> Kin:
    first, last = span
    upto = np.concatenate([[0], np.cumsum(rows[order])])
    return Kin(
        order, first, last, rows, np.where((last - first > 1) & (upto[last] > upto[first]), straying, 0.0)
    )


def chance(kin: Kin, allowed: Bools) -> Floats:
    """Return how likely what comes in a label's place, or it itself, is allowed: float64 (labels,)."""
    all_rows, rows = (
        np.concatenate([[0], np.cumsum(each[kin.order])]) for each in (kin.rows, kin.rows * allowed)
    )
    share = (rows[kin.last] - rows[kin.first]) / np.maximum(all_rows[kin.last] - all_rows[kin.first], 1)
    return np.asarray((1 - kin.straying) * allowed + kin.straying * share)


def strayed(kin: Kin, labels: Ints, rng: np.random.Generator, allowed: Bools | None = None) -> Ints:
    """Return labels with some replaced by kin, given that all are allowed: int64 (rows,)."""
    upto = np.concatenate([[0], np.cumsum((kin.rows if allowed is None else kin.rows * allowed)[kin.order])])
    leaving = kin.straying
    if allowed is not None:
        likely = chance(kin, allowed)
        stay = np.divide((1 - kin.straying) * allowed, likely, out=np.zeros(len(likely)), where=likely > 0)
        # Exactly 0 and 1 where codes must not stay, or have nowhere to go.
        leaving = np.where(allowed, np.where(kin.straying > 0, 1 - stay, 0.0), 1.0)
    moved = np.flatnonzero(rng.random(len(labels)) < leaving[labels])
    where = labels[moved]
    # Whole numbers: what is not allowed takes up no room, and rounding cannot reach it.
    drawn = rng.integers(upto[kin.first[where]], upto[kin.last[where]])
    found = labels.copy()
    found[moved] = kin.order[np.searchsorted(upto, drawn, "right") - 1]
    return found
