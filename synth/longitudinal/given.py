"""Trees that draw codes of rows, each after codes that the row has already.

Sequential trees (Reiter, Journal of Official Statistics 21 (2005), p. 441): one for each drawn axis, given
the axes before it; a row's code is that of a training row drawn from the row's leaf. Codes without an order
are put into orders that suit the tree, by the principal components of what follows them (Coppersmith, Hong
and Hosking, Data Mining and Knowledge Discovery 3 (1999), p. 197).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.axes import Axis, Coded, Codes, Floats, Ints

LEAF = 25
MOST_ROWS = 200_000
_CLASSES = 24
_EDGES = 16
_COMPONENTS = 3
_SMOOTHING = 5.0
Places = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Stage:
    """The tree of one axis.

    ``places`` (each float32, shape (size, 1 or more)) tell where the codes of every axis before lie. The rows
    drawn from at a leaf of the tree are ``size`` of the ``donors`` (int32, codes) from ``begin`` on. Without
    a tree it is all of them.
    """

    places: tuple[Places, ...]
    tree: Any
    begin: Ints
    size: Ints
    donors: NDArray[np.int32]

    def draw(self, before: Codes, rng: np.random.Generator) -> NDArray[np.int32]:
        if self.tree is None:
            return np.asarray(self.donors[rng.integers(0, len(self.donors), len(before))])
        leaves: Ints = self.tree.apply(_placed(self.places, before))
        chosen = self.begin[leaves] + (rng.random(len(before)) * self.size[leaves]).astype(np.int64)
        return np.asarray(self.donors[chosen])


@dataclass(frozen=True, slots=True)
class Given:
    """A fitted tree for every axis after the ``first`` ones, which are given."""

    first: int
    stages: tuple[_Stage, ...]

    def sample_after(self, first: Codes, rng: np.random.Generator) -> Codes:
        """Return drawn codes of the axes after the given ones, shape (rows, axes drawn).

        ``first`` (int32, shape (rows, given axes)) holds what each row has.
        """
        codes = np.empty((len(first), self.first + len(self.stages)), np.int32)
        codes[:, : self.first] = first
        for place, stage in enumerate(self.stages, self.first):
            codes[:, place] = stage.draw(codes[:, :place], rng)
        return codes[:, self.first :]


def fit(coded: Coded, first: int, rng: np.random.Generator, *, leaf: int = LEAF, k: int = 1) -> Given:
    """Return trees for all axes after the ``first`` ones.

    A code is drawn from at least ``leaf`` rows of at least ``k`` people, as far as there are so many. Of very
    many rows a sample is learned from. ``coded`` has a row at least.
    """
    rows = np.arange(len(coded.codes))
    if len(rows) > MOST_ROWS:
        rows = np.sort(rng.choice(rows, MOST_ROWS, replace=False))
    part = Coded(coded.codes[rows], coded.axes, coded.people[rows])
    return Given(first, tuple(_stage(part, j, leaf, k) for j in range(first, len(coded.axes))))


def _stage(coded: Coded, axis: int, leaf: int, k: int) -> _Stage:
    from sklearn.tree import DecisionTreeClassifier

    target = coded.codes[:, axis]
    classes = _classes(target, coded.axes[axis])
    nothing = np.zeros(0, np.int64)
    if not axis or classes.max() == 0 or len(target) < 2 * leaf:
        return _Stage((), None, nothing, nothing, target.copy())
    before = coded.codes[:, :axis]
    places = tuple(_places(before[:, j], coded.axes[j], classes) for j in range(axis))
    model = DecisionTreeClassifier(min_samples_leaf=leaf, random_state=0)
    tree = model.fit(_placed(places, before), classes).tree_
    leaves = tree.apply(_placed(places, before))
    order = np.argsort(leaves, kind="stable")
    begin, size = _donors(tree, leaves[order], coded.people[order], k)
    return _Stage(places, tree, begin, size, target[order])


def _classes(target: NDArray[np.int32], axis: Axis) -> Ints:
    """What the tree is to tell apart: the most frequent codes, or bins of ordered ones, from 0 on."""
    counts = np.bincount(target, minlength=axis.size)
    if np.count_nonzero(counts) <= _CLASSES:
        return np.unique(target, return_inverse=True)[1].astype(np.int64)
    if axis.is_ordered:
        return _binned(counts, axis)[target]
    new = np.full(axis.size, _CLASSES - 1, np.int64)
    new[np.argsort(-counts, kind="stable")[: _CLASSES - 1]] = np.arange(_CLASSES - 1)
    return new[target]


def _binned(counts: Ints, axis: Axis) -> Ints:
    """The bin of every code: about equally many rows each; codes without a place are one."""
    placed = np.isfinite(axis.positions)
    order = np.flatnonzero(placed)[np.argsort(axis.positions[placed], kind="stable")]
    below = np.cumsum(counts[order]) - counts[order]
    bins = np.full(axis.size, _EDGES, np.int64)
    bins[order] = below * _EDGES // max(1, int(counts[order].sum()))
    return np.minimum(bins, _EDGES)


def _places(codes: NDArray[np.int32], axis: Axis, classes: Ints) -> Places:
    """Where the tree sees each code of an axis: its position, or its ranks by what follows it."""
    if axis.is_ordered:
        positions = axis.positions
        lowest = np.nanmin(positions, initial=0.0)
        seen = np.where(np.isfinite(positions), positions, lowest - 1.0)
        return seen.astype(np.float32)[:, None]
    if axis.size <= 2:
        return np.arange(axis.size, dtype=np.float32)[:, None]
    return _along(_followed(codes, axis.size, classes))


def _followed(codes: NDArray[np.int32], size: int, classes: Ints) -> Floats:
    """How far the shares of the classes after each code are from their mean; shape (size, classes).

    The shares are drawn a little to the mean.
    """
    number = int(classes.max()) + 1
    table = np.bincount(codes * np.int64(number) + classes, minlength=size * number).reshape(size, number)
    mean = table.sum(axis=0) / table.sum()
    counts = table.sum(axis=1, keepdims=True)
    return np.asarray((table + _SMOOTHING * mean) / (counts + _SMOOTHING) - mean)


def _along(weighted: Floats) -> Places:
    """The ranks of the codes along the first principal components, shape (size, components)."""
    _, vectors = np.linalg.eigh(weighted.T @ weighted)
    columns = []
    for axis in vectors.T[::-1][:_COMPONENTS]:
        scores = weighted @ (axis * np.sign(axis[np.argmax(np.abs(axis))]))
        ranks = np.empty(len(scores), np.float32)
        ranks[np.argsort(scores.round(9), kind="stable")] = np.arange(len(scores))
        columns.append(ranks)
    return np.column_stack(columns)


def _placed(places: tuple[Places, ...], codes: Codes) -> Places:
    return np.hstack([place[codes[:, j]] for j, place in enumerate(places)])


def _donors(tree: Any, leaves: Ints, people: Ints, k: int) -> tuple[Ints, Ints]:
    """Where the rows of every leaf begin and how many they are, in rows sorted by ``leaves``.

    A leaf of fewer than ``k`` people takes those of the smallest subtree around it that has so many. The
    nodes of a subtree have numbers without a gap, since a tree is built depth first.
    """
    parents, ends = _subtrees(tree)
    begin = np.searchsorted(leaves, np.arange(tree.node_count))
    size = np.searchsorted(leaves, ends) - begin
    pairs = np.unique(np.column_stack([leaves, people]), axis=0)[:, 0]
    is_leaf = tree.children_left < 0
    for node in np.flatnonzero(is_leaf & (np.bincount(pairs, minlength=tree.node_count) < k)):
        around = int(node)
        while parents[around] >= 0 and _people(people, begin[around], size[around]) < k:
            around = int(parents[around])
        begin[node], size[node] = begin[around], size[around]
    return begin, size


def _people(people: Ints, begin: int, size: int) -> int:
    return len(np.unique(people[begin : begin + size]))


def _subtrees(tree: Any) -> tuple[Ints, Ints]:
    """The parent of every node (−1 of the root), and the number after its last descendant."""
    parents, ends = np.full(tree.node_count, -1), np.arange(1, tree.node_count + 1)
    for node in range(tree.node_count - 1, -1, -1):
        right = tree.children_right[node]
        if right >= 0:
            parents[[tree.children_left[node], right]] = node
            ends[node] = ends[right]
    return parents, ends
