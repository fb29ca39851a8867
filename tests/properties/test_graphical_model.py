"""Laws of what differentially private synthesis is made of, against brute force over all cells and rows."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.axes import Axis, Floats, Ints
from synth.methods.dp_bins import Bins, Coarseness, bins_for, places, projected
from synth.methods.dp_estimate import Measured, fitted
from synth.methods.dp_selection import Binned, Plan, pair_errors, parent_sets, score
from synth.methods.dp_tree import Clique, Tree, conditionals, marginals, sampled

SEEDS = st.integers(0, 2**32 - 1)


def random_tree(rng: np.random.Generator, variables: int, parents: int) -> Tree:
    """A tree as the method grows it: parents from one earlier clique, as that has them."""
    order = rng.permutation(variables)
    tree = [Clique(int(order[0]), (), -1)]
    for child in order[1:]:
        within = int(rng.integers(len(tree)))
        sets = list(parent_sets(tree[within], Plan(parents, 1e9, 1, 1, 1)))
        chosen = sets[int(rng.integers(len(sets)))] if rng.random() < 0.8 else ()
        tree.append(Clique(int(child), chosen, within if chosen else -1))
    return tuple(tree)


def random_model(seed: int) -> tuple[Tree, list[int], list[Floats]]:
    rng = np.random.default_rng(seed)
    variables = int(rng.integers(1, 6))
    tree = random_tree(rng, variables, 2)
    sizes = rng.integers(1, 4, variables).tolist()
    tables = [rng.normal(0, 2, [sizes[member] for member in clique.members]) for clique in tree]
    return tree, sizes, tables


def joint(tree: Tree, sizes: list[int], tables: list[Floats]) -> Floats:
    """The distribution of all variables, cell by cell."""
    found = np.zeros(sizes)
    for cell in product(*map(range, sizes)):
        logs = [
            table[tuple(cell[member] for member in clique.members)]
            for clique, table in zip(tree, tables, strict=True)
        ]
        found[cell] = np.exp(sum(logs))
    return np.asarray(found / found.sum())


def summed(whole: Floats, members: tuple[int, ...]) -> Floats:
    others = tuple(at for at in range(whole.ndim) if at not in members)
    kept = sorted(members)
    return np.asarray(whole.sum(axis=others).transpose([kept.index(member) for member in members]))


@settings(max_examples=60)
@given(SEEDS)
def test_marginals_are_those_of_the_joint_distribution(seed: int) -> None:
    tree, sizes, tables = random_model(seed)
    whole = joint(tree, sizes, tables)
    for clique, found in zip(tree, marginals(tree, tables), strict=True):
        assert found == pytest.approx(summed(whole, clique.members), abs=1e-12)


@settings(max_examples=60)
@given(SEEDS)
def test_what_cannot_be_is_impossible_and_the_rest_keeps_its_proportions(seed: int) -> None:
    """Excluding a value of each variable but the first gives the joint distribution restricted."""
    tree, sizes, tables = random_model(seed)
    whole = joint(tree, sizes, tables)
    kept = [np.arange(size) < max(1, size - 1) for size in sizes]
    for variable, mask in enumerate(kept):
        whole *= mask.reshape([-1 if at == variable else 1 for at in range(len(sizes))])
    with np.errstate(divide="ignore"):
        restricted = [
            table + np.log(kept[clique.child].astype(float))
            for clique, table in zip(tree, tables, strict=True)
        ]
    for clique, found in zip(tree, marginals(tree, restricted), strict=True):
        assert found == pytest.approx(summed(whole / whole.sum(), clique.members), abs=1e-12)


def test_rows_are_drawn_as_often_as_the_joint_distribution_says() -> None:
    tree, sizes, tables = random_model(11)
    rows = sampled(tree, conditionals(tree, tables), 60_000, np.random.default_rng(0))
    seen = np.zeros(sizes)
    np.add.at(seen, tuple(rows.T), 1 / len(rows))
    assert np.abs(seen - joint(tree, sizes, tables)).max() < 0.01


@settings(max_examples=30)
@given(SEEDS)
def test_exact_counts_are_fitted_exactly(seed: int) -> None:
    """Of counts that a model of the tree has, that model is found again."""
    tree, sizes, tables = random_model(seed)
    true = marginals(tree, [table / 3 for table in tables])
    measured = [Measured(at, 1e3 * each, np.ones(each.shape)) for at, each in enumerate(true)]
    found = marginals(tree, fitted(tree, sizes, measured, 1e3, rounds=2_000))
    for one, other in zip(found, true, strict=True):
        assert one == pytest.approx(other, abs=2e-3)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=12), st.integers(1, 100))
def test_projected_counts_are_the_nearest_that_could_be(noisy: list[int], total: int) -> None:
    """They sum up, none is negative, and all that are left were lowered by the same, the others by less."""
    counts = projected(np.array(noisy, float), total)
    assert counts.sum() == pytest.approx(total)
    assert (counts >= 0).all()
    lowered = np.array(noisy) - counts
    held = lowered[counts > 0]
    assert held == pytest.approx(np.full(len(held), held[0]))
    assert (lowered[counts == 0] <= held[0] + 1e-9).all()


@settings(max_examples=50)
@given(SEEDS)
def test_bins_hold_every_code_and_all_its_share(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = int(rng.integers(2, 30))
    places_of = np.append(rng.permutation(size - 1).astype(float), np.nan)
    axis = Axis("a", size, places_of, bool(rng.integers(2)), (rng.integers(0, 5, size),))
    noisy = rng.integers(-20, 200, size)
    bins = bins_for(axis, noisy, Coarseness(120, 60, 30))
    assert set(bins.of_code.tolist()) == set(range(bins.size))
    assert bins.pooled(bins.shares) == pytest.approx(np.ones(bins.size))
    if axis.is_ordered:
        # Neighbours stay together: along the axis no bin is entered twice, but for what joined with missing.
        along = bins.of_code[np.argsort(places_of[:-1])]
        assert (np.diff(along) != 0).sum() + 1 == len(set(along.tolist()))


@settings(max_examples=50)
@given(SEEDS)
def test_codes_of_a_bin_are_drawn_by_their_shares_and_none_without(seed: int) -> None:
    rng = np.random.default_rng(seed)
    of_code = np.array([0, 1, 0, 2, 1, 0])
    shares = np.where(rng.random(6) < 0.4, 0.0, rng.random(6) * 10.0 ** rng.integers(-300, 1, 6))
    held = np.bincount(of_code, weights=shares)
    wanted = rng.choice(np.flatnonzero(held), 500) if held.any() else np.zeros(0, np.int64)
    codes = places(Bins(of_code, np.ones(6)), shares).codes(wanted, rng)
    assert (of_code[codes] == wanted).all()
    assert (shares[codes] > 0).all()


ROWS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 3)), min_size=0, max_size=12)


@given(ROWS, st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 3)), SEEDS)
def test_a_row_more_moves_no_score_by_more_than_is_paid_for(
    rows: list[tuple[int, int, int]], more: tuple[int, int, int], seed: int
) -> None:
    """What is expected is made of noisy counts, the same whether the row is there or not."""
    rng = np.random.default_rng(seed)
    sizes, total = (3, 2, 4), float(rng.integers(1, 20))
    ones = [projected(rng.normal(3, 4, size), total) for size in sizes]
    plan = Plan(2, 1e9, 1, 1, 1)
    before, after = (
        pair_errors(Binned(np.array(each, np.int64).reshape(-1, 3), sizes), ones)
        for each in (rows, [*rows, more])
    )
    assert (np.abs(after - before) <= 1).all()
    for candidate in ((0, (1, 2)), (2, (0, 1)), (1, (2,)), (1, ())):
        moved = score(candidate, after, sizes, plan) - score(candidate, before, sizes, plan)
        assert abs(moved) <= plan.parents


@given(ROWS)
def test_counts_of_a_clique_are_counted_row_by_row(rows: list[tuple[int, int, int]]) -> None:
    binned = Binned(np.array(rows, np.int64).reshape(-1, 3), (3, 2, 4))
    counts = binned.counts((2, 0))
    assert counts.shape == (4, 3)
    literal: Ints = np.zeros((4, 3), np.int64)
    for first, _, third in rows:
        literal[third, first] += 1
    assert (counts == literal).all()
