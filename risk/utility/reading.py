"""How a released column is read for analysis, and original and release side by side.

What an analyst would do with a generalised cell is done here once, for every measure of utility:

- a number stays; a band such as ``[40, 44]`` or ``20-39`` is its midpoint, a band open at one side
  (``[90, *)``) its closed bound; a date, a month, a quarter or a year is the middle day, counted from 1970;
- ``*`` is a missing value, and every other label a category;
- a list of codes is a set: its size, and an indicator of each of the most frequent codes.

A column is read as numbers where the base column holds numbers (or dates) and every released label can be
read so; a code that looks like a number stays a category unless the release writes bands of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.comparison import Attribute, Comparison

SUPPRESSED = "*"
MOST_CODES = 20
Reading = Literal["number", "date", "category", "codes"]
Told = Literal["values", "labels", "words"]
Reader = Callable[[str], float | None]

_NUMBER = r"[+-]?[0-9]+(?:\.[0-9]+)?"
_PLAIN = re.compile(_NUMBER)
_BRACKETS = re.compile(rf"([\[\]\(])\s*({_NUMBER}|\*|-inf)\s*[,;-]\s*({_NUMBER}|\*|inf)\s*([\]\[\)])")
_HYPHEN = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*[-–]\s*([0-9]+(?:\.[0-9]+)?)")
_OPEN = re.compile(rf"(?:[<>]=?|[≤≥])\s*({_NUMBER})|({_NUMBER})\s*\+")
_PERIOD = re.compile(r"([0-9]{4})(?:-(?:Q([1-4])|([0-9]{2})(?:-([0-9]{2}))?))?")
_YEARS = re.compile(r"\[([0-9]{4}), ([0-9]{4})\]")


def aligned(comparison: Comparison, told: Told = "values") -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return original and release with columns that can be compared: Float64, String, List(String).

    The original's categories are written as the release writes them, so that a coarser label is no
    difference; but where the release writes ``*`` the original has its value (in the words of other rows, or
    as ``*`` where these have none), since a suppressed cell is lost. Its numbers are the true ones, beside
    the midpoints of the release (``values``), or midpoints as well (``labels``). With ``words`` everything is
    as the release writes it, ``*`` too: what then differs is more than generalised or suppressed cells.
    """
    ways = readings(comparison)
    released = [read(comparison.released[name], way) for name, way in ways.items()]
    original = [
        _original(comparison.base[name], comparison.original[name], way, told) for name, way in ways.items()
    ]
    return pl.DataFrame(original), pl.DataFrame(released)


def held_out(comparison: Comparison) -> pl.DataFrame | None:
    """Return the held-out rows in the columns of ``aligned``; None where nobody was held out."""
    if comparison.holdout is None:
        return None
    ways = readings(comparison)
    return pl.DataFrame([read(comparison.holdout[name], way) for name, way in ways.items()])


def readings(comparison: Comparison) -> dict[str, Reading]:
    """Return how each column is read, by its name."""
    return {
        each.name: _reading(each, comparison.base[each.name], comparison.released[each.name])
        for each in comparison.attributes
    }


def read(series: pl.Series, way: Reading) -> pl.Series:
    """Return a column as it is analysed; null where it is missing, suppressed or unreadable."""
    if way == "codes":
        return _sets(series)
    if way == "category":
        text = series.cast(pl.String)
        return text.set(text == SUPPRESSED, None)
    if series.dtype.is_numeric():
        return _finite(series.cast(pl.Float64))
    values = series.cast(pl.String)
    parse = number_of if way == "number" else day_of
    labels = values.unique().drop_nulls().to_list()
    if not labels:
        return values.cast(pl.Float64)
    return _finite(values.replace_strict(labels, [parse(label) for label in labels], return_dtype=pl.Float64))


def _finite(numbers: pl.Series) -> pl.Series:
    """The numbers; null for what is none that can be computed with."""
    return numbers.set(~numbers.is_finite(), None)


