"""The correlations of latent normals, from the rows that come to both of two splits.

What is matched is the correlation of two splits' scores, the means of the normal between its cuts. Step
functions a and b of normals with correlation r have the covariance sum over k of r^k a_k b_k, where a_k are
their Hermite coefficients (Mehler 1866; of two binary splits this is Pearson's tetrachoric series, 1900).
Which two splits of one axis no row comes to is nobody's: these correlations are free, and are chosen so that
all the others can be kept (a nearest correlation matrix with weights, after Higham, IMA Journal of Numerical
Analysis 22, 2002).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synth.axes import Floats
from synth.methods.copula_cells import Cells, starts_of
from synth.methods.copula_scores import TERMS, density_times_hermite, normal_scores
from synth.methods.copula_splits import Split

_HALVINGS = 20
_STRONGEST = 0.99
_FEWEST_ROWS = 30
_CHANCE = 9.0
_TRUSTED_ROWS = 10_000.0
_ROUNDS = 40
_LEAST_EIGENVALUE = 1e-4


def correlations(splits: Sequence[Split], cells: Sequence[Cells], table: Floats) -> Floats:
    """Return the correlations of the splits' normals: float64, shape (splits, splits), positive definite.

    ``table`` is that of ``copula_cells``. A split is not correlated with those above it.
    """
    if not splits:
        return np.zeros((0, 0))
    wanted, rows = _wanted(splits, cells, table)
    weights = rows / (rows + _TRUSTED_ROWS)
    axis = np.array([split.axis for split in splits])
    weights[axis[:, None] == axis] = 0
    for number, split in enumerate(splits):
        weights[number, list(split.above)] = weights[list(split.above), number] = 1
    return _freed(_nearest(wanted, weights), splits)


def _wanted(splits: Sequence[Split], cells: Sequence[Cells], table: Floats) -> tuple[Floats, Floats]:
    """The correlations that the rows call for, 0 where chance could do it, and how many rows say so."""
    starts = starts_of(cells)
    comes, scores = np.zeros((2, len(splits), len(table)))
    seconds = np.zeros_like(comes)
    hermite = np.zeros((len(splits), TERMS))
    for number, split in enumerate(splits):
        means, hermite[number] = normal_scores(split.shares)
        for part, mean in zip(split.parts, means, strict=True):
            comes[number, starts[split.axis] + part] = 1
            scores[number, starts[split.axis] + part] = mean
        if len(split.parts) == 2:
            seconds[number, starts[split.axis] + split.parts[1]] = 1
    by_cells = table @ comes.T
    rows = comes @ by_cells
    many = np.maximum(rows, 1)
    means = scores @ by_cells / many
    variance = np.maximum(np.square(scores) @ by_cells / many - means**2, 0)
    covariance = scores @ (table @ scores.T) / many - means * means.T
    product = variance * variance.T
    axis = np.array([split.axis for split in splits])
    known = (product > 1e-10) & (rows >= _FEWEST_ROWS) & (axis[:, None] != axis)
    observed = np.where(known, covariance / np.sqrt(np.where(known, product, 1)), 0)
    known &= observed**2 * rows > _CHANCE
    binary = np.array([len(split.parts) == 2 for split in splits])
    series = _local(hermite, binary, seconds @ by_cells / many)
    return _solved(np.where(known, observed, 0), series, known), rows


def _local(hermite: Floats, binary: Floats, second: Floats) -> Floats:
    """The coefficients of each split among the rows that come to another: (terms, splits, splits).

    ``second`` is the share of those rows in the second part of a binary split: its cut lies elsewhere there.
    """
    from scipy.special import ndtri

    series = np.repeat(hermite.T[:, :, None], len(hermite), axis=2)
    share = np.clip(second[binary], 1e-6, 1 - 1e-6)
    series[:, binary] = density_times_hermite(ndtri(1 - share)) / np.sqrt(share * (1 - share))
    return series


def _solved(observed: Floats, series: Floats, known: Floats) -> Floats:
    """The correlation by which the series is what was observed, by halving; 1 on the diagonal."""
    first, second = np.nonzero(np.triu(known, 1))
    terms = series[:, first, second] * series[:, second, first]
    target = observed[first, second]
    low, high = np.full(len(target), -_STRONGEST), np.full(len(target), _STRONGEST)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        value = np.zeros_like(middle)
        for term in terms[::-1]:
            value = (value + term) * middle
        low, high = np.where(value < target, middle, low), np.where(value < target, high, middle)
    found = np.eye(len(observed))
    found[first, second] = found[second, first] = (low + high) / 2
    return found


def _nearest(wanted: Floats, weights: Floats) -> Floats:
    """A correlation matrix near the one wanted, entry by entry as far as the weights (0 to 1) say."""
    found = _definite(wanted)
    for _ in range(_ROUNDS):
        drawn = found + weights * (wanted - found)
        np.fill_diagonal(drawn, 1)
        found = _definite(drawn)
    return found


def _definite(matrix: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrix)
    return _scaled((vectors * np.maximum(values, _LEAST_EIGENVALUE)) @ vectors.T)


def _scaled(matrix: Floats) -> Floats:
    deviation = np.sqrt(np.diag(matrix))
    scaled = matrix / np.outer(deviation, deviation)
    return np.asarray((scaled + scaled.T) / 2)


def _freed(matrix: Floats, splits: Sequence[Split]) -> Floats:
    """The correlations after what each normal shares with those above it was taken out of it."""
    mixed = np.eye(len(splits))
    for number, split in enumerate(splits):
        own = mixed[number].copy()
        for above in split.above:
            own -= (mixed[above] @ matrix @ own) * mixed[above]
        mixed[number] = own / np.sqrt(own @ matrix @ own)
    return _scaled(mixed @ matrix @ mixed.T)
