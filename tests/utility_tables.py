"""Small tables for the tests of utility."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.comparison import Attribute, Comparison, Kind


def drawn(rows: int, seed: int, *, shift: float = 0.0, related: bool = True) -> pl.DataFrame:
    """Two numbers and two categories that go together, unless they are not ``related``; ``shift`` moves x."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(4, rows)) if not related else np.tile(rng.normal(size=rows), (4, 1))
    x, y, a, b = common + rng.normal(size=(4, rows))
    return pl.DataFrame(
        {
            "x": x + shift,
            "y": np.round(y, 1),
            "a": pl.Series(np.where(a > 0, "yes", "no")),
            "b": pl.Series(np.array(["low", "middle", "high"])[np.digitize(b, [-1, 1])]),
        }
    )


def compared(
    original: pl.DataFrame,
    released: pl.DataFrame,
    *,
    holdout: pl.DataFrame | None = None,
    people: NDArray[np.int64] | None = None,
) -> Comparison:
    """A synthetic release of ``original``, whose rows are a person each unless ``people`` says otherwise."""
    kinds: dict[type[pl.DataType], Kind] = {pl.Float64: "number", pl.List: "codes"}
    attributes = tuple(
        Attribute(name, kinds.get(dtype.base_type(), "category"), True, False)
        for name, dtype in original.schema.items()
    )
    rows = original.height
    return Comparison(
        "synthetic",
        attributes,
        released,
        original,
        original,
        np.arange(rows) if people is None else people,
        np.ones(rows, np.bool_),
        holdout,
        None if holdout is None else np.arange(holdout.height),
    )
