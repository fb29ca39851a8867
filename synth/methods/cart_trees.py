"""Trees grown by scikit-learn, taken apart into arrays that rows can be sent down quickly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.axes import Axis, Codes, Floats, Ints
from synth.methods.cart_scores import scored
from synth.methods.cart_targets import Target, company
from synth.methods.cart_walk import walked


def sealed(holder: Any) -> None:
    """Let nobody write to the arrays of a frozen object."""
    for name in holder.__slots__:
        if isinstance(part := getattr(holder, name), np.ndarray):
            part.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees beside one another.

    By node: ``left`` and ``right`` (int32, −1 in a leaf), ``parent`` (int32, −1 in a root), and what it asks:
    is ``table[offset + code of the axis]`` at most the ``threshold``? The nodes below a node have the numbers
    that follow its own.
    """

    left: NDArray[np.int32]
    right: NDArray[np.int32]
    axis: NDArray[np.int32]
    offset: Ints
    threshold: Floats
    parent: NDArray[np.int32]
    table: NDArray[np.float32]

    def __post_init__(self) -> None:
        sealed(self)

    def leaves(self, codes: Codes, roots: Ints) -> Ints:
        """Return the leaf that each row comes to from its root: int64 (rows,)."""
        found: NDArray[np.int32] = walked(
            np.ascontiguousarray(codes),
            roots.astype(np.int32),
            self.left,
            self.right,
            self.axis,
            self.offset,
            self.threshold,
            self.table,
        )
        return found.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows to grow a tree from: ``codes`` of all axes, and by row what it counts, in people."""

    codes: Codes
    people: Floats


LEAF_ALONE = Forest(
    np.full(1, -1, np.int32),
    np.full(1, -1, np.int32),
    np.zeros(1, np.int32),
    np.zeros(1, np.int64),
    np.zeros(1),
    np.full(1, -1, np.int32),
    np.zeros(0, np.float32),
)


def grown(
    sample: Sample, target: Target, axes: Sequence[tuple[int, Axis]], *, leaf: float, seed: int
) -> Forest:
    """Return one tree that tells the target from the ``axes`` (with their numbers).

    Each leaf holds ``leaf`` people or more: the rows' weights in it add up to that, which are at most one for
    any person.
    """
    if sample.people.sum() < 2 * leaf or target.classes.max() == 0 or not axes:
        return LEAF_ALONE
    tables = [scored(axis, sample.codes[:, at], target.classes, sample.people) for at, axis in axes]
    columns = [table[sample.codes[:, at]] for table, (at, _) in zip(tables, axes, strict=True)]
    predictors = np.concatenate(columns, 1)
    tree = _fitted(predictors, target, sample.people, leaf=leaf, seed=seed)
    widths = [table.shape[1] for table in tables]
    starts = np.cumsum([0, *(table.size for table in tables)])
    # A table is kept score by score, so that a code is an offset into it.
    offsets = [
        start + len(table) * np.arange(table.shape[1]) for start, table in zip(starts, tables, strict=False)
    ]
    feature = np.maximum(tree.feature, 0)
    left, right = (side.astype(np.int32) for side in (tree.children_left, tree.children_right))
    return Forest(
        left,
        right,
        np.repeat([at for at, _ in axes], widths)[feature].astype(np.int32),
        np.concatenate(offsets)[feature].astype(np.int64),
        tree.threshold.astype(np.float64),
        _parents(left, right),
        np.concatenate([table.T.ravel() for table in tables]),
    )


def _fitted(predictors: Any, target: Target, people: Floats, *, leaf: float, seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    if people.min() == 1:
        least = {"min_samples_leaf": int(np.ceil(leaf))}
        weights = None
    else:
        least = {"min_weight_fraction_leaf": leaf / people.sum()}
        weights = people
    if target.is_classes:
        return (
            DecisionTreeClassifier(**least, random_state=seed).fit(predictors, target.classes, weights).tree_
        )
    aims = company(target.labels, predictors, people) if target.aims is None else target.aims
    return DecisionTreeRegressor(**least, random_state=seed).fit(predictors, aims, weights).tree_


def _parents(left: NDArray[np.int32], right: NDArray[np.int32]) -> NDArray[np.int32]:
    parent = np.full(len(left), -1, np.int32)
    inner = np.flatnonzero(left >= 0).astype(np.int32)
    parent[left[inner]] = inner
    parent[right[inner]] = inner
    return parent


def together(trees: Sequence[Forest]) -> tuple[Forest, Ints]:
    """Return trees as one forest, and the numbers of their roots in it: int64 (trees,)."""
    nodes = np.cumsum([0, *(len(tree.left) for tree in trees)])
    cells = np.cumsum([0, *(len(tree.table) for tree in trees)])
    moved = {
        name: [
            np.where((part := getattr(tree, name)) >= 0, part + node, -1)
            for tree, node in zip(trees, nodes, strict=False)
        ]
        for name in ("left", "right", "parent")
    }
    offsets = [tree.offset + cell for tree, cell in zip(trees, cells, strict=False)]
    whole = {name: [getattr(tree, name) for tree in trees] for name in ("axis", "threshold", "table")}
    joined = {name: np.concatenate(parts) for name, parts in {**moved, "offset": offsets, **whole}.items()}
    for name in ("left", "right", "parent"):
        joined[name] = joined[name].astype(np.int32)
    return Forest(**joined), nodes[:-1].astype(np.int64)
