"""How well each small set of columns tells records apart: its distinction and its separation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb
from typing import TYPE_CHECKING

from risk.reidentification.subsets import CELLS_AT_MOST, LARGEST, codes, counted, of_size

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Separation:
    """A set of columns as a quasi-identifier.

    ``distinct`` is its number of combinations of values, ``unique`` of those that one record has, among
    ``records``; of all pairs of records ``separated`` differ in some column.
    """

    columns: tuple[str, ...]
    records: int
    distinct: int
    unique: int
    separated: int

    @property
    def distinction(self) -> Fraction:
        """The share of records that are left where of each combination all but one are removed."""
        return Fraction(self.distinct, self.records)

    @property
    def separation(self) -> Fraction:
        """The share of pairs of records that the columns tell apart; 1 where there is no pair."""
        pairs = comb(self.records, 2)
        return Fraction(self.separated, pairs) if pairs else Fraction(1)


def separations(
    frame: pl.DataFrame, columns: Sequence[str], *, largest: int = LARGEST
) -> tuple[Separation, ...]:
    """Return every set of one to ``largest`` columns, the most distinctive first; no set of an empty table.

    Motwani and Xu, "Efficient algorithms for masking and finding quasi-identifiers", VLDB 2007: the
    distinct ratio and the separation ratio, ARX's alpha-distinction and alpha-separation. Missing is a value
    like any other. Sets too large to be counted for all columns are left out.
    """
    if not frame.height:
        return ()
    coded = {name: codes(frame[name]) for name in columns}
    sizes = [
        size
        for size in range(1, min(largest, len(columns)) + 1)
        if frame.height * comb(len(columns), size) <= CELLS_AT_MOST
    ]
    found = []
    for names, keys, bound in (each for size in sizes for each in of_size(size, coded)):
        _, count = counted(keys, bound)
        together = int((count * (count - 1) // 2).sum())
        distinct, unique = int((count > 0).sum()), int((count == 1).sum())
        found.append(Separation(names, frame.height, distinct, unique, comb(frame.height, 2) - together))
    return tuple(sorted(found, key=lambda each: (-each.distinct, len(each.columns), each.columns)))
