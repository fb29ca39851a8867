"""A small core-dataset export, written for a test."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import mii

TODAY = date(2026, 11, 22)
ICD, OPS, ATC = (f"http://fhir.de/CodeSystem/bfarm/{name}" for name in ("icd-10-gm", "ops", "atc"))
LOINC, UCUM = "http://loinc.org", "http://unitsofmeasure.org"
LEVEL = "http://fhir.de/CodeSystem/Kontaktebene"
ROLE = "http://terminology.hl7.org/CodeSystem/diagnosis-role"
CRP = {"crp": mii.Observation("1988-5", "mg/L")}
Resource = dict[str, Any]


def request(*columns: str, **changes: Any) -> mii.MiiRequest:
    """A request for ``columns`` (all where none is named), one row per patient, consent not asked."""
    asked: dict[str, mii.Observation] = changes.pop("observations", CRP)
    possible = columns or (*mii.COLUMNS, *mii.lab_columns(asked))
    told: dict[str, Any] = {
        "row": "patient",
        "index_encounter": "first",
        "observations": asked,
        "consent_required": False,
        "retrospective": False,
        "reference_date": TODAY,
        "consent_date": TODAY,
        "columns": frozenset(possible),
    }
    return mii.MiiRequest(**(told | changes))


def write(folder: Path, resources: Iterable[Resource | str], *, name: str = "export.ndjson") -> Path:
    """A file of one resource per line in ``folder``; a text is a line as it is."""
    path = folder / name
    lines = (line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in resources)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def row(path: Path, *columns: str, **changes: Any) -> dict[str, Any]:
    """The only row of an export's table."""
    frame = mii.read(path, request(*columns, **changes)).frame
    assert frame.height == 1
    return frame.row(0, named=True)


def concept(system: str, *codes: str) -> Resource:
    """A CodeableConcept with codes of one system."""
    return {"coding": [{"system": system, "code": code} for code in codes]}


def patient(identity: str = "p", **elements: Any) -> Resource:
    """A Patient."""
    return {"resourceType": "Patient", "id": identity, **elements}


def encounter(identity: str = "e", **elements: Any) -> Resource:
    """An Einrichtungskontakt of patient ``p``."""
    return {
        "resourceType": "Encounter",
        "id": identity,
        "status": "finished",
        "type": [concept(LEVEL, "einrichtungskontakt")],
        "subject": {"reference": "Patient/p"},
        "period": {"start": "2024-02-14", "end": "2024-02-22"},
        **elements,
    }


def condition(identity: str, code: str, *, system: str = ICD, **elements: Any) -> Resource:
    """A Condition of patient ``p``."""
    return {
        "resourceType": "Condition",
        "id": identity,
        "code": concept(system, code),
        "subject": {"reference": "Patient/p"},
        "recordedDate": "2024-02-15",
        **elements,
    }


def lab(identity: str, value: float | None, when: str | None, **elements: Any) -> Resource:
    """A CRP measurement of patient ``p`` in mg/L."""
    quantity = {"value": value, "unit": "mg/L", "system": UCUM, "code": "mg/L"}
    dated = {"effectiveDateTime": when} if when else {}
    return {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "code": concept(LOINC, "1988-5"),
        "subject": {"reference": "Patient/p"},
        **dated,
        **({"valueQuantity": quantity} if value is not None else {}),
        **elements,
    }


def role(condition_id: str, use: str, rank: int | None = None) -> Resource:
    """An entry of Encounter.diagnosis."""
    ranked = {} if rank is None else {"rank": rank}
    return {"condition": {"reference": f"Condition/{condition_id}"}, "use": concept(ROLE, use), **ranked}


def bundle(*entries: Resource | tuple[str, Resource]) -> Resource:
    """A transaction Bundle; a pair gives the fullUrl."""
    pairs = (entry if isinstance(entry, tuple) else (None, entry) for entry in entries)
    told = [{**({"fullUrl": url} if url else {}), "resource": resource} for url, resource in pairs]
    return {"resourceType": "Bundle", "type": "transaction", "entry": told}
