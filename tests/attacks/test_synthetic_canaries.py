"""Planted people: no name, address or doctor, no rare diagnosis and no outlier of theirs is ever drawn."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl
import pytest

from synth.recipe import SDV_METHODS, Method, Recipe
from synth.synthesis import fit
from synth.variables import Training, Variable

K = 5
PEOPLE = 600
LEARNING = [method for method in get_args(Method) if method != "dp-marginals"]
CANARIES = {
    "Geburtsname": "Zwölfstein-Kanarienvogel",
    "Straße": "Am Kanarienberg 4711",
    "Hausarzt": "Dr. Kanari Einzig",
    "Diagnose": "E75.2",
    "Nebendiagnosen": "Q87.4",
    "Rente": 987_654_321.5,
    "Laborwert": -123_456_789,
    "Geburtsdatum": date(1899, 12, 24),
    "Wohnort": "kanariendorf",
}
DIAGNOSES = ("I48.0", "I48.1", "I10.90", "E11.9", "J44.1")


@pytest.fixture(scope="module")
def training() -> Training:
    """Six hundred people; the last has what nobody else has, in every column."""
    rng = np.random.default_rng(7)
    surnames = ["Müller", "Schäfer", "Groß", "Jäger"]
    secondary = [["Z92.1"], ["Z92.1", "I10.90"], []]
    columns: dict[str, list[object]] = {
        "Geburtsname": [surnames[person % 4] if person % 2 else f"Name {person}" for person in range(PEOPLE)],
        "Straße": [f"Hauptstraße {person}" for person in range(PEOPLE)],
        "Hausarzt": [f"Dr. {'ABCD'[person]}" for person in rng.integers(0, 4, PEOPLE)],
        "Diagnose": [DIAGNOSES[code] for code in rng.integers(0, 5, PEOPLE)],
        "Nebendiagnosen": [secondary[code] for code in rng.integers(0, 3, PEOPLE)],
        "Rente": rng.normal(1500, 300, PEOPLE).round(2).tolist(),
        "Laborwert": rng.integers(0, 300, PEOPLE).tolist(),
        "Geburtsdatum": [date(1940, 1, 1) + timedelta(int(day)) for day in rng.integers(0, 20_000, PEOPLE)],
        "Wohnort": [["Jena", "Halle", None][code] for code in rng.integers(0, 3, PEOPLE)],
    }
    for name, canary in CANARIES.items():
        columns[name][-1] = ["Z92.1", canary] if name == "Nebendiagnosen" else canary
    frame = pl.DataFrame(columns, schema_overrides={"Nebendiagnosen": pl.List(pl.String)})
    return Training(frame, _variables(), np.arange(PEOPLE), k=K)


def _variables() -> tuple[Variable, ...]:
    codes = {*DIAGNOSES, "E75.2", "Q87.4", "Z92.1"}
    blocks = {code: (code[:3], f"Kapitel {code[0]}", "*") for code in codes}
    return (
        Variable("Geburtsname", "string"),
        Variable("Straße", "string"),
        Variable("Hausarzt", "string"),
        Variable("Diagnose", "string", coarser=blocks),
        Variable("Nebendiagnosen", "list", coarser=blocks),
        Variable("Rente", "number"),
        Variable("Laborwert", "integer"),
        Variable("Geburtsdatum", "date"),
        Variable("Wohnort", "string"),
    )


@pytest.fixture
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Home, temporary files and working folder are one empty folder."""
    for name in ("HOME", "TMPDIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    tempfile.tempdir = None


def synthetic(training: Training, method: Method) -> pl.DataFrame:
    few: Mapping[str, int] = {"epochs": 2, "batch_size": 100} if method in SDV_METHODS else {}
    synthesiser = fit(training, Recipe(method, few), np.random.default_rng(1))
    return synthesiser.sample(2000, np.random.default_rng(2))


@pytest.mark.parametrize("method", LEARNING)
def test_what_one_person_has_never_comes_out(method: Method, training: Training, empty_machine: Path) -> None:
    released = synthetic(training, method)
    assert released.height == 2000
    assert released.columns == training.frame.columns
    text = released.with_columns(pl.col("Nebendiagnosen").list.join(" ")).write_csv()
    assert [name for name, canary in CANARIES.items() if str(canary) in text] == []
    assert "Kanari" not in text
    assert "Hauptstraße" not in text
    for name in ("Geburtsname", "Straße", "Hausarzt", "Diagnose", "Wohnort"):
        assert _of_few(training.frame[name]) & set(released[name]) == set()
    assert {code for codes in released["Nebendiagnosen"].to_list() for code in codes or ()} <= _known(
        training
    )
    for name in ("Rente", "Laborwert", "Geburtsdatum"):
        low, high = _reached(training.frame[name])
        assert low <= released[name].min()
        assert released[name].max() <= high
    assert list(empty_machine.rglob("*")) == []


def test_what_many_people_have_does_come_out(training: Training) -> None:
    """Else the test above would hold of an empty table."""
    released = synthetic(training, "sdv-gaussian-copula")
    assert {"Müller", "Schäfer", "Groß", "Jäger"} & set(released["Geburtsname"])
    assert set(DIAGNOSES) <= set(released["Diagnose"])
    assert {"Dr. A", "Dr. B", "Dr. C", "Dr. D"} <= set(released["Hausarzt"])
    assert {"Jena", "Halle", None} <= set(released["Wohnort"])
    assert released["Rente"].n_unique() > 500


def _of_few(cells: pl.Series) -> set[str]:
    counts = cells.drop_nulls().value_counts()
    return set(counts.filter(pl.col("count") < K)[cells.name])


def _known(training: Training) -> set[str]:
    """Codes that k people have, and every coarser one."""
    counts = training.frame["Nebendiagnosen"].explode().drop_nulls().value_counts()
    common = set(counts.filter(pl.col("count") >= K)["Nebendiagnosen"])
    coarser = training.variables[4].coarser.values()
    return common | {label for labels in coarser for label in labels}


def _reached(cells: pl.Series) -> tuple[object, object]:
    """The least and the greatest value that k people reach."""
    ordered = cells.drop_nulls().sort()
    return ordered[K - 1], ordered[-K]
