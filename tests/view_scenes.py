"""Runs for the keys of declared columns and views, as `tests.key_scenes` has them for all others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests import tiny_export
from tests.fhir_export import concept
from tests.key_scenes import KEPT, Change, Data, export
from tests.schema_cases import GRADES, STAGES

OWN, OTHER = "urn:example:own", "urn:example:other"
DAY = "2025-06-01"


def write_coded(folder: Path) -> Path:
    """The export ``coded`` and the views ``here.json`` and ``there.json``, beside what is in ``folder``."""
    everything = [*tiny_export.resources(), *_coded()]
    tiny_export.ndjson(folder / "coded", everything)
    for name, where in (("here.json", "= '10117'"), ("there.json", "!= '10117'")):
        (folder / name).write_text(json.dumps(_living(where)), encoding="utf-8")
    return folder


def declaring(*, resource: str = "Observation", value: str = "code", where: Data, **more: Any) -> Data:
    """An export's config with one declared column, ``told``."""
    declared = {"resource": resource, "where": where, "value": value, **more}
    data = export({"told": KEPT}, path="coded")
    return {**data, "input": {"mii": {**data["input"]["mii"], "columns": {"told": declared}}}}


def _viewing(name: str) -> Data:
    return export({"lives_here": KEPT}, path="coded", views=(name,))


_STAGE: Data = declaring(where={"loinc": "21908-9"}, system=STAGES)
_CRP: Data = declaring(where={"loinc": "1988-5"}, value="quantity", unit="mg/L")
_HEART: Data = declaring(resource="Condition", where={"icd10gm": "I50.13"}, value="date")
_VALVE: Data = declaring(resource="Procedure", where={"ops": "5-323.51"}, value="date")
_DRUG: Data = declaring(resource="MedicationStatement", where={"atc": "L01XC03"}, value="date")
_SNOMED: Data = declaring(where={"snomed": "371469007"})
_OWN: Data = declaring(where={"code": {"system": OWN, "code": "a"}})
_HERE = "input.mii.columns.told."

VIEW_CHANGES: dict[str, Change] = {
    "input.mii.columns": Change(
        {"told": {**_STAGE["input"]["mii"]["columns"]["told"], "system": GRADES}}, _STAGE
    ),
    "input.mii.columns.*.resource": Change("Procedure", _HEART, at=f"{_HERE}resource"),
    "input.mii.columns.*.where": Change({"icd10gm": "I21.4"}, _HEART, at=f"{_HERE}where"),
    "input.mii.columns.*.where.loinc": Change("718-7", _CRP, at=f"{_HERE}where.loinc"),
    "input.mii.columns.*.where.snomed": Change("371494008", _SNOMED, at=f"{_HERE}where.snomed"),
    "input.mii.columns.*.where.icd10gm": Change("E11.90", _HEART, at=f"{_HERE}where.icd10gm"),
    "input.mii.columns.*.where.ops": Change("8-800.c0", _VALVE, at=f"{_HERE}where.ops"),
    "input.mii.columns.*.where.atc": Change("L01AA01", _DRUG, at=f"{_HERE}where.atc"),
    "input.mii.columns.*.where.code": Change({"system": OWN, "code": "b"}, _OWN, at=f"{_HERE}where.code"),
    "input.mii.columns.*.where.code.system": Change(OTHER, _OWN, at=f"{_HERE}where.code.system"),
    "input.mii.columns.*.where.code.code": Change("b", _OWN, at=f"{_HERE}where.code.code"),
    "input.mii.columns.*.value": Change("code", _HEART, at=f"{_HERE}value"),
    "input.mii.columns.*.system": Change(GRADES, _STAGE, at=f"{_HERE}system"),
    "input.mii.columns.*.unit": Change("g/L", _CRP, at=f"{_HERE}unit"),
    "input.mii.views": Change(("there.json",), _viewing("here.json")),
}


def _coded() -> Iterator[Data]:
    for number in range(tiny_export.PATIENTS):
        several = {
            "coding": [{"system": STAGES, "code": "III"}, {"system": GRADES, "code": f"G{number % 3}"}]
        }
        yield _observation(number, "stage", concept("http://loinc.org", "21908-9"), several)
        for system, code in (
            ("http://snomed.info/sct", "371469007"),
            ("http://snomed.info/sct", "371494008"),
            *((OWN, "a"), (OWN, "b"), (OTHER, "a")),
        ):
            told = concept(STAGES, f"{code}-{system[-5:]}".replace("/", ""))
            yield _observation(number, f"{system[-5:]}-{code}".replace("/", ""), concept(system, code), told)
        atc = concept("http://fhir.de/CodeSystem/bfarm/atc", ("L01XC03", "L01AA01")[number % 2])
        given: Data = {"medicationCodeableConcept": atc, "status": "completed"}
        yield _linked("MedicationStatement", f"drug-{number}", number, given)


def _observation(number: int, name: str, code: Data, value: Data) -> Data:
    told: Data = {"status": "final", "code": code, "valueCodeableConcept": value}
    return _linked("Observation", f"{name.replace(':', '-')}-{number}", number, told)


def _linked(kind: str, identity: str, number: int, elements: Data) -> Data:
    subject = {"reference": f"Patient/p{number}"}
    return {"resourceType": kind, "id": identity, "subject": subject, "effectiveDateTime": DAY, **elements}


def _living(where: str) -> Data:
    columns = [
        {"name": "patient", "path": "getResourceKey()", "type": "id"},
        {"name": "lives_here", "path": f"address.exists(postalCode {where})", "type": "boolean"},
    ]
    return {"resourceType": "ViewDefinition", "resource": "Patient", "select": [{"column": columns}]}
