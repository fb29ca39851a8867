"""Releases that star suppressed rows: their utility is that of the rows as they are released."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.runs import anon

CONFIG = """name: demo
reference_date: 2026-11-22
input: {table: {path: people.csv}}
subject: row
columns:
  sex: {role: quasi-identifier, hierarchy: suppression}
  zip: {role: quasi-identifier, hierarchy: {prefix: [3, 2, 1]}}
  dx: {role: sensitive}
  crp: {role: insensitive, type: number}
  dead: {role: insensitive, type: integer}
privacy: {k_anonymity: 4, suppression_limit: 0.2}
risk: {attacks: quick}
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The figures of utility with suppressed rows dropped, and starred: 9 people in 400 are alone."""
    rng = np.random.default_rng(6)
    rows = pl.DataFrame(
        {
            "sex": rng.choice(["f", "m"], 400),
            "zip": [f"{rng.choice([101, 200])}{rng.integers(10, 99)}" for _ in range(391)]
            + ["80331", "80335", "90402", "90403", "70173", "70174", "50667", "50668", "60311"],
            "dx": rng.choice(list("ABCDE"), 400),
            "crp": rng.normal(5, 2, 400).round(2),
            "dead": rng.integers(0, 2, 400),
        }
    )
    found = {}
    for suppressed in ("drop", "star"):
        folder = tmp_path_factory.mktemp(suppressed)
        rows.write_csv(folder / "people.csv")
        output = f"output: {{directory: out, formats: [csv], suppressed: {suppressed}}}\n"
        (folder / "config.yaml").write_text(CONFIG + output)
        result = anon("run", folder / "config.yaml", "--quiet")
        assert result.code == 0, result.err
        found[suppressed] = json.loads((folder / "out" / "demo" / "internal" / "utility.json").read_text())
    return found


@pytest.mark.attacked
def test_people_of_starred_rows_are_parted_and_nobody_learns_the_wrong_way_round(
    told: dict[str, Any],
) -> None:
    """With each row on both sides the classifier is right in one of seven cases, and the ratio is 0.07."""
    for name, least in (("two_sample", 0.42), ("pmse_ratio", 0.2)):
        assert told["star"][f"anonymised.{name}"]["value"] > least


@pytest.mark.attacked
def test_raw_codes_of_starred_rows_are_no_labels_that_were_lost(told: dict[str, Any]) -> None:
    """The labels of all but the starred rows are there, whatever starred rows would have had."""
    assert told["star"]["anonymised.coverage.zip"]["value"] == 1
    assert told["star"]["anonymised.total_variation.zip"]["value"] > 0


@pytest.mark.attacked
def test_insensitive_cells_of_starred_rows_are_lost(told: dict[str, Any]) -> None:
    dropped, starred = (told[key]["anonymised.total_variation.crp"]["value"] for key in ("drop", "star"))
    assert starred > dropped
