"""Runs for the keys of tables of events, as `tests.key_scenes` has them for all others."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from tests.event_scenes import (
    ADMITTED,
    BY_BLOCK,
    BY_FILE,
    DIAGNOSED,
    STAYED,
    VALUES_TOLD,
    WARD,
    telling,
)
from tests.key_scenes import Change, Data, admitted, export, refused

_DAYS: Data = {"from": date(1900, 1, 1), "to": date(2026, 11, 22)}
_LATELY: Data = {"from": date(2024, 1, 1), "to": date(2026, 11, 22)}
_DAY: Data = {**ADMITTED, "role": "sensitive", "hierarchy": {"date": ("year",)}, "release_level": 0}
_WITHIN: Data = {**ADMITTED, "hierarchy": {**ADMITTED["hierarchy"], "domain": _DAYS}}
_WITHIN_TWO_YEARS: Data = {**ADMITTED, "hierarchy": {**ADMITTED["hierarchy"], "domain": _LATELY}}
_LONGER_STAYS: Data = {**STAYED, "hierarchy": {"bands": (2,), "top": 90, "bottom": 5}}
_BY_FILE: Data = {**BY_FILE, "hierarchy": {"file": "departments.csv"}}
_CUT: Data = {**DIAGNOSED, "release_level": 1}
_HERE = "tables.*.*."


def write_departments(folder: Path) -> Path:
    """Two hierarchies of departments, beside what is in ``folder``."""
    (folder / "departments.csv").write_text("0100;medicine;*\n0200;surgery;*\n", encoding="utf-8")
    (folder / "departments2.csv").write_text("0100;conservative;*\n0200;operative;*\n", encoding="utf-8")
    return folder


def diagnoses(rule: Data) -> Data:
    """An export's config with a table of diagnoses."""
    return telling(export({}), diagnoses={"icd10gm": rule})


def _of(table: str, column: str, key: str, value: Any, rule: Data) -> Change:
    """Another ``value`` for a ``key`` of the only column of the only table."""
    return Change(value, telling(export({}), **{table: {column: rule}}), at=f"tables.{table}.{column}.{key}")


def _stay(key: str, value: Any, rule: Data) -> Change:
    return _of("encounters", "length_of_stay_days", f"hierarchy.{key}", value, rule)


def _admission(key: str, value: Any, rule: Data) -> Change:
    return _of("encounters", "admission_date", key, value, rule)


def _department(key: str, value: Any, rule: Data) -> Change:
    return _of("encounters", "department", f"hierarchy.{key}", value, rule)


EVENT_CHANGES: dict[str, Change] = {
    "tables": Change({"procedures": {"ops": {**DIAGNOSED, "hierarchy": "ops"}}}, diagnoses(DIAGNOSED)),
    f"{_HERE}role": _admission("role", "quasi-identifier", _DAY),
    f"{_HERE}release_level": _of("diagnoses", "icd10gm", "release_level", 3, DIAGNOSED),
    f"{_HERE}hierarchy": _of(
        "diagnoses", "icd10gm", "hierarchy", "suppression", {**DIAGNOSED, "release_level": 1}
    ),
    f"{_HERE}clip": Change((0.0, 30.0), telling(export({}), labs=VALUES_TOLD), at="tables.labs.value.clip"),
    f"{_HERE}invalid": admitted(
        _admission("invalid", "missing", _WITHIN_TWO_YEARS), 65, "'encounters.admission_date'"
    ),
    f"{_HERE}hierarchy.bands": _stay("bands", (3,), {**STAYED, "hierarchy": {"bands": (2,), "top": 90}}),
    f"{_HERE}hierarchy.top": _stay("top", 5, STAYED),
    f"{_HERE}hierarchy.bottom": refused(_stay("bottom", 5, STAYED), 65, "'encounters.length_of_stay_days'"),
    f"{_HERE}hierarchy.bottom_group": admitted(
        _stay("bottom_group", True, _LONGER_STAYS), 65, "'encounters.length_of_stay_days'"
    ),
    f"{_HERE}hierarchy.prefix": _department("prefix", (3,), WARD),
    f"{_HERE}hierarchy.length": refused(_department("length", 3, WARD), 65, "'encounters.department'"),
    f"{_HERE}hierarchy.date": _admission("hierarchy.date", ("5-years",), ADMITTED),
    f"{_HERE}hierarchy.domain": refused(
        _admission("hierarchy.domain", _LATELY, ADMITTED), 65, "'encounters.admission_date'"
    ),
    f"{_HERE}hierarchy.domain.from": refused(
        _admission("hierarchy.domain.from", date(2024, 1, 1), _WITHIN), 65, "'encounters.admission_date'"
    ),
    f"{_HERE}hierarchy.domain.to": refused(
        _admission("hierarchy.domain.to", date(2022, 1, 1), _WITHIN), 65, "'encounters.admission_date'"
    ),
    f"{_HERE}hierarchy.file": _department("file", "departments2.csv", _BY_FILE),
    f"{_HERE}hierarchy.delimiter": refused(_department("delimiter", "|", _BY_FILE), 78, "departments.csv"),
    f"{_HERE}hierarchy.icd-10-gm": _of(
        "diagnoses", "icd10gm", "hierarchy.icd-10-gm", {"ranges": "icd2.csv"}, BY_BLOCK
    ),
    f"{_HERE}hierarchy.icd-10-gm.ranges": _of(
        "diagnoses", "icd10gm", "hierarchy.icd-10-gm.ranges", "icd2.csv", BY_BLOCK
    ),
}
