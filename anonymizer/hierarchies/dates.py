"""The hierarchy of dates: day, month, quarter, year, five years, decade.

A partial date (``1962``, ``1962-05``) is a leaf of its own up to the level that contains it.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from anonymizer.errors import BadConfig
from anonymizer.hierarchies.hierarchy import SUPPRESSED, Generalised, Step, by_steps, refuse_outside

UNITS = ("day", "month", "quarter", "year", "5-years", "decade")
_PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_MONTHS = {"month": 1, "quarter": 3}
_YEARS = {"year": 1, "5-years": 5, "decade": 10}


@dataclass(frozen=True, slots=True)
class Dates:
    """Dates from ``first`` to ``last`` in the given ``units``, finest first; the leaves are the days."""

    units: tuple[str, ...]
    first: date
    last: date

    def __post_init__(self) -> None:
        ranks = [UNITS.index(unit) for unit in self.units if unit in UNITS]
        if len(ranks) != len(self.units) or ranks != sorted(set(ranks)):
            raise BadConfig(f"date units must be some of {', '.join(UNITS)}, from fine to coarse")
        if self.first > self.last:
            raise BadConfig("the date domain ends before it starts")

    @property
    def level_names(self) -> tuple[str, ...]:
        return ("day", *self._coarse, SUPPRESSED)

    @property
    def leaves(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def _coarse(self) -> tuple[str, ...]:
        return tuple(unit for unit in self.units if unit != "day")

    def generalise(self, values: Sequence[str]) -> Generalised:
        """Periods such as ``1962-05``, ``1962-Q2``, ``1962``, ``[1960, 1964]``.

        Raises:
            BadInput: values that are no date or lie outside the domain.
        """
        refuse_outside(values, self._belongs, "distinct values are no dates inside the date domain")
        return by_steps(values, [self._step(unit) for unit in ("day", *self._coarse)], self.leaves)

    def _belongs(self, value: str) -> bool:
        try:
            start, end, _ = _span(value)
        except ValueError:
            return False
        return start <= self.last and end >= self.first

    def _step(self, unit: str) -> Step:
        def period(value: str) -> tuple[str, int]:
            start, _, precision = _span(value)
            if UNITS.index(unit) < UNITS.index(precision) or unit == "day":
                return value, 1
            label, low, high = _period(start, unit)
            return label, (min(high, self.last) - max(low, self.first)).days + 1

        return period


def _span(value: str) -> tuple[date, date, str]:
    """First and last day of a full or partial ISO date, and its precision; ``ValueError`` for no date."""
    match = _PARTIAL.fullmatch(value)
    if not match:
        raise ValueError
    year, month, day = match.groups()
    if day:
        exact = date(int(year), int(month), int(day))
        return exact, exact, "day"
    if month:
        return *_months(int(year), int(month), 1), "month"
    return *_years(int(year), 1), "year"


def _months(year: int, month: int, count: int) -> tuple[date, date]:
    end = month + count - 1
    return date(year, month, 1), date(year, end, calendar.monthrange(year, end)[1])


def _years(year: int, count: int) -> tuple[date, date]:
    # The calendar ends in 9999; year 0 does not exist.
    return date(max(year, 1), 1, 1), date(min(year + count - 1, 9999), 12, 31)


def _period(day: date, unit: str) -> tuple[str, date, date]:
    """The label, first and last day of the period of length ``unit`` that holds ``day``."""
    if unit in _MONTHS:
        count = _MONTHS[unit]
        month = (day.month - 1) // count * count + 1
        label = f"{day.year:04}-{month:02}" if count == 1 else f"{day.year:04}-Q{(month + 2) // 3}"
        return label, *_months(day.year, month, count)
    count = _YEARS[unit]
    year = day.year // count * count
    label = f"{year:04}" if count == 1 else f"[{year:04}, {year + count - 1:04}]"
    return label, *_years(year, count)


def dates(units: Sequence[str], *, first: date, last: date) -> Dates:
    """A hierarchy of dates; raises ``BadConfig`` for unknown or unordered units or an empty domain."""
    return Dates(tuple(units), first, last)
