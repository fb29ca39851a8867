"""What criteria compare with a population: how many of its people match each class, counted literally."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import polars as pl

from anonymizer.criteria import Criterion, DeltaPresence, KMap
from anonymizer.errors import VerificationFailed
from anonymizer.hierarchies.hierarchy import SUPPRESSED
from release.verifying.recount import PERSON, Classed, Verdict, at_least, keys_of

POPULATION, PRESENT = "population", "present"


def counts_population(criterion: Criterion) -> bool:
    """Whether the criterion counts the people of a population table."""
    if isinstance(criterion, KMap):
        return criterion.sampling_fraction is None
    return isinstance(criterion, DeltaPresence)


def matched(population: pl.DataFrame, data: Classed) -> pl.DataFrame:
    """Every class of the population, from its people's labels ``q0``, ``q1``, …: their number, and how many
    people of the data are ``present`` in it, before anything is suppressed.

    Raises:
        VerificationFailed: a class of the data has more people than that of the population.
    """
    keys = keys_of(population)
    own = data.classes.select(*_as_text(keys), pl.col(PERSON).alias(PRESENT))
    classes = population.select(_as_text(keys)).group_by(keys).agg(pl.len().cast(pl.Int64).alias(POPULATION))
    both = classes.join(own, on=keys, how="full", nulls_equal=True, coalesce=True).with_columns(
        pl.col(POPULATION, PRESENT).fill_null(0)
    )
    if strangers := both.filter(pl.col(PRESENT) > pl.col(POPULATION)).height:
        raise VerificationFailed("classes hold people who are not in the population", count=strangers)
    return both.sort(keys)


def with_stars(classes: pl.DataFrame, kept: Classed, starred: int) -> pl.DataFrame:
    """The classes and that of ``starred`` people: anybody who fits no ``kept`` class may be one of them."""
    keys = keys_of(classes)
    if classes.select(pl.all_horizontal(pl.col(keys).eq_missing(SUPPRESSED)).any()).item():
        return classes
    shown = kept.classes.select(_as_text(keys))
    others = classes.join(shown, on=keys, how="anti", nulls_equal=True)[POPULATION].sum()
    stars = {**dict.fromkeys(keys, SUPPRESSED), POPULATION: others, PRESENT: starred}
    return pl.concat([classes, pl.DataFrame([stars], schema=classes.schema)])


def population_verdict(classed: Classed, criterion: KMap | DeltaPresence, reference: pl.DataFrame) -> Verdict:
    """The verdict of a criterion on how many people of the population each class matches.

    ``reference`` is what ``matched`` makes. ``reached`` is the smallest number, or the largest share.
    """
    keys = keys_of(reference)
    classes = classed.classes.select(*_as_text(keys), PERSON).join(
        reference, on=keys, how="left", nulls_equal=True, maintain_order="left"
    )
    if unknown := classes[POPULATION].null_count():
        raise VerificationFailed("classes match nobody of the population", count=unknown)
    if isinstance(criterion, KMap):
        return at_least(classes[POPULATION], criterion.k)
    return _presence(classes, criterion, reference)


def _presence(classes: pl.DataFrame, criterion: DeltaPresence, reference: pl.DataFrame) -> Verdict:
    """Where the lower bound is above 0, a class with nobody of the data breaks it for every other class."""
    shares = [Fraction(people, whole) for people, whole in classes.select(PERSON, POPULATION).iter_rows()]
    absent = reference.filter((pl.col(PRESENT) == 0) & (pl.col(POPULATION) > 0)).height
    told = criterion.lower > 0 and absent > 0
    holds = [not told and criterion.lower <= share <= criterion.upper for share in shares]
    return Verdict(pl.Series(holds, dtype=pl.Boolean), float(max(shares)) if shares else None)


def _as_text(keys: Sequence[str]) -> list[pl.Expr]:
    """Labels may be categories, of other sets on either side."""
    return [pl.col(key).cast(pl.String) for key in keys]
