"""The coded table: what a method of synthesis learns and draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int32]
"""Codes by row and axis, shape (rows, axes)."""
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Axis:
    """One dimension of a coded table, whose codes are 0 … ``size`` − 1.

    ``positions`` (float64, shape (size,)) says where each code lies if the axis ``is_ordered``: NaN where
    that means nothing, as for missing. ``groups`` (each int64, shape (size,)) are coarser and coarser
    partitions of the codes: the number of the group that each belongs to.
    """

    name: str
    size: int
    positions: Floats
    is_ordered: bool = False
    groups: tuple[Ints, ...] = ()


@dataclass(frozen=True, slots=True)
class Coded:
    """A coded table: ``codes`` (int32, shape (rows, axes)) and ``people`` (int64, shape (rows,))."""

    codes: Codes
    axes: tuple[Axis, ...]
    people: Ints


Allowed = Mapping[int, Bools]
"""By the number of an axis, which of its codes a drawn row may have (shape (size,)); every code elsewhere."""


class Model(Protocol):
    """A fitted method."""

    def sample(self, n: int, rng: np.random.Generator, allowed: Allowed | None = None) -> Codes:
        """Return ``n`` drawn rows, shape (n, axes), all of whose codes are ``allowed``.

        Rows are drawn as if from all that the model draws, less those that are not allowed.

        Raises:
            SynthesisFailed: what is allowed is too rare to be drawn, or the model draws nothing.
        """
        ...


Fit = Callable[[Coded, np.random.Generator], Model]
"""Fits a method; raises ``SynthesisFailed`` where it cannot be."""
