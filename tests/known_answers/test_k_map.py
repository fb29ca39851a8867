"""k-map without a population: El Emam and Dankar's estimator D4, JAMIA 15(5), 2008, at significance 0.05."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from math import factorial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.criteria import KAnonymity, KMap, plainest


def smallest(k: int, fraction: Fraction) -> int:
    """The least k' with P(X >= k' | X > 0) <= 0.05, X Poisson with mean k times the fraction, in 60 digits.

    The reference system ARX 3.9 takes it too, and k where that is less (its class `KMap`).
    """
    with localcontext(prec=60):
        mean = Decimal((k * fraction).numerator) / Decimal((k * fraction).denominator)
        none = (-mean).exp()
        below = Decimal(0)
        for size in range(1, k):
            if 1 - below / (1 - none) <= Decimal("0.05"):
                return size
            below += none * mean**size / factorial(size)
    return k


@pytest.mark.parametrize(
    ("k", "fraction", "expected"),
    [
        # mean 0.5: P(1) = .771, P(2) = .193 of those drawn at all, so three are rarer than 0.05
        (5, "0.1", 3),
        (5, "0.01", 2),
        (5, "0.2", 4),
        (10, "0.1", 4),
        (20, "0.05", 4),
        (20, "0.5", 16),
        (50, "0.1", 10),
        (1000, "0.01", 16),
        # a sample of half a population of five says nothing that five people in the data would not
        (5, "0.5", 5),
        (3, "1", 3),
    ],
)
def test_worked_values(k: int, fraction: str, expected: int) -> None:
    assert KMap(k, Fraction(fraction)).smallest_class == expected == smallest(k, Fraction(fraction))
    assert plainest(KMap(k, Fraction(fraction))) == KAnonymity(expected)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 60), st.fractions(min_value=Fraction(1, 1000), max_value=1, max_denominator=1000))
def test_it_follows_the_definition_and_never_asks_for_more_than_k(k: int, fraction: Fraction) -> None:
    found = KMap(k, fraction).smallest_class
    assert found == smallest(k, fraction)
    assert found is not None
    assert found <= k
    # one person in a class is no evidence of anything
    assert found >= min(k, 2)


def test_with_a_population_nothing_is_estimated() -> None:
    assert KMap(5).smallest_class is None
    assert plainest(KMap(5)) == KMap(5)


def test_a_large_k_is_no_harder() -> None:
    """The distribution's terms are far below what a float holds, and must not vanish together."""
    assert KMap(100_000, Fraction(1, 100)).smallest_class == 1053
