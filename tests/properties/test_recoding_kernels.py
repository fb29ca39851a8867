"""The compiled loops of local recoding beside what they are meant to compute, in plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
from hypothesis import assume, event, given
from hypothesis import strategies as st

from anonymizer.counting.counts import Counts
from anonymizer.recoding.box_kernels import FAR, Tree, box_price, joined_price, widen
from anonymizer.recoding.covering import covered
from anonymizer.recoding.exchange_kernels import dissolve_all, gains_of, move_all, place_all, swap_all
from anonymizer.recoding.exchanging import (
    Countable,
    classes_index,
    countable,
    empty_partition,
    exchanged,
    in_slices,
    spare_index,
)
from anonymizer.recoding.near_kernels import Query, nearest
from anonymizer.recoding.partition_kernels import Partition, fill, holds, transfer
from anonymizer.recoding.recoding import tree_of
from tests.properties.definitions import Task
from tests.properties.laws import law
from tests.properties.recodings import crowds
from tests.properties.tasks import counts_of, tasks

Tuple = Sequence[int]
NEVER = 2**62


def counted_of(task: Task) -> tuple[Counts, Tree, Countable]:
    """The task as local search takes it."""
    counts = counts_of(task)
    counted = countable(counts, task.criteria)
    assume(counted is not None)
    assert counted is not None
    return counts, tree_of(counts.ladders), counted


def label(tree: Tree, j: int, code: int, level: int) -> int:
    return int(tree.labels[tree.offsets[j] + level * tree.values[j] + code])


def cell(tree: Tree, j: int, code: int, level: int) -> int:
    """What a row pays for a label; what is not allowed is out of reach."""
    return (
        FAR if level > tree.highest[j] else int(tree.prices[tree.offsets[j] + level * tree.values[j] + code])
    )


def box(tree: Tree, codes: Sequence[Tuple]) -> list[int]:
    """The least level per column at which all tuples have one label; one above the highest where none is."""
    levels = []
    for j in range(len(tree.values)):
        allowed = range(int(tree.lowest[j]), int(tree.highest[j]) + 1)
        same = [x for x in allowed if len({label(tree, j, codes_[j], x) for codes_ in codes}) == 1]
        levels.append(min(same, default=int(tree.highest[j]) + 1))
    return levels


def price(tree: Tree, codes: Sequence[Tuple]) -> int:
    """What a row pays in the least box of some tuples."""
    return sum(cell(tree, j, codes[0][j], level) for j, level in enumerate(box(tree, codes))) if codes else 0


def groups(counts: Counts, partition: Partition) -> dict[int, list[int]]:
    """The tuples of every class."""
    found: dict[int, list[int]] = {}
    for t, c in enumerate(partition.class_of.tolist()):
        found.setdefault(c, []).append(t)
    return found


def total(counts: Counts, tree: Tree, partition: Partition) -> int:
    """What all rows in classes pay."""
    return sum(
        int(counts.rows[tuples].sum()) * price(tree, counts.codes[tuples].tolist())
        for c, tuples in groups(counts, partition).items()
        if c >= 0
    )


def agrees(counts: Counts, tree: Tree, counted: Countable, partition: Partition) -> None:
    """The partition's rows, boxes, prices and values are those of its members."""
    members, needs = counted
    for c, tuples in groups(counts, partition).items():
        if c < 0:
            continue
        codes = counts.codes[tuples].tolist()
        assert partition.rows[c] == counts.rows[tuples].sum()
        assert partition.price[c] == price(tree, codes)
        items = [v for t in tuples for v in members.item[members.begin[t] : members.begin[t + 1]].tolist()]
        assert partition.held[c].tolist() == [items.count(v) for v in range(len(needs.demand_of))]
        kinds = [{v for v in items if needs.demand_of[v] == x} for x in range(len(needs.different))]
        assert partition.distinct[c].tolist() == list(map(len, kinds))
    gone = set(range(len(partition.rows))) - set(groups(counts, partition))
    assert all(partition.rows[c] == 0 for c in gone)


def partitioned(counts: Counts, tree: Tree, counted: Countable, data: st.DataObject) -> Partition:
    """Tuples drawn into classes."""
    classes = data.draw(st.integers(1, counts.n_tuples))
    drawn = data.draw(
        st.lists(st.integers(0, classes - 1), min_size=counts.n_tuples, max_size=counts.n_tuples)
    )
    partition = empty_partition(counted, classes)
    fill(tree, counted.needs, counted.members, partition, np.array(drawn, np.int32))
    return partition


