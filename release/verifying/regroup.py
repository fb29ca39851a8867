"""Microaggregation once more: the recorded groups, and each one's mean by the literal definition."""

from __future__ import annotations

from fractions import Fraction
from statistics import mean

import polars as pl

from anonymizer.errors import VerificationFailed
from anonymizer.tables.table import Table
from anonymizer.transforming.microaggregation import Grouping

_GROUP, _PERSON, _ROW = "\0group", "\0person", "\0row"


def regrouped(
    frame: pl.DataFrame, rows: pl.Series, table: Table, groupings: tuple[Grouping, ...]
) -> pl.DataFrame:
    """The released rows ``frame``, which stand at ``rows`` in the table, with means in place of numbers.

    Raises:
        VerificationFailed: a group of fewer than k people or of people who lack different numbers, a row in
            a group that is not released, or numbers withheld although there are enough people alike.
    """
    for grouping in groupings:
        names = list(grouping.demand.columns)
        group = pl.Series(_GROUP, grouping.group_of_row)
        people = table.people.gather(rows).alias(_PERSON)
        cells = frame.select(names).with_columns(group.gather(rows), people)
        if (group >= 0).sum() != (cells[_GROUP] >= 0).sum():
            raise VerificationFailed("a row is in a group and is not released")
        _check_groups(cells, grouping)
        frame = frame.with_columns(_means(cells, name) for name in names)
    return frame


def _check_groups(cells: pl.DataFrame, grouping: Grouping) -> None:
    names, k = grouping.demand.columns, grouping.demand.k
    has = [pl.col(name).is_not_null().any().alias(name) for name in names]
    people = cells.group_by(_GROUP, _PERSON).agg(*has)
    if people[_PERSON].n_unique() < people.height:
        raise VerificationFailed("a person is in several groups")
    grouped = people.filter(pl.col(_GROUP) >= 0)
    small = grouped.group_by(_GROUP).len().filter(pl.col("len") < k).height
    if small:
        raise VerificationFailed("groups are averaged over fewer than k people", count=small)
    if grouped.select(_GROUP, *names).unique().height > grouped[_GROUP].n_unique():
        raise VerificationFailed("a group holds people who lack different numbers")
    alone = people.filter(pl.col(_GROUP) < 0, pl.any_horizontal(names))
    if not alone.group_by(names).len().filter(pl.col("len") >= k).is_empty():
        raise VerificationFailed("numbers are withheld of people whom a group would hide")


def _means(cells: pl.DataFrame, name: str) -> pl.Series:
    """The column ``name`` with its groups' means: of the people's means, as fractions, rounded at the end."""
    is_integer = cells[name].dtype.is_integer()
    present = cells.filter(pl.col(_GROUP) >= 0, pl.col(name).is_not_null())
    people = present.group_by(_GROUP, _PERSON).agg(name)
    told: dict[int, int | float] = {}
    for (group,), held in people.group_by(_GROUP):
        of_people = [mean(map(Fraction, own)) for own in held[name].to_list()]
        told[int(str(group))] = round(mean(of_people)) if is_integer else float(mean(of_people))
    schema = {_GROUP: pl.Int64(), "mean": pl.Int64() if is_integer else pl.Float64()}
    means = pl.DataFrame({_GROUP: list(told), "mean": list(told.values())}, schema=schema)
    joined = cells.join(means, on=_GROUP, how="left", maintain_order="left")
    return joined.select(pl.when(pl.col(name).is_not_null()).then("mean").alias(name)).to_series()
