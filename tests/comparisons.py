"""Small tables beside the people they tell about, for tests of utility."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from risk.comparison import Attribute, Comparison, Kind

Columns = Mapping[str, Sequence[object]]


def synthetic(
    original: Columns,
    released: Columns | None = None,
    *,
    holdout: Columns | None = None,
    people: Sequence[int] | None = None,
) -> Comparison:
    """A synthetic table beside its original; without one, a verbatim copy."""
    base, copied = frame(original), frame(original if released is None else released)
    out = None if holdout is None else frame(holdout)
    return Comparison(
        "synthetic",
        tuple(Attribute(name, kind(base[name]), False, False) for name in base.columns),
        copied,
        base,
        base,
        np.arange(base.height) if people is None else np.asarray(people),
        np.ones(base.height, dtype=bool),
        out,
        None if out is None else np.arange(out.height),
    )


def anonymised(
    base: Columns,
    original: Columns,
    *,
    shown: Sequence[bool] | None = None,
    people: Sequence[int] | None = None,
) -> Comparison:
    """A table released in the words of ``original``, whose numbers are bands, beside the true values."""
    truth, words = frame(base), frame(original)
    seen = np.ones(truth.height, dtype=bool) if shown is None else np.asarray(shown)
    return Comparison(
        "anonymised",
        tuple(Attribute(name, kind(words[name]), False, False) for name in words.columns),
        words.filter(seen),
        words,
        truth,
        np.arange(truth.height) if people is None else np.asarray(people),
        seen,
    )


def frame(columns: Columns) -> pl.DataFrame:
    """Numbers as Float64, text as String, lists as List(String); what is all missing is a number."""
    table = pl.DataFrame(dict(columns), strict=False)
    return table.with_columns(pl.col(pl.Int64, pl.Null).cast(pl.Float64))


def kind(column: pl.Series) -> Kind:
    if column.dtype == pl.List:
        return "codes"
    return "number" if column.dtype.is_numeric() else "category"
