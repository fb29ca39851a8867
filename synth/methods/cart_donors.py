"""Whose codes are drawn in a leaf: those of its rows, sometimes of all rows of the node above it, and so on.

The people of a leaf are joined by ``JOINING`` drawn from its parent, whose people are joined alike: shrinkage
along the tree (Hastie and Pregibon, Shrinking trees, AT&T Bell Laboratories 1990). So what is drawn in a leaf
is never what its people have alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.axes import Floats, Ints
from synth.methods.cart_trees import Forest, sealed

JOINING = 5.0


@dataclass(frozen=True, slots=True)
class Donors:
    """Rows by leaf, so that those of each node stand together: from ``first`` to before ``last``.

    By row: ``labels`` (int32) and what it counts, ``rows`` (float64; None: all alike). By node: ``parent``
    and ``climb``, the probability that a row's donor is one of the parent's. ``levels`` are the nodes by
    depth, the roots first.
    """

    labels: NDArray[np.int32]
    rows: Floats | None
    first: Ints
    last: Ints
    parent: Ints
    climb: Floats
    levels: tuple[Ints, ...]

    def __post_init__(self) -> None:
        sealed(self)


def donors(forest: Forest, leaves: Ints, labels: Ints, people: Floats, rows: Floats | None) -> Donors:
    """Return the donors of a forest, all of whose trees have rows.

    ``leaves``, ``labels``, ``people`` (what a row counts in people) and ``rows`` (what it counts as a donor)
    have shape (rows,).
    """
    parent = forest.parent.astype(np.int64)
    levels = _levels(parent)
    order = np.argsort(leaves, kind="stable")
    count = np.bincount(leaves, minlength=len(parent))
    first = np.cumsum(count) - count
    inside, mass = count, np.bincount(leaves, people, len(parent))
    for level in reversed(levels[1:]):
        np.add.at(inside, parent[level], inside[level])
        np.add.at(mass, parent[level], mass[level])
    climb = np.where(parent >= 0, JOINING / (JOINING + mass), 0.0)
    taken = labels[order].astype(np.int32)
    return Donors(taken, None if rows is None else rows[order], first, first + inside, parent, climb, levels)


def _levels(parent: Ints) -> tuple[Ints, ...]:
    """Nodes by depth: a node's number is higher than its parent's."""
    children = np.argsort(parent, kind="stable")
    above = parent[children]
    level, found = np.flatnonzero(parent < 0), []
    while len(level):
        found.append(level)
        starts, stops = np.searchsorted(above, level), np.searchsorted(above, level, "right")
        pairs = np.concatenate([starts[stops > starts], starts[stops > starts] + 1])
        level = np.sort(children[pairs])
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Chances:
    """Donors of whom only some come into question, or some more than others.

    ``mass`` (by node) is the share of what would be drawn there that comes into question; ``climb`` as of the
    donors, given that. ``upto`` (float64, shape (donors + 1,)) adds up the donors' weights, None: all alike.
    """

    labels: NDArray[np.int32]
    first: Ints
    last: Ints
    parent: Ints
    climb: Floats
    mass: Floats
    upto: Floats | None

    def drawn(self, leaves: Ints, rng: np.random.Generator) -> NDArray[np.int32]:
        """Return the label of a donor for each leaf, whose ``mass`` must not be 0: int32 (leaves,)."""
        nodes = leaves.copy()
        climbing = np.arange(len(nodes))
        while len(climbing):
            climbing = climbing[rng.random(len(climbing)) < self.climb[nodes[climbing]]]
            nodes[climbing] = self.parent[nodes[climbing]]
        first, last = self.first[nodes], self.last[nodes]
        share = rng.random(len(nodes))
        if self.upto is None:
            at = first + (share * (last - first)).astype(np.int64)
        else:
            low = self.upto[first]
            at = np.searchsorted(self.upto, low + share * (self.upto[last] - low), "right") - 1
        # Rounding must not reach a neighbour's donors.
        return self.labels[np.clip(at, first, last - 1)]


def chances(donors: Donors, by_label: Floats | None = None) -> Chances:
    """Return what may be drawn: each donor with the weight of its label, float64 (labels,), from 0 to 1."""
    everything = np.ones(len(donors.first))
    if by_label is None and donors.rows is None:
        return Chances(
            donors.labels, donors.first, donors.last, donors.parent, donors.climb, everything, None
        )
    rows = np.ones(len(donors.labels)) if donors.rows is None else donors.rows
    weights = rows if by_label is None else rows * by_label[donors.labels]
    possible = weights > 0
    before = np.concatenate([[0], np.cumsum(possible)])
    first, last = before[donors.first], before[donors.last]
    upto = np.concatenate([[0.0], np.cumsum(weights[possible])])
    if by_label is None:
        return Chances(donors.labels[possible], first, last, donors.parent, donors.climb, everything, upto)
    total = np.concatenate([[0.0], np.cumsum(rows)])
    own = np.where(last > first, (upto[last] - upto[first]) / (total[donors.last] - total[donors.first]), 0.0)
    mass, climb = own.copy(), np.zeros(len(own))
    for level in donors.levels[1:]:
        above = donors.climb[level] * mass[donors.parent[level]]
        mass[level] = above + (1 - donors.climb[level]) * own[level]
        climb[level] = np.divide(above, mass[level], out=np.zeros(len(level)), where=mass[level] > 0)
    return Chances(donors.labels[possible], first, last, donors.parent, climb, mass, upto)
