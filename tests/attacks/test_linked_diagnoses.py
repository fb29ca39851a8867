"""A stay's main diagnosis beside diagnoses: what leaves one table because it is rare, the other tells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from tests.fhir_export import ICD, Resource, concept, encounter, patient, write
from tests.runs import anon

CODES = ("I10.00", "I11.00", "I20.0", "I21.0", "I25.0", "I34.0", "I42.0", "I44.0", "I46.0", "I48.0")
ROLES = "http://terminology.hl7.org/CodeSystem/diagnosis-role"
CONFIG = """\
name: stays
reference_date: 2026-11-22
input: {mii: {path: export, consent: {ignore: "invented people"}, row: patient}}
subject: patient_id
columns:
  patient_id: {role: identifier}
  gender: {role: quasi-identifier, hierarchy: suppression}
tables:
  encounters:
    class: {role: quasi-identifier, hierarchy: suppression, release_level: 0}
    main_diagnosis: {role: sensitive, hierarchy: icd-10-gm, release_level: 2}
  diagnoses:
    icd10gm: {role: quasi-identifier, hierarchy: icd-10-gm, release_level: 2}
privacy: {k_anonymity: 5, km_anonymity: {column: events, k: 5, m: 2}}
output: {directory: out, formats: [parquet]}
"""


def resources() -> Iterator[Resource]:
    """Ten men, each with a diagnosis that nobody else has."""
    for number, code in enumerate(CODES):
        yield patient(f"p{number}", gender="male", birthDate="1980-01-15")
        own = {"subject": {"reference": f"Patient/p{number}"}}
        yield {"resourceType": "Condition", "id": f"c{number}", "code": concept(ICD, code), **own}
        main = {"condition": {"reference": f"Condition/c{number}"}, "use": concept(ROLES, "DD")}
        yield encounter(f"e{number}", period={"start": "2021-01-01"}, diagnosis=[main], **own)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "export").mkdir()
    write(tmp_path / "export", resources())
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path / "config.yaml"


def test_the_stay_tells_a_diagnosis_that_nobody_shares(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If nobody minded: no diagnosis is released, and each stay names its person by one."""
    monkeypatch.setattr("release.intake.event_columns._finer_in_family", lambda *_: ())
    result = anon("run", config, "--quiet")
    assert result.code == 0, result.err
    data = config.parent / "out/stays/release/data"
    assert pl.read_parquet(data / "diagnoses.parquet").is_empty()
    assert pl.read_parquet(data / "encounters.parquet")["main_diagnosis"].n_unique() == len(CODES)


def test_so_it_is_refused(config: Path) -> None:
    result = anon("check", config)
    assert result.code == 78
    assert "tables.encounters.main_diagnosis: encounters.main_diagnosis tells what" in result.err
