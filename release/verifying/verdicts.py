"""Every criterion once more, counted literally: which classes hold it, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeGuard

import polars as pl

from anonymizer.criteria import (
    AverageRisk,
    BetaLikeness,
    Criterion,
    DeltaDisclosure,
    DeltaPresence,
    DistinctLDiversity,
    EntropyLDiversity,
    KAnonymity,
    KMAnonymity,
    KMap,
    MaxRisk,
    PopulationUniqueness,
    RecursiveCLDiversity,
    SampleCriterion,
    SampleUniqueness,
    TCloseness,
)
from release.verifying import histograms
from release.verifying.code_set_counts import diverse_codes, known_codes
from release.verifying.population_counts import counts_population, population_verdict
from release.verifying.recount import CLASS, EVENTS, PERSON, Classed, Verdict, at_least
from release.verifying.sample_counts import largest_kept, sample_verdict

References = Mapping[int, pl.DataFrame]
"""What a criterion compares with, by its position: see ``release.verifying.references``."""

FIGURES: Mapping[str, str] = {
    KAnonymity.name: "smallest class",
    MaxRisk.name: "highest risk",
    KMap.name: "fewest people who fit a class",
    KMAnonymity.name: "fewest people sharing a class and codes",
    DeltaPresence.name: "largest share of a class's population",
    AverageRisk.name: "mean risk",
    SampleUniqueness.name: "share of people alone in their class",
    PopulationUniqueness.name: "estimated share of people unique in the population",
    DistinctLDiversity.name: "fewest values in a class",
    EntropyLDiversity.name: "least entropy of a class, as a number of equally frequent values,",
    RecursiveCLDiversity.name: "largest r_1 / (r_l + … + r_m) of a class",
    TCloseness.name: "largest distance of a class",
    DeltaDisclosure.name: "largest |ln(p / q)| of a class",
    BetaLikeness.name: "largest (p - q) / q of a class",
}
"""What the figure is that a verdict says was reached."""


def verdict(
    classed: Classed,
    criterion: Criterion,
    position: int,
    reference: pl.DataFrame | None = None,
    *,
    known: tuple[int, int] | None = None,
) -> Verdict:
    """What counting the criterion at ``position`` of the run's criteria finds.

    ``known``, as of ``known_events``, has diversity judged among the people who share events as well.
    """
    match criterion:
        case KAnonymity(k):
            return at_least(classed.classes[PERSON], k)
        case DistinctLDiversity() if known is not None:
            return diverse_codes(classed, criterion, (position, known[0]), known[1])
        case DistinctLDiversity() | EntropyLDiversity() | RecursiveCLDiversity():
            return histograms.diversity(classed, criterion, position)
        case TCloseness() | DeltaDisclosure() | BetaLikeness():
            assert reference is not None
            return histograms.closeness(classed, criterion, position, reference)
        case KMAnonymity():
            return known_codes(classed, criterion, position)
        case AverageRisk() | SampleUniqueness() | PopulationUniqueness():
            return sample_verdict(classed, criterion)
        case KMap() | DeltaPresence() if reference is not None:
            return population_verdict(classed, criterion, reference)
        case MaxRisk() | KMap():
            return _by_size(classed, criterion)
    raise NotImplementedError(criterion.name)


def _by_size(classed: Classed, criterion: MaxRisk | KMap) -> Verdict:
    """The verdict of what is k-anonymity in other words."""
    people = classed.classes[PERSON]
    if isinstance(criterion, KMap):
        assert criterion.smallest_class is not None
        return at_least(people, criterion.smallest_class)
    smallest = min(people.to_list(), default=None)
    return Verdict(people >= criterion.k, None if smallest is None else 1 / smallest)


def kept(classed: Classed, criteria: Sequence[Criterion], references: References) -> pl.Series:
    """Whether each row lies in a class that is released: one that holds every criterion about classes, and
    is none of the smallest ones that must go for those about the release as a whole.
    """
    holds = largest_kept(classed, holding(classed, criteria, references), criteria)
    return holds.gather(classed.rows[CLASS])


def holding(classed: Classed, criteria: Sequence[Criterion], references: References) -> pl.Series:
    """Which classes hold every criterion about classes; what is repaired later needs its k people only."""
    holds = pl.Series([True], dtype=pl.Boolean).new_from_index(0, classed.classes.height)
    for position, criterion in enumerate(criteria):
        if isinstance(criterion, SampleCriterion):
            continue
        asked = KAnonymity(criterion.k) if _is_repaired(criterion) else criterion
        holds &= verdict(classed, asked, position, references.get(position)).holds
    return holds


def together(classed: Classed, criteria: Sequence[Criterion]) -> bool:
    """Whether the classes hold every criterion about the release as a whole."""
    asked = (criterion for criterion in criteria if isinstance(criterion, SampleCriterion))
    return all(bool(sample_verdict(classed, criterion).holds.all()) for criterion in asked)


def _is_repaired(criterion: Criterion) -> TypeGuard[KMAnonymity]:
    return isinstance(criterion, KMAnonymity) and criterion.repair


def columns_repaired(criteria: Iterable[Criterion]) -> set[str]:
    """The columns of lists from which codes are taken out: they are not released as they are."""
    return {criterion.column for criterion in criteria if _is_repaired(criterion)}


def known_events(criteria: Sequence[Criterion]) -> tuple[int, int] | None:
    """Where the criterion about all of a person's events stands, and how many are known; None if not once."""
    found = [(i, c.m) for i, c in enumerate(criteria) if isinstance(c, KMAnonymity) and c.column == EVENTS]
    return found[0] if len(found) == 1 else None


def column_of(criterion: Criterion) -> str | None:
    """The column whose base values the criterion counts, if it counts any."""
    return getattr(criterion, "column", None)


def rests_on(criterion: Criterion) -> Literal["people", "cells", "values", "input"]:
    """What it takes to count the criterion again: people, a column's cells as they are released, its
    unchanged values, or the input itself or a population.

    What rests on the input is never recountable from outside: what it compares with would have to be
    released.
    """
    match criterion:
        case KMap() if counts_population(criterion):
            return "input"
        case KAnonymity() | MaxRisk() | KMap() | AverageRisk() | SampleUniqueness() | PopulationUniqueness():
            return "people"
        case KMAnonymity():
            return "cells"
        case DistinctLDiversity() | EntropyLDiversity() | RecursiveCLDiversity():
            return "values"
    return "input"
