"""The two sides of every measure of utility, with what marks its floor and its ceiling.

The floor is the release with independent columns, the ceiling a fresh sample of real data: the people who
were held out, beside the original. Without any, the original's people are split into two random halves, one
taken as a fresh sample of the other: both are smaller than the tables compared, so that this ceiling is, if
anything, too far from perfect.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.baselines import independent
from risk.comparison import Comparison
from risk.utility.reading import Told, aligned, held_out, tabular

Rows = NDArray[np.int64]
Arrays = Mapping[str, NDArray[np.generic]]
"""Columns by name: float64 numbers, NaN where missing; int32 codes of categories, -1 where missing."""
MOST_ROWS = 200_000
HELD_OUT = "the held-out people beside the original"
HALVES = "two random halves of the original's people, since nobody was held out"


@dataclass(frozen=True, slots=True)
class Sides:
    """All rows in one ``frame``, and which rows are which; int64 arrays.

    ``shuffled`` is the release with independent columns. ``first`` and ``second`` are two samples of real
    people, ``fresh`` says which. ``people`` numbers the person of every row of real people, which come first.
    """

    frame: pl.DataFrame
    people: Rows
    original: Rows
    released: Rows
    shuffled: Rows
    first: Rows
    second: Rows
    fresh: str


@dataclass(frozen=True, slots=True)
class Encoded:
    """The columns of ``Sides`` as arrays; ``categories`` holds the number of codes of each category."""

    columns: Arrays
    categories: Mapping[str, int]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.columns)

    def take(self, rows: Rows) -> dict[str, NDArray[np.generic]]:
        """Return the columns' cells in these rows."""
        return {name: column[rows] for name, column in self.columns.items()}


def sides(comparison: Comparison, rng: np.random.Generator, told: Told = "values") -> Sides:
    """Return both sides as they are analysed; ``told`` as in ``reading.aligned``."""
    original, released = aligned(comparison, told)
    others, n = held_out(comparison), original.height
    people = comparison.people
    real = original if others is None else pl.concat([original, others])
    frame = pl.concat([real, released, independent(released, rng)])
    rows = np.arange(frame.height, dtype=np.int64)
    begin, end = real.height, real.height + released.height
    if others is None or comparison.holdout_people is None:
        first, second, fresh = *_halves(people, rng), HALVES
    else:
        people = np.concatenate([people, comparison.holdout_people + people.max(initial=-1) + 1])
        first, second, fresh = rows[:n], rows[n:begin], HELD_OUT
    return Sides(frame, people, rows[:n], rows[begin:end], rows[end:], first, second, fresh)


def parted(comparison: Comparison, rng: np.random.Generator) -> Comparison | None:
    """Return an original of one half of the people and a release of the other, where it shows their own rows.

    An anonymised table does: whoever learns to tell it from the original meets each row on both sides, and
    finds two tables of the same people more alike than two samples of one population could be. None where
    nobody can say whose rows those of an anonymised table are; a synthetic one has nobody's, and stays.
    """
    people, shown = comparison.people, comparison.shown
    if comparison.table == "synthetic":
        return comparison
    own = comparison.original.filter(shown)
    if not _hashes(own).equals(_hashes(comparison.released)):
        return None
    in_release = (rng.random(int(people.max(initial=-1)) + 1) < 0.5)[people]
    return replace(
        comparison,
        released=comparison.original.filter(in_release & shown),
        original=comparison.original.filter(~in_release),
        base=comparison.base.filter(~in_release),
        people=_renumbered(people[~in_release]),
        shown=shown[~in_release],
    )


def _hashes(frame: pl.DataFrame) -> pl.Series:
    """One number for each row, in their order."""
    lists = pl.col(pl.List(pl.String)).list.sort().list.join(" ")
    return frame.with_columns(lists).hash_rows().sort()


