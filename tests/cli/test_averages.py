"""Microaggregation, end to end: what is released and told, what is kept inside, what is refused."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.runs import anon, scene

CONFIG = """\
name: demo
reference_date: 2026-11-22
input: {table: {path: people.csv}}
subject: id
columns:
  id: {role: identifier}
  sex: {role: quasi-identifier, hierarchy: suppression}
  age: {role: quasi-identifier, hierarchy: {bands: [5, 10, 20], top: 90}}
  plz: {role: quasi-identifier, hierarchy: {prefix: [3, 1]}}
  diagnosis: {role: sensitive, type: integer}
  note: {role: sensitive, clip: [0, 90]}
privacy: {k_anonymity: 3, suppression_limit: 0.2}
microaggregation: [{columns: [diagnosis, note], k: 4}]
output: {directory: out, formats: [csv, parquet]}
"""


def patients(count: int = 120, rows_each: int = 1) -> list[list[str]]:
    """People with two laboratory values, some of them missing, and a loner of extreme ones."""
    draw = random.Random(7)
    rows = [
        [
            f"P{n // rows_each:04}",
            draw.choice("mf"),
            str(draw.randint(20, 59)),
            draw.choice(("10117", "20095")),
            "" if n % 7 == 0 else str(draw.randint(1, 500)),
            "" if n % 11 == 0 else f"{draw.randint(1, 99)}.25",
        ]
        for n in range(count)
    ]
    return [*rows, ["P9999", "f", "88", "99999", "777777", "88.5"]]


def published(folder: Path, config: str = CONFIG, rows: list[list[str]] | None = None) -> Path:
    result = anon("run", scene(folder, rows or patients(), config), "--quiet")
    assert result.code == 0, result.err
    return folder / "out" / "demo"


def manifest(release: Path) -> Any:
    return json.loads((release / "release" / "manifest.json").read_bytes())["tables"][0]


def test_every_combination_stands_for_k_people(tmp_path: Path) -> None:
    release = published(tmp_path)
    frame = pl.read_parquet(release / "release" / "data" / "table.parquet")
    told = frame.select("diagnosis", "note").filter(~pl.all_horizontal(pl.all().is_null()))
    assert told.group_by(pl.all()).len()["len"].min() >= 4  # type: ignore[operator]
    assert frame["diagnosis"].max() <= 500  # type: ignore[operator]
    assert frame["note"].max() <= 90  # type: ignore[operator]
    assert dict(frame.schema) | {"diagnosis": pl.Int64(), "note": pl.Float64()} == dict(frame.schema)


def test_it_is_stated_and_anybody_can_recount_it(tmp_path: Path) -> None:
    release = published(tmp_path)
    assert manifest(release)["microaggregation"] == [{"columns": ["diagnosis", "note"], "k": 4}]
    assert "microaggregation of diagnosis, note (k = 4): recounted" in anon("verify", release).out
    package = json.loads((release / "release" / "datapackage.json").read_bytes())
    fields = {field["name"]: field["treatment"] for field in package["resources"][0]["schema"]["fields"]}
    mean = "replaced by the mean of diagnosis, note over groups of at least 4 people"
    assert fields["diagnosis"] == mean
    assert fields["note"] == f"clipped to 0 … 90, then {mean}"
    assert mean in (release / "release" / "release_report.html").read_text()


def test_who_was_averaged_with_whom_stays_inside(tmp_path: Path) -> None:
    release = published(tmp_path)
    audit = json.loads((release / "internal" / "audit.json").read_bytes())
    assert list(audit["secrets"]) == ["groups"]
    group = pl.read_parquet(release / "internal" / "groups_table_0.parquet")["group"]
    assert group.len() == 121
    # the loner is suppressed: nobody's mean tells of them
    assert group[-1] == -1
    sizes = group.filter(group >= 0).value_counts()["count"]
    assert sizes.min() >= 4  # type: ignore[operator]
    assert sizes.max() <= 7  # type: ignore[operator]


def test_a_manifest_that_states_more_than_there_is_fails(tmp_path: Path) -> None:
    """A higher k than the combinations have; the files' hashes are right."""
    release = published(tmp_path)
    path = release / "release" / "manifest.json"
    path.write_text(path.read_text().replace('"k": 4', '"k": 9'))
    result = anon("verify", release)
    assert result.code == 11
    assert "fewer than k people" in result.err


