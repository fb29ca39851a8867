"""Trees that draw the axes after given ones: row by row what goes with what the row has."""

from __future__ import annotations

import numpy as np
import pytest

from synth.axes import Axis, Coded
from synth.methods import cart


def axis(name: str, size: int) -> Axis:
    return Axis(name, size, np.full(size, np.nan))


def coded(rows: int = 4000) -> Coded:
    """Two given axes; the third is mostly the first, the fourth the parity of the two before it."""
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, 3, rows), rng.integers(0, 2, rows)
    third = np.where(rng.random(rows) < 0.75, first, rng.integers(0, 3, rows))
    codes = np.column_stack([first, second, third, (second + third) % 2]).astype(np.int32)
    return Coded(codes, (axis("a", 3), axis("b", 2), axis("c", 3), axis("d", 2)), np.arange(rows))


@pytest.fixture(scope="module")
def model() -> cart.Cart:
    return cart.fit(coded(), np.random.default_rng(2), given=2)


def test_each_row_gets_what_goes_with_its_own_codes(model: cart.Cart) -> None:
    given = np.array([[a, b] for a in range(3) for b in range(2)] * 500, np.int32)
    found = model.sample_after(given, np.random.default_rng(3))
    assert found.shape == (3000, 2)
    assert (found[:, 0] == given[:, 0]).mean() == pytest.approx(0.75 + 0.25 / 3, abs=0.04)
    assert (found[:, 1] == (given[:, 1] + found[:, 0]) % 2).mean() > 0.95


def test_what_is_given_is_not_learned(model: cart.Cart) -> None:
    assert {stage.level.axis for stage in model.stages} == {2, 3}


def test_nobody_and_the_same_generator(model: cart.Cart) -> None:
    assert model.sample_after(np.zeros((0, 2), np.int32), np.random.default_rng(1)).shape == (0, 2)
    given = np.ones((50, 2), np.int32)
    first, again = (model.sample_after(given, np.random.default_rng(5)) for _ in range(2))
    assert (first == again).all()
