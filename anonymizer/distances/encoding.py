"""A table as arrays that distances are computed from, on the scale of a reference table.

The distance is Gower's (Biometrics 27 (1971), p. 857): the mean over attributes of a number between 0 and 1.
Numbers differ by their gap over the reference's range, at most 1; categories by 0 or 1; code sets by
Jaccard's distance; two missing values by 0 and a missing from a present one by 1. It is a metric. Every
attribute's part is a whole number of ``UNIT``ths, so that sums and ties are exact in float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

Kind = Literal["number", "category", "codes"]
"""How values are compared: by their gap, by being the same, as sets of codes."""

Floats32 = NDArray[np.float32]
Longs = NDArray[np.int64]

UNIT = 2**16
"""The largest distance of one attribute. Whole numbers up to 2²⁴ are exact in float32: 256 attributes."""
MOST_ATTRIBUTES = 2**24 // UNIT
_FARTHEST = float(2**23 - UNIT)
_MISSING_NUMBER = float(2**23 + UNIT)
_MISSING, _UNSEEN = -1.0, -2.0


@dataclass(frozen=True, slots=True)
class Encoded:
    """A table's rows: ``numbers`` and ``categories`` float32 (columns, rows), and the sets of code columns.

    Those of column c, row r lie in ``members`` int64, sorted, from ``starts[c, r]`` to ``starts[c, r + 1]``.
    ``signatures`` int64 (columns, rows) have a bit for each member, one for an empty set and one for a
    missing one: without a common bit two sets are as far apart as can be.
    """

    numbers: Floats32
    categories: Floats32
    starts: Longs
    members: Longs
    signatures: Longs

    def __post_init__(self) -> None:
        for name in self.__slots__:
            array = np.ascontiguousarray(getattr(self, name))
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def rows(self) -> int:
        return int(self.numbers.shape[1])

    @property
    def attributes(self) -> int:
        return len(self.numbers) + len(self.categories) + len(self.signatures)

    def take(self, rows: Longs) -> Encoded:
        """Return the given rows, int64 (n,), in their order."""
        counts = np.diff(self.starts, axis=1)[:, rows]
        starts = _offsets(counts)
        inside = np.arange(counts.sum()) - np.repeat(starts[:, :-1].ravel(), counts.ravel())
        members = self.members[np.repeat(self.starts[:, rows].ravel(), counts.ravel()) + inside]
        return Encoded(
            self.numbers[:, rows],
            self.categories[:, rows],
            starts,
            members,
            self.signatures[:, rows],
        )


@dataclass(frozen=True, slots=True)
class Scale:
    """What a reference table gives: each number's middle and range, the numbers of its categories and codes.

    ``ranges`` holds the median and the gap between the 1 % and the 99 % quantile (of all values where that
    is 0); values more than 127 such ranges from the median count as being there. A category or code that the
    reference has not is like none of it.
    """

    kinds: Mapping[str, Kind]
    ranges: Mapping[str, tuple[float, float]]
    places: Mapping[str, pl.DataFrame]

    @classmethod
    def of(cls, reference: pl.DataFrame, kinds: Mapping[str, Kind]) -> Scale:
        """Return the scale of a reference with the columns of ``kinds``.

        Raises:
            ValueError: there are more than 256 attributes, or none.
        """
        if not 0 < len(kinds) <= MOST_ATTRIBUTES:
            raise ValueError(f"distances take 1 to {MOST_ATTRIBUTES} attributes")
        ranges = {name: _range(reference[name]) for name, kind in kinds.items() if kind == "number"}
        places = {name: _places(reference[name], kind) for name, kind in kinds.items() if kind != "number"}
        return cls(dict(kinds), ranges, places)

    def encode(self, frame: pl.DataFrame) -> Encoded:
        """Return the rows of ``frame``, which has the columns of ``kinds``, on this scale."""
        names = {kind: [name for name, its in self.kinds.items() if its == kind] for kind in get_args(Kind)}
        numbers = [_coordinates(frame[name], *self.ranges[name]) for name in names["number"]]
        categories = [_category_places(frame[name], self.places[name]) for name in names["category"]]
        sets = [_sets(frame[name], self.places[name]) for name in names["codes"]]
        counts = _stacked([each[0] for each in sets], frame.height, np.int64)
        members = np.concatenate([np.zeros(0, np.int64), *(each[1] for each in sets)])
        missing = _stacked(
            [frame[name].is_null().to_numpy() for name in names["codes"]], frame.height, np.bool_
        )
        starts = _offsets(counts)
        return Encoded(
            _stacked(numbers, frame.height, np.float32),
            _stacked(categories, frame.height, np.float32),
            starts,
            members,
            _signatures(starts, members, missing),
        )


def _stacked(columns: Sequence[NDArray[Any]], rows: int, dtype: type) -> NDArray[Any]:
    return np.array(columns, dtype).reshape(len(columns), rows)


def _offsets(counts: Longs) -> Longs:
    """Where each set starts, column after column; int64 (columns, rows + 1)."""
    columns, rows = counts.shape
    ends = np.cumsum(counts.ravel()).reshape(columns, rows)
    before = np.concatenate([[0], ends[:, -1]])[:columns] if rows else np.zeros(columns, np.int64)
    return np.hstack([before[:, None], ends]).astype(np.int64)


def _range(column: pl.Series) -> tuple[float, float]:
    numbers = column.cast(pl.Float64).drop_nulls().to_numpy()
    values = numbers[np.isfinite(numbers)]
    if not len(values):
        return 0.0, 0.0
    low, middle, high = np.quantile(values, [0.01, 0.5, 0.99])
    return float(middle), float(high - low) or float(values.max() - values.min())


def _coordinates(column: pl.Series, middle: float, span: float) -> Floats32:
    """Where values lie, in units of the range's ``UNIT``th; without a range all that differ are far apart."""
    values = column.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    away = values - middle
    with np.errstate(over="ignore"):
        placed = np.rint(away / span * UNIT) if span else np.sign(away) * UNIT
    clipped = np.clip(placed, -_FARTHEST, _FARTHEST)
    return np.where(np.isnan(values), _MISSING_NUMBER, clipped).astype(np.float32)


