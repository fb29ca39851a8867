"""Small invented worlds of people with few events of few kinds, as exports and as configs for them.

Some people have no event, some the same event twice; some codes, dates and ages are missing. `plz` and the
laboratory values are of no interest to the attacker: all are unlike one another, so that a test can tell
whose row it sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from tests.attacks.linked_attacker import Event
from tests.fhir_export import ATC, ICD, LOINC, OPS, UCUM, Resource, concept, encounter, patient, write

TODAY = 2026
DEPARTMENT = "http://fhir.de/CodeSystem/dkgev/Fachabteilungsschluessel"
SNOMED = "http://snomed.info/sct"
DAYS = ("2021-03-05", "2021-03-19", "2022-07-01", "2022", None)
CODES: Mapping[str, Mapping[str, Sequence[str | None]]] = {
    "encounters": {"department": ("0100", "0300", None), "admission_date": DAYS[:3]},
    "diagnoses": {"icd10gm": ("I50.13", "I50.14", "I50.01", "E11.90", None), "recorded_date": DAYS},
    "procedures": {"ops": ("5-323.51", "5-323.41", "8-800.c0")},
    "labs": {"loinc": ("1988-5", "718-7")},
    "medications": {"atc": ("C09AA05", "C09AA02", "B01AC06", None), "start_date": DAYS[:3]},
}
"""What the quasi-identifiers of each event table may hold."""
HIERARCHIES = {
    "department": "suppression",
    "admission_date": "{date: [month, year]}",
    "icd10gm": "icd-10-gm",
    "recorded_date": "{date: [month, year]}",
    "ops": "ops",
    "loinc": "suppression",
    "atc": "atc",
    "start_date": "{date: [month, year]}",
}
LEVELS = {
    "department": (0, 1),
    "admission_date": (0, 1, 2, 3),
    "icd10gm": (0, 1, 2, 5),
    "recorded_date": (0, 1, 2, 3),
    "ops": (0, 1, 2),
    "loinc": (0, 1, None),
    "atc": (0, 1),
    "start_date": (2, 3),
}
"""The levels that a world may have; none: the column is no quasi-identifier there."""
UNITS = {"1988-5": "mg/L", "718-7": "g/dL"}


@dataclass(frozen=True, slots=True)
class Life:
    """One person of a world; events hold base values, ``values`` what each would have measured."""

    tag: str
    gender: str | None
    age: int | None
    events: tuple[Event, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class World:
    """People, and what is asked of their release."""

    lives: tuple[Life, ...]
    k: int
    m: int
    levels: Mapping[str, Mapping[str, int | None]]
    """Event table → column → its level."""


# drawing ------------------------------------------------------------------------------------------


def draw_world(draw: Random, *, people: tuple[int, int] = (8, 14)) -> World:
    """A world of so many people, two to four event tables, k from 2 to 4 and m from 1 to 3."""
    tables = sorted(draw.sample(sorted(CODES), draw.randint(2, 4)))
    kinds = [_event(draw, draw.choice(tables)) for _ in range(draw.randint(2, 6))]
    count = draw.randint(*people)
    lives = tuple(_life(draw, number, kinds) for number in range(count))
    levels = {table: {column: draw.choice(LEVELS[column]) for column in CODES[table]} for table in tables}
    return World(lives, draw.choice((2, 2, 3, 4)), draw.choice((1, 2, 2, 3)), levels)


def _life(draw: Random, number: int, kinds: Sequence[Event]) -> Life:
    events = draw.choices(kinds, k=draw.choice((0, 1, 2, 2, 3, 3, 4)))
    if events and draw.random() < 0.3:
        events[-1] = events[0]
    gender = draw.choice(("male", "male", "female", "female", None))
    values = tuple(float(10 * number + place) for place in range(len(events)))
    return Life(f"{10000 + number}", gender, draw.choice((41, 44, 66, None)), tuple(events), values)


def _event(draw: Random, table: str) -> Event:
    """An event of the table that tells something: a row of which all is missing is no row."""
    cells = tuple((column, draw.choice(values)) for column, values in CODES[table].items())
    return Event(table, cells) if any(value for _, value in cells) else _event(draw, table)


# the export ---------------------------------------------------------------------------------------


def write_world(folder: Path, world: World) -> Path:
    """A folder with the export and the config of a world; the config's path."""
    (folder / "export").mkdir(parents=True)
    write(folder / "export", resources(world))
    path = folder / "config.yaml"
    path.write_text(config(world), encoding="utf-8")
    return path


