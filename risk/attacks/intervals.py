"""Intervals of shares whose records are not independent: people are drawn again, not their records."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.figures import CONFIDENCE, REPLICATES, Figure, not_estimated, wilson

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

_TAILS = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
_SEED = 20261122


def clustered_share(hits: Floats, groups: Numbers, what: str) -> Figure:
    """Return the mean of ``hits`` with an interval over resampled groups.

    ``hits`` (shape (rows,)) are successes between 0 and 1, ``groups`` (same shape) say which rows are not
    independent of one another: a person, a class.
    """
    return clustered_ratio(hits, np.ones(len(hits)), groups, what)


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
    """Return ``mean(first) - mean(second)`` of the same rows, with an interval over resampled groups."""
    if not len(first):
        return not_estimated("there is nothing to count")
    sums = _sums(groups, first - second, np.ones(len(first)))
    draws = _ratios(sums)
    return _gain(float(np.mean(first - second)), draws, len(first), what)


def unpaired_gain(first: tuple[Floats, Numbers], second: tuple[Floats, Numbers], what: str) -> Figure:
    """Return the difference of two means of different people, each with its rows' groups."""
    if not len(first[0]) or not len(second[0]):
        return not_estimated("there is nothing to count")
    ones = np.ones(len(first[0])), np.ones(len(second[0]))
    draws = _ratios(_sums(first[1], first[0], ones[0])) - _ratios(
        _sums(second[1], second[0], ones[1]), seed=_SEED + 1
    )
    return _gain(float(first[0].mean() - second[0].mean()), draws, len(first[0]), what)


def _gain(value: float, draws: Floats, n: int, what: str) -> Figure:
    low, high = np.quantile(draws, _TAILS)
    return Figure(
        value, min(value, float(low)), max(value, float(high)), n, f"{what}; bootstrap over people, 95 %"
    )


def _sums(groups: Numbers, *columns: Floats) -> Floats:
    """The sums of each column by group, of shape (groups, columns)."""
    _, dense = np.unique(groups, return_inverse=True)
    return np.stack([np.bincount(dense, weights=column) for column in columns], axis=1)


def _ratios(sums: Floats, *, seed: int = _SEED) -> Floats:
    """The ratio of the two sums in resamples of as many groups; 0 where a resample has nothing to count."""
    kinds = pl.DataFrame(sums).group_by(pl.all()).len("groups").sort(pl.all())
    counts = kinds["groups"].to_numpy()
    drawn = np.random.default_rng(seed).multinomial(len(sums), counts / len(sums), size=REPLICATES)
    hits, tries = (drawn @ kinds.drop("groups").to_numpy()).T
    return np.asarray(np.divide(hits, tries, out=np.zeros(REPLICATES), where=tries > 0))
