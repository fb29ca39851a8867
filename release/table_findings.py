"""What is in a plain table: per column its type, what is missing, its dates and codes. No cell's value."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from anonymizer.errors import BadInput, UsageError
from anonymizer.tables.reading import read_table
from mii.tallies import CodeTally, DateTally, count_codes
from release.drafting.dialect import dialect

NEARLY_UNIQUE = 0.9
"""From this share of distinct values on, a column is an id or a measurement and no quasi-identifier."""
PLACEHOLDERS = ("?", "-", ".", "NA", "N/A", "n/a", "NULL", "null", "NaN", "nan", "None", "k.A.", "unbekannt")
"""Texts that often stand for a missing value; a run takes only those for missing that the config declares."""
_RECOGNISED = 0.8
"""The share of a column's values that must have a vocabulary's shape."""

_DATE = r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?([T ].*)?$"
_GERMAN_DATE = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_INTEGER, _NUMBER = r"^-?[0-9]+$", r"^-?[0-9]+[.,][0-9]+$"
_NAMES = {
    "plz": re.compile(r"plz|postleitzahl|postal_?code|zip(_?code)?", re.IGNORECASE),
    "ags": re.compile(r"ags|gemeindeschl(ue|ü)ssel", re.IGNORECASE),
}
_SHAPES = {
    "icd-10-gm": r"^[A-Z][0-9]{2}\.[0-9][0-9-]?[!*†+]?$",
    "ops": r"^[0-9]-[0-9]{2}[0-9a-z](\.[0-9a-z]{1,2})?$",
    "atc": r"^[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}$",
}


@dataclass(frozen=True, slots=True)
class TableHints:
    """What is told of a table beforehand: how a CSV is written, and the column that names the person.

    What is not told of a CSV is found by looking, as for a draft.
    """

    delimiter: str | None = None
    encoding: str | None = None
    subject: str | None = None


UNTOLD = TableHints()


def of_table(path: Path, table: TableHints, *, today: date) -> tuple[dict[str, Any], pl.DataFrame, list[str]]:
    """What is in the table at ``path``, its frame, and the columns that may be quasi-identifiers.

    Raises:
        InputMissing, BadInput: as `anonymizer.tables.reading.read_table`; rows that name no person.
        UsageError: no column is called as the one that names the person.
    """
    frame = read_found(path, table)
    people = _people(frame, table.subject)
    columns = [_column(series, today) for series in frame]
    told = {
        "kind": "table",
        "reference_date": today.isoformat(),
        "form": "Parquet" if path.suffix.lower() == ".parquet" else "CSV",
        "rows": frame.height,
        **people,
        "rows_repeated": frame.height - frame.n_unique(),
        "columns": columns,
    }
    return told, frame, [column["name"] for column in columns if not column["nearly_unique"]]


def read_found(path: Path, table: TableHints) -> pl.DataFrame:
    """The table at ``path``; what is not told of a CSV is found by looking."""
    if path.suffix.lower() == ".parquet":
        return read_table(path)
    found = dialect(path)
    delimiter, encoding = table.delimiter or found.delimiter, table.encoding or found.encoding
    return read_table(path, delimiter=delimiter, encoding=encoding)


def _people(frame: pl.DataFrame, subject: str | None) -> dict[str, int]:
    """How many people the rows are about, where a column names them."""
    if subject is None:
        return {}
    if subject not in frame.columns:
        raise UsageError("the table has no column of the name that --subject gives")
    if nobody := frame[subject].null_count():
        raise BadInput("rows name no person", column=subject, count=nobody)
    return {"people": frame[subject].n_unique()}


def _column(series: pl.Series, today: date) -> dict[str, Any]:
    told = series.drop_nulls()
    distinct = told.n_unique()
    return {
        "name": series.name,
        "type": _type(told),
        "present": len(told),
        "of": len(series),
        "share": len(told) / len(series),
        "placeholders": _placeholders(told),
        "distinct": distinct,
        "nearly_unique": len(series) > 1 and distinct >= NEARLY_UNIQUE * len(series),
        "dates": _dates(told, today),
        "codes": _codes(told),
    }


def _placeholders(told: pl.Series) -> int:
    """How many cells hold what is often written for a missing value."""
    return int(told.is_in(PLACEHOLDERS).sum()) if told.dtype == pl.String else 0


def _type(told: pl.Series) -> str:
    if told.dtype != pl.String:
        return str(told.dtype.base_type()).lower()
    if not len(told):
        return "empty"
    for name, shape in (("integer", _INTEGER), ("number", _NUMBER), ("date", _DATE)):
        if told.str.contains(shape).all():
            return name
    return "date" if told.str.contains(_GERMAN_DATE.pattern).all() else "text"


def _dates(told: pl.Series, today: date) -> dict[str, Any] | None:
    """The span of a column of dates; four digits alone may be anything and are none."""
    if told.dtype in (pl.Date, pl.Datetime):
        told = told.cast(pl.String)
    if _type(told) != "date":
        return None
    tally = DateTally(today)
    for text, times in Counter(told.to_list()).items():
        tally.add(_iso(text), times)
    return {
        "first_month": tally.first.isoformat()[:7] if tally.first else None,
        "last_month": tally.last.isoformat()[:7] if tally.last else None,
        "year_only": tally.year_only,
        "year_month": tally.year_month,
        "future": tally.future,
        "before_1900": tally.before_1900,
        "invalid": tally.invalid,
    }


def _iso(text: str) -> str:
    german = _GERMAN_DATE.fullmatch(text)
    if german is None:
        return text[:10]
    day, month, year = german.groups()
    return f"{year}-{month:0>2}-{day:0>2}"


def _codes(told: pl.Series) -> dict[str, Any] | None:
    """What vocabulary a column is in by its name or by the shape of most of its values, and what is odd."""
    if told.dtype != pl.String or not len(told):
        return None
    vocabulary = next((name for name, named in _NAMES.items() if named.fullmatch(told.name)), None)
    for name, shape in _SHAPES.items():
        if vocabulary is None and int(told.str.contains(shape).sum()) >= _RECOGNISED * len(told):
            vocabulary = name
    if vocabulary is None:
        return None
    tally = CodeTally()
    for text in told:
        count_codes(tally, vocabulary, text)
    return {"vocabulary": vocabulary, "codes": tally.codes, "odd": dict(sorted(tally.odd.items()))}
