"""Top-down specialisation: classes are split along one column, one level down, as long as every part holds.

The parts of a class are its members by their labels one level down. Parts that break a criterion stay
together at the label they had; if even together they break it, the smallest parts that hold stay with them.
Each class takes the column that gains most. It is greedy: what it ends with is no optimum.

It needs nothing of a criterion but a judgement of classes, so it serves them all, also where people have
several rows. LeFevre, DeWitt and Ramakrishnan, "Mondrian multidimensional k-anonymity", ICDE 2006, split
relaxed in this sense; here the hierarchies say where.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting import kernels
from anonymizer.counting.classes import merge
from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion
from anonymizer.hierarchies.encoding import Codes
from anonymizer.judging.demands import Demands
from anonymizer.judging.judgement import judge
from anonymizer.recoding.box_kernels import Tree
from anonymizer.recoding.recoding import SUPPRESSED_ROW, Levels, Recoding, number_by_text

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
NONE = -1
"""The class of a tuple that is in none: a suppressed one."""
_ATTEMPTS = 4
"""How often parts that hold are put back to those that don't before a split is given up."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """Tuples in classes that each have one level per column.

    ``class_of`` int32 (tuples), ``NONE`` where suppressed; ``levels`` int8 (classes, m).
    """

    class_of: Codes
    levels: Levels

    def recoding(self) -> Recoding:
        """The level per tuple."""
        levels = np.full((len(self.class_of), self.levels.shape[1]), SUPPRESSED_ROW, np.int8)
        shown = self.class_of != NONE
        levels[shown] = self.levels[self.class_of[shown]]
        return Recoding(levels)


class Split(NamedTuple):
    """Splits of classes along one column: what each class ``gain``s, int64 (classes), 0 where it has none;
    ``part`` int32 (tuples): the number of the tuple's part, ``NONE`` where it stays at its label; and the
    number of ``parts``."""

    gain: Ints
    part: Codes
    parts: int


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges classes of base tuples by the criteria."""

    counts: Counts
    criteria: Sequence[Criterion]
    demands: Demands

    @classmethod
    def of(cls, counts: Counts, criteria: Sequence[Criterion]) -> Judge:
        return cls(counts, criteria, Demands.of(counts, criteria))

    def broken(self, class_of: Codes, classes: int) -> Mask:
        """Which classes break a criterion; tuples in none have the number ``NONE``."""
        owners = np.where(class_of == NONE, classes, class_of).astype(np.int32)
        merged = merge(self.counts, (0,) * len(self.counts.ladders), owners, classes + 1)
        return judge(self.counts, merged, self.criteria, demands=self.demands).broken[:-1]


def specialise(tree: Tree, judge_: Judge, grouping: Grouping, open_: Mask) -> Grouping:
    """The grouping with the classes that are ``open_``, bool (classes), split as far as it goes."""
    while open_.any():
        splits = [_split(tree, judge_, grouping, j, open_) for j in range(len(tree.values))]
        gains = np.stack([split.gain for split in splits])
        column = np.where(gains.max(axis=0) > 0, gains.argmax(axis=0), NONE)
        grouping, open_ = _apply(grouping, splits, column)
    return grouping


def from_the_top(counts: Counts, tree: Tree, judge_: Judge) -> Grouping:
    """The grouping of all tuples by specialising the classes at the columns' highest levels that hold."""
    nobody = Grouping(np.full(counts.n_tuples, NONE, np.int32), np.empty((0, len(counts.ladders)), np.int8))
    return specialise(tree, judge_, *with_rest(counts, tree, judge_, nobody))