def valid(counts: Counts, tree: Tree, counted: Countable) -> Partition:
    """Classes that meet their needs, from the cover; an example without any teaches nothing."""
    found = covered(counts, tree, *counted)
    assert found is not None
    class_of, classes = found
    assume(classes > 0)
    partition = empty_partition(counted, classes)
    fill(tree, counted.needs, counted.members, partition, class_of)
    index = classes_index(tree, counted.members, partition)
    in_slices(place_all, (tree, counted.needs, counted.members, partition, index), counts.rows)
    return partition


def step_of(name: str, tree: Tree, counted: Countable, partition: Partition, *, slice_: int = NEVER) -> int:
    """What one step of local search saves, done in slices."""
    members, needs = counted
    search = (tree, needs, members, partition, classes_index(tree, members, partition))
    if name == "swap":
        spare = spare_index(tree, counted, partition)
        return in_slices(swap_all, (*search, spare), members.rows, slice_=slice_) if len(spare.ids) else 0
    if name == "move":
        return in_slices(move_all, search, members.rows, slice_=slice_)
    return in_slices(dissolve_all, search, partition.rows, slice_=slice_)


@law(100)
@given(crowds() | tasks(most_rows=20, repeated=False), st.data())
def test_boxes_are_the_least_levels_at_which_tuples_read_alike(task: Task, data: st.DataObject) -> None:
    counts, tree, _ = counted_of(task)
    one, other = (data.draw(st.integers(0, counts.n_tuples - 1)) for _ in range(2))
    codes = counts.codes[[one, other]]
    levels = tree.lowest.astype(np.int8)
    widen(tree, levels, codes[0], codes[1])
    assert levels.tolist() == box(tree, codes.tolist())
    assert box_price(tree, codes[0], levels) == price(tree, codes.tolist())
    low = tree.lowest.astype(np.int8)
    assert joined_price(tree, codes[0], low, codes[1], low) == price(tree, codes.tolist())


@law(100)
@given(crowds() | tasks(most_rows=20, repeated=False), st.data())
def test_a_partition_knows_its_members_after_any_moves(task: Task, data: st.DataObject) -> None:
    counts, tree, counted = counted_of(task)
    partition = partitioned(counts, tree, counted, data)
    agrees(counts, tree, counted, partition)
    for _ in range(data.draw(st.integers(0, 6))):
        t = data.draw(st.integers(0, counts.n_tuples - 1))
        target = data.draw(st.integers(0, len(partition.rows) - 1))
        if target != partition.class_of[t]:
            transfer(tree, counted.needs, counted.members, partition, t, target)
    agrees(counts, tree, counted, partition)


@law(150)
@given(crowds() | tasks(most_rows=20, repeated=False), st.data())
def test_the_nearest_class_is_the_one_where_the_total_rises_least(task: Task, data: st.DataObject) -> None:
    counts, tree, counted = counted_of(task)
    partition = valid(counts, tree, counted)
    index = classes_index(tree, counted.members, partition)
    t = data.draw(st.integers(0, counts.n_tuples - 1))
    own = int(partition.class_of[t])
    rises = {
        c: int(counts.rows[[*tuples, t]].sum()) * price(tree, counts.codes[[*tuples, t]].tolist())
        - int(counts.rows[tuples].sum()) * price(tree, counts.codes[tuples].tolist())
        for c, tuples in groups(counts, partition).items()
        if c not in (own, -1)
    }
    most = data.draw(st.sampled_from([1, NEVER, *(rise + 1 for rise in rises.values())]))
    levels = tree.lowest.astype(np.int8)
    numbers = map(np.int64, (counts.rows[t], 0, own, -1, 0))
    found, rise = nearest(
        tree, counted.needs, counted.members, partition, index, Query(counts.codes[t], levels, *numbers), most
    )
    least = min([r for r in rises.values() if r < most], default=None)
    assert (found < 0) == (least is None)
    if least is not None:
        assert rise == least == rises[found]


@law(100)
@given(crowds())
def test_what_a_class_saves_when_a_tuple_leaves(task: Task) -> None:
    counts, tree, counted = counted_of(task)
    partition = valid(counts, tree, counted)
    gains = np.zeros(counts.n_tuples, np.int64)
    gains_of(tree, counted.needs, counted.members, partition, gains, 0, NEVER)
    for c, tuples in groups(counts, partition).items():
        for t in tuples:
            rest = [x for x in tuples if x != t]
            left = int(counts.rows[rest].sum())
            if c < 0 or left < counted.needs.least[0]:
                assert gains[t] == -1
                continue
            now = int(counts.rows[tuples].sum()) * price(tree, counts.codes[tuples].tolist())
            assert gains[t] == now - left * price(tree, counts.codes[rest].tolist())


