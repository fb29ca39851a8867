"""Columns made of one source element: where one is a quasi-identifier, none may be released finer."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import product

from anonymizer.tables.table import Column, Role

Families = Iterable[Collection[str]]
_KEPT = (Role.SENSITIVE, Role.INSENSITIVE)


def finer(columns: Sequence[Column], families: Families) -> Iterator[tuple[Column, Column]]:
    """Each released column that may be finer than a quasi-identifier of its family, and that one, once."""
    told = set[tuple[str, str]]()
    for family in families:
        members = [column for column in columns if column.name in family]
        quasi = [column for column in members if column.role is Role.QUASI_IDENTIFIER]
        kept = [column for column in members if column.role in _KEPT]
        for column, coarser in product(kept, quasi):
            pair = column.name, coarser.name
            if pair not in told and not _as_coarse(column, coarser):
                told.add(pair)
                yield column, coarser


def _as_coarse(column: Column, coarser: Column) -> bool:
    """Whether ``column`` is released no finer than the coarsest form that the quasi-identifier may get."""
    if column.hierarchy is None or column.release_level is None:
        return False
    return is_suppressed(column) or (
        column.hierarchy == coarser.hierarchy
        and coarser.max_level is not None
        and column.release_level >= coarser.max_level
    )


def is_suppressed(column: Column) -> bool:
    """Whether a kept column is released at the top level, where every value is the same."""
    top = None if column.hierarchy is None else len(column.hierarchy.level_names) - 1
    return top is not None and column.release_level == top
