"""How many people of a population are unique in it, estimated from a sample's class sizes."""

from __future__ import annotations

from fractions import Fraction
from math import comb, gamma, log

import numpy as np
import pytest

from anonymizer.judging.uniqueness import (
    Sample,
    estimate,
    pitman,
    pitman_parameters,
    population_classes,
    slide_negative_binomial,
    zayatz,
)


def sample(sizes: dict[int, int], fraction: str) -> Sample:
    """A sample with so many classes of each size."""
    people = np.repeat(list(sizes), list(sizes.values())).astype(np.int64)
    return Sample.of(people, Fraction(fraction))


def test_without_anybody_unique_in_the_sample_nobody_is_in_the_population() -> None:
    found = estimate(sample({2: 10, 3: 4}, "0.1"))
    assert (found.uniques, found.share, found.model) == (0.0, 0.0, "none")
    assert estimate(sample({}, "0.1")).share == 0


def test_a_sample_that_is_the_population_tells_its_uniques_exactly() -> None:
    whole = sample({1: 7, 2: 5, 9: 1}, "1")
    found = estimate(whole)
    assert whole.population == 26
    assert found.uniques == pytest.approx(7)
    assert found.share == pytest.approx(7 / 26)


def test_where_everybody_is_unique_all_of_the_population_is_taken_to_be() -> None:
    found = estimate(sample({1: 40}, "0.01"))
    assert (found.model, found.population) == ("zayatz", 4000)
    assert found.uniques == pytest.approx(4000)


def test_zayatz_is_bayes_rule_with_hypergeometric_chances() -> None:
    """P(F = 1 | f = 1) = s_1 h(1) / sum s_j h(j), h(j) = j C(N - j, n - 1) / C(N, n), in whole numbers."""
    drawn = sample({1: 6, 2: 3, 4: 2}, "0.25")
    n, population = 20, 80
    assert (drawn.people, drawn.population) == (n, population)
    chance = {j: Fraction(j * comb(population - j, n - 1), comb(population, n)) for j in (1, 2, 4)}
    posterior = 6 * chance[1] / (6 * chance[1] + 3 * chance[2] + 2 * chance[4])
    assert zayatz(drawn) == pytest.approx(float(6 * posterior * population / n), rel=1e-12)


def likelihood(drawn: Sample, theta: float, alpha: float) -> float:
    """The logarithm of Pitman's sampling formula, term by term, but for what theta and alpha leave alone."""
    total = sum(log(theta + i * alpha) for i in range(1, drawn.classes))
    total -= sum(log(theta + i) for i in range(1, drawn.people))
    for size, count in zip(drawn.size.tolist(), drawn.count.tolist(), strict=True):
        total += count * sum(log(i - alpha) for i in range(1, size))
    return total


@pytest.mark.parametrize(
    "sizes", [{1: 40, 2: 12, 3: 5, 7: 2, 20: 1}, {1: 5, 2: 30, 3: 40}, {1: 300, 2: 2}, {1: 9, 50: 3}]
)
def test_pitmans_theta_and_alpha_are_the_likeliest(sizes: dict[int, int]) -> None:
    """No other pair on a grid is likelier, by the formula's own terms."""
    drawn = sample(sizes, "0.02")
    fitted = pitman_parameters(drawn)
    assert fitted is not None
    thetas: list[float] = np.geomspace(1e-3, 1e6, 120).tolist()
    grid = [(shift - alpha, alpha) for shift in thetas for alpha in np.linspace(0, 0.999, 60).tolist()]
    assert likelihood(drawn, *fitted) >= max(likelihood(drawn, *pair) for pair in grid) - 1e-9


def test_pitmans_uniques_follow_from_theta_and_alpha() -> None:
    drawn = sample({1: 40, 2: 12, 3: 5, 7: 2, 20: 1}, "0.02")
    theta, alpha = pitman_parameters(drawn) or (0.0, 0.0)
    assert pitman(drawn) == pytest.approx(gamma(theta + 1) / gamma(theta + alpha) * 5650**alpha)


def test_pitman_has_no_answer_for_classes_of_one_alone_or_one_class() -> None:
    assert pitman(sample({1: 5}, "0.1")) is None
    assert pitman(sample({5: 1}, "0.1")) is None


def test_snb_gives_back_the_population_it_was_drawn_from() -> None:
    """The expected s_1 and s_2 of a known population; its number of classes is estimated from them too."""
    draw = np.random.default_rng(20261122)
    sizes = 1 + draw.negative_binomial(0.6, 0.08, size=100_000)
    seen = draw.binomial(sizes, 0.4)
    drawn = Sample.of(seen[seen > 0], Fraction("0.4"))
    assert population_classes(drawn) == pytest.approx(100_000, rel=0.02)
    found = slide_negative_binomial(drawn)
    assert found == pytest.approx((sizes == 1).sum(), rel=0.05)


@pytest.mark.parametrize(
    ("sizes", "fraction"),
    [
        ({1: 400, 2: 150, 3: 60, 4: 30, 7: 10, 20: 3}, "0.3"),
        ({1: 90, 2: 60, 3: 30, 5: 20, 9: 8}, "0.5"),
        ({1: 700, 2: 90, 3: 20}, "0.15"),
        ({1: 30, 2: 25, 3: 25, 4: 20, 6: 15}, "0.7"),
    ],
)
def test_snb_solves_its_two_equations_summed_term_by_term(sizes: dict[int, int], fraction: str) -> None:
    """E(s_j) = K sum over F of P(F) C(F, j) f^j (1 - f)^(F - j) for j = 1 and 2, F - 1 negative binomial."""
    from scipy.optimize import root
    from scipy.stats import binom, nbinom

    drawn, population = sample(sizes, fraction), np.arange(1, 4001)
    classes = population_classes(drawn) or 0.0

    def surplus(guess: list[float]) -> list[float]:
        of_size = classes * nbinom.pmf(population - 1, np.exp(guess[0]), 1 / (1 + np.exp(-guess[1])))
        seen = (of_size @ binom.pmf(j, population, float(fraction)) for j in (1, 2))
        return [float(expected / sizes[j]) - 1 for j, expected in zip((1, 2), seen, strict=True)]

    solved = root(surplus, [0.0, 0.0])
    assert solved.success
    alpha, beta = np.exp(solved.x[0]), 1 / (1 + np.exp(-solved.x[1]))
    assert slide_negative_binomial(drawn) == pytest.approx(classes * beta**alpha, rel=1e-6)


def test_snb_has_no_answer_without_classes_of_two() -> None:
    assert slide_negative_binomial(sample({1: 30, 3: 5}, "0.5")) is None


@pytest.mark.parametrize(("fraction", "model"), [("0.01", "pitman"), ("0.1", "pitman"), ("0.11", "snb")])
def test_the_rule_takes_pitman_up_to_a_tenth_and_the_lesser_of_the_others_beyond(
    fraction: str, model: str
) -> None:
    """Dankar et al. 2012; for a geometric population SNB lies below Zayatz."""
    draw = np.random.default_rng(7)
    seen = draw.binomial(draw.geometric(0.3, size=60_000), float(fraction))
    drawn = Sample.of(seen[seen > 0], Fraction(fraction))
    found = estimate(drawn)
    assert found.model == model
    others = (zayatz(drawn), slide_negative_binomial(drawn) or np.inf)
    assert found.uniques == (pitman(drawn) if model == "pitman" else min(others))


def test_a_fraction_beyond_the_whole_is_no_fraction() -> None:
    with pytest.raises(ValueError, match="sampling fraction"):
        sample({1: 1}, "1.5")
