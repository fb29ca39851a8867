"""The metric Loss: the share of its domain a generalised value covers, averaged over rows.

Iyengar, "Transforming data to satisfy privacy constraints", KDD 2002; normalised per quasi-identifier and
combined by the (weighted) geometric mean, as ARX does with its factor gs at 0.5.

Per column j let A be the sum over rows of leaves covered (all of them where a row is suppressed), n the rows
and L the leaves. Then x = (A/L - n/L) / (n - n/L) = (A - n) / (n (L - 1)), and the score is
prod((x + 1)^(w/W)) - 1 = expm1(sum(w/W log1p(x))). The search works with the sum: it adds up over columns.
A is an integer, so a score depends on no order of summation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anonymizer.counts import Counts

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Loss:
    """Loss over a table of ``n_rows`` rows whose columns have ``leaves`` and normalised ``weights``."""

    n_rows: int
    leaves: tuple[int, ...]
    weights: tuple[float, ...]

    @classmethod
    def of(cls, counts: Counts) -> Loss:
        """The metric for a table's counts."""
        total = sum(ladder.weight for ladder in counts.ladders)
        return cls(
            counts.n_rows,
            tuple(ladder.leaves for ladder in counts.ladders),
            tuple(ladder.weight / total for ladder in counts.ladders),
        )

    def terms(self, column: int, covered: NDArray[np.int64]) -> Floats:
        """``w/W log1p(x)`` of one column for sums of covered leaves; float64, ``covered``'s shape."""
        spread = self.n_rows * (self.leaves[column] - 1)
        share = (covered - self.n_rows) / spread if spread else np.zeros(covered.shape)
        return np.asarray(self.weights[column] * np.log1p(np.maximum(share, 0.0)))

    def total(self, covered: Sequence[int]) -> float:
        """The sum of all columns' terms; ``score`` turns it into the loss."""
        return float(sum(float(self.terms(j, np.array([a]))[0]) for j, a in enumerate(covered)))


def score(total: float) -> float:
    """The loss in [0, 1] that a sum of terms stands for."""
    return float(np.expm1(total))


def marginals(counts: Counts) -> tuple[NDArray[np.int64], ...]:
    """Per column, the leaves all rows cover at each level (nothing suppressed); int64 (levels)."""
    sums = []
    for j, ladder in enumerate(counts.ladders):
        per_value = np.zeros(ladder.leaf_counts.shape[1], np.int64)
        np.add.at(per_value, counts.codes[:, j], counts.rows)
        sums.append(ladder.leaf_counts @ per_value)
    return tuple(sums)
