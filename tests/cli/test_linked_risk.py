"""The reports and risk figures of a release of several tables, from the config on, on the sample export."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from risk import FIGURES, LINKED_FIGURES
from tests.cli.test_linked_runs import copied, frames
from tests.report_scenes import Page
from tests.runs import anon

LIMIT = ("output:", "risk: {thresholds: {anonymised.prosecutor_average_without_events: 0.05}}\noutput:")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("linked-risk")
    result = anon("run", copied(folder, LIMIT), "--quiet")
    assert result.code == 0, result.err  # the same limit on whoever knows events is exceeded
    return folder / "releases" / "sample-linked-tables"


def figures(published: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads((published / "internal" / "risk.json").read_text())
    return found


def test_both_attackers_have_their_figures(published: Path) -> None:
    found = figures(published)
    assert found.keys() >= FIGURES | LINKED_FIGURES
    average, alone = (
        found[f"anonymised.prosecutor_average{end}"]["value"] for end in ("", "_without_events")
    )
    assert alone < 0.05 < average <= found["anonymised.prosecutor_max"]["value"] <= 0.2
    assert found["original.prosecutor_average"]["low"] > average


def test_the_risk_without_events_is_that_of_the_classes(published: Path) -> None:
    patients = frames(published)["patients"]
    classes = patients.group_by("age_years", "gender").len()["len"]
    found = figures(published)
    assert found["anonymised.prosecutor_max_without_events"]["value"] == 1 / min(classes)
    assert found["anonymised.prosecutor_average_without_events"]["value"] == pytest.approx(
        len(classes) / patients.height
    )


def test_the_risk_of_one_person_s_events_is_counted_in_the_released_tables(published: Path) -> None:
    """The person with the largest risk by one kind of event is no safer in the report's figures."""
    found = frames(published)
    classes = found["patients"].select("person", "age_years", "gender")
    kinds = {"encounters": "department", "diagnoses": "icd10gm", "procedures": "ops"}
    for name, column in kinds.items():
        had = found[name].select("person", column).unique().join(classes, on="person")
        shared = had.group_by("age_years", "gender", column).agg(pl.col("person").n_unique().alias("people"))
        assert 1 / shared["people"].min() <= figures(published)["anonymised.prosecutor_max"]["value"]


def test_the_pages_tell_what_they_may(published: Path) -> None:
    outside = Page((published / "release" / "release_report.html").read_text()).text
    inside = Page((published / "internal" / "risk_report.html").read_text()).text
    assert "any 2 events of that person" in outside
    assert "a key drawn at random, new in every release" in outside
    summary = json.loads((published / "internal" / "audit.json").read_text())["summary"]
    for told in summary["tables"].values():
        assert f"{told['rows_in']:,}" in inside
        assert f"{told['rows_in']:,}" not in outside
        assert f"{told['rows_out']:,}" in outside
    assert "What was left out of the tables of events" in inside
