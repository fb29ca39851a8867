"""Exports of any size, made by repeating one with new ids."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

SAMPLE = Path(__file__).resolve().parent.parent / "sample_data" / "export"
PATIENT_BYTES = 150_000
_NEW_ID = "\0"

Patients = list[list[str]]
"""The resources of each patient as lines; first those that are nobody's."""


def patients_of(folder: Path) -> Patients:
    of_patient: dict[str, list[str]] = {"": []}
    for file in sorted(folder.glob("*.ndjson*")):
        raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        for line in raw.decode().splitlines():
            resource = json.loads(line)
            owner = resource.get("subject") or resource.get("patient") or {}
            is_patient = resource["resourceType"] == "Patient"
            patient = f"Patient/{resource['id']}" if is_patient else owner.get("reference", "")
            _mark(resource)
            of_patient.setdefault(patient, []).append(_line(resource))
    return list(of_patient.values())


def grown(patients: Patients) -> Patients:
    """The patients with their laboratory values again and again, until each has `PATIENT_BYTES`."""
    return [patients[0], *(_grown_patient(own) for own in patients[1:] if any(map(_is_lab, own)))]


def _grown_patient(own: list[str]) -> list[str]:
    size = sum(map(len, own))
    grown = list(own)
    labs = cycle([json.loads(line) for line in own if _is_lab(line)])
    for number, lab in enumerate(labs):
        if size >= PATIENT_BYTES:
            break
        day = f"20{number % 15 + 10}-{number % 12 + 1:02}-{number % 28 + 1:02}T08:00:00+01:00"
        grown.append(_line({**lab, "id": f"{lab['id']}-{number}", "effectiveDateTime": day}))
        size += len(grown[-1])
    return grown


def _is_lab(line: str) -> bool:
    return '"Observation"' in line and '"valueQuantity"' in line


def _mark(element: Any) -> None:
    """Puts the mark of a new id behind every id and reference, in place."""
    if isinstance(element, list):
        for part in element:
            _mark(part)
    elif isinstance(element, dict):
        for name in ("id", "reference"):
            if isinstance(element.get(name), str):
                element[name] += _NEW_ID
        for part in element.values():
            _mark(part)


def _line(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


def bundle(own: list[str]) -> str:
    entries = ",".join(f'{{"resource":{line.rstrip()}}}' for line in own)
    return f'{{"resourceType":"Bundle","type":"transaction","entry":[{entries}]}}\n'


def repeated(lines: list[str], size: int) -> Iterator[str]:
    """``lines`` with new ids again and again, until there are ``size`` bytes of them."""
    mark = json.dumps(_NEW_ID)[1:-1]
    written = copy = 0
    while True:
        for line in lines:
            made = line.replace(mark, f"-{copy}")
            written += len(made.encode())
            yield made
            if written >= size:
                return
        copy += 1
