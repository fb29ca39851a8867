"""From what views say of resources to columns of the table.

A declared column tells of the last resource by date that says something; of several at one moment, of the
one with the greatest id; of one without a date only where no other is. A period's date is its start. A
view's columns join by its key, where it has one row for each person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any

import polars as pl

from anonymizer.errors import BadConfig, BadInput
from mii.consent import Window
from mii.dates import day_text, moment, span
from mii.units import conversion
from mii.views.declaring import Declared
from mii.views.harvesting import Told
from mii.views.keyed import Keyed
from mii.views.shapes import is_code

Counts = Counter[str]
_DTYPES = {
    "code": pl.String,
    "quantity": pl.Float64,
    "date": pl.String,
    "boolean": pl.Boolean,
    "integer": pl.Int64,
}
_ABSENT = object()


def within(resources: pl.DataFrame, windows: Mapping[str, Window], counts: Counts) -> pl.DataFrame:
    """The resources that their patients' windows cover, as `consenting` covers others; a Patient's own is
    covered by being asked at all."""
    asked = resources.select("type", "patient", "start", "end", "is_period").iter_rows()
    kept = [
        (kind == "Patient" and patient in windows) or _covered(windows.get(patient), *dates)
        for kind, patient, *dates in asked
    ]
    counts["resources_outside_consent"] += len(kept) - sum(kept)
    return resources.filter(pl.Series(kept, dtype=pl.Boolean))


def _covered(window: Window | None, start: str | None, end: str | None, is_period: bool) -> bool:
    if window is None:
        return False
    if is_period:
        return window.covers_period(day_text(start), day_text(end))
    return window.covers(day_text(start))


def declared_column(
    declared: Declared,
    found: Iterable[Told],
    *,
    row_of: Callable[[str, str], str | None],
    keys: Sequence[str],
    counts: Counts,
) -> pl.Series:
    """The column of the rows ``keys``; ``row_of`` tells the row of a patient and an Encounter.

    Raises ``BadInput`` where a quantity's unit does not convert.
    """
    latest: dict[str, tuple[tuple[float, str], Any]] = {}
    for told in found:
        key = row_of(told.patient, told.encounter)
        if key is None:
            counts["resources_without_row"] += 1
            continue
        when = moment(told.start)
        rank = (-inf if when is None else when, told.id)
        for row in told.rows:
            value = _value(declared, row or [told.start], counts)
            if value is not _ABSENT and (key not in latest or rank > latest[key][0]):
                latest[key] = rank, value
    values = [latest[key][1] if key in latest else None for key in keys]
    return pl.Series(declared.name, values, dtype=_DTYPES[declared.value])


def view_columns(
    keyed: Keyed,
    found: Iterable[Told],
    *,
    urns: Mapping[str, str],
    patients: Sequence[str],
    counts: Counts,
) -> list[pl.Series]:
    """The view's columns, but for its key, of the rows of ``patients``; ``urns`` stand for ids.

    A row about somebody else than whose its resource is does not count. Raises ``BadConfig`` where a person
    has several rows.
    """
    of_patient: dict[str, list[Any]] = {}
    several = set[str]()
    for told in found:
        for row in told.rows:
            named = urns.get(row[keyed.position], row[keyed.position])
            if named is None or named != told.patient:
                counts["view_rows_about_nobody_or_another"] += 1
            elif named in of_patient:
                several.add(named)
            else:
                of_patient[named] = row
    if several:
        raise BadConfig(
            f"{keyed.name}: the view gives several rows for one person",
            count=len(several),
            hint="several tables in one release come later; let the view give one row for each patient",
        )
    return [
        _view_column(name, at, dtype, [of_patient.get(patient) for patient in patients], counts)
        for name, at, dtype in keyed.released
    ]


def _view_column(
    name: str, at: int, kind: str, rows: Sequence[list[Any] | None], counts: Counts
) -> pl.Series:
    values = [None if row is None else _shaped(row[at], kind, counts) for row in rows]
    dtypes: dict[str, Any] = {"boolean": pl.Boolean, "integer": pl.Int64, "number": pl.Float64}
    return pl.Series(name, values, dtype=dtypes.get(kind, pl.String))


def _shaped(value: Any, kind: str, counts: Counts) -> Any:
    if value is None or kind not in ("code", "date", "text"):
        return value
    if kind == "code" and not is_code(value):
        counts["values_malformed"] += 1
        return None
    if kind == "date":
        return _date(value, counts)
    return value


def _date(text: str, counts: Counts) -> str | None:
    day = day_text(text)
    if span(day) is None:
        counts["values_malformed"] += 1
        return None
    return day


def _value(declared: Declared, told: list[Any], counts: Counts) -> Any:
    """What one resource says, or `_ABSENT`; an ambiguous code is a missing one, not an older one."""
    match declared.value:
        case "code":
            return _code(told[0], declared.system, counts)
        case "quantity":
            return _quantity(declared, told, counts)
        case "date":
            day = None if told[0] is None else _date(told[0], counts)
            return _ABSENT if day is None else day
        case _:
            return _ABSENT if told[0] is None else told[0]


def _code(codes: list[str], system: str | None, counts: Counts) -> Any:
    shaped = [bare for code in codes if is_code(bare := code.strip(), system)]
    valid = {*shaped}
    counts["values_malformed"] += len(codes) - len(shaped)
    if len(valid) > 1:
        counts["codes_ambiguous"] += 1
        return None
    return valid.pop() if valid else _ABSENT


def _quantity(declared: Declared, told: list[Any], counts: Counts) -> Any:
    """As of laboratory values: a bound (``<5``) is no number, and one without a unit says nothing."""
    value, comparator, code, unit = told
    found = code or unit
    if value is None:
        return _ABSENT
    if comparator is not None or found is None:
        counts["values_with_comparator" if comparator is not None else "values_without_unit"] += 1
        return _ABSENT
    rule = conversion(found, declared.unit or "")
    if rule is None:
        raise BadInput(
            "a value is in a unit that UCUM does not convert to the one asked for",
            column=declared.name,
            hint="ask for the unit the export has",
        )
    return value * rule[0] + rule[1]
