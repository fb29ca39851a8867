"""A small hospital that is drawn at random, and releases made of it that copy more or less."""

from __future__ import annotations

import numpy as np
import polars as pl

from risk.comparison import Attribute, Comparison

SCHEMA = {
    "age": pl.Float64,
    "weight": pl.Float64,
    "stay": pl.Float64,
    "sex": pl.String,
    "ward": pl.String,
    "codes": pl.List(pl.String),
}
NUMBERS = ("age", "weight", "stay")
ATTRIBUTES = (
    Attribute("age", "number", True, False),
    Attribute("weight", "number", False, False),
    Attribute("stay", "number", False, False),
    Attribute("sex", "category", True, False),
    Attribute("ward", "category", True, False),
    Attribute("codes", "codes", False, True),
)
WARDS = ("cardiology", "surgery", "neurology", "oncology", "paediatrics")


def patients(rows: int, seed: int) -> pl.DataFrame:
    """People whose weight, stay, ward and codes go with their age."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(0, 95, rows).round()
    ward = np.clip((age / 20).astype(int) + rng.integers(-1, 2, rows), 0, 4)
    codes = [sorted({f"{'ABCDE'[w]}{c:02}" for c in rng.integers(0, 12, rng.integers(0, 4))}) for w in ward]
    return pl.DataFrame(
        {
            "age": age,
            "weight": (40 + age / 3 + rng.normal(0, 12, rows)).round(1),
            "stay": (1 + rng.exponential(2 + age / 20, rows)).round(),
            "sex": rng.choice(["f", "m"], rows),
            "ward": [WARDS[w] for w in ward],
            "codes": codes,
        },
        schema=SCHEMA,
    )


def shifted(frame: pl.DataFrame, by: float) -> pl.DataFrame:
    """A copy in which every number is larger by a constant."""
    return frame.with_columns(pl.col(name) + by for name in NUMBERS)


def synthetic(
    released: pl.DataFrame, original: pl.DataFrame, holdout: pl.DataFrame | None = None
) -> Comparison:
    """A synthetic table of a model that was trained on everybody in ``original``, one row each."""
    rows = original.height
    return Comparison(
        "synthetic",
        ATTRIBUTES,
        released,
        original,
        original,
        np.arange(rows),
        np.ones(rows, np.bool_),
        holdout,
        None if holdout is None else np.arange(holdout.height),
    )
