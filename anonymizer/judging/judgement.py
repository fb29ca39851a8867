"""Which classes break a criterion, and how many of their rows no specialisation can keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting import grouping
from anonymizer.counting.classes import Classes
from anonymizer.counting.code_sets import rows_lost
from anonymizer.counting.counts import Counts
from anonymizer.counting.sensitive import Held
from anonymizer.criteria import (
    Criterion,
    DeltaPresence,
    DistinctLDiversity,
    KAnonymity,
    KMAnonymity,
    KMap,
    MaxRisk,
)
from anonymizer.hierarchies.encoding import Counts64
from anonymizer.judging.demands import Demands, Layout
from anonymizer.judging.histogram_rows import kept_per_class
from anonymizer.judging.presence import judge_presence

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What criteria say of a node's classes.

    ``broken`` bool (classes): the class breaks a criterion and is suppressed at this node. ``lost`` int64
    (classes): of its rows at least so many are suppressed at every specialisation too.
    """

    broken: Mask
    lost: Counts64

    def __post_init__(self) -> None:
        self.broken.setflags(write=False)
        self.lost.setflags(write=False)


def judge(
    counts: Counts, classes: Classes, criteria: Sequence[Criterion], *, demands: Demands | None = None
) -> Judgement:
    """The judgement of all class criteria; those of the release as a whole are not looked at.

    A class without rows, of the population only, is broken: it is not released.
    ``demands`` are those of ``criteria``: whoever judges many nodes makes them once.
    """
    broken, lost = np.zeros(len(classes), np.bool_), np.zeros(len(classes), np.int64)
    for criterion in criteria:
        found = _by_size(counts, classes, criterion)
        if found is not None:
            broken |= found.broken
            np.maximum(lost, found.lost, out=lost)
    demands = Demands.of(counts, criteria) if demands is None else demands
    for name, layout in zip(demands.columns, demands.parts, strict=True):
        _by_frequencies(classes, name, layout, broken, lost)
    return Judgement(broken | (classes.rows == 0), lost)


def distinct_values(counts: Counts, classes: Classes, column: str) -> Counts64:
    """How many values of a sensitive column each class holds, missing left out; int64 (classes)."""
    held = classes.held[column].frequencies(len(classes))
    known = held.item < counts.sensitive[column].known
    return np.bincount(held.owner[known], minlength=len(classes)).astype(np.int64)


def _by_size(counts: Counts, classes: Classes, criterion: Criterion) -> Judgement | None:
    """The judgement of a criterion by what a class counts; ``None`` for those it takes more to judge."""
    match criterion:
        case KAnonymity() | MaxRisk():
            return _all_or_nothing(classes, classes.n_people < criterion.k)
        case DistinctLDiversity(column, least):
            return _all_or_nothing(classes, distinct_values(counts, classes, column) < least)
        case KMap():
            return _all_or_nothing(classes, _matches_too_few(classes, criterion))
        case KMAnonymity():
            return _by_code_sets(classes, criterion)
        case DeltaPresence():
            return _by_presence(classes, criterion)
        case _:
            return None


def _matches_too_few(classes: Classes, criterion: KMap) -> Mask:
    if criterion.smallest_class is not None:
        return classes.n_people < criterion.smallest_class
    assert classes.population is not None  # counted where this criterion is asked for
    return classes.population < criterion.k


def _by_code_sets(classes: Classes, criterion: KMAnonymity) -> Judgement:
    """The judgement of (k, k^m)-anonymity; where codes are taken out later, that of its k alone."""
    small = _all_or_nothing(classes, classes.n_people < criterion.k)
    if criterion.repair:
        return small
    rare = rows_lost(classes.sets[criterion.column], len(classes), criterion)
    return Judgement(small.broken | (rare > 0), np.maximum(small.lost, rare))


def _by_presence(classes: Classes, criterion: DeltaPresence) -> Judgement:
    """The judgement of delta-presence; people of several rows are lost for sure only with all their class."""
    assert classes.population is not None  # counted where this criterion is asked for
    broken, lost = judge_presence(classes.n_people, classes.population, criterion)
    if classes.people is not None:
        lost = np.where(lost == classes.n_people, classes.rows, 0)
    return Judgement(broken, lost)


def _all_or_nothing(classes: Classes, broken: Mask) -> Judgement:
    """The judgement of a criterion that no part of a class holds where the class does not."""
    return Judgement(broken, np.where(broken, classes.rows, 0))


def _by_frequencies(classes: Classes, name: str, layout: Layout, broken: Mask, lost: Counts64) -> None:
    """Put into ``broken`` and ``lost`` what the criteria on the frequencies of one sensitive column say.

    Where one person has several rows, frequencies do not add up: parts of a class may hold what the class
    breaks, and nothing is sure to be lost.
    """
    held = classes.held[name]
    people = held.frequencies(len(classes))
    order = grouping.sort_rows(people.owner, len(classes))
    begin = np.searchsorted(people.owner[order], np.arange(len(classes) + 1))
    number = _numbers(people)
    undecided = lost < classes.rows
    total, kept = kept_per_class(layout, begin, people.item[order], number[order], undecided)
    broken |= kept < total
    if held.value_of is None:
        np.maximum(lost, total - kept, out=lost)


def _numbers(people: Held) -> Counts64:
    assert people.number is not None
    return people.number
