"""``anon run`` with declared columns and views: what is released, what is refused, what never leaves."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from tests import tiny_export
from tests.conftest import ROOT, SHARED, needs_shared
from tests.runs import anon, files

KDS = SHARED / "data/mii-kds-2026"
SAMPLE = ROOT / "sample_data"
DECLARED = """\
    columns:
      vital_status: {resource: Observation, where: {loinc: 67162-8}, value: code}
      last_crp: {resource: Observation, where: {loinc: 1988-5}, value: quantity, unit: mg/L}
"""
RULES = """\
  vital_status: {role: sensitive}
  last_crp: {role: sensitive, clip: [0, 300]}
"""
SMALL = """\
name: small
reference_date: 2026-11-22
input:
  mii:
    path: "{path}"
    consent: {{ignore: the test data are invented}}
    {declared}
subject: patient_id
columns:
  patient_id: {{role: identifier}}
  gender: {{role: quasi-identifier, hierarchy: suppression}}
  {rules}
privacy: {{k_anonymity: 2, suppression_limit: 0.5}}
output: {{directory: out}}
"""
VITAL = "columns: {vital: {resource: Observation, where: {loinc: 67162-8}, value: code}}"
FAMILY = {
    "resource": "Patient",
    "select": [
        {
            "column": [
                {"name": "patient", "path": "getResourceKey()", "type": "id"},
                {"name": "family", "path": "name.family.first()", "type": "string"},
                {"name": "born", "path": "birthDate", "type": "date"},
            ]
        }
    ],
}


def released(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(next(folder.glob("**/release/data/*.parquet")))


@pytest.mark.attacked
def test_the_sample_export_with_declared_columns_is_published(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE / "export", tmp_path / "export")
    text = (SAMPLE / "config.yaml").read_text(encoding="utf-8")
    text = text.replace("\nsubject:", f"{DECLARED}\nsubject:", 1).replace(
        "\nprivacy:", f"{RULES}\nprivacy:", 1
    )
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")

    result = anon("run", tmp_path / "config.yaml", "--quiet")

    assert result.code == 0, result.err
    made = released(tmp_path)
    assert made["last_crp"].to_list() == made["lab_crp_last"].to_list()
    assert set(made["vital_status"].drop_nulls()) == {"T", "L"}
    audit = json.loads(next(tmp_path.glob("**/internal/audit.json")).read_bytes())
    assert '"without_resources": []' in json.dumps(audit)
    assert anon("verify", tmp_path / "releases/sample-core-dataset").code == 0


@needs_shared
@pytest.mark.parametrize("form", ["a_ndjson_per_type", "b_bundles_one_file_per_patient"])
def test_every_fhir_form_of_the_test_data_gives_the_same_column(tmp_path: Path, form: str) -> None:
    config = SMALL.format(path=KDS / form, declared=VITAL, rules="vital: {role: sensitive}")
    (tmp_path / "config.yaml").write_text(config, encoding="utf-8")

    assert anon("run", tmp_path / "config.yaml", "--quiet").code == 0
    # Five live and three are dead, of whom the only one of gender `other` is suppressed.
    assert released(tmp_path)["vital"].value_counts().sort("vital").rows()[1:] == [("L", 5), ("T", 2)]


@needs_shared
@pytest.mark.parametrize("form", ["c_flattened_csv", "d_aether_flattener_csv"])
@pytest.mark.parametrize("key", ["columns", "views"])
def test_flattened_forms_are_refused_with_the_key(tmp_path: Path, form: str, key: str) -> None:
    (tmp_path / "view.json").write_text(json.dumps(FAMILY), encoding="utf-8")
    declared, rules = {
        "columns": (VITAL, "vital: {role: sensitive}"),
        "views": ("views: [view.json]", "family: {role: identifier}\n  born: {role: identifier}"),
    }[key]
    config = SMALL.format(path=KDS / form, declared=declared, rules=rules)
    (tmp_path / "config.yaml").write_text(config, encoding="utf-8")

    result = anon("run", tmp_path / "config.yaml", "--quiet")

    assert result.code == 69
    assert f"input.mii.{key}" in result.err


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., tuple[int, str]]]:
    """Runs a small config; nobody's name or birthday may be printed or written outside the input."""
    lines = [
        {
            "resourceType": "Patient",
            "id": f"canary-id-{n}",
            "gender": "female" if n % 2 else "male",
            "name": [{"family": "Canaryname"}],
            "birthDate": f"1950-01-{10 + n}",
        }
        for n in range(8)
    ]
    (tmp_path / "export").mkdir()
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (tmp_path / "export" / "Patient.ndjson").write_text(text, encoding="utf-8")
    before = set(files(tmp_path))

    def _run(view: object, rules: str, *, declared: str = "views: [view.json]") -> tuple[int, str]:
        (tmp_path / "view.json").write_text(json.dumps(view), encoding="utf-8")
        config = SMALL.format(path="export", declared=declared, rules=rules)
        (tmp_path / "config.yaml").write_text(config, encoding="utf-8")
        result = anon("run", tmp_path / "config.yaml", "--quiet")
        return result.code, result.out + result.err

    yield _run
    for name in set(files(tmp_path)) - before:
        content = (tmp_path / name).read_bytes()
        assert b"Canaryname" not in content, name
        assert b"canary-id" not in content, name


