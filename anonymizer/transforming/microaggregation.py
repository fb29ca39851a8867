"""Microaggregation: numbers replaced by the mean of a group of at least k people who are near each other.

It protects the columns it is asked for, over the whole release: no released number is one person's alone, and
every released combination stands for at least k people. It changes no equivalence class and counts for no
other criterion. It does not hide what a whole group has in common.

A group is of people, not of rows: a person with several rows enters with the mean of them, and all of them
get the group's mean. Missing stays missing. People who lack different columns are grouped apart; where fewer
than k lack the same ones, their numbers become missing as well, since no group could hide them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import fsum

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.tables.row_order import in_order
from anonymizer.tables.table import Column, Role, Table

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
LARGEST_BLOCK = 2**15
"""MDAV's time grows with the square of the people, so more than these are halved first."""
NO_GROUP = -1


@dataclass(frozen=True, slots=True)
class Microaggregation:
    """The numbers in ``columns`` are released as means over groups of ``k`` to 2 ``k`` - 1 people."""

    columns: tuple[str, ...]
    k: int

    name = "microaggregation"


@dataclass(frozen=True, slots=True)
class Grouping:
    """Which rows of the input were averaged together; a secret.

    ``group_of_row`` int64 (rows of the input): ``NO_GROUP`` where a row is not released, has none of the
    numbers, or lost them because too few people lack the same ones.
    """

    demand: Microaggregation
    group_of_row: Ints

    def __post_init__(self) -> None:
        self.group_of_row.setflags(write=False)


def positioned(table: Table) -> Table:
    """The table with each row's position as a sensitive column: it stays with its row when it is released."""
    name = _position_of(table)
    position = pl.int_range(table.frame.height, eager=True).alias(name)
    columns = (*table.columns, Column(name, Role.SENSITIVE, sensitive=True))
    return replace(table, frame=table.frame.with_columns(position), columns=columns)


def microaggregate(
    table: Table, released: pl.DataFrame, demands: Sequence[Microaggregation]
) -> tuple[pl.DataFrame, tuple[Grouping, ...]]:
    """The released frame with means in place of numbers, in order, and the groups of each demand.

    ``released`` is what is released of the table as ``positioned`` makes it; the positions are taken out.
    """
    rows = released[_position_of(table)].to_numpy()
    frame = released.drop(_position_of(table))
    people = _people(table, frame, rows)
    groupings = []
    for demand in demands:
        group = _groups(frame, people, demand)
        frame = frame.with_columns(
            group_means(frame[name], people.person_of_row, group).alias(name) for name in demand.columns
        )
        group_of_row = np.full(table.frame.height, NO_GROUP, np.int64)
        group_of_row[rows] = group
        groupings.append(Grouping(demand, group_of_row))
    return in_order(frame), tuple(groupings)


@dataclass(frozen=True, slots=True)
class _People:
    """The released rows' people, numbered in an order that does not depend on the input's."""

    person_of_row: Ints
    count: int


def _people(table: Table, frame: pl.DataFrame, rows: Ints) -> _People:
    subject = None if table.subject is None else table.frame[table.subject][rows]
    if subject is None or subject.n_unique() == len(subject):
        # The rows are sorted by all that is released of them; rows that are alike may change places.
        return _People(np.arange(frame.height), frame.height)
    hashes = frame.hash_rows()
    place = (hashes != hashes.shift()).fill_null(value=False).cum_sum()
    own = pl.DataFrame({"person": subject, "place": place, "row": pl.int_range(frame.height, eager=True)})
    held = own.group_by("person", maintain_order=True).agg("row", "place")
    in_turn = sorted(held.iter_rows(), key=lambda each: each[2])
    person_of_row = np.empty(frame.height, np.int64)
    for number, (_, own_rows, _) in enumerate(in_turn):
        person_of_row[own_rows] = number
    return _People(person_of_row, len(in_turn))


