"""No release of an export tells when somebody over 89 was born, whatever the column is called.

| born on      | on 2026-11-22     | kept `birth_date`, released |
|--------------|-------------------|-----------------------------|
| `1936-11-22` | 90                | missing                     |
| `1936-11`    | 89 or 90          | missing                     |
| `1936-11-23` | 89                | `1936-11-23`                |
| `1937`       | 89 or younger     | `1937`                      |
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.tables.table import Column, Role, Table
from mii.dates import age
from release.intake.births import _birthday, cut_births
from tests import tiny_export
from tests.cli.test_export_dates import DROPPED, KEPT, export_run, hospital, patients
from tests.runs import anon

OLD = {
    "p0": {"birthDate": "1930-02-03"},
    "p1": {"birthDate": "1936-11-22"},
    "p2": {"birthDate": "1936-11"},
    "p4": {"birthDate": "1936-11-23"},
    "p5": {"birthDate": "1937"},
}
KEPT_AT = "{{role: sensitive, hierarchy: {{date: [year]}}, release_level: {level}}}"
AGES = "{role: quasi-identifier, hierarchy: {bands: [20, 60], top: 90}}"
QUASI = "{role: quasi-identifier, hierarchy: {date: [decade]}"


def run(folder: Path, columns: dict[str, str]) -> tuple[int, str]:
    return export_run(folder, columns, everything=hospital(**OLD))


def reading(folder: Path) -> Any:
    return json.loads((folder / "out" / "demo" / "internal" / "audit.json").read_bytes())["reading"]


def treatments(folder: Path) -> Iterator[tuple[str, str]]:
    """What the package says of its columns."""
    package = json.loads((folder / "out" / "demo" / "release" / "datapackage.json").read_bytes())
    for field in package["resources"][0]["schema"]["fields"]:
        yield field["name"], json.dumps(field)


@pytest.mark.parametrize(
    ("rule", "oldest", "missing"),
    [
        (KEPT, ["1936-11-23", "1937"], 3),
        ("{role: insensitive}", ["1936-11-23", "1937"], 3),
        (KEPT_AT.format(level=0), ["1936-11-23", "1937"], 3),
        # the year of birth is an age as well
        (KEPT_AT.format(level=1), ["1936", "1937"], 3),
    ],
)
def test_a_kept_birth_date_is_missing_for_who_may_be_over_89(
    tmp_path: Path, rule: str, oldest: list[str], missing: int
) -> None:
    code, err = run(tmp_path, {"birth_date": rule})
    assert code == 0, err
    born = patients(tmp_path)["birth_date"]
    assert born.drop_nulls().sort().to_list()[:2] == oldest
    assert born.null_count() == missing
    assert reading(tmp_path)["births_over_89"] == {"birth_date": missing}
    assert "born from 1936-11-23 on; missing for who may be older" in dict(treatments(tmp_path))["birth_date"]
    assert anon("verify", tmp_path / "out" / "demo").code == 0


@pytest.mark.parametrize(
    ("columns", "oldest"),
    [
        ({"birth_date": "{role: quasi-identifier, hierarchy: {date: [year, decade]}, max_level: 0}"}, None),
        (
            {"birth_date": "{role: quasi-identifier, hierarchy: {date: [decade]}, min_level: 1}"},
            "[1930, 1939]",
        ),
        ({"birth_date": KEPT_AT.format(level=2), "age_years": AGES}, "*"),
        ({"birth_date": DROPPED}, None),
    ],
)
def test_what_k_people_share_is_not_cut(tmp_path: Path, columns: dict[str, str], oldest: str | None) -> None:
    code, err = run(tmp_path, columns)
    if oldest is not None:
        assert code == 0, err
        assert patients(tmp_path)["birth_date"].sort()[0] == oldest
    assert code == 10 or not any(reading(tmp_path)["births_over_89"].values())


def with_view(folder: Path, *, path: str, kind: str, resource: str = "Patient") -> tuple[int, str]:
    """A run in which a view tells something of the date of birth in a kept column ``born``."""
    named = "getResourceKey()" if resource == "Patient" else "subject.getReferenceKey(Patient)"
    key = {"name": "patient", "path": named, "type": "id"}
    view: dict[str, Any] = {"resourceType": "ViewDefinition", "name": "who", "status": "draft"}
    view |= {
        "resource": resource,
        "select": [{"column": [key, {"name": "born", "path": path, "type": kind}]}],
    }
    (folder / "who.json").write_text(json.dumps(view), encoding="utf-8")
    tiny_export.ndjson(folder / "export", hospital(**OLD))
    config = folder / "config.yaml"
    config.write_text(
        """\
name: demo
reference_date: 2026-11-22
input: {mii: {path: export, consent: {ignore: a test}, views: [who.json]}}
subject: patient_id
columns:
  patient_id: {role: identifier}
  gender: {role: quasi-identifier, hierarchy: suppression}
  born: {role: sensitive}
privacy: {k_anonymity: 2}
output: {directory: out, formats: [parquet]}
""",
        encoding="utf-8",
    )
    result = anon("run", config, "--quiet")
    return result.code, result.err


@pytest.mark.parametrize(
    "path", ["birthDate", "$this.birthDate", "first().birthDate", "where(true).birthDate", "birth"]
)
def test_a_views_birth_date_is_one_too(tmp_path: Path, path: str) -> None:
    code, err = with_view(tmp_path, path=path, kind="date")
    assert code == 0, err
    assert patients(tmp_path)["born"].drop_nulls().sort().to_list()[:2] == ["1936-11-23", "1937"]
    assert reading(tmp_path)["births_over_89"] == {"born": 3}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("birthDate < @1926-01-01", "boolean"),
        ("where($this.birthDate < @1926-01-01).gender", "code"),
        ("extension('urn:x').value.ofType(Quantity).value", "decimal"),
    ],
)
def test_what_else_is_made_of_it_is_refused(tmp_path: Path, path: str, kind: str) -> None:
    code, err = with_view(tmp_path, path=path, kind=kind)
    assert (code, "columns.born" in err, "tells ages over 89" in err) == (78, True, True), err


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("Condition", "onset.ofType(Age).value"),
        ("Condition", "abatement.value"),
        ("Procedure", "performedAge.value"),
        ("Observation", "where(code.coding.code = '30525-0').value.ofType(Quantity).value"),
    ],
)
def test_an_age_in_a_view_is_refused(tmp_path: Path, resource: str, path: str) -> None:
    code, err = with_view(tmp_path, path=path, kind="decimal", resource=resource)
    assert (code, "columns.born" in err, "tells ages over 89" in err) == (78, True, True), err


def test_a_column_of_no_origin_is_refused(tmp_path: Path) -> None:
    code, err = with_view(tmp_path, path="$this.exists()", kind="boolean")
    assert (code, "columns.born" in err, "names no element of the resource" in err) == (78, True, True), err


@given(st.dates(date(1850, 1, 1), date(2020, 12, 31)), st.dates(date(1990, 1, 1), date(2030, 12, 31)))
def test_whoever_is_left_is_at_most_89(born: date, today: date) -> None:
    first = _birthday(today, 90) + timedelta(days=1)
    column = Column("born", Role.SENSITIVE, first_day=first)
    table = Table(pl.DataFrame({"born": [born.isoformat()]}), (column,), None)
    left, counts = cut_births(table)
    years = age((born, born), today)
    assert years is not None
    assert (left.frame["born"].null_count() == 1) == (years > 89) == (counts == {"born": 1})
