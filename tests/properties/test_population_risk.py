"""Journalist and marketer risk of a population equal the model summed term by term, and what people drew."""

from __future__ import annotations

from fractions import Fraction
from math import exp, fsum, lgamma, log

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from risk.reidentification.class_sizes import ClassSizes, measures
from risk.reidentification.population import (
    POPULATION_RISKS,
    expected_risk,
    risk_interval,
    with_population,
)
from risk.reidentification.uniqueness import population_uniqueness
from tests.conftest import needs_shared
from tests.published import generalised, golden, original


def summed(f: int, p: float) -> float:
    """E(1 / F | f): 1 / F times C(F-1, f-1) p^f (1-p)^(F-f), over all F."""
    last = int(f / p * 3 + 60 / p)
    return fsum(
        exp(lgamma(F) - lgamma(f) - lgamma(F - f + 1) + f * log(p) + (F - f) * log(1 - p)) / F
        for F in range(f, last)
    )


@settings(max_examples=60)
@given(st.integers(1, 150), st.floats(0.004, 0.999))
def test_the_expected_risk_is_the_sum_over_all_populations(f: int, p: float) -> None:
    assert expected_risk(np.array([f]), p)[0] == pytest.approx(summed(f, p), rel=1e-9)


@settings(max_examples=60)
@given(st.integers(1, 100_000), st.floats(1e-9, 1.0))
def test_the_expected_risk_lies_between_what_the_sampling_fraction_makes_it_and_the_prosecutor_s(
    f: int, p: float
) -> None:
    """By Jensen's inequality E(1 / F) is at least 1 / E(F) = p / f."""
    risk = expected_risk(np.array([f]), p)[0]
    assert p / f * (1 - 1e-9) <= risk <= 1 / f * (1 + 1e-9)


@pytest.mark.parametrize("p", [1e-9, 1e-4, 0.1, 0.499999, 0.5, 0.9])
def test_larger_classes_have_less_risk_across_the_two_ways_of_computing_it(p: float) -> None:
    risks = expected_risk(np.arange(1, 200), p)
    assert np.all(np.diff(risks) < 0)


def test_a_class_of_one_has_the_logarithm_of_the_literature() -> None:
    """Franconi and Polettini (PSD 2004): f = 1 gives p / (1 - p) log(1 / p)."""
    for p in (1e-6, 0.01, 0.3, 0.8):
        assert expected_risk(np.array([1]), p)[0] == pytest.approx(p / (1 - p) * log(1 / p), rel=1e-12)


SIZES = st.lists(st.integers(1, 30), min_size=1, max_size=20).map(
    lambda people: ClassSizes(np.array(people), np.array(people))
)


@settings(max_examples=60)
@given(SIZES, st.integers(0, 10_000))
def test_figures_are_averages_over_records_of_the_expected_risk(sizes: ClassSizes, others: int) -> None:
    population = int(sizes.people.sum()) + others
    risks = np.repeat(expected_risk(sizes.people, sizes.people.sum() / population), sizes.rows)
    found = with_population(sizes, population)
    assert found["journalist_max"].value == risks.max()
    assert found["journalist_average"].value == pytest.approx(risks.mean())
    assert found["marketer"].value == found["journalist_average"].value
    assert found["journalist_records_above_0.09"].value == pytest.approx((risks > 0.09).mean())
    assert all("Benedetti" in figure.method for figure in found.values())


@given(SIZES)
def test_where_the_table_is_the_population_the_journalist_is_the_prosecutor(sizes: ClassSizes) -> None:
    prosecutor, found = measures(sizes), with_population(sizes, int(sizes.people.sum()))
    for name in ("journalist_max", "journalist_average", "marketer"):
        assert found[name].value == pytest.approx(prosecutor[name].value)


@given(SIZES, st.integers(1, 1000), st.integers(1, 1000))
def test_a_larger_population_never_means_more_risk(sizes: ClassSizes, some: int, more: int) -> None:
    people = int(sizes.people.sum())
    few, many = with_population(sizes, people + some), with_population(sizes, people + some + more)
    assert all(many[name].value <= few[name].value * (1 + 1e-12) for name in POPULATION_RISKS)  # type: ignore[operator]


def drawn(population: np.ndarray, fraction: float) -> tuple[float, float]:
    """The journalist's average risk by the model, and in truth, for a sample of classes of these sizes."""
    rng = np.random.default_rng(5)
    sampled = rng.binomial(population, fraction)
    held = sampled > 0
    truth = float((sampled[held] / population[held]).sum() / sampled.sum())
    found = with_population(ClassSizes(sampled[held], sampled[held]), int(population.sum()))
    return found["journalist_average"].value, truth  # type: ignore[return-value]


def test_the_model_s_mean_is_that_of_drawn_samples() -> None:
    """The model takes the number of classes of F people to fall with 1 / F."""
    rng = np.random.default_rng(5)
    found, truth = drawn(np.floor(np.exp(rng.uniform(0, 9, 40_000))).astype(np.int64), 0.1)
    assert found == pytest.approx(truth, rel=0.03)


def test_where_small_classes_are_rarer_than_the_model_has_it_the_risk_is_overestimated() -> None:
    rng = np.random.default_rng(5)
    found, truth = drawn(rng.geometric(0.02, 40_000), 0.1)
    assert truth < found < 1.3 * truth


