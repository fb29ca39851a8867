"""What is found about a release: the figures' names, and the thresholds they can be held against."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from risk import ClassSizes, finding
from risk.assessment import ATTACK_FIGURES, ATTACKS, ONLY_SYNTHETIC
from risk.comparison import Attribute, Comparison, TableKind
from risk.finding import Search, find
from risk.reidentification.known_events import IntArray
from tests.runs import CONFIG, Result, anon, people, write_csv

ATTRIBUTES = (
    Attribute("sex", "category", is_quasi_identifier=True, is_sensitive=False),
    Attribute("age", "number", is_quasi_identifier=True, is_sensitive=False),
    Attribute("stage", "category", is_quasi_identifier=False, is_sensitive=True),
)


def drawn(seed: int, count: int = 120) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "sex": rng.choice(["f", "m"], count),
            "age": rng.integers(20, 90, count).astype(float),
            "stage": rng.choice(["1", "2", "3"], count),
        }
    )


def compared(table: TableKind) -> Comparison:
    original = drawn(1)
    rows: IntArray = np.arange(original.height)
    shown = np.ones(original.height, np.bool_)
    held_out = (drawn(2), rows) if table == "synthetic" else (None, None)
    return Comparison(table, ATTRIBUTES, original, original, original, rows, shown, *held_out)


def sizes(frame: pl.DataFrame) -> ClassSizes:
    counts = frame.group_by("sex", "age").len()["len"].to_numpy().astype(np.int64)
    return ClassSizes(counts, counts)


@pytest.mark.parametrize("table", ["anonymised", "synthetic"])
def test_every_attack_has_its_name_in_the_figures(table: TableKind) -> None:
    comparison = compared(table)
    found = find(comparison, sizes(comparison.base), sizes(comparison.released), Search(population=9_000))
    names = [attack.name for attack in found.attacks]
    left_out = ONLY_SYNTHETIC if table == "anonymised" else set()
    assert names == [name for name in ATTACKS if name not in {"minimality", *left_out}]
    told = finding.figures(found, table)
    own = {name.removeprefix(f"{table}.") for name in told if name.startswith(f"{table}.")}
    assert {*names, "membership_tpr_1_isolated", "membership_auc"} <= own
    assert ("cone_flagged" in own) is (table == "synthetic")
    assert {"original.rocher_correctness_average", "original.special_uniques_share"} <= told.keys()
    assert all(figure.value is not None or figure.method for figure in told.values())


def test_without_attacks_nothing_is_looked_for() -> None:
    comparison = compared("anonymised")
    found = find(comparison, sizes(comparison.base), sizes(comparison.released), Search("none"))
    assert finding.figures(found, "anonymised") == {}
    assert found.utility is None


def test_the_same_input_is_attacked_in_the_same_way() -> None:
    comparison = compared("synthetic")
    twice = [find(comparison, sizes(comparison.base), sizes(comparison.released), Search()) for _ in range(2)]
    assert finding.figures(twice[0], "synthetic") == finding.figures(twice[1], "synthetic")
    assert twice[0].utility is not None
    assert twice[1].utility is not None
    assert twice[0].utility.figures == twice[1].utility.figures


def test_the_sample_is_the_people_not_their_rows() -> None:
    """Forty people with three rows each are four tenths of a hundred people, and DIS is a probability."""
    labels = [f"alone {p}" for p in range(24)] + [f"pair {p // 2}" for p in range(16)]
    frame = pl.DataFrame({"a": labels * 3, "dx": ["x", "y", "z"] * 40})
    attributes = (
        Attribute("a", "category", is_quasi_identifier=True, is_sensitive=False),
        Attribute("dx", "category", is_quasi_identifier=False, is_sensitive=True),
    )
    people, shown = np.tile(np.arange(40), 3), np.ones(120, np.bool_)
    comparison = Comparison("anonymised", attributes, frame, frame, frame, people, shown)
    classes = ClassSizes(np.array([1] * 24 + [2] * 8), np.array([3] * 24 + [6] * 8))
    found = find(comparison, classes, classes, Search(population=100))
    told = finding.figures(found, "anonymised")
    # pi s1 / (pi s1 + 2 (1 - pi) s2) with 72 records alone and 48 in pairs, pi = 0.4
    assert told["original.dis"].value == pytest.approx(0.4 * 72 / (0.4 * 72 + 0.6 * 48))


def test_somebody_in_three_classes_is_one_of_the_population(tmp_path: Path) -> None:
    """Forty people, each in all three classes, may well come from a hundred, and from forty are everybody."""
    rows = [{"id": p, "where": where, "dx": "xyz"[p % 3]} for p in range(40) for where in "abc"]
    pl.DataFrame(rows).write_csv(tmp_path / "people.csv")
    config = """name: demo