def sampled(comparison: Comparison, rng: np.random.Generator) -> Comparison:
    """Return the comparison on at most ``MOST_ROWS`` rows of each table, the original's of whole people."""
    rows, holdout, told = comparison.original.height, comparison.holdout, comparison.holdout_people
    released = comparison.released
    if max(rows, released.height) <= MOST_ROWS:
        return comparison
    mine = _rows_of_some(comparison.people, rng)
    if holdout is not None and told is not None:
        others = _rows_of_some(told, rng)
        holdout, told = holdout[others], _renumbered(told[others])
    return replace(
        comparison,
        released=released[some(np.arange(released.height), MOST_ROWS, rng)],
        original=comparison.original[mine],
        base=comparison.base[mine],
        people=_renumbered(comparison.people[mine]),
        shown=comparison.shown[mine],
        holdout=holdout,
        holdout_people=told,
    )


def encoded(both: Sides, *, codes: int, labels: int) -> Encoded:
    """Return the columns as arrays.

    A list of codes becomes its size and indicators of its ``codes`` most frequent codes; of a category the
    ``labels`` most frequent ones of the original are told apart, the others are one.
    """
    n = len(both.original)
    first, rest = both.frame.head(n), both.frame.tail(both.frame.height - n)
    frame = pl.concat(tabular((first, rest), both.people[:n], codes=codes))
    columns: dict[str, NDArray[np.generic]] = {}
    categories = {}
    for series in frame.iter_columns():
        if series.dtype == pl.String:
            found, size = numbered(series)
            columns[series.name] = _most_frequent(found, size, both.original, labels)
            categories[series.name] = min(size, labels + 1)
        else:
            columns[series.name] = series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return Encoded(columns, categories)


def scaled(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers times a power of two that makes them at most a half: no sum of them overflows.

    Nothing else is lost than what is 300 digits smaller than the largest. NaN stays.
    """
    finite = np.abs(column[np.isfinite(column)])
    _, exponent = np.frexp(finite.max(initial=0.0))
    return np.asarray(np.ldexp(column, -int(exponent) - 1))


def numbered(series: pl.Series) -> tuple[NDArray[np.int32], int]:
    """Return a text column's codes in the order of its labels, -1 where missing, and how many there are."""
    labels = series.unique().drop_nulls().sort()
    codes = series.cast(pl.Enum(labels)).to_physical().cast(pl.Int32).fill_null(-1)
    return codes.to_numpy(), len(labels)


def _most_frequent(codes: NDArray[np.int32], size: int, rows: Rows, most: int) -> NDArray[np.int32]:
    """The codes with all but the ``most`` that are most frequent in ``rows`` as one."""
    if size <= most:
        return codes
    counts = np.bincount(codes[rows] + 1, minlength=size + 1)[1:]
    new = np.full(size + 1, most, np.int32)
    new[np.sort(np.argsort(-counts, kind="stable")[:most])] = np.arange(most)
    new[-1] = -1
    return new[codes]


def some(rows: Rows, most: int, rng: np.random.Generator) -> Rows:
    """Return at most ``most`` of the rows, drawn without replacement, in their order."""
    if len(rows) <= most:
        return rows
    return np.sort(rng.choice(rows, most, replace=False))


def _rows_of_some(people: Rows, rng: np.random.Generator) -> Rows:
    """The rows of as many people, drawn at random, as make no more than ``MOST_ROWS``."""
    counts = np.bincount(people)
    order = rng.permutation(len(counts))
    is_drawn = np.zeros(len(counts), np.bool_)
    is_drawn[order[np.cumsum(counts[order]) <= MOST_ROWS]] = True
    return np.flatnonzero(is_drawn[people])


def _renumbered(people: Rows) -> Rows:
    return np.unique(people, return_inverse=True)[1].astype(np.int64)


def _halves(people: Rows, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """The rows of two halves of the people."""
    number = int(people.max(initial=-1)) + 1
    in_first = rng.permutation(number) < number // 2
    mine = in_first[people]
    return np.flatnonzero(mine), np.flatnonzero(~mine)