def _places(column: pl.Series, kind: Kind) -> pl.DataFrame:
    """The distinct values or codes, in their order, numbered."""
    values = column.explode() if kind == "codes" else column
    distinct = values.cast(pl.String).drop_nulls().unique().sort().alias("value")
    return pl.DataFrame({"value": distinct}).with_row_index("place")


def _placed(values: pl.Series, places: pl.DataFrame) -> pl.Series:
    """Each value's number in ``places``, null where it is not in there; in the order of ``values``."""
    asked = pl.DataFrame({"value": values.cast(pl.String)})
    return asked.join(places, on="value", how="left", maintain_order="left")["place"].cast(pl.Int64)


def _category_places(column: pl.Series, places: pl.DataFrame) -> Floats32:
    placed = _placed(column, places).cast(pl.Float64).fill_null(_UNSEEN).to_numpy()
    return np.where(column.is_null().to_numpy(), _MISSING, placed).astype(np.float32)


def _sets(column: pl.Series, places: pl.DataFrame) -> tuple[Longs, Longs]:
    """The number of codes per row, and all codes' numbers; unseen ones are numbered after the reference's."""
    frame = pl.DataFrame({"value": column.cast(pl.List(pl.String))}).with_row_index("row")
    pairs = frame.explode("value").drop_nulls().unique(maintain_order=True)
    unseen = pairs.select("value").unique(maintain_order=True).join(places, on="value", how="anti")
    further = unseen.with_row_index("place", offset=places.height)
    everything = pl.concat([places, further.select("place", "value")])
    codes = _placed(pairs["value"], everything).to_numpy()
    rows = pairs["row"].to_numpy().astype(np.int64)
    order = np.lexsort((codes, rows))
    return np.bincount(rows, minlength=len(column)).astype(np.int64), codes[order].astype(np.int64)


def _signatures(starts: Longs, members: Longs, missing: NDArray[np.bool_]) -> Longs:
    """Several codes may share a bit; the last two are for what has no members."""
    counts = np.diff(starts, axis=1)
    signatures = np.where(counts > 0, 0, np.where(missing, _bits(63), _bits(62))).astype(np.uint64).ravel()
    np.bitwise_or.at(signatures, np.repeat(np.arange(counts.size), counts.ravel()), _bits(members % 62))
    return signatures.view(np.int64).reshape(counts.shape)


def _bits(places: Longs | int) -> NDArray[np.uint64]:
    return np.left_shift(np.uint64(1), np.asarray(places, np.uint64))
