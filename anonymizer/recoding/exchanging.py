"""Improving a partition by local search: what it starts from, how often it goes round.

It takes classes that are counted by their rows: every row is a person, and a class needs so many of them and
so many different sensitive values. Then what a move does is known at once.

The work is bounded by a number of looks at cells, not by a clock, so that the same table always ends with the
same partition: a large one is improved only as far as that goes. Kernels are called for a slice of it at a
time, between which an interrupt is heard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity, KMap, MaxRisk
from anonymizer.hierarchies.encoding import Codes
from anonymizer.recoding.box_kernels import Tree
from anonymizer.recoding.exchange_kernels import dissolve_all, gains_of, move_all, place_all, swap_all
from anonymizer.recoding.near_kernels import Index, make_index
from anonymizer.recoding.partition_kernels import Members, Needs, Partition, fill
from anonymizer.recoding.specialising import Grouping

_ROUNDS = 2
_DISSOLVING_ROUNDS = 1
_MOST_HELD = 2**27
"""The most counts of values in classes that are kept in memory."""
MOST_LOOKS = 2**29
"""How many cells local search looks at, beside placing tuples that are in no class: ten seconds' work or so.

Adult with nine columns takes a hundredth of it, 70,000 tuples of sixteen columns nearly all."""
_SLICE = 2**23
"""The looks between two chances to interrupt: a fraction of a second."""


class Countable(NamedTuple):
    """The tuples and what their classes need, counted by rows."""

    members: Members
    needs: Needs


def countable(counts: Counts, criteria: Sequence[Criterion]) -> Countable | None:
    """What local search counts; ``None`` where a criterion asks for more, or people have several rows."""
    diverse = [c for c in criteria if isinstance(c, DistinctLDiversity)]
    sizes = [size for c in criteria if (size := _least(c)) is not None]
    if len(diverse) + len(sizes) < len(criteria) or counts.people is not None:
        return None
    different = np.array([c.l for c in diverse], np.int64)
    begin, item, demand_of = _values(counts, [c.column for c in diverse])
    least = max([1, *sizes, *different.tolist()])
    if len(demand_of) * (counts.n_rows // least + 1) > _MOST_HELD:
        return None
    needs = Needs(np.array([least], np.int64), different, demand_of)
    return Countable(Members(counts.codes, counts.rows, begin, item), needs)


def _least(criterion: Criterion) -> int | None:
    match criterion:
        case KAnonymity() | MaxRisk():
            return criterion.k
        case KMap():
            return criterion.smallest_class
    return None


def _values(counts: Counts, columns: Sequence[str]) -> tuple[NDArray[np.int64], Codes, NDArray[np.int64]]:
    """The known values each tuple holds, of all columns side by side, and the column of each value."""
    owners, items = [np.empty(0, np.int32)], [np.empty(0, np.int32)]
    known: list[int] = []
    for name in columns:
        column = counts.sensitive[name]
        is_known = column.held.item < column.known
        owners.append(column.held.owner[is_known])
        items.append((column.held.item[is_known] + sum(known)).astype(np.int32))
        known.append(column.known)
    owner, item = np.concatenate(owners), np.concatenate(items)
    begin = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=counts.n_tuples))])
    demand_of = np.repeat(np.arange(len(known)), known)
    return begin.astype(np.int64), item[np.argsort(owner, kind="stable")], demand_of.astype(np.int64)


def exchanged(
    tree: Tree, counted: Countable, class_of: Codes, classes: int, *, most_looks: int = MOST_LOOKS
) -> Grouping:
    """The grouping that local search makes of ``class_of`` int32 (tuples), -1 where a tuple is in no class.

    Every class must meet its needs from the start; the search ends early once it looked at ``most_looks``
    cells. Tuples are in none at the end only where the columns' highest levels let them join nobody.
    """
    members, needs = counted
    partition = empty_partition(counted, classes)
    fill(tree, needs, members, partition, class_of)
    if classes:
        index = classes_index(tree, members, partition)
        in_slices(place_all, (tree, needs, members, partition, index), counted.members.rows)
        _improve(tree, counted, partition, most_looks)
    return Grouping(partition.class_of, partition.levels)


def _improve(tree: Tree, counted: Countable, partition: Partition, most_looks: int) -> None:
    members, needs = counted
    search = (tree, needs, members, partition)
    end = int(partition.looks[0]) + most_looks
    for turn in range(_ROUNDS):
        index = classes_index(tree, members, partition)
        saved = in_slices(move_all, (*search, index), members.rows, end=end)
        if turn < _DISSOLVING_ROUNDS:
            index = classes_index(tree, members, partition)
            saved += in_slices(dissolve_all, (*search, index), partition.rows, end=end)
        spare = spare_index(tree, counted, partition, end=end)
        if len(spare.ids):
            index = classes_index(tree, members, partition)
            saved += in_slices(swap_all, (*search, index, spare), members.rows, end=end)
        if not saved:
            break


def in_slices(
    step: Callable[..., Any],
    arguments: tuple[Any, ...],
    each: Sized,
    *,
    end: int | None = None,
    slice_: int = _SLICE,
) -> int:
    """What ``step`` of `exchange_kernels` saves, done for all of ``each`` or up to ``end`` looks in all.

    It is called with the ``arguments``, of which the fourth is the partition, for ``slice_`` looks at a time.
    """
    looks, saved, first = arguments[3].looks, 0, 0
    while first < len(each) and (end is None or looks[0] < end):
        until = int(looks[0]) + slice_
        more, first = step(*arguments, first, until if end is None else min(until, end))
        saved += int(more)
    return saved


def empty_partition(counted: Countable, classes: int) -> Partition:
    """A partition of room for so many classes, with no tuple in any."""
    tuples, columns = counted.members.codes.shape
    values, demands = len(counted.needs.demand_of), len(counted.needs.different)
    return Partition(
        np.full(tuples, -1, np.int32),
        np.full(classes, -1, np.int32),
        np.full(tuples, -1, np.int32),
        np.zeros(classes, np.int64),
        np.zeros((classes, columns), np.int8),
        np.zeros(classes, np.int64),
        np.zeros((classes, values), np.int32),
        np.zeros((classes, demands), np.int64),
        np.zeros(1, np.int64),
    )


def classes_index(tree: Tree, members: Members, partition: Partition) -> Index:
    """The index of the classes as they are now."""
    ids = np.flatnonzero(partition.rows).astype(np.int32)
    return _index(
        tree, ids, members.codes[partition.first[ids]], partition.levels[ids], np.empty(0, np.int64)
    )


def spare_index(tree: Tree, counted: Countable, partition: Partition, *, end: int | None = None) -> Index:
    """The index of the tuples that their classes can spare; of those found up to ``end`` looks in all."""
    members, needs = counted
    gains = np.full(len(members.rows), -1, np.int64)
    in_slices(gains_of, (tree, needs, members, partition, gains), gains, end=end)
    ids = np.flatnonzero(gains >= 0).astype(np.int32)
    levels = np.tile(tree.lowest.astype(np.int8), (len(ids), 1))
    return _index(tree, ids, members.codes[ids], levels, gains[ids])


def _index(tree: Tree, ids: Codes, codes: Codes, levels: NDArray[np.int8], gains: NDArray[np.int64]) -> Index:
    at = tree.offsets + levels.astype(np.int64) * tree.values + codes
    keys = tree.labels[at].astype(np.int64) * (int(tree.highest.max()) + 1) + levels
    order = np.lexsort(keys[:, tree.order[::-1]].T)
    index: Index = make_index(
        tree, ids[order], codes[order], levels[order], gains[order] if len(gains) else gains
    )
    return index
