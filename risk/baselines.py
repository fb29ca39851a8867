"""Tables that mark the floor and the ceiling of a figure; nothing else in the project makes them."""

from __future__ import annotations

import numpy as np
import polars as pl


def independent(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return ``frame`` with every column shuffled by itself: the margins stay, every relation is gone."""
    return frame.select(column.gather(rng.permutation(frame.height)) for column in frame.iter_columns())


def verbatim(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a copy of the original: as much risk, and as much value, as there can be."""
    return frame.clone()


def bootstrap(frame: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """Return as many rows drawn with replacement: what a table shows that only copies."""
    return frame[rng.integers(0, frame.height, frame.height)]
