"""Metrics that are a function per column of the level and of what is suppressed: one working form for all.

With s rows suppressed, whose labels cover S_j in column j, column j at level l costs

    x_j = max(0, base[j][l] + alpha[j] * s - beta[j] * S_j),

and the total is the sum (or the largest) of ``weight[j] * x_j`` or ``weight[j] * log1p(x_j)``. No row is
cheaper suppressed than kept: ``alpha[j] >= beta[j] * cover`` for every cover of column j. So suppressing more
never lowers a term, and the terms without suppression bound the total from below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import fsum, log2

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting import kernels
from anonymizer.counting.classes import Classes, Ladders, Node
from anonymizer.counting.counts import Counts
from anonymizer.hierarchies.encoding import Counts64, Ladder
from anonymizer.measuring import metric_kernels
from anonymizer.metrics import Aggregate, Entropy, Height, Loss, Precision

Floats = NDArray[np.float64]
AffineSpec = Loss | Precision | Height | Entropy


@dataclass(frozen=True, slots=True)
class AffineMetric:
    """A metric in the form above, for one table; every array is read-only.

    ``base[j]`` float64 (levels) and ``cover[j]`` int64 (levels, values) for each column j; ``alpha``,
    ``beta`` and ``weight`` float64 (m). ``logarithmic``: terms are of log1p(x); ``largest``: the total is the
    largest term. ``scale`` turns a total, a number of moderate size, into the metric's own unit, see
    ``score``. ``flat_cover`` int64 holds all of ``cover`` in the layout of ``Ladders.leaf_counts``; ``caps``
    int64 (m, levels) the largest cover of a column at a level (the last level repeated).
    """

    base: tuple[Floats, ...]
    cover: tuple[Counts64, ...]
    alpha: Floats
    beta: Floats
    weight: Floats
    logarithmic: bool = False
    largest: bool = False
    scale: float = 1.0
    flat_cover: Counts64 = field(init=False, repr=False)
    caps: Counts64 = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "flat_cover", np.concatenate([cover.ravel() for cover in self.cover]))
        object.__setattr__(self, "caps", _caps(self.cover))
        for array in (
            *self.base,
            *self.cover,
            self.alpha,
            self.beta,
            self.weight,
            self.flat_cover,
            self.caps,
        ):
            array.setflags(write=False)

    @classmethod
    def of(cls, counts: Counts, spec: AffineSpec) -> AffineMetric:
        """The working form of a metric for a table's counts; a table without rows costs nothing."""
        match spec:
            case Loss():
                return _loss(counts, spec)
            case Precision():
                return _precision(counts)
            case Height():
                levels = [np.arange(ladder.top + 1, dtype=np.float64) for ladder in counts.ladders]
                return _regardless_of_rows(counts, levels)
            case Entropy():
                n = counts.n_rows or 1
                return _regardless_of_rows(counts, [bits / n for bits in entropies(counts)], scale=float(n))

    def terms(self, column: int, x: Floats) -> Floats:
        """The weighted terms of a column's costs ``x``, which may lie below 0; float64, of its shape."""
        clipped = np.maximum(x, 0.0)
        return np.asarray(self.weight[column] * (np.log1p(clipped) if self.logarithmic else clipped))

    def combine(self, terms: Sequence[float]) -> float:
        """The total of one term per column."""
        return float(max(terms) if self.largest else sum(terms))

    def start(self) -> tuple[Floats, ...]:
        """Per column and level, the term without suppression: combined, a lower bound of the total."""
        return tuple(self.terms(j, base) for j, base in enumerate(self.base))

    def total(self, node: Node, suppressed_cover: Counts64, suppressed: int) -> float:
        """What the search keeps small, where the suppressed rows cover ``suppressed_cover``, int64 (m)."""
        x = [base[level] for base, level in zip(self.base, node, strict=True)]
        x += self.alpha * suppressed - self.beta * suppressed_cover
        return self.combine([float(self.terms(j, np.asarray(cost))) for j, cost in enumerate(x)])

    def suppressed_cover(
        self, counts: Counts, ladders: Ladders, classes: Classes, suppressed: Counts64
    ) -> Counts64:
        """What ``suppressed`` rows (int64, per class) cover at the classes' node; int64 (m)."""
        offsets = ladders.offsets(classes.node)
        cover: Counts64 = metric_kernels.covered(
            suppressed, classes.representatives, counts.codes, self.flat_cover, offsets
        )
        return cover

    def least_terms(
        self, counts: Counts, ladders: Ladders, classes: Classes, lost: Counts64
    ) -> tuple[Floats, ...]:
        """Per column and level, a term that no specialisation of the classes' node falls below.

        ``lost`` int64 (classes) rows of each class are suppressed in every specialisation. Each of them costs
        alpha - beta * cover more than a kept row, and at a finer level it covers no more than it does here,
        nor than the largest label there; all other rows cost nothing more at least.
        """
        offsets = ladders.offsets(classes.node)
        cover = metric_kernels.capped(
            lost, classes.representatives, counts.codes, self.flat_cover, offsets, self.caps
        )
        rows = int(lost.sum())
        return tuple(
            self.terms(j, base + self.alpha[j] * rows - self.beta[j] * cover[j, : len(base)])
            for j, base in enumerate(self.base)
        )

    def score(self, total: float) -> float:
        """The metric's value for a total."""
        return float(self.scale * (np.expm1(total) if self.logarithmic else total))


