"""Laws of sequential trees: kernels and probabilities agree with what is written out in full."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.axes import Axis, Coded
from synth.methods.cart import fit
from synth.methods.cart_donors import JOINING, Counting, chances, donors
from synth.methods.cart_kin import RUN, Kin, Spans, chance, grouped, kin, near, strayed
from synth.methods.cart_stages import Stage
from synth.methods.cart_trees import LEAF_ALONE, Forest
from tests.synthetic_axes import apart, coded, ordered, shares, unordered


@st.composite
def tables(draw: st.DrawFn) -> Coded:
    """Small tables: columns that go together, constant ones, axes of size 1, more axes than rows, one row."""
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    rows = draw(st.sampled_from([1, 2, 30, 400]))
    sizes = draw(st.lists(st.sampled_from([1, 2, 3, 12, 60]), min_size=1, max_size=5))
    kinds = draw(st.lists(st.integers(0, 3), min_size=len(sizes), max_size=len(sizes)))
    hidden = rng.random(rows)
    axes, columns = [], []
    for at, (size, kind) in enumerate(zip(sizes, kinds, strict=True)):
        groups = [np.arange(size) // 7, np.arange(size) // 30] if kind == 1 else []
        axes.append(
            ordered(str(at), size, missing=kind == 3) if kind > 1 else unordered(str(at), size, *groups)
        )
        columns.append(np.clip((hidden + rng.normal(0, 0.2, rows)) * size, 0, size - 1).astype(int))
    people = rng.integers(0, rows, rows) if draw(st.booleans()) else None
    return coded(axes, *columns, people=people)


@settings(max_examples=40)
@given(tables(), st.data())
def test_every_table_can_be_learned_and_every_code_it_has_asked_for(
    table: Coded, data: st.DataObject
) -> None:
    model = fit(table, np.random.default_rng(1), leaf=5)
    found = model.sample(50, np.random.default_rng(2))
    assert found.shape == (50, len(table.axes))
    assert found.dtype == np.int32
    for axis, column in enumerate(found.T):
        assert np.isin(column, table.codes[:, axis]).all(), "no code that nobody has"
    row = table.codes[data.draw(st.integers(0, len(table.codes) - 1))]
    asked = data.draw(st.sets(st.integers(0, len(row) - 1), min_size=1, max_size=2))
    allowed = {axis: np.arange(table.axes[axis].size) == row[axis] for axis in asked}
    under = model.sample(20, np.random.default_rng(3), allowed)
    assert all((under[:, axis] == row[axis]).all() for axis in asked)


def walked_slowly(forest: Forest, row: np.ndarray, node: int) -> int:
    while forest.left[node] >= 0:
        value = forest.table[forest.offset[node] + row[forest.axis[node]]]
        node = int(forest.left[node] if value <= forest.threshold[node] else forest.right[node])
    return node


@settings(max_examples=20)
@given(tables())
def test_the_kernel_walks_as_its_plain_twin(table: Coded) -> None:
    for stage in fit(table, np.random.default_rng(1), leaf=3).stages:
        roots = stage.roots[np.zeros(len(table.codes), np.int64)]
        if roots[0] >= 0:
            plain = [walked_slowly(stage.forest, row, int(roots[0])) for row in table.codes]
            assert stage.forest.leaves(table.codes, roots).tolist() == plain


def below(forest: Forest, node: int) -> list[int]:
    """The leaves under a node."""
    if forest.left[node] < 0:
        return [node]
    return below(forest, int(forest.left[node])) + below(forest, int(forest.right[node]))


def written_out(stage: Stage, node: int, count: int, weights: np.ndarray) -> np.ndarray:
    """What is drawn at a node, by label: its own donors', mixed with its parent's distribution."""
    donors = stage.donors
    spans = [slice(donors.first[leaf], donors.last[leaf]) for leaf in below(stage.forest, node)]
    rows = np.concatenate([donors.labels[span] for span in spans])
    weighed = np.concatenate([weights[span] for span in spans])
    own = np.bincount(rows, weighed, count) / weighed.sum()
    above = int(stage.forest.parent[node])
    if above < 0:
        return own
    climb = donors.climb[node]
    return np.asarray((1 - climb) * own + climb * written_out(stage, above, count, weights))


@settings(max_examples=25)
@given(tables(), st.integers(0, 99))
def test_the_mass_of_a_leaf_is_that_of_its_mixture_written_out(table: Coded, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for stage in fit(table, rng, leaf=5).stages:
        count = len(stage.level.above)
        by_label = rng.random(count) * rng.integers(0, 2, count)
        found = chances(stage.donors, by_label[stage.donors.labels])
        rows = stage.donors.rows
        weights = np.ones(len(stage.donors.labels)) if rows is None else rows
        for leaf in np.flatnonzero(stage.forest.left < 0):
            expected = written_out(stage, int(leaf), count, weights) @ by_label
            assert found.mass[leaf] == pytest.approx(expected, abs=1e-12)


def test_a_leaf_is_joined_by_a_few_of_its_parents_kind() -> None:
    rng = np.random.default_rng(1)
    first = rng.integers(0, 2, 400)
    model = fit(coded([unordered("a", 2), unordered("b", 2)], first, first), rng)
    last = model.stages[-1].donors
    assert last.climb.tolist() == [0, *(JOINING / (JOINING + np.bincount(first)))]


@pytest.mark.parametrize("restricted", [False, True])
def test_labels_are_drawn_as_often_as_the_mixture_says(restricted: bool) -> None:
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 3, 3_000), rng.integers(0, 5, 3_000)
    table = coded([unordered("a", 3), unordered("b", 5)], first, np.where(first == 1, 2, second))
    stage = fit(table, rng).stages[-1]
    by_label = np.array([0.0, 0.3, 0.9, 0.0, 0.5]) if restricted else np.ones(5)
    possible = chances(stage.donors, by_label[stage.donors.labels] if restricted else None)
    for leaf in np.flatnonzero(stage.forest.left < 0):
        chosen = possible.drawn(np.full(40_000, leaf), rng)
        found = shares(stage.donors.labels[chosen][:, None], 5)
        expected = written_out(stage, int(leaf), 5, np.ones(3_000)) * by_label
        assert apart(found, expected / expected.sum()) < 0.015
        assert not found[by_label == 0].any()


def one_leaf(labels: np.ndarray, places: np.ndarray | None, groups: np.ndarray) -> Kin:
    """The kin of the donors of a single leaf."""
    rows = np.bincount(labels, minlength=len(groups))
    spans = grouped(groups) if places is None else near(places, rows)
    counting = Counting(np.ones(len(labels)), None)
    found = donors(LEAF_ALONE, np.zeros(len(labels), np.int64), labels, spans.at, counting)
    return kin(spans, found, rows)


@st.composite
def kins(draw: st.DrawFn) -> Kin:
    count = draw(st.integers(1, 8))
    labels = draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=40))
    groups = draw(st.lists(st.integers(0, 3), min_size=count, max_size=count))
    place = st.one_of(st.integers(0, 20).map(float), st.just(np.nan))
    places = draw(st.none() | st.lists(place, min_size=count, max_size=count))
    return one_leaf(np.asarray(labels), None if places is None else np.asarray(places), np.asarray(groups))


@given(kins(), st.data())
def test_a_codes_place_is_taken_by_kin_as_often_as_said(found: Kin, data: st.DataObject) -> None:
    count = len(found.rows)
    allowed = np.asarray(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    likely = chance(found, allowed)
    among = [found.order[a:b].tolist() for a, b in zip(found.first, found.last, strict=True)]
    for donor, label in enumerate(found.labels):
        assert label in among[donor]
        share = found.rows[among[donor]] @ allowed[among[donor]] / found.rows[among[donor]].sum()
        expected = (1 - found.straying) * allowed[label] + found.straying * share
        assert likely[donor] == pytest.approx(expected)
    possible = np.repeat(np.flatnonzero(likely > 0), 5)
    drawn = strayed(found, possible, np.random.default_rng(1), allowed)
    assert allowed[drawn].all()
    assert all(label in among[donor] for donor, label in zip(possible, drawn, strict=True))


@pytest.mark.parametrize("allowed", [None, np.array([True, False, True, True])])
def test_kin_come_in_proportion_to_their_rows(allowed: np.ndarray | None) -> None:
    labels = np.repeat([0, 1, 2, 3], [10, 20, 30, 40])
    found = one_leaf(labels, None, np.array([0, 0, 0, 1]))
    drawn = strayed(found, np.full(200_000, 25), np.random.default_rng(1), allowed)
    assert found.labels[25] == 1
    expected = np.array([1 / 6, 1 / 3, 1 / 2, 0]) * found.straying + (1 - found.straying) * np.eye(4)[1]
    expected *= 1 if allowed is None else allowed
    assert apart(shares(drawn[:, None], 4), expected / expected.sum()) < 0.005


def runs(spans: Spans) -> list[list[list[int]]]:
    """By partition and label: which labels are its kin."""
    return [
        [spans.order[a:b].tolist() for a, b in zip(first, last, strict=True)]
        for first, last in zip(spans.first, spans.last, strict=True)
    ]


def test_large_codes_and_missing_have_no_kin() -> None:
    """Half of all values are nil, in the middle of an order."""
    rows = np.array([10, 10, 10, 500, 10, 10, 450])
    found = runs(near(np.array([0.0, 1, 2, 3, 4, 5, np.nan]), rows))
    whole = [*([[0, 1, 2]] * 3), [3], *([[4, 5]] * 2), [6]]
    assert found == [
        [[0], [1, 2], [1, 2], *whole[3:]],
        [[0, 1], [0, 1], [2], *whole[3:]],
        whole,
        whole,
    ]


def test_each_partition_begins_its_runs_elsewhere() -> None:
    found = runs(near(np.arange(40.0), np.ones(40, np.int64)))
    assert [each[5] for each in found] == [[4, 5, 6], [5, 6, 7], [3, 4, 5], [3, 4, 5]], "6 % of rows"
    assert [len(each[60]) for each in runs(near(np.arange(100.0), np.ones(100, np.int64)))] == [4] * RUN


def test_smoothing_leaves_the_margins_of_an_order_as_they_are() -> None:
    """Long tails: what is drawn in the place of a code is not always the more frequent one beside it."""
    labels = np.minimum(np.random.default_rng(1).geometric(0.05, 20_000) - 1, 79)
    table = coded([ordered("days", 80)], labels)
    found = fit(table, np.random.default_rng(1)).sample(200_000, np.random.default_rng(2))
    real = shares(table.codes, 80)
    assert np.abs(shares(found, 80) / real - 1)[real > 0.002].max() < 0.1
    assert apart(shares(found, 80), real) < 0.008


def test_kin_do_not_reach_across_the_edge_of_a_leaf() -> None:
    """A leaf of the codes 10 to 19, and two stragglers: nobody between the edges leaves, nobody comes in."""
    everybody = np.repeat(np.arange(100), 50)
    spans = near(np.arange(100.0), np.bincount(everybody))
    labels = np.concatenate([[8], np.repeat(np.arange(10, 20), 10), [21]])
    leaf = donors(LEAF_ALONE, np.zeros(102, np.int64), labels, spans.at, Counting(np.ones(102), None))
    found = kin(spans, leaf, np.bincount(everybody))
    assert found.last[0] <= 10 <= found.first[1:-1].min()
    assert found.last[1:-1].max() <= 20 <= found.first[-1]


def relabelled(table: Coded, axis: int, rng: np.random.Generator) -> tuple[Coded, np.ndarray]:
    old = table.axes[axis]
    names = rng.permutation(old.size)
    codes = table.codes.copy()
    codes[:, axis] = names[codes[:, axis]]
    back = np.argsort(names)
    new = Axis(
        old.name, old.size, old.positions[back], old.is_ordered, tuple(each[back] for each in old.groups)
    )
    axes = tuple(new if at == axis else each for at, each in enumerate(table.axes))
    return Coded(codes, axes, table.people), back


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_what_codes_are_called_does_not_matter(axis: int) -> None:
    """Categories, grouped ones and bands, under other numbers: the same table comes out, but for chance."""
    rng = np.random.default_rng(1)
    hidden = rng.random(8_000)
    columns = [
        ((hidden + rng.normal(0, 0.15, 8_000)).clip(0, 0.999) * size).astype(int) for size in (5, 60, 30)
    ]
    table = coded([unordered("a", 5), unordered("b", 60, np.arange(60) // 6), ordered("c", 30)], *columns)
    again, back = relabelled(table, axis, rng)
    one, other = (
        fit(each, np.random.default_rng(1)).sample(40_000, np.random.default_rng(2))
        for each in (table, again)
    )
    other[:, axis] = back[other[:, axis]]
    scale = np.array([1, 12, 6])
    for pair in ([0, 1], [0, 2], [1, 2]):
        sizes = [5, 5]
        coarse = [shares((codes // scale)[:, pair], *sizes) for codes in (one, other)]
        assert apart(*coarse) < 0.015
