"""The copula of codes: margins as they are, what goes with what, and bad inputs."""

from __future__ import annotations

import numpy as np
import pytest

from anonymizer.errors import SynthesisFailed
from synth.axes import Axis, Coded
from synth.methods.gaussian_copula import fit


def table(*columns: list[int], sizes: tuple[int, ...] = (), ordered: tuple[int, ...] = ()) -> Coded:
    codes = np.array(columns, np.int32).T.reshape(-1, len(columns))
    sizes = sizes or tuple(int(column.max(initial=0)) + 1 for column in codes.T)
    axes = tuple(
        Axis(str(j), size, np.arange(size) * 1.0 if j in ordered else np.full(size, np.nan), j in ordered)
        for j, size in enumerate(sizes)
    )
    return Coded(codes, axes, np.arange(len(codes)))


def rng() -> np.random.Generator:
    return np.random.default_rng(6)


def test_shares_of_codes_are_those_of_the_table() -> None:
    drawn = fit(table([0] * 500 + [1] * 300 + [2] * 200), rng()).sample(20_000, rng())
    assert np.bincount(drawn[:, 0]) / 20_000 == pytest.approx([0.5, 0.3, 0.2], abs=0.015)


def test_categories_that_go_together_are_drawn_together_whatever_their_numbers() -> None:
    """Even and odd codes go with 0 and 1: in no order of the numbers would a normal know that."""
    first = [code for code in range(6) for _ in range(400)]
    drawn = fit(table(first, [code % 2 for code in first]), rng()).sample(5_000, rng())
    assert (drawn[:, 0] % 2 == drawn[:, 1]).mean() > 0.95


def test_an_order_that_bends_back_is_learned() -> None:
    """The youngest and the oldest have it: one normal in the order of age is right half the time."""
    age = [code for code in range(9) for _ in range(300)]
    drawn = fit(table(age, [int(abs(code - 4) >= 3) for code in age], ordered=(0,)), rng()).sample(
        5_000, rng()
    )
    assert ((np.abs(drawn[:, 0] - 4) >= 3) == drawn[:, 1]).mean() > 0.75


def test_what_is_missing_is_a_code_and_goes_with_others() -> None:
    """Code 5 has no position: the value is missing, and is so where the other column is 1."""
    value = [code % 5 for code in range(2_000)] + [5] * 1_000
    coded = table(value, [0] * 2_000 + [1] * 1_000, ordered=(0,))
    positions = np.array([0, 1, 2, 3, 4, np.nan])
    coded = Coded(coded.codes, (Axis("0", 6, positions, True), coded.axes[1]), coded.people)
    drawn = fit(coded, rng()).sample(6_000, rng())
    assert ((drawn[:, 0] == 5) == (drawn[:, 1] == 1)).mean() > 0.95
    assert (drawn[:, 0] == 5).mean() == pytest.approx(1 / 3, abs=0.02)


def test_conditions_hold_in_every_row() -> None:
    first = [code for code in range(6) for _ in range(400)]
    model = fit(table(first, [code % 2 for code in first]), rng())
    allowed = {0: np.arange(6) >= 3, 1: np.array([True, False])}
    drawn = model.sample(1_000, rng(), allowed)
    assert len(drawn) == 1_000
    assert set(drawn[:, 1].tolist()) == {0}
    assert (drawn[:, 0] >= 3).all()
    assert (drawn[:, 0] == 4).mean() > 0.9


def test_a_condition_that_one_row_in_a_million_meets_is_met() -> None:
    generator = np.random.default_rng(1)
    columns = [(generator.random(20_000) < 0.01).astype(int).tolist() for _ in range(3)]
    allowed = {axis: np.array([False, True]) for axis in range(3)}
    assert (fit(table(*columns), rng()).sample(200, rng(), allowed) == 1).all()


def test_what_nobody_has_is_never_drawn() -> None:
    model = fit(table([0, 1] * 50, sizes=(3,)), rng())
    with pytest.raises(SynthesisFailed):
        model.sample(5, rng(), {0: np.array([False, False, True])})


def test_one_row_and_constant_columns_are_repeated() -> None:
    assert fit(table([0], [2]), rng()).sample(3, rng()).tolist() == [[0, 2]] * 3
    constant = fit(table([1] * 50, sizes=(2,)), rng())
    assert constant.sample(2, rng(), {0: np.array([False, True])}).tolist() == [[1], [1]]
    with pytest.raises(SynthesisFailed):
        constant.sample(2, rng(), {0: np.array([True, False])})


def test_a_column_that_is_missing_throughout() -> None:
    axis = Axis("lab", 1, np.array([np.nan]), True)
    coded = Coded(np.zeros((40, 1), np.int32), (axis,), np.arange(40))
    assert fit(coded, rng()).sample(4, rng()).tolist() == [[0]] * 4


def test_nothing_to_learn_from() -> None:
    with pytest.raises(SynthesisFailed):
        fit(table([], [], sizes=(2, 2)), rng())


def test_no_rows_and_no_axes() -> None:
    assert fit(table([0, 1]), rng()).sample(0, rng()).shape == (0, 1)
    nothing = Coded(np.zeros((3, 0), np.int32), (), np.arange(3))
    assert fit(nothing, rng()).sample(4, rng()).shape == (4, 0)


def test_five_thousand_categories() -> None:
    """Frequent ones are told apart, rare ones go by their group; all are drawn by their shares."""
    generator = np.random.default_rng(2)
    codes = np.minimum(generator.geometric(0.002, 20_000) - 1, 4_999)
    group = np.arange(5_000) // 100
    axes = (
        Axis("code", 5_000, np.full(5_000, np.nan), groups=(group,)),
        Axis("chapter", 50, np.full(50, np.nan)),
    )
    coded = Coded(np.stack([codes, group[codes]], axis=1).astype(np.int32), axes, np.arange(20_000))
    model = fit(coded, rng())
    drawn = model.sample(5_000, rng())
    assert np.isin(drawn[:, 0], codes).all()
    assert (group[drawn[:, 0]] == drawn[:, 1]).mean() > 0.3
    rare = np.arange(5_000) == codes.max()
    assert (model.sample(50, rng(), {0: rare})[:, 0] == codes.max()).all()


def test_the_same_generator_gives_the_same_rows() -> None:
    coded = table(*np.random.default_rng(3).integers(0, 4, (3, 300)).tolist())
    allowed = {0: np.array([True, False, True, False]), 2: np.array([False, True, True, True])}
    first, second = (fit(coded, rng()).sample(100, rng(), allowed) for _ in range(2))
    assert first.tobytes() == second.tobytes()
