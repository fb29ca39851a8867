"""A table as codes and back by a declared domain alone: nothing of it comes from the data.

What lies outside the domain is coded as missing, and every column can be missing. So two tables that differ
in any rows have the same axes, and a row's codes follow from that row and the declaration.

What a ``Variable`` tells of coarser values and of order may be told of the values in the data alone, and then
tells which those are. It only serves to find the label of a cell that is finer than the domain; which codes
there are, lie beside one another, belong together or match a condition follows from ``Declared``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import ceil, log10

import numpy as np
import polars as pl

from anonymizer.errors import BadConfig
from synth.axes import Axis, Bools, Codes
from synth.coding.bands import Bands
from synth.coding.categories import categories
from synth.coding.code_lists import CodeLists
from synth.coding.codec import Codec
from synth.coding.coder import Coder, axis
from synth.coding.grids import FURTHEST, Grid
from synth.coding.numbers import Numbers, numbers
from synth.conditions import check_span
from synth.recipe import Between, Declared, Wanted
from synth.variables import Variable

MOST_CODES = 40
"""How many codes the lists of a column can hold: each has an axis of its own."""
_MINUTE = 60_000_000
_DAY = 86_400_000_000
_DECIMALS = 6


def public(variables: Sequence[Variable], domain: Mapping[str, Declared]) -> tuple[Variable, ...]:
    """Return the variables with nothing told of their values but what the ``domain`` says."""
    return tuple(_public(each, domain.get(each.name, Declared())) for each in variables)


def _public(variable: Variable, declared: Declared) -> Variable:
    return replace(variable, coarser=declared.coarser, order=declared.order)


def codec(variables: Sequence[Variable], domain: Mapping[str, Declared]) -> Codec:
    """Return the codec of a declared ``domain`` by column; a column of truth values needs none.

    Raises:
        BadConfig: a column has no domain, or one that its type cannot have, or a domain is of no column.
    """
    unknown = set(domain) - {each.name for each in variables}
    if unknown:
        raise BadConfig("a domain is declared for a column that is not synthesised", column=min(unknown))
    coders = (_coder(each, domain.get(each.name)) for each in variables)
    return Codec(public(variables, domain), tuple(coders))


def _coder(variable: Variable, declared: Declared | None) -> Coder:
    if variable.type == "boolean":
        return categories(variable, ("false", "true"), has_missing=True, fallback=2)
    if declared is None or not (declared.values or declared.span):
        raise BadConfig(
            "its domain must be declared: differential privacy takes none from the data", column=variable.name
        )
    if variable.type in ("string", "list"):
        labels = tuple(sorted(set(declared.values)))
        if not labels:
            raise BadConfig("its domain must be declared as values", column=variable.name)
        own, finer = _public(variable, declared), _finer(variable, declared)
        if variable.type == "list":
            lists = _lists(own, labels)
            return Finer(replace(lists, variable=finer), lists)
        known = categories(own, labels, has_missing=True, fallback=len(labels))
        return Finer(replace(known, variable=finer), known)
    grid = _grid(variable, declared)
    bands = _singles(variable, declared, grid) if declared.values else _equal(variable, declared, grid)
    return Within(numbers(variable, grid, bands, has_missing=True))


def _finer(variable: Variable, declared: Declared) -> Variable:
    """The variable with what is known above values that the domain does not name."""
    return replace(variable, coarser={**variable.coarser, **declared.coarser})


@dataclass(frozen=True, slots=True)
class Finer:
    """Text or lists: ``reader`` finds the code of a cell, all else is that of the ``declared``."""

    reader: Coder
    declared: Coder

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The declared axes."""
        return self.declared.axes

    @property
    def merged(self) -> int:
        """Nothing was learned, so nothing was merged."""
        return 0

    def encode(self, cells: pl.Series) -> Codes:
        """Return the codes of each cell's value or nearest declared label, shape (rows, axes)."""
        return self.reader.encode(cells)

    def decode(self, codes: Codes, rng: np.random.Generator) -> pl.Series:
        """Return the declared labels of ``codes``."""
        return self.declared.decode(codes, rng)

    def matching(self, wanted: Wanted) -> Mapping[int, Bools]:
        """Return which codes are what is wanted; raises ``BadConfig`` where none is."""
        return self.declared.matching(wanted)


