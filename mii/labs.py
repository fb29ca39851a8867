"""Laboratory values of a row: last, first, min, max, mean and count of what was measured.

A value counts where it is a number in the requested unit or one that UCUM converts to it. One with a
comparator (``<5``) is a bound and no number, so it is left out and counted; so is one without a value (a
``dataAbsentReason``) or without a unit. One in a unit that does not convert refuses the export.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import fsum
from typing import Any

from anonymizer.errors import BadInput
from mii.dates import moment
from mii.records import Measured
from mii.request import Observation
from mii.units import conversion

Measurement = tuple[float | None, str, float]
"""When (seconds since 1970), the resource's id (which breaks ties) and the value."""


class Laboratory:
    """Gathers the values per row and laboratory name; ``counts`` tells what was left out."""

    def __init__(self, observations: Mapping[str, Observation]) -> None:
        self._names: dict[str, list[tuple[str, str]]] = {}
        for name, asked in observations.items():
            self._names.setdefault(asked.loinc, []).append((name, asked.unit))
        self._values: dict[str, dict[str, list[Measurement]]] = {name: {} for name in observations}
        self._unconverted = Counter[str]()
        self.counts = Counter[str]()

    def add(self, row: str, identity: str, measured: Measured) -> None:
        """Takes in one Observation of a row."""
        for code in measured.codes:
            for name, unit in self._names.get(code, ()):
                value = self._number(name, unit, measured)
                if value is not None:
                    values = self._values[name].setdefault(row, [])
                    values.append((moment(measured.moment), identity, value))

    def check(self) -> None:
        """Raises ``BadInput`` where values of a laboratory name are in a unit that does not convert."""
        for name, count in sorted(self._unconverted.items()):
            raise BadInput(
                "values are in a unit that UCUM does not convert to the one asked for",
                column=f"lab_{name}",
                count=count,
                hint="ask for the unit the export has",
            )

    def column(self, name: str, statistic: str, rows: Iterable[str]) -> list[float | int | None]:
        """One statistic of one laboratory name for each of ``rows``."""
        values = self._values[name]
        told = _STATISTICS[statistic]
        return [told(values.get(row, [])) for row in rows]

    def _number(self, name: str, unit: str, measured: Measured) -> float | None:
        if measured.value is None:
            self.counts["values_absent"] += 1
        elif measured.comparator:
            self.counts["values_with_comparator"] += 1
        elif not measured.unit:
            self.counts["values_without_unit"] += 1
        else:
            return self._convert(name, unit, measured.unit, measured.value)
        return None

    def _convert(self, name: str, wanted: str, found: str, value: float) -> float | None:
        if found == wanted:
            self.counts["values_used"] += 1
            return value
        rule = conversion(found, wanted)
        if rule is None:
            self._unconverted[name] += 1
            return None
        self.counts["values_used"] += 1
        self.counts["values_converted"] += 1
        return value * rule[0] + rule[1]


def _last(values: list[Measurement]) -> float | None:
    dated = [measurement for measurement in values if measurement[0] is not None]
    return max(dated)[2] if dated else None  # type: ignore[type-var]


def _first(values: list[Measurement]) -> float | None:
    dated = [measurement for measurement in values if measurement[0] is not None]
    return min(dated)[2] if dated else None  # type: ignore[type-var]


def _mean(values: list[Measurement]) -> float | None:
    """The exact sum is rounded once, so the order of resources leaves no trace in the last digit."""
    return fsum(value for _, _, value in values) / len(values) if values else None


_STATISTICS: Mapping[str, Any] = {
    "last": _last,
    "first": _first,
    "min": lambda values: min((value for _, _, value in values), default=None),
    "max": lambda values: max((value for _, _, value in values), default=None),
    "mean": _mean,
    "count": len,
}
