"""The recorded transformation once more, by a literal join of every value with its label.

Nothing of the search, its encoding or its transformation is used here, only the hierarchies themselves: an
error in any of them must not be able to repeat itself in the check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor

import polars as pl

from anonymizer.criteria import KMAnonymity
from anonymizer.errors import VerificationFailed
from anonymizer.hierarchies.hierarchy import SUPPRESSED
from anonymizer.tables.table import Column, Role
from anonymizer.tables.values import canonical
from release.verifying.code_set_counts import without_codes
from release.verifying.labels import labels_at, level_bounds
from release.verifying.population_counts import counts_population, matched, with_stars
from release.verifying.promise import Promise
from release.verifying.recoding_map import check_map, recode
from release.verifying.recount import PERSON, Classed, base, classed, countable, key, keys_of
from release.verifying.references import references
from release.verifying.regroup import regrouped
from release.verifying.retime import retimed
from release.verifying.verdicts import References, column_of, holding, kept, rests_on, together


@dataclass(frozen=True, slots=True)
class Replay:
    """What the promise makes of the input: the rows to expect, in no particular order.

    ``counted`` holds the same rows as ``recount.countable`` makes them, in the same order; ``before`` the
    input's rows by their base values; ``suppressed`` the rows dropped or starred; ``references`` what the
    criteria compare with.
    """

    frame: pl.DataFrame
    counted: pl.DataFrame
    before: pl.DataFrame
    suppressed: int
    references: References

    @property
    def row_is_person(self) -> bool:
        """Whether no person has two released rows; of suppressed rows nobody may learn even that."""
        return self.counted[PERSON].n_unique() == self.counted.height


def replay(promise: Promise) -> Replay:
    """The rows the release must hold; raises ``VerificationFailed`` for levels that are none."""
    table = promise.table
    recoded = None if promise.recoding is None else recode(promise.recoding, table)
    given = retimed(table, promise.timing)
    released = _every_row(promise, given if recoded is None else {**recoded.columns, **given})
    names = [column.name for column in table.quasi_identifiers]
    before = _countable(table.frame, names, promise)
    generalised = _countable(released, names, promise)
    data = classed(generalised)
    compared = {**references(promise.criteria, table), **_populations(promise, data)}
    keeps = kept(data, promise.criteria, compared) if recoded is None else recoded.shown
    shown, hidden = generalised.filter(keeps), generalised.filter(~keeps)
    starred, starred_counted = released.clear(), generalised.clear()
    if promise.suppressed == "star" and hidden.height:
        compared = _with_stars(compared, promise, shown, hidden)
        starred, starred_counted = _starred(released.filter(~keeps), hidden, shown, promise, compared)
    positions = pl.int_range(table.frame.height, eager=True)
    rows = pl.concat([positions.filter(keeps), positions.filter(~keeps).head(starred.height)])
    frame, counted = _repaired(
        pl.concat([released.filter(keeps), starred]), pl.concat([shown, starred_counted]), promise
    )
    return Replay(
        regrouped(frame, rows, table, promise.groupings),
        counted,
        before,
        int((~keeps).sum()),
        compared,
    )


def _every_row(promise: Promise, given: Mapping[str, pl.Series]) -> pl.DataFrame:
    """The input's rows as they are released if none is suppressed; ``given`` columns are known."""
    table = promise.table
    return pl.DataFrame(
        [
            given[column.name]
            if column.name in given
            else _released(table.frame[column.name], column, promise)
            for column in table.released
        ]
    )


def check_levels(promise: Promise) -> None:
    """Raise ``VerificationFailed`` unless every quasi-identifier has one level, within its bounds; under a
    recoding a level for each combination of values.
    """
    if promise.recoding is not None:
        check_map(promise.recoding, promise.table)
        return
    quasi = {column.name: column for column in promise.table.quasi_identifiers}
    if set(promise.transformation) != set(quasi):
        raise VerificationFailed("the transformation does not name exactly the quasi-identifiers")
    for name, level in promise.transformation.items():
        column = quasi[name]
        lowest, highest = level_bounds(column)
        if not lowest <= level <= highest:
            raise VerificationFailed("the generalisation level lies outside its bounds", column=name)


def _released(cells: pl.Series, column: Column, promise: Promise) -> pl.Series:
    if column.role is Role.QUASI_IDENTIFIER:
        labels = labels_at(column, cells, promise.transformation[column.name])
        return _join(cells, _as_categories(labels)).alias(column.name)
    if column.clip is not None:
        return _clip(cells, *column.clip)
    if column.release_level is not None:
        return _at_release_level(cells, column)
    return cells


def _as_categories(labels: pl.DataFrame) -> pl.DataFrame:
    """The labels by number: a million rows of them are then filtered and grouped many times faster."""
    few = pl.Enum(sorted({SUPPRESSED, *labels["label"].drop_nulls()}))
    return labels.with_columns(pl.col("label").cast(few))


