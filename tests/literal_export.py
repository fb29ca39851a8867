"""A core-dataset export read literally, with json and csv alone: what each column of its table must hold.

It knows the elements by heart and shares nothing with `mii`. A form is read into the same small facts: a
flattened table's rows become what their columns tell, and nothing is known that no column tells.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

Json = dict[str, Any]
GM, WHO = "http://fhir.de/CodeSystem/bfarm/icd-10-gm", "http://hl7.org/fhir/sid/icd-10"
OPS, PZN = "http://fhir.de/CodeSystem/bfarm/ops", "http://fhir.de/CodeSystem/ifa/pzn"
ATC = ("http://fhir.de/CodeSystem/bfarm/atc", "http://www.whocc.no/atc")
ALPHA, ORPHA = "http://fhir.de/CodeSystem/bfarm/alpha-id", "http://www.orpha.net"
SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
LEVEL, KIND = "http://fhir.de/CodeSystem/Kontaktebene", "http://fhir.de/CodeSystem/kontaktart-de"
DEPARTMENT = "http://fhir.de/CodeSystem/dkgev/Fachabteilungsschluessel"
VOID = ("entered-in-error", "cancelled", "not-done", "not-taken", "planned", "refuted")


class Resources:
    """The resources of an export by type and id, however they lie in its files."""

    def __init__(self, folder: Path) -> None:
        self.by_type: dict[str, dict[str, Json]] = {}
        for path in sorted(folder.iterdir()):
            texts = (
                path.read_text("utf-8").splitlines()
                if path.suffix == ".ndjson"
                else [path.read_text("utf-8")]
            )
            for text in texts:
                self._add(json.loads(text))

    def _add(self, resource: Json) -> None:
        if resource["resourceType"] == "Bundle":
            for entry in resource.get("entry", []):
                self._add(entry["resource"])
        else:
            self.by_type.setdefault(resource["resourceType"], {})[resource["id"]] = resource

    def of(self, kind: str) -> list[Json]:
        return list(self.by_type.get(kind, {}).values())


def flattened(folder: Path) -> Resources:
    """The resources that the rows of flattened tables tell of, each element where JSON would hold it."""
    found = Resources.__new__(Resources)
    found.by_type = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        kind = next(name for name in rows[0] if "_" in name).split("_")[0]
        of_kind = found.by_type.setdefault(kind, {})
        for row in rows:
            told = {name: text for name, text in row.items() if text}
            _MAKE[kind](of_kind.setdefault(row["id"], {"resourceType": kind, "id": row["id"]}), told)
    return found


def _add_coding(resource: Json, path: tuple[str, ...], system: str | None, code: str | None) -> None:
    if code is None:
        return
    for name in path:
        resource = resource.setdefault(name, {})
    codings = resource.setdefault("coding", [])
    if {"system": system, "code": code} not in codings:
        codings.append({"system": system, "code": code})


def _patient(resource: Json, row: Mapping[str, str]) -> None:
    for name in ("gender", "birthDate"):
        if f"Patient_{name}" in row:
            resource[name] = row[f"Patient_{name}"]
    if "Patient_deceased_X_Deceasedboolean" in row:
        resource["deceasedBoolean"] = row["Patient_deceased_X_Deceasedboolean"].lower() == "true"
    if "Patient_deceased_X_Deceaseddatetime" in row:
        resource["deceasedDateTime"] = row["Patient_deceased_X_Deceaseddatetime"]
    if "Patient_addressStrassenanschrift_postalCode" in row:
        code = row["Patient_addressStrassenanschrift_postalCode"]
        resource["address"] = [{"type": "both", "postalCode": code}]


def _of_patient(resource: Json, row: Mapping[str, str]) -> None:
    kind = resource["resourceType"]
    resource["subject"] = {"reference": row["patient"]}
    if f"{kind}_encounter_reference" in row:
        resource["encounter"] = {"reference": row[f"{kind}_encounter_reference"]}
    if f"{kind}_status" in row:
        resource["status"] = row[f"{kind}_status"]


def _encounter(resource: Json, row: Mapping[str, str]) -> None:
    _of_patient(resource, row)
    types = resource.setdefault("type", [{}])
    system, code = row.get("Encounter_type_coding_system"), row.get("Encounter_type_coding_code")
    _add_coding(types[0], (), system, code)
    resource["class"] = {"code": row.get("Encounter_class_code")}
    edges = {"start": row.get("Encounter_period_start"), "end": row.get("Encounter_period_end")}
    resource["period"] = {name: day for name, day in edges.items() if day}
    department = row.get("Encounter_serviceType_codingFachabteilungsschluessel_code")
    _add_coding(resource, ("serviceType",), DEPARTMENT, department)


def _condition(resource: Json, row: Mapping[str, str]) -> None:
    _of_patient(resource, row)
    slices = {"Icd10gm": GM, "Orphanet": ORPHA, "Sct": SNOMED}
    for name, system in slices.items():
        _add_coding(resource, ("code",), system, row.get(f"Condition_code_coding{name}_code"))
    state = row.get("Condition_verificationStatus_coding_code")
    _add_coding(resource, ("verificationStatus",), None, state)
    for name, column in (("recordedDate", "recordedDate"), ("onsetDateTime", "onset_X_Onsetdatetime")):
        if f"Condition_{column}" in row:
            resource[name] = row[f"Condition_{column}"]


def _procedure(resource: Json, row: Mapping[str, str]) -> None:
    _of_patient(resource, row)
    for name, system in {"Ops": OPS, "Sct": SNOMED}.items():
        _add_coding(resource, ("code",), system, row.get(f"Procedure_code_coding{name}_code"))
    performed = "Procedure_performed_X_Performed"
    if f"{performed}datetime" in row:
        resource["performedDateTime"] = row[f"{performed}datetime"]
    edges = {name: row.get(f"{performed}period_{name}") for name in ("start", "end")}
    if any(edges.values()):
        resource["performedPeriod"] = {name: day for name, day in edges.items() if day}


def _observation(resource: Json, row: Mapping[str, str]) -> None:
    _of_patient(resource, row)
    system, code = row.get("Observation_code_coding_system"), row.get("Observation_code_coding_code")
    _add_coding(resource, ("code",), system, code)
    if "Observation_effective_X_Effectivedatetime" in row:
        resource["effectiveDateTime"] = row["Observation_effective_X_Effectivedatetime"]
    value = "Observation_value_X_Valuequantity_"
    quantity = {n: row[value + n] for n in ("value", "code", "unit", "comparator") if value + n in row}
    if "value" in quantity:
        resource["valueQuantity"] = {**quantity, "value": float(quantity["value"])}
    concept = row.get("Observation_value_X_Valuecodeableconcept_coding_code")
    _add_coding(resource, ("valueCodeableConcept",), None, concept)


_MAKE: Mapping[str, Callable[[Json, Mapping[str, str]], None]] = {
    "Patient": _patient,
    "Encounter": _encounter,
    "Condition": _condition,
    "Procedure": _procedure,
    "Observation": _observation,
}


def codings(concept: Json | None, *systems: str | None) -> list[str]:
    """The codes of a CodeableConcept in the given systems."""
    told = (concept or {}).get("coding", [])
    return [c["code"] for c in told if c.get("system") in systems and c.get("code")]


def own(resources: Resources, kind: str, patient: str) -> list[Json]:
    """The resources of a type that belong to a patient and did happen."""
    reference = f"Patient/{patient}"
    of_patient = [r for r in resources.of(kind) if r.get("subject", {}).get("reference") == reference]
    return [r for r in of_patient if r.get("status") not in VOID and not _refuted(r)]


def _refuted(resource: Json) -> bool:
    states = resource.get("verificationStatus", {}).get("coding", [])
    return any(state["code"] in VOID for state in states)


def moment(text: str) -> float:
    """A dateTime's place in time; a day begins at midnight UTC."""
    full = {4: f"{text}-01-01", 7: f"{text}-01"}.get(len(text), text)
    told = datetime.fromisoformat(full)
    return (told if told.tzinfo else datetime.fromisoformat(f"{full[:10]}T00:00:00+00:00")).timestamp()


