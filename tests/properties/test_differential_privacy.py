"""Differential privacy, by exact probabilities on small tables: no theorem is believed.

The mechanism's outcomes on a table and on its neighbours are enumerated with fractions. Of all events the
worst one is known: the outcomes whose probability ratio exceeds e^epsilon. What it exceeds it by is the delta
that is needed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product
from math import ceil, comb, floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.private.differential_privacy import DRAWS, Sampling, sampling_for
from release.verifying.redraw import keeps

Law = Mapping[object, Fraction]
DIGITS = 60


def e_to(epsilon: Fraction) -> Fraction:
    """e^epsilon from below, to sixty digits: what is shown with it holds with the true one."""
    with localcontext(prec=DIGITS):
        power = (Decimal(epsilon.numerator) / Decimal(epsilon.denominator)).exp()
        return Fraction(power) * (1 - Fraction(1, 10 ** (DIGITS - 5)))


def binomial(j: int, n: int, beta: Fraction) -> Fraction:
    return comb(n, j) * beta**j * (1 - beta) ** (n - j)


def needed_delta(ours: Law, theirs: Law, epsilon: Fraction) -> Fraction:
    """The least delta with P(ours in S) <= e^epsilon P(theirs in S) + delta for every event S."""
    growth = e_to(epsilon)
    return sum(
        (max(p - growth * theirs.get(x, Fraction(0)), Fraction(0)) for x, p in ours.items()), Fraction(0)
    )


def released_people(n: int, sampling: Sampling) -> Law:
    """The law of how many people of a class of ``n`` are released."""
    law: Counter[object] = Counter()
    for j in range(n + 1):
        law[j if j >= sampling.k else 0] += binomial(j, n, sampling.beta)
    return law


def both_ways(ours: Law, theirs: Law, epsilon: Fraction) -> Fraction:
    return max(needed_delta(ours, theirs, epsilon), needed_delta(theirs, ours, epsilon))


def worst(sampling: Sampling, epsilon: Fraction, until: int) -> tuple[Fraction, int]:
    """The largest delta that a class of fewer than ``until`` people needs, and its people."""
    laws = [released_people(n, sampling) for n in range(until)]
    return max((both_ways(laws[n], laws[n - 1], epsilon), n) for n in range(1, until))


@pytest.mark.parametrize(
    ("epsilon", "delta"),
    [("0.5", "0.1"), ("0.5", "0.0001"), ("1", "0.001"), ("0.6931471805599453", "0.001"), ("2", "0.01")],
)
def test_one_person_more_or_less_stays_within_epsilon_and_delta(epsilon: str, delta: str) -> None:
    """Only that person's class differs, so the law of one class tells everything: for every class size."""
    sampling = sampling_for(Fraction(epsilon), Fraction(delta))
    needed, people = worst(sampling, Fraction(epsilon), 3 * sampling.k)
    assert needed <= Fraction(delta)
    # the worst class is not far beyond k, and past it there is nothing to fear
    assert people < 2 * sampling.k