def _join(cells: pl.Series, labels: pl.DataFrame) -> pl.Series:
    rows = cells.alias("value").to_frame()
    return rows.join(labels, on="value", how="left", nulls_equal=True, maintain_order="left")["label"]


def _clip(cells: pl.Series, low: float | None, high: float | None) -> pl.Series:
    if cells.dtype.is_integer():
        lowest = None if low is None else max(ceil(low), -(2**63))
        return cells.clip(lowest, None if high is None else min(floor(high), 2**63 - 1))
    return cells.clip(low, high)


def _at_release_level(cells: pl.Series, column: Column) -> pl.Series:
    """Labels of a fixed level; missing stays missing, and a list becomes the set of its codes' labels."""
    level = column.release_level or 0
    listed = isinstance(cells.dtype, pl.List)
    values = cells.drop_nulls().explode(empty_as_null=False) if listed else canonical(cells)
    labels = labels_at(column, values, level).drop_nulls("value")
    if not listed:
        return _join(values, labels).alias(column.name)
    codes = pl.DataFrame({"row": range(len(cells)), "value": cells}).explode("value").drop_nulls("value")
    sets = codes.join(labels, on="value").group_by("row").agg(pl.col("label").unique().sort())
    rows = pl.DataFrame({"row": range(len(cells)), "cells": cells}).join(sets, on="row", how="left")
    empty = pl.when(pl.col("cells").is_not_null()).then(pl.lit([], dtype=pl.List(pl.String)))
    return rows.sort("row").select(pl.coalesce("label", empty)).to_series().alias(column.name)


def _countable(frame: pl.DataFrame, names: list[str], promise: Promise) -> pl.DataFrame:
    table = promise.table
    base_values = {
        position: (frame if rests_on(criterion) == "cells" else table.frame)[name]
        for position, criterion in enumerate(promise.criteria)
        if (name := column_of(criterion)) is not None
    }
    return countable([frame[name] for name in names], table.people, base_values)


def _populations(promise: Promise, data: Classed) -> dict[int, pl.DataFrame]:
    """By its criterion's position, the classes of the population at the promised levels."""
    positions = [i for i, criterion in enumerate(promise.criteria) if counts_population(criterion)]
    people = promise.table.population
    if not positions:
        return {}
    if people is None or promise.recoding is not None:
        raise VerificationFailed("there is no population to count, or it has no levels")
    labels = [
        _released(people[column.name], column, promise).alias(key(j))
        for j, column in enumerate(promise.table.quasi_identifiers)
    ]
    return dict.fromkeys(positions, matched(pl.DataFrame(labels), data))


def _with_stars(
    compared: References, promise: Promise, shown: pl.DataFrame, hidden: pl.DataFrame
) -> dict[int, pl.DataFrame]:
    """What is compared with, where the ``hidden`` rows are starred and the ``shown`` ones are not."""
    starred, classes = hidden[PERSON].n_unique(), classed(shown)
    return {
        position: with_stars(each, classes, starred)
        if counts_population(promise.criteria[position])
        else each
        for position, each in compared.items()
    }


def _repaired(
    frame: pl.DataFrame, counted: pl.DataFrame, promise: Promise
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows, in both forms, without the codes that are recorded as removed from their classes."""
    named = {i: c for i, c in enumerate(promise.criteria) if rests_on(c) == "cells"}
    repaired = {c.column for c in named.values() if isinstance(c, KMAnonymity) and c.repair}
    if repaired != set(promise.removed_codes):
        raise VerificationFailed("codes were removed from other columns than those to be repaired")
    for column, removed in promise.removed_codes.items():
        lists = without_codes(frame[column], counted.select(keys_of(counted)), removed)
        frame = frame.with_columns(lists)
    return frame, counted.with_columns(
        frame[name].alias(base(i)) for i, c in named.items() if (name := column_of(c)) is not None
    )


def _starred(
    released: pl.DataFrame,
    counted: pl.DataFrame,
    shown: pl.DataFrame,
    promise: Promise,
    compared: References,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The suppressed rows starred, in both forms; none where their class would break a criterion itself, or
    the release would with them, whose other rows are ``shown``.
    """
    stars = {name: pl.lit(SUPPRESSED, dtype=counted.schema[name]) for name in keys_of(counted)}
    rows = counted.with_columns(**stars)
    if not (
        holding(classed(rows), promise.criteria, compared).all()
        and together(classed(pl.concat([shown, rows])), promise.criteria)
    ):
        return released.clear(), counted.clear()
    by_role = {
        Role.QUASI_IDENTIFIER: pl.lit(SUPPRESSED),
        Role.INSENSITIVE: pl.lit(None),
    }
    cells = [
        by_role[column.role].cast(released.schema[column.name]).alias(column.name)
        for column in promise.table.released
        if column.role in by_role
    ]
    return released.with_columns(cells), rows
