"""FHIR dates, times and dateTimes: how precise they are, how they compare, their first and last moment.

FHIRPath 2.0, sections "Date and Time Arithmetic" and "Comparison": values of different precision compare
only as far as both say something, and beyond that there is no answer.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

_DATE = r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?"
_CLOCK = r"([0-9]{2})(?::([0-9]{2})(?::([0-9]{2}(?:\.[0-9]+)?))?)?"
_DATETIME = re.compile(rf"{_DATE}(?:T(?:{_CLOCK}(Z|[+-][0-9]{{2}}:[0-9]{{2}})?)?)?")
_TIME = re.compile(_CLOCK)
_FULL = 6
_FIRST = (0, 1, 1, 0, 0)


@dataclass(frozen=True, slots=True)
class Temporal:
    """A date or dateTime (year to second) or a time (hour to second), as far as it is told.

    ``zone`` is the offset from UTC in minutes.
    """

    is_time: bool
    parts: tuple[Decimal, ...]
    zone: int | None = None


def temporal(text: str, *, is_time: bool = False) -> Temporal | None:
    """What ``text`` says, or ``None`` where it is no date, dateTime or time."""
    found = (_TIME if is_time else _DATETIME).fullmatch(text)
    if found is None:
        return None
    *parts, last = (*found.groups(), None) if is_time else found.groups()
    told = Temporal(is_time, tuple(Decimal(part) for part in parts if part is not None), _minutes(last))
    return told if _exists(told) else None


def compared(left: Temporal, right: Temporal) -> int | None:
    """-1, 0 or 1; ``None`` where the two are not precise enough, or of different kinds, to tell."""
    if left.is_time != right.is_time:
        return None
    ours, theirs = left.parts, right.parts
    if left.zone is not None and right.zone is not None:
        ours, theirs = _at_utc(left), _at_utc(right)
    for own, other in zip(ours, theirs, strict=False):
        if own != other:
            return -1 if own < other else 1
    has_clock = len(ours) > 3 and not left.is_time
    if len(ours) != len(theirs) or (has_clock and (left.zone is None) != (right.zone is None)):
        return None
    return 0


def boundary(text: str, kind: str, *, high: bool) -> str | None:
    """The first moment (with ``high`` the last) that ``text`` can mean, to the day, or to the millisecond.

    ``kind`` is date, dateTime, instant or time. A dateTime without a zone can be in any, which reach from
    +14:00 to -12:00.
    """
    told = temporal(text, is_time=kind == "time")
    if told is None:
        return None
    if kind == "time":
        return _clock(told.parts, high=high)
    year, month, day = _day(told.parts, high=high)
    written = f"{year:04}-{month:02}-{day:02}"
    if kind == "date":
        return written
    zone = _zone_text(told.zone) if told.zone is not None else "-12:00" if high else "+14:00"
    return f"{written}T{_clock(told.parts[3:], high=high)}{zone}"


def _day(parts: tuple[Decimal, ...], *, high: bool) -> tuple[int, int, int]:
    told = [int(part) for part in parts[:3]]
    year = told[0]
    month = told[1] if len(told) > 1 else 12 if high else 1
    day = told[2] if len(told) > 2 else monthrange(year, month)[1] if high else 1
    return year, month, day


def _clock(parts: tuple[Decimal, ...], *, high: bool) -> str:
    hour = int(parts[0]) if parts else 23 if high else 0
    minute = int(parts[1]) if len(parts) > 1 else 59 if high else 0
    second = f"{parts[2]:06.3f}" if len(parts) > 2 else "59.999" if high else "00.000"
    if high and len(parts) > 2 and parts[2] == parts[2].to_integral_value():
        second = f"{int(parts[2]):02}.999"
    return f"{hour:02}:{minute:02}:{second}"


def _minutes(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    size = int(zone[1:3]) * 60 + int(zone[4:6])
    return -size if zone[0] == "-" else size


def _zone_text(minutes: int) -> str:
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _exists(told: Temporal) -> bool:
    clock = told.parts if told.is_time else told.parts[3:]
    if any(part >= limit for part, limit in zip(clock, (24, 60, 61), strict=False)):
        return False
    return told.is_time or _moment(told) is not None


def _moment(told: Temporal) -> datetime | None:
    """The first moment that is told, by its own clock, to the minute."""
    whole = [int(part) for part in told.parts[:5]]
    try:
        return datetime(*[*whole, *_FIRST[len(whole) :]])  # type: ignore[arg-type]
    except ValueError:
        return None


def _at_utc(told: Temporal) -> tuple[Decimal, ...]:
    moment = _moment(told)
    if moment is None or told.zone is None or len(told.parts) < 5:
        return told.parts
    try:
        utc = moment.replace(tzinfo=timezone(timedelta(minutes=told.zone))).astimezone(UTC)
    except (OverflowError, ValueError):
        return told.parts
    minutes = (utc.year, utc.month, utc.day, utc.hour, utc.minute)
    return (*map(Decimal, minutes), *told.parts[5:_FULL])
