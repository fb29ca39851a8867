"""Sets of codes of release, original and holdout under common numbers, one code after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.comparison import Comparison

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CodeSets:
    """The codes of each row: those of row i are ``codes[starts[i]:starts[i + 1]]``, ascending, each one once.

    Codes are numbered 0 to ``domain`` - 1. A row without codes has one that says so, and stands for a missing
    set as well.
    """

    starts: Numbers
    codes: Numbers
    domain: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    def of(self, row: int) -> Numbers:
        return self.codes[self.starts[row] : self.starts[row + 1]]

    def spread(self, by_row: Numbers) -> Numbers:
        """Return the value of each code's row; ``by_row`` has shape (rows,)."""
        return np.repeat(by_row, np.diff(self.starts))

    def take(self, rows: Numbers) -> CodeSets:
        """Return the sets of the given rows, in their order."""
        counts = np.diff(self.starts)[rows]
        starts = np.concatenate([[0], np.cumsum(counts)])
        inside = np.arange(starts[-1]) - np.repeat(starts[:-1], counts)
        return CodeSets(starts, self.codes[np.repeat(self.starts[rows], counts) + inside], self.domain)


def code_sets(comparison: Comparison, column: str) -> tuple[CodeSets, CodeSets, CodeSets]:
    """Return the sets of the release, the original and the holdout, which has no rows where there is none."""
    frames = [comparison.released, comparison.original]
    if comparison.holdout is not None:
        frames.append(comparison.holdout)
    whole = _sets([frame[column] for frame in frames])
    ends = np.cumsum([0, *(frame.height for frame in frames)])
    parts = [whole.take(np.arange(*bounds)) for bounds in pairwise(ends)]
    return parts[0], parts[1], parts[2] if len(parts) > 2 else whole.take(np.arange(0))


def set_numbers(parts: Sequence[pl.Series]) -> Numbers:
    """Return a number for each row of all parts: equal sets have equal numbers, 0 to how many there are.

    Read code by code: rows that agree so far and in the next code stay together. An empty set and a missing
    one are told apart; missing ones are -1.
    """
    sets = _sets(parts)
    numbers, counts = np.zeros(len(sets), dtype=np.int64), np.diff(sets.starts)
    known = 1
    for place in range(int(counts.max(initial=0))):
        rows = np.flatnonzero(counts > place)
        keys = numbers[rows] * sets.domain + sets.codes[sets.starts[rows] + place]
        values, dense = np.unique(keys, return_inverse=True)
        numbers[rows] = dense + known
        known += len(values)
    missing = np.concatenate([part.is_null().to_numpy() for part in parts])
    return np.where(missing, -1, numbers)


def distinct(numbers: Numbers) -> Numbers:
    """Return the different numbers, ascending: by sorting, where most of many are different."""
    ascending = np.sort(numbers)
    return ascending[np.concatenate([[True], ascending[1:] != ascending[:-1]])] if len(numbers) else ascending


def _sets(parts: Sequence[pl.Series]) -> CodeSets:
    whole = pl.concat([part.cast(pl.List(pl.String)) for part in parts])
    lengths = whole.list.len().fill_null(0).to_numpy().astype(np.int64)
    filled = pl.select(pl.when(whole.list.len() > 0).then(whole)).to_series()
    flat = filled.explode().cast(pl.Categorical).to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    values, codes = np.unique(flat, return_inverse=True)
    domain = max(1, len(values))
    rows = np.repeat(np.arange(len(whole)), np.maximum(lengths, 1))
    pairs = distinct(rows * domain + codes)
    starts = np.concatenate([[0], np.cumsum(np.bincount(pairs // domain, minlength=len(whole)))])
    return CodeSets(starts.astype(np.int64), pairs % domain, domain)
