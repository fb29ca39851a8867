"""Releases of a drawn population that are attacked: honest ones, and ones in which something is planted."""

from __future__ import annotations

import numpy as np
import polars as pl

from risk.comparison import Attribute, Comparison

ATTRIBUTES = (
    Attribute("age", "number", is_quasi_identifier=True, is_sensitive=False),
    Attribute("sex", "category", is_quasi_identifier=True, is_sensitive=False),
    Attribute("region", "category", is_quasi_identifier=True, is_sensitive=False),
    Attribute("diagnosis", "category", is_quasi_identifier=False, is_sensitive=True),
    Attribute("lab", "number", is_quasi_identifier=False, is_sensitive=True),
)
BANDED = tuple(
    Attribute("age", "category", is_quasi_identifier=True, is_sensitive=False) if each.name == "age" else each
    for each in ATTRIBUTES
)


def population(rows: int, seed: int) -> pl.DataFrame:
    """People from one distribution: older ones have other diagnoses."""
    rng = np.random.default_rng(seed)
    age = rng.normal(55.0, 18.0, rows).round(1)
    return pl.DataFrame(
        {
            "age": age,
            "sex": rng.choice(["f", "m"], rows),
            "region": [f"r{number}" for number in rng.integers(0, 12, rows)],
            "diagnosis": [f"d{number}" for number in (age // 10 + rng.integers(0, 4, rows)).astype(int)],
            "lab": (age / 10 + rng.normal(0.0, 3.0, rows)).round(2),
        }
    )


def synthetic(released: pl.DataFrame, *, rows: int = 400, held: int = 400) -> Comparison:
    """A synthetic table of ``rows`` people of the population, of whom as many as ``held`` were held out."""
    everybody = population(rows + held, 1)
    data, outside = everybody[:rows], everybody[rows:]
    shown = np.ones(rows, dtype=bool)
    return Comparison(
        "synthetic", ATTRIBUTES, released, data, data, np.arange(rows), shown, outside, np.arange(held)
    )


def data(rows: int = 400) -> pl.DataFrame:
    """The people a synthetic table is made from."""
    return synthetic(population(1, 0), rows=rows).original


def anonymised(base: pl.DataFrame, *, width: int, people: list[int] | None = None) -> Comparison:
    """A table whose ages are bands of so many years, and whose regions are suppressed; all rows released."""
    band = (pl.col("age") // width * width).cast(pl.String)
    words = base.with_columns(band.alias("age"), pl.lit("*").alias("region"))
    numbers = np.arange(base.height) if people is None else np.array(people)
    shown = np.ones(base.height, dtype=bool)
    return Comparison("anonymised", BANDED, words.sort(pl.all()), words, base, numbers, shown)
