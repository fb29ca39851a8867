"""The columns a model, a curve or a learner needs, from both tables alike and as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.comparison import Comparison
from risk.utility.reading import SUPPRESSED, read, readings

Floats = NDArray[np.float64]

MOST_LEVELS = 12
"""A category has a coefficient for each of its most frequent values; all others share one."""
FEWEST_ROWS = 10
"""A value rarer than this in the original shares the coefficient of the others."""
OTHERS = "(others)"


class Unfit(Exception):
    """What is asked for cannot be told from these tables; says why, by columns and counts alone."""


@dataclass(frozen=True, slots=True)
class Both:
    """One column, or one outcome, in both tables: shapes (rows of the original,) and (rows released,).

    NaN where it is not told.
    """

    original: Floats
    released: Floats


@dataclass(frozen=True, slots=True)
class Words:
    """One column's values as text in both tables, in the same words; null where it is not told."""

    original: pl.Series
    released: pl.Series


def numeric(comparison: Comparison, name: str) -> Both:
    """Return a column of numbers in both tables, a band as its middle.

    Raises:
        Unfit: it is not in the tables, holds no numbers, or the release tells none of them.
    """
    sides = _numbers(comparison, _known(comparison, name))
    if sides is None:
        raise Unfit(f"{name} holds no numbers")
    if not np.isfinite(sides.original).any():
        raise Unfit(f"{name} has no value in the original")
    if not np.isfinite(sides.released).any():
        raise Unfit(f"the release does not tell {name}")
    return sides


_PLAIN = (("0", "1"), ("false", "true"))
"""The pairs of values, in capitals too, of which nobody needs to be told that the second one is yes."""


def binary(comparison: Comparison, name: str, positive: str | None = None) -> Both:
    """Return a column of two values as 1 and 0 in both tables: 1 is ``positive``, or `1` or `true`.

    Raises:
        Unfit: it is not in the tables, has not two values, nobody said which of them is the event, or the
            release tells them in other words.
    """
    base = _words(comparison.base[_known(comparison, name)])
    released = _words(comparison.released[name])
    values = sorted(base.drop_nulls().unique().to_list())
    told = set(released.drop_nulls().unique().to_list())
    if len(values) < 2:
        raise Unfit(f"{name} has only one outcome in the original")
    if positive not in (None, *values):
        raise Unfit(f"no cell of {name} in the original is what `positive:` names")
    if positive is None and tuple(value.lower() for value in values) not in _PLAIN:
        raise Unfit(f"name the event of {name} with `positive:`: its values are not 0 and 1 (false and true)")
    if not told:
        raise Unfit(f"the release does not tell {name}")
    if not told <= set(values):
        raise Unfit(f"the release generalises {name}")
    yes = values[-1] if positive is None else positive
    return Both(_is(base, yes), _is(released, yes))


def worded(comparison: Comparison, name: str) -> Words:
    """Return a category's values in both tables: as they were, or, where the release generalises them, all
    in its words.

    Raises:
        Unfit: it is not in the tables, holds lists of codes, or the release does not tell it.
    """
    if comparison.base[_known(comparison, name)].dtype == pl.List:
        raise Unfit(f"{name} holds lists of codes")
    base, released = _words(comparison.base[name]), _words(comparison.released[name])
    told = set(released.drop_nulls().unique().to_list())
    if not told:
        raise Unfit(f"the release does not tell {name}")
    if told <= set(base.drop_nulls().unique().to_list()):
        return Words(base, released)
    return Words(_words(comparison.original[name]), released)


def halves(
    frame: pl.DataFrame, people: NDArray[np.int64], rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows of two random halves of the ``people`` (shape (rows,)): each is a fresh sample of the
    other."""
    _, number = np.unique(people, return_inverse=True)
    in_first = (rng.permutation(number.max(initial=-1) + 1) % 2 == 0)[number]
    return frame.filter(in_first), frame.filter(~in_first)


@dataclass(frozen=True, slots=True)
class Design:
    """What the terms of a model are in both tables: shapes (rows, len(names)); NaN where not told.

    A column of numbers is one term, a category one for each value but the most frequent of the original.
    """

    names: tuple[str, ...]
    original: Floats
    released: Floats


def design(comparison: Comparison, terms: Sequence[str]) -> Design:
    """Return the terms of a model as columns of numbers.

    Raises:
        Unfit: a term cannot be read from both tables.
    """
    columns = [column for term in terms for column in _term(comparison, term)]
    if not columns:
        raise Unfit("no term varies in the original")
    names = tuple(name for name, _ in columns)
    original = np.column_stack([sides.original for _, sides in columns])
    released = np.column_stack([sides.released for _, sides in columns])
    return Design(names, original, released)


def _term(comparison: Comparison, term: str) -> Iterator[tuple[str, Both]]:
    if _numbers(comparison, _known(comparison, term)) is not None:
        yield term, numeric(comparison, term)
        return
    words = worded(comparison, term)
    counts = words.original.rename("value").drop_nulls().value_counts(name="rows")
    ranked = counts.sort(["rows", "value"], descending=[True, False])
    frequent = [value for value, rows in ranked.iter_rows() if rows >= FEWEST_ROWS][:MOST_LEVELS]
    for value in frequent[1:]:
        yield f"{term}: {value}", Both(_is(words.original, value), _is(words.released, value))
    if frequent and ranked.height > len(frequent):
        yield (
            f"{term}: {OTHERS}",
            Both(_is_none_of(words.original, frequent), _is_none_of(words.released, frequent)),
        )


def _known(comparison: Comparison, name: str) -> str:
    if name not in comparison.released.columns:
        raise Unfit(f"{name} is not in the release")
    return name


def _numbers(comparison: Comparison, name: str) -> Both | None:
    """The column as numbers; None where it is read as words."""
    way = readings(comparison.narrowed([name]))[name]
    if way not in ("number", "date"):
        return None
    return Both(*(_floats(read(frame[name], way)) for frame in (comparison.base, comparison.released)))


def _words(column: pl.Series) -> pl.Series:
    """Values as text, a whole number without a fraction; null where missing or suppressed."""
    if column.dtype.is_float():
        return pl.Series(column.name, [None if x is None else format(x, ".15g") for x in column.to_list()])
    text = column.cast(pl.String)
    return text.set(text == SUPPRESSED, None)


def _is(words: pl.Series, value: str) -> Floats:
    return _floats(words == value)


def _is_none_of(words: pl.Series, values: Sequence[str]) -> Floats:
    return _floats(~words.is_in(list(values)))


def _floats(column: pl.Series) -> Floats:
    return np.asarray(column.cast(pl.Float64).fill_null(np.nan).to_numpy(), dtype=np.float64)
