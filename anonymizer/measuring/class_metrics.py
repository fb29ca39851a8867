"""Metrics that look at whole equivalence classes, with proven bounds for the search.

Every one comes with ``base`` terms per column and level, whose sum over the columns is base(z), and three
figures of a node's classes such that for all nodes y <= z <= x (y a specialisation of z, x a generalisation)

    total(z) >= base(z) + floor(y) + penalty(x),    floor >= 0,    penalty >= 0.

``broken`` bool (classes) are suppressed at the node itself; of each class ``lost`` int64 (classes) rows are
suppressed in every specialisation too. Totals, floors and penalties are in the same unit, which ``score``
turns into the metric's own. All figures count rows; a class without rows (of a population only) counts
nothing.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting.classes import Classes
from anonymizer.counting.counts import Counts
from anonymizer.hierarchies.encoding import Counts64
from anonymizer.measuring.affine import AffineMetric, Floats
from anonymizer.measuring.area_metrics import Divergence, LogArea
from anonymizer.measuring.counting_metrics import ClassCount, Misprediction, PairCount
from anonymizer.measuring.suppression_entropy import SuppressionEntropy
from anonymizer.metrics import (
    Ambiguity,
    AverageClassSize,
    Discernibility,
    Entropy,
    Height,
    KullbackLeibler,
    Loss,
    Metric,
    NormalisedEntropy,
    Precision,
    Predictive,
)

Broken = NDArray[np.bool_]


class ClassMetric(Protocol):
    """A metric that is computed from a node's classes; see the module for the law its figures keep."""

    @property
    def base(self) -> tuple[Floats, ...]:
        """Per column and level, a part of the total that holds whatever is suppressed; float64 (levels)."""
        ...

    @property
    def guide(self) -> tuple[Floats, ...]:
        """Per column and level, what the level is likely to cost, to climb by; float64 (levels)."""
        ...

    def at_least(self, guided: Floats) -> Floats:
        """A lower bound of the totals of nodes whose ``guide`` terms add up to ``guided``, of its shape."""
        ...

    def total(self, counts: Counts, classes: Classes, broken: Broken) -> float:
        """What the search keeps small at the classes' node."""
        ...

    def floor(self, counts: Counts, classes: Classes) -> float:
        """What every generalisation of the classes' node costs beyond its base."""
        ...

    def penalty(self, counts: Counts, classes: Classes, lost: Counts64) -> float:
        """What every specialisation of the classes' node costs beyond its base and any floor."""
        ...

    def score(self, total: float) -> float:
        """The metric's value for a total."""
        ...


def prepare(counts: Counts, spec: Metric) -> AffineMetric | ClassMetric:
    """The working form of a metric for one table; for ``Predictive`` the counts must hold its target."""
    match spec:
        case Entropy(monotonic=False) | NormalisedEntropy():
            return SuppressionEntropy.of(counts, spec)
        case Loss() | Precision() | Height() | Entropy():
            return AffineMetric.of(counts, spec)
        case Discernibility(monotonic):
            return PairCount.of(counts, monotonic=monotonic)
        case AverageClassSize():
            return ClassCount.of(counts)
        case Ambiguity():
            return LogArea.of(counts)
        case KullbackLeibler():
            return Divergence.of(counts)
        case Predictive(target):
            return Misprediction.of(counts, target)
