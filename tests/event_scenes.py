"""Configs with tables of events, and for each of their keys another value that makes another plan of a run.

`tests.event_changes` has those that make another release.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

Data = dict[str, Any]

KNOWN: Data = {"role": "quasi-identifier"}
FROM_1990: Data = {"from": date(1990, 1, 1), "to": date(2026, 11, 22)}
STAYED: Data = {**KNOWN, "hierarchy": {"bands": (2, 4), "top": 90}, "release_level": 1}
WARD: Data = {**KNOWN, "hierarchy": {"prefix": (2,), "length": 4}, "release_level": 1}
ADMITTED: Data = {**KNOWN, "hierarchy": {"date": ("year", "decade")}, "release_level": 1}
ADMITTED_LATELY: Data = {**ADMITTED, "hierarchy": {**ADMITTED["hierarchy"], "domain": FROM_1990}}
DIAGNOSED: Data = {**KNOWN, "hierarchy": "icd-10-gm", "release_level": 0}
BY_BLOCK: Data = {**KNOWN, "hierarchy": {"icd-10-gm": {"ranges": "icd.csv"}}, "release_level": 3}
BY_FILE: Data = {**KNOWN, "hierarchy": {"file": "ward.csv"}, "release_level": 1}
CODE: Data = {**KNOWN, "hierarchy": "suppression", "release_level": 0}
VALUES_TOLD: Data = {"loinc": CODE, "value": {"role": "sensitive", "clip": (0.0, 300.0)}}

ASKED: Data = {
    "k_anonymity": 2,
    "suppression_limit": 0.5,
    "km_anonymity": {"column": "events", "k": 2, "m": 1},
}


def telling(base: Data, **tables: Mapping[str, Data]) -> Data:
    """The export's config ``base`` with ``tables`` of events, where nothing tells what a table tells."""
    columns = {name: rule for name, rule in base["columns"].items() if not name.startswith("lab_")}
    return {**base, "columns": columns, "privacy": ASKED, "tables": tables}


def all_told(base: Data) -> Data:
    """The export's config ``base`` with tables of events that have a hierarchy of every kind."""
    encounters = {
        "admission_date": ADMITTED,
        "discharge_date": ADMITTED_LATELY,
        "length_of_stay_days": STAYED,
        "department": WARD,
        "class": BY_FILE,
    }
    return telling(base, encounters=encounters, diagnoses={"icd10gm": BY_BLOCK}, labs=VALUES_TOLD)


VALUES: Mapping[str, tuple[str, Any]] = {
    "tables": ("tables", {"diagnoses": {"icd10gm": DIAGNOSED}}),
    **{
        f"tables.*.*.{key}": (f"tables.{at}.{key}", value)
        for at, key, value in (
            ("labs.value", "role", "insensitive"),
            ("labs.value", "clip", (0.0, 9.0)),
            ("encounters.admission_date", "release_level", 2),
            ("encounters.admission_date", "invalid", "missing"),
            ("encounters.department", "hierarchy", "suppression"),
            ("encounters.length_of_stay_days", "hierarchy.bands", (3,)),
            ("encounters.length_of_stay_days", "hierarchy.top", 30),
            ("encounters.length_of_stay_days", "hierarchy.bottom", 1),
            ("encounters.length_of_stay_days", "hierarchy.bottom_group", True),
            ("encounters.department", "hierarchy.prefix", (3,)),
            ("encounters.department", "hierarchy.length", 8),
            ("encounters.admission_date", "hierarchy.date", ("month", "year")),
            ("encounters.admission_date", "hierarchy.domain", FROM_1990),
            ("encounters.discharge_date", "hierarchy.domain.from", date(1980, 1, 1)),
            ("encounters.discharge_date", "hierarchy.domain.to", date(2025, 1, 1)),
            ("encounters.class", "hierarchy.file", "ward2.csv"),
            ("encounters.class", "hierarchy.delimiter", "|"),
            ("diagnoses.icd10gm", "hierarchy.icd-10-gm", {"ranges": "icd2.csv"}),
            ("diagnoses.icd10gm", "hierarchy.icd-10-gm.ranges", "icd2.csv"),
        )
    },
}
"""By key of the schema, the key it stands for in ``all_told`` and another value."""
