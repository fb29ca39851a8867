"""Texts that repeat, held once: a column is numbers of texts, four bytes a row.

A process that reads numbers the texts of its share (`Table`); the one that gathers puts the shares together
as categories of its own (`restored`). Categories compare, group, join and sort as their texts do, and
`plain` gives the texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
from msgspec import Struct
from numpy.typing import NDArray

TEXT = "text"

Change = Callable[[pl.Series], pl.Series]
"""Gives for each of some texts another one, or none."""


class Table(Struct):
    """Rows whose texts are numbers: those of a column count from its place in the texts.

    ``rows`` has UInt32 in place of texts that repeat; ``texts`` has the one column `TEXT`; ``places`` are the
    first place and the number of each column's texts.
    """

    rows: pl.DataFrame
    texts: pl.DataFrame
    places: dict[str, tuple[int, int]]


class Numbering:
    """Puts a `Table` together column by column."""

    def __init__(self) -> None:
        self._rows: list[pl.Series] = []
        self._texts: list[pl.Series] = []
        self._places: dict[str, tuple[int, int]] = {}
        self._count = 0

    def keep(self, *columns: pl.Series) -> None:
        """Adds columns as they are."""
        self._rows += columns

    def number(self, columns: pl.DataFrame, made: Mapping[str, Mapping[str, Change | None]]) -> None:
        """Adds for each name in ``made`` of a column its texts, changed, each distinct one once."""
        held = columns.cast({name: pl.Categorical(pl.Categories.random()) for name in columns.columns})
        numbers = held.select(pl.all().to_physical())
        filled = numbers.select(_without_gaps(name) for name in numbers.columns)
        for column in columns.columns:
            distinct = columns[column].gather(
                _a_row_of_each(filled[column].to_numpy(), numbers[column].max())
            )
            for name, change in made[column].items():
                changed = (distinct if change is None else change(distinct)).alias(TEXT)
                self._texts.append(changed)
                self._places[name] = (self._count, len(changed))
                self._count += len(changed)
                self._rows.append(numbers[column].alias(name))

    def table(self) -> Table:
        """All that was added."""
        texts = [pl.Series(TEXT, [], dtype=pl.String), *self._texts]
        return Table(pl.DataFrame(self._rows), pl.concat(texts).to_frame(), self._places)


def _without_gaps(name: str) -> pl.Expr:
    """Numbers with the next one in place of what is missing."""
    return pl.col(name).fill_null((pl.col(name).max() + 1).fill_null(0))


def _a_row_of_each(numbers: NDArray[np.uint32], last: Any) -> NDArray[np.uint32]:
    """For each number up to ``last`` a row that has it: numbers do not follow the rows."""
    rows = np.zeros(numbers.max(initial=0) + 1, dtype=np.uint32)
    rows[numbers] = np.arange(len(numbers), dtype=np.uint32)
    return rows[: 0 if last is None else last + 1]


def restored(table: Table, held: pl.Categorical) -> pl.DataFrame:
    """The rows of ``table`` with its texts as categories of the type ``held``."""
    texts, rows = table.texts[TEXT].cast(held), table.rows
    return rows.with_columns(
        texts.slice(*place).gather(rows[name]).alias(name) for name, place in table.places.items()
    )


def schema(columns: Mapping[str, Any], held: pl.Categorical) -> dict[str, Any]:
    """``columns`` with categories for texts, but an id is a text."""
    return {name: held if of == pl.String and name != "id" else of for name, of in columns.items()}


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` with its categories as texts: 16 bytes for each."""
    return frame.with_columns(pl.col(pl.Categorical).cast(pl.String))


def by_text(column: pl.Series, change: Change) -> pl.Series:
    """What ``change`` gives for the texts of a column of categories; each distinct one is asked of once."""
    distinct = column.drop_nulls().unique()
    numbers = distinct.to_physical().to_numpy()
    places = np.zeros(numbers.max(initial=0) + 1, dtype=np.uint32)
    places[numbers] = np.arange(len(numbers), dtype=np.uint32)
    found = column.to_physical()
    chosen = pl.Series(places[found.fill_null(0).to_numpy()])
    if found.null_count():
        chosen = chosen.set(found.is_null(), None)
    return change(distinct.cast(pl.String)).gather(chosen)
