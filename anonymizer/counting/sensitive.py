"""Sensitive columns: their values as codes in natural order, and how many people of each tuple hold which.

The unit is the person: the frequency of a value is the number of distinct people who have it at least once.
Where every row is a person such frequencies add up when tuples merge; where one person has several rows they
do not, and the distinct (value, person) pairs of each tuple are held instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.counting import grouping, kernels
from anonymizer.errors import BadConfig
from anonymizer.hierarchies.encoding import Codes, Counts64, level_labels
from anonymizer.tables import values
from anonymizer.tables.table import Column


@dataclass(frozen=True, slots=True)
class Held:
    """Distinct (owner, item) pairs, sorted by item: what each tuple or class holds; int32.

    Where every row is a person an item is a value, and ``number`` int64 (pairs) counts its people. Otherwise
    an item is a value of a person, ``value_of`` int32 (items) leads to the value, and ``number`` is ``None``:
    each pair is one person.
    """

    owner: Codes
    item: Codes
    number: Counts64 | None
    value_of: Codes | None = None

    def __post_init__(self) -> None:
        for array in (self.owner, self.item, self.number, self.value_of):
            if array is not None:
                array.setflags(write=False)

    def merged(self, class_of: Codes, classes: int) -> Held:
        """What the classes hold that ``class_of`` int32 (owners) makes of the owners."""
        if self.number is None:
            owner, item, _ = kernels.merge_pairs(class_of, classes, self.owner, self.item)
            return Held(owner, item, None, self.value_of)
        return Held(*grouping.merge_numbers(class_of, classes, self.owner, self.item, self.number))

    def frequencies(self, owners: int) -> Held:
        """People per owner and value, sorted by value; the same object where that is what is held."""
        if self.value_of is None:
            return self
        everyone = np.arange(owners, dtype=np.int32)
        ones = np.ones(len(self.owner), np.int64)
        return Held(*grouping.merge_numbers(everyone, owners, self.owner, self.value_of[self.item], ones))


@dataclass(frozen=True, slots=True)
class Sensitive:
    """A sensitive column over the whole input.

    Codes follow the values' natural order (numbers, dates, integers written as text by size; other text by
    its letters); missing, if there is any, is the last one. ``totals`` int64 (codes) are the people per code.
    ``ancestors`` int32 (levels below the top, codes) numbers each code's label per level of the column's
    hierarchy, ``None`` where nothing asks for it. ``held`` tells what each tuple holds.
    """

    name: str
    totals: Counts64
    has_missing: bool
    ancestors: Codes | None
    held: Held

    def __post_init__(self) -> None:
        self.totals.setflags(write=False)

    @property
    def size(self) -> int:
        """The number of codes, missing included."""
        return len(self.totals)

    @property
    def known(self) -> int:
        """The number of values; missing is none."""
        return self.size - self.has_missing

    @property
    def people(self) -> int:
        """The sum of all frequencies: q of a code is ``totals / people``."""
        return int(self.totals.sum())


class Coded(NamedTuple):
    """A sensitive column's codes int32 (rows), how many there are, whether the last one is missing."""

    codes: Codes
    size: int
    has_missing: bool
    ancestors: Codes | None


def encode_sensitive(series: pl.Series, column: Column, *, ancestors: bool) -> Coded:
    """The codes of a column's cells in natural order and, if asked for, their labels per level.

    Raises:
        BadInput: values outside the hierarchy (column and count).
        BadConfig: labels are asked for and the column has no hierarchy.
    """
    if isinstance(series.dtype, pl.Categorical | pl.Enum):
        series = series.cast(pl.String)
    ranks, known = _ranked_text(series) if series.dtype == pl.String else _ranked(series)
    has_missing = series.null_count() > 0
    codes = ranks.fill_null(known).to_numpy()
    labels = _ancestors(series, column, codes, has_missing=has_missing) if ancestors else None
    return Coded(codes, known + has_missing, has_missing, labels)


def _ranked_text(series: pl.Series) -> tuple[pl.Series, int]:
    distinct = series.unique().drop_nulls()
    if distinct.str.contains(values.INTEGER).all():
        numbers = distinct.str.strip_prefix("+").cast(pl.Int64)
        ordered = pl.DataFrame({"text": distinct, "number": numbers}).sort("number", "text")["text"]
    else:
        ordered = distinct.sort()
    return series.cast(pl.Enum(ordered)).to_physical().cast(pl.Int32), len(ordered)


def _ranked(series: pl.Series) -> tuple[pl.Series, int]:
    ranks = series.rank("dense").cast(pl.Int32)
    highest = ranks.max()
    return ranks - 1, highest if isinstance(highest, int) else 0


def _ancestors(series: pl.Series, column: Column, codes: Codes, *, has_missing: bool) -> Codes:
    """Numbers of every code's labels at each level below the top; labels differ where coarser ones do."""
    if column.hierarchy is None:
        raise BadConfig("hierarchical t-closeness needs a hierarchy", column=column.name)
    if isinstance(series.dtype, pl.List):
        raise BadConfig("a list has no place in a hierarchy of values", column=column.name)
    _, first = np.unique(codes, return_index=True)
    distinct = values.canonical(series.gather(first)).drop_nulls().to_list()
    labels, _, _ = level_labels(column.hierarchy, distinct, missing=has_missing, column=column.name)
    number: dict[tuple[str | None, ...], int] = {}
    paths = list(zip(*labels, strict=True))
    numbered = [
        [number.setdefault(path[level:], len(number)) for path in paths] for level in range(len(labels) - 1)
    ]
    return np.array(numbered, np.int32).reshape(len(labels) - 1, len(paths))


def hold(
    name: str, coded: Coded, tuple_of_row: Codes, person_of_row: Codes | None, *, tuples: int
) -> Sensitive:
    """The sensitive column as the tuples hold it; without ``person_of_row`` every row is a person."""
    codes = coded.codes
    if person_of_row is None:
        held = _held(tuple_of_row, codes, coded.size, tuples)
        totals = np.bincount(codes, minlength=coded.size)
    else:
        held, totals = _held_by_person(coded, tuple_of_row, person_of_row, tuples)
    return Sensitive(name, totals.astype(np.int64), coded.has_missing, coded.ancestors, held)


def _held(owner: Codes, codes: Codes, size: int, tuples: int) -> Held:
    order = grouping.sort_rows(codes, size)
    everyone = np.arange(tuples, dtype=np.int32)
    ones = np.ones(len(order), np.int64)
    return Held(*grouping.merge_numbers(everyone, tuples, owner[order], codes[order], ones))


def _held_by_person(coded: Coded, owner: Codes, person: Codes, tuples: int) -> tuple[Held, NDArray[np.int64]]:
    """What each tuple's people hold; a row without a person (-1) is nobody's."""
    named = np.flatnonzero(person >= 0)
    persons = int(person.max(initial=-1)) + 1
    keys = coded.codes[named].astype(np.int64) * persons + person[named]
    # Sorted numbering: items follow their values.
    distinct, item = np.unique(keys, return_inverse=True)
    value_of = (distinct // max(persons, 1)).astype(np.int32)
    order = grouping.sort_rows(item, len(distinct))
    everyone = np.arange(tuples, dtype=np.int32)
    pairs = kernels.merge_pairs(everyone, tuples, owner[named][order], item[order].astype(np.int32))
    return Held(pairs[0], pairs[1], None, value_of), np.bincount(value_of, minlength=coded.size)


def columns_of(names: Sequence[str], columns: Sequence[Column]) -> list[Column]:
    """The columns of these names, in order of their names."""
    return sorted((column for column in columns if column.name in set(names)), key=lambda c: c.name)
