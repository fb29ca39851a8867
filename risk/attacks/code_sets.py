"""Sets of codes of release, original and holdout under common numbers, one code after the other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.comparison import Comparison

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CodeSets:
    """The codes of each row: those of row i are ``codes[starts[i]:starts[i + 1]]``, each one once.

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


def code_sets(comparison: Comparison, column: str) -> tuple[CodeSets, CodeSets, CodeSets]:
    """Return the sets of the release, the original and the holdout, which has no rows where there is none."""
    frames = [comparison.released, comparison.original]
    if comparison.holdout is not None:
        frames.append(comparison.holdout)
    parts = [frame[column].cast(pl.List(pl.String)) for frame in frames]
    whole = pl.concat(parts).list.unique().list.sort()
    known = pl.select(pl.when(whole.list.len() > 0).then(whole)).to_series()
    flat = known.explode().cast(pl.Categorical).to_physical().cast(pl.Int64)
    codes = flat.fill_null(-1).to_numpy() + 1
    counts = np.maximum(whole.list.len().fill_null(0).to_numpy().astype(np.int64), 1)
    ends = np.cumsum([0, *(len(part) for part in parts)])
    domain = int(codes.max(initial=0)) + 1
    sets = [_part(counts, codes, domain, slice(*bounds)) for bounds in pairwise(ends)]
    nobody = CodeSets(np.zeros(1, dtype=np.int64), np.zeros(0, dtype=np.int64), domain)
    return sets[0], sets[1], sets[2] if len(sets) > 2 else nobody


def _part(counts: Numbers, codes: Numbers, domain: int, rows: slice) -> CodeSets:
    starts = np.concatenate([[0], np.cumsum(counts)])
    first, last = starts[rows.start], starts[rows.stop]
    return CodeSets(starts[rows.start : rows.stop + 1] - first, codes[first:last], domain)
