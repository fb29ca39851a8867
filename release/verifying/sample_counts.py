"""Criteria of the release as a whole, counted literally: classes are left out one by one, smallest first."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import polars as pl

from anonymizer.criteria import (
    AverageRisk,
    Criterion,
    PopulationUniqueness,
    SampleCriterion,
    SampleUniqueness,
)
from anonymizer.judging.uniqueness import Sample, estimate
from release.verifying.recount import CLASS, PERSON, Classed, Verdict, keys_of


def sample_verdict(classed: Classed, criterion: SampleCriterion) -> Verdict:
    """The verdict on all classes together; ``reached`` is the mean risk, or the share of people alone.

    Population uniqueness is an estimate: its estimators are those of the search (`uniqueness`),
    what they estimate from is counted here.
    """
    people = classed.classes[PERSON].to_list()
    figure, meets = _found(people, criterion)
    holds = pl.Series([meets], dtype=pl.Boolean).new_from_index(0, len(people))
    return Verdict(holds, figure if people else None)


def largest_kept(classed: Classed, passing: pl.Series, criteria: Sequence[Criterion]) -> pl.Series:
    """Which of the ``passing`` classes stay when the smallest go until every sample criterion holds.

    Ties go by the labels, missing last. Where a share is estimated, the number of classes to go is looked for
    by bisection, up to all classes of one person.
    """
    asked = [c for c in criteria if isinstance(c, SampleCriterion)]
    if not asked:
        return passing
    keys = keys_of(classed.classes)
    labels = [pl.col(key).cast(pl.String) for key in keys]
    ordered = classed.classes.filter(passing).select(CLASS, PERSON, *labels)
    rising = ordered.sort(PERSON, *keys, nulls_last=True)
    gone = _fewest_gone(rising[PERSON].to_list(), asked)
    return passing & ~classed.classes[CLASS].is_in(rising[CLASS].head(gone).implode())


def _fewest_gone(rising: list[int], asked: Sequence[SampleCriterion]) -> int:
    counted = [c for c in asked if not isinstance(c, PopulationUniqueness)]
    gone, classes, everyone, alone = 0, len(rising), sum(rising), rising.count(1)
    while not all(_exact(c, classes, everyone, alone) <= c.limit for c in counted):
        classes, everyone, alone = classes - 1, everyone - rising[gone], alone - (rising[gone] == 1)
        gone += 1
    high = max(gone, rising.count(1))
    while gone < high:
        middle = (gone + high) // 2
        if all(_found(rising[middle:], c)[1] for c in asked):
            high = middle
        else:
            gone = middle + 1
    return gone


def _found(people: list[int], criterion: SampleCriterion) -> tuple[float, bool]:
    """The figure of classes of so many people, and whether it keeps the limit."""
    if isinstance(criterion, PopulationUniqueness):
        found = estimate(Sample.of(np.array(people, np.int64), criterion.sampling_fraction))
        return found.share, found.keeps(criterion.limit)
    figure = _exact(criterion, len(people), sum(people), people.count(1))
    return float(figure), figure <= criterion.limit


def _exact(criterion: AverageRisk | SampleUniqueness, classes: int, people: int, alone: int) -> Fraction:
    """Classes, or people alone in theirs, over the people of all classes; nobody is at no risk."""
    return Fraction(classes if isinstance(criterion, AverageRisk) else alone, max(people, 1))