def with_rest(counts: Counts, tree: Tree, judge_: Judge, grouping: Grouping) -> tuple[Grouping, Mask]:
    """The grouping with its tuples of no class in classes at the highest levels, where those hold.

    Which classes may be specialised, bool (classes), is all of them.
    """
    classes, rest = len(grouping.levels), grouping.class_of == NONE
    levels = np.full((counts.n_tuples, len(counts.ladders)), SUPPRESSED_ROW, np.int8)
    levels[rest] = tree.highest
    numbers, more = number_by_text(counts, tree, levels)
    good = ~judge_.broken(np.where(rest, numbers, NONE).astype(np.int32), more)
    joins = rest & np.append(good, False)[numbers]
    class_of = grouping.class_of.copy()
    class_of[joins] = classes + numbers[joins]
    highest = np.tile(tree.highest.astype(np.int8), (more, 1))
    return Grouping(class_of, np.concatenate([grouping.levels, highest])), np.ones(classes + more, np.bool_)


def _split(tree: Tree, judge_: Judge, grouping: Grouping, j: int, open_: Mask) -> Split:
    """The splits of the open classes along column j."""
    counts, classes = judge_.counts, len(grouping.levels)
    can = open_ & (grouping.levels[:, j] > tree.lowest[j])
    part = np.full(counts.n_tuples, NONE, np.int32)
    tuples = np.flatnonzero((grouping.class_of != NONE) & can[grouping.class_of])
    if not len(tuples):
        return Split(np.zeros(classes, np.int64), part, 0)
    owner = grouping.class_of[tuples]
    finer = tree.offsets[j] + (grouping.levels[owner, j].astype(np.int64) - 1) * tree.values[j]
    at = finer + counts.codes[tuples, j]
    labels = tree.labels[at]
    numbers, parts = kernels.number_keys(owner.astype(np.int64) * (int(labels.max()) + 1) + labels)
    part[tuples] = numbers
    parent = np.empty(parts, np.int32)
    parent[numbers] = owner
    stays = _stays(judge_, grouping, part, parent)
    saved = counts.rows[tuples] * (tree.prices[at + tree.values[j]] - tree.prices[at] + 1)
    gain = np.bincount(owner[~stays[numbers]], saved[~stays[numbers]], minlength=classes)
    part[tuples[stays[numbers]]] = NONE
    return Split(gain.astype(np.int64), part, parts)


def _stays(judge_: Judge, grouping: Grouping, part: Codes, parent: Codes) -> Mask:
    """Which parts stay at their label, so that every part that goes and every rest that stays holds."""
    classes = len(grouping.levels)
    stays = judge_.broken(part, len(parent)).copy()
    rows = np.bincount(part[part != NONE], judge_.counts.rows[part != NONE], minlength=len(parent))
    by_size = np.lexsort((np.arange(len(parent)), rows))
    for _ in range(_ATTEMPTS):
        rest = np.where((part != NONE) & stays[part], parent[part], NONE).astype(np.int32)
        failing = np.bincount(rest[rest != NONE], minlength=classes) > 0
        failing &= judge_.broken(rest, classes)
        going = by_size[~stays[by_size] & failing[parent[by_size]]]
        if not len(going):
            return np.asarray(stays | failing[parent])
        _, smallest = np.unique(parent[going], return_index=True)
        stays[going[smallest]] = True
    return np.asarray(stays | failing[parent])


def _apply(grouping: Grouping, splits: Sequence[Split], column: NDArray[np.int64]) -> tuple[Grouping, Mask]:
    """The grouping after each class was split along its ``column``; which classes may be split further."""
    class_of, levels = grouping.class_of.copy(), [grouping.levels]
    shown = class_of != NONE
    chosen = np.where(shown, column[class_of], NONE)
    for j, split in enumerate(splits):
        goes = np.flatnonzero((chosen == j) & (split.part != NONE))
        if not len(goes):
            continue
        numbers, made = kernels.number_small_keys(split.part[goes].astype(np.int64), split.parts)
        parents = np.empty(made, np.int32)
        parents[numbers] = grouping.class_of[goes]
        finer = grouping.levels[parents].copy()
        finer[:, j] -= 1
        class_of[goes] = numbers + sum(map(len, levels))
        levels.append(finer)
    everything = np.concatenate(levels)
    open_ = np.ones(len(everything), np.bool_)
    open_[: len(column)] = column != NONE
    return Grouping(class_of, everything), open_
