"""Claims at a stated rate of error: exact under ties, on every finite number of controls."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.attacks.claims import Judged, area, claims, controls_needed, right_claims, separated, wrong_claims

SCORES = st.lists(st.integers(0, 4), min_size=1, max_size=12)


def literal_claim(score: int, controls: list[int], rate: Fraction) -> Fraction:
    """The share of coins U for which (above + U (ties + 1)) / (n + 1) is at most the rate."""
    above = sum(each > score for each in controls)
    ties = sum(each == score for each in controls)
    return max(Fraction(0), min(Fraction(1), (rate * (len(controls) + 1) - above) / (ties + 1)))


@given(SCORES, SCORES, st.integers(1, 99))
def test_claims_are_those_of_the_definition(scores: list[int], controls: list[int], percent: int) -> None:
    found = claims(np.array(scores, float), np.array(controls, float), percent / 100)
    expected = [float(literal_claim(score, controls, Fraction(percent, 100))) for score in scores]
    assert found == pytest.approx(expected)


@given(st.lists(st.integers(0, 4), min_size=2, max_size=12), st.integers(1, 99))
def test_whoever_is_like_the_controls_is_claimed_at_the_rate_exactly(scores: list[int], percent: int) -> None:
    """Each in turn is the target and the rest are the controls: the mean claim is the rate."""
    rate = percent / 100
    held = [
        claims(np.array([score], float), np.array(scores[:i] + scores[i + 1 :], float), rate)[0]
        for i, score in enumerate(scores)
    ]
    assert np.mean(held) == pytest.approx(rate)
    assert wrong_claims(np.array(scores, float), np.array(scores, float), rate) == pytest.approx(held)


@given(SCORES, SCORES)
def test_the_area_counts_pairs(members: list[int], controls: list[int]) -> None:
    pairs = [(m > c) + (m == c) / 2 for m in members for c in controls]
    assert area(np.array(members, float), np.array(controls, float)) == pytest.approx(np.mean(pairs))


def test_the_example_of_the_manual() -> None:
    """Controls 0, 0, 0, 1 and an error of 40 %: score 1 is always claimed, score 0 by every fourth throw."""
    assert claims(np.array([1.0, 0.0]), np.array([0.0, 0, 0, 1]), 0.4).tolist() == [1, 0.25]


def test_one_percent_needs_a_thousand_controls() -> None:
    assert controls_needed(0.01) == 1000
    assert controls_needed(0.1) == 100
    count = 2 * 999
    number = np.arange(count)
    found = right_claims(
        Judged(number * 1.0, number % 2 == 0, number % 2 == 1, number), rate=0.01, what="claims"
    )
    assert (found.value, found.high) == (None, None)
    assert "needs 1,000 controls, and there are 999" in found.method


def test_controls_are_counted_by_person() -> None:
    number = np.arange(4000)
    found = right_claims(
        Judged(number * 1.0, number < 2000, number >= 2000, number // 4), rate=0.01, what="claims"
    )
    assert "there are 500" in found.method


def test_no_claim_in_two_thousand_is_not_zero_for_sure() -> None:
    number = np.arange(4000)
    found = right_claims(
        Judged(number * 1.0, number < 2000, number >= 2000, number), rate=0.01, what="claims"
    )
    assert found.value == found.low == 0
    assert found.high == pytest.approx(3.84 / 2003.84, rel=0.01)


@settings(max_examples=5)
@given(st.integers(0, 1000))
def test_figures_are_the_means_of_single_claims(seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.poisson(2.0, 2_500) * 1.0
    members, controls = np.arange(2_500) < 1_000, np.arange(2_500) >= 1_400
    judged = Judged(scores, members, controls, np.arange(2_500))
    found = right_claims(judged, rate=0.01, what="claims")
    assert found.value == pytest.approx(claims(scores[members], scores[controls], 0.01).mean())
    assert separated(judged, what="area").value == pytest.approx(area(scores[members], scores[controls]))