def _caps(cover: Sequence[Counts64]) -> Counts64:
    caps = np.empty((len(cover), max(len(levels) for levels in cover)), np.int64)
    for row, levels in zip(caps, cover, strict=True):
        largest = levels.max(axis=1, initial=0)
        row[: len(largest)], row[len(largest) :] = largest, largest[-1]
    return caps


def nothing(counts: Counts) -> tuple[Floats, ...]:
    """Terms of 0 per column and level."""
    return tuple(np.zeros(ladder.top + 1) for ladder in counts.ladders)


def at_node(terms: Sequence[Floats], node: Node) -> float:
    """The sum of one term per column."""
    return float(sum(float(column[level]) for column, level in zip(terms, node, strict=True)))


def value_rows(counts: Counts) -> list[Counts64]:
    """The rows of every base code, column by column; int64 (values)."""
    sizes = [ladder.label_codes.shape[1] for ladder in counts.ladders]
    total = np.zeros((len(sizes), max(sizes, default=0)), np.int64)
    kernels.rows_per_code(counts.codes, counts.rows, total)
    return [row[:size] for row, size in zip(total, sizes, strict=True)]


def column_weights(ladders: Sequence[Ladder], aggregate: Aggregate) -> Floats:
    """What each column's cost is multiplied with: w / W for means, m w / W for sums, w / max w for maxima."""
    weights = np.array([ladder.weight for ladder in ladders], np.float64)
    match aggregate:
        case "geometric" | "arithmetic":
            return np.asarray(weights / weights.sum())
        case "sum":
            return np.asarray(weights * len(weights) / weights.sum())
        case "max":
            return np.asarray(weights / weights.max())


def entropies(counts: Counts) -> list[Floats]:
    """The bits that each column's rows lose at each level, over all rows: float64 (levels) per column.

    The sum over rows of -log2(count of its level-0 label / count of its label). Values under one level-0
    label (top coding) are one value.
    """
    bits = []
    for ladder, rows in zip(counts.ladders, value_rows(counts), strict=True):
        sums = [_sum_of_logs(np.bincount(labels, weights=rows)) for labels in ladder.label_codes]
        bits.append(np.array([level - sums[0] for level in sums]))
    return bits


def highest_entropy(counts: Counts, column: int) -> float:
    """The bits that a column loses where all its cells are ``*``, over all rows."""
    ladder = counts.ladders[column]
    rows = np.bincount(ladder.label_codes[0], weights=value_rows(counts)[column])
    return _sum_of_logs(np.array([rows.sum()])) - _sum_of_logs(rows)


def _sum_of_logs(rows: NDArray[np.generic]) -> float:
    # Correctly rounded, so that equal partitions cost the same whatever the order of their labels.
    return fsum(r * log2(r) for r in rows.tolist() if r)


def _loss(counts: Counts, spec: Loss) -> AffineMetric:
    """Kept rows count g * cover / L, suppressed ones cover / L + f (1 - cover / L), over n - g n / L.

    With the factors g and f of generalisation and suppression, one of which is 1; in integers until the last
    division. A column of one leaf can lose nothing and costs 0.
    """
    n, g, f = counts.n_rows, spec.generalisation_factor, spec.suppression_factor
    base, alpha, beta = [], [], []
    for ladder, rows in zip(counts.ladders, value_rows(counts), strict=True):
        spread = n * (ladder.leaves - g) if ladder.leaves > 1 else Fraction(0)
        share = g / spread if spread else Fraction(0)
        covered = (ladder.leaf_counts @ rows).tolist()
        # Integers may exceed what floats hold; their quotient is rounded once.
        base.append(np.array([share.numerator * (sums - n) / share.denominator for sums in covered]))
        alpha.append(float(f * ladder.leaves / spread) if spread else 0.0)
        beta.append(float(f * share))
    return AffineMetric(
        base=tuple(base),
        cover=tuple(ladder.leaf_counts for ladder in counts.ladders),
        alpha=np.array(alpha),
        beta=np.array(beta),
        weight=column_weights(counts.ladders, spec.aggregate),
        logarithmic=spec.aggregate == "geometric",
        largest=spec.aggregate == "max",
    )


def _precision(counts: Counts) -> AffineMetric:
    """A kept row costs level / height, a suppressed one 1; a hierarchy of height 0 costs 0 either way."""
    n = counts.n_rows
    heights = np.array([ladder.top for ladder in counts.ladders], np.float64)
    counting = (heights > 0) & (n > 0)
    return AffineMetric(
        base=tuple(np.arange(ladder.top + 1) / (ladder.top or 1) for ladder in counts.ladders),
        cover=tuple(_levels(ladder) for ladder in counts.ladders),
        alpha=np.where(counting, 1 / (n or 1), 0.0),
        beta=np.where(counting, 1 / ((n or 1) * np.maximum(heights, 1)), 0.0),
        weight=column_weights(counts.ladders, "arithmetic"),
    )


def _regardless_of_rows(counts: Counts, base: Sequence[Floats], *, scale: float = 1.0) -> AffineMetric:
    """A sum over columns that suppression leaves alone."""
    zeros = np.zeros(len(counts.ladders))
    return AffineMetric(
        base=tuple(base),
        cover=tuple(np.zeros_like(ladder.leaf_counts) for ladder in counts.ladders),
        alpha=zeros.copy(),
        beta=zeros.copy(),
        weight=column_weights(counts.ladders, "sum"),
        scale=scale,
    )


def _levels(ladder: Ladder) -> Counts64:
    """Every value's level as its cover; int64 (levels, values)."""
    levels, values = ladder.label_codes.shape
    return np.repeat(np.arange(levels, dtype=np.int64), values).reshape(levels, values)
