"""Released columns that give a quasi-identifier away: a raw column beside its generalised twin.

A plain table says nothing about where its columns come from, so the data are asked: a kept column that
determines a quasi-identifier undoes the generalisation, whatever the criteria say. Three tests, on people
and on the column as it is released:

- nearly unique: almost every person has a value of their own, so the column names the person. Floating-point
  measurements are spared; they are unique by their precision.
- functional dependency: among people who share a value, the value predicts the quasi-identifier without
  exception (Goodman and Kruskal's lambda, J. Am. Stat. Assoc. 49, 1954, at least 0.99), and that is not
  chance (under independence less likely than one in a million).
- one to one: distinct values pair off, also for numbers that only grow and fall together.

A weak dependency passes. No test finds that two columns together determine a third.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import log

import polars as pl

from anonymizer.errors import BadConfig, Problem
from anonymizer.tables.coarsening import coarsen
from anonymizer.tables.table import Column, Role, Table
from release.config.columns import matching_keys
from release.config.root import Config
from release.intake.columns import accepted_dependencies
from release.intake.time_columns import table_time_problems, with_intervals

NEARLY_UNIQUE = 0.9
FEWEST_PEOPLE = 20
LEAST_LAMBDA = 0.99
LEAST_EVIDENCE = log(1e6)


@dataclass(frozen=True, slots=True)
class Dependency:
    """The kept column ``column`` gives ``quasi_identifier`` away (``None``: every one)."""

    column: str
    quasi_identifier: str | None


def refuse_dependencies(config: Config, table: Table) -> None:
    """Raise where a plain table's kept column gives a quasi-identifier away and nobody accepted it.

    Raises:
        BadConfig: naming every such pair of columns, never a value.
    """
    accepted = accepted_dependencies(config, table.frame.columns)
    told = with_intervals(config, table, accepted)
    found = dependencies(told, accepted=accepted, averaged=config.averaged)
    problems = [_problem(config, each) for each in found]
    problems += table_time_problems(config, table, accepted)
    if problems:
        raise BadConfig("columns give quasi-identifiers away", problems=problems)


def dependencies(
    table: Table, *, accepted: Collection[str] = (), averaged: Collection[str] = ()
) -> Iterator[Dependency]:
    """The kept columns not ``accepted`` that give a quasi-identifier away, in the table's order.

    Columns that are ``averaged`` over groups of people are released with nobody's own value.
    """
    people = table.people
    for column in table.columns:
        if column.role in (Role.SENSITIVE, Role.INSENSITIVE) and column.name not in accepted:
            yield from _given_away(table, column, people, is_averaged=column.name in averaged)


def _given_away(
    table: Table, column: Column, people: pl.Series, *, is_averaged: bool
) -> Iterator[Dependency]:
    kept = coarsen(table.frame[column.name], column).rename("kept")
    if isinstance(kept.dtype, pl.List):
        kept = kept.list.join(" ")
    if not is_averaged and _nearly_unique(kept, people):
        yield Dependency(column.name, None)
        return
    for quasi in table.quasi_identifiers:
        pairs = _pairs(kept, table.frame[quasi.name].rename("quasi"), people)
        if _determines(pairs) or _one_to_one(pairs):
            yield Dependency(column.name, quasi.name)


def _nearly_unique(kept: pl.Series, people: pl.Series) -> bool:
    if kept.dtype.is_float():
        return False
    present = pl.DataFrame([kept, people]).drop_nulls("kept")
    n_people = present["person"].n_unique()
    return n_people >= FEWEST_PEOPLE and present["kept"].n_unique() >= NEARLY_UNIQUE * n_people


def _pairs(kept: pl.Series, quasi: pl.Series, people: pl.Series) -> pl.DataFrame:
    """Distinct (kept, quasi) with the number of people ``n`` that have both."""
    frame = pl.DataFrame([kept, quasi, people])
    if people.n_unique() < frame.height:
        frame = frame.unique()
    return frame.group_by("kept", "quasi").agg(pl.len().cast(pl.Int64).alias("n"))


def _determines(pairs: pl.DataFrame) -> bool:
    """Whether the kept value, where two people or more share it, predicts the quasi-identifier."""
    groups = pairs.group_by("kept").agg(people=pl.sum("n"), right=pl.max("n")).filter(pl.col("people") >= 2)
    shared = pairs.join(groups.select("kept"), on="kept", how="semi", nulls_equal=True)
    margins = shared.group_by("quasi").agg(pl.sum("n"))["n"]
    people = int(margins.sum())
    to_explain = people - int(margins.max() or 0)  # type: ignore[arg-type]
    if to_explain == 0:
        return False
    explained = int(groups["right"].sum()) - (people - to_explain)
    agreement_by_chance = float((margins.cast(pl.Float64) / people).pow(2).sum())
    evidence = (people - groups.height) * -log(agreement_by_chance)
    return explained >= LEAST_LAMBDA * to_explain and evidence >= LEAST_EVIDENCE


def _one_to_one(pairs: pl.DataFrame) -> bool:
    """Whether values pair off and do so in order, so that each is the other in another unit."""
    n = pairs.height
    if n < FEWEST_PEOPLE or pairs["kept"].n_unique() < n or pairs["quasi"].n_unique() < n:
        return False
    quasi = pairs["quasi"].cast(pl.Float64, strict=False)
    kept = pairs["kept"]
    if not kept.dtype.is_numeric() or quasi.null_count() or kept.null_count():
        return kept.cast(pl.String).equals(pairs["quasi"].alias("kept"), check_names=False)
    along = quasi.gather(kept.arg_sort())
    return along.is_sorted() or along.is_sorted(descending=True)


def _problem(config: Config, found: Dependency) -> Problem:
    what = (
        "is nearly unique and names the person"
        if found.quasi_identifier is None
        else f"determines the quasi-identifier {found.quasi_identifier!r}"
    )
    remedy = "drop it, coarsen it, or write accept_dependency: true"
    if not (keys := matching_keys(config.columns, found.column)):
        return config.problem(("time", "shift"), f"the interval {found.column} {what}; {remedy}")
    where = f"{found.column} " if keys[0] != found.column else ""
    return config.problem(("columns", keys[0]), f"{where}{what}; {remedy}")
