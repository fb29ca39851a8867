"""The sample export: reproducible, shaped as the profiles ask, and holding what makes real exports hard."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mii.consent import ConsentRecord, Decision, EncounterPeriod, Provision, decide
from release.run import run
from sample_data import generate
from sample_data.lives import Agreement, Life, draw_life
from tests.conftest import ROOT

Json = dict[str, Any]
FEW = 400
REFERENCE = date(2026, 11, 22)

REQUIRED = {
    "Patient": ("identifier", "name", "address"),
    "Encounter": ("identifier", "status", "class", "period", "serviceType", "subject"),
    "Condition": ("code", "subject"),
    "Procedure": ("status", "category", "code", "subject"),
    "Observation": ("status", "category", "code", "subject", "effectiveDateTime"),
    "Medication": ("ingredient",),
    "MedicationAdministration": ("status", "subject", "effectivePeriod"),
    "MedicationStatement": ("status", "subject", "effectivePeriod"),
    "Consent": ("status", "scope", "category", "patient", "dateTime", "policy", "provision"),
}


@pytest.fixture(scope="module")
def few() -> list[Json]:
    return list(generate.resources(FEW))


@pytest.fixture(scope="module")
def committed() -> dict[str, bytes]:
    return {kind: gzip.decompress(file(kind).read_bytes()) for kind in generate.TYPES}


def file(kind: str) -> Path:
    return generate.EXPORT / f"{kind}.ndjson.gz"


def of(resources: list[Json], kind: str) -> list[Json]:
    return [resource for resource in resources if resource["resourceType"] == kind]


def life(number: int) -> Life:
    return draw_life(generate.draw_of(number), number)


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("once", "twice"):
        generate.write(tmp_path / folder, 30)
    for kind in generate.TYPES:
        name = f"{kind}.ndjson.gz"
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "twice" / name).read_bytes()


def test_another_seed_gives_other_people() -> None:
    first, second = (list(generate.resources(5, seed=seed)) for seed in (1, 2))
    assert of(first, "Patient") != of(second, "Patient")


def test_the_committed_export_is_what_the_generator_writes(committed: dict[str, bytes]) -> None:
    written: dict[str, list[bytes]] = {kind: [] for kind in generate.TYPES}
    for resource in generate.resources():
        written[resource["resourceType"]].append(generate.line(resource))
    for kind, lines in written.items():
        assert b"".join(lines) == committed[kind], kind


def test_the_committed_export_has_3000_people_in_less_than_8_megabytes(committed: dict[str, bytes]) -> None:
    assert len({json.loads(line)["id"] for line in committed["Patient"].splitlines()}) >= 3000
    assert sum(file(kind).stat().st_size for kind in generate.TYPES) < 8_000_000


def test_a_larger_export_begins_with_the_smaller_one(few: list[Json]) -> None:
    smaller = list(generate.resources(20))
    assert few[: len(smaller)] == smaller


def test_the_command_writes_plain_lines_too(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sample_data.generate", "--patients", "3", "--no-gzip", "--out"]
    subprocess.run([*command, str(tmp_path)], cwd=ROOT, check=True)
    lines = (tmp_path / "Patient.ndjson").read_text("utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == [f"sample-{number:06d}" for number in range(3)]


@pytest.mark.parametrize("kind", generate.TYPES)
def test_every_resource_names_its_profile_and_holds_what_it_requires(few: list[Json], kind: str) -> None:
    found = of(few, kind)
    assert found
    for resource in found:
        assert resource["meta"]["profile"][0].startswith("https://www.medizininformatik-initiative.de/fhir/")
        assert all(resource.get(element) for element in REQUIRED[kind])


def test_dates_and_values_are_given_or_said_to_be_absent(few: list[Json]) -> None:
    for patient in of(few, "Patient"):
        assert "birthDate" in patient or "_birthDate" in patient
    for condition in of(few, "Condition"):
        assert "recordedDate" in condition or "_recordedDate" in condition
    for observation in of(few, "Observation"):
        assert any(name.startswith("value") for name in observation) or "dataAbsentReason" in observation


def test_every_reference_names_a_resource_of_the_export(few: list[Json]) -> None:
    present = {f"{resource['resourceType']}/{resource['id']}" for resource in few}
    assert set(references(few)) <= present


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for part in node for found in references(part)]
    if not isinstance(node, dict):
        return []
    own = [node["reference"]] if isinstance(node.get("reference"), str) else []
    return own + [found for part in node.values() for found in references(part)]


def test_no_insurance_number_can_be_anybodys(few: list[Json]) -> None:
    """The last digit of a KVNR is a check digit; in the sample it is always wrong."""
    for patient in of(few, "Patient"):
        number = patient["identifier"][0]["value"]
        digits = f"{ord(number[0]) - 64:02d}{number[1:9]}"
        weighed = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(digits)]
        right = sum(product - 9 if product > 9 else product for product in weighed) % 10
        assert len(number) == 10
        assert int(number[9]) != right


@pytest.mark.parametrize(
    "trap",
    [
        '"birthDate":"[0-9]{4}"',
        '"birthDate":"[0-9]{4}-[0-9]{2}"',
        "data-absent-reason",
        '"postalCode":"[0-9]{2}"',
        "dimdi/icd-10-gm",
        "dimdi/ops",
        'J12.8 U07.1!"',
        '"comparator":"<"',
        '"code":"mg/dL"',
        "medicationCodeableConcept",
        "itemReference",
        '"code":"abteilungskontakt"',
        '"gender":"other"',
        '"dataAbsentReason"',
        '"code":"†"',
        '"valueCode":"unknown"',
    ],
)
def test_the_traps_of_real_exports_are_there(committed: dict[str, bytes], trap: str) -> None:
    pattern = re.compile(trap.encode())
    assert any(pattern.search(text) for text in committed.values())


def test_some_things_are_missing_or_there_twice(committed: dict[str, bytes]) -> None:
    patients = [json.loads(line) for line in committed["Patient"].splitlines()]
    stays = [json.loads(line) for line in committed["Encounter"].splitlines()]
    levels = ["Kontaktebene" in json.dumps(stay["type"]) for stay in stays]
    assert any("postalCode" not in patient["address"][0] for patient in patients)
    assert 0.05 < levels.count(False) / len(levels) < 0.25
    assert any("diagnosis" not in stay and "partOf" not in stay for stay in stays)
    assert any("end" not in stay["period"] for stay in stays)
    assert len(patients) > len({patient["id"] for patient in patients})


@pytest.fixture(scope="module")
def decisions(few: list[Json]) -> dict[str, Decision]:
    stays = [
        EncounterPeriod(who(stay["subject"]), stay["period"]["start"], stay["period"].get("end"))
        for stay in of(few, "Encounter")
    ]
    consents = [read_consent(resource) for resource in of(few, "Consent")]
    return dict(decide(consents, stays, reference_date=REFERENCE, consent_date=date(2049, 12, 31)))


def who(reference: Json) -> str:
    return str(reference["reference"].removeprefix("Patient/"))


def read_consent(consent: Json) -> ConsentRecord:
    provisions = tuple(
        Provision(nested["type"], nested["period"]["start"], nested["period"]["end"], codes(nested))
        for nested in consent["provision"]["provision"]
    )
    research = consent["scope"]["coding"][0]["code"] == "research"
    return ConsentRecord(who(consent["patient"]), consent["status"], research, True, provisions)


def codes(provision: Json) -> tuple[str, ...]:
    return tuple(coding["code"] for concept in provision["code"] for coding in concept["coding"])


def test_consents_of_all_kinds_have_the_outcome_they_stand_for(decisions: dict[str, Decision]) -> None:
    """The run's date is 2049: whoever consents in the sample does so for decades of runs to come."""
    outcomes = {
        Agreement.VALID: "accepted",
        Agreement.GICS: "accepted",
        Agreement.RETROSPECTIVE: "accepted",
        Agreement.REVOKED: "a deny of X.8 holds",
        Agreement.INACTIVE: "no active Consent",
        Agreement.EXPIRED: "X.8 is not permitted on the reference date or the run's date",
    }
    seen: Counter[Agreement] = Counter()
    for number in range(FEW):
        agreement = life(number).agreement
        found = decisions.get(f"sample-{number:06d}")
        assert (found.reason if found else None) == outcomes.get(agreement)
        seen[agreement] += 1
    assert set(seen) == set(Agreement)


