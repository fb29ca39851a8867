"""One number of a report, with how sure it is.

Intervals are at 95 %: Wilson's for a share of independent trials (Wilson, JASA 1927), the percentile
bootstrap over whole groups where records are not independent (people with several rows, classes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

NO_RECORDS = "not computed: the table holds no records"
CONFIDENCE = 0.95
REPLICATES = 400
SEED = 20261122
"""Of samples that are drawn for a figure, and of attackers' dice: the same input gives the same report."""
_Z = 1.959963984540054
"""The standard normal distribution's quantile at 0.975."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a report with its interval: ``low`` and ``high`` equal ``value`` where it is exact.

    ``value`` is None where only bounds are known, ``high`` too where nothing bounds it from above, and all
    three where there is no figure at all; ``method`` then says why. ``n`` is the number of records (or
    classes) the figure is about.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    method: str

    @property
    def is_exact(self) -> bool:
        return self.value is not None and self.low == self.value == self.high


def exact(value: float, n: int, what: str) -> Figure:
    """Return a figure that was counted, not estimated: its interval is the value itself."""
    return Figure(value, value, value, n, f"exact: {what}")


def named(prefix: str, figures: Mapping[str, Figure]) -> dict[str, Figure]:
    """Return figures by ``<prefix>.<name>``, as ``risk.json`` and ``utility.json`` call them."""
    return {f"{prefix}.{name}": figure for name, figure in figures.items()}


def not_estimated(why: str, n: int = 0) -> Figure:
    """Return that there is no figure, and ``why``: it is not 0, and no threshold on it is kept."""
    return Figure(None, None, None, n, f"not estimated: {why}")


def share(hits: int, n: int, what: str) -> Figure:
    """Return ``hits`` of ``n`` independent trials with Wilson's interval."""
    if not n:
        return not_estimated("there is nothing to count", 0)
    low, high = wilson(hits, n)
    return Figure(hits / n, low, high, n, f"{what}; Wilson interval, 95 %")


def wilson(hits: float, n: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson, JASA 22 (1927), p. 209); ``n`` is positive."""
    middle = (hits + _Z**2 / 2) / (n + _Z**2)
    half = _Z * sqrt(hits * (n - hits) / n + _Z**2 / 4) / (n + _Z**2)
    return max(0.0, middle - half), min(1.0, middle + half)


def bootstrapped(
    statistic: Callable[[NDArray[np.int64]], float],
    groups: NDArray[np.int64],
    *,
    what: str,
    replicates: int = REPLICATES,
) -> Figure:
    """Return ``statistic`` of all rows with the percentile interval over resampled groups.

    ``groups`` has shape (rows,) and names what is independent of one another (a person, a class) by numbers
    0, 1, …; ``statistic`` is given the rows of a resample, each as often as it was drawn. The draws are the
    same in every run.
    """
    rows = len(groups)
    if not rows:
        return not_estimated("there is nothing to resample", 0)
    order = np.argsort(groups, kind="stable")
    _, starts, counts = np.unique(groups[order], return_index=True, return_counts=True)
    rng = np.random.default_rng(SEED)
    values = [statistic(_drawn(order, starts, counts, rng)) for _ in range(replicates)]
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Figure(
        float(statistic(np.arange(rows))), float(low), float(high), rows, f"{what}; bootstrap interval, 95 %"
    )


def _drawn(
    order: NDArray[Any], starts: NDArray[Any], counts: NDArray[Any], rng: np.random.Generator
) -> NDArray[np.int64]:
    """The rows of as many groups as there are, drawn with replacement."""
    drawn = rng.integers(0, len(starts), len(starts))
    sizes = counts[drawn]
    inside = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return np.asarray(order[np.repeat(starts[drawn], sizes) + inside], dtype=np.int64)
