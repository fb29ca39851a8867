"""How much of a table a recoding keeps: loss, granularity, non-uniform entropy.

Per column j let s be the mean, over all rows, of (leaves covered - 1) / (leaves - 1); a suppressed row covers
all. Granularity is 1 - s (Iyengar, KDD 2002). ``loss`` is the metric Loss of the search, the weighted
geometric mean of all 1 + s, less one. ``entropy`` compares, per cell, -log2 of the share that its value has
among the values of the input which its label covers, with that under ``*``: 1 where nothing is generalised,
0 where everything is (Gionis and Tassa, "k-anonymization with minimal loss of information", ESA 2007).

Means over columns are plain ones. ARX's mean of a figure divides sums over all columns of what is lost before
it is normalised, so that a column with a larger domain, or a larger entropy, counts for more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import fsum, log2

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting.counts import Counts
from anonymizer.hierarchies.encoding import Ladder
from anonymizer.recoding.recoding import Recoding, recoded_classes

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Quality:
    """The figures of a recoding; ``granularities`` and ``entropies`` by column."""

    loss: float
    granularity: float
    granularity_arx: float
    entropy: float
    entropy_arx: float
    granularities: Mapping[str, float]
    entropies: Mapping[str, float]
    classes: int
    suppressed: int


def quality(counts: Counts, recoding: Recoding) -> Quality:
    """The quality of a recoding of the table behind ``counts``."""
    _, classes = recoded_classes(counts, recoding)
    lost = [_granularity_lost(counts, recoding, j) for j in range(len(counts.ladders))]
    bits = [_bits_lost(counts, recoding, j) for j in range(len(counts.ladders))]
    names = [ladder.name for ladder in counts.ladders]
    shares = [ladder.leaves - 1 and (ladder.leaves - 1) / ladder.leaves for ladder in counts.ladders]
    return Quality(
        loss=_loss(counts, lost),
        granularity=1 - fsum(lost) / len(lost),
        granularity_arx=1 - _mean([s * w for s, w in zip(lost, shares, strict=True)], shares),
        entropy=fsum(_kept(*each) for each in bits) / len(bits),
        entropy_arx=1 - _mean([some for some, _ in bits], [every for _, every in bits]),
        granularities={name: 1 - s for name, s in zip(names, lost, strict=True)},
        entropies={name: _kept(*each) for name, each in zip(names, bits, strict=True)},
        classes=int((classes.rows[:-1] > 0).sum()),
        suppressed=int(classes.rows[-1]),
    )


def loss_of(counts: Counts, recoding: Recoding) -> float:
    """The metric Loss of a recoding, the weighted geometric mean over columns; in [0, 1]."""
    return _loss(counts, [_granularity_lost(counts, recoding, j) for j in range(len(counts.ladders))])


def _loss(counts: Counts, lost: list[float]) -> float:
    weight = sum(ladder.weight for ladder in counts.ladders)
    logs = [ladder.weight / weight * np.log1p(s) for ladder, s in zip(counts.ladders, lost, strict=True)]
    return float(np.expm1(fsum(logs)))


def _mean(lost: list[float], at_most: list[float]) -> float:
    return fsum(lost) / fsum(at_most) if fsum(at_most) else 0.0


def _kept(lost: float, at_most: float) -> float:
    return 1 - lost / at_most if at_most else 1.0


def _granularity_lost(counts: Counts, recoding: Recoding, j: int) -> float:
    ladder, shown = counts.ladders[j], ~recoding.suppressed
    if ladder.leaves == 1 or not counts.n_rows:
        return 0.0
    leaves = np.full(counts.n_tuples, ladder.leaves, np.int64)
    leaves[shown] = ladder.leaf_counts[recoding.levels[shown, j], counts.codes[shown, j]]
    lost = int(((leaves - 1) * counts.rows).sum())
    return lost / (counts.n_rows * (ladder.leaves - 1))


def _bits_lost(counts: Counts, recoding: Recoding, j: int) -> tuple[float, float]:
    """The bits that all cells of a column lose, and what they would lose under ``*``."""
    ladder, shown = counts.ladders[j], ~recoding.suppressed
    weights = counts.rows.astype(np.float64)
    having: Floats = np.bincount(counts.codes[:, j], weights, minlength=len(ladder.labels[0]))  # type: ignore[assignment]
    bits = np.stack([_bits(ladder, level, having) for level in range(ladder.top + 1)])
    under_star = bits[ladder.top][counts.codes[:, j]]
    lost = under_star.copy()
    lost[shown] = bits[recoding.levels[shown, j], counts.codes[shown, j]]
    return fsum(lost * counts.rows), fsum(under_star * counts.rows)


def _bits(ladder: Ladder, level: int, having: Floats) -> Floats:
    """-log2 of each value's share among the input's values with its label; 0 for values nobody has."""
    labels = ladder.label_codes[level]
    together = np.bincount(labels, having)[labels]
    return np.array([log2(b / a) if a else 0.0 for a, b in zip(having, together, strict=True)])
