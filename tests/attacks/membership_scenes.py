"""Drawn patients, and generators that memorise a stated share of them."""

from __future__ import annotations

import numpy as np
import polars as pl

from risk.baselines import independent
from risk.comparison import Attribute, Comparison

PEOPLE, HELD_OUT = 2_400, 2_400


def patients(count: int, rng: np.random.Generator) -> pl.DataFrame:
    """Age, body mass index and stage hang together; sex and clinic do not."""
    age = rng.normal(60, 15, count).round(1)
    return pl.DataFrame(
        {
            "age": age,
            "bmi": (27 + 0.1 * (age - 60) + rng.normal(0, 4, count)).round(1),
            "sex": rng.choice(["f", "m"], count),
            "clinic": rng.choice(list("abcdefgh"), count, p=[0.4, 0.2, 0.1, 0.1, 0.08, 0.06, 0.04, 0.02]),
            "stage": np.where(age + rng.normal(0, 10, count) > 65, "late", "early"),
        }
    )


def attributes(frame: pl.DataFrame) -> tuple[Attribute, ...]:
    """The last column is sensitive, the others are quasi-identifiers."""
    last = frame.columns[-1]
    return tuple(
        Attribute(
            name, "number" if frame.schema[name].is_numeric() else "category", name != last, name == last
        )
        for name in frame.columns
    )


def synthetic(released: pl.DataFrame, trained: pl.DataFrame, held_out: pl.DataFrame | None) -> Comparison:
    """A synthetic table beside those its model was trained on, one row each."""
    return Comparison(
        "synthetic",
        attributes(trained),
        released,
        trained,
        trained,
        np.arange(trained.height),
        np.ones(trained.height, np.bool_),
        held_out,
        None if held_out is None else np.arange(held_out.height),
    )


def memorised(
    trained: pl.DataFrame, rows: np.ndarray, rng: np.random.Generator, *, noise: float = 0.0
) -> pl.DataFrame:
    """The table of a generator that repeats some rows, numbers moved by ``noise`` of their deviation.

    All other rows have independent columns.
    """
    copies = trained[rows].with_columns(
        pl.col(name) + rng.normal(0, noise * float(trained[name].std()), len(rows))  # type: ignore[arg-type]
        for name in ("age", "bmi")
    )
    return pl.concat([copies, independent(trained, rng)[len(rows) :]])
