"""A core-dataset export of two dozen invented patients, and the forms in which sites hand exports over.

Every patient has two stays, two laboratory codes, a diagnosis, a procedure and a drug behind a reference.
One in four has no consent, one in four a consent that ends before 2030, the others one until 2099.
"""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import zstandard

Json = dict[str, Any]

PATIENTS = 24
OID = "2.16.840.1.113883.3.1937.777.24.5.3"
CONSENTED, NEVER_ASKED = "2020-01-01", 3
"""The first day of every consent; patients whose number is 3 modulo 4 have none."""

DIAGNOSES, PROCEDURES, DRUGS = ("I50.13", "E11.90", "I21.4"), ("5-323.51", "8-800.c0"), ("C09AA05", "B01AC06")


def resources(patients: int = PATIENTS) -> list[Json]:
    """All resources of the export; those of no patient (Medication) come first."""
    medications = [_medication(drug) for drug in DRUGS]
    return [*medications, *(resource for number in range(patients) for resource in _of_patient(number))]


def _of_patient(number: int) -> Iterator[Json]:
    yield {
        "resourceType": "Patient",
        "id": f"p{number}",
        "name": [{"family": f"Surname{number}"}],
        "gender": "female" if number % 2 else "male",
        "birthDate": f"{1946 + 2 * number}-0{1 + number % 9}-15",
        "address": [{"type": "both", "postalCode": ("10117", "10119", "20095")[number % 3]}],
    }
    for stay, year in enumerate((2021, 2025)):
        yield from _stay(number, f"p{number}-e{stay}", year)
    yield _observation(number, "past", ("1988-5", 90 + number, "mg/L"), "2015-05-01")
    if number % 4 != NEVER_ASKED:
        yield _consent(number)


