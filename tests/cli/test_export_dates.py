"""An export's dates, end to end: shifted, told since an admission, impossible; and ages over 89."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from release.config.time import DAYS
from release.intake.export_columns import DAYS as DAYS_OF_AN_EXPORT
from tests import tiny_export
from tests.runs import anon

EXPORT = """\
name: demo
reference_date: 2026-11-22
input: {{mii: {{path: export, consent: {{ignore: a test}}, row: {row}}}}}
subject: patient_id
columns:
  patient_id: {{role: identifier}}
  gender: {{role: quasi-identifier, hierarchy: suppression}}
{columns}
privacy: {{k_anonymity: 2, suppression_limit: 0.5}}
{time}
output: {{directory: out, formats: [parquet]}}
"""


def hospital(**changes: Mapping[str, Any]) -> list[tiny_export.Json]:
    """The tiny export, where resources of the given ids are changed."""
    everything = tiny_export.resources()
    for resource in everything:
        resource |= changes.get(resource["id"].replace("-", "_"), {})
    return everything


def export_run(
    folder: Path,
    columns: Mapping[str, str],
    time: str = "",
    *,
    row: str = "patient",
    everything: list[tiny_export.Json] | None = None,
) -> tuple[int, str]:
    tiny_export.ndjson(folder / "export", everything or tiny_export.resources())
    rules = "\n".join(f"  {name}: {rule}" for name, rule in columns.items())
    path = folder / "config.yaml"
    path.write_text(EXPORT.format(row=row, columns=rules, time=f"time: {{{time}}}" if time else ""))
    result = anon("run", path, "--quiet")
    return result.code, result.err


def patients(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(next((folder / "out" / "demo" / "release" / "data").iterdir()))


KEPT, DROPPED = "{role: sensitive}", "{role: identifier}"
DATES = {"admission_date": KEPT, "discharge_date": KEPT}


def test_days_since_the_index_admission(tmp_path: Path) -> None:
    columns = {"admission_date": DROPPED, "discharge_date": KEPT}
    code, err = export_run(tmp_path, columns, "relative: {columns: [discharge_date], to: admission_date}")
    assert code == 0, err
    assert set(patients(tmp_path)["discharge_date"]) == {4, 5, 6}
    assert patients(tmp_path)["discharge_date"].dtype == pl.Int64


def test_days_since_the_first_of_several_admissions(tmp_path: Path) -> None:
    time = "relative: {columns: [admission_date, discharge_date], to: admission_date}"
    code, err = export_run(tmp_path, DATES, time, row="encounter")
    assert code == 0, err
    # four years lie between the two stays of everybody, with one leap day
    assert set(patients(tmp_path)["admission_date"]) == {0, 1461}


def test_a_shifted_stay_keeps_its_length(tmp_path: Path) -> None:
    columns = {**DATES, "length_of_stay_days": KEPT}
    time = "shift: {columns: [admission_date, discharge_date], keep_weekday: true}"
    code, err = export_run(tmp_path, columns, time)
    assert code == 0, err
    days = patients(tmp_path).with_columns(pl.col(*DATES).str.to_date())
    assert (
        (days["discharge_date"] - days["admission_date"]).dt.total_days() == days["length_of_stay_days"]
    ).all()
    weekdays = {date(2021, 1 + number % 9, 10).isoweekday() for number in range(24)}
    assert set(days["admission_date"].dt.weekday()) <= weekdays


STAY = "{role: quasi-identifier, hierarchy: {bands: [5], top: 30}}"
BY_MONTH = "{role: quasi-identifier, hierarchy: {date: [month, year]}}"


@pytest.mark.parametrize(
    ("columns", "time", "found"),
    [
        ({"birth_date": KEPT}, "shift: {columns: [birth_date]}", "tells ages over 89"),
        (
            {"birth_date": KEPT, **DATES},
            "relative: {columns: [birth_date], to: admission_date}",
            "ages over 89",
        ),
        (
            {"birth_date": DROPPED, **DATES},
            "relative: {columns: [admission_date], to: birth_date}",
            "must be one",
        ),
        (DATES, "relative: {columns: [admission_date], to: admission_date}", "is 0 where a row is a patient"),
        (
            {"admission_date": BY_MONTH, "discharge_date": KEPT},
            "shift: {columns: [discharge_date]}",
            "the same source element as the quasi-identifier admission_date",
        ),
        (
            {"admission_date": BY_MONTH, "discharge_date": KEPT},
            "relative: {columns: [discharge_date], to: admission_date}",
            "the same source element as the quasi-identifier admission_date",
        ),
        (
            {"deceased": "{role: quasi-identifier, hierarchy: suppression}", "death_date": KEPT},
            "shift: {columns: [death_date]}",
            "the same source element as the quasi-identifier deceased",
        ),
        (
            {**DATES, "length_of_stay_days": STAY},
            "shift: {columns: [admission_date, discharge_date]}",
            "may be the stay exactly",
        ),
        (
            {"admission_date": KEPT, "death_date": KEPT, "length_of_stay_days": STAY},
            "shift: {columns: [admission_date, death_date]}",
            "may be the stay exactly",
        ),
        (
            {"admission_date": DROPPED, "death_date": KEPT, "length_of_stay_days": STAY},
            "relative: {columns: [death_date], to: admission_date}",
            "may be the stay exactly",
        ),
        (DATES, "shift: {columns: [admission_date]}", "discharge_date is released by the calendar"),
        (
            {
                "admission_date": KEPT,
                "discharge_date": "{role: insensitive, hierarchy: {date: [year]}, release_level: 1}",
            },
            "shift: {columns: [admission_date]}",
            "discharge_date is released by the calendar",
        ),
        (
            {"admission_date": BY_MONTH, "death_date": KEPT},
            "shift: {columns: [death_date]}",
            "admission_date is released by the calendar",
        ),
    ],
)
def test_what_an_exports_dates_would_tell_is_refused(
    tmp_path: Path, columns: dict[str, str], time: str, found: str
) -> None:
    code, err = export_run(tmp_path, columns, time)
    assert (code, found in err) == (78, True), err


@pytest.mark.parametrize(
    ("columns", "time"),
    [
        ({"admission_date": KEPT, "length_of_stay_days": STAY}, "shift: {columns: [admission_date]}"),
        (
            {
                "admission_date": KEPT,
                "discharge_date": "{role: sensitive, hierarchy: {date: [year]}, release_level: 2}",
            },
            "shift: {columns: [admission_date]}",
        ),
        (
            {**DATES, "birth_date": "{role: quasi-identifier, hierarchy: {date: [year, decade]}}"},
            "shift: {columns: [admission_date, discharge_date]}",
        ),
    ],
)
def test_what_tells_nothing_finer_is_not_refused(tmp_path: Path, columns: dict[str, str], time: str) -> None:
    code, err = export_run(tmp_path, columns, time)
    assert code == 0, err


def test_every_date_of_an_export_is_one_that_the_rules_know() -> None:
    assert DAYS == DAYS_OF_AN_EXPORT


def treatment(folder: Path, column: str) -> str:
    package = json.loads((folder / "out" / "demo" / "release" / "datapackage.json").read_bytes())
    fields = package["resources"][0]["schema"]["fields"]
    return str(next(field["treatment"] for field in fields if field["name"] == column))


@pytest.mark.parametrize(
    ("rule", "oldest", "said"),
    [
        ("{role: sensitive}", 90, "clipped to at most 90"),
        ("{role: insensitive}", 90, "clipped to at most 90"),
        ("{role: sensitive, clip: [null, 80]}", 80, "clipped to at most 80"),
    ],
)
def test_ages_over_89_are_one_group_unless_the_config_says_else(
    tmp_path: Path, rule: str, oldest: int, said: str
) -> None:
    old = hospital(p0={"birthDate": "1921-03-04"}, p1={"birthDate": "1930-01-01"})
    code, err = export_run(tmp_path, {"age_years": rule}, everything=old)
    assert code == 0, err
    assert patients(tmp_path)["age_years"].max() == oldest
    assert treatment(tmp_path, "age_years") == said


IMPOSSIBLE = {
    "p0": {"birthDate": "2063-01-01"},
    "p1": {"deceasedDateTime": "1930-01-01"},
    "p2": {"deceasedDateTime": "2024-02-30"},
    "p3": {"deceasedDateTime": "2063-05"},
    "p4_e0": {"period": {"start": "2021-05-10", "end": "2021-05-01"}},
    "p5_e0": {"period": {"start": "1899-12-31", "end": "1900-01-03"}},
}
LENIENT = "{role: sensitive, invalid: missing}"


def told(folder: Path) -> dict[str, Any]:
    audit = json.loads((folder / "out" / "demo" / "internal" / "audit.json").read_bytes())
    found: dict[str, Any] = audit["reading"]["impossible_or_malformed"]
    by_reader = {name: n for name, n in audit["reading"]["set_to_missing"].items() if "diagnosis" not in name}
    return found | {"reader": by_reader}


def test_impossible_dates_are_counted_and_become_missing(tmp_path: Path) -> None:
    columns = dict.fromkeys(("birth_date", "death_date", "admission_date", "discharge_date"), LENIENT)
    code, err = export_run(tmp_path, columns, everything=hospital(**IMPOSSIBLE))
    assert code == 0, err
    frame = patients(tmp_path)
    assert told(tmp_path) == {
        "birth_date": {"death_before_birth": 1, "set_to_missing": 1},
        "death_date": {"after_the_last_possible_day": 1, "death_before_birth": 1, "set_to_missing": 2},
        "admission_date": {
            "before_the_first_possible_day": 1,
            "discharge_before_admission": 1,
            "set_to_missing": 2,
        },
        "discharge_date": {"discharge_before_admission": 1, "set_to_missing": 1},
        # the reader makes dates missing that are none, and births to come
        "reader": {
            "birth_date_in_the_future": 1,
            "death_date_invalid": 1,
            "discharge_before_admission": 1,
        },
    }
    assert frame["death_date"].null_count() == 24
    assert frame["admission_date"].null_count() == 2


def test_kept_dates_that_cannot_be_are_counted_and_stay(tmp_path: Path) -> None:
    """A birth date is read to see what contradicts it, and no column for it."""
    columns = {"death_date": KEPT, "discharge_date": KEPT}
    code, err = export_run(tmp_path, columns, everything=hospital(**IMPOSSIBLE))
    assert code == 0, err
    assert set(patients(tmp_path).columns) == {"gender", "death_date", "discharge_date"}
    found = told(tmp_path)
    assert found["death_date"] == {"after_the_last_possible_day": 1, "death_before_birth": 1}
    assert found["discharge_date"] == {"discharge_before_admission": 1}


def test_a_dropped_column_that_cannot_be_dates_nothing(tmp_path: Path) -> None:
    columns = {"admission_date": DROPPED, "discharge_date": KEPT}
    time = "relative: {columns: [discharge_date], to: admission_date}"
    code, err = export_run(tmp_path, columns, time, everything=hospital(p4_e0=IMPOSSIBLE["p4_e0"]))
    assert code == 0, err
    assert patients(tmp_path)["discharge_date"].null_count() == 1
    assert told(tmp_path)["admission_date"] == {"discharge_before_admission": 1, "set_to_missing": 1}


BORN = "role: quasi-identifier, hierarchy: {date: [month, year, decade]}"


@pytest.mark.parametrize(
    ("changed", "columns", "time", "column"),
    [
        ("p5_e0", {"admission_date": f"{{{BORN}}}"}, "", "admission_date"),
        ("p5_e0", DATES, "shift: {columns: [admission_date, discharge_date]}", "admission_date"),
        ("p4_e0", DATES, "shift: {columns: [admission_date, discharge_date]}", "admission_date"),
        ("p3", {"death_date": KEPT}, "shift: {columns: [death_date]}", "death_date"),
    ],
)
def test_what_depends_on_a_date_refuses_an_impossible_one_unless_it_may_be_missing(
    tmp_path: Path, changed: str, columns: dict[str, str], time: str, column: str
) -> None:
    everything = hospital(**{changed: IMPOSSIBLE[changed]})
    (tmp_path / "strict").mkdir()
    code, err = export_run(tmp_path / "strict", columns, time, everything=everything)
    assert (code, f"{column!r}" in err) == (65, True), err
    (tmp_path / "lenient").mkdir()
    lenient = {**columns, column: columns[column].replace("}", ", invalid: missing}", 1)}
    if "hierarchy" in lenient[column]:
        lenient[column] = f"{{{BORN}, invalid: missing}}"
    code, err = export_run(tmp_path / "lenient", lenient, time, everything=everything)
    assert code == 0, err
    assert told(tmp_path / "lenient")[column]["set_to_missing"] == 1