def resources(world: World) -> Iterator[Resource]:
    """Everything that an export of this world holds."""
    for life in world.lives:
        yield _patient(life)
        for number, (event, value) in enumerate(zip(life.events, life.values, strict=True)):
            told = {"id": f"{life.tag}-{number}", "subject": {"reference": f"Patient/{life.tag}"}}
            yield RESOURCES[event.table](dict(event.cells), value) | told


def _patient(life: Life) -> Resource:
    known = {"gender": life.gender, "birthDate": None if life.age is None else f"{TODAY - life.age}-01-15"}
    address = [{"type": "both", "postalCode": life.tag}]
    return patient(life.tag, address=address, **{name: told for name, told in known.items() if told})


def _encounter(cells: Mapping[str, str | None], _: float) -> Resource:
    period = {"period": {"start": cells["admission_date"]}}
    department = cells["department"]
    return encounter() | period | ({"serviceType": concept(DEPARTMENT, department)} if department else {})


def _diagnosis(cells: Mapping[str, str | None], _: float) -> Resource:
    day = {"recordedDate": cells["recorded_date"]} if cells["recorded_date"] else {}
    return {"resourceType": "Condition", "code": _coded(ICD, cells["icd10gm"]), **day}


def _procedure(cells: Mapping[str, str | None], _: float) -> Resource:
    code = _coded(OPS, cells["ops"])
    return {"resourceType": "Procedure", "status": "completed", "code": code, "performedDateTime": "2021"}


def _lab(cells: Mapping[str, str | None], value: float) -> Resource:
    loinc = cells["loinc"] or ""
    quantity = {"value": value, "system": UCUM, "code": UNITS[loinc]}
    code = concept(LOINC, loinc)
    return {"resourceType": "Observation", "status": "final", "code": code, "valueQuantity": quantity}


def _medication(cells: Mapping[str, str | None], _: float) -> Resource:
    drug = {"medicationCodeableConcept": _coded(ATC, cells["atc"]), "effectiveDateTime": cells["start_date"]}
    return {"resourceType": "MedicationStatement", "status": "completed", **drug}


def _coded(system: str, code: str | None) -> Resource:
    """A concept; without a code one of another system, which no table asks for."""
    return concept(SNOMED, "404684003") if code is None else concept(system, code)


RESOURCES: Mapping[str, Any] = {
    "encounters": _encounter,
    "diagnoses": _diagnosis,
    "procedures": _procedure,
    "labs": _lab,
    "medications": _medication,
}


# the config ---------------------------------------------------------------------------------------

CONFIG = """\
name: world
reference_date: 2026-11-22
input:
  mii:
    path: export
    consent: {{ignore: "invented people"}}
    row: patient
    observations: {{crp: {{loinc: 1988-5, unit: mg/L}}, hb: {{loinc: 718-7, unit: g/dL}}}}
subject: patient_id
columns:
  patient_id: {{role: identifier}}
  gender: {{role: quasi-identifier, hierarchy: suppression}}
  age_years: {{role: quasi-identifier, hierarchy: {{bands: [20], top: 90}}}}
  plz: {{role: insensitive}}
tables:
{tables}
privacy:
  k_anonymity: {k}
  km_anonymity: {{column: events, k: {k}, m: {m}}}
  suppression_limit: 0.4
output: {{directory: out, formats: [parquet]}}
"""


def config(world: World) -> str:
    """The config of a world's run."""
    tables = "\n".join(_table(name, columns) for name, columns in world.levels.items())
    return CONFIG.format(tables=tables, k=world.k, m=world.m)


def _table(name: str, columns: Mapping[str, int | None]) -> str:
    rules = [f"    {column}: {_rule(column, level)}" for column, level in columns.items()]
    values = ["    value: {role: sensitive}"] if name == "labs" else []
    return "\n".join([f"  {name}:", *rules, *values])


def _rule(column: str, level: int | None) -> str:
    if level is None:
        return "{role: insensitive}"
    told = {"role": "quasi-identifier", "hierarchy": HIERARCHIES[column], "release_level": str(level)}
    return "{" + ", ".join(f"{name}: {value}" for name, value in told.items()) + "}"


def known_part(world: World, event: Event) -> Event:
    """The event with only the cells that are quasi-identifiers in this world, the rest is not known."""
    levels = world.levels[event.table]
    return Event(event.table, tuple(cell for cell in event.cells if levels[cell[0]] is not None))
