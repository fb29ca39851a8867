"""The shares of a sensitive value that a class may have, as fractions whose comparison is exact.

delta-disclosure privacy and beta-likeness bound a value's share p in a class by its share q in the input; the
bounds may be irrational: e^delta q, q (1 - ln q). A class has at most as many people as the input, so its
shares are fractions with denominators up to Q: p <= bound exactly where p is at most the largest such
fraction that is itself at most the bound. These neighbours are found once, by continued fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache

Interval = tuple[Fraction, Fraction]
_DIGITS = (40, 80, 160, 320, 640)
_NOTHING, _ALL = Fraction(0), Fraction(1)
_ENOUGH = Fraction(100)
"""Of this delta already every share but 0 is allowed: e^100 exceeds any number of people."""


def delta_shares(totals: Sequence[int], delta: Fraction) -> list[Interval]:
    """Per value the least and largest share with |ln(p / q)| < ``delta``, q its share of ``totals``.

    The strict form of Brickell and Shmatikov (KDD 2008), in which a value of the input that a class lacks
    breaks the criterion. e^delta is irrational for ``delta`` above 0, so no share lies on a bound.
    """
    people = sum(totals)
    allowed = {total: _disclosed(total, people, min(delta, _ENOUGH)) for total in set(totals)}
    return [allowed[total] for total in totals]


def _disclosed(total: int, people: int, delta: Fraction) -> Interval:
    low = _irrational(lambda digits: _scaled(_exp(-delta, digits), total, people), people)
    high = _irrational(lambda digits: _scaled(_exp(delta, digits), total, people), people)
    return low[1], min(high[0], _ALL)


def likeness_shares(totals: Sequence[int], beta: Fraction, *, enhanced: bool) -> list[Interval]:
    """Per value the least (none) and largest share of beta-likeness: p <= q (1 + beta).

    Cao and Karras, PVLDB 5(11), 2012: definition 2 (basic), and definition 3 (``enhanced``) with
    min(beta, -ln q) in place of beta.
    """
    people = sum(totals)
    largest = {total: _likeness(total, people, beta, enhanced=enhanced) for total in set(totals)}
    return [(_NOTHING, largest[total]) for total in totals]


def _likeness(total: int, people: int, beta: Fraction, *, enhanced: bool) -> Fraction:
    share = Fraction(total, people)
    basic = min(share * (1 + beta), _ALL)
    if not enhanced or total == people:
        return largest_at_most(basic, people)
    # -ln q is irrational for a rational q < 1, and so is q (1 - ln q).
    by_log, _ = _irrational(lambda digits: _scaled(_one_less_log(share, digits), total, people), people)
    return min(by_log, largest_at_most(basic, people))


def _irrational(bounds: Callable[[int], Interval], largest: int) -> Interval:
    """The neighbours of an irrational number among the fractions with denominators up to ``largest``.

    ``bounds(digits)`` encloses the number; digits are added until no such fraction lies between the bounds.
    """
    for digits in _DIGITS:
        low, high = bounds(digits)
        below = largest_at_most(low, largest)
        if below == largest_at_most(high, largest):
            return below, -largest_at_most(-high, largest)
    raise ArithmeticError("a share cannot be told from its bound")


def _scaled(interval: Interval, total: int, people: int) -> Interval:
    return interval[0] * total / people, interval[1] * total / people


@cache
def _exp(exponent: Fraction, digits: int) -> Interval:
    context = Context(prec=digits)
    value = context.exp(context.divide(Decimal(exponent.numerator), Decimal(exponent.denominator)))
    return _around(Fraction(value), digits)


def _one_less_log(share: Fraction, digits: int) -> Interval:
    context = Context(prec=digits)
    value = context.ln(context.divide(Decimal(share.numerator), Decimal(share.denominator)))
    return _around(1 - Fraction(value), digits)


def _around(value: Fraction, digits: int) -> Interval:
    """An interval that holds the number whose rounding to ``digits`` is ``value``, with much to spare."""
    error = value / 10 ** (digits - 10)
    return value - error, value + error


def largest_at_most(bound: Fraction, largest: int) -> Fraction:
    """The largest fraction with a denominator of at most ``largest`` that is not above ``bound``.

    The lower end of the Stern-Brocot descent to ``bound``, several steps at a time.
    """
    low, low_of = bound.numerator // bound.denominator, 1
    high, high_of = 1, 0
    while True:
        rest, over = bound * low_of - low, high - bound * high_of
        if rest == 0:
            return Fraction(low, low_of)
        steps = rest // over
        if high_of:
            steps = min(steps, (largest - low_of) // high_of)
        low, low_of = low + steps * high, low_of + steps * high_of
        rest = bound * low_of - low
        if rest == 0 or low_of + high_of > largest:
            return Fraction(low, low_of)
        # The upper end stays above the bound: it never reaches it.
        steps = min(-(-over // rest) - 1, (largest - high_of) // low_of)
        high, high_of = high + steps * low, high_of + steps * low_of
        if low_of + high_of > largest:
            return Fraction(low, low_of)
