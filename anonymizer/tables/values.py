"""Columns of text into columns of values, and columns of any scalar type into canonical text.

A file says what its cells are only as text. Nothing here guesses: the caller says what a column must be,
and a cell that is not so is refused with a count, never quietly turned into a missing value.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import numpy as np
import polars as pl

from anonymizer.errors import BadInput

# Above this, two neighbouring integers may be the same float: written as integers they would look exact.
_EXACT_INTEGERS: Final = float(2**53)
INTEGER: Final = r"^[+-]?[0-9]{1,18}$"
"""Text that is a whole number: of at most 18 digits, so that it fits 64 bits."""
_NOT_FINITE: Final = r"^[+-]?(?i:nan|inf|infinity)$"
_DATE: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_PARTIAL_DATE: Final = r"^[0-9]{4}(?:-[0-9]{2})?$"
_ISO_ONLY: Final = r"^[0-9]{4}-[0-9]{2}(?:-[0-9]{2})?$"
_GERMAN_DAY: Final = r"^([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})$"
_GERMAN_MONTH: Final = r"^([0-9]{2})\.([0-9]{4})$"
_TRUTH: Final = {"true": True, "false": False, "1": True, "0": False}


def nfc(series: pl.Series) -> pl.Series:
    """Return a String column in Unicode's composed form: one spelling for one text.

    Letters written as base and accent look the same and compare as different; they would split a class.
    """
    ascii_only = (series.str.len_bytes() == series.str.len_chars()).all()
    return series if ascii_only else series.str.normalize("NFC")


def parse_integers(series: pl.Series) -> pl.Series:
    """Return a String or integer column as Int64; null stays null.

    Raises ``BadInput`` with the count of cells that are no whole number of at most 18 digits.
    """
    if series.dtype.is_integer():
        return _whole(series)
    text = _require_text(series, "integers")
    _require_all(text, text.str.contains(INTEGER), "not a whole number")
    return text.str.strip_prefix("+").cast(pl.Int64)


def parse_numbers(series: pl.Series, decimal: str = ".") -> pl.Series:
    """Return a String, integer or float column as Float64, whatever its cells are.

    Were the type chosen by the cells, a single suppressed one could show in the type that is released.
    ``decimal`` is the mark before the fraction; a mark for thousands is not accepted, because `1.234` would
    then mean two numbers. Minus zero becomes zero. Raises ``BadInput`` with the count of cells that are no
    number, and with the count of cells that are NaN or infinite (also by overflow).
    """
    if series.dtype.is_numeric():
        return finite(series.cast(pl.Float64))
    text = _require_text(series, "numbers")
    _require_none(text, text.str.contains(_NOT_FINITE), "NaN or infinity in a numeric column")
    _require_all(
        text, text.str.contains(_number_pattern(decimal)), f"not a number with {decimal!r} as decimal mark"
    )
    return finite(text.str.replace(decimal, ".", literal=True).str.strip_prefix("+").cast(pl.Float64))


def iso_dates(series: pl.Series) -> pl.Series:
    """Return a String column with German dates (`31.05.1962`, `1.5.1962`, `05.1962`) in ISO form.

    Everything else stays as it is, for its reader to judge; so does a date of the right shape that is none of
    the calendar. A year alone is a date in both forms. Raises ``BadInput`` with the count of the rarer form's
    cells where a column has dates in both: two sources were put together, and each may mean something else.
    """
    if series.dtype != pl.String:
        return series
    is_day = series.str.contains(_GERMAN_DAY)
    is_german = is_day | series.str.contains(_GERMAN_MONTH)
    iso = int(series.str.contains(_ISO_ONLY).sum())
    german = int(is_german.sum())
    if german and iso:
        raise BadInput(
            "dates in two forms (1962-05-31 and 31.05.1962) in one column",
            column=series.name,
            count=min(german, iso),
            hint="write all of them in one form",
        )
    return _from_german(series, is_day, is_german) if german else series


def _from_german(series: pl.Series, is_day: pl.Series, is_german: pl.Series) -> pl.Series:
    padded = series.str.replace(r"^([0-9])\.", "0${1}.").str.replace(r"^([0-9]{2})\.([0-9])\.", "${1}.0${2}.")
    days = padded.str.replace(_GERMAN_DAY, "${3}-${2}-${1}")
    months = series.str.replace(_GERMAN_MONTH, "${2}-${1}")
    iso = pl.when(is_day).then(days).when(is_german).then(months).otherwise(series)
    return pl.select(iso.alias(series.name)).to_series()


def parse_dates(series: pl.Series) -> pl.Series:
    """Return a String column of ISO dates (`1962-05-31`) as Date; Date stays Date.

    Raises ``BadInput`` with the count of cells that are no day of the calendar in this form. Months and years
    alone are none either: a column of days cannot hold them, and one of text can.
    """
    if series.dtype == pl.Date:
        return series
    text = _require_text(series, "dates")
    days = text.str.to_date("%Y-%m-%d", strict=False)
    rule = "not an ISO date (YYYY-MM-DD)"
    if text.str.contains(_PARTIAL_DATE).any():
        rule += ", some of them months or years alone: to keep those, leave out `type: date`"
    _require_all(text, text.str.contains(_DATE) & days.is_not_null(), rule)
    return days


def parse_booleans(series: pl.Series) -> pl.Series:
    """Return a String column of `true`, `false` (in any case), `1` and `0` as Boolean.

    Raises ``BadInput`` with the count of other cells.
    """
    if series.dtype == pl.Boolean:
        return series
    text = _require_text(series, "booleans").str.to_lowercase()
    _require_all(text, text.is_in(list(_TRUTH)), "neither true nor false")
    return text.replace_strict(_TRUTH, default=None, return_dtype=pl.Boolean)


def parse_codes(series: pl.Series) -> pl.Series:
    """Return a String column of codes separated by spaces as sorted lists without repetitions."""
    text = _require_text(series, "codes")
    return text.str.extract_all(r"\S+").list.unique().list.sort()


def finite(series: pl.Series) -> pl.Series:
    """Return a float column with minus zero as zero.

    Raises ``BadInput`` with the count of NaN and infinite cells: no order and no distance holds for them.
    """
    _require_none(series, series.is_nan() | series.is_infinite(), "NaN or infinity in a numeric column")
    return series.set(series == 0.0, 0.0)


def canonical(series: pl.Series) -> pl.Series:
    """Return a column of any scalar type as String: equal values have one spelling; null stays null.

    Integers have neither sign nor leading zeros beyond what they need, whole floats are written as integers,
    other floats as the shortest text that reads back the same, booleans `true`/`false`, dates, times and
    timestamps in ISO form (a timestamp always with its time of day), text in NFC. Text is not looked into:
    `01067` stays `01067`. Raises ``BadInput`` for nested or binary columns, NaN and infinity.
    """
    dtype = series.dtype
    if dtype == pl.String:
        return nfc(series)
    if dtype.is_float():
        return _spelled(finite(series), _float_text)
    if dtype.is_decimal():
        return _spelled(series, _decimal_text)
    if isinstance(dtype, pl.Datetime):
        return _timestamp_text(series)
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return nfc(series.cast(pl.String))
    if dtype == pl.Time:
        return series.dt.strftime("%H:%M:%S%.f")
    if dtype.is_integer() or dtype in (pl.Boolean, pl.Date, pl.Null):
        return series.cast(pl.String)
    raise BadInput("nested or binary values have no canonical text", column=series.name)


def _timestamp_text(series: pl.Series) -> pl.Series:
    """Return timestamps as ISO text; at midnight too, or one cell would change the text of all others."""
    return series.dt.strftime("%Y-%m-%dT%H:%M:%S%.f%:z" if series.dtype.time_zone else "%Y-%m-%dT%H:%M:%S%.f")  # type: ignore[attr-defined]


def _spelled(series: pl.Series, spell: Callable[[Any], str]) -> pl.Series:
    """Return ``series`` as text, each distinct value spelled once."""
    distinct = series.drop_nulls().unique()
    texts = [spell(value) for value in distinct.to_numpy()]
    return series.replace_strict(
        distinct, pl.Series(texts, dtype=pl.String), default=None, return_dtype=pl.String
    )


def _float_text(value: np.floating[Any]) -> str:
    whole = float(value).is_integer() and abs(value) <= _EXACT_INTEGERS
    return str(int(value)) if whole else str(value)


def _decimal_text(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _whole(series: pl.Series) -> pl.Series:
    """Return an integer column as Int64; raises ``BadInput`` with the count of cells beyond its range."""
    wide = series.cast(pl.Int64, strict=False)
    _require_none(series, wide.is_null() & series.is_not_null(), "an integer beyond 64 bits")
    return wide


def _number_pattern(decimal: str) -> str:
    mark = "[.]" if decimal == "." else ","
    return rf"^[+-]?(?:[0-9]+(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?$"


def _require_text(series: pl.Series, wanted: str) -> pl.Series:
    if series.dtype == pl.Null:
        return series.cast(pl.String)
    if series.dtype != pl.String:
        raise BadInput(f"a column of type {series.dtype} where {wanted} are expected", column=series.name)
    return series


def _require_all(series: pl.Series, holds: pl.Series, rule: str) -> None:
    """Raise ``BadInput`` if a cell that is present breaks ``rule``, with how many do and how many do not."""
    present = len(series) - series.null_count()
    wrong = present - int(holds.sum())
    if wrong:
        raise BadInput(rule, column=series.name, count=wrong, hint=f"{present - wrong:,} cells are right")


def _require_none(series: pl.Series, breaks: pl.Series, rule: str) -> None:
    if count := int(breaks.sum()):
        raise BadInput(rule, column=series.name, count=count)