def test_with_several_rows_per_person_it_is_attested(tmp_path: Path) -> None:
    release = published(tmp_path, rows=patients(200, rows_each=2))
    assert "microaggregation of diagnosis, note (k = 4): attested" in anon("verify", release).out


def test_starred_rows_are_averaged_with_the_others(tmp_path: Path) -> None:
    config = CONFIG.replace("formats: [csv, parquet]", "suppressed: star").replace(
        "suppression_limit: 0.2", "suppression_limit: 0.5"
    )
    rows = [*patients(), *([f"L{n}", "f", "88", f"{n + 3}5555", str(n), "5"] for n in range(4))]
    release = published(tmp_path, config, rows)
    frame = pl.read_parquet(release / "release" / "data" / "table.parquet")
    assert frame.filter(sex="*").height >= 4
    assert anon("verify", release).code == 0


def test_diversity_of_averaged_numbers_counts_the_base_values_and_is_attested(tmp_path: Path) -> None:
    diverse = CONFIG.replace(
        "privacy: {k_anonymity: 3,",
        "privacy: {k_anonymity: 3, l_diversity: [{column: diagnosis, kind: distinct, l: 2}],",
    )
    release = published(tmp_path, diverse)
    statuses = {entry["name"]: entry["status"] for entry in manifest(release)["criteria"]}
    assert statuses == {"k-anonymity": "recounted", "distinct l-diversity": "attested"}
    assert anon("verify", release, "--internal").code == 0


def test_the_same_run_again_and_another_order_give_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for name, rows in (("one", patients()), ("two", patients()[::-1])):
        (tmp_path / name).mkdir()
        release = published(tmp_path / name, rows=rows)
        contents.append((release / "release" / "data" / "table.csv").read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("[diagnosis, note]", "[sex]", "must be sensitive or insensitive"),
        ("[diagnosis, note]", "[id]", "must be sensitive or insensitive"),
        ("[diagnosis, note]", "[nobody]", "has no rule"),
        ("[diagnosis, note]", "[note, note]", "names a column twice"),
        ("[diagnosis, note]", "[]", "must not be empty"),
        ("k: 4}]", "k: 4}, {columns: [note], k: 3}]", "which another entry has"),
        ("k: 4", "k: 2", "microaggregation[0].k"),
        ("k: 4", "k: 4.0", "microaggregation[0].k"),
        ("sensitive, type: integer}", "sensitive}", "needs `type: integer` or `type: number`"),
        ("sensitive, type: integer}", "sensitive, type: date}", "needs `type: integer`"),
        ("sensitive, type: integer}", "insensitive, type: integer}", "all sensitive or all insensitive"),
        (
            "sensitive, type: integer}",
            "sensitive, hierarchy: {bands: [5], top: 90}, release_level: 1}",
            "has a hierarchy",
        ),
    ],
)
def test_what_cannot_be_averaged_is_refused(tmp_path: Path, old: str, new: str, found: str) -> None:
    assert old in CONFIG
    result = anon("run", scene(tmp_path, patients(10), CONFIG.replace(old, new)), "--quiet")
    assert result.code == 78, result.err
    assert found in result.err


def test_text_of_a_parquet_file_is_refused(tmp_path: Path) -> None:
    path = scene(tmp_path, patients(10), CONFIG.replace("people.csv", "people.parquet"))
    path.write_text(path.read_text().replace(", type: integer", ""))
    pl.read_csv(tmp_path / "people.csv", infer_schema=False).with_columns(
        pl.col("note").cast(pl.Float64)
    ).write_parquet(tmp_path / "people.parquet")
    result = anon("run", path, "--quiet")
    assert result.code == 78
    assert "column 'diagnosis': microaggregation is for numbers" in result.err
