"""The sample export released as several tables, and the attacker of `linked_attacker.py`.

Every target is tried with every part of every event, and with pairs of events that are drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from random import Random

import pytest

import mii
from sample_data.generate import EXPORT
from tests.attacks.linked_attacker import Attempt, Event, Person, Released, attack, knowledge, read
from tests.attacks.literal_release import release
from tests.runs import anon

K, M, PAIRS = 5, 2, 8_000
DAY = date(2026, 11, 22)
CRP = {"crp": mii.Observation("1988-5", "mg/L")}
TABLES = {
    "encounters": ("admission_date", "department"),
    "diagnoses": ("icd10gm", "recorded_date"),
    "procedures": ("ops",),
    "labs": ("loinc",),
    "medications": ("atc",),
}
CONFIG = f"""\
name: sample
reference_date: {DAY}
input:
  mii:
    path: {EXPORT}
    consent: required
    consent_date: {DAY}
    row: patient
    observations: {{crp: {{loinc: 1988-5, unit: mg/L}}}}
subject: patient_id
columns:
  patient_id: {{role: identifier}}
  gender: {{role: quasi-identifier, hierarchy: suppression}}
  age_years: {{role: quasi-identifier, hierarchy: {{bands: [20], top: 90}}, min_level: 1, max_level: 1}}
tables:
  encounters:
    admission_date: {{role: quasi-identifier, hierarchy: {{date: [month, year]}}, release_level: 2}}
    department: {{role: quasi-identifier, hierarchy: suppression, release_level: 0}}
  diagnoses:
    icd10gm: {{role: quasi-identifier, hierarchy: icd-10-gm, release_level: 2}}
    recorded_date: {{role: quasi-identifier, hierarchy: {{date: [month, year]}}, release_level: 2}}
  procedures:
    ops: {{role: quasi-identifier, hierarchy: ops, release_level: 2}}
  labs:
    loinc: {{role: quasi-identifier, hierarchy: suppression, release_level: 0}}
    value: {{role: sensitive}}
  medications:
    atc: {{role: quasi-identifier, hierarchy: atc, release_level: 2}}
privacy:
  k_anonymity: {K}
  km_anonymity: {{column: events, k: {K}, m: {M}}}
  suppression_limit: 0.05
output: {{directory: out, formats: [parquet]}}
"""


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    folder = tmp_path_factory.mktemp("sample")
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
    result = anon("run", folder / "config.yaml", "--quiet")
    assert result.code == 0, result.err
    return read(folder / "out/sample/release")


@pytest.fixture(scope="module")
def people() -> list[Person]:
    """Everybody whom the run read, with all events; whose row is whose is not known to the test either."""
    columns = frozenset(("patient_id", "gender", "age_years"))
    tables = {table: frozenset(names) for table, names in TABLES.items()}
    request = mii.MiiRequest("patient", "first", CRP, True, False, DAY, DAY, columns, tables=tables)
    export = mii.read(EXPORT, request)
    events: dict[str, list[Event]] = {patient: [] for patient in export.frame["patient_id"]}
    for table, names in TABLES.items():
        for patient, *cells in export.tables[table].select("patient_id", *names).iter_rows():
            events[patient].append(Event(table, tuple(zip(names, cells, strict=True))))
    rows = export.frame.select("patient_id", "gender", "age_years").iter_rows()
    return [
        Person(
            (("gender", sex), ("age_years", None if age is None else str(age))), tuple(events[patient]), None
        )
        for patient, sex, age in rows
    ]


def test_nobody_is_found_by_one_event(released: Released, people: list[Person]) -> None:
    """Every group that the attacker can form has k people at least, whoever of them is the target."""
    attempts = (Attempt(p, p.about, known) for p in people for known in knowledge(p.events, 1))
    found = attack(released, attempts)
    assert found.tried > 90_000
    assert found.fewest is not None
    assert found.fewest >= K


def test_nobody_is_found_by_two_events(released: Released, people: list[Person]) -> None:
    found = attack(released, pairs(people))
    assert found.fewest is not None
    assert found.fewest >= K


def pairs(people: list[Person]) -> Iterator[Attempt]:
    """Pairs of events of people who have two, each event known wholly or in part."""
    draw = Random(20261122)
    several = [person for person in people if len(person.events) > 1]
    for person in draw.choices(several, k=PAIRS):
        parts = (Event(table, part(draw, cells)) for table, cells in draw.sample(person.events, 2))
        yield Attempt(person, person.about, tuple(parts))


def part(draw: Random, cells: tuple[tuple[str, str | None], ...]) -> tuple[tuple[str, str | None], ...]:
    return cells if draw.random() < 0.7 else tuple(draw.sample(cells, draw.randint(1, len(cells))))


def test_the_attacker_finds_people_in_what_the_classes_lost(released: Released, people: list[Person]) -> None:
    """The same levels without the repair: one event is enough to find somebody."""
    plain = release([(p.about, p.events) for p in people], released.levels)
    attempts = (Attempt(p, p.about, known) for p in people[:500] for known in knowledge(p.events, 1))
    assert attack(plain, attempts).fewest == 1
