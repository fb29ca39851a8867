"""Dates of events that are shifted or told as relative time: a person's move together, in all tables."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests import tiny_export
from tests.runs import anon
from tests.spec.test_tables_config import KEPT, MORE, NO_STAYS, edited

MEASURED = ("    unit: {role: insensitive}\n", "    effective_date: {role: sensitive}\n")
LOOSE = (("k_anonymity: 5", "k_anonymity: 2\n  suppression_limit: 0.5"), ("k: 5, m: 2", "k: 2, m: 1"))
YEARS = (date(2025, 1, 10) - date(2021, 1, 10)).days
"""Between the two stays of everybody in the tiny export; diagnosis and measurement are of their first day."""


def released(folder: Path, *changes: tuple[str, str]) -> Mapping[str, pl.DataFrame]:
    tiny_export.ndjson(folder / "export", tiny_export.resources())
    (folder / "config.yaml").write_text(edited(*LOOSE, (NO_STAYS, ""), KEPT, MEASURED, *changes))
    result = anon("run", folder / "config.yaml", "--quiet")
    assert result.code == 0, result.err
    data = folder / "releases" / "several" / "release" / "data"
    return {path.stem: pl.read_parquet(path) for path in data.glob("*.parquet")}


def of_people(frame: pl.DataFrame, column: str) -> list[list[object]]:
    """The values of each person, sorted."""
    return [sorted(values) for values in frame.group_by("person").agg(column)[column].to_list()]


def test_all_dates_of_a_person_move_by_the_same_days(tmp_path: Path) -> None:
    shift = "time: {shift: {columns: [diagnoses.recorded_date, labs.effective_date]}}"
    tables = released(tmp_path, ("\noutput", f"\n{shift}\noutput"))

    diagnoses = tables["diagnoses"].with_columns(pl.col("recorded_date").str.to_date())
    assert all((b - a).days == YEARS for a, b in of_people(diagnoses, "recorded_date"))  # type: ignore[operator]
    on_the_day = tables["labs"].join(
        tables["diagnoses"],
        left_on=["person", "effective_date"],
        right_on=["person", "recorded_date"],
        how="semi",
    )
    assert on_the_day.height == tables["diagnoses"].height
    own = {r["recordedDate"] for r in tiny_export.resources() if r["resourceType"] == "Condition"}
    assert len({*tables["diagnoses"]["recorded_date"]} - own) > 10


@pytest.mark.parametrize("index", ["first", "last"])
def test_days_are_counted_from_the_patients_own_date(tmp_path: Path, index: str) -> None:
    relative = (
        "time: {relative: {columns: [diagnoses.recorded_date, labs.effective_date], to: admission_date}}"
    )
    tables = released(
        tmp_path,
        (MORE, "  admission_date: {role: identifier}\n"),
        ("row: patient", f"row: patient\n    index_encounter: {index}"),
        ("\noutput", f"\n{relative}\noutput"),
    )

    expected = [0, YEARS] if index == "first" else [-YEARS, 0]
    assert {tuple(days) for days in of_people(tables["diagnoses"], "recorded_date")} == {tuple(expected)}
    assert tables["labs"].schema["effective_date"] == pl.Int64
    assert all({*expected} <= {*days} for days in of_people(tables["labs"], "effective_date"))
    assert "admission_date" not in tables["patients"].columns
