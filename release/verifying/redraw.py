"""A differentially private release once more: the recorded sample, its levels, and whether k is enough.

The bound on delta is summed here in floats and by logarithms, apart from ``anonymizer``'s decimals.
"""

from __future__ import annotations

from math import ceil, exp, expm1, floor, lgamma, log, log1p

import polars as pl

from anonymizer.criteria import KAnonymity
from anonymizer.errors import VerificationFailed
from anonymizer.private.sample import PrivateSample
from anonymizer.tables.table import Role, Table
from release.verifying.promise import Promise

_TIE = 1e-12
"""Where gamma n is as good as an integer, the decimals know on which side it lies."""
_SLACK = 1e-7
"""Floats err by less; the promise was computed with a hundred digits."""


def check_private(promise: Promise) -> None:
    """Raise ``VerificationFailed`` unless a private promise, if it is one, rests on what it says.

    Its table must be the recorded rows of the input, one of each person; its levels those that were chosen,
    within the input's bounds; its only criterion a k that keeps (epsilon, delta).
    """
    private = promise.private
    if private is None:
        return
    _check_rows(promise.table, private)
    _check_levels(promise, private)
    sampling, demand = private.sampling, private.demand
    if promise.criteria != (KAnonymity(sampling.k),) or promise.suppressed != "drop":
        raise VerificationFailed("a private release keeps another criterion than its own k")
    if any(column.role is not Role.QUASI_IDENTIFIER for column in promise.table.released):
        raise VerificationFailed("a private release holds a column that is no quasi-identifier")
    if not keeps(sampling.k, float(sampling.beta), float(demand.epsilon), float(demand.delta)):
        raise VerificationFailed("k is too small for the epsilon and delta that are promised")


def keeps(k: int, beta: float, epsilon: float, delta: float) -> bool:
    """Whether sampling with ``beta`` and suppressing classes below ``k`` is (epsilon, delta)-private.

    As Li, Qardaji and Su prove (arXiv:1101.2604), where delta is at least P(Bin(n, beta) > gamma n) for every
    n from ceil(k / gamma - 1) on. From some n on Chernoff's bound says so; up to there the tails are summed.
    """
    if not 0 < beta <= -expm1(-epsilon) * (1 + _SLACK):
        return False
    rest = (1 - beta) * exp(-epsilon)
    gamma = 1 - rest
    entropy = gamma * (log1p(-rest) - log(beta)) + rest * (log(rest) - log1p(-beta))
    people = range(max(ceil(k / gamma - 1), 1), ceil(-log(delta) / entropy) + 2)
    return all(_more_than(floor(gamma * n * (1 + _TIE)), n, beta) <= delta * (1 + _SLACK) for n in people)


def _more_than(most: int, n: int, beta: float) -> float:
    """The probability that more than ``most`` of ``n`` people are drawn, to about ten digits."""
    total, j, term = 0.0, most + 1, 1.0
    while j <= n and term > total * _SLACK**2:
        ways = lgamma(n + 1) - lgamma(j + 1) - lgamma(n - j + 1)
        term = exp(ways + j * log(beta) + (n - j) * log1p(-beta))
        total, j = total + term, j + 1
    return total


def _check_rows(table: Table, private: PrivateSample) -> None:
    rows, whole = private.rows, private.input
    drawn = whole.frame.with_row_index("\0row").filter(pl.col("\0row").is_in(pl.Series(rows).implode()))
    if len(rows) != drawn.height or not drawn.drop("\0row").equals(table.frame):
        raise VerificationFailed("the sample is not the recorded rows of the input")
    if whole.subject is not None and drawn[whole.subject].n_unique() < drawn.height:
        raise VerificationFailed("the sample holds several rows of a person")


def _check_levels(promise: Promise, private: PrivateSample) -> None:
    if dict(promise.transformation) != dict(private.levels):
        raise VerificationFailed("the levels are not those that were chosen")
    is_free = [c.name for c in private.input.quasi_identifiers if c.min_level != c.max_level]
    if is_free and not private.demand.epsilon_search:
        raise VerificationFailed("a level was chosen and nothing was paid for it", column=is_free[0])
