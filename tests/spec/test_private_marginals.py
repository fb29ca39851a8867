"""The differentially private method: what it costs, who takes part, and what it may learn."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from math import exp, log, sqrt

import numpy as np
import polars as pl
import pytest

from anonymizer.errors import BadConfig, ComponentMissing, SynthesisFailed
from anonymizer.private.exponential_mechanism import SystemChance
from synth.axes import Axis, Coded, Ints
from synth.coding import declared
from synth.methods import dp_marginals
from synth.methods.dp_accounting import (
    Demand,
    Ledger,
    Overspent,
    choice_epsilon,
    delta_for,
    rho_for,
    scale_for,
)
from synth.methods.dp_measuring import measure
from synth.methods.dp_noise import Noise, rows_kept, system_noise
from synth.recipe import Between, Declared
from synth.variables import Variable

pytest.importorskip("opendp", reason="OpenDP, of the extra [dp], draws the noise")

UNPLACED = np.full(3, np.nan)
AXES = (
    Axis("sex", 3, UNPLACED),
    Axis("age", 11, np.array([*range(10), np.nan], float), True),
    Axis("smoker", 3, UNPLACED),
)


def coded(rows: int = 4_000, *, seed: int = 1) -> Coded:
    """Rows in which who smokes depends on the age, and nothing on the sex."""
    rng = np.random.default_rng(seed)
    age = rng.integers(0, 10, rows)
    codes = np.stack([rng.integers(0, 2, rows), age, (rng.random(rows) < age / 10).astype(int)], axis=1)
    return Coded(codes.astype(np.int32), AXES, np.arange(rows))


def silent(counts: Ints, *, scale: float, rows: int, rho: float) -> Ints:
    return counts.copy()


def quiet(rho: float = 1e6, rows: int = 1) -> Noise:
    """What the method would do without noise; choices are almost always the best."""
    return Noise(Ledger(rho), rows, silent, SystemChance())


@pytest.mark.parametrize(("epsilon", "delta"), [(0.1, 1e-9), (1, 1e-6), (3, 1e-6), (10, 1e-5)])
def test_the_budget_is_larger_than_the_simple_formula_gives(epsilon: float, delta: float) -> None:
    """Bun and Steinke's epsilon = rho + 2 sqrt(rho log(1 / delta)) is true and looser."""
    simple = (sqrt(log(1 / delta) + epsilon) - sqrt(log(1 / delta))) ** 2
    rho = rho_for(epsilon, delta)
    assert simple < rho < 1.6 * simple
    assert delta_for(epsilon, rho) <= delta < delta_for(epsilon, rho * 1.001)


def test_the_conversion_never_promises_more_than_gaussian_noise_keeps() -> None:
    """Of one Gaussian count the exact delta is known: it is below the stated one."""
    from scipy.stats import norm

    for epsilon in (0.2, 1.0, 4.0):
        rho = rho_for(epsilon, 1e-5)
        shift = sqrt(2 * rho)
        exact = norm.cdf(shift / 2 - epsilon / shift) - exp(epsilon) * norm.cdf(-shift / 2 - epsilon / shift)
        assert 1e-7 < exact <= 1e-5


def test_the_scale_and_the_choices_cost_what_the_closed_forms_say() -> None:
    assert scale_for(0.5, 1) == pytest.approx(1)
    assert scale_for(0.02, 3) == pytest.approx(15)
    assert choice_epsilon(0.5) == pytest.approx(2)
    for rho in (1e-4, 0.3, 7.0):
        for rows in (1, 2, 9):
            assert rows**2 / (2 * scale_for(rho, rows) ** 2) <= rho
        assert choice_epsilon(rho) ** 2 / 8 <= rho


def test_opendp_agrees_with_the_cost_of_its_noise() -> None:
    noise = system_noise(Ledger(1), 2)
    assert noise.counts(np.zeros((2, 3), np.int64), rho=0.25, purpose="a").shape == (2, 3)
    with pytest.raises(Overspent, match="OpenDP states a higher cost"):
        noise.gaussian(np.zeros(2, np.int64), scale=scale_for(0.25, 2), rows=3, rho=0.25)