@needs_shared
@pytest.mark.parametrize("fraction", [0.01, 0.1])
@pytest.mark.parametrize("case", ["adult9_k5_s2_loss", "diabetes9_k5_s2_loss"])
def test_of_a_five_anonymous_sample_the_risk_is_right_and_the_interval_holds(
    case: str, fraction: float
) -> None:
    """Adult and Diabetes as populations, at the levels of a 5-anonymous table."""
    columns = golden(case)["quasi_identifiers"]
    levels = dict(zip(columns, golden(case)["optimum"], strict=True))
    table = generalised(original(golden(case)["dataset"]).select(columns), golden(case)["dataset"], levels)
    people = table.with_columns(F=pl.len().over(columns))
    picked = np.random.default_rng(1).permutation(people.height)[: int(people.height * fraction)]
    classes = people[picked].group_by(columns).agg(f=pl.len().cast(pl.Int64), F=pl.col("F").first())
    released = classes.filter(pl.col("f") >= 5)
    f, whole = released["f"].to_numpy(), released["F"].to_numpy()
    found = with_population(ClassSizes(f, f), people.height, people=len(picked))
    average, largest = found["journalist_average"], found["journalist_max"]
    truth = float((f / whole).sum() / f.sum())
    assert average.value == pytest.approx(truth, rel=0.2)
    assert average.low <= truth <= average.high  # type: ignore[operator]
    assert 1 / whole.min() <= largest.high  # type: ignore[operator]
    assert largest.high < 1 / f.min()  # type: ignore[operator]


@needs_shared
def test_of_people_who_are_alone_the_interval_reaches_up_to_the_prosecutor_s_risk() -> None:
    """On Adult's nine columns the model says 0.05 of a hundredth's records, and the truth is 0.64."""
    table = original("adult")
    people = table.with_columns(F=pl.len().over(table.columns))
    sample = people[np.random.default_rng(1).permutation(people.height)[:301]]
    classes = sample.group_by(table.columns).len("f")
    f = classes["f"].to_numpy().astype(np.int64)
    found = with_population(ClassSizes(f, f), people.height)["journalist_average"]
    truth = float((1 / sample["F"].to_numpy()).mean())
    assert found.value < 0.1 < truth < found.high  # type: ignore[operator]


@settings(max_examples=60)
@given(st.integers(5, 60), st.floats(0.01, 0.99))
def test_the_interval_is_clopper_and_pearson_s(f: int, p: float) -> None:
    """Of fewer people than the upper end stands for, f or more are sampled in at most 2.5 % of samples."""
    low, high = risk_interval(np.array([f]), p, 0.95)
    fewest, most = round(1 / high[0]), round(1 / low[0])
    assert binom.sf(f - 1, fewest - 1, p) < 0.025 <= binom.sf(f - 1, fewest, p)
    assert binom.cdf(f - 1, most, p) <= 0.025 < binom.cdf(f - 1, most - 1, p)


def test_a_population_smaller_than_the_table_is_refused() -> None:
    sizes = ClassSizes(np.array([3, 4]), np.array([3, 4]))
    with pytest.raises(ValueError, match="at least as many"):
        with_population(sizes, 6)
    with pytest.raises(ValueError, match="fraction"):
        population_uniqueness(sizes, population=6)


def test_people_of_several_classes_are_counted_once_where_that_is_known() -> None:
    sizes = ClassSizes(np.array([1, 1]), np.array([1, 1]))
    one, two = with_population(sizes, 4, people=1), with_population(sizes, 4)
    assert one["journalist_max"].value < two["journalist_max"].value  # type: ignore[operator]


@given(SIZES, st.integers(0, 3000))
def test_uniqueness_of_the_population_is_bounded_by_that_of_the_table(sizes: ClassSizes, others: int) -> None:
    people = int(sizes.people.sum())
    found = population_uniqueness(sizes, population=people + others)
    assert found["sample_uniqueness"].value == float(Fraction(int((sizes.people == 1).sum()), people))
    for name, figure in found.items():
        if figure.value is not None:
            assert 0 <= figure.low <= figure.value <= figure.high <= 1, name  # type: ignore[operator]


def test_a_model_that_exceeds_its_bound_says_so() -> None:
    """Of 24 people alone and 8 pairs, 40 of 100, Pitman's formula makes more than all who are alone."""
    sizes = ClassSizes(np.array([1] * 24 + [2] * 8), np.array([1] * 24 + [2] * 8))
    found = population_uniqueness(sizes, population=100)
    pitman, zayatz = found["population_uniqueness_pitman"], found["population_uniqueness_zayatz"]
    assert pitman.high == pitman.value
    assert pitman.value > 0.6  # type: ignore[operator]
    assert "exceeds" in pitman.method
    assert zayatz.high == 0.6
    assert "exceeds" not in zayatz.method


@given(SIZES)
def test_without_a_population_nothing_is_estimated(sizes: ClassSizes) -> None:
    found = population_uniqueness(sizes)
    assert found.pop("sample_uniqueness").is_exact
    assert {figure.value for figure in found.values()} == {None}
    assert all("risk.population" in figure.method for figure in found.values())


def test_a_sample_of_all_has_the_population_s_own_uniqueness_by_zayatz() -> None:
    sizes = ClassSizes(np.array([1, 1, 1, 2, 5]), np.array([1, 1, 1, 2, 5]))
    found = population_uniqueness(sizes, population=10)
    assert found["population_uniqueness_zayatz"].value == pytest.approx(0.3)


def test_people_who_are_suppressed_were_sampled_all_the_same() -> None:
    """Of 1,000 people 100 were sampled, and the 10 of the class that is left stand for about 100."""
    left = ClassSizes(np.array([10]), np.array([10]))
    found = with_population(left, 1000, people=100)["journalist_average"]
    assert found.value == pytest.approx(expected_risk(np.array([10]), 0.1)[0])
    assert found.value > with_population(left, 1000)["journalist_average"].value  # type: ignore[operator]
