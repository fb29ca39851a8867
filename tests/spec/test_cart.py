"""Sequential trees keep what goes together, apart what does not, and repeat nobody's row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from anonymizer.errors import SynthesisFailed
from synth.axes import Coded, Ints
from synth.methods import cart_particles
from synth.methods.cart import Cart, fit, visited
from synth.methods.cart_stages import Stage, levels
from synth.methods.cart_targets import MOST_CLASSES
from tests.synthetic_axes import apart, coded, one_law, ordered, shares, unordered

ROWS = 4_000
LEAF = 25


def drawn(table: Coded, n: int = ROWS, seed: int = 1) -> np.ndarray:
    return fit(table, np.random.default_rng(seed)).sample(n, np.random.default_rng(seed + 1))


def related(rows: int = ROWS, seed: int = 1) -> Coded:
    """A severity in bands, a ward that goes with it in nine of ten, and a weekday that goes with nothing."""
    rng = np.random.default_rng(seed)
    severity = rng.integers(0, 40, rows)
    ward = np.where(rng.random(rows) < 0.9, severity // 10, rng.integers(0, 4, rows))
    axes = (ordered("severity", 40), unordered("ward", 4), unordered("weekday", 7))
    return coded(axes, severity, ward, rng.integers(0, 7, rows))


def test_columns_that_go_together_still_do() -> None:
    table = related()
    before, after = (
        shares(np.column_stack([codes[:, 0] // 10, codes[:, 1]]), 4, 4)
        for codes in (table.codes, drawn(table))
    )
    assert apart(before, after) < 0.05
    assert np.trace(after) > 0.85


def test_columns_that_have_nothing_to_do_with_each_other_still_have_not() -> None:
    found = shares(drawn(related(), 20_000)[:, 1:], 4, 7)
    assert apart(found, found.sum(1, keepdims=True) * found.sum(0, keepdims=True)) < 0.05


def test_margins_stay_within_the_error_of_sampling() -> None:
    table = related()
    found = drawn(table, 20_000)
    for axis, size in enumerate((40, 4, 7)):
        before, after = (shares(codes[:, [axis]], size) for codes in (table.codes, found))
        error = np.sqrt(before / ROWS + before / 20_000)
        assert (np.abs(before - after) < 4 * error + 0.003).all()


def test_an_exclusive_or_of_two_columns_is_kept() -> None:
    """No pair of the three columns is related: a copula or a tree of pairs sees nothing."""
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 2, (2, ROWS))
    table = coded([unordered(name, 2) for name in "abc"], first, second, first ^ second)
    found = drawn(table)
    assert ((found[:, 0] ^ found[:, 1]) == found[:, 2]).mean() > 0.95


def test_missing_is_a_code_like_others() -> None:
    """A lab value is missing where none was ordered."""
    rng = np.random.default_rng(1)
    asked = rng.integers(0, 2, ROWS)
    value = np.where(asked == 1, rng.integers(0, 30, ROWS), 30)
    found = drawn(coded([unordered("asked", 2), ordered("value", 31, missing=True)], asked, value))
    assert ((found[:, 1] == 30) == (found[:, 0] == 0)).mean() > 0.98
    assert 0.45 < (found[:, 1] == 30).mean() < 0.55


def test_of_several_thousand_codes_the_groups_are_drawn_first() -> None:
    """5,000 codes in 50 blocks in 5 chapters, which go with the department. No tree has 5,000 classes."""
    rng = np.random.default_rng(1)
    codes = np.arange(5_000)
    axis = unordered("diagnosis", 5_000, codes // 100, codes // 1_000)
    assert [len(np.unique(level.labels)) for level in levels(1, axis)] == [5, 50, 5_000]
    assert len(levels(1, axis)[0].labels) == 5_000
    department = rng.integers(0, 5, 20_000)
    diagnosis = department * 1_000 + rng.integers(0, 1_000, 20_000)
    table = coded([unordered("department", 5), axis], department, diagnosis)
    found = drawn(table, 20_000)
    assert (found[:, 0] == found[:, 1] // 1_000).mean() > 0.95
    assert len(np.unique(found[:, 1])) > 3_500
    assert np.isin(found[:, 1], diagnosis).all()


def test_many_codes_without_groups_are_told_apart_by_the_company_they_keep() -> None:
    rng = np.random.default_rng(1)
    size = 10 * MOST_CLASSES
    code = rng.integers(0, size, 20_000)
    sort = np.random.default_rng(2).integers(0, 4, size)
    kept = np.where(rng.random(20_000) < 0.95, sort[code], rng.integers(0, 4, 20_000))
    found = drawn(coded([unordered("sort", 4), unordered("code", size)], kept, code), 20_000)
    assert (sort[found[:, 1]] == found[:, 0]).mean() > 0.85


def people_by_leaf(table: Coded, stage: Stage) -> list[int]:
    """How many people come to each leaf of a stage that is the first of its axis and has one tree."""
    leaves = stage.forest.leaves(table.codes, np.zeros(len(table.codes), np.int64))
    assert stage.roots.tolist() == [0]
    return [len(np.unique(table.people[leaves == leaf])) for leaf in np.unique(leaves)]


@pytest.mark.parametrize("rows_each", [1, 4])
def test_a_leaf_holds_so_many_people(rows_each: int) -> None:
    table = replace(related(), people=np.arange(ROWS) // rows_each)
    model = fit(table, np.random.default_rng(1), leaf=LEAF)
    for stage in model.stages:
        assert min(people_by_leaf(table, stage)) >= LEAF
    assert any(len(stage.forest.left) > 3 for stage in model.stages)


def test_somebody_with_very_many_rows_is_no_leaf_of_their_own() -> None:
    """One person has 2,000 rows of one combination, which nobody else has."""
    rng = np.random.default_rng(1)
    others = rng.integers(0, 4, (ROWS, 2))
    codes = np.concatenate([others, np.full((2_000, 2), 4)])
    people = np.concatenate([np.arange(ROWS), np.full(2_000, ROWS)])
    axes = [unordered("a", 5), unordered("b", 5)]
    found = drawn(coded(axes, *codes.T, people=people), 20_000)
    assert (found[:, 0] == 4).mean() < 0.01
    assert (found == 4).all(1).mean() < 0.0005


def test_a_planted_combination_is_not_repeated() -> None:
    """One person alone has the last code of each of ten columns."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, (ROWS, 10))
    codes[0] = 4
    found = drawn(coded([unordered(str(at), 5) for at in range(10)], *codes.T), 100_000)
    assert (found[:, :3] == 4).all(1).sum() <= 5
    assert not (found[:, :5] == 4).all(1).any()


