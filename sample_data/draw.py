"""Random draws for one patient."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Generic, TypeVar

from numpy.random import Generator

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Weighted(Generic[T]):
    """Items with cumulative weights, to draw from."""

    items: tuple[T, ...]
    cumulative: tuple[float, ...]


def weighted(items: Sequence[T], weights: Sequence[float]) -> Weighted[T]:
    """``items`` to be drawn in proportion to ``weights``."""
    return Weighted(tuple(items), tuple(accumulate(weights)))


def zipf(items: Sequence[T], exponent: float = 1.0) -> Weighted[T]:
    """``items`` to be drawn by rank: the n-th with weight ``1 / n ** exponent``."""
    return weighted(items, [1 / rank**exponent for rank in range(1, len(items) + 1)])


@dataclass(frozen=True, slots=True)
class Draw:
    """Draws from one Generator. Only uniform numbers are asked of it: their stream never changes."""

    rng: Generator

    def chance(self, probability: float) -> bool:
        """True with ``probability``."""
        return float(self.rng.random()) < probability

    def of(self, choice: Weighted[T]) -> T:
        """One item in proportion to its weight."""
        point = float(self.rng.random()) * choice.cumulative[-1]
        return choice.items[min(bisect_right(choice.cumulative, point), len(choice.items) - 1)]

    def one(self, items: Sequence[T]) -> T:
        """One item, all equally likely."""
        return items[self.below(len(items))]

    def below(self, bound: int) -> int:
        """An integer from 0 to ``bound - 1``."""
        return int(float(self.rng.random()) * bound)

    def normal(self) -> float:
        """A standard normal number (Box and Muller, Annals of Mathematical Statistics 29, 1958)."""
        radius = math.sqrt(-2 * math.log(1 - float(self.rng.random())))
        return radius * math.cos(2 * math.pi * float(self.rng.random()))

    def day(self, first: date, last: date) -> date:
        """A day from ``first`` to ``last``."""
        return first + timedelta(days=self.below((last - first).days + 1))

    def digits(self, count: int) -> str:
        """``count`` decimal digits."""
        return f"{self.below(10**count):0{count}d}"
