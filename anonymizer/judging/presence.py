"""Which classes break delta-presence: their people's share of the population, exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from anonymizer.criteria import DeltaPresence
from anonymizer.hierarchies.encoding import Counts64

Mask = NDArray[np.bool_]


def judge_presence(people: Counts64, population: Counts64, criterion: DeltaPresence) -> tuple[Mask, Counts64]:
    """Which classes break delta-presence, and how many of their people are lost in every specialisation.

    ``people`` and ``population`` are int64 (classes). Where ``lower`` is above 0, a class of the population
    without anybody of the data breaks it for all: suppression cannot help, since nobody there is released
    anyway, and every specialisation has such a class too. Whatever is kept of a class is at most ``upper`` of
    its population, since the criterion is closed under union.
    """
    least, most = _share_of(population, criterion.lower, up=True), _share_of(population, criterion.upper)
    if criterion.lower > 0 and bool(((people == 0) & (population > 0)).any()):
        return np.ones(len(people), np.bool_), people.copy()
    return (people < least) | (people > most), np.maximum(people - most, 0)


def _share_of(population: Counts64, share: Fraction, *, up: bool = False) -> Counts64:
    """floor(share * population), or its ceiling, exactly; int64 (classes)."""
    sizes, place = np.unique(population, return_inverse=True)
    numerator, denominator = share.as_integer_ratio()
    rounding = denominator - 1 if up else 0
    shares = [(size * numerator + rounding) // denominator for size in sizes.tolist()]
    return np.array(shares, np.int64)[place]
