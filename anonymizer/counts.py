"""The sufficient statistic: distinct quasi-identifier tuples and how many rows and people stand behind each.

The search sees nothing else of the table. Distinct people do not add up when one person has several rows, so
then the statistic also holds the distinct (tuple, person) pairs; the same form holds the distinct
(tuple, sensitive value) pairs of every l-diversity criterion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.criteria import Criterion, DistinctLDiversity
from anonymizer.encoding import Codes, Counts64, Ladder, encode
from anonymizer.table import Table

_KEY_SPACE = 2**62


@dataclass(frozen=True, slots=True)
class Pairs:
    """Distinct (owner, item) pairs sorted by item, then owner: the people or values each owner holds."""

    owner: Codes
    item: Codes

    def __post_init__(self) -> None:
        self.owner.setflags(write=False)
        self.item.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Counts:
    """Distinct tuples of base-level codes, ``codes`` of shape (tuples, quasi-identifiers), sorted.

    ``rows[i]`` rows hold tuple i. ``people`` is ``None`` where every row is a person of its own, otherwise
    the distinct (tuple, person) pairs. ``values[column]`` holds the distinct (tuple, sensitive value) pairs,
    missing left out. ``tuple_of_row`` leads from the table's rows to their tuples.
    """

    ladders: tuple[Ladder, ...]
    codes: Codes
    rows: Counts64
    people: Pairs | None
    values: dict[str, Pairs]
    tuple_of_row: NDArray[np.int64]

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


def count(table: Table, criteria: Sequence[Criterion]) -> Counts:
    """The counts of a table for the given criteria.

    Raises:
        BadInput: values outside a hierarchy.
    """
    encoded = [encode(table.frame[column.name], column) for column in table.quasi_identifiers]
    ladders = tuple(ladder for _, ladder in encoded)
    columns = [codes for codes, _ in encoded]
    keys = _pack(columns, [ladder.label_codes.shape[1] for ladder in ladders])
    _, first, tuple_of_row, rows = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    codes = np.ascontiguousarray(np.stack([column[first] for column in columns], axis=1))
    codes.setflags(write=False)
    sensitive = {c.column for c in criteria if isinstance(c, DistinctLDiversity)}
    return Counts(
        ladders,
        codes,
        rows.astype(np.int64),
        _people(table, tuple_of_row),
        {name: _pairs(tuple_of_row, table.frame[name]) for name in sorted(sensitive)},
        tuple_of_row,
    )


def _pack(columns: Sequence[Codes], sizes: Sequence[int]) -> NDArray[np.int64]:
    """One integer per row, equal exactly where all codes are, ordered like the tuples of codes."""
    keys, space = np.zeros(len(columns[0]), np.int64), 1
    for codes, size in zip(columns, sizes, strict=True):
        if space * size > _KEY_SPACE:
            distinct, keys = np.unique(keys, return_inverse=True)
            space = len(distinct)
        keys = keys * size + codes
        space *= size
    return keys


def _people(table: Table, tuple_of_row: NDArray[np.int64]) -> Pairs | None:
    if table.subject is None:
        return None
    subject = table.frame[table.subject]
    if subject.n_unique() == len(subject):
        return None
    return _pairs(tuple_of_row, subject)


def _pairs(owner: NDArray[np.int64], items: pl.Series) -> Pairs:
    """The distinct (owner, item) pairs; an item that is missing is no item."""
    # Which code a value gets is of no consequence, only which codes are equal: no order of values is needed.
    frame = pl.DataFrame({"item": items.rank("dense"), "owner": owner}).drop_nulls()
    distinct = frame.unique().sort("item", "owner")
    return Pairs(
        distinct["owner"].cast(pl.Int32).to_numpy().copy(), distinct["item"].cast(pl.Int32).to_numpy().copy()
    )
