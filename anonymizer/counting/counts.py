"""The sufficient statistic: distinct quasi-identifier tuples and how many rows and people stand behind each.

The search sees nothing else of the table. Distinct people do not add up when one person has several rows, so
then the statistic also holds the distinct (tuple, person) pairs; sensitive columns are held as `sensitive`
describes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.counting import grouping, kernels
from anonymizer.counting.code_sets import CodeSets, Lists, encode_lists, hold_sets, require_lists
from anonymizer.counting.population import encode_with_population, needs_population, require_contained
from anonymizer.counting.sensitive import Coded, Sensitive, columns_of, encode_sensitive, hold
from anonymizer.criteria import Criterion, KMAnonymity, TCloseness
from anonymizer.hierarchies.encoding import Codes, Counts64, Ladder, encode
from anonymizer.tables.table import Table

_KEY_SPACE = 2**62
_DIRECT = 4
"""Keys are addressed directly while there are at most this many times more of them than rows."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Distinct (owner, item) pairs, int32, sorted by item: the people each owner holds."""

    owner: Codes
    item: Codes

    def __post_init__(self) -> None:
        self.owner.setflags(write=False)
        self.item.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Counts:
    """Distinct tuples of base-level codes, ``codes`` int32 (tuples, quasi-identifiers), in lexical order.

    ``rows[i]`` rows hold tuple i. ``people`` is ``None`` where every row is a person of its own, otherwise
    the distinct (tuple, person) pairs. ``sensitive`` holds the columns that criteria ask for, ``by_row``
    those that a metric asks for, where every row counts as a person. ``tuple_of_row`` int32 leads from the
    table's rows to their tuples. ``population`` int64 (tuples) are the people of the population, where a
    criterion counts them; ``sets`` the columns of code sets that criteria ask for.
    """

    ladders: tuple[Ladder, ...]
    codes: Codes
    rows: Counts64
    people: Pairs | None
    sensitive: dict[str, Sensitive]
    tuple_of_row: Codes
    population: Counts64 | None = None
    sets: dict[str, CodeSets] = field(default_factory=dict)
    by_row: dict[str, Sensitive] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for array in (self.codes, self.rows, self.tuple_of_row, self.population):
            if array is not None:
                array.setflags(write=False)

    @property
    def n_rows(self) -> int:
        return int(self.rows.sum())

    @property
    def lattice_size(self) -> int:
        """The number of transformations between the ladders' lowest and highest levels."""
        return prod(ladder.highest - ladder.lowest + 1 for ladder in self.ladders)

    @property
    def n_tuples(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A table in integers, one entry per row: what grouping needs.

    ``quasi`` holds int32 codes per quasi-identifier; ``person_of_row`` int32 numbers the people (-1: nobody),
    ``None`` where every row is a person; ``sensitive`` the codes of sensitive columns by name, ``by_row``
    those of columns that a metric asks for and ``lists`` those of list columns. Where a population is
    counted, ``quasi`` goes on after the rows with its distinct tuples, and ``population`` int64 are their
    people.
    """

    ladders: tuple[Ladder, ...]
    quasi: tuple[Codes, ...]
    person_of_row: Codes | None
    sensitive: dict[str, Coded]
    lists: dict[str, Lists] = field(default_factory=dict)
    population: Counts64 | None = None
    by_row: dict[str, Coded] = field(default_factory=dict)


def count(table: Table, criteria: Sequence[Criterion], *, also: Sequence[str] = ()) -> Counts:
    """The counts of a table for the given criteria and the columns that a metric asks for (``also``).

    Raises:
        BadInput: values outside a hierarchy, or people that the population lacks.
        BadConfig: a distance that needs a hierarchy where the column has none, code sets that are none.
    """
    return group(encode_table(table, criteria, also=also))


def encode_table(table: Table, criteria: Sequence[Criterion], *, also: Sequence[str] = ()) -> Encoded:
    """The table's quasi-identifiers, people and the sensitive columns asked for as integers.

    Raises as ``count`` does.
    """
    encoded = [encode(table.frame[column.name], column) for column in table.quasi_identifiers]
    population = None
    asked = {c.column: c for c in criteria if isinstance(c, KMAnonymity)}
    for name in asked:
        require_lists(table.frame[name])
    if needs_population(criteria):
        encoded, population = encode_with_population(table)
    hierarchical = {c.column for c in criteria if isinstance(c, TCloseness) and c.distance == "hierarchical"}
    sensitive = {
        column.name: encode_sensitive(table.frame[column.name], column, ancestors=column.name in hierarchical)
        for column in columns_of([*_sensitive_names(criteria)], table.columns)
    }
    by_row = {
        column.name: encode_sensitive(table.frame[column.name], column, ancestors=False)
        for column in columns_of(also, table.columns)
    }
    return Encoded(
        tuple(ladder for _, ladder in encoded),
        tuple(codes for codes, _ in encoded),
        _person_of_row(table),
        sensitive,
        {
            column.name: encode_lists(table.frame[column.name], column, asked[column.name])
            for column in table.columns
            if column.name in asked and not asked[column.name].repair
        },
        population,
        by_row,
    )


def group(encoded: Encoded) -> Counts:
    """The distinct tuples of an encoded table and what stands behind each."""
    tuple_of_row, first, rows = _number_tuples(encoded)
    population = None
    if encoded.population is not None:
        tuple_of_row, rows, population = _apart(encoded.population, tuple_of_row, len(first))
    codes = np.empty((len(first), len(encoded.quasi)), np.int32)
    for j, column in enumerate(encoded.quasi):
        grouping.gather(column, first, codes[:, j])
    person = encoded.person_of_row
    sensitive = {
        name: hold(name, coded, tuple_of_row, person, tuples=len(first))
        for name, coded in encoded.sensitive.items()
    }
    by_row = {
        name: hold(name, coded, tuple_of_row, None, tuples=len(first))
        for name, coded in encoded.by_row.items()
    }
    people = None if person is None else _pairs(tuple_of_row, person, len(first))
    if population is not None:
        held = rows if people is None else np.bincount(people.owner, minlength=len(first))
        require_contained(held, population)
    sets = {name: hold_sets(lists, tuple_of_row, person) for name, lists in encoded.lists.items()}
    return Counts(encoded.ladders, codes, rows, people, sensitive, tuple_of_row, population, sets, by_row)


def _sensitive_names(criteria: Sequence[Criterion]) -> set[str]:
    named = (getattr(c, "column", None) for c in criteria if not isinstance(c, KMAnonymity))
    return {column for column in named if isinstance(column, str)}


def _apart(population: Counts64, tuple_of_all: Codes, tuples: int) -> tuple[Codes, Counts64, Counts64]:
    """The tuple of each row of the table, and each tuple's rows and people of the population."""
    own, others = np.split(tuple_of_all, [len(tuple_of_all) - len(population)])
    rows = np.bincount(own, minlength=tuples).astype(np.int64)
    people = np.zeros(tuples, np.int64)
    people[others] = population
    return own.copy(), rows, people


def _number_tuples(encoded: Encoded) -> tuple[Codes, Codes, Counts64]:
    """The tuple of each row, each tuple's first row, its number of rows; tuples in lexical order."""
    keys, space = np.zeros(len(encoded.quasi[0]), np.int64), 1
    for codes, ladder in zip(encoded.quasi, encoded.ladders, strict=True):
        size = max(ladder.label_codes.shape[1], 1)
        if space * size > _KEY_SPACE:
            numbered, first, _ = number_in_order(keys, space)
            keys, space = numbered.astype(np.int64), len(first)
        grouping.append_digit(keys, codes, size)
        space *= size
    return number_in_order(keys, space)


def number_in_order(keys: NDArray[np.int64], space: int) -> tuple[Codes, Codes, Counts64]:
    """The rank int32 of each key below ``space`` among the distinct ones, their first places and numbers."""
    direct = space <= _DIRECT * len(keys) + 1024
    number, classes = kernels.number_small_keys(keys, space) if direct else kernels.number_keys(keys)
    first = grouping.first_rows(number, classes)
    order = _in_order(keys[first], space)
    rank = np.empty(classes, np.int32)
    rank[order] = np.arange(classes, dtype=np.int32)
    rows = grouping.renumber(number, rank)
    return number, first[order], rows


def _in_order(keys: NDArray[np.int64], space: int) -> NDArray[np.int64]:
    """The places of distinct keys below ``space`` in their order."""
    bits = len(keys).bit_length()
    if space >= 1 << (63 - bits):
        return np.argsort(keys)
    # Sorting numbers is faster than sorting their places, so each takes its place along.
    return np.sort((keys << bits) | np.arange(len(keys))) & ((1 << bits) - 1)


def _person_of_row(table: Table) -> Codes | None:
    """The number of each row's person; ``None`` where every row is one."""
    if table.subject is None:
        return None
    subject = table.frame[table.subject]
    distinct = subject.unique()
    if len(distinct) == len(subject):
        return None
    # Which number a person gets is of no consequence, only which are equal.
    return subject.rank("dense").cast(pl.Int32).fill_null(0).to_numpy() - 1


def _pairs(owner: Codes, item: Codes, owners: int) -> Pairs:
    """The distinct (owner, item) pairs; a negative item is none."""
    order = grouping.sort_rows(item, int(item.max(initial=-1)) + 1)
    everyone = np.arange(owners, dtype=np.int32)
    merged_owner, merged_item, _ = kernels.merge_pairs(everyone, owners, owner[order], item[order])
    return Pairs(merged_owner, merged_item)
