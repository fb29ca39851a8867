"""Criteria of the release as a whole: the smallest classes are suppressed first, as few as needed.

The classes that hold every class criterion are taken in rising order of their people, ties by the
generalised tuple, and left out one by one until the rest holds every criterion here. A person with several
rows counts once in each class: the mean risk is that over all people of all classes.

Leaving out the smallest class helps most and costs least, so nothing else suppresses fewer people. For
average risk, and for sample uniqueness, the fewest people suppressed never fall from a node to its
specialisations: keep what a specialisation keeps, merged; the classes are no more, hold no fewer people, are
alone no more often, and a class criterion that survives merging with anything (k, k-map, distinct l) holds in
them still. It takes rows that are people, since merged classes may share a person. An estimate of
population uniqueness follows no such order.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting.classes import Classes
from anonymizer.counting.counts import Counts
from anonymizer.criteria import (
    AverageRisk,
    Criterion,
    DistinctLDiversity,
    KAnonymity,
    KMAnonymity,
    KMap,
    MaxRisk,
    PopulationUniqueness,
    SampleCriterion,
    SampleUniqueness,
)
from anonymizer.hierarchies.encoding import Codes
from anonymizer.judging.judgement import judge
from anonymizer.judging.uniqueness import Sample, estimate

People = NDArray[np.int64]
Mask = NDArray[np.bool_]


def of_the_sample(criteria: Sequence[Criterion]) -> tuple[SampleCriterion, ...]:
    """Those of ``criteria`` that are about the release as a whole."""
    return tuple(c for c in criteria if isinstance(c, SampleCriterion))


def suppressed_classes(counts: Counts, classes: Classes, broken: Mask, criteria: Sequence[Criterion]) -> Mask:
    """Which classes are suppressed: those ``broken`` already, and the smallest others; bool (classes)."""
    passing = np.flatnonzero(~broken)
    people = classes.n_people[passing]
    removed = fewest_removed(np.sort(people), of_the_sample(criteria))
    if not removed:
        return broken
    last = np.partition(people, removed - 1)[removed - 1]
    small = passing[people <= last]
    order = np.lexsort((*_labels(counts, classes, small)[::-1], classes.n_people[small]))
    suppressed = broken.copy()
    suppressed[small[order[:removed]]] = True
    return suppressed


def least_suppressed(counts: Counts, classes: Classes, criteria: Sequence[Criterion]) -> int:
    """A lower bound of the rows suppressed at the classes' node and at every specialisation of it.

    It counts the criteria of which the module's first words hold, and is 0 where people have several rows.
    Under t-closeness and its like a class may be broken here and parts of it kept below, as under (k, k^m)
    where a class takes in rare codes: they are left out.
    """
    if classes.people is not None:
        return 0
    asked = [c for c in criteria if _survives_merging(c)]
    ordered = [c for c in of_the_sample(criteria) if not isinstance(c, PopulationUniqueness)]
    broken = judge(counts, classes, asked).broken
    rising = np.sort(classes.rows[~broken])
    return int(classes.rows[broken].sum()) + int(rising[: fewest_removed(rising, ordered)].sum())


def fewest_removed(rising: People, criteria: Sequence[SampleCriterion]) -> int:
    """How many of the smallest classes must go until the others hold every criterion; ``rising`` int64.

    Population uniqueness is looked for by bisection between what the other criteria remove and all classes
    of one person, as if every class left out made the estimate smaller.
    """
    removed = max((_removed_for(rising, c) for c in criteria), default=0)
    estimated = [c for c in criteria if isinstance(c, PopulationUniqueness)]
    low, high = removed, max(removed, int(np.searchsorted(rising, 2)))
    while low < high:
        middle = (low + high) // 2
        if hold(rising[middle:], estimated):
            high = middle
        else:
            low = middle + 1
    return low


def hold(people: People, criteria: Sequence[SampleCriterion]) -> bool:
    """Whether a release whose classes hold ``people``, int64 (classes), meets every criterion."""
    return all(_holds(people, criterion) for criterion in criteria)


def _survives_merging(criterion: Criterion) -> bool:
    """Whether a class that holds the criterion still does when it is merged with any other."""
    if isinstance(criterion, KMAnonymity):
        return criterion.repair
    return isinstance(criterion, KAnonymity | MaxRisk | KMap | DistinctLDiversity)


def _holds(people: People, criterion: SampleCriterion) -> bool:
    everyone, limit = int(people.sum()), criterion.limit
    match criterion:
        case AverageRisk():
            return len(people) <= limit * everyone
        case SampleUniqueness():
            return int((people == 1).sum()) <= limit * everyone
        case PopulationUniqueness(_, sampling_fraction):
            return estimate(Sample.of(people, sampling_fraction)).keeps(limit)


def _removed_for(rising: People, criterion: SampleCriterion) -> int:
    match criterion:
        case AverageRisk(limit):
            return _removed_for_average(rising, limit)
        case SampleUniqueness(limit):
            return _removed_for_uniques(rising, limit)
        case PopulationUniqueness():
            return 0


def _removed_for_average(rising: People, limit: Fraction) -> int:
    """The fewest smallest classes without which the mean risk keeps the limit, exactly.

    Only classes below 1 / limit people are worth leaving out; each one raises limit * people - classes, so
    bisection finds the first that is enough.
    """
    below = np.concatenate([[0], np.cumsum(rising)])
    everyone, classes = int(below[-1]), len(rising)
    low, high = 0, int(np.searchsorted(rising, ceil(1 / limit)))
    while low < high:
        middle = (low + high) // 2
        if classes - middle <= limit * (everyone - int(below[middle])):
            high = middle
        else:
            low = middle + 1
    return low


def _removed_for_uniques(rising: People, limit: Fraction) -> int:
    """The fewest j with (alone - j) <= limit * (people - j); never more than are alone."""
    alone, everyone = int(np.searchsorted(rising, 2)), int(rising.sum())
    excess = alone - limit * everyone
    return 0 if excess <= 0 else -int(-excess // (1 - limit))


def _labels(counts: Counts, classes: Classes, which: NDArray[np.int64]) -> list[Codes]:
    """Per quasi-identifier the labels' codes, in the labels' order, of some classes; int32."""
    tuples = counts.codes[classes.representatives[which]]
    return [
        ladder.label_codes[level][tuples[:, j]]
        for j, (ladder, level) in enumerate(zip(counts.ladders, classes.node, strict=True))
    ]
