"""`invalid: missing`: what cannot be is counted and becomes missing; otherwise it ends the run (65)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.runs import anon, write_csv

HEADER = ("id", "sex", "code", "all", "born", "when", "plz")
CONFIG = """\
name: demo
reference_date: 2026-11-22
input: {{table: {{path: people.csv}}}}
subject: id
columns:
  id: {{role: identifier}}
  sex: {{role: quasi-identifier, hierarchy: suppression}}
  code: {{role: {code}}}
  all: {{role: {all}}}
  born: {{role: {born}}}
  when: {{role: {when}}}
  plz: {{role: {plz}}}
privacy: {{k_anonymity: 3, suppression_limit: 1}}
output: {{directory: out, formats: [csv, parquet]}}
"""
GONE = dict.fromkeys(("code", "all", "born", "when", "plz"), "identifier")
CODE = "quasi-identifier, hierarchy: icd-10-gm, min_level: 2, max_level: 2"
LIST = "sensitive, type: codes, hierarchy: ops, release_level: 2"
BORN = "quasi-identifier, hierarchy: {date: [year, decade]}, min_level: 1, max_level: 1"
WHEN = "sensitive, type: date"
PLZ = "quasi-identifier, hierarchy: plz, min_level: 3, max_level: 3"


def rows() -> list[list[str]]:
    """Thirty people of whom three have a code, three a date and one a postal code that cannot be."""
    good = [
        [
            f"P{n:02}",
            "mf"[n % 2],
            "i50.13",
            "5-323.51 8-800.c0",
            "1962-05-31",
            f"2024-01-{n % 5 + 1:02}",
            "10117",
        ]
        for n in range(30)
    ]
    for n, code in enumerate(("I5", "heart failure", "I50.123")):
        good[n][2] = code
    good[3][3] = "5-323.51 five"
    for n, born in enumerate(("1899-12-31", "2063-01-01", "1962-02-30", "1962", "2027", "1899-13")):
        good[n + 4][4] = born
    for n, day in enumerate(("2024-02-30", "2063-01-01", "1899-12-31")):
        good[n + 10][5] = day
    good[13][6] = "10 117"
    # the first and the last possible day, and a year that ends after it
    good[14][5], good[15][5] = "1900-01-01", "2026-11-22"
    for row in good[16:22]:
        row[4] = "2026"
    return good


def run(folder: Path, **roles: str) -> tuple[int, str]:
    write_csv(folder / "people.csv", rows(), HEADER)
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(**{**GONE, **roles}), encoding="utf-8")
    result = anon("run", path, "--quiet")
    return result.code, result.err


def released(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "out" / "demo" / "release" / "data" / "table.parquet")


def counted(folder: Path) -> Any:
    audit = json.loads((folder / "out" / "demo" / "internal" / "audit.json").read_bytes())
    return audit["reading"]["impossible_or_malformed"]


@pytest.mark.parametrize(
    ("column", "rule", "found", "missing"),
    [
        ("code", CODE, {"malformed": 3}, 3),
        ("plz", PLZ, {"malformed": 1}, 1),
        (
            "born",
            BORN,
            {"malformed": 2, "before_the_first_possible_day": 1, "after_the_last_possible_day": 2},
            5,
        ),
        (
            "when",
            WHEN,
            {"malformed": 1, "before_the_first_possible_day": 1, "after_the_last_possible_day": 1},
            3,
        ),
    ],
)
def test_what_cannot_be_is_missing_and_counted_or_ends_the_run(
    tmp_path: Path, column: str, rule: str, found: dict[str, int], missing: int
) -> None:
    code, err = run(tmp_path, **{column: rule})
    assert (code, repr(column) in err) == (65, True), err
    code, err = run(tmp_path, **{column: f"{rule}, invalid: missing"})
    assert code == 0, err
    assert counted(tmp_path) == {column: {**found, "set_to_missing": missing}}
    # missing quasi-identifiers are a class of their own, here too small a one
    assert released(tmp_path)[column].count() == 30 - missing


def test_a_list_loses_its_malformed_codes(tmp_path: Path) -> None:
    code, err = run(tmp_path, all=LIST)
    assert (code, "'all'" in err) == (65, True), err
    code, err = run(tmp_path, all=f"{LIST}, invalid: missing")
    assert code == 0, err
    assert counted(tmp_path) == {"all": {"malformed": 1, "set_to_missing": 1}}
    lists = sorted(map(tuple, released(tmp_path)["all"]))
    assert set(lists) == {("5-323",), ("5-323", "8-800")}
    assert lists.count(("5-323",)) == 1


def test_dates_of_a_type_are_counted_where_nobody_asks_for_more(tmp_path: Path) -> None:
    """A kept date in the future is released as it is: nothing depends on it. The internal audit counts it."""
    write_csv(tmp_path / "people.csv", [r for r in rows() if r[5] != "2024-02-30"], HEADER)
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(**{**GONE, "when": WHEN}), encoding="utf-8")
    assert anon("run", path, "--quiet").code == 0
    assert counted(tmp_path)["when"] == {
        "before_the_first_possible_day": 1,
        "after_the_last_possible_day": 1,
    }
    assert released(tmp_path)["when"].null_count() == 0


@pytest.mark.parametrize(
    ("column", "rule"),
    [
        ("when", "sensitive"),
        ("when", "sensitive, type: number"),
        ("code", "identifier"),
        ("code", "quasi-identifier, hierarchy: suppression"),
        ("code", "quasi-identifier, hierarchy: {file: codes.csv}"),
        ("plz", "quasi-identifier, hierarchy: {bands: [5], top: 90}"),
    ],
)
def test_where_nothing_can_be_malformed_the_key_is_refused(tmp_path: Path, column: str, rule: str) -> None:
    (tmp_path / "codes.csv").write_text("I5;*\n")
    code, err = run(tmp_path, **{column: f"{rule}, invalid: missing"})
    assert (code, f"columns.{column}.invalid" in err) == (78, True), err
