"""Recodings: the level of each column per distinct tuple, not one level for the whole column.

An equivalence class is the rows whose generalised cells read alike, on whatever levels they stand. All
criteria about classes are closed under union, so that two classes which happen to read alike hold together
what each holds alone; they are counted as they read all the same.

Prices measure what is lost: a cell pays (leaves covered - 1) / (leaves - 1), times its column's weight, as in
the metric Loss; a suppressed row pays for a ``*`` in every column. Xu et al., "Utility-based anonymization
using local recoding", KDD 2006, call it the normalised certainty penalty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting import kernels
from anonymizer.counting.classes import Classes, Node, merge
from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion
from anonymizer.hierarchies.encoding import Codes, Ladder
from anonymizer.judging.judgement import judge
from anonymizer.recoding.box_kernels import ROW, Tree

Levels = NDArray[np.int8]
Mask = NDArray[np.bool_]
SUPPRESSED_ROW = -1
"""The level in every column of a suppressed tuple."""
_KEY_SPACE = 2**62


@dataclass(frozen=True, slots=True)
class Recoding:
    """The level of each column for each base tuple of ``Counts``: int8 (tuples, m), -1 where suppressed.

    One node for all tuples is global recoding.
    """

    levels: Levels

    def __post_init__(self) -> None:
        self.levels.setflags(write=False)

    @classmethod
    def uniform(cls, node: Node, suppressed: Mask) -> Recoding:
        """Every tuple at ``node`` but the ``suppressed`` ones, bool (tuples)."""
        levels = np.tile(np.array(node, np.int8), (len(suppressed), 1))
        levels[suppressed] = SUPPRESSED_ROW
        return cls(levels)

    @property
    def suppressed(self) -> Mask:
        """Which tuples are not released; bool (tuples)."""
        return np.asarray((self.levels == SUPPRESSED_ROW).any(axis=1))

    def ranges(self) -> tuple[tuple[int, int], ...]:
        """The least and the highest level of each column among the tuples that are released.

        Where none is, no level lies between: (0, -1).
        """
        shown = self.levels[~self.suppressed]
        if not len(shown):
            return tuple((0, -1) for _ in self.levels.T)
        return tuple((int(levels.min()), int(levels.max())) for levels in shown.T)


def tree_of(ladders: Sequence[Ladder]) -> Tree:
    """The ladders as the kernels want them."""
    sizes = [ladder.label_codes.size for ladder in ladders]
    values = [ladder.label_codes.shape[1] for ladder in ladders]
    weight = sum(ladder.weight for ladder in ladders)
    labels = [numbered_labels(ladder) for ladder in ladders]
    offsets = np.cumsum([0, *sizes[:-1]], dtype=np.int64)
    return Tree(
        np.concatenate([each.ravel() for each in labels]),
        np.concatenate([_first_alike(*each) for each in zip(labels, offsets.tolist(), strict=True)]),
        np.concatenate([np.repeat(np.arange(len(each)), each.shape[1]) for each in labels]).astype(np.int8),
        np.concatenate([_prices(ladder, ladder.weight / weight).ravel() for ladder in ladders]),
        offsets,
        np.array(values, np.int64),
        np.array([ladder.lowest for ladder in ladders], np.int64),
        np.array([ladder.highest for ladder in ladders], np.int64),
        np.argsort(values, kind="stable").astype(np.int64),
    )


def numbered_labels(ladder: Ladder) -> Codes:
    """A number for each level and value, equal where the cells read alike; int32 (levels, values)."""
    number: dict[str | None, int] = {}
    labels = [[number.setdefault(label, len(number)) for label in level] for level in ladder.labels]
    return np.array(labels, np.int32)


def _first_alike(labels: Codes, offset: int) -> Codes:
    """The first place of the same level, counted from ``offset``, with each label of a column; int32."""
    firsts = []
    for level in labels:
        _, first, number = np.unique(level, return_index=True, return_inverse=True)
        firsts.append(offset + first[number])
        offset += len(level)
    return np.concatenate(firsts).astype(np.int32)


def _prices(ladder: Ladder, weight: float) -> NDArray[np.int64]:
    if ladder.leaves == 1:
        return np.zeros(ladder.leaf_counts.shape, np.int64)
    share = (ladder.leaf_counts - 1) / (ladder.leaves - 1)
    return np.rint(ROW * weight * share).astype(np.int64)


def total_price(counts: Counts, tree: Tree, levels: Levels) -> int:
    """What all rows pay, in units of ``ROW`` for one that shows nothing; a suppressed row pays for all."""
    shown = (levels != SUPPRESSED_ROW).all(axis=1)
    at = tree.offsets + levels[shown].astype(np.int64) * tree.values + counts.codes[shown]
    paid = int((tree.prices[at].sum(axis=1) * counts.rows[shown]).sum())
    top = sum(int(_prices_of(tree, j).max(initial=0)) for j in range(len(tree.values)))
    return paid + top * int(counts.rows[~shown].sum())


def _prices_of(tree: Tree, j: int) -> NDArray[np.int64]:
    end = tree.offsets[j + 1] if j + 1 < len(tree.offsets) else len(tree.prices)
    return tree.prices[tree.offsets[j] : end]


def recoded_classes(counts: Counts, recoding: Recoding) -> tuple[Codes, Classes]:
    """The class of each tuple by what its cells read, int32, and the classes.

    Suppressed tuples are one more class, the last one, which is always there.
    """
    class_of, number = number_by_text(counts, tree_of(counts.ladders), recoding.levels)
    return class_of, merge(counts, (0,) * len(counts.ladders), class_of, number + 1)


def number_by_text(counts: Counts, tree: Tree, levels: Levels) -> tuple[Codes, int]:
    """The class of each tuple by what its cells read, int32, and the number of classes.

    Suppressed tuples get that number itself.
    """
    shown = np.flatnonzero((levels != SUPPRESSED_ROW).all(axis=1))
    at = tree.offsets + levels[shown].astype(np.int64) * tree.values + counts.codes[shown]
    labels = tree.labels[at].astype(np.int64)
    keys, space = np.zeros(len(shown), np.int64), 1
    for column in labels.T:
        size = int(column.max(initial=0)) + 1
        if space * size >= _KEY_SPACE:
            numbers, space = kernels.number_keys(keys)
            keys = numbers.astype(np.int64)
        keys = keys * size + column
        space *= size
    numbers, classes = kernels.number_keys(keys)
    class_of = np.full(len(levels), classes, np.int32)
    class_of[shown] = numbers
    return class_of, int(classes)


def holds(counts: Counts, recoding: Recoding, criteria: Sequence[Criterion]) -> bool:
    """Whether every released class meets every criterion about classes."""
    _, classes = recoded_classes(counts, recoding)
    return not judge(counts, classes, criteria).broken[:-1].any()
