"""The event tables an export can give beside its table of patients: their columns, and what these need."""

from __future__ import annotations

from collections.abc import Mapping, Set
from itertools import combinations

from anonymizer.errors import BadConfig
from mii.request import MEDICATION_EVENTS, MiiRequest

TABLES: Mapping[str, tuple[str, ...]] = {
    "encounters": (
        "admission_date",
        "discharge_date",
        "length_of_stay_days",
        "department",
        "encounter_level",
        "contact_type",
        "class",
        "admission_reason",
        "admission_source",
        "discharge_reason",
        "main_diagnosis",
    ),
    "diagnoses": ("icd10gm", "alpha_id", "orpha", "snomed", "onset_date", "recorded_date"),
    "procedures": ("ops", "snomed", "performed_date"),
    "labs": ("loinc", "value", "unit", "effective_date"),
    "medications": ("atc", "pzn", "kind", "start_date"),
}
"""The event tables and their columns, in the order in which they are shown."""

_TYPES: Mapping[str, frozenset[str]] = {
    "encounters": frozenset({"Encounter"}),
    "diagnoses": frozenset({"Condition"}),
    "procedures": frozenset({"Procedure"}),
    "labs": frozenset({"Observation"}),
    "medications": frozenset(MEDICATION_EVENTS),
}
"""The types whose resources are the events of a table: it takes one of them to tell anything."""


def refuse(request: MiiRequest) -> None:
    """Raises ``BadConfig`` for event tables that cannot be made as ``request`` asks for them."""
    if not request.tables:
        return
    if request.row != "patient":
        raise BadConfig("event tables belong to a table with one row per patient")
    for table, wanted in request.tables.items():
        if table not in TABLES:
            raise BadConfig("no such event table", column=table)
        if unknown := wanted - {*TABLES[table]}:
            raise BadConfig("no such column in an event table", column=f"{table}.{min(unknown)}")
        if not wanted:
            raise BadConfig("an event table needs a column", column=table)
    if "labs" in request.tables:
        _refuse_observations(request)


def _refuse_observations(request: MiiRequest) -> None:
    asked = request.observations.values()
    if not asked:
        raise BadConfig("the table holds the observations that are asked for, and none is", column="labs")
    if any(a.loinc == b.loinc and a.unit != b.unit for a, b in combinations(asked, 2)):
        raise BadConfig("a LOINC code is asked for in two units", column="labs.unit")


def columns(table: str, wanted: Set[str]) -> tuple[str, ...]:
    """Those of a table's columns that are ``wanted``, in their order."""
    return tuple(name for name in TABLES[table] if name in wanted)


def types(tables: Mapping[str, Set[str]]) -> frozenset[str]:
    """The types that must be decoded for the tables."""
    needed = frozenset[str]().union(*(_TYPES[table] for table in tables))
    if _names_diagnoses(tables):
        needed |= {"Condition"}
    return needed | {"Medication"} if tables.get("medications", frozenset()) & {"atc", "pzn"} else needed


def without_source(tables: Mapping[str, Set[str]], found: Set[str]) -> list[str]:
    """The columns, as ``table.column``, that an export of only the types ``found`` cannot tell, sorted."""
    untold = {f"{t}.{name}" for t, wanted in tables.items() if not _TYPES[t] & found for name in wanted}
    if _names_diagnoses(tables) and "Condition" not in found:
        untold.add("encounters.main_diagnosis")
    return sorted(untold)


def _names_diagnoses(tables: Mapping[str, Set[str]]) -> bool:
    return "main_diagnosis" in tables.get("encounters", frozenset())