def test_a_view_joins_the_table(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    born = "born: {role: sensitive, hierarchy: {date: [month, year]}, release_level: 2}"
    code, told = run(FAMILY, f"family: {{role: identifier}}\n  {born}")
    assert code == 0, told
    assert set(released(tmp_path)["born"]) == {"1950"}


def test_a_views_column_can_be_a_quasi_identifier(
    run: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    born = "born: {role: quasi-identifier, hierarchy: {date: [year]}, max_level: 1}"
    code, told = run(FAMILY, f"family: {{role: identifier}}\n  {born}")
    assert code == 0, told
    assert set(released(tmp_path)["born"]) == {"1950"}


@pytest.mark.parametrize(
    ("view", "rules", "says"),
    [
        (FAMILY, "family: {role: sensitive}\n  born: {role: identifier}", "can only be an identifier"),
        (FAMILY, "family: {role: identifier}", "has no rule"),
        (
            FAMILY,
            "family: {role: identifier}\n  born: {role: identifier}\n  patient: {role: identifier}",
            "no column",
        ),
        ({"resource": "Patient"}, "{}", "view.json"),
        ([], "{}", "view.json"),
    ],
)
def test_what_a_view_may_not_do_ends_with_78(
    run: Callable[..., tuple[int, str]], view: object, rules: str, says: str
) -> None:
    code, told = run(view, rules if rules != "{}" else "age_years: {role: identifier}")
    assert (code, says in told) == (78, True), told
    assert "Canary" not in told


def test_a_view_with_several_rows_for_a_person_ends_with_78(run: Callable[..., tuple[int, str]]) -> None:
    twice = {"name": "again", "path": "active", "type": "boolean"}
    union = [{"column": [twice]}, {"column": [twice]}]
    view = {"resource": "Patient", "select": [FAMILY["select"][0], {"unionAll": union}]}  # type: ignore[index]
    rules = "family: {role: identifier}\n  born: {role: identifier}\n  again: {role: sensitive}"
    code, told = run(view, rules)
    assert code == 78
    assert "several tables in one release come later" in told


def test_a_view_that_is_not_there_ends_with_66(run: Callable[..., tuple[int, str]]) -> None:
    code, told = run({}, "age_years: {role: identifier}", declared="views: [nowhere.json]")
    assert code == 66
    assert "nowhere.json" in told


def test_a_value_that_does_not_fit_its_view_ends_with_65_and_is_not_told(
    run: Callable[..., tuple[int, str]],
) -> None:
    wrong = json.loads(json.dumps(FAMILY).replace('"string"', '"integer"'))
    code, told = run(wrong, "family: {role: identifier}\n  born: {role: identifier}")
    assert code == 65
    assert "view.json: a value is not of the type" in told
    assert "Canary" not in told


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ("{resource: Observation, where: {loinc: 1988-5}, value: string}", "value"),
        ("{resource: Observation, where: {loinc: 1988-6}, value: code}", "check digit"),
        ("{resource: Observation, where: {loinc: 1988-5, ops: 1-2}, value: code}", "must be one of"),
        (
            "{resource: Observation, where: {loinc: [1988-5, 1988-6]}, value: code}",
            "where.loinc: the check digit",
        ),
        ("{resource: Observation, where: {loinc: [1988-5, crp]}, value: code}", "not written as it must be"),
        ("{resource: Observation, where: {loinc: []}, value: code}", "where.loinc: must not be empty"),
        ("{resource: Condition, where: {icd10gm: [C50.1, C50.1]}, value: date}", "names a code twice"),
        ("{resource: Condition, where: {code: {system: x, code: [a, a]}}, value: date}", "a code twice"),
        ("{resource: Observation, where: {}, value: code}", "must be one of"),
        ("{resource: Observation, where: {loinc: 1988-5}, value: quantity}", "needs `unit`"),
        ("{resource: Observation, where: {loinc: 1988-5}, value: code, unit: g}", "no effect"),
        ("{resource: Observation, where: {loinc: 1988-5}, value: date, system: x}", "no effect"),
        ("{resource: Condition, where: {icd10gm: C50.1}, value: boolean}", "only an Observation"),
        ("{resource: Patient, where: {loinc: 1988-5}, value: code}", "resource"),
    ],
)
def test_a_declaration_that_is_wrong_ends_with_78(
    run: Callable[..., tuple[int, str]], declared: str, says: str
) -> None:
    code, told = run({}, "told: {role: sensitive}", declared=f"columns: {{told: {declared}}}")
    assert (code, says in told) == (78, True), told