@pytest.mark.parametrize("epsilon", [Fraction(1, 2), Fraction(1)])
def test_a_k_half_as_large_would_break_the_promise(epsilon: Fraction) -> None:
    """The bound is not idle: what it forbids is really worse than delta."""
    delta = Fraction(1, 1000)
    sampling = sampling_for(epsilon, delta)
    smaller = Sampling(sampling.drawn, sampling.k // 2)
    assert worst(smaller, epsilon, 2 * sampling.k)[0] > delta


def test_a_larger_sample_would_break_the_promise() -> None:
    """With more than 1 - e^-epsilon it tells too much, whatever k is, that somebody is not there."""
    epsilon, delta = Fraction(1), Fraction(1, 100)
    sampling = sampling_for(epsilon, delta)
    larger = Sampling(DRAWS * 9 // 10, sampling.k)
    assert worst(larger, epsilon, 2 * sampling.k)[0] > delta


def whole_tables(classes: tuple[int, ...], sampling: Sampling) -> Law:
    """The law of the whole release of a table with these class sizes: every sample, one after the other."""
    people = [c for c, size in enumerate(classes) for _ in range(size)]
    law: Counter[object] = Counter()
    for drawn in product((False, True), repeat=len(people)):
        inside = sum(drawn)
        probability = sampling.beta**inside * (1 - sampling.beta) ** (len(people) - inside)
        held = Counter(c for c, is_in in zip(people, drawn, strict=True) if is_in)
        law[tuple(sorted((c, n) for c, n in held.items() if n >= sampling.k))] += probability
    return law


@pytest.mark.parametrize("classes", [(4, 3), (5, 1, 1), (7,), (3, 3, 2)])
@pytest.mark.parametrize("epsilon", [Fraction(1, 2), Fraction(1)])
def test_every_event_on_whole_neighbouring_tables(classes: tuple[int, ...], epsilon: Fraction) -> None:
    """Every sample of a table and of each one with a person less, and everything that can be released."""
    sampling = Sampling(sampling_for(epsilon, Fraction(1, 10)).drawn, 3)
    # the delta of k = 3, by the definition of the theorem
    delta = theorem(sampling, epsilon, until=60)
    ours = whole_tables(classes, sampling)
    assert sum(ours.values()) == 1
    for c, size in enumerate(classes):
        fewer = (*classes[:c], size - 1, *classes[c + 1 :])
        assert both_ways(ours, whole_tables(fewer, sampling), epsilon) <= delta


def theorem(sampling: Sampling, epsilon: Fraction, until: int) -> Fraction:
    """max over n >= ceil(k / gamma - 1) of P(Bin(n, beta) > gamma n), summed literally."""
    beta = sampling.beta
    gamma = 1 - (1 - beta) / e_to(epsilon)
    return max(
        sum((binomial(j, n, beta) for j in range(floor(gamma * n) + 1, n + 1)), Fraction(0))
        for n in range(ceil(sampling.k / gamma - 1), until)
    )


@settings(max_examples=8, deadline=None)
@given(
    st.fractions(min_value=Fraction(1, 5), max_value=Fraction(3, 2), max_denominator=20),
    st.sampled_from([Fraction(1, 10), Fraction(1, 100), Fraction(1, 1000)]),
)
def test_k_is_the_least_for_which_the_literal_sum_stays_below_delta(
    epsilon: Fraction, delta: Fraction
) -> None:
    sampling = sampling_for(epsilon, delta)
    until = 2 * sampling.k + 60
    assert theorem(sampling, epsilon, until) <= delta
    if sampling.k > 1:
        assert theorem(Sampling(sampling.drawn, sampling.k - 1), epsilon, until) > delta


@settings(max_examples=25, deadline=None)
@given(
    st.fractions(min_value=Fraction(1, 100), max_value=6, max_denominator=100),
    st.integers(1, 12).map(lambda digits: Fraction(1, 10**digits)),
)
def test_the_verifiers_floats_agree(epsilon: Fraction, delta: Fraction) -> None:
    sampling = sampling_for(epsilon, delta)
    numbers = float(sampling.beta), float(epsilon), float(delta)
    assert keeps(sampling.k, *numbers)
    assert sampling.k == 1 or not keeps(sampling.k - 1, *numbers)


@settings(max_examples=15, deadline=None)
@given(st.fractions(min_value=Fraction(1, 1000), max_value=10, max_denominator=1000))
def test_beta_is_the_largest_multiple_of_2_to_the_minus_64_that_is_allowed(epsilon: Fraction) -> None:
    drawn = sampling_for(epsilon, Fraction(1, 10)).drawn
    for numerator, is_allowed in ((drawn, True), (drawn + 1, False)):
        assert (1 / (1 - Fraction(numerator, DRAWS)) <= e_to(epsilon)) == is_allowed
