"""The kin of a code: its neighbours in an order, or the other codes of its group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.axes import Bools, Floats, Ints
from synth.methods.cart_donors import Donors
from synth.methods.cart_trees import sealed

RUN = 4
"""How many ordered codes next to one another are kin, at most."""
RUN_OF_ROWS = 0.06
"""And the share of all rows that may lie between them: large codes stand alone, few bands are not blurred."""
EDGE = 0.05
"""The share of a leaf's donors at either end of an order that are no kin of those between the ends."""
STRAYING = 0.05
"""The share of drawn unordered codes in whose place one of their kin comes; of ordered ones all do."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Labels in an ``order`` where kin stand together: those from ``first`` to before ``last``.

    These have shape (partitions, labels): donors take the partitions in turn. Within each a label is kin to
    its kin, so that margins stay what they are when kin take places as often as they occur. That happens to
    ``straying`` of the drawn labels.
    """

    order: Ints
    first: Ints
    last: Ints
    straying: float

    @property
    def at(self) -> Ints:
        """The place of each label in the order."""
        return np.argsort(self.order)


@dataclass(frozen=True, slots=True)
class Kin:
    """The kin of donors: labels of the ``order`` from ``first`` to before ``last`` (int32, by donor).

    ``labels`` (int32) are the donors' own. ``rows`` (int64, by label) says how often each occurs, which is
    how often it comes in the place of its kin.
    """

    labels: NDArray[np.int32]
    order: Ints
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    rows: Ints
    straying: float

    def __post_init__(self) -> None:
        sealed(self)

    def among(self, allowed: Bools) -> Ints:
        """Return how many rows have allowed labels that stand in the order before each place."""
        return np.concatenate([[0], np.cumsum((self.rows * allowed)[self.order])])


def near(places: Floats, rows: Ints) -> Spans:
    """Each label's kin are those near it by ``places``; labels without a place have none.

    Runs of kin begin elsewhere in each partition.
    """
    count = len(places)
    order = np.argsort(places, kind="stable")
    often = rows[order[: int(np.isfinite(places).sum())]]
    below = (np.cumsum(often) - often / 2) / max(often.sum(), 1)
    spans = [_runs(below, count, length) for length in range(1, RUN + 1)]
    at = np.argsort(order)
    first, last = (np.stack([each[side][at] for each in spans]) for side in (0, 1))
    return Spans(order, first, last, 1.0)


def _runs(below: Floats, count: int, length: int) -> tuple[Ints, Ints]:
    """Where the run of each place begins and ends; the first run has at most ``length`` places."""
    begins = np.arange(count)
    start, room = 0, length
    for place in range(1, len(below)):
        if place - start >= room or below[place] - below[start] > RUN_OF_ROWS:
            start, room = place, RUN
        begins[place] = start
    return begins, np.searchsorted(begins, begins, "right")


def grouped(groups: Ints) -> Spans:
    """Each label's kin are those of its group: ``groups`` has shape (labels,)."""
    order = np.argsort(groups, kind="stable")
    first, last = (np.searchsorted(groups[order], groups, side) for side in ("left", "right"))
    return Spans(order, first[None], last[None], STRAYING)


def kin(spans: Spans, donors: Donors, rows: Ints) -> Kin:
    """Return the kin of donors that stand, leaf by leaf, in the order of the spans."""
    partition = np.arange(len(donors.labels)) % len(spans.first)
    first, last = (side[partition, donors.labels] for side in (spans.first, spans.last))
    if spans.straying == 1:
        first, last = _inside(spans.at[donors.labels], (first, last), donors)
    whole = first.astype(np.int32), last.astype(np.int32)
    return Kin(donors.labels, spans.order, *whole, rows, spans.straying)


def _inside(at: Ints, span: tuple[Ints, Ints], donors: Donors) -> tuple[Ints, Ints]:
    """Spans that do not leave where nine tenths of a leaf lie: an edge that a tree found stays one."""
    first, last = span
    starts, counts = donors.leaves
    skipped = (counts * EDGE).astype(np.int64)
    low = np.repeat(at[starts + skipped], counts)
    high = np.repeat(at[starts + counts - 1 - skipped], counts)
    first = np.where(
        at > high, np.maximum(first, high + 1), np.where(at < low, first, np.maximum(first, low))
    )
    last = np.where(at < low, np.minimum(last, low), np.where(at > high, last, np.minimum(last, high + 1)))
    return first, last


def chance(kin: Kin, allowed: Bools) -> Floats:
    """Return how likely what comes in a donor's place, or its own label, is allowed: float64 (donors,)."""
    everything, possible = kin.among(np.ones_like(allowed)), kin.among(allowed)
    share = (possible[kin.last] - possible[kin.first]) / (everything[kin.last] - everything[kin.first])
    return np.asarray((1 - kin.straying) * allowed[kin.labels] + kin.straying * share)


def strayed(kin: Kin, donors: Ints, rng: np.random.Generator, allowed: Bools | None = None) -> Ints:
    """Return labels of donors, some replaced by kin, given that all are allowed: int64 (rows,)."""
    first, last = kin.first[donors], kin.last[donors]
    found = kin.labels[donors].astype(np.int64)
    upto = kin.among(np.ones(len(kin.rows), np.bool_) if allowed is None else allowed)
    leaving: Floats | float = kin.straying
    if allowed is not None:
        everything = kin.among(np.ones_like(allowed))
        by_kin = kin.straying * (upto[last] - upto[first]) / (everything[last] - everything[first])
        # Exactly 1 where a label must not stay.
        leaving = by_kin / (by_kin + (1 - kin.straying) * allowed[found])
    moved = np.flatnonzero((rng.random(len(found)) < leaving) & (last - first > 1))
    # Whole numbers: what is not allowed takes up no room, and rounding cannot reach it.
    drawn = rng.integers(upto[first[moved]], upto[last[moved]])
    found[moved] = kin.order[np.searchsorted(upto, drawn, "right") - 1]
    return found
