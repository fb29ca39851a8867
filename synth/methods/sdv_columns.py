"""Columns as SDV wants them: of codes alone, with metadata that say what each is, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.errors import SynthesisFailed
from synth.axes import Axis, Bools, Coded, Codes, Ints

TABLE = "codes"
NUMBER, CATEGORY = "numerical", "categorical"
_IN_ORDER = "in order"
_MOST_LABELS = 500
"""A network has an input and an output for every label, so more of them are told by two columns."""

Drawn = Mapping[str, NDArray[Any]]


class Part(Protocol):
    """One axis as columns."""

    @property
    def axis(self) -> int:
        """Its number."""
        ...

    @property
    def kinds(self) -> Mapping[str, str]:
        """The names of its columns, and what each is to SDV."""
        ...

    def made(self, codes: Ints) -> Mapping[str, pl.Series]:
        """Return the columns for codes of the data."""
        ...

    def found(self, drawn: Drawn) -> Ints:
        """Return the codes that drawn columns mean; −1 where none is meant."""
        ...


@dataclass(frozen=True, slots=True)
class Columns:
    """How a coded table becomes columns: its ``varied`` axes, and the ``constant`` codes of the others."""

    varied: tuple[Part, ...]
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
            _part(number, axis, codes)
            for number, (axis, codes) in enumerate(zip(coded.axes, seen, strict=True))
            if len(codes) > 1
        ]
        return cls(tuple(varied), coded.codes[0].copy())

    def metadata(self) -> dict[str, Any]:
        """Return what SDV is told: every column, and what it is. Nothing is left to be detected."""
        columns = {name: {"sdtype": kind} for part in self.varied for name, kind in part.kinds.items()}
        return {"tables": {TABLE: {"columns": columns}}, "relationships": []}

    def frame(self, codes: Codes) -> pl.DataFrame:
        """Return the columns of a coded table: numbers as Float64, codes of categories as text."""
        parts = [part.made(codes[:, part.axis].astype(np.int64)) for part in self.varied]
        return pl.DataFrame({name: column for part in parts for name, column in part.items()})

    def codes(self, drawn: Drawn) -> Codes:
        """Return the codes of drawn columns, shape (rows, axes): rows with a value that is none are left out.

        A number becomes the nearest one that the data have.
        """
        rows = len(next(iter(drawn.values())))
        codes = np.repeat(self.constant[None, :], rows, axis=0)
        is_known: Bools = np.ones(rows, dtype=np.bool_)
        for part in self.varied:
            found = part.found(drawn)
            is_known &= found >= 0
            codes[:, part.axis] = found
        return np.ascontiguousarray(codes[is_known])


@dataclass(frozen=True, slots=True)
class _Labels:
    """Every code that was ``seen`` is a category."""

    axis: int
    seen: Ints

    @property
    def kinds(self) -> Mapping[str, str]:
        return {f"axis {self.axis}": CATEGORY}

    def made(self, codes: Ints) -> Mapping[str, pl.Series]:
        return {f"axis {self.axis}": _text(codes)}

    def found(self, drawn: Drawn) -> Ints:
        return _named(drawn[f"axis {self.axis}"], {str(code): int(code) for code in self.seen})


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Many codes, ``arranged`` so that kin stand together: blocks of equal size, and places in a block."""

    axis: int
    arranged: Ints

    @property
    def width(self) -> int:
        return math.isqrt(len(self.arranged) - 1) + 1

    @property
    def kinds(self) -> Mapping[str, str]:
        return {f"axis {self.axis} block": CATEGORY, f"axis {self.axis} place": CATEGORY}

    def made(self, codes: Ints) -> Mapping[str, pl.Series]:
        place = _places(self.arranged, codes)
        block, inside = (_text(part) for part in np.divmod(place, self.width))
        return {f"axis {self.axis} block": block, f"axis {self.axis} place": inside}

    def found(self, drawn: Drawn) -> Ints:
        digits = {str(digit): digit for digit in range(self.width)}
        block, inside = (_named(drawn[name], digits) for name in self.kinds)
        place = np.where((block >= 0) & (inside >= 0), block * self.width + inside, -1)
        is_place = (place >= 0) & (place < len(self.arranged))
        return np.where(is_place, self.arranged[np.where(is_place, place, 0)], -1)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Codes ``placed`` in the order of their positions are the numbers 0, 1, …; those ``apart`` categories.

    A network then learns that missing is no number, and on what it depends that a value is missing.
    """

    axis: int
    placed: Ints
    apart: Ints

    @property
    def kinds(self) -> Mapping[str, str]:
        names = {f"axis {self.axis} number": NUMBER}
        return names | ({f"axis {self.axis}": CATEGORY} if len(self.apart) else {})

    def made(self, codes: Ints) -> Mapping[str, pl.Series]:
        is_apart = np.isin(codes, self.apart)
        number = np.zeros(len(codes))
        number[~is_apart] = _places(self.placed, codes[~is_apart])
        if not is_apart.all():
            # The number of a row that has none must not stand out.
            number[is_apart] = np.median(number[~is_apart])
        columns = {f"axis {self.axis} number": pl.Series(number)}
        labels = _text(codes).scatter(np.flatnonzero(~is_apart), _IN_ORDER)
        return columns | ({f"axis {self.axis}": labels} if len(self.apart) else {})

    def found(self, drawn: Drawn) -> Ints:
        numbers = np.asarray(drawn[f"axis {self.axis} number"], dtype=np.float64)
        is_number = np.isfinite(numbers)
        nearest = np.rint(np.where(is_number, numbers, 0.0)).clip(0, len(self.placed) - 1).astype(np.int64)
        placed = np.where(is_number, self.placed[nearest], -1)
        if not len(self.apart):
            return placed
        named = {str(code): int(code) for code in self.apart} | {_IN_ORDER: -2}
        apart = _named(drawn[f"axis {self.axis}"], named)
        return np.where(apart == -2, placed, apart)


def _part(number: int, axis: Axis, seen: Ints) -> Part:
    is_placed = np.isfinite(axis.positions[seen]) & axis.is_ordered
    placed = seen[is_placed]
    if len(placed) > 2:
        in_order = placed[np.argsort(axis.positions[placed], kind="stable")]
        return _Numbers(number, in_order, seen[~is_placed])
    if len(seen) <= _MOST_LABELS:
        return _Labels(number, seen)
    return _Blocks(number, seen[np.lexsort([seen, *(groups[seen] for groups in axis.groups)])])


def _places(arranged: Ints, codes: Ints) -> Ints:
    """Where each code stands among those ``arranged``."""
    by_code = np.argsort(arranged, kind="stable")
    places: Ints = by_code[np.searchsorted(arranged, codes, sorter=by_code)]
    return places


def _text(codes: Ints) -> pl.Series:
    return pl.Series(codes).cast(pl.String)


def _named(labels: NDArray[Any], named: Mapping[str, int]) -> Ints:
    return np.fromiter((named.get(label, -1) for label in labels), dtype=np.int64, count=len(labels))
