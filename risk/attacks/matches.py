"""What a person's own rows add to an anonymised table: scores with them, and with them taken out again.

Exact from counts: the release stays as it is but for the person's rows, which are subtracted. What a release
would have looked like that was made without the person from the start is not asked here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.comparison import Comparison

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COUNTED = 3
"""Matches that are told from fewer."""
_PERSON, _COUNT = "\0person", "\0count"


def with_and_without(comparison: Comparison, rows: Ints) -> dict[str, tuple[Floats, Floats]]:
    """Return each attacker's scores of some rows of the original, with and without their person's rows.

    Either has shape (rows,). An attacker knows all columns of a record or its quasi-identifiers alone, and
    asks whether a released record matches, or how unlikely as many matches are by the release's margins.
    Matches beyond three are not counted: who cannot know how many others there are learns nothing from one
    more or less of many, though in exact counts it shows.
    """
    every = tuple(comparison.original.columns)
    known = {"quasi-identifiers": comparison.quasi_identifiers, "all columns": every}
    found: dict[str, tuple[Floats, Floats]] = {}
    for what, columns in known.items():
        if not columns or (what == "all columns" and set(columns) == set(comparison.quasi_identifiers)):
            continue
        there, own = _matches(comparison, rows, columns)
        expected = _expected(comparison, rows, columns)
        pair = there, there - own
        found[f"a match on {what}"] = np.minimum(pair[0], 1), np.minimum(pair[1], 1)
        found[f"unlikely matches on {what}"] = _unlikely(pair[0], expected), _unlikely(pair[1], expected)
    return found


def _matches(comparison: Comparison, rows: Ints, columns: Sequence[str]) -> tuple[Floats, Floats]:
    """How many released records equal each row, and how many of them are its person's."""
    original = _words(comparison.original, columns).with_columns(pl.Series(_PERSON, comparison.people))
    asked = original[rows]
    shown = original.filter(pl.Series(comparison.shown))
    there = _counted(asked, _words(comparison.released, columns), columns)
    own = _counted(asked, shown, [*columns, _PERSON])
    return there, np.minimum(own, there)


def _counted(asked: pl.DataFrame, among: pl.DataFrame, columns: Sequence[str]) -> Floats:
    counts = among.group_by(columns).agg(pl.len().alias(_COUNT))
    found = asked.join(counts, on=list(columns), how="left", nulls_equal=True, maintain_order="left")
    return found[_COUNT].fill_null(0).cast(pl.Float64).to_numpy()


def _expected(comparison: Comparison, rows: Ints, columns: Sequence[str]) -> Floats:
    """How many released records would equal each row if the release's columns were independent."""
    released, asked = _words(comparison.released, columns), _words(comparison.original, columns)[rows]
    expected = np.full(len(rows), float(released.height))
    for name in columns:
        expected *= _counted(asked.select(name), released.select(name), [name]) / max(released.height, 1)
    return expected


def _unlikely(matches: Floats, expected: Floats) -> Floats:
    """The negative logarithm of the probability of as many matches or more, if they came by Poisson's law."""
    from scipy.special import gammainc

    counted = np.minimum(matches, COUNTED)
    tail = np.where(counted > 0, gammainc(np.maximum(counted, 1), expected), 1.0)
    return np.asarray(np.round(-np.log(np.maximum(tail, 1e-300)), 9))


def _words(frame: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """The columns with each set of codes as one word, so that equal sets are equal values."""
    return frame.select(
        pl.col(name).list.unique().list.sort().list.join("\x1f")
        if isinstance(frame.schema[name], pl.List)
        else pl.col(name)
        for name in columns
    )
