"""Exports with events of one patient, and what their event tables hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mii
from tests.fhir_export import ATC, OPS, concept, patient, request, write

ALL = {table: frozenset(columns) for table, columns in mii.TABLES.items()}
Json = dict[str, Any]


def event(kind: str, identity: str, **elements: Any) -> Json:
    """A resource of patient ``p``."""
    subject = {"reference": "Patient/p"}
    return {"resourceType": kind, "id": identity, "status": "completed", "subject": subject, **elements}


def procedure(identity: str = "o", *codes: str, **elements: Any) -> Json:
    """A Procedure with codes of OPS."""
    told = {"code": concept(OPS, *(codes or ("5-323.51",))), "performedDateTime": "2024-02-16"}
    return event("Procedure", identity, **(told | elements))


def drug(identity: str = "m", code: str = "C09AA05", kind: str = "Administration", **elements: Any) -> Json:
    """A medication event with its code in itself."""
    when = {"authoredOn": "2024-02-17"} if kind == "Request" else {"effectiveDateTime": "2024-02-17"}
    told = {"medicationCodeableConcept": concept(ATC, code), **when}
    return event(f"Medication{kind}", identity, **(told | elements))


def coded(*pairs: tuple[str, str]) -> Json:
    """A CodeableConcept with codes of several systems."""
    return {"coding": [{"system": system, "code": code} for system, code in pairs]}


def read(folder: Path, *told: Json, tables: Any = ALL, **changes: Any) -> mii.Export:
    """What is read of patient ``p`` and what is ``told`` of him."""
    export = write(folder, [patient(), *told])
    return mii.read(export, request("patient_id", tables=tables, **changes))


def rows(folder: Path, table: str, columns: str, *told: Json, **changes: Any) -> list[tuple[Any, ...]]:
    """The rows of one table, without the id of the patient."""
    export = read(folder, *told, tables={table: frozenset(columns.split())}, **changes)
    return export.tables[table].drop("patient_id").rows()


def audit(folder: Path, table: str, columns: str, *told: Json, **changes: Any) -> Any:
    """What was counted of one table."""
    export = read(folder, *told, tables={table: frozenset(columns.split())}, **changes)
    counts: Any = export.audit["tables"]
    assert counts[table]["rows"] == export.tables[table].height
    return {name: n for name, n in counts[table].items() if name not in ("rows", "patients") and n != {}}
