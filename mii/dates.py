"""FHIR dates: ``1962``, ``1962-05``, ``1962-05-24`` and dateTimes, whose day is the one written."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime
from functools import lru_cache

import polars as pl

_SHAPE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


def day_text(text: str | None) -> str | None:
    """The date part of a FHIR date or dateTime, as written; it may be partial."""
    if text is not None and text[10:11] == "T":
        return text[:10]
    return text


@lru_cache(maxsize=1 << 14)
def span(text: str | None) -> tuple[date, date] | None:
    """The first and the last day that a FHIR date can mean; ``None`` where there is no such day."""
    shape = _SHAPE.fullmatch(text) if text is not None else None
    if shape is None:
        return None
    year, month, day = shape.groups()
    try:
        first = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    if day:
        return first, first
    last_month = int(month or 12)
    return first, date(first.year, last_month, monthrange(first.year, last_month)[1])


def moment(text: str | None) -> float | None:
    """Seconds since 1970 of a FHIR dateTime, to order by; a partial one counts as its first moment.

    A time without a zone, which FHIR does not allow, is taken as UTC.
    """
    if text is None:
        return None
    if len(text) <= 10:
        days = span(text)
        return None if days is None else float((days[0] - date(1970, 1, 1)).days * 86400)
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()


def moments(texts: pl.Series) -> pl.Series:
    """`moment` of each of some texts in microseconds, as Int64; polars reads whole dateTimes at once."""
    times = texts.str.to_datetime("%+", strict=False, time_unit="us", time_zone="UTC").dt.epoch("us")
    odd = times.is_null() & texts.is_not_null()
    if not odd.any():
        return times
    others = texts.filter(odd).unique()
    told = [moment(text) for text in others]
    found = pl.Series([None if time is None else round(time * 1e6) for time in told], dtype=pl.Int64)
    return times.fill_null(texts.replace_strict(others, found, default=None, return_dtype=pl.Int64))


def age(born: tuple[date, date], today: date) -> int | None:
    """The age in whole years on ``today``; ``None`` where a partial birth date leaves two answers."""
    oldest, youngest = (_years(day, today) for day in born)
    return oldest if oldest == youngest else None


def _years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