@law(150)
@given(crowds(), st.data())
def test_every_step_saves_what_it_says_and_keeps_the_needs(task: Task, data: st.DataObject) -> None:
    counts, tree, counted = counted_of(task)
    partition = valid(counts, tree, counted)
    for step in data.draw(st.permutations(["move", "dissolve", "swap", "move"])):
        before = total(counts, tree, partition)
        saved = step_of(step, tree, counted, partition)
        event(f"{step}: {saved > 0}")
        assert before - total(counts, tree, partition) == saved >= 0
        agrees(counts, tree, counted, partition)
        assert all(holds(counted.needs, partition, c) for c in range(len(partition.rows)))


@law(100)
@given(crowds(), st.data())
def test_slices_give_what_one_call_gives(task: Task, data: st.DataObject) -> None:
    counts, tree, counted = counted_of(task)
    whole, sliced = valid(counts, tree, counted), valid(counts, tree, counted)
    slice_ = data.draw(st.sampled_from([1, 7, 100]))
    for step in data.draw(st.permutations(["move", "dissolve", "swap"])):
        saved = step_of(step, tree, counted, whole)
        assert step_of(step, tree, counted, sliced, slice_=slice_) == saved
        event(f"{step}: {saved > 0}")
    for one, other in zip(whole, sliced, strict=True):
        assert np.array_equal(one, other)


@law(100)
@given(crowds(), st.data())
def test_the_search_stops_at_its_budget_with_classes_that_hold(task: Task, data: st.DataObject) -> None:
    counts, tree, counted = counted_of(task)
    start = valid(counts, tree, counted)
    class_of, classes = start.class_of.copy(), len(start.rows)
    before = total(counts, tree, start)
    most = data.draw(st.sampled_from([0, 1, 10, 50, 200]))
    found, again = (exchanged(tree, counted, class_of, classes, most_looks=each) for each in (most, most))
    assert np.array_equal(found.class_of, again.class_of)
    if most == 0:
        assert np.array_equal(found.class_of, class_of)
    end = empty_partition(counted, classes)
    fill(tree, counted.needs, counted.members, end, found.class_of)
    assert total(counts, tree, end) <= before
    assert ((found.class_of < 0) <= (class_of < 0)).all()
    assert all(holds(counted.needs, end, c) for c in range(classes))


@law(100)
@given(crowds() | tasks(most_rows=20, repeated=False))
def test_the_cover_takes_the_cheapest_classes_first(task: Task) -> None:
    counts, tree, counted = counted_of(task)
    found = covered(counts, tree, *counted)
    assert found is not None
    assert found[0].tolist() == covered_plainly(counts, tree, counted)


def covered_plainly(counts: Counts, tree: Tree, counted: Countable) -> list[int]:
    """The class of every tuple: at each limit, all nodes in order of what all rows pay there."""
    lattice = product(*(range(low, high + 1) for low, high in zip(tree.lowest, tree.highest, strict=True)))

    def row_price(t: int, node: Tuple) -> int:
        return sum(cell(tree, j, counts.codes[t, j], level) for j, level in enumerate(node))

    everyone = range(counts.n_tuples)
    nodes = sorted(lattice, key=lambda node: sum(int(counts.rows[t]) * row_price(t, node) for t in everyone))
    class_of, classes, step = [-1] * counts.n_tuples, 0, 2**24 // 200
    due = [sum(_least_paid(counts, tree, j, level) for j, level in enumerate(node)) for node in nodes]
    limit = 0
    while -1 in class_of and min(due) < NEVER:
        for place, node in enumerate(nodes):
            if due[place] > limit:
                continue
            due[place] = NEVER
            waiting: dict[Tuple, list[int]] = {}
            for t in everyone:
                if class_of[t] < 0:
                    key = tuple(label(tree, j, counts.codes[t, j], level) for j, level in enumerate(node))
                    waiting.setdefault(key, []).append(t)
            for tuples in waiting.values():
                paid = row_price(tuples[0], node)
                if counts.rows[tuples].sum() < counted.needs.least[0]:
                    continue
                if paid > limit:
                    due[place] = min(due[place], paid)
                elif _is_diverse(counted, tuples):
                    for t in tuples:
                        class_of[t] = classes
                    classes += 1
        limit = -(-min(due) // step) * step
    return class_of


def _least_paid(counts: Counts, tree: Tree, j: int, level: int) -> int:
    return min(cell(tree, j, code, level) for code in counts.codes[:, j].tolist())


def _is_diverse(counted: Countable, tuples: Sequence[int]) -> bool:
    members, needs = counted
    items = {v for t in tuples for v in members.item[members.begin[t] : members.begin[t + 1]].tolist()}
    return all(
        sum(needs.demand_of[v] == x for v in items) >= least for x, least in enumerate(needs.different)
    )
