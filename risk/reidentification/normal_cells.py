"""Probabilities of cells of a normal distribution cut into categories: of two variables, and of many."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_NODES = 24
_FARTHEST = 9.0
"""Beyond so many standard deviations a normal variable has no float's worth of probability."""
_SMALLEST = 1e-300
_BLOCK = 200
"""Cells whose integrals are taken at once."""


def cuts(shares: Floats) -> Floats:
    """Return where to cut a normal variable into ``shares``: -inf, …, inf, shape (categories + 1,)."""
    from scipy.special import ndtri

    inner = ndtri(np.minimum(np.cumsum(shares)[:-1], 1.0))
    return np.concatenate([[-np.inf], inner, [np.inf]])


def pair_cells(rho: float, first: Floats, second: Floats) -> Floats:
    """Return the probabilities of all cells of two variables of correlation ``rho``, cut at ``first`` and
    ``second``: shape (categories, categories), each positive.

    Phi_2 by Plackett's integral over the correlation (Drezner and Wesolowsky, J. Stat. Comput. Simul. 35,
    1990), with Gauss and Legendre's nodes.
    """
    from scipy.special import ndtr

    nodes, weights = _gauss_legendre()
    h = np.clip(first, -_FARTHEST, _FARTHEST)[:, None]
    k = np.clip(second, -_FARTHEST, _FARTHEST)[None, :]
    squares, product = (h * h + k * k) / 2, h * k
    below = ndtr(first)[:, None] * ndtr(second)[None, :]
    for node, weight in zip(nodes, weights, strict=True):
        sine = np.sin((node + 1) / 2 * np.arcsin(rho))
        below += (
            weight * np.arcsin(rho) / (4 * np.pi) * np.exp((product * sine - squares) / (1 - sine * sine))
        )
    return np.asarray(np.maximum(np.diff(np.diff(below, axis=0), axis=1), _SMALLEST))


@cache
def _gauss_legendre() -> tuple[list[float], list[float]]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return nodes.tolist(), weights.tolist()


def cells(
    records: Ints, thresholds: Sequence[Floats], correlation: Floats, *, points: int, rng: np.random.Generator
) -> Floats:
    """Return the probability of each record's cell, shape (records,).

    ``records`` has shape (records, variables) and holds categories; ``thresholds`` cut each variable. Genz's
    separation of variables (J. Comput. Graph. Stat. 1(2), 1992) with ``points`` scrambled Sobol points, a
    power of two: unbiased, and with 256 of them mostly within a few per cent.
    """
    from scipy.stats import qmc

    width = records.shape[1]
    low = np.stack([cut[records[:, j]] for j, cut in enumerate(thresholds)], axis=1)
    high = np.stack([cut[records[:, j] + 1] for j, cut in enumerate(thresholds)], axis=1)
    sobol = qmc.Sobol(max(width - 1, 1), rng=rng).random(points)
    factor = np.asarray(np.linalg.cholesky(correlation), dtype=np.float64)
    blocks = range(0, len(records), _BLOCK)
    found = [_separated(low[i : i + _BLOCK], high[i : i + _BLOCK], factor, sobol) for i in blocks]
    return np.concatenate(found) if found else np.zeros(0)


def _separated(low: Floats, high: Floats, factor: Floats, sobol: Floats) -> Floats:
    """The probabilities between ``low`` and ``high``: one variable after the other, given those before."""
    from scipy.special import ndtr, ndtri

    count, width = low.shape
    drawn = np.zeros((count, len(sobol), width))
    probability = np.ones((count, len(sobol)))
    for j in range(width):
        mean = drawn[:, :, :j] @ factor[j, :j]
        below = ndtr((low[:, j, None] - mean) / factor[j, j])
        inside = np.maximum(ndtr((high[:, j, None] - mean) / factor[j, j]) - below, _SMALLEST)
        probability *= inside
        if j < width - 1:
            drawn[:, :, j] = ndtri(np.clip(below + sobol[:, j] * inside, 1e-15, 1 - 1e-15))
    return np.asarray(np.maximum(probability.mean(axis=1), _SMALLEST))
