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
class Counting:
    """How rows count. ``people`` (float64, shape (rows,)): in a leaf, one over how many their person has.

    ``rows`` (same shape): as donors; None: all alike.
    """

    people: Floats
    rows: Floats | None


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

    @property
    def leaves(self) -> tuple[Ints, Ints]:
        """The first row of each leaf, and how many it has."""
        inner = np.zeros(len(self.parent), np.bool_)
        inner[self.parent[self.parent >= 0]] = True
        return self.first[~inner], (self.last - self.first)[~inner]


def donors(forest: Forest, leaves: Ints, labels: Ints, at: Ints, counting: Counting) -> Donors:
    """Return the donors of a forest, all of whose trees have rows.

    ``leaves`` and ``labels`` have shape (rows,). Rows of a leaf stand in the order in which their labels do:
    ``at`` (by label).
    """
    parent = forest.parent.astype(np.int64)
    levels = _levels(parent)
    order = np.argsort(leaves * len(at) + at[labels], kind="stable")
    count = np.bincount(leaves, minlength=len(parent))
    first = np.cumsum(count) - count
    inside, mass = count, np.bincount(leaves, counting.people, len(parent))
    for level in reversed(levels[1:]):
        np.add.at(inside, parent[level], inside[level])
        np.add.at(mass, parent[level], mass[level])
    climb = np.where(parent >= 0, JOINING / (JOINING + mass), 0.0)
    taken = labels[order].astype(np.int32)
    rows = None if counting.rows is None else counting.rows[order]
    return Donors(taken, rows, first, first + inside, parent, climb, levels)


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

    ``numbers`` (int64) are the donors in question, None: all. ``mass`` (by node) is the share of what would
    be drawn there that comes into question; ``climb`` as of the donors, given that. ``upto`` (float64, shape
    (donors in question + 1,)) adds up their weights, None: all alike.
    """

    numbers: Ints | None
    first: Ints
    last: Ints
    parent: Ints
    climb: Floats
    mass: Floats
    upto: Floats | None

    def drawn(self, leaves: Ints, rng: np.random.Generator) -> Ints:
        """Return the number of a donor for each leaf, whose ``mass`` must not be 0: int64 (leaves,)."""
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
        at = np.clip(at, first, last - 1)
        return at if self.numbers is None else self.numbers[at]


def chances(donors: Donors, likely: Floats | None = None) -> Chances:
    """Return what may be drawn: each donor in question as ``likely`` as said, float64 (donors,)."""
    everything = np.ones(len(donors.first))
    if likely is None and donors.rows is None:
        return Chances(None, donors.first, donors.last, donors.parent, donors.climb, everything, None)
    rows = np.ones(len(donors.labels)) if donors.rows is None else donors.rows
    weights = rows if likely is None else rows * likely
    possible = np.flatnonzero(weights > 0)
    first, last = np.searchsorted(possible, donors.first), np.searchsorted(possible, donors.last)
    upto = np.concatenate([[0.0], np.cumsum(weights[possible])])
    if likely is None:
        return Chances(possible, first, last, donors.parent, donors.climb, everything, upto)
    total = np.concatenate([[0.0], np.cumsum(rows)])
    own = np.where(last > first, (upto[last] - upto[first]) / (total[donors.last] - total[donors.first]), 0.0)
    mass, climb = own.copy(), np.zeros(len(own))
    for level in donors.levels[1:]:
        above = donors.climb[level] * mass[donors.parent[level]]
        mass[level] = above + (1 - donors.climb[level]) * own[level]
        climb[level] = np.divide(above, mass[level], out=np.zeros(len(level)), where=mass[level] > 0)
    return Chances(possible, first, last, donors.parent, climb, mass, upto)
