"""(epsilon, delta)-differential privacy by random sampling, generalisation and suppression of small classes.

Bild, Kuhn and Prasser, "SafePub", PoPETs 2018(1):67-87, after Li, Qardaji and Su, ASIACCS 2012
(arXiv:1101.2604): draw each person with probability beta, generalise by levels that do not depend on the
data, release the classes that then hold at least k people.

Why that is enough, for two tables that differ by one person: only the class of that person differs, n people
with and n - 1 without. Releasing j >= k people has the probabilities f(j; n, beta) and f(j; n - 1, beta),
whose ratio n (1 - beta) / (n - j) is at most e^epsilon exactly where j <= gamma n, with gamma =
1 - (1 - beta) / e^epsilon. The other way round the ratio is at most 1 / (1 - beta), also where nothing is
released, and that is at most e^epsilon where beta <= 1 - e^-epsilon. So delta need only cover P(j > gamma n
and j >= k). From m = ceil(k / gamma - 1) on that is at most a_n = P(Bin(n, beta) > gamma n); for n below m it
is at most P(Bin(n, beta) >= k), which grows with n and stays below a_m. Hence delta = max of a_n over n >= m.

As in SafePub and ARX, beta is the largest allowed: most people are drawn, and k is large instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal, localcontext
from fractions import Fraction
from functools import cache
from math import comb

DRAWS = 2**64
"""A person is drawn where a random 64-bit number is below ``Sampling.drawn``."""
_DIGITS = 100
_GUARD = Decimal(10) ** -60
"""More than all errors of a computation with ``_DIGITS`` digits together, relative and absolute."""


@dataclass(frozen=True, slots=True)
class DifferentialPrivacy:
    """What is asked for: ``epsilon`` and ``delta`` of the release, and ``epsilon_search`` of its levels.

    Neighbours are tables that differ by one person, with all of the person's rows. ``epsilon_search`` is 0
    where the levels are fixed in advance.
    """

    epsilon: Fraction
    delta: Fraction
    epsilon_search: Fraction = Fraction(0)

    name = "(epsilon, delta)-differential privacy"

    @property
    def total_epsilon(self) -> Fraction:
        """What choosing the levels and the release cost together (sequential composition)."""
        return self.epsilon + self.epsilon_search


@dataclass(frozen=True, slots=True)
class Sampling:
    """Each person is drawn with probability ``drawn`` / 2**64; classes of fewer than ``k`` are suppressed."""

    drawn: int
    k: int

    @property
    def beta(self) -> Fraction:
        """The probability that a person is drawn, exactly."""
        return Fraction(self.drawn, DRAWS)


@cache
def sampling_for(epsilon: Fraction, delta: Fraction) -> Sampling:
    """The largest sampling probability that ``epsilon`` allows, and the least k that then keeps ``delta``.

    Every bound is computed with 100 digits and rounded to the safe side: beta down, k up. (ARX increments its
    k once more after it has found it, and so returns one more than this.)
    """
    with _many_digits():
        shrink = (-_decimal(epsilon)).exp()
        drawn = int(((1 - shrink - _GUARD) * DRAWS).to_integral_value(ROUND_FLOOR))
        beta = Decimal(drawn) / DRAWS
        gamma = 1 - (1 - beta) * shrink
        last = _last_above(_decimal(delta), beta, gamma - _GUARD)
        return Sampling(drawn, _floor((gamma + _GUARD) * (last + 1)) + 1)


def _last_above(delta: Decimal, beta: Decimal, gamma: Decimal) -> int:
    """The largest n with a_n > ``delta``; 0 where there is none.

    From ``delta`` = exp(-n D) on, with D the relative entropy of gamma and beta, Chernoff's bound keeps all
    a_n below it, so the search for the last one above goes down from there.
    """
    entropy = gamma * (gamma / beta).ln() + (1 - gamma) * ((1 - gamma) / (1 - beta)).ln()
    n = _floor(-delta.ln() / (entropy - _GUARD)) + 1
    while n > 0 and upper_tail(n, beta, gamma) <= delta:
        n -= 1
    return n


def upper_tail(n: int, beta: Decimal, gamma: Decimal) -> Decimal:
    """An upper bound of P(Bin(n, ``beta``) > ``gamma`` n), tight to 30 digits; ``gamma`` above ``beta``."""
    j = _floor(gamma * n) + 1
    if j > n:
        return Decimal(0)
    odds = beta / (1 - beta)
    term = comb(n, j) * beta**j * (1 - beta) ** (n - j)
    total = term
    while j < n:
        ratio = odds * (n - j) / (j + 1)
        term *= ratio
        total += term
        j += 1
        if term * 10**30 < total:
            # The ratio falls from term to term, so the rest is less than a geometric series.
            total += term * ratio / (1 - ratio)
            break
    return total * (1 + _GUARD)


@contextmanager
def _many_digits() -> Iterator[None]:
    with localcontext(prec=_DIGITS):
        yield


def _decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / Decimal(number.denominator)


def _floor(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_FLOOR))