def test_drawn_rows_are_somebodys_no_more_often_than_those_of_others() -> None:
    """Four numbers in forty bands each: the rows of people who had no part are met by chance as often."""
    rng = np.random.default_rng(1)

    def people(count: int) -> np.ndarray:
        base = rng.normal(0, 1, (count, 1))
        return np.clip(20 + 6 * (base + rng.normal(0, 0.5, (count, 4))), 0, 39).astype(np.int32)

    trained, others = people(8_000), people(8_000)
    found = drawn(coded([ordered(str(at), 40) for at in range(4)], *trained.T), 8_000)

    def copied(rows: np.ndarray) -> float:
        known = {row.tobytes() for row in trained}
        return float(np.mean([np.ascontiguousarray(row).tobytes() in known for row in rows]))

    assert copied(found) < copied(others) + 0.01
    assert np.abs(np.corrcoef(found.T) - np.corrcoef(trained.T)).max() < 0.05


def test_an_edge_in_an_order_stays_one() -> None:
    """Everybody of 18 or more is an adult: ages are smoothed, and nobody is smoothed across."""
    age = np.random.default_rng(1).integers(0, 80, ROWS)
    found = drawn(coded([ordered("age", 80), unordered("adult", 2)], age, age >= 18))
    assert ((found[:, 0] >= 18) == found[:, 1]).mean() > 0.98
    assert len(np.unique(found[:, 0])) > 70


def test_rows_under_conditions_are_as_those_picked_from_all() -> None:
    table = related()
    model = fit(table, np.random.default_rng(1))
    severe, mostly = np.arange(40) >= 30, np.array([True, True, False, False])
    everything = model.sample(600_000, np.random.default_rng(2))
    picked = everything[severe[everything[:, 0]] & mostly[everything[:, 1]]]
    asked = model.sample(30_000, np.random.default_rng(3), {0: severe, 1: mostly})
    assert severe[asked[:, 0]].all()
    assert mostly[asked[:, 1]].all()
    assert one_law(picked[:, :2], asked[:, :2])
    assert one_law(picked[:, 1:], asked[:, 1:])


def test_so_are_those_drawn_in_proportion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cart_particles, "PATIENCE", 0)
    monkeypatch.setattr(cart_particles, "_FEWEST", -1)
    test_rows_under_conditions_are_as_those_picked_from_all()


