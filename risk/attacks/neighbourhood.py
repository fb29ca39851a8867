"""The records that a release was made from, ready to be searched for whoever lies nearest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.distances.encoding import MOST_ATTRIBUTES, Scale
from anonymizer.distances.nearest import NOBODY, Index
from risk.comparison import Comparison

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

ASKED, FEWEST_ASKED = 5_000, 500
"""So many records, drawn at random, are asked for their nearest one; every real record is looked at."""
_PAIRS = 5 * 10**8
"""Where real records are more than 100,000, fewer are asked for: so many pairs at most."""
NOT_MEASURED = f"needs records in the data and in the release, and no more than {MOST_ATTRIBUTES} columns"


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The records in the release, or that its model was trained on, in the release's words."""

    index: Index

    @property
    def asked(self) -> int:
        """How many records to ask for."""
        return max(FEWEST_ASKED, min(ASKED, _PAIRS // len(self.index.order)))

    def distances(self, records: pl.DataFrame, people: Longs | None = None) -> Floats:
        """Return how far each record's nearest real one is, 0 to 1, float64 (rows,).

        ``people`` int64 (rows,) leaves out the record's own person; nobody is left out without them. Infinite
        where nobody is left.
        """
        own = np.full(records.height, NOBODY, np.int64) if people is None else people
        found, _ = self.index.nearest(self.index.scale.encode(records), own)
        return np.asarray(found[:, 0].astype(np.float64) / self.index.farthest)


def neighbourhood(comparison: Comparison) -> Neighbourhood | None:
    """Return the real records to be searched; None where there is nothing that could be measured."""
    if not measurable(comparison):
        return None
    real = comparison.original.filter(comparison.shown)
    scale = Scale.of(real, {each.name: each.kind for each in comparison.attributes})
    return Neighbourhood(Index.of(real, scale, comparison.people[comparison.shown]))


def measurable(comparison: Comparison) -> bool:
    """Return whether there are records on both sides, and no more attributes than distances take."""
    rows = comparison.shown.any() and comparison.released.height > 0
    return bool(rows) and 0 < len(comparison.attributes) <= MOST_ATTRIBUTES


def some(frame: pl.DataFrame, rng: np.random.Generator, *, most: int = ASKED) -> pl.DataFrame:
    """Return at most so many rows, drawn without replacement, in their order."""
    return frame[chosen(frame.height, rng, most=most)]


def chosen(rows: int, rng: np.random.Generator, *, most: int = ASKED) -> Longs:
    """Return the places of at most so many of ``rows`` rows, ascending."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(rng.choice(rows, most, replace=False))
