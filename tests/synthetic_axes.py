"""Small coded tables, drawn, for tests of methods of synthesis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """The total variation distance between two distributions."""
    return float(np.abs(one - other).sum() / 2)
