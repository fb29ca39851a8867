"""Numbers, days and moments as codes: bands of k people or more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from synth.axes import Axis, Bools, Codes, Ints
from synth.coding import bands, grids
from synth.coding.bands import Bands
from synth.coding.coder import axis, refuse_none, refuse_pickling
from synth.coding.grids import FURTHEST, Grid
from synth.coding.people import People
from synth.conditions import Condition, matching
from synth.recipe import Wanted
from synth.variables import Variable


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of numbers, days or moments: the codes of ``bands`` on a ``grid``, then one for missing.

    ``has_missing`` says whether there is one for missing; if not, missing cells get the code ``fallback``.
    """

    variable: Variable = field(repr=False)
    grid: Grid
    bands: Bands = field(repr=False)
    has_missing: bool
    fallback: int
    axis: Axis = field(repr=False)
    merged: int = 0

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The one axis: the bands, then missing where it occurs."""
        return (self.axis,)

    def encode(self, cells: pl.Series) -> Codes:
        """The code of each cell's band, or of the nearest one, shape (rows, 1)."""
        return self._encoded(*self.grid.places(cells))[:, None]

    def decode(self, codes: Codes, rng: np.random.Generator) -> pl.Series:
        """Cells drawn uniformly from the bands of ``codes`` (shape (rows, 1))."""
        is_missing = codes[:, 0] == len(self.bands.low)
        low, high = (np.append(part, 0)[codes[:, 0]] for part in (self.bands.low, self.bands.high))
        drawn = np.minimum(low + (rng.random(len(codes)) * (high - low + 1)).astype(np.int64), high)
        cells = self.grid.cells(drawn).alias(self.variable.name)
        return cells.set(pl.Series(is_missing), None) if is_missing.any() else cells

    def matching(self, wanted: Wanted) -> Mapping[int, Bools]:
        """Which codes' bands lie inside what is wanted, whole; a single value matches only itself."""
        several = isinstance(wanted, Sequence) and not isinstance(wanted, str)
        mask = np.zeros(self.axis.size, bool)
        for each in wanted if several else (wanted,):  # type: ignore[union-attr]
            mask |= self._inside(each)
        return {0: refuse_none(self.variable.name, mask)}

    def _inside(self, wanted: Wanted) -> Bools:
        if wanted is None:
            return np.asarray(np.arange(self.axis.size) == len(self.bands.low))
        asked = Condition(self.variable, wanted)
        low, high = (
            matching(asked, self.grid.cells(part), certain=True) for part in (self.bands.low, self.bands.high)
        )
        return np.append(low & high, np.zeros(int(self.has_missing), bool))

    def _encoded(self, places: Ints, known: Bools) -> Codes:
        missing = len(self.bands.low) if self.has_missing else self.fallback
        if not len(self.bands.low):
            return np.full(len(places), missing, dtype=np.int32)
        return np.where(known, self.bands.nearest(places), missing).astype(np.int32)

    __reduce__ = refuse_pickling


def learned(cells: pl.Series, variable: Variable, people: People, k: int) -> Numbers:
    """Return the bands that k ``people`` share, of the ``cells`` of a column of numbers, days or moments."""
    grid = grids.learned(cells, variable.type, people, k)
    places, known = grid.places(cells)
    places = _bounded(places, variable, grid)
    # An infinite number makes no band, and none with the largest finite one: that may be one person's.
    finite = known & (np.abs(places) < FURTHEST)
    found = bands.learned(places[finite], people.where(finite), k)
    has_missing = not len(found.low) or people.among(~known) >= k
    half = np.sort(places[finite])[finite.sum() // 2] if len(found.low) else 0
    fallback = int(found.nearest(np.array([half]))[0]) if len(found.low) else 0
    bare = numbers(variable, grid, found, has_missing=has_missing, fallback=fallback)
    codes = bare._encoded(places, known)
    low, high = (np.append(part, 0)[codes] for part in (found.low, found.high))
    same = np.where(known, (low <= places) & (places <= high) & (codes < len(found.low)), has_missing)
    return Numbers(variable, grid, found, has_missing, fallback, bare.axis, int(np.count_nonzero(~same)))


def numbers(variable: Variable, grid: Grid, found: Bands, *, has_missing: bool, fallback: int = 0) -> Numbers:
    """Return the codes of bands that are known."""
    middles = grid.positions((found.low.astype(np.float64) + found.high) / 2)
    own = axis(variable.name, np.append(middles, [np.nan] * has_missing), is_ordered=True)
    return Numbers(variable, grid, found, has_missing, fallback, own)


def _bounded(places: Ints, variable: Variable, grid: Grid) -> Ints:
    """The places, within the column's public bounds."""
    scale = 10.0**grid.decimals
    low = -FURTHEST if variable.low is None else int(np.ceil(round(variable.low * scale, 6)))
    high = FURTHEST if variable.high is None else int(np.floor(round(variable.high * scale, 6)))
    return np.clip(places, low, max(low, high))
