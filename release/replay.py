"""The recorded transformation once more, by a literal join of every value with its label.

Nothing of the search, its encoding or its transformation is used here, only the hierarchies themselves: an
error in any of them must not be able to repeat itself in the check.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import polars as pl

from anonymizer.criteria import DistinctLDiversity
from anonymizer.errors import VerificationFailed
from anonymizer.hierarchy import SUPPRESSED, Hierarchy
from anonymizer.table import Column, Role
from anonymizer.values import canonical
from release.promise import Promise
from release.recount import PERSON, count_classes, countable, keys_of, meets


@dataclass(frozen=True, slots=True)
class Replay:
    """What the promise makes of the input: the rows to expect, in no particular order.

    ``counted`` holds the same rows as ``recount.countable`` makes them, in the same order; ``before`` the
    input's rows by their base values; ``suppressed`` the rows dropped or starred.
    """

    frame: pl.DataFrame
    counted: pl.DataFrame
    before: pl.DataFrame
    suppressed: int

    @property
    def row_is_person(self) -> bool:
        """Whether no person has two released rows; of suppressed rows nobody may learn even that."""
        return self.counted[PERSON].n_unique() == self.counted.height


def replay(promise: Promise) -> Replay:
    """The rows the release must hold; raises ``VerificationFailed`` for levels that are none."""
    table = promise.table
    released = pl.DataFrame(
        [_released(table.frame[column.name], column, promise) for column in table.released]
    )
    names = [column.name for column in table.quasi_identifiers]
    before = _countable(table.frame, names, promise)
    generalised = _countable(released, names, promise)
    keeps = _keeps(generalised, promise)
    starred, starred_counted = _starred(released, generalised, ~keeps, promise)
    return Replay(
        pl.concat([released.filter(keeps), starred]),
        pl.concat([generalised.filter(keeps), starred_counted]),
        before,
        int((~keeps).sum()),
    )


def labels_at(hierarchy: Hierarchy, values: pl.Series, level: int) -> pl.DataFrame:
    """The distinct ``value``s of a column and the ``label`` of each; missing stays so below the top."""
    distinct = values.unique().drop_nulls().sort()
    labels = hierarchy.generalise(distinct.to_list()).labels
    missing = SUPPRESSED if level == len(labels) - 1 else None
    return pl.DataFrame(
        {"value": [*distinct, None], "label": [*labels[level], missing]},
        schema={"value": pl.String, "label": pl.String},
    )


def check_levels(promise: Promise) -> None:
    """Raise ``VerificationFailed`` unless every quasi-identifier has one level, within its bounds."""
    quasi = {column.name: column for column in promise.table.quasi_identifiers}
    if set(promise.transformation) != set(quasi):
        raise VerificationFailed("the transformation does not name exactly the quasi-identifiers")
    for name, level in promise.transformation.items():
        column = quasi[name]
        top = len(_hierarchy(column).level_names) - 1
        highest = top if column.max_level is None else column.max_level
        if not max(column.min_level, 0) <= level <= min(highest, top):
            raise VerificationFailed("the generalisation level lies outside its bounds", column=name)


def _released(cells: pl.Series, column: Column, promise: Promise) -> pl.Series:
    if column.role is Role.QUASI_IDENTIFIER:
        labels = labels_at(_hierarchy(column), cells, promise.transformation[column.name])
        return _join(cells, labels).alias(column.name)
    if column.clip is not None:
        return _clip(cells, *column.clip)
    if column.release_level is not None:
        return _at_release_level(cells, column)
    return cells


def _join(cells: pl.Series, labels: pl.DataFrame) -> pl.Series:
    rows = cells.alias("value").to_frame()
    return rows.join(labels, on="value", how="left", nulls_equal=True, maintain_order="left")["label"]


def _clip(cells: pl.Series, low: float, high: float) -> pl.Series:
    if cells.dtype.is_integer():
        return cells.clip(max(ceil(low), -(2**63)), min(floor(high), 2**63 - 1))
    return cells.clip(low, high)


def _at_release_level(cells: pl.Series, column: Column) -> pl.Series:
    """Labels of a fixed level; missing stays missing, and a list becomes the set of its codes' labels."""
    level = column.release_level or 0
    listed = isinstance(cells.dtype, pl.List)
    values = cells.drop_nulls().explode(empty_as_null=False) if listed else canonical(cells)
    labels = labels_at(_hierarchy(column), values, level).drop_nulls("value")
    if not listed:
        return _join(values, labels).alias(column.name)
    codes = pl.DataFrame({"row": range(len(cells)), "value": cells}).explode("value").drop_nulls("value")
    sets = codes.join(labels, on="value").group_by("row").agg(pl.col("label").unique().sort())
    rows = pl.DataFrame({"row": range(len(cells)), "cells": cells}).join(sets, on="row", how="left")
    empty = pl.when(pl.col("cells").is_not_null()).then(pl.lit([], dtype=pl.List(pl.String)))
    return rows.sort("row").select(pl.coalesce("label", empty)).to_series().alias(column.name)


def _hierarchy(column: Column) -> Hierarchy:
    if column.hierarchy is None:
        raise VerificationFailed("there is no hierarchy to check the column against", column=column.name)
    return column.hierarchy


def _countable(frame: pl.DataFrame, names: list[str], promise: Promise) -> pl.DataFrame:
    table = promise.table
    by_row = pl.int_range(table.frame.height, eager=True)
    person = by_row if table.subject is None else table.frame[table.subject]
    base_values = {
        i: table.frame[c.column] for i, c in enumerate(promise.criteria) if isinstance(c, DistinctLDiversity)
    }
    return countable([frame[name] for name in names], person, base_values)


def _keeps(rows: pl.DataFrame, promise: Promise) -> pl.Series:
    """Which rows lie in a class that meets every criterion."""
    keys = keys_of(rows)
    classes = count_classes(rows).select(*keys, kept=meets(promise.criteria))
    return rows.join(classes, on=keys, how="left", nulls_equal=True, maintain_order="left")["kept"]


def _starred(
    released: pl.DataFrame, counted: pl.DataFrame, suppressed: pl.Series, promise: Promise
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The starred rows, in both forms; none where their class would break a criterion itself."""
    rows = counted.filter(suppressed).with_columns(
        pl.lit(SUPPRESSED).alias(name) for name in keys_of(counted)
    )
    if promise.suppressed != "star" or not count_classes(rows).select(meets(promise.criteria).all()).item():
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
    return released.filter(suppressed).with_columns(cells), rows
