"""A standard normal cut into parts: where, and what the parts mean on it."""

from __future__ import annotations

import numpy as np

from synth.axes import Floats

TERMS = 24
"""Terms of the Hermite series of a step function."""


def edges_of(shares: Floats) -> Floats:
    """Return where parts of these shares cut a standard normal: shape (parts + 1,), from -inf to inf."""
    from scipy.special import ndtri

    ends = np.cumsum(shares)[:-1]
    return np.concatenate([[-np.inf], ndtri(np.clip(ends, 0.0, 1.0)), [np.inf]])


def normal_scores(shares: Floats) -> tuple[Floats, Floats]:
    """Return each part's mean of the normal, and the Hermite coefficients of these over their deviation."""
    edges = edges_of(shares)
    inner = edges[1:-1]
    density = np.concatenate([[0.0], np.exp(-(inner**2) / 2) / np.sqrt(2 * np.pi), [0.0]])
    means = (density[:-1] - density[1:]) / np.maximum(shares, 1e-300)
    spread = np.sqrt(max(float(shares @ means**2), 1e-300))
    steps = np.diff(means)
    return means, density_times_hermite(inner) @ steps / spread


def density_times_hermite(at: Floats) -> Floats:
    """Return phi(x) He_{k-1}(x) / sqrt(k!) for k = 1, 2, …: shape (terms, *at.shape)."""
    density = np.exp(-(at**2) / 2) / np.sqrt(2 * np.pi)
    found = np.zeros((TERMS, *at.shape))
    before, now = np.zeros_like(at), np.ones_like(at)
    for k in range(1, TERMS + 1):
        found[k - 1] = density * now / np.sqrt(k)
        before, now = now, (at * now - np.sqrt(k - 1) * before) / np.sqrt(k)
    return found
