"""Small coded tables, drawn, for tests of methods of synthesis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import chi2_contingency

from synth.axes import Axis, Coded


def unordered(name: str, size: int, *groups: Sequence[int]) -> Axis:
    """An axis of categories, in coarser and coarser groups."""
    return Axis(name, size, np.full(size, np.nan), False, tuple(np.asarray(each) for each in groups))


def ordered(name: str, size: int, *, missing: bool = False) -> Axis:
    """An axis of bands, the last code of which may stand for missing."""
    positions = np.arange(size, dtype=float)
    if missing:
        positions[-1] = np.nan
    return Axis(name, size, positions, True)


def coded(axes: Sequence[Axis], *columns: np.ndarray, people: np.ndarray | None = None) -> Coded:
    """A table of the columns' codes; each row another person's unless said otherwise."""
    codes = np.column_stack(columns).astype(np.int32)
    return Coded(codes, tuple(axes), np.arange(len(codes)) if people is None else people)


def shares(codes: np.ndarray, *sizes: int) -> np.ndarray:
    """How often each combination of codes occurs, as a share of rows: shape ``sizes``."""
    flat = np.ravel_multi_index(tuple(codes.T), sizes)
    return np.bincount(flat, minlength=int(np.prod(sizes))).reshape(sizes) / len(codes)


def one_law(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two sets of rows may have come from one distribution: a chi-squared test at 0.1 %."""
    rows, numbers = np.unique(np.concatenate([one, other]), axis=0, return_inverse=True)
    sides = np.repeat([0, 1], [len(one), len(other)])
    counts = np.bincount(sides * len(rows) + numbers.ravel(), minlength=2 * len(rows)).reshape(2, -1)
    common = counts.sum(0) >= 20
    return bool(chi2_contingency(counts[:, common]).pvalue > 0.001)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """The total variation distance between two distributions."""
    return float(np.abs(one - other).sum() / 2)
