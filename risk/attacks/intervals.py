"""Intervals of shares whose records are not independent: people are drawn again, not their records."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.figures import CONFIDENCE, REPLICATES, SEED, Figure, not_estimated, wilson

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_TAILS = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
_WIDER = ", no narrower than Wilson's"


def clustered_share(hits: Floats, groups: Numbers, what: str) -> Figure:
    """Return the mean of ``hits`` with an interval over resampled groups.

    ``hits`` (shape (rows,)) are successes between 0 and 1, ``groups`` (same shape) say which rows are not
    independent of one another: a person, a class. It is no narrower than Wilson's of as many independent
    trials: a resample of few hits has hardly more than few.
    """
    tries = np.ones(len(hits))
    found = clustered_ratio(hits, tries, groups, what)
    if found.value is None or found.low is None or found.high is None:
        return found
    n = _independent(_sums(groups, hits, tries))
    low, high = wilson(min(1.0, max(0.0, found.value)) * n, n)
    return replace(
        found, low=min(low, found.low), high=max(high, found.high), method=f"{found.method}{_WIDER}"
    )


def clustered_ratio(hits: Floats, tries: Floats, groups: Numbers, what: str) -> Figure:
    """Return ``sum(hits) / sum(tries)`` with the percentile bootstrap interval over whole groups.

    Groups of the same sums are interchangeable, so a resample is one multinomial draw over the different
    sums: the same distribution as drawing groups one by one, at a cost that does not grow with them. Where
    every resample says the same (nobody was hit, or everybody), Wilson's interval of as many independent
    trials as there are groups stands instead: no interval of width 0 comes from a sample.
    """
    total = float(tries.sum())
    if not total:
        return not_estimated("there is nothing to count")
    tried = np.isin(groups, groups[tries > 0])
    sums = _sums(groups[tried], hits[tried], tries[tried])
    value = float(hits.sum()) / total
    low, high = np.quantile(_ratios(sums), _TAILS)
    method = f"{what}; bootstrap interval over {len(sums)} groups, 95 %"
    if low == high:
        low, high = wilson(min(1.0, max(0.0, value)) * len(sums), len(sums))
        method = f"{what}; Wilson interval of {len(sums)} groups, 95 %"
    return Figure(value, min(value, float(low)), max(value, float(high)), round(total), method)


def scaled(figure: Figure, by: float) -> Figure:
    """Return a figure counted among fewer people, as among ``by`` times as many; a share is 1 at most."""
    value, low, high = (
        None if each is None else min(1.0, each * by) for each in (figure.value, figure.low, figure.high)
    )
    return Figure(value, low, high, figure.n, figure.method)


def paired_gain(first: Floats, second: Floats, groups: Numbers, what: str) -> Figure:
    """Return ``mean(first) - mean(second)`` of the same rows, with an interval over resampled groups.

    ``first`` and ``second`` are between 0 and 1. The interval is no narrower than the score interval of as
    many independent gains and losses as there are groups: no bootstrap tells that what happened to few, or to
    nobody, may happen.
    """
    if not len(first):
        return not_estimated("there is nothing to count")
    gains, ones = first - second, np.ones(len(first))
    sums = _sums(groups, gains, ones)
    # A row gains or loses, so that gains and losses are correlated as the cells of a multinomial draw are.
    gained, lost = float(np.maximum(gains, 0.0).mean()), float(np.maximum(-gains, 0.0).mean())
    odds = gained / (1.0 - gained) * lost / (1.0 - lost) if max(gained, lost) < 1.0 else 0.0
    bounds = _score_bounds((gained, _independent(sums)), (lost, _independent(sums)), -min(1.0, sqrt(odds)))
    return _gain(float(np.mean(gains)), _ratios(sums), bounds, len(first), what)


def unpaired_gain(first: tuple[Floats, Numbers], second: tuple[Floats, Numbers], what: str) -> Figure:
    """Return the difference of two means of different people, each with its rows' groups.

    The interval is no narrower than the score interval of as many independent trials as there are groups.
    """
    if not len(first[0]) or not len(second[0]):
        return not_estimated("there is nothing to count")
    here, there = (_sums(groups, hits, np.ones(len(hits))) for hits, groups in (first, second))
    draws = _ratios(here) - _ratios(there, seed=SEED + 1)
    means = float(first[0].mean()), float(second[0].mean())
    bounds = _score_bounds((means[0], _independent(here)), (means[1], _independent(there)), 0.0)
    return _gain(means[0] - means[1], draws, bounds, len(first[0]), what)


def _gain(value: float, draws: Floats, bounds: tuple[float, float], n: int, what: str) -> Figure:
    low, high = np.quantile(draws, _TAILS)
    method = f"{what}; bootstrap over people, no narrower than the score interval, 95 %"
    return Figure(value, min(value, float(low), bounds[0]), max(value, float(high), bounds[1]), n, method)


def _score_bounds(
    first: tuple[float, int], second: tuple[float, int], correlation: float
) -> tuple[float, float]:
    """The 95 % interval of the difference of two shares, each with its trials, from Wilson's of either.

    Newcombe, Statistics in Medicine 17 (1998), p. 873, method 10; with the correlation of the two: Zou and
    Donner, Statistics in Medicine 27 (2008), p. 1693.
    """
    (one, low_one, high_one), (other, low_other, high_other) = (
        (share, *wilson(min(1.0, max(0.0, share)) * n, n)) for share, n in (first, second)
    )
    below, above = (one - low_one, high_other - other), (high_one - one, other - low_other)
    reach = [sqrt(max(0.0, a * a + b * b - 2 * correlation * a * b)) for a, b in (below, above)]
    return max(-1.0, one - other - reach[0]), min(1.0, one - other + reach[1])


def _independent(sums: Floats) -> int:
    """As many independent trials as groups of these sums are worth (Kish, Survey Sampling, 1965, p. 424)."""
    tries = sums[:, 1]
    return max(1, int(tries.sum() ** 2 / (tries @ tries) + 1e-9))


def _sums(groups: Numbers, *columns: Floats) -> Floats:
    """The sums of each column by group, of shape (groups, columns)."""
    _, dense = np.unique(groups, return_inverse=True)
    return np.stack([np.bincount(dense, weights=column) for column in columns], axis=1)


def _ratios(sums: Floats, *, seed: int = SEED) -> Floats:
    """The ratio of the two sums in resamples of as many groups; 0 where a resample has nothing to count."""
    kinds = pl.DataFrame(sums).group_by(pl.all()).len("groups").sort(pl.all())
    counts = kinds["groups"].to_numpy()
    drawn = np.random.default_rng(seed).multinomial(len(sums), counts / len(sums), size=REPLICATES)
    hits, tries = (drawn @ kinds.drop("groups").to_numpy()).T
    return np.asarray(np.divide(hits, tries, out=np.zeros(REPLICATES), where=tries > 0))
