"""Columns of code sets: which people of a class share which codes, and which codes must go for (k, k^m).

Codes are compared as they are released. Each row is a set of its own, and an itemset counts the distinct
people of a class who have a row that holds it; an attacker who knows some codes of one row can't tell which
other rows are the same person's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import comb
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.counting import grouping, set_kernels
from anonymizer.criteria import KMAnonymity
from anonymizer.errors import BadConfig
from anonymizer.hierarchies.encoding import Codes, Counts64
from anonymizer.tables.coarsening import coarsen
from anonymizer.tables.table import Column

Offsets = NDArray[np.int64]
_KEY_SPACE = 2**62
_MOST_COMBINATIONS = 200_000_000
"""Of all people together: if no two are alike, a table of them takes some 10 GB."""


class Lists(NamedTuple):
    """Rows of a list column as sets of numbers: row i holds ``codes[starts[i]:starts[i + 1]]``, rising.

    ``starts`` int64 (rows + 1), ``codes`` int32; ``names`` are the codes' texts, in order.
    """

    starts: Offsets
    codes: Codes
    names: pl.Series

    def rows(self, order: Codes) -> Lists:
        """These rows, in this order."""
        lengths = np.diff(self.starts)[order]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        within = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)
        return Lists(starts, self.codes[np.repeat(self.starts[:-1][order], lengths) + within], self.names)


@dataclass(frozen=True, slots=True)
class CodeSets:
    """The code sets of all rows: who owns each, a tuple or a class, and whose it is.

    ``owner`` and ``person`` are int32 (rows); rows stand in order of their persons.
    """

    lists: Lists
    owner: Codes
    person: Codes

    def merged(self, class_of: Codes) -> CodeSets:
        """The same sets, owned by the classes that ``class_of`` int32 (owners) makes of the owners."""
        return replace(self, owner=class_of[self.owner])


def encode_lists(series: pl.Series, column: Column, criterion: KMAnonymity) -> Lists:
    """The sets of a list column as they are released; a missing list holds no code.

    Raises:
        BadInput: codes outside the hierarchy (column and count).
        BadConfig: the column holds no lists, or too many combinations of codes.
    """
    require_lists(series)
    lists = as_sets(coarsen(series, column))
    require_countable(lists, criterion)
    return lists


def require_lists(series: pl.Series) -> None:
    """Raise ``BadConfig`` where a column holds no lists."""
    if not isinstance(series.dtype, pl.List):
        raise BadConfig("holds no lists of codes", column=series.name)


def as_sets(released: pl.Series) -> Lists:
    """The sets of a column of released lists."""
    sets = released.list.drop_nulls().list.unique().list.sort()
    cells = sets.drop_nulls().explode(empty_as_null=False)
    names = cells.unique().sort()
    codes = cells.cast(pl.Enum(names)).to_physical().cast(pl.Int32).to_numpy()
    lengths = sets.list.len().fill_null(0).cast(pl.Int64).to_numpy()
    return Lists(np.concatenate([[0], np.cumsum(lengths)]), codes, names)


def hold_sets(lists: Lists, owner: Codes, person: Codes | None) -> CodeSets:
    """The sets as ``owner`` int32 (rows) owns them; without ``person`` each row is a person of its own."""
    if person is None:
        return CodeSets(lists, owner, np.arange(len(owner), dtype=np.int32))
    order = np.argsort(person, kind="stable").astype(np.int32)
    return CodeSets(lists.rows(order), owner[order], person[order])


def require_countable(lists: Lists, criterion: KMAnonymity) -> None:
    """Raise ``BadConfig`` where people have more combinations of up to m codes than memory holds."""
    sizes, sets = np.unique(np.diff(lists.starts), return_counts=True)
    ways = sum(
        int(number) * comb(int(size), m)
        for size, number in zip(sizes, sets, strict=True)
        for m in range(1, criterion.m + 1)
    )
    if ways > _MOST_COMBINATIONS:
        raise BadConfig(
            f"people have {ways:,} combinations of up to {criterion.m} codes, more than can be counted",
            column=criterion.column,
            hint="lower m, or release the codes at a coarser level",
        )


def rows_lost(sets: CodeSets, classes: int, criterion: KMAnonymity) -> Counts64:
    """Rows of each class that hold an itemset too few people share, int64 (classes): 0 where there is none.

    In every specialisation no more people share it, so these rows are lost there too. Not all such rows are
    found (see ``set_kernels.mark_rare``).
    """
    order = grouping.sort_rows(sets.owner, classes)
    found = set_kernels.mark_rare(*_by_class(sets, classes, order), *_asked(sets.lists, criterion))
    return np.bincount(sets.owner[order], weights=found, minlength=classes).astype(np.int64)


def rare_codes(sets: CodeSets, classes: int, criterion: KMAnonymity) -> tuple[Codes, Codes]:
    """What to take out of which class until it meets (k, k^m): classes and codes, int32, sorted."""
    order = grouping.sort_rows(sets.owner, classes)
    owner, code = set_kernels.choose_removed(*_by_class(sets, classes, order), *_asked(sets.lists, criterion))
    return owner, code


def _by_class(sets: CodeSets, classes: int, order: Codes) -> tuple[Offsets, Offsets, Codes, Codes]:
    first = np.searchsorted(sets.owner[order], np.arange(classes + 1))
    starts, codes, _ = sets.lists.rows(order)
    return first, starts, codes, sets.person[order]


def _asked(lists: Lists, criterion: KMAnonymity) -> tuple[int, int, int]:
    most = len(lists.names)
    if most**criterion.m >= _KEY_SPACE:
        raise BadConfig("too many codes to tell their combinations apart; lower m", column=criterion.column)
    return criterion.k, criterion.m, most