@pytest.mark.parametrize(
    ("name", "rules", "says"),
    [
        ("age_years", "age_years: {role: sensitive}", "is that of another column"),
        ("told", "age_years: {role: identifier}", "give it a role"),
        (
            "told",
            "told: {role: sensitive, hierarchy: {bands: [5], top: 90}, release_level: 1}",
            "whole numbers",
        ),
        ("told", "told: {role: sensitive, clip: [0, 9]}", "only numbers"),
    ],
)
def test_a_declared_column_has_a_name_and_a_rule_like_any_other(
    run: Callable[..., tuple[int, str]], name: str, rules: str, says: str
) -> None:
    declared = f"columns: {{{name}: {{resource: Observation, where: {{loinc: 1988-5}}, value: code}}}}"
    code, told = run({}, rules, declared=declared)
    assert (code, says in told) == (78, True), told


def test_a_list_of_codes_in_a_config_is_any_of_them(tmp_path: Path) -> None:
    drugs = list(tiny_export.DRUGS)
    tiny_export.ndjson(tmp_path / "export", tiny_export.resources())
    declared = (
        f"columns: {{since: {{resource: MedicationAdministration, where: {{atc: {drugs}}}, value: date}}}}"
    )
    config = SMALL.format(path="export", declared=declared, rules="since: {role: sensitive}")
    (tmp_path / "config.yaml").write_text(config, encoding="utf-8")

    assert anon("run", tmp_path / "config.yaml", "--quiet").code == 0
    # half of the people have the one drug, half the other, each behind a reference
    assert released(tmp_path)["since"].null_count() == 0


def test_a_declared_date_beside_shifted_dates_tells_the_shift(run: Callable[..., tuple[int, str]]) -> None:
    declared = "columns: {told: {resource: Condition, where: {icd10gm: C50.1}, value: date}}"
    shift = "time: {shift: {columns: [admission_date]}}"
    shifted = f"told: {{role: sensitive}}\n  admission_date: {{role: sensitive}}\n{shift}"
    code, told = run({}, shifted, declared=declared)
    assert (code, "tells the shift" in told) == (78, True), told
