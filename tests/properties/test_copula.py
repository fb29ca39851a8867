"""The copula's estimates on populations drawn from a known one, and the integrals they rest on."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.reidentification.copula import Correctness, correctness, correlations, figures, ordered
from risk.reidentification.normal_cells import cells, cuts, pair_cells
from tests.conftest import needs_shared
from tests.published import golden, original

NUMBERS = [f"n{j}" for j in range(4)]


def known_population(people: int, categories: int = 30) -> pl.DataFrame:
    """People of four ordered columns cut from a normal distribution whose pairs all correlate with 0.4."""
    rng = np.random.default_rng(11)
    matrix = np.full((4, 4), 0.4) + 0.6 * np.eye(4)
    normal = rng.standard_normal((people, 4)) @ np.linalg.cholesky(matrix).T
    inner = cuts(rng.dirichlet(np.full(categories, 2.0)))[1:-1]
    return pl.DataFrame(np.searchsorted(inner, normal), schema=NUMBERS).cast(pl.String)


def truth(population: pl.DataFrame) -> tuple[float, float, np.ndarray]:
    """The population's correctness (classes over people) and uniqueness, and everybody's class size."""
    size = population.select(pl.len().over(population.columns)).to_series().to_numpy()
    return float((1 / size).mean()), float((size == 1).mean()), size


def drawn(population: pl.DataFrame, share: float) -> tuple[Correctness, np.ndarray]:
    rng = np.random.default_rng(3)
    picked = np.sort(rng.permutation(population.height)[: int(share * population.height)])
    found = correctness(population[picked], population.columns, population.height, rng=rng)
    return found, truth(population)[2][picked][found.rows]


@pytest.mark.parametrize(("share", "within"), [(0.02, 0.05), (0.1, 0.03)])
def test_a_known_copula_s_correctness_and_uniqueness_are_found(share: float, within: float) -> None:
    population = known_population(40_000)
    correct, unique, _ = truth(population)
    found, size = drawn(population, share)
    told = figures(found)
    assert 0.3 < unique < 0.9
    assert told["rocher_correctness_average"].value == pytest.approx(correct, abs=within)
    assert told["rocher_uniqueness"].value == pytest.approx(unique, abs=within)
    assert found.correct.mean() == pytest.approx((1 / size).mean(), abs=2 * within)


def test_of_records_with_a_likelihood_as_many_matches_are_right() -> None:
    """Records sorted by what is claimed: each fifth of them is right as often as was said."""
    found, size = drawn(known_population(40_000), 0.1)
    for fifth in np.array_split(np.argsort(found.correct), 5):
        assert found.correct[fifth].mean() == pytest.approx((1 / size[fifth]).mean(), abs=0.05)
    assert found.correct[size == 1].mean() > found.correct[size > 1].mean() + 0.1


@needs_shared
@pytest.mark.parametrize(
    ("dataset", "case"), [("adult", "adult9_k5_s2_loss"), ("diabetes", "diabetes9_k5_s2_loss")]
)
@pytest.mark.parametrize("share", [0.01, 0.1])
def test_on_real_populations_the_mean_is_too_high_by_less_than_a_tenth(
    dataset: str, case: str, share: float
) -> None:
    """docs/risk.md tells how far off the estimates are over several draws."""
    population = original(dataset).select(golden(case)["quasi_identifiers"])
    correct, _, _ = truth(population)
    found, _ = drawn(population, share)
    told = figures(found)["rocher_correctness_average"].value
    assert told == pytest.approx(correct, abs=0.1)


@pytest.mark.parametrize("rho", [-0.9, -0.3, 0.0, 0.5, 0.95])
def test_cells_of_two_variables_are_the_bivariate_normal_s(rho: float) -> None:
    from scipy.stats import multivariate_normal

    first, second = cuts(np.array([0.1, 0.4, 0.3, 0.2])), cuts(np.array([0.5, 0.05, 0.45]))
    found = pair_cells(rho, first, second)
    normal = multivariate_normal(np.zeros(2), [[1, rho], [rho, 1]])
    for i in range(4):
        for j in range(3):
            lower, upper = np.array([first[i], second[j]]), np.array([first[i + 1], second[j + 1]])
            assert found[i, j] == pytest.approx(normal.cdf(upper, lower_limit=lower), abs=1e-7)
    assert found.sum() == pytest.approx(1)


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_cells_of_many_variables_are_the_library_s(seed: int, width: int) -> None:
    from scipy.stats import multivariate_normal

    rng = np.random.default_rng(seed)
    loadings = rng.uniform(-0.8, 0.8, width)
    matrix = np.outer(loadings, loadings)
    np.fill_diagonal(matrix, 1)
    thresholds = [cuts(rng.dirichlet(np.full(3, 3.0))) for _ in range(width)]
    records = rng.integers(0, 3, (4, width))
    found = cells(records, thresholds, matrix, points=4096, rng=rng)
    normal = multivariate_normal(np.zeros(width), matrix, seed=1)
    for record, probability in zip(records, found, strict=True):
        lower = np.array([cut[place] for cut, place in zip(thresholds, record, strict=True)])
        upper = np.array([cut[place + 1] for cut, place in zip(thresholds, record, strict=True)])
        assert probability == pytest.approx(normal.cdf(upper, lower_limit=lower), rel=0.03, abs=1e-6)


def test_both_kinds_of_correlation_are_those_of_the_population() -> None:
    population = known_population(20_000, 8)
    table = ordered(population, NUMBERS)
    # few numbers may be codes: their order, found from the data, is the right one or its reverse
    likely, informed = correlations(table, np.random.default_rng(1))
    for matrix in (likely, informed):
        apart = np.abs(matrix[~np.eye(4, dtype=bool)])
        assert apart == pytest.approx(0.4, abs=0.05)


def test_categories_without_an_order_get_one_that_shows_their_relation() -> None:
    rng = np.random.default_rng(2)
    age = rng.integers(0, 90, 4000)
    group = np.array(["minor", "worker", "elder", "aged"])[np.digitize(age, [18, 65, 80])]
    table = ordered(pl.DataFrame({"age": age.astype(str), "group": group}), ["age", "group"])
    place = {label: int(table[group == label, 1][0]) for label in ("minor", "worker", "elder", "aged")}
    assert list(place.values()) in ([0, 1, 2, 3], [3, 2, 1, 0])


@given(st.floats(1e-9, 1), st.integers(1, 60))
def test_correctness_is_the_mean_over_how_many_others_there_are(p: float, population: int) -> None:
    """E(1 / (1 + B)) with B binomial (n - 1, p), in fractions; and the probability that B is 0."""
    share = Fraction(p)
    others = [
        comb(population - 1, k) * share**k * (1 - share) ** (population - 1 - k) for k in range(population)
    ]
    from risk.reidentification import copula

    correct, unique = copula._answers(np.array([p]), population)
    assert correct[0] == pytest.approx(float(sum(x / (1 + k) for k, x in enumerate(others))), rel=1e-6)
    assert unique[0] == pytest.approx(float(others[0]), rel=1e-5, abs=1e-9)


def test_the_same_seed_gives_the_same_answers() -> None:
    population = known_population(500)
    first, second = (
        figures(correctness(population, NUMBERS, 5000, rng=np.random.default_rng(4))) for _ in range(2)
    )
    assert first == second


def test_one_column_constants_and_missing_values_are_cells_too() -> None:
    table = pl.DataFrame({"a": ["x", "y", None, None], "b": ["z"] * 4})
    for columns in (["a"], ["b"], ["a", "b"]):
        found = correctness(table, columns, 8, rng=np.random.default_rng(1))
        assert np.all((found.correct > 0) & (found.correct <= 1))
    # a quarter, a quarter and a half of 8 people
    alone = correctness(table, ["a"], 8, rng=np.random.default_rng(1)).correct
    assert alone == pytest.approx([(1 - (1 - p) ** 8) / (8 * p) for p in (0.25, 0.25, 0.5, 0.5)])


def test_without_a_population_nothing_is_estimated() -> None:
    assert {figure.value for figure in figures(None).values()} == {None}
    with pytest.raises(ValueError, match="as many people"):
        correctness(known_population(5), NUMBERS, 4, rng=np.random.default_rng(1))


def test_several_records_of_one_person_are_one() -> None:
    population = known_population(300)
    several = pl.concat([population, population])
    people = np.tile(np.arange(300), 2)
    one, both = (
        figures(correctness(table, NUMBERS, 3000, rng=np.random.default_rng(4), people=who))
        for table, who in ((population, None), (several, people))
    )
    assert one == both