def stay(resources: Resources, patient: str) -> Json | None:
    """The patient's first Encounter that is an Einrichtungskontakt or says nothing of a level."""
    levels = {
        e["id"]: [c for concept in e.get("type", []) for c in codings(concept, LEVEL)]
        for e in own(resources, "Encounter", patient)
    }
    able = [
        e
        for e in own(resources, "Encounter", patient)
        if not levels[e["id"]] or "einrichtungskontakt" in levels[e["id"]]
    ]
    return min(able, key=lambda e: (moment(e["period"]["start"]), e["id"]), default=None)


def day(text: str | None) -> str | None:
    return None if text is None else text.split("T")[0]


def drugs(resources: Resources, patient: str) -> Iterator[Json]:
    """The CodeableConcepts of all medications: of the event, of its Medication, of that one's ingredients."""
    for kind in ("MedicationAdministration", "MedicationStatement", "MedicationRequest"):
        for event in own(resources, kind, patient):
            yield from event_drugs(resources, event)


def event_drugs(resources: Resources, event: Json) -> Iterator[Json]:
    """The CodeableConcepts of one medication event."""
    if "medicationCodeableConcept" in event:
        yield event["medicationCodeableConcept"]
    if "medicationReference" in event:
        yield from _hops(resources, event["medicationReference"]["reference"])


def _hops(resources: Resources, reference: str) -> Iterator[Json]:
    medication = resources.by_type["Medication"][reference.removeprefix("Medication/")]
    yield medication.get("code", {})
    for part in medication.get("ingredient", []):
        if "itemCodeableConcept" in part:
            yield part["itemCodeableConcept"]
        if "itemReference" in part:
            yield from _hops(resources, part["itemReference"]["reference"])


def age(born: str | None, today: date) -> int | None:
    if born is None or len(born) < 10:
        return None
    then = date.fromisoformat(born)
    return today.year - then.year - ((today.month, today.day) < (then.month, then.day))
