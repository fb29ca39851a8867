"""No release of an export tells when somebody over 89 was born, whatever the column is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import tiny_export
from tests.cli.test_export_dates import DROPPED, KEPT, YOUNG, export_run, hospital, patients, told
from tests.runs import anon

OLD = hospital(p0={"birthDate": "1930-02-03"}, p1={"birthDate": "1936"}, p2={"birthDate": "1937-01"})
FULL = "{{role: sensitive, hierarchy: {{date: [year]}}, release_level: {level}}}"
AGES = "{role: quasi-identifier, hierarchy: {bands: [20, 60], top: 90}}"
WHO = {
    "resourceType": "ViewDefinition",
    "name": "who",
    "status": "draft",
    "resource": "Patient",
    "select": [
        {
            "column": [
                {"name": "patient", "path": "getResourceKey()", "type": "id"},
                {"name": "born", "path": "birthDate", "type": "date"},
                {"name": "is_known", "path": "birthDate.exists()", "type": "boolean"},
            ]
        }
    ],
}


@pytest.mark.parametrize(
    "rule",
    [
        KEPT,
        "{role: insensitive}",
        "{role: sensitive, invalid: missing}",
        FULL.format(level=0),
        # the year of birth is an age, and so is its decade
        FULL.format(level=1),
        "{role: sensitive, hierarchy: {date: [decade]}, release_level: 1}",
        YOUNG.format(level=1, since="1936-12-31"),
    ],
)
def test_a_kept_birth_date_that_tells_ages_over_89_is_refused(tmp_path: Path, rule: str) -> None:
    code, err = export_run(tmp_path, {"birth_date": rule}, everything=OLD)
    assert (code, "columns.birth_date" in err, "1937-01-01" in err) == (78, True, True), err
    assert "1930" not in err


@pytest.mark.parametrize(
    ("level", "values"), [(0, ["1937-01", "1952-04-15"]), (1, ["1937", "1952"]), (2, ["*"])]
)
def test_who_may_be_older_is_missing_where_the_domain_says_so(
    tmp_path: Path, level: int, values: list[str]
) -> None:
    rule = YOUNG.format(level=level, since="1937-01-01")
    code, err = export_run(tmp_path, {"birth_date": rule}, everything=OLD)
    assert code == 0, err
    born = patients(tmp_path)["birth_date"]
    assert set(values) <= set(born)
    assert min(born.drop_nulls()) == values[0]
    found = told(tmp_path)["birth_date"]
    assert (found["before_the_first_possible_day"], found["set_to_missing"]) == (2, 2)


def test_without_that_an_older_person_ends_the_run(tmp_path: Path) -> None:
    rule = YOUNG.format(level=0, since="1937-01-01").replace(", invalid: missing", "")
    code, err = export_run(tmp_path, {"birth_date": rule}, everything=OLD)
    assert (code, "'birth_date'" in err) == (65, True), err


@pytest.mark.parametrize(
    "columns",
    [
        {"birth_date": DROPPED},
        {"birth_date": FULL.format(level=2)},
        {"birth_date": "{role: quasi-identifier, hierarchy: {date: [year, decade]}}"},
        {"birth_date": FULL.format(level=2), "age_years": AGES},
        # a date of death is no date of birth
        {"death_date": KEPT},
    ],
)
def test_what_tells_no_age_over_89_is_published(tmp_path: Path, columns: dict[str, str]) -> None:
    code, err = export_run(tmp_path, columns, everything=OLD)
    assert code == 0, err


def with_view(folder: Path, rule: str) -> tuple[int, str]:
    """A run in which a view tells the date of birth under another name."""
    tiny_export.ndjson(folder / "export", OLD)
    (folder / "who.json").write_text(json.dumps(WHO), encoding="utf-8")
    path = folder / "config.yaml"
    path.write_text(
        f"""\
name: demo
reference_date: 2026-11-22
input: {{mii: {{path: export, consent: {{ignore: a test}}, views: [who.json]}}}}
subject: patient_id
columns:
  patient_id: {{role: identifier}}
  gender: {{role: quasi-identifier, hierarchy: suppression}}
  patient: {{role: identifier}}
  born: {rule}
  is_known: {{role: sensitive}}
privacy: {{k_anonymity: 2}}
output: {{directory: out, formats: [parquet]}}
""",
        encoding="utf-8",
    )
    result = anon("run", path, "--quiet")
    return result.code, result.err


def test_a_views_birth_date_is_one_too(tmp_path: Path) -> None:
    code, err = with_view(tmp_path, KEPT)
    assert (code, "columns.born" in err, "is_known" in err) == (78, True, False), err


def test_and_may_leave_out_who_is_older(tmp_path: Path) -> None:
    code, err = with_view(tmp_path, YOUNG.format(level=1, since="1937-01-01"))
    assert code == 0, err
    assert min(patients(tmp_path)["born"].drop_nulls()) == "1937"