def _stay(number: int, stay: str, year: int) -> Iterator[Json]:
    day, later = f"{year}-0{1 + number % 9}-10", f"{year}-0{1 + number % 9}-1{4 + number % 3}"
    yield _linked(
        "Encounter",
        stay,
        number,
        status="finished",
        type=[_concept("http://fhir.de/CodeSystem/Kontaktebene", "einrichtungskontakt")],
        serviceType=_concept("http://fhir.de/CodeSystem/dkgev/Fachabteilungsschluessel", "0100"),
        period={"start": f"{day}T08:00:00+01:00", "end": f"{later}T11:00:00+01:00"},
        diagnosis=[
            {
                "condition": {"reference": f"Condition/{stay}-c"},
                "use": _concept("http://terminology.hl7.org/CodeSystem/diagnosis-role", "CC"),
            }
        ],
    )
    at = {"encounter": {"reference": f"Encounter/{stay}"}}
    icd, ops = DIAGNOSES[(number // 2 + year) % 3], PROCEDURES[number % 2]
    code = _concept("http://fhir.de/CodeSystem/bfarm/icd-10-gm", icd)
    yield _linked("Condition", f"{stay}-c", number, code=code, recordedDate=day, **at)
    code = _concept("http://fhir.de/CodeSystem/bfarm/ops", ops)
    yield _linked(
        "Procedure", f"{stay}-p", number, status="completed", code=code, performedDateTime=day, **at
    )
    yield _linked(
        "MedicationAdministration",
        f"{stay}-m",
        number,
        status="completed",
        effectiveDateTime=day,
        medicationReference={"reference": f"Medication/{DRUGS[number % 2]}"},
        context=at["encounter"],
    )
    year_in_century = year % 100
    yield _observation(number, f"{stay}-crp", ("1988-5", number + year_in_century, "mg/L"), day) | at
    yield _observation(number, f"{stay}-hb", ("718-7", 9 + number % 5, "g/dL"), day) | at


def _observation(number: int, name: str, measured: tuple[str, float, str], day: str) -> Json:
    loinc, value, unit = measured
    return _linked(
        "Observation",
        f"{name}-{number}",
        number,
        status="final",
        code=_concept("http://loinc.org", loinc),
        effectiveDateTime=day,
        valueQuantity={"value": value, "system": "http://unitsofmeasure.org", "code": unit},
    )


def _consent(number: int) -> Json:
    end = "2029-12-31" if number % 4 == 0 else "2099-12-31"
    permits = [
        {
            "type": "permit",
            "period": {"start": CONSENTED, "end": end},
            "code": [_concept(f"urn:oid:{OID}", f"{OID}.{module}")],
        }
        for module in (6, 8, 45, 46)
    ]
    return {
        "resourceType": "Consent",
        "id": f"p{number}-consent",
        "status": "active",
        "scope": _concept("http://terminology.hl7.org/CodeSystem/consentscope", "research"),
        "category": [_concept("http://loinc.org", "57016-8")],
        "patient": {"reference": f"Patient/p{number}"},
        "provision": {"type": "deny", "provision": permits},
    }


def _medication(drug: str) -> Json:
    code = _concept("http://fhir.de/CodeSystem/bfarm/atc", drug)
    return {"resourceType": "Medication", "id": drug, "code": code}


def _linked(kind: str, identity: str, number: int, **elements: Any) -> Json:
    subject = {"reference": f"Patient/p{number}"}
    return {"resourceType": kind, "id": identity, "subject": subject, **elements}


def _concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def ndjson(folder: Path, everything: Sequence[Json]) -> Path:
    """One file per type, one resource per line."""
    folder.mkdir()
    for kind in sorted({resource["resourceType"] for resource in everything}):
        _write_lines(folder / f"{kind}.ndjson", [r for r in everything if r["resourceType"] == kind])
    return folder


def bundle_lines(folder: Path, everything: Sequence[Json]) -> Path:
    """One transaction Bundle per patient and line, and ``core.ndjson`` with what is nobody's."""
    folder.mkdir()
    core, *of_patients = _bundles(everything)
    _write_lines(folder / "core.ndjson", [core])
    _write_lines(folder / "0a1b.ndjson", of_patients)
    return folder


def bundle_files(folder: Path, everything: Sequence[Json]) -> Path:
    """One Bundle per patient and file."""
    folder.mkdir()
    for number, bundle in enumerate(_bundles(everything)):
        (folder / f"Bundle-{number}.json").write_text(json.dumps(bundle, indent=1), encoding="utf-8")
    return folder


def urn_files(folder: Path, everything: Sequence[Json]) -> Path:
    """Bundle files whose resources name one another by ``urn:uuid``, as new ones in a transaction do."""
    bundle_files(folder, everything)
    names = {f"{resource['resourceType']}/{resource['id']}" for resource in everything}
    for file in folder.iterdir():
        text = file.read_text(encoding="utf-8")
        for name in names:
            text = text.replace(f'"reference": "{name}"', f'"reference": "{_urn(name)}"')
            text = text.replace(f'"fullUrl": "https://fhir.example.org/{name}"', f'"fullUrl": "{_urn(name)}"')
        file.write_text(text, encoding="utf-8")
    return folder


def _urn(name: str) -> str:
    return uuid5(NAMESPACE_URL, name).urn


def zipped(of: Callable[[Path, Sequence[Json]], Path], folder: Path, everything: Sequence[Json]) -> Path:
    """The files of another form in one archive beside ``folder``."""
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(of(folder, everything).iterdir()):
            archive.write(file, file.name)
    return path


def gzipped(of: Callable[[Path, Sequence[Json]], Path], folder: Path, everything: Sequence[Json]) -> Path:
    """Every file of another form, packed by gzip."""
    return _packed(of(folder, everything), ".gz", gzip.compress)


def zstandard_packed(
    of: Callable[[Path, Sequence[Json]], Path], folder: Path, everything: Sequence[Json]
) -> Path:
    """Every file of another form, packed by zstd."""
    return _packed(of(folder, everything), ".zst", zstandard.compress)


def _packed(folder: Path, suffix: str, pack: Callable[[bytes], bytes]) -> Path:
    for file in sorted(folder.iterdir()):
        file.with_name(file.name + suffix).write_bytes(pack(file.read_bytes()))
        file.unlink()
    return folder


def _bundles(everything: Sequence[Json]) -> list[Json]:
    """The Bundle of what is nobody's, then one per patient."""
    owned: dict[str, list[Json]] = {"": []}
    for resource in everything:
        owned.setdefault(_patient_of(resource), []).append(resource)
    return [_bundle(own) for own in owned.values()]


def _patient_of(resource: Json) -> str:
    if resource["resourceType"] == "Patient":
        return f"Patient/{resource['id']}"
    about = resource.get("subject") or resource.get("patient") or {"reference": ""}
    return str(about["reference"])


def _bundle(inside: Sequence[Json]) -> Json:
    names = [f"{resource['resourceType']}/{resource['id']}" for resource in inside]
    entries = [
        {
            "fullUrl": f"https://fhir.example.org/{name}",
            "resource": r,
            "request": {"method": "PUT", "url": name},
        }
        for name, r in zip(names, inside, strict=True)
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _write_lines(path: Path, documents: Sequence[Json]) -> None:
    path.write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
