"""k and beta beside ARX's way of computing them.

Origin: ARX 3.9, `dp/ParameterCalculation.calculateK` and the parameters of its own
`TestAnonymizationDifferentialPrivacy`; the steps are written here anew, in floats. SafePub (PoPETs 2018)
defines beta_max = 1 - e^-epsilon, gamma = (e^epsilon - 1 + beta) / e^epsilon, a_n, and the bound c_n that
ends the search.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, comb, exp, floor, log

import pytest

from anonymizer.private.differential_privacy import sampling_for


def arx(epsilon: float, delta: float) -> tuple[int, float]:
    """k as ARX's loop leaves it, one beyond the first that is small enough, and beta."""
    beta = 1 - exp(-epsilon)
    gamma = (exp(epsilon) - 1 + beta) / exp(epsilon)
    k, reached = 1, 2.0
    while not reached < delta:
        reached = bound_on_delta(k, beta, gamma)
        k += 1
    return k, beta


def bound_on_delta(k: int, beta: float, gamma: float) -> float:
    n, reached, rest = max(ceil(k / gamma - 1), 1), -1.0, 2.0
    while reached < rest:
        terms = (comb(n, j) * beta**j * (1 - beta) ** (n - j) for j in range(floor(n * gamma) + 1, n + 1))
        reached = max(reached, sum(terms))
        rest = exp(-n * (gamma * log(gamma / beta) - (gamma - beta)))
        n += 1
    return reached


@pytest.mark.parametrize(
    ("epsilon", "delta", "k"),
    [
        ("2", "1e-5", 113),
        ("1.5", "1e-6", 99),
        ("0.6931471805599453", "1e-7", 80),
        ("1.0986122886681098", "1e-8", 108),
        ("0.9", "1e-5", 58),
        ("1", "1e-4", 47),
    ],
)
def test_arx_finds_the_same_beta_and_one_more_for_k(epsilon: str, delta: str, k: int) -> None:
    found, beta = arx(float(epsilon), float(delta))
    ours = sampling_for(Fraction(epsilon), Fraction(delta))
    assert ours.k == k
    assert found == k + 1
    assert float(ours.beta) == pytest.approx(beta, abs=1e-15)
