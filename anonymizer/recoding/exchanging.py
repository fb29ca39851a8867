"""Improving a partition by local search: what it starts from, how often it goes round.

It takes classes that are counted by their rows: every row is a person, and a class needs so many of them and
so many different sensitive values. Then what a move does is known at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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


def exchanged(tree: Tree, counted: Countable, class_of: Codes, classes: int) -> Grouping:
    """The grouping that local search makes of ``class_of`` int32 (tuples), -1 where a tuple is in no class.

    Every class must meet its needs from the start. Tuples are in none at the end only where the columns'
    highest levels let them join nobody.
    """
    members, needs = counted
    partition = empty_partition(counted, classes)
    fill(tree, needs, members, partition, class_of)
    if classes:
        place_all(tree, needs, members, partition, classes_index(tree, members, partition))
        _improve(tree, counted, partition)
    return Grouping(partition.class_of, partition.levels)


def _improve(tree: Tree, counted: Countable, partition: Partition) -> None:
    members, needs = counted
    search = (tree, needs, members, partition)
    for turn in range(_ROUNDS):
        saved = move_all(*search, classes_index(tree, members, partition))
        if turn < _DISSOLVING_ROUNDS:
            saved += dissolve_all(*search, classes_index(tree, members, partition))
        spare = spare_index(tree, counted, partition)
        if len(spare.ids):
            saved += swap_all(*search, classes_index(tree, members, partition), spare)
        if not saved:
            break


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
    )


def classes_index(tree: Tree, members: Members, partition: Partition) -> Index:
    """The index of the classes as they are now."""
    ids = np.flatnonzero(partition.rows).astype(np.int32)
    return _index(
        tree, ids, members.codes[partition.first[ids]], partition.levels[ids], np.empty(0, np.int64)
    )


def spare_index(tree: Tree, counted: Countable, partition: Partition) -> Index:
    """The index of the tuples that their classes can spare."""
    members, needs = counted
    gains = gains_of(tree, needs, members, partition)
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
