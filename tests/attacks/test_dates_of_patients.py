"""Dates of patients that tell a diagnosis, or the day of an admission, where nobody minds.

The attacker knows who is in the data, and each person's quasi-identifiers as exactly as the hospital does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.fhir_export import OPS, Resource, concept, condition, encounter, patient, role, write
from tests.runs import anon

PEOPLE, K = 40, 5
CONFIG = """\
name: days
reference_date: 2026-11-22
input:
  mii:
    path: export
    consent: {{ignore: "invented people"}}
    row: patient
    {declared}
subject: patient_id
columns:
  patient_id: {{role: identifier}}
  gender: {{role: quasi-identifier, hierarchy: suppression}}
{rules}
privacy: {{k_anonymity: 5}}
output: {{directory: out, formats: [parquet]}}
"""
SINCE = "columns: {since: {resource: Condition, where: {icd10gm: C50.1}, value: date}}"
DIAGNOSED = """\
  main_diagnosis: {role: quasi-identifier, hierarchy: icd-10-gm}
  since: {role: sensitive}"""
PERFORMED = """\
  admission_date: {role: quasi-identifier, hierarchy: {date: [year]}, min_level: 1, max_level: 1}
  performed_first: {role: sensitive}"""


def admitted(number: int) -> date:
    """When each person was, everybody on another day of one year."""
    return date(2024, 1, 1) + timedelta(days=9 * number)


def code(number: int) -> str:
    """The first person's diagnosis is nobody else's."""
    return "C50.1" if number == 0 else f"C{30 + number % 8}.0"


def resources() -> Iterator[Resource]:
    for number in range(PEOPLE):
        day, own = str(admitted(number)), {"subject": {"reference": f"Patient/p{number}"}}
        yield patient(f"p{number}", gender="female", birthDate="1980-01-15")
        told: dict[str, Any] = {"recordedDate": day, **own}
        yield condition(f"d{number}", code(number), **told)
        main = role(f"d{number}", "CC", 1)
        yield encounter(f"e{number}", period={"start": day}, diagnosis=[main], **own)
        procedure = {"status": "completed", "code": concept(OPS, "5-323.51"), "performedDateTime": day, **own}
        yield {"resourceType": "Procedure", "id": f"o{number}", **procedure}


def run(folder: Path, rules: str, declared: str = "") -> Any:
    (folder / "export").mkdir(parents=True)
    write(folder / "export", resources())
    text = CONFIG.format(rules=rules, declared=declared)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return anon("run", folder / "config.yaml", "--quiet")


def released(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "out/days/release/data/patients.parquet")


def test_whoever_knows_a_rare_diagnosis_finds_the_person_by_a_declared_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("release.intake.columns._finer_in_family", lambda *_: ())
        result = run(tmp_path, DIAGNOSED, SINCE)
        assert result.code == 0, result.err
    assert released(tmp_path)["since"].drop_nulls().to_list() == [str(admitted(0))]

    refused = run(tmp_path / "refused", DIAGNOSED, SINCE)
    assert (refused.code, "columns.since" in refused.err) == (78, True), refused.err


def test_whoever_knows_the_day_of_an_admission_finds_the_person_by_the_day_of_a_procedure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("release.intake.columns.event_date_problems", lambda *_: ())
        result = run(tmp_path, PERFORMED)
        assert result.code == 0, result.err
    made = released(tmp_path)
    assert set(made["admission_date"]) == {"2024"}
    assert all(made.filter(performed_first=str(admitted(n))).height == 1 for n in range(PEOPLE))

    refused = run(tmp_path / "refused", PERFORMED)
    assert (refused.code, "columns.performed_first" in refused.err) == (78, True), refused.err
    coarse = "{role: sensitive, hierarchy: {date: [year]}, release_level: 1}"
    allowed = run(tmp_path / "allowed", PERFORMED.replace("{role: sensitive}", coarse))
    assert allowed.code == 0, allowed.err
    assert set(released(tmp_path / "allowed")["performed_first"]) == {"2024"}