def _groups(frame: pl.DataFrame, people: _People, demand: Microaggregation) -> Ints:
    """Each released row's group, ``NO_GROUP`` for the rows of people who are in none."""
    from anonymizer.transforming.mdav import mdav

    points = np.stack([_numbers(frame[name], people) for name in demand.columns], axis=1)
    present = ~np.isnan(points)
    group = np.full(people.count, NO_GROUP, np.int64)
    number = 0
    for pattern in np.unique(present, axis=0):
        alike = np.flatnonzero((present == pattern).all(axis=1))
        if not pattern.any() or len(alike) < demand.k:
            continue
        standard = _standardised(points[alike][:, pattern])
        for block in _blocks(standard, max(LARGEST_BLOCK, 4 * demand.k)):
            found = mdav(np.ascontiguousarray(standard[block]), demand.k)
            group[alike[block]] = found + number
            number += int(found.max()) + 1
    return group[people.person_of_row]


def _numbers(cells: pl.Series, people: _People) -> Floats:
    """Each person's number, the mean of several ones; not a number where all are missing."""
    values = cells.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    if people.count == len(values):
        point = np.empty(people.count)
        point[people.person_of_row] = values
        return point
    own: list[list[float]] = [[] for _ in range(people.count)]
    for person, value in zip(people.person_of_row.tolist(), values.tolist(), strict=True):
        if value == value:
            own[person].append(value)
    return np.array([fsum(x / len(held) for x in held) if held else np.nan for held in own])


def _standardised(points: Floats) -> Floats:
    """Each column with mean 0 and standard deviation 1, or 0 throughout where it has one value.

    Without matrix products: their sums may depend on the number of threads.
    """
    largest = np.abs(points).max(axis=0)
    scaled = points / np.where(largest > 0, largest, 1.0)
    centred = scaled - scaled.mean(axis=0)
    deviation = np.sqrt((centred * centred).mean(axis=0))
    constant = (points == points[0]).all(axis=0) | (deviation == 0)
    return np.where(constant, 0.0, centred / np.where(constant, 1.0, deviation))


def _blocks(points: Floats, largest: int) -> Iterator[Ints]:
    """The points halved at the median of their widest column until no block is larger than ``largest``.

    After Solanas, Martínez-Ballesté, Domingo-Ferrer and Mateo-Sanz, WI 2006, who block by a tree too.
    """
    waiting = [np.arange(len(points))]
    while waiting:
        block = waiting.pop()
        if len(block) <= largest:
            yield block
            continue
        spread = points[block].max(axis=0) - points[block].min(axis=0)
        order = np.argsort(points[block, int(spread.argmax())], kind="stable")
        half = len(block) // 2
        waiting += [np.sort(block[order[half:]]), np.sort(block[order[:half]])]


def group_means(cells: pl.Series, person_of_row: Ints, group: Ints) -> pl.Series:
    """The cells with each group's mean in them: of its people's means, rounded once from the exact fraction.

    Integers are rounded to the nearest one, halves to the even one; other numbers to the nearest float. Cells
    of no group become missing, and what is missing stays so.
    """
    is_integer = cells.dtype.is_integer()
    own: dict[int, dict[int, list[Fraction]]] = {}
    listed = zip(cells.to_list(), person_of_row.tolist(), group.tolist(), strict=True)
    for value, person, number in listed:
        if value is not None and number != NO_GROUP:
            own.setdefault(number, {}).setdefault(person, []).append(value)
    means = {number: _mean([_mean(held) for held in people.values()]) for number, people in own.items()}
    released = {number: round(mean) if is_integer else float(mean) + 0.0 for number, mean in means.items()}
    told = [
        None if value is None else released.get(number)
        for value, number in zip(cells.to_list(), group.tolist(), strict=True)
    ]
    return pl.Series(cells.name, told, dtype=pl.Int64() if is_integer else pl.Float64())


def _mean(values: Sequence[Fraction | int | float]) -> Fraction:
    return sum((Fraction(value) for value in values), Fraction(0)) / len(values)


def _position_of(table: Table) -> str:
    """A name that no column has, for the positions."""
    name = "row"
    while name in table.frame.columns:
        name += "_"
    return name
