"""Laws of the copula of codes: margins, correlations, conditions, definite correlations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.axes import Axis, Coded, Floats
from synth.methods.copula_cells import cells_of, tables
from synth.methods.copula_correlations import correlations
from synth.methods.copula_splits import splits_of
from synth.methods.gaussian_copula import Copula, fit

ROWS = 20_000


def coded(codes: np.ndarray, *, ordered: bool = False, sizes: tuple[int, ...] = ()) -> Coded:
    sizes = sizes or tuple(int(column.max(initial=0)) + 1 for column in codes.T)
    axes = tuple(
        Axis(str(j), size, np.arange(size) * 1.0 if ordered else np.full(size, np.nan), ordered)
        for j, size in enumerate(sizes)
    )
    return Coded(codes.astype(np.int32), axes, np.arange(len(codes)))


@st.composite
def mixed(draw: st.DrawFn) -> Coded:
    """A table whose first axis bears on the others, of which some are ordered and some have missing codes."""
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows, axes = draw(st.integers(1, 400)), draw(st.integers(1, 5))
    sizes = [draw(st.integers(1, 9)) for _ in range(axes)]
    base = generator.integers(0, 3, rows)
    columns = [(base * draw(st.integers(0, 2)) + generator.integers(0, size, rows)) % size for size in sizes]
    made = []
    for number, size in enumerate(sizes):
        positions = np.arange(size, dtype=np.float64)
        positions[: draw(st.integers(0, size))] = np.nan
        made.append(Axis(str(number), size, positions, draw(st.booleans())))
    return Coded(np.stack(columns, axis=1).astype(np.int32), tuple(made), np.arange(rows))


@settings(max_examples=40, deadline=None)
@given(mixed(), st.integers(0, 2**32))
def test_margins_are_the_tables(table: Coded, seed: int) -> None:
    drawn = fit(table, np.random.default_rng(0)).sample(4_000, np.random.default_rng(seed))
    for axis, learned, found in zip(table.axes, table.codes.T, drawn.T, strict=True):
        share = np.bincount(learned, minlength=axis.size) / len(learned)
        seen = np.bincount(found, minlength=axis.size) / 4_000
        assert (seen[share == 0] == 0).all()
        assert (np.abs(seen - share) <= 5.5 * np.sqrt(share * (1 - share) / 4_000) + 0.003).all()


@settings(max_examples=40, deadline=None)
@given(mixed(), st.integers(0, 2**32))
def test_conditions_always_hold(table: Coded, seed: int) -> None:
    generator = np.random.default_rng(seed)
    allowed = {
        j: np.isin(np.arange(axis.size), generator.choice(column, 2))
        for j, (axis, column) in enumerate(zip(table.axes, table.codes.T, strict=True))
        if generator.random() < 0.6
    }
    drawn = fit(table, generator).sample(50, generator, allowed)
    assert len(drawn) == 50
    assert all(may[drawn[:, j]].all() for j, may in allowed.items())


@settings(max_examples=40, deadline=None)
@given(mixed())
def test_correlations_are_definite_and_none_with_what_is_above(table: Coded) -> None:
    cells = cells_of(table)
    counted = tables(table, cells)
    splits = splits_of(cells, counted)
    found = correlations(splits, cells, counted)
    assert np.allclose(np.diag(found), 1)
    assert not len(found) or np.linalg.eigvalsh(found)[0] > 0
    for number, split in enumerate(splits):
        assert np.allclose(found[number, list(split.above)], 0, atol=1e-9)


def normal(correlation: Floats) -> Floats:
    generator = np.random.default_rng(20261123)
    return generator.standard_normal((ROWS, len(correlation))) @ np.linalg.cholesky(correlation).T


TRUTH = np.array([[1, 0.8, -0.5, 0.2], [0.8, 1, -0.3, 0.1], [-0.5, -0.3, 1, 0.0], [0.2, 0.1, 0.0, 1]])


@pytest.mark.parametrize("cuts", [(-1.0, 0.5), (0.3,), tuple(np.linspace(-2.5, 2.5, 40))])
def test_the_correlations_of_a_true_copula_are_found(cuts: tuple[float, ...]) -> None:
    """However coarse the bands: three, two, or forty-one."""
    model = fit(coded(np.searchsorted(cuts, normal(TRUTH)), ordered=True), np.random.default_rng(0))
    assert len(model.splits) == 4
    assert np.abs(model.correlation - TRUTH).max() < 0.04


def categories() -> Copula:
    bands = np.searchsorted((-1.0, -0.3, 0.4, 1.2), normal(TRUTH))
    names = np.array([[3, 0, 4, 1, 2], [1, 3, 0, 2, 4], [0, 1, 2, 3, 4], [2, 4, 1, 0, 3]])
    return fit(coded(np.stack([names[j][bands[:, j]] for j in range(4)], axis=1)), np.random.default_rng(0))


def test_conditions_draw_what_is_left_of_all_rows() -> None:
    """Drawn under conditions, or drawn freely and dropped: the same distribution of the other axes."""
    model = categories()
    allowed = {0: np.isin(np.arange(5), [3, 1]), 1: np.isin(np.arange(5), [0, 4])}
    drawn = model.sample(ROWS, np.random.default_rng(1), allowed)
    free = model.sample(20 * ROWS, np.random.default_rng(2))
    free = free[allowed[0][free[:, 0]] & allowed[1][free[:, 1]]]
    assert len(free) > 2_000
    for j in range(4):
        shares = [np.bincount(rows[:, j], minlength=5) / len(rows) for rows in (drawn, free)]
        assert np.abs(shares[0] - shares[1]).max() < 5 * np.sqrt(0.25 / len(free))
    pair = [np.bincount(rows[:, 0] * 5 + rows[:, 2], minlength=25) / len(rows) for rows in (drawn, free)]
    assert np.abs(pair[0] - pair[1]).max() < 5 * np.sqrt(0.25 / len(free))
