"""Columns as SDV wants them: of codes alone, with metadata that say what each is, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.errors import SynthesisFailed
from synth.axes import Axis, Bools, Coded, Codes, Floats, Ints

TABLE = "codes"
_IN_ORDER = "in order"


@dataclass(frozen=True, slots=True)
class Column:
    """One axis of which the data have several codes.

    ``seen`` (int64) are those codes, ascending. ``ordered`` (int64) are those of them that have a position,
    by position, and are learned as the numbers 0, 1, …; empty: all are categories.
    """

    axis: int
    seen: Ints
    ordered: Ints

    @property
    def number(self) -> str | None:
        """The name of the column of numbers."""
        return f"axis {self.axis} number" if len(self.ordered) else None

    @property
    def category(self) -> str | None:
        """The name of the column of categories: for codes without a place in the order, or for all."""
        return f"axis {self.axis}" if len(self.seen) > len(self.ordered) else None


@dataclass(frozen=True, slots=True)
class Columns:
    """How a coded table becomes columns: its ``varied`` axes, and the ``constant`` codes of the others."""

    varied: tuple[Column, ...]
    constant: Codes

    @classmethod
    def of(cls, coded: Coded) -> Columns:
        """Return the columns of a table.

        Raises:
            SynthesisFailed: it has no row.
        """
        if not len(coded.codes):
            raise SynthesisFailed("there is no row to learn from")
        seen = [np.unique(codes).astype(np.int64) for codes in coded.codes.T]
        varied = [
            Column(number, codes, _in_order(axis, codes))
            for number, (axis, codes) in enumerate(zip(coded.axes, seen, strict=True))
            if len(codes) > 1
        ]
        return cls(tuple(varied), coded.codes[0].copy())

    def metadata(self) -> dict[str, Any]:
        """Return what SDV is told: every column, and what it is. Nothing is left to be detected."""
        numbers = {column.number: {"sdtype": "numerical"} for column in self.varied if column.number}
        categories = {column.category: {"sdtype": "categorical"} for column in self.varied if column.category}
        return {"tables": {TABLE: {"columns": numbers | categories}}, "relationships": []}

    def frame(self, codes: Codes) -> pl.DataFrame:
        """Return the columns of a coded table: numbers as Float64, codes of categories as text."""
        made: dict[str, pl.Series] = {}
        for column in self.varied:
            found = codes[:, column.axis].astype(np.int64)
            rank, is_ranked = _ranks(column, found)
            if column.number:
                # What has no place in the order is a category; its number only must not stand out.
                rank[~is_ranked] = float(np.median(rank[is_ranked])) if is_ranked.any() else 0.0
                made[column.number] = pl.Series(rank)
            if column.category:
                labels = np.where(is_ranked, _IN_ORDER, found.astype(np.str_))
                made[column.category] = pl.Series(labels.tolist(), dtype=pl.String)
        return pl.DataFrame(made)

    def codes(self, drawn: Mapping[str, NDArray[Any]]) -> Codes:
        """Return the codes of drawn columns, shape (rows, axes): rows with a value that is none are left out.

        A number becomes the nearest one that the data have.
        """
        rows = len(next(iter(drawn.values())))
        codes = np.repeat(self.constant[None, :], rows, axis=0)
        is_known: Bools = np.ones(rows, dtype=np.bool_)
        for column in self.varied:
            found = _found(column, drawn)
            is_known &= found >= 0
            codes[:, column.axis] = found
        return np.ascontiguousarray(codes[is_known])


def _in_order(axis: Axis, seen: Ints) -> Ints:
    """The codes to learn as numbers: those of an ordered axis that have a position, if three or more."""
    placed = seen[np.isfinite(axis.positions[seen])] if axis.is_ordered else seen[:0]
    return placed[np.argsort(axis.positions[placed], kind="stable")] if len(placed) > 2 else placed[:0]


def _ranks(column: Column, codes: Ints) -> tuple[Floats, Bools]:
    """The place of each code in the order, and whether it has one."""
    by_code = np.argsort(column.ordered, kind="stable")
    at = np.searchsorted(column.ordered, codes, sorter=by_code)
    at = by_code[np.minimum(at, len(by_code) - 1)] if len(by_code) else np.zeros_like(codes)
    is_ranked = column.ordered[at] == codes if len(by_code) else np.zeros(len(codes), dtype=np.bool_)
    return at.astype(np.float64), is_ranked


def _found(column: Column, drawn: Mapping[str, NDArray[Any]]) -> Ints:
    """The codes that one axis was drawn to have; −1 where none is meant."""
    named = {str(code): int(code) for code in column.seen}
    if column.number is None:
        return _named(drawn[str(column.category)], named)
    numbers = np.asarray(drawn[column.number], dtype=np.float64)
    is_number = np.isfinite(numbers)
    nearest = np.rint(np.where(is_number, numbers, 0.0)).clip(0, len(column.ordered) - 1).astype(np.int64)
    placed = np.where(is_number, column.ordered[nearest], -1)
    if column.category is None:
        return placed
    apart = _named(drawn[column.category], named | {_IN_ORDER: -2})
    return np.where(apart == -2, placed, apart)


def _named(labels: NDArray[Any], named: Mapping[str, int]) -> Ints:
    return np.fromiter((named.get(label, -1) for label in labels), dtype=np.int64, count=len(labels))
