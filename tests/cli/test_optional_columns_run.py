"""``anon run`` with columns beyond the fixed ones: each is released where a rule names it, and only there."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tests.runs import anon
from tests.tiny_export import Json, ndjson, resources

CONFIG = """\
name: wide
reference_date: 2026-11-22
input:
  mii: {{path: export, consent: {{ignore: "invented patients"}}}}
subject: patient_id
columns:
  patient_id: {{role: identifier}}
  gender: {{role: quasi-identifier, hierarchy: suppression}}
  main_diagnosis: {{role: quasi-identifier, hierarchy: icd-10-gm, sensitive: true}}
{rules}privacy: {{k_anonymity: 2, suppression_limit: 0.5}}
output: {{directory: out, formats: [parquet]}}
"""
RULES = """\
  performed_first: {role: quasi-identifier, hierarchy: {date: [year, decade]}}
  performed_last: {role: quasi-identifier, hierarchy: {date: [year, decade]}}
  class: {role: insensitive}
  encounter_level: {role: insensitive}
  discharge_reason: {role: sensitive}
  atc_all: {role: sensitive}
  pzn_all: {role: sensitive}
  main_diagnosis_recorded: {role: identifier}
"""
PZN = "http://fhir.de/CodeSystem/ifa/pzn"
SNOMED = "http://snomed.info/sct"
CANARY_SNOMED, CANARY_PZN = "999999991000001", "98765432"


def described() -> list[Json]:
    """The tiny export with classes of encounters, a PZN per drug and a SNOMED CT code per diagnosis."""
    told = resources()
    for resource in told:
        if resource["resourceType"] == "Encounter":
            resource["class"] = {"code": "IMP"}
        if resource["resourceType"] == "Medication":
            resource["code"]["coding"].append({"system": PZN, "code": CANARY_PZN})
        if resource["resourceType"] == "Condition":
            resource["code"]["coding"].append({"system": SNOMED, "code": CANARY_SNOMED})
    return told


def run(folder: Path, rules: str) -> pl.DataFrame:
    """What is released; no code that no rule names is in any byte of it."""
    ndjson(folder / "export", described())
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(rules=rules), encoding="utf-8")
    result = anon("run", config)
    assert result.code == 0, result.err
    release = folder / "out/wide/release"
    for file in release.rglob("*"):
        assert file.is_dir() or CANARY_SNOMED.encode() not in file.read_bytes(), file
    return pl.read_parquet(release / "data/patients.parquet")


def test_columns_that_rules_name_are_released(tmp_path: Path) -> None:
    table = run(tmp_path, RULES)
    assert {*table.columns} == {
        *("gender", "main_diagnosis", "performed_first", "performed_last", "class"),
        *("encounter_level", "discharge_reason", "atc_all", "pzn_all"),
    }
    assert set(table["class"].drop_nulls()) == {"IMP"}
    assert set(table["pzn_all"].explode().drop_nulls()) == {CANARY_PZN}
    assert set(table["performed_first"].drop_nulls()) <= {"2021", "[2020, 2029]", "*"}


def test_a_config_of_before_gets_none_of_them(tmp_path: Path) -> None:
    """Neither by being silent nor by a wildcard."""
    assert run(tmp_path, '  "*_all": {role: identifier}\n').columns == ["gender", "main_diagnosis"]


def test_a_criterion_on_a_column_that_no_rule_names_is_refused(tmp_path: Path) -> None:
    ndjson(tmp_path / "export", described())
    config = tmp_path / "config.yaml"
    text = CONFIG.format(rules="").replace(
        "{k_anonymity: 2,", "{k_anonymity: 2, km_anonymity: {column: pzn_all, k: 2, m: 1},"
    )
    config.write_text(text, encoding="utf-8")
    result = anon("run", config)
    assert result.code == 78
    assert "km_anonymity" in result.err
    assert not (tmp_path / "out").exists()