def many_codes(rows: int = 20_000) -> Coded:
    rng = np.random.default_rng(1)
    axis = unordered("diagnosis", 500, np.arange(500) // 10, np.arange(500) // 100)
    department = rng.integers(0, 5, rows)
    diagnosis = np.minimum(department * 100 + rng.geometric(0.05, rows) % 100, 499)
    return coded([unordered("department", 5), axis], department, diagnosis)


def test_one_of_many_codes_can_be_asked_for() -> None:
    model = fit(many_codes(), np.random.default_rng(1))
    one = np.arange(500) == 250
    asked = model.sample(2_000, np.random.default_rng(2), {1: one})
    assert (asked[:, 1] == 250).all()
    everything = model.sample(400_000, np.random.default_rng(3))
    picked = everything[everything[:, 1] == 250]
    assert one_law(picked, asked)


def test_what_hardly_ever_happens_can_be_asked_for_together() -> None:
    """A diagnosis and another department: one row in tens of thousands."""
    model = fit(many_codes(), np.random.default_rng(1))
    wanted = {0: np.arange(5) == 1, 1: np.arange(500) == 250}
    asked = model.sample(500, np.random.default_rng(2), wanted)
    assert (asked == [1, 250]).all()


@pytest.mark.parametrize("code", [4, 5])
def test_what_cannot_be_drawn_is_refused(code: int) -> None:
    """A code that nobody has, and none at all."""
    model = fit(coded([unordered("a", 5)], np.arange(ROWS) % 4), np.random.default_rng(1))
    with pytest.raises(SynthesisFailed, match="too rare"):
        model.sample(10, np.random.default_rng(1), {0: np.arange(5) == code})


def test_conditions_that_exclude_each_other_are_refused() -> None:
    """The last stage has no leaf that could have been reached: everybody with the one has the other."""
    code = np.arange(ROWS) % 2
    axes = [unordered("a", 2), unordered("b", 2)]
    model = fit(coded(axes, code, code), np.random.default_rng(1))
    rng = np.random.default_rng(1)
    unlikely = model.sample(50, rng, {0: np.array([True, False]), 1: np.array([False, True])})
    assert (unlikely == [0, 1]).all(), "the mixture makes it possible, and rare"
    with pytest.raises(SynthesisFailed):
        model.sample(50, rng, {0: np.array([True, False]), 1: np.array([False, False])})


def test_no_rows_are_refused() -> None:
    with pytest.raises(SynthesisFailed, match="no rows"):
        fit(coded([unordered("a", 2)], np.zeros(0)), np.random.default_rng(1))


def test_small_axes_come_first_and_ordered_ones_after_others_of_their_size() -> None:
    axes = [ordered("a", 7), unordered("b", 700), unordered("c", 7), unordered("d", 2)]
    assert visited(axes) == (3, 2, 0, 1)


def donors_of(model: Cart) -> list[Ints]:
    return [stage.donors.labels for stage in model.stages]


def test_trees_may_be_grown_from_fewer_rows_and_all_are_donors() -> None:
    table = related()
    whole, part = (fit(table, np.random.default_rng(1), most_rows=most) for most in (None, 1_000))
    assert all(len(labels) == ROWS for labels in donors_of(part))
    sizes = [sum(len(stage.forest.left) for stage in model.stages) for model in (part, whole)]
    assert sizes[0] < sizes[1] / 2
    found = part.sample(ROWS, np.random.default_rng(2))
    assert (found[:, 0] // 10 == found[:, 1]).mean() > 0.8


def test_the_same_generator_gives_the_same_rows_on_any_number_of_threads() -> None:
    table = related()
    with threadpool_limits(4):
        several = drawn(table)
    with threadpool_limits(1):
        one = drawn(table)
    assert several.tobytes() == one.tobytes()
    assert several.dtype == np.int32
    assert drawn(table, seed=5).tobytes() != one.tobytes()


def test_no_rows_can_be_drawn() -> None:
    assert drawn(related(), 0).shape == (0, 3)


def test_one_row_with_many_columns_is_drawn_as_it_is() -> None:
    """That is for the coding to prevent, which merges what fewer than k people have."""
    axes = [*(unordered(str(at), 3) for at in range(20)), ordered("number", 30, missing=True)]
    found = drawn(coded(axes, *np.ones((21, 1))), 10)
    assert (found == 1).all()


def test_constant_columns_and_axes_of_one_code_tell_nothing() -> None:
    rng = np.random.default_rng(1)
    axes = [unordered("one", 1), unordered("constant", 9), ordered("band", 1), ordered("number", 40)]
    number = rng.integers(0, 40, ROWS)
    found = drawn(coded(axes, 0 * number, 0 * number + 5, 0 * number, number))
    assert (found[:, :3] == [0, 5, 0]).all()
    assert len(np.unique(found[:, 3])) == 40


def test_more_codes_than_rows_without_groups() -> None:
    rng = np.random.default_rng(1)
    axes = [unordered("code", 5_000), unordered("sex", 2)]
    codes = rng.integers(0, 5_000, 1_000)
    found = drawn(coded(axes, codes, rng.integers(0, 2, 1_000)), 1_000)
    assert np.isin(found[:, 0], codes).all()
    assert 0.4 < found[:, 1].mean() < 0.6
