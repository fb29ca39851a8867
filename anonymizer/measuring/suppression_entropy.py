"""Non-uniform entropy that counts suppression: the bits lost by generalising and those lost by suppressing.

The law that ``base``, ``floor`` and ``penalty`` keep is stated in ``anonymizer.measuring.class_metrics``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting.classes import Classes, Ladders
from anonymizer.counting.counts import Counts
from anonymizer.hierarchies.encoding import Counts64
from anonymizer.measuring import metric_kernels
from anonymizer.measuring.affine import Floats, at_node, column_weights, entropies, highest_entropy
from anonymizer.metrics import Entropy, NormalisedEntropy


@dataclass(frozen=True, slots=True)
class SuppressionEntropy:
    """``base`` by the columns' levels, and the entropy of the labels among the suppressed rows.

    Totals are bits times ``weights`` float64 (m), which make them bits per row, or shares of the most bits;
    ``scale`` leads back to the metric's unit.
    """

    base: tuple[Floats, ...]
    weights: Floats
    ladders: Ladders
    scale: float

    @classmethod
    def of(cls, counts: Counts, spec: Entropy | NormalisedEntropy) -> SuppressionEntropy:
        """The working form for a table's counts; a column that can lose nothing costs 0 when normalised."""
        weights, n = column_weights(counts.ladders, "sum"), counts.n_rows or 1
        divisors, scale = np.full(len(weights), float(n)), float(n)
        if isinstance(spec, NormalisedEntropy):
            highest = np.array([highest_entropy(counts, j) for j in range(len(weights))])
            divisors, scale = np.where(highest > 0, highest, np.inf), 1.0
        weights = weights / divisors
        base = tuple(weight * bits for weight, bits in zip(weights, entropies(counts), strict=True))
        return cls(base, weights, Ladders.of(counts), scale)

    @property
    def guide(self) -> tuple[Floats, ...]:
        """The base."""
        return self.base

    def at_least(self, guided: Floats) -> Floats:
        """The base: suppression adds to it."""
        return guided

    def total(self, counts: Counts, classes: Classes, broken: NDArray[np.bool_]) -> float:
        """The levels' entropies, and what the suppressed rows add."""
        return at_node(self.base, classes.node) + self._among(
            counts, classes, np.where(broken, classes.rows, 0)
        )

    def floor(self, counts: Counts, classes: Classes) -> float:
        """0: a generalisation's base is all that it costs without suppression."""
        return 0.0

    def penalty(self, counts: Counts, classes: Classes, lost: Counts64) -> float:
        """The bits that tell the lost rows' labels among them.

        The sum over labels of c log(s / c) grows with each count c (its derivative is log(s / c)) and with
        every finer partition, and a specialisation suppresses these rows at least, by labels as fine or
        finer.
        """
        return self._among(counts, classes, lost)

    def score(self, total: float) -> float:
        """All rows' bits, or the sum of the columns' shares in [0, 1]."""
        return self.scale * total

    def _among(self, counts: Counts, classes: Classes, rows: Counts64) -> float:
        """The weighted bits that tell the labels of ``rows`` int64 (classes) among themselves."""
        sizes = [self.ladders.sizes[j][level] for j, level in enumerate(classes.node)]
        starts = np.cumsum([0, *sizes])
        held = metric_kernels.label_rows(
            rows,
            classes.representatives,
            counts.codes,
            self.ladders.label_codes,
            self.ladders.offsets(classes.node),
            starts,
        )
        bits = held * (np.log2(max(int(rows.sum()), 1)) - np.log2(np.maximum(held, 1)))
        columns = np.repeat(np.arange(len(sizes)), sizes)
        return float(self.weights @ np.bincount(columns, weights=bits, minlength=len(sizes)))
