"""A table whose every column has a role."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import polars as pl

from anonymizer.hierarchies.hierarchy import Hierarchy

EVENTS = "events"
"""What criteria call the events of a person in all tables together."""
PERSON = "person"
"""The column of released tables that says which rows belong together."""


class Role(StrEnum):
    """What a column is to an attacker."""

    IDENTIFIER = "identifier"
    QUASI_IDENTIFIER = "quasi-identifier"
    SENSITIVE = "sensitive"
    INSENSITIVE = "insensitive"


@dataclass(frozen=True, slots=True)
class Column:
    """One column's role and how it may be released.

    ``sensitive`` is true for the role `sensitive` and for a quasi-identifier that is sensitive as well.
    ``min_level``/``max_level`` bound a quasi-identifier's generalisation level; ``release_level`` fixes the
    level of a column that is no quasi-identifier; ``clip`` bounds a numeric column (``None``: an open side).
    ``first_day`` is the first day that a kept column of dates may tell of: earlier ones are missing.
    """

    name: str
    role: Role
    hierarchy: Hierarchy | None = None
    sensitive: bool = False
    weight: float = 1.0
    min_level: int = 0
    max_level: int | None = None
    release_level: int | None = None
    clip: tuple[float | None, float | None] | None = None
    first_day: date | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A frame, its columns' roles, and the column that names the person (``None``: every row is a person).

    ``frame`` holds exactly the columns of ``columns``, in that order; a quasi-identifier is a String column
    in canonical form (NFC, ISO dates, integers without leading signs or zeros), missing is null.
    ``population`` holds the quasi-identifiers of everybody whom the people come from, a row per person.
    """

    frame: pl.DataFrame
    columns: tuple[Column, ...]
    subject: str | None
    population: pl.DataFrame | None = None

    def __post_init__(self) -> None:
        if tuple(self.frame.columns) != tuple(column.name for column in self.columns):
            raise ValueError("the frame's columns are not the declared ones")

    @property
    def quasi_identifiers(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.role is Role.QUASI_IDENTIFIER)

    @property
    def released(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.role is not Role.IDENTIFIER)

    @property
    def people(self) -> pl.Series:
        """Who each row is about, named ``person``; the row's number where nobody has two rows."""
        if self.subject is not None:
            subjects = self.frame[self.subject].rename("person")
            if subjects.n_unique() < len(subjects):
                return subjects
        return pl.int_range(self.frame.height, eager=True).rename("person")

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)