reference_date: 2026-11-22
input: {table: {path: people.csv}}
subject: id
columns:
  id: {role: identifier}
  where: {role: quasi-identifier, hierarchy: suppression}
  dx: {role: sensitive}
privacy: {k_anonymity: 5, suppression_limit: 0}
output: {directory: out, formats: [csv]}
risk: {attacks: none, population: {size: SIZE}}
"""
    (tmp_path / "config.yaml").write_text(config.replace("SIZE", "100"))
    result = anon("run", tmp_path / "config.yaml", "--quiet")
    assert result.code == 0, result.err
    told = json.loads((tmp_path / "out" / "demo" / "internal" / "risk.json").read_text())
    for table in ("original", "anonymised"):
        assert "40 of 100 people sampled" in told[f"{table}.journalist_max"]["method"]
    (tmp_path / "config.yaml").write_text(config.replace("SIZE", "39").replace("demo", "other"))
    assert anon("run", tmp_path / "config.yaml", "--quiet").code == 78


# thresholds ---------------------------------------------------------------------------------------


def run(folder: Path, risk: str) -> Result:
    write_csv(folder / "people.csv", people())
    (folder / "config.yaml").write_text(f"{CONFIG}risk: {risk}\n")
    return anon("run", folder / "config.yaml", "--quiet")


@pytest.mark.attacked
@pytest.mark.parametrize(
    ("figure", "limit", "code"),
    [
        ("anonymised.linkage", 0.5, 0),
        ("anonymised.linkage", 0.001, 13),
        ("anonymised.linkage.largest", 0.01, 13),
        ("anonymised.attribute_inference.diagnosis", 1.0, 0),
        ("anonymised.attribute_inference.Zephyrine", 1.0, 13),
        ("anonymised.membership_tpr_1", 0.5, 13),  # sixty people are too few to say
        ("anonymised.journalist_max", 0.5, 0),
    ],
)
def test_a_figure_of_an_attack_can_be_limited(tmp_path: Path, figure: str, limit: float, code: int) -> None:
    result = run(tmp_path, f"{{population: {{size: 9000}}, thresholds: {{{figure}: {limit}}}}}")
    assert result.code == code, result.err
    assert (tmp_path / "out" / "demo").exists() is (code == 0)


@pytest.mark.parametrize(
    ("risk", "says"),
    [
        ("{thresholds: {anonymised.linkages: 0.1}}", "no known figure"),
        ("{thresholds: {synthetic.linkage: 0.1}}", "there is no `synthesis`"),
        ("{attacks: none, thresholds: {anonymised.linkage: 0.1}}", "switched off"),
        ("{population: {size: 3}}", "smaller than"),
        ("{attacks: thorough}", "attacks"),
    ],
)
def test_what_cannot_be_asked_is_refused(tmp_path: Path, risk: str, says: str) -> None:
    result = run(tmp_path, risk)
    assert (result.code, says in result.err) == (78, True), result.err


@pytest.mark.attacked
def test_the_reports_of_a_run_are_in_the_language_asked_for(tmp_path: Path) -> None:
    write_csv(tmp_path / "people.csv", people())
    (tmp_path / "config.yaml").write_text(CONFIG + "report: {language: de}\n")
    assert anon("run", tmp_path / "config.yaml", "--quiet").code == 0
    folder = tmp_path / "out" / "demo"
    for page in ("release/release_report.html", "internal/risk_report.html", "internal/utility_report.html"):
        assert '<html lang="de">' in (folder / page).read_text()
    utility = json.loads((folder / "internal" / "utility.json").read_text())
    assert utility["anonymised.total_variation"]["value"] >= 0
    assert {name.partition(".")[0] for name in utility} == {"anonymised"}


def test_thresholds_know_the_attacks() -> None:
    assert {f"anonymised.{name}" for name in {*ATTACKS} - ONLY_SYNTHETIC} <= ATTACK_FIGURES
