"""The stages in which codes are drawn: axis by axis, and an axis of many codes group by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from synth.axes import Axis, Bools, Codes, Floats, Ints
from synth.methods.cart_donors import Counting, Donors, donors
from synth.methods.cart_kin import Kin, grouped, kin, near
from synth.methods.cart_scores import ranks
from synth.methods.cart_targets import MOST_CLASSES, target
from synth.methods.cart_trees import Forest, Sample, grown, together

PEOPLE_PER_LABEL = 3
"""A leaf's people for each label that the target has, where that is more than asked for."""
MOST_LEAVES = 4
"""And so many times the people asked for at most."""


@dataclass(frozen=True, slots=True)
class Level:
    """One stage's labels: of each code of ``axis`` its label, and of each label that of the stage before.

    ``labels`` (int64, shape (size,)), ``above`` (int64, shape (number of labels,)): zeros in an axis' first
    stage. ``kin`` (same shape) groups labels that may stand for one another.
    """

    axis: int
    labels: Ints
    above: Ints
    kin: Ints


@dataclass(frozen=True, slots=True)
class Stage:
    """A level as it was learned: the trees that the codes of the axes before it are sent down.

    ``roots`` (int64, by label of the stage before) is the node that a row starts from; −1: nobody has that.
    """

    level: Level
    forest: Forest
    roots: Ints
    donors: Donors
    kin: Kin


@dataclass(frozen=True, slots=True)
class Growth:
    """How trees are grown: ``leaf`` people or more in each leaf, from ``most_rows`` rows or all (None)."""

    leaf: int
    most_rows: int | None


@dataclass(frozen=True, slots=True)
class Learning:
    """What is learned from, how its rows count, and how trees are grown of them."""

    codes: Codes
    axes: tuple[Axis, ...]
    counting: Counting
    growth: Growth


def levels(number: int, axis: Axis) -> tuple[Level, ...]:
    """Return the stages of an axis.

    One for most; an unordered axis of more codes than a tree has classes is drawn through its groups, the
    coarsest first.
    """
    steps = [np.zeros(axis.size, np.int64)]
    if not axis.is_ordered and axis.size > MOST_CLASSES:
        for group in reversed(axis.groups):
            finer = np.unique(np.column_stack([steps[-1], group]), axis=0, return_inverse=True)[1].ravel()
            if steps[-1].max() < finer.max() < axis.size - 1:
                steps.append(finer)
    steps.append(np.arange(axis.size))
    return tuple(
        Level(number, labels, _by_label(labels, above), _kin(axis, labels, above))
        for above, labels in pairwise(steps)
    )


def _by_label(labels: Ints, of_codes: Ints) -> Ints:
    """What each label's codes have, which is the same for all of them."""
    found = np.zeros(int(labels.max()) + 1, np.int64)
    found[labels] = of_codes
    return found


def _kin(axis: Axis, labels: Ints, above: Ints) -> Ints:
    """Groups of labels: those under one of the stage before, or codes in the finest groups that tell."""
    if above.max() > 0:
        return _by_label(labels, above)
    count = int(labels.max()) + 1
    telling = [group for group in axis.groups if 1 < len(np.unique(group)) < axis.size]
    return telling[0] if telling and count == axis.size else np.arange(count)


def learned(level: Level, table: Learning, *, before: Sequence[int], rng: np.random.Generator) -> Stage:
    """Return the stage that draws a level's labels given the codes of the axes ``before``."""
    axis = table.axes[level.axis]
    labels = level.labels[table.codes[:, level.axis]]
    above = level.above[labels]
    places = ranks(axis) if axis.is_ordered else None
    order = np.argsort(above, kind="stable")
    groups, starts = np.unique(above[order], return_index=True)
    given = [(at, table.axes[at]) for at in before]
    trees = [_tree(table, rows, (labels, places), given, rng) for rows in np.split(order, starts[1:])]
    forest, numbers = together(trees)
    roots = np.full(int(level.above.max()) + 1, -1, np.int64)
    roots[groups] = numbers
    leaves = forest.leaves(table.codes, roots[above])
    often = np.bincount(labels, minlength=len(level.above))
    spans = grouped(level.kin) if places is None else near(places, often)
    by_leaf = donors(forest, leaves, labels, spans.at, table.counting)
    return Stage(level, forest, roots, by_leaf, kin(spans, by_leaf, often))


def _tree(
    table: Learning,
    rows: Ints,
    aimed: tuple[Ints, Floats | None],
    given: Sequence[tuple[int, Axis]],
    rng: np.random.Generator,
) -> Forest:
    labels, places = aimed
    seed = int(rng.integers(2**31))
    rows = _drawn(rows, table.growth.most_rows, rng)
    sample = Sample(table.codes[rows], table.counting.people[rows])
    aim = target(labels[rows], places, sample.people)
    return grown(sample, aim, given, leaf=_least(aim.labels, table.growth.leaf), seed=seed)


def _least(labels: Ints, leaf: int) -> float:
    """The people of a leaf: too few have only some of the labels that they could have, and repeat those."""
    return float(min(max(leaf, PEOPLE_PER_LABEL * (labels.max() + 1)), MOST_LEAVES * leaf))


def _drawn(rows: Ints, most: int | None, rng: np.random.Generator) -> Ints:
    if most is None or len(rows) <= most:
        return rows
    return np.sort(rng.choice(rows, most, replace=False))


def reached(level: Level, allowed: Bools) -> Bools:
    """Return which labels have an allowed code: bool (labels,)."""
    return np.bincount(level.labels[allowed], minlength=len(level.above)) > 0
