"""A differentially private release, end to end: what is published, what stays, and what is refused."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.runs import anon, files, scene

CONFIG = """\
name: demo
reference_date: 2026-11-22
input: {table: {path: people.csv}}
subject: id
columns:
  id: {role: identifier}
  sex: {role: quasi-identifier, hierarchy: suppression, min_level: 0, max_level: 0}
  age: {role: quasi-identifier, hierarchy: {bands: [5, 10, 20], top: 90}, min_level: 3, max_level: 3}
  plz: {role: quasi-identifier, hierarchy: {prefix: [3, 1]}, min_level: 1, max_level: 1}
  diagnosis: {role: identifier}
  note: {role: identifier}
privacy: {differential_privacy: {epsilon: 1, delta: 1e-5}}
output: {directory: out, formats: [csv, parquet]}
"""
LEVELS = re.compile(r", min_level: \d, max_level: \d")
CHOSEN = LEVELS.sub("", CONFIG).replace("epsilon: 1,", "epsilon: 1, epsilon_search: 0.5,")
COUNT, LONERS = 1500, 9


def crowd(count: int = COUNT, rows_each: int = 1) -> list[list[str]]:
    """People in crowded classes, and some of postal codes that nobody else has."""
    draw = random.Random(20261122)
    rows = [
        [
            f"P{n // rows_each:04}",
            draw.choice("mf"),
            str(draw.randint(20, 59)),
            draw.choice(("10117", "20095")),
            "",
            "",
        ]
        for n in range(count)
    ]
    return [*rows, *([f"L{n}", "f", "33", f"{n}9999", "", ""] for n in range(1, LONERS + 1))]


def published(folder: Path, config: str = CONFIG, rows: list[list[str]] | None = None) -> Path:
    """The folder of a release."""
    result = anon("run", scene(folder, rows or crowd(), config), "--quiet")
    assert result.code == 0, result.err
    return folder / "out" / "demo"


def manifest(release: Path) -> Any:
    (table,) = json.loads((release / "release" / "manifest.json").read_bytes())["tables"]
    return table


def released(release: Path) -> pl.DataFrame:
    return pl.read_parquet(release / "release" / "data" / "table.parquet")


def test_the_guarantee_is_stated_and_the_classes_hold_the_k_that_follows(tmp_path: Path) -> None:
    release = published(tmp_path)
    table = manifest(release)
    assert table["guarantee"].startswith(
        "(epsilon, delta)-differential privacy (epsilon = 1.0, delta = 1e-05"
    )
    assert table["differential_privacy"]["k"] == 61
    assert table["differential_privacy"]["beta"] == pytest.approx(0.6321205588)
    assert [(c["name"], c["parameters"], c["status"]) for c in table["criteria"]] == [
        ("k-anonymity", {"k": 61}, "recounted")
    ]
    assert released(release).group_by(pl.all()).len()["len"].min() >= 61  # type: ignore[operator]
    assert set(released(release)["plz"]) == {"101", "200"}


def test_the_report_says_it_in_words(tmp_path: Path) -> None:
    report = (published(tmp_path) / "release" / "release_report.html").read_text()
    assert "(1, 1e-05)-differential privacy" in report
    assert "any result is at most 2.72 times as likely" in report


def test_what_anybody_can_check_is_checked(tmp_path: Path) -> None:
    release = published(tmp_path)
    told = anon("verify", release)
    assert told.code == 0
    assert "(epsilon, delta)-differential privacy" in told.out
    assert "attested" in told.out
    assert anon("verify", release, "--internal").code == 0


def test_the_levels_are_chosen_at_a_price(tmp_path: Path) -> None:
    release = published(tmp_path, CHOSEN)
    table = manifest(release)
    told = table["differential_privacy"]
    assert (told["epsilon"], told["epsilon_search"]) == (1.5, 0.5)
    assert told["k"] == 61
    levels = {column["name"]: column["level"] for column in table["columns"] if column["released"]}
    # so many people alike: with this budget worse levels are out of the question
    assert levels["sex"] == 0
    assert {column["name"]: column["max_level"] for column in table["columns"]}["sex"] is None


def test_no_count_of_people_leaves_the_house(tmp_path: Path) -> None:
    """Neither how many there were nor how many were drawn or suppressed."""
    release = published(tmp_path)
    audit = json.loads((release / "internal" / "audit.json").read_bytes())
    drawn = audit["summary"]["differential_privacy"]["drawn"]
    assert audit["summary"]["rows_in"] == COUNT + LONERS
    assert 0.5 * COUNT < drawn < 0.75 * COUNT
    papers = [text.decode() for name, text in files(release / "release").items() if "/" not in name]
    papers[papers.index((release / "release" / "manifest.json").read_text())] = str(manifest(release))
    for count in {COUNT + LONERS, COUNT, drawn} - {released(release).height}:
        for spelled in (f"{count}", f"{count:,}"):
            assert not any(re.search(rf"(?<![\w.,]){spelled}(?![\w.,])", paper) for paper in papers), count


def test_the_sample_is_kept_inside_and_named_in_the_audit(tmp_path: Path) -> None:
    release = published(tmp_path)
    audit = json.loads((release / "internal" / "audit.json").read_bytes())
    assert list(audit["secrets"]) == ["sample"]
    rows = pl.read_parquet(release / "internal" / "sample_table.parquet")["row"]
    assert rows.len() == audit["summary"]["differential_privacy"]["drawn"]
    assert rows.is_sorted()
    assert rows.max() < COUNT + LONERS  # type: ignore[operator]


def test_two_runs_draw_other_people(tmp_path: Path) -> None:
    samples = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        release = published(tmp_path / name)
        samples.append(pl.read_parquet(release / "internal" / "sample_table.parquet"))
    assert not samples[0].equals(samples[1])


def test_a_person_takes_part_with_one_row_at_most(tmp_path: Path) -> None:
    rows = crowd(2 * COUNT, rows_each=2)
    release = published(tmp_path, rows=rows)
    drawn = pl.read_parquet(release / "internal" / "sample_table.parquet")["row"].to_list()
    people = [rows[at][0] for at in drawn]
    assert len(set(people)) == len(people)
    # which of the two rows it is, is drawn as well
    assert {at % 2 for at in drawn} == {0, 1}
    assert manifest(release)["row_is_person"] is True


def test_a_sample_without_a_class_that_is_large_enough_is_not_published(tmp_path: Path) -> None:
    result = anon("run", scene(tmp_path, crowd(40), CONFIG), "--quiet")
    assert result.code == 10
    assert "no class of the random sample" in result.err
    assert not re.search(r"\d", result.err)


@pytest.mark.parametrize("config", [CONFIG, CHOSEN], ids=["fixed", "chosen"])
def test_a_value_outside_its_hierarchy_is_refused_drawn_or_not(tmp_path: Path, config: str) -> None:
    """Every time: otherwise the exit code would tell whether the person was drawn."""
    rows = [*crowd(300), ["P8888", "f", "forty", "10117", "", ""]]
    path = scene(tmp_path, rows, config)
    assert [anon("run", path, "--quiet").code for _ in range(6)] == [65] * 6


K_TOO = "privacy: {differential_privacy: {epsilon: 1, delta: 1e-5}, k_anonymity: 5}"
L_TOO = (
    "privacy: {differential_privacy: {epsilon: 1, delta: 1e-5}, "
    "l_diversity: [{column: sex, kind: distinct, l: 2}]}"
)
LIMIT_TOO = "privacy: {differential_privacy: {epsilon: 1, delta: 1e-5}, suppression_limit: 0.1}"
PRIVACY = "privacy: {differential_privacy: {epsilon: 1, delta: 1e-5}}"
SEX = "sex: {role: quasi-identifier, hierarchy: suppression, min_level: 0, max_level: 0}"


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (PRIVACY, K_TOO, "privacy.k_anonymity"),
        (PRIVACY, L_TOO, "privacy.l_diversity"),
        (PRIVACY, LIMIT_TOO, "privacy.suppression_limit"),
        ("note: {role: identifier}", "note: {role: insensitive}", "columns.note.role"),
        ("diagnosis: {role: identifier}", "diagnosis: {role: sensitive}", "columns.diagnosis.role"),
        (SEX, "sex: {role: quasi-identifier, hierarchy: suppression}", "columns.sex.max_level"),
        (SEX, SEX.replace("min_level: 0, max_level: 0", "max_level: 1"), "columns.sex.max_level"),
        (SEX, SEX.replace("max_level: 0", "max_level: 0, weight: 2"), "columns.sex.weight"),
        ("epsilon: 1,", "epsilon: 1, epsilon_search: 1,", "epsilon_search"),
        ("epsilon: 1,", "epsilon: 0,", "differential_privacy.epsilon"),
        ("epsilon: 1,", "epsilon: 11,", "differential_privacy.epsilon"),
        ("delta: 1e-5", "delta: 0", "differential_privacy.delta"),
        ("delta: 1e-5", "delta: 0.5", "differential_privacy.delta"),
        (", delta: 1e-5", "", "differential_privacy.delta"),
        ("formats: [csv, parquet]", "suppressed: star", "output.suppressed"),
        ("output:", "risk: {thresholds: {anonymised.prosecutor_max: 0.2}}\noutput:", "risk.thresholds"),
        ("output:", "search: {metric: loss}\noutput:", "search"),
        ("output:", "microaggregation: [{columns: [note], k: 3}]\noutput:", "microaggregation"),
    ],
)
def test_what_would_break_the_guarantee_is_refused(tmp_path: Path, old: str, new: str, found: str) -> None:
    assert old in CONFIG
    result = anon("run", scene(tmp_path, crowd(5), CONFIG.replace(old, new)), "--quiet")
    assert result.code == 78, result.err
    assert found in result.err
    assert not (tmp_path / "out" / "demo").exists()