def test_nothing_is_looked_at_that_the_budget_does_not_pay() -> None:
    noise = quiet(rho=1.0)
    noise.counts(np.zeros(2, np.int64), rho=0.75, purpose="a")
    with pytest.raises(Overspent):
        noise.choice([1, 2], moved=1, rho=0.26, purpose="b")
    assert noise.ledger.entries == [("a", 0.75)]


@pytest.mark.parametrize("target", [None, 2])
def test_all_that_is_spent_sums_to_the_budget(target: int | None) -> None:
    """Three axes, two cliques, and a choice of each: one more, for the root, where there is no target."""
    demand = Demand(3, 1e-6)
    noise = system_noise(Ledger(demand.rho), 1)
    found = measure(coded(), noise, target=target)
    spent = Counter(purpose for purpose, _ in noise.ledger.entries)
    cliques = sum(bool(clique.parents) for clique in found.tree)
    assert spent == {"axis": 3, "choice": 3 if target is None else 2, "clique": cliques}
    assert noise.ledger.spent <= demand.rho * (1 + 1e-9)
    if target is None and cliques == 2:
        assert noise.ledger.spent == pytest.approx(demand.rho)


def test_the_seed_decides_what_is_drawn_and_nothing_about_the_noise() -> None:
    data = coded()
    one, other = (
        dp_marginals.fit(data, np.random.default_rng(7), epsilon=1, delta=1e-6, target="smoker")
        for _ in range(2)
    )
    assert any((a != b).any() for a, b in zip(one.potentials, other.potentials, strict=True))
    first, second = (one.sample(500, np.random.default_rng(3)) for _ in range(2))
    assert (first == second).all()
    assert (first != one.sample(500, np.random.default_rng(4))).any()


def test_at_most_so_many_rows_of_a_person_take_part_and_each_row_is_as_likely() -> None:
    people = np.array([5, 7, 5, 5, 9, 5, 7])
    taken: Counter[int] = Counter()
    for _ in range(2_000):
        rows = rows_kept(people, 2)
        assert sorted(people[rows].tolist()) == [5, 5, 7, 7, 9]
        assert (np.diff(rows) > 0).all()
        taken.update(rows.tolist())
    assert all(taken[row] == 2_000 for row in (1, 4, 6))
    # Two of four: 1,000 times each on average, with a standard deviation of 22.
    assert all(800 < taken[row] < 1_200 for row in (0, 2, 3, 5))
    assert rows_kept(np.zeros(0, np.int64), 1).tolist() == []


def test_a_persons_further_rows_change_nothing() -> None:
    """Without noise the counts are of one row of each: a thousand more of one person are not seen."""
    data = coded(300)
    more = np.repeat(data.codes[:1], 1_000, axis=0)
    longer = replace(
        data, codes=np.concatenate([data.codes, more]), people=np.append(data.people, np.zeros(1_000, int))
    )
    before, after = measure(data, quiet()), measure(longer, quiet())
    assert before.total == after.total == 300
    pairs = zip(before.measured, after.measured, strict=True)
    assert all((one.counts == other.counts).all() for one, other in pairs)


def test_the_model_tells_what_depends_on_what() -> None:
    model = dp_marginals.fit(coded(20_000), np.random.default_rng(0), epsilon=2, delta=1e-6)
    rows = model.sample(20_000, np.random.default_rng(1))
    shares = [float((rows[rows[:, 1] == age, 2] == 1).mean()) for age in range(10)]
    assert np.abs(np.array(shares) - np.arange(10) / 10).max() < 0.12
    assert abs(model.rows - 20_000) < 300