@dataclass(frozen=True, slots=True)
class Within:
    """Numbers, days or moments of declared bands: what lies in none of them is missing."""

    inner: Numbers

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The one axis: the bands, then missing."""
        return self.inner.axes

    @property
    def merged(self) -> int:
        """Nothing was learned, so nothing was merged."""
        return 0

    def encode(self, cells: pl.Series) -> Codes:
        """Return the code of the band that each cell lies in, shape (rows, 1)."""
        places, known = self.inner.grid.places(cells)
        bands = self.inner.bands
        nearest = bands.nearest(places)
        inside = known & (bands.low[nearest] <= places) & (places <= bands.high[nearest])
        return np.where(inside, nearest, len(bands.low)).astype(np.int32)[:, None]

    def decode(self, codes: Codes, rng: np.random.Generator) -> pl.Series:
        """Return cells drawn uniformly from the bands of ``codes`` (shape (rows, 1))."""
        return self.inner.decode(codes, rng)

    def matching(self, wanted: Wanted) -> Mapping[int, Bools]:
        """Return which codes' bands lie inside what is wanted; raises ``BadConfig`` where none does."""
        return self.inner.matching(wanted)


def _lists(variable: Variable, labels: tuple[str, ...]) -> CodeLists:
    if len(labels) > MOST_CODES:
        raise BadConfig(
            f"the domain of a column of lists can have {MOST_CODES} codes",
            column=variable.name,
            count=len(labels),
            hint="declare coarser ones: a code counts as the nearest above it that is declared",
        )
    none = np.zeros(1, np.int64)
    own = (axis(f"{variable.name}[{label}]", np.array([0.0, 1.0])) for label in labels)
    return CodeLists(
        variable=variable,
        frequent=labels,
        always=(),
        others=(),
        weights=np.zeros(0),
        counts=Bands(none, none.copy()),
        has_missing=True,
        axes=(*own, axis(f"{variable.name}[]", np.array([0.0, np.nan]), is_ordered=True)),
    )


def _grid(variable: Variable, declared: Declared) -> Grid:
    """A grid a hundred times finer than the bands, of whole days, or of minutes."""
    if variable.type == "datetime":
        return Grid(variable.type, unit=_MINUTE)
    if variable.type != "number":
        return Grid(variable.type)
    if declared.values:
        return Grid(variable.type, decimals=_DECIMALS)
    low, high = _bounds(variable, declared)
    width = (float(high) - float(low)) / max(declared.bands, 1)  # type: ignore[arg-type]
    return Grid(variable.type, decimals=min(_DECIMALS, max(0, ceil(2 - log10(width))) if width > 0 else 0))


def _bounds(variable: Variable, declared: Declared) -> tuple[float | date, float | date]:
    """Both ends of the declared span, an open one closed by the column's public bound."""
    span = declared.span or Between()
    check_span(variable, span)
    low = variable.low if span.low is None else span.low
    high = variable.high if span.high is None else span.high
    if low is None or high is None:
        raise BadConfig("the span of its domain needs two ends", column=variable.name)
    return low, high


def _equal(variable: Variable, declared: Declared, grid: Grid) -> Bands:
    """Bands of equal width from end to end, as many as are declared or the grid has places."""
    low, high = _bounds(variable, declared)
    first, last = _places(variable, [low, high], grid)
    if isinstance(high, date) and not isinstance(high, datetime) and variable.type == "datetime":
        last += _DAY // grid.unit - 1
    if declared.bands < 1 or last < first or max(-first, last) >= FURTHEST:
        raise BadConfig("the span of its domain has no bands", column=variable.name)
    count = min(declared.bands, last - first + 1)
    edges = [first + (last - first + 1) * part // count for part in range(count + 1)]
    return Bands(np.array(edges[:-1], np.int64), np.array(edges[1:], np.int64) - 1)


def _singles(variable: Variable, declared: Declared, grid: Grid) -> Bands:
    """Each declared value as a band by itself."""
    values = np.unique(np.array(_places(variable, declared.values, grid), np.int64))
    return Bands(values, values.copy())


def _places(variable: Variable, values: Sequence[object], grid: Grid) -> list[int]:
    places, known = grid.places(pl.Series(list(values)))
    if not known.all():
        raise BadConfig("its domain does not fit its type", column=variable.name)
    return [int(place) for place in places]