def tabular(
    frames: tuple[pl.DataFrame, pl.DataFrame], people: NDArray[np.int64], *, codes: int = MOST_CODES
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return both frames with numbers and categories alone: a list becomes its size and indicators (0, 1).

    Indicators are of the ``codes`` that most ``people`` (int64, shape (rows of the first frame,)) have.
    """
    first, second = frames
    lists = [name for name, dtype in first.schema.items() if dtype == pl.List]
    chosen = {name: most_frequent(first[name], people, codes) for name in lists}
    return _expanded(first, chosen), _expanded(second, chosen)


def most_frequent(series: pl.Series, people: NDArray[np.int64], most: int) -> list[str]:
    """Return the ``most`` codes of a list column that the largest numbers of people have, in that order."""
    pairs = pl.DataFrame({"person": people, "code": series}).explode("code", empty_as_null=True).drop_nulls()
    counted = pairs.unique().group_by("code").len().sort(pl.col("len"), "code", descending=[True, False])
    return list(counted["code"].head(most))


def number_of(label: str) -> float | None:
    """Return the number a label stands for: itself, a band's midpoint, the bound of an open band."""
    if _PLAIN.fullmatch(label):
        return float(label)
    if found := _OPEN.fullmatch(label):
        return float(found[1] or found[2])
    if found := _HYPHEN.fullmatch(label):
        return (float(found[1]) + float(found[2])) / 2
    if found := _BRACKETS.fullmatch(label):
        low, high = (_bound(found[2]), _bound(found[3]))
        return low if high is None else high if low is None else (low + high) / 2
    return None


def day_of(label: str) -> float | None:
    """Return the middle of a date or period such as ``1962-05``, in days since 1970-01-01."""
    if found := _YEARS.fullmatch(label):
        return _middle(int(found[1]), 1, int(found[2]), 12)
    if not (found := _PERIOD.fullmatch(label)):
        return None
    year, quarter, month, day = int(found[1]), found[2], found[3], found[4]
    if day:
        try:
            return float(date(year, int(month), int(day)).toordinal() - _EPOCH)
        except ValueError:
            return None
    if quarter:
        return _middle(year, int(quarter) * 3 - 2, year, int(quarter) * 3)
    return _middle(year, int(month or 1), year, int(month or 12))


_EPOCH = date(1970, 1, 1).toordinal()


def _middle(year: int, month: int, last_year: int, last_month: int) -> float | None:
    """The middle day from the first of a month to the end of another."""
    ends = last_year * 12 + last_month
    try:
        first, after = date(year, month, 1), date(ends // 12, ends % 12 + 1, 1)
    except ValueError:
        return None
    return (first.toordinal() + after.toordinal() - 1) / 2 - _EPOCH


def _bound(text: str) -> float | None:
    return float(text) if _PLAIN.fullmatch(text) else None


def _reading(attribute: Attribute, base: pl.Series, released: pl.Series) -> Reading:
    if attribute.kind == "codes":
        return "codes"
    if attribute.kind == "number" or released.dtype.is_numeric():
        return "number"
    labels = [label for label in _distinct(released) if label != SUPPRESSED]
    values = [] if base.dtype.is_numeric() else _distinct(base)
    if base.dtype.is_numeric():
        return "number" if _all(labels, number_of) else "category"
    if any(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) for value in values):
        return "date" if _all(values, day_of) and _all(labels, day_of) else "category"
    bands = any(not _PLAIN.fullmatch(label) for label in labels)
    is_number = bands and _all(labels, number_of) and _all(values, number_of)
    return "number" if is_number else "category"


def _distinct(series: pl.Series) -> list[str]:
    return series.unique().drop_nulls().cast(pl.String).to_list()


def _all(labels: list[str], reader: Reader) -> bool:
    return all(reader(label) is not None for label in labels)


def _original(base: pl.Series, words: pl.Series, way: Reading, told: Told) -> pl.Series:
    """A column of the original as it is compared, see ``aligned``."""
    if told == "values" and way in ("number", "date"):
        return read(base, way)
    label = read(words, way)
    if told == "words":
        return label
    value = _in_words(read(base, way), label) if way == "category" else read(base, way)
    return label.zip_with(label.is_not_null(), value)


def _in_words(values: pl.Series, labels: pl.Series) -> pl.Series:
    """The values as the release writes them in other rows; ``*`` where it writes them nowhere, or variously.

    Where it writes values as they are, they stay: one that is starred everywhere is lost.
    """
    pairs = pl.DataFrame({"value": values, "label": labels}).drop_nulls().unique()
    if (pairs["value"] == pairs["label"]).all():
        return values
    once = pairs.filter(pl.len().over("value") == 1)
    written = values.replace_strict(once["value"], once["label"], default=SUPPRESSED, return_dtype=pl.String)
    return written.zip_with(values.is_not_null(), values)


def _sets(series: pl.Series) -> pl.Series:
    name = series.name
    codes = pl.col(name).list.unique().list.sort()
    return series.to_frame().select(codes.list.set_difference(pl.lit([SUPPRESSED]))).to_series()


def _expanded(frame: pl.DataFrame, chosen: Mapping[str, list[str]]) -> pl.DataFrame:
    columns: list[pl.Expr] = []
    for name in frame.columns:
        if name not in chosen:
            columns.append(pl.col(name))
            continue
        columns.append(pl.col(name).list.len().cast(pl.Float64).alias(f"{name} (number)"))
        columns += [
            pl.col(name).list.contains(pl.lit(code)).cast(pl.Float64).alias(f"{name}: {code}")
            for code in chosen[name]
        ]
    return frame.select(columns)