def test_only_what_is_allowed_is_drawn_and_as_often_as_the_rest_says() -> None:
    model = dp_marginals.fit(coded(20_000), np.random.default_rng(0), epsilon=2, delta=1e-6)
    old = np.isin(np.arange(11), [7, 8, 9])
    rows = model.sample(5_000, np.random.default_rng(1), {1: old, 0: np.array([False, True, False])})
    assert old[rows[:, 1]].all()
    assert (rows[:, 0] == 1).all()
    every = model.sample(50_000, np.random.default_rng(2))
    every = every[old[every[:, 1]] & (every[:, 0] == 1)]
    assert (rows[:, 2] == 1).mean() == pytest.approx((every[:, 2] == 1).mean(), abs=0.05)
    with pytest.raises(SynthesisFailed, match="nothing that is allowed"):
        model.sample(1, np.random.default_rng(1), {0: np.zeros(3, bool)})


def test_a_target_is_a_parent_of_all_that_have_any() -> None:
    found = measure(coded(), quiet(), target=0)
    assert found.tree[0].child == 0
    assert all(not clique.parents or 0 in clique.parents for clique in found.tree)
    with pytest.raises(BadConfig, match="target"):
        dp_marginals.fit(coded(), np.random.default_rng(0), epsilon=1, delta=1e-6, target="unknown")


@pytest.mark.parametrize("rows", [0, 1])
def test_a_table_of_next_to_nothing_gives_noise(rows: int) -> None:
    model = dp_marginals.fit(coded(rows), np.random.default_rng(0), epsilon=1, delta=1e-6)
    drawn = model.sample(100, np.random.default_rng(1))
    assert drawn.shape == (100, 3)
    assert ((drawn >= 0) & (drawn < [axis.size for axis in AXES])).all()


@pytest.mark.parametrize(
    "options", [(0, 1e-6, 1), (float("inf"), 1e-6, 1), (1, 0, 1), (1, 1, 1), (1, 1e-6, 0)]
)
def test_a_demand_that_makes_no_sense_is_refused(options: tuple[float, float, int]) -> None:
    with pytest.raises(BadConfig):
        Demand(*options)


@pytest.fixture
def _without_opendp(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "opendp"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opendp", None)


@pytest.mark.usefixtures("_without_opendp")
def test_without_opendp_it_says_what_to_install() -> None:
    with pytest.raises(ComponentMissing, match=r"clinical-anon\[dp\]") as caught:
        dp_marginals.fit(coded(10), np.random.default_rng(0), epsilon=1, delta=1e-6)
    assert caught.value.exit_code == 69


SEX = Variable("sex", "string")
AGE = Variable("age", "integer")
DOMAIN = {"sex": Declared(("f", "m")), "age": Declared(span=Between(0, 99), bands=10)}


def table(sexes: list[str | None], ages: list[int | None]) -> pl.DataFrame:
    return pl.DataFrame({"sex": sexes, "age": ages}, schema={"sex": pl.String, "age": pl.Int64})


def test_the_axes_are_those_of_the_declaration_whatever_the_rows() -> None:
    """A value of one record outside the domain becomes missing: no axis, code or drawn cell tells of it."""
    codec = declared.codec((SEX, AGE), DOMAIN)
    sexes, ages = ["f", "m"] * 500, [30, 40] * 500
    usual = codec.encode(table([*sexes, "f"], [*ages, 30]))
    strange = codec.encode(table([*sexes, "Kardiologe"], [*ages, 117]))
    assert [axis.size for axis in codec.axes] == [3, 11]
    assert (usual[:-1] == strange[:-1]).all()
    assert strange[-1].tolist() == [2, 10]
    model = dp_marginals.fit(
        Coded(strange, codec.axes, np.arange(1_001)), np.random.default_rng(0), epsilon=1, delta=1e-6
    )
    drawn = codec.decode(model.sample(5_000, np.random.default_rng(0)), np.random.default_rng(0))
    assert set(drawn["sex"].unique()) <= {"f", "m", None}
    assert drawn["age"].max() < 100