def test_the_window_holds_the_stay_in_which_the_consent_was_signed(
    few: list[Json], decisions: dict[str, Decision]
) -> None:
    last = {who(stay["subject"]): stay["period"] for stay in of(few, "Encounter") if "partOf" not in stay}
    for patient, decision in decisions.items():
        if decision.window is not None and "end" in last[patient]:
            assert decision.window.covers_period(last[patient]["start"], last[patient]["end"])


def test_illness_follows_age_and_sex_and_values_follow_illness() -> None:
    lives = [life(number) for number in range(1500)]
    main = {each.number: each.stays[-1].codes[0] for each in lives}
    assert all(each.sex == "female" for each in lives if main[each.number].startswith("O8"))
    assert all(each.sex == "male" for each in lives if main[each.number] == "C61")
    assert median_age(lives, main, "I50") > 70 > 45 > median_age(lives, main, "K35")
    assert median_value(lives, main, "nt_probnp", "I50") > 4 * median_value(lives, main, "nt_probnp", "K80")
    frequent = [count for _, count in Counter(code[:3] for code in main.values()).most_common()]
    assert frequent[0] > 2 * frequent[3] > 4 * frequent[20] > 0


def median_age(lives: list[Life], main: dict[int, str], code: str) -> float:
    ages = [
        each.stays[-1].admitted.year - each.born.year for each in lives if main[each.number].startswith(code)
    ]
    return sorted(ages)[len(ages) // 2]


def median_value(lives: list[Life], main: dict[int, str], lab: str, code: str) -> float:
    ill = (each for each in lives if main[each.number].startswith(code))
    numbers = sorted(value.number for each in ill for value in each.stays[-1].values if value.lab.name == lab)
    return numbers[len(numbers) // 2]


@pytest.mark.attacked
def test_the_demo_gives_a_release_that_is_worth_reading(tmp_path: Path) -> None:
    """Four of five quasi-identifiers stay below the top and at most one row in twenty is lost."""
    config = tmp_path / "config.yaml"
    shutil.copy(generate.EXPORT.with_name("config.yaml"), config)
    shutil.copytree(generate.EXPORT, tmp_path / "export")
    summary: Json = dict(run(config, dry_run=True).summary)
    levels = summary["search"]["transformation"]
    tops = {"gender": 1, "age_years": 4, "plz": 4, "admission_date": 4, "main_diagnosis": 5}
    assert sum(level < tops[name] for name, level in levels.items()) >= 4
    assert summary["search"]["optimal"]
    assert summary["search"]["lattice_size"] < 50_000
    assert 3000 <= 0.95 * summary["rows_in"] <= summary["rows_out"]
