"""Numbers, days and moments as whole numbers of a step: hundredths, days, minutes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from synth.axes import Bools, Floats, Ints
from synth.coding.people import People
from synth.variables import Type

FURTHEST = 1 << 61
"""No grid reaches further: differences of two places fit 64 bits."""
_EXACT = 2.0**53
_LARGEST = float(np.finfo(np.float64).max)
_DECIMALS = 6
_UNITS = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000, 1)
_DAY = 86_400_000_000
_MOMENTS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")


@dataclass(frozen=True, slots=True)
class Grid:
    """The step of a column of ``type``: 10^−``decimals``, or ``unit`` microseconds of a moment."""

    type: Type
    decimals: int = 0
    unit: int = 1

    def places(self, cells: pl.Series) -> tuple[Ints, Bools]:
        """Each cell's place (int64, shape (rows,)) and whether it has one, for cells of any type."""
        if self.type == "number" or (self.type == "integer" and not cells.dtype.is_integer()):
            return self._of_floats(floats(cells))
        if self.type == "integer":
            whole = cells.cast(pl.Int64, strict=False)
        else:
            whole = days(cells) if self.type == "date" else moments(cells)
        known = whole.is_not_null().to_numpy()
        return np.clip(whole.fill_null(0).to_numpy() // self.unit, -FURTHEST, FURTHEST), known

    def cells(self, places: Ints) -> pl.Series:
        """The cells at ``places``, in the type's canonical form."""
        if self.type == "number":
            return pl.Series(self._floats(places), dtype=pl.Float64)
        if self.type == "integer":
            return pl.Series(places, dtype=pl.Int64)
        if self.type == "date":
            return pl.Series(places.astype(np.int32), dtype=pl.Int32).cast(pl.Date)
        return pl.Series(places * self.unit, dtype=pl.Int64).cast(pl.Datetime("us"))

    def positions(self, places: Floats) -> Floats:
        """Numbers as they are, days and moments in days from 1970."""
        if self.type == "number":
            return self._floats(places)
        return places * (self.unit / _DAY if self.type == "datetime" else 1.0)

    def _of_floats(self, values: Floats) -> tuple[Ints, Bools]:
        known = ~np.isnan(values)
        filled = np.where(known, values, 0.0)
        with np.errstate(over="ignore"):
            scaled = filled * 10.0**self.decimals if self.decimals >= 0 else filled / 10.0**-self.decimals
        return np.rint(np.clip(scaled, -FURTHEST, FURTHEST)).astype(np.int64), known

    def _floats(self, places: Ints | Floats) -> Floats:
        # An exact whole number over an exact power of ten is the float that the decimal is read as.
        with np.errstate(over="ignore"):
            found = places / 10.0**self.decimals if self.decimals >= 0 else places * 10.0**-self.decimals
        return np.clip(found, -_LARGEST, _LARGEST)


def learned(cells: pl.Series, type_: Type, people: People, k: int) -> Grid:
    """Return the coarsest grid that all ``cells`` but those of fewer than k people lie on.

    Numbers keep at most six decimals, or as many digits where k people's are all below 1, and never more
    than a float holds of the largest that k people reach.
    """
    if type_ == "datetime":
        return Grid(type_, unit=_unit(moments(cells), people, k))
    if type_ == "number":
        return Grid(type_, decimals=_decimals(floats(cells), people, k))
    return Grid(type_)


def floats(cells: pl.Series) -> Floats:
    """Cells of any type as floats, shape (rows,); NaN: missing."""
    if isinstance(cells.dtype, pl.List | pl.Date | pl.Datetime):
        return np.full(len(cells), np.nan)
    return np.asarray(cells.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy(), np.float64)


def days(cells: pl.Series) -> pl.Series:
    """Cells of any type as days from 1970; null: missing, a partial date, or no date at all."""
    if isinstance(cells.dtype, pl.Datetime):
        cells = cells.cast(pl.Date)
    if cells.dtype != pl.Date:
        cells = _texts(cells).str.to_date("%Y-%m-%d", strict=False)
    return cells.cast(pl.Int32).cast(pl.Int64)


def moments(cells: pl.Series) -> pl.Series:
    """Cells of any type as microseconds from 1970; a day is its midnight, a zone is taken to UTC."""
    if cells.dtype == pl.Date or isinstance(cells.dtype, pl.Datetime):
        return cells.cast(pl.Datetime("us")).cast(pl.Int64)
    texts = _texts(cells)
    zoned = texts.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%#z", strict=False, time_unit="us")
    found = zoned.dt.replace_time_zone(None)
    for shape in _MOMENTS:
        found = found.fill_null(texts.str.to_datetime(shape, strict=False, time_unit="us"))
    midnights = texts.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    return found.fill_null(midnights).cast(pl.Int64)


def _texts(cells: pl.Series) -> pl.Series:
    is_text = cells.dtype in (pl.String, pl.Categorical, pl.Enum)
    return cells.cast(pl.String) if is_text else pl.Series([None] * len(cells), dtype=pl.String)


def _unit(microseconds: pl.Series, people: People, k: int) -> int:
    known = microseconds.fill_null(0).to_numpy()
    return next(unit for unit in _UNITS if unit == 1 or not _needed(known % unit != 0, people, k))


def _decimals(values: Floats, people: People, k: int) -> int:
    """A digit that fewer than k people need would tell of them alone."""
    finite = np.where(np.isfinite(values), values, 0.0)
    used = next((d for d in range(_DECIMALS + 1) if not _needs_more(finite, d, people, k)), _DECIMALS + 1)
    largest = _reached(np.abs(finite), people, k)
    if used > _DECIMALS:
        below_one = -np.floor(np.log10(largest)) - 1 if 0 < largest < 1 else 0
        used = _DECIMALS + min(int(below_one), 15)
    room = int(np.floor(np.log10(_EXACT) - np.log10(largest))) if largest > 0 else used
    return min(used, room)


def _needs_more(values: Floats, decimals: int, people: People, k: int) -> bool:
    # What a thousand rows need, all of them do.
    for part, whose in ((values[:1000], people.ordered(np.arange(min(len(values), 1000)))), (values, people)):
        with np.errstate(over="ignore", invalid="ignore"):
            if _needed(np.round(part, decimals) != part, whose, k):
                return True
    return False


def _needed(rows: Bools, people: People, k: int) -> bool:
    return people.among(rows) >= k


def _reached(values: Floats, people: People, k: int) -> float:
    """The largest value that k people reach; 0 where fewer people are known."""
    largest = np.zeros(people.count)
    np.maximum.at(largest, people.numbers, values)
    return float(np.partition(largest, -k)[-k]) if people.count >= k else 0.0
