"""Writes an invented core-dataset export: ``python -m sample_data.generate --patients 6000 --out DIR``.

Every person is drawn from a stream of their own, so that a larger export begins with the smaller one. The
bytes depend on nothing but the arguments.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from numpy.random import default_rng

from sample_data import fhir
from sample_data.consents import consents
from sample_data.draw import Draw
from sample_data.lives import Life, draw_life
from sample_data.marginals import marginals
from sample_data.traps import spoil, sub_contact, two_hops

Json = dict[str, Any]

SEED = 20261122
PATIENTS = 6000
EXPORT = Path(__file__).with_name("export")
TYPES = (
    "Condition",
    "Consent",
    "Encounter",
    "Medication",
    "MedicationAdministration",
    "MedicationStatement",
    "Observation",
    "Patient",
    "Procedure",
)


def resources(patients: int = PATIENTS, *, seed: int = SEED) -> Iterator[Json]:
    """Every resource of an export of ``patients`` people, medications first, then person by person."""
    for number, atc in enumerate(sorted(marginals().drugs)):
        yield from two_hops(fhir.substance(atc), number)
    for number in range(patients):
        draw = draw_of(number, seed=seed)
        life = draw_life(draw, number)
        for resource in _record(draw, life):
            yield from spoil(draw, resource)
        yield from consents(life, fhir.patient_id(life))


def draw_of(number: int, *, seed: int = SEED) -> Draw:
    """The stream of draws of person ``number``, the same in an export of any size."""
    return Draw(default_rng([seed, number]))


def write(folder: Path, patients: int = PATIENTS, *, seed: int = SEED, compress: bool = True) -> None:
    """Writes ``<Type>.ndjson.gz`` (or ``.ndjson``) for each type into ``folder``, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        files = {kind: stack.enter_context(_open(folder, kind, compress)) for kind in TYPES}
        for resource in resources(patients, seed=seed):
            files[resource["resourceType"]].write(line(resource))


def line(resource: Json) -> bytes:
    """The resource as one line of NDJSON."""
    return json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def main() -> None:
    """Reads the command line and writes the export."""
    parser = argparse.ArgumentParser(description="Write an invented core-dataset export.")
    parser.add_argument("--patients", type=int, default=PATIENTS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=EXPORT)
    parser.add_argument("--no-gzip", action="store_true")
    arguments = parser.parse_args()
    write(arguments.out, arguments.patients, seed=arguments.seed, compress=not arguments.no_gzip)


def _record(draw: Draw, life: Life) -> Iterator[Json]:
    yield fhir.patient(draw, life)
    for index in range(len(life.stays)):
        stay = fhir.encounter(life, index)
        yield from sub_contact(draw, stay, life, index)
        yield stay
        yield from fhir.conditions(life, index)
        yield from fhir.procedures(life, index)
        yield from fhir.observations(life, index)
        yield from fhir.medications(life, index)
    if life.died is not None:
        yield fhir.cause_of_death(life)
    if life.died is not None or life.number % 10 == 0:
        yield fhir.vital_status(life)


def _open(folder: Path, kind: str, compress: bool) -> IO[bytes]:
    if not compress:
        return (folder / f"{kind}.ndjson").open("wb")
    return gzip.GzipFile(folder / f"{kind}.ndjson.gz", "wb", compresslevel=9, mtime=0)  # type: ignore[return-value]


if __name__ == "__main__":
    main()
