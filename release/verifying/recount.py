"""Literal counting of equivalence classes, apart from the search: what ``verdicts`` judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import polars as pl

PERSON, CLASS = "person", "class"
EVENTS = "events"
"""The column of lists that stand for all of a person's events, where a release has several tables."""


def key(position: int) -> str:
    """The name, in a frame to be counted, of the quasi-identifier at this position."""
    return f"q{position}"


def base(position: int) -> str:
    """The name, in a frame to be counted, of the base values that the criterion at this position counts."""
    return f"b{position}"


def countable(
    quasi_identifiers: Sequence[pl.Series], person: pl.Series, base_values: Mapping[int, pl.Series]
) -> pl.DataFrame:
    """One row per released row: its quasi-identifiers, its person, and base values by criterion."""
    # Without any quasi-identifier nobody can be told apart: all rows are one class.
    keys = quasi_identifiers or [pl.repeat("*", len(person), eager=True)]
    columns = [cells.alias(key(i)) for i, cells in enumerate(keys)]
    return pl.DataFrame(
        [*columns, person.alias(PERSON), *(cells.alias(base(i)) for i, cells in base_values.items())]
    )


def keys_of(rows: pl.DataFrame) -> list[str]:
    """The quasi-identifiers' names in a frame made by ``countable``."""
    return [name for name in rows.columns if name.startswith("q")]


class Classed:
    """Rows made by ``countable`` and their equivalence classes.

    ``classes`` has one row per class: its number ``class`` (0, 1, …, the row's own place), the
    quasi-identifiers, its ``rows`` and its distinct people, ``person``.
    """

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows
        self.classes = sizes(rows).with_row_index(CLASS)

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The counted rows in their order, with the number of their ``class``.

        Worked out when it is first asked for: criteria about sizes alone never do.
        """
        keys = keys_of(self._rows)
        numbers = self.classes.select(CLASS, *keys)
        return self._rows.join(numbers, on=keys, how="left", nulls_equal=True, maintain_order="left")

    @property
    def row_is_person(self) -> bool:
        """Whether no person has two of these rows."""
        return self._rows[PERSON].n_unique() == self._rows.height


def classed(rows: pl.DataFrame) -> Classed:
    """The equivalence classes of ``rows``, missing being a value like any other, and each row's class."""
    return Classed(rows)


def sizes(rows: pl.DataFrame) -> pl.DataFrame:
    """Each class's quasi-identifiers, ``rows`` and distinct people, ``person``."""
    everyone_once = rows[PERSON].n_unique() == rows.height
    people = pl.len() if everyone_once else pl.col(PERSON).n_unique()
    counts = (pl.len().cast(pl.Int64).alias("rows"), people.cast(pl.Int64).alias(PERSON))
    return rows.group_by(keys_of(rows), maintain_order=True).agg(*counts)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What counting one criterion found.

    ``holds`` says of each class, in the classes' order, whether it holds the criterion; ``reached`` is the
    figure of the class that comes closest to breaking it, ``None`` where there is no class.
    """

    holds: pl.Series
    reached: int | float | None


def at_least(counts: pl.Series, least: int) -> Verdict:
    """The verdict on classes that must count ``least`` or more."""
    return Verdict(counts >= least, min(counts.to_list(), default=None))
