"""Everything is found out about tables of any columns: none of their kinds stops the report."""

from __future__ import annotations

from math import isfinite

import numpy as np
import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from risk import ClassSizes, finding
from risk.comparison import Attribute, Comparison, Kind, TableKind
from risk.finding import Search, find

Cell = str | float | list[str] | None
DAYS = ["2020-01-03", "2020-05", "2021", "*", None]
CODES: list[Cell] = [["I10"], ["I10", "E11"], ["E11", "I10"], ["*"], [], None]
VALUES: dict[str, tuple[Kind, list[Cell]]] = {
    "codes": ("codes", CODES),
    "no codes": ("codes", [[], None]),
    "nothing": ("category", [None]),
    "no number": ("number", [None]),
    "constant": ("category", ["x"]),
    "constant number": ("number", [0.0, -0.0]),
    "day": ("category", [*DAYS]),
    "flag": ("category", ["true", "false", None]),
    "word": ("category", ["a", "b", "*", "C*", None]),
    "number": ("number", [0.0, 1.5, -2.0, 1e30, None]),
    "band": ("category", [1.0, 7.0, 50.0, 99.0, None]),
}
"""The kind in the release of each sort of column, and its true values."""
TYPES = {"codes": pl.List(pl.String), "number": pl.Float64, "category": pl.String}


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    """A table of up to five columns, in which people have up to three rows and some rows are left out."""
    table: TableKind = draw(st.sampled_from(["anonymised", "synthetic"]))
    sorts = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=5, unique=True))
    if table == "synthetic":
        sorts = [each for each in sorts if each != "band"] or ["word"]
    count, rng = draw(st.integers(8, 40)), np.random.default_rng(draw(st.integers(0, 2**16)))
    roles = [(bool(rng.random() < 0.5), bool(rng.random() < 0.5)) for _ in sorts]
    attributes = [
        Attribute(sort, VALUES[sort][0], is_quasi_identifier=quasi, is_sensitive=sensitive)
        for sort, (quasi, sensitive) in zip(sorts, roles, strict=True)
    ]
    base = pl.DataFrame([drawn(sort, count, rng) for sort in sorts])
    people = np.unique(rng.integers(0, count, count), return_inverse=True)[1].astype(np.int64)
    shown = rng.random(count) < draw(st.sampled_from([0.8, 1.0]))
    shown[0] = True
    words = base.with_columns(pl.col(name).cast(pl.String) for name in base.columns if name == "band")
    if table == "anonymised":
        released = words.filter(pl.Series(shown))
        return Comparison(table, tuple(attributes), released, words, base, people, shown)
    made, held = (pl.DataFrame([drawn(sort, count, rng) for sort in sorts]) for _ in range(2))
    numbers: np.ndarray[tuple[int], np.dtype[np.int64]] = np.arange(count)
    return Comparison(table, tuple(attributes), made, base, base, people, shown, held, numbers)


def drawn(sort: str, count: int, rng: np.random.Generator) -> pl.Series:
    kind, values = VALUES[sort]
    cells = [values[place] for place in rng.integers(0, len(values), count)]
    return pl.Series(sort, cells, dtype=pl.Float64 if sort == "band" else TYPES[kind])


def classes(frame: pl.DataFrame) -> ClassSizes:
    sizes = np.ones(frame.height, dtype=np.int64)
    return ClassSizes(sizes, sizes)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(comparisons())
def test_every_figure_of_any_table_is_a_number_or_says_why_it_is_none(comparison: Comparison) -> None:
    found = find(comparison, classes(comparison.base), classes(comparison.released), Search("quick"))
    for figure in finding.figures(found, comparison.table).values():
        assert figure.method
        assert all(isfinite(end) for end in (figure.value, figure.low, figure.high) if end is not None)
