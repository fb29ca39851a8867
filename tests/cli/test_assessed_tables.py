"""`anon risk`: any table made elsewhere, beside the one it was made from."""

from __future__ import annotations

import json
import random
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.runs import CONFIG, anon, files, people, write_csv

HEADER = ("person", "sex", "age", "plz", "stage")


def rows(seed: int, count: int = 240) -> list[list[str]]:
    draw = random.Random(seed)
    return [
        [
            f"P{seed}-{n}",
            draw.choice("mf"),
            str(draw.randint(20, 89)),
            draw.choice(("10117", "20095", "01067")),
            draw.choice("1234"),
        ]
        for n in range(count)
    ]


def figures(folder: Path, name: str = "risk.json") -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / name).read_text())
    return read


def without_person(table: list[list[str]]) -> list[list[str]]:
    return [row[1:] for row in table]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    original = rows(1)
    write_csv(tmp_path / "original.csv", original, HEADER)
    write_csv(tmp_path / "holdout.csv", rows(2), HEADER)
    write_csv(tmp_path / "copy.csv", without_person(original), HEADER[1:])
    write_csv(tmp_path / "fresh.csv", without_person(rows(3)), HEADER[1:])
    return tmp_path


def assess(folder: Path, table: str, *more: str | Path) -> dict[str, Any]:
    output = folder / f"risk of {table}"
    result = anon(
        *("risk", folder / table, "--original", folder / "original.csv", "--holdout", folder / "holdout.csv"),
        *("--kind", "synthetic", "--subject", "person", "--sensitive", "stage", "--output", output, *more),
    )
    assert result.code == 0, result.err
    return figures(output)


def test_a_verbatim_copy_is_told_from_a_fresh_sample(folder: Path) -> None:
    copied, fresh = assess(folder, "copy.csv"), assess(folder, "fresh.csv")
    for name in ("synthetic.copies_exact", "synthetic.rep_u", "synthetic.linkage"):
        assert copied[name]["value"] > fresh[name]["value"] + 0.1, name
    assert copied["original.prosecutor_average"]["value"] == copied["synthetic.prosecutor_average"]["value"]


def test_the_reports_stay_in_the_house_and_hold_no_row(folder: Path) -> None:
    assess(folder, "copy.csv", "--language", "de")
    written = folder / "risk of copy.csv"
    assert {path.name for path in written.iterdir()} == {
        *("risk.json", "risk_report.html", "utility.json", "utility_report.html")
    }
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in written.iterdir())
    assert stat.S_IMODE(written.stat().st_mode) == 0o700
    assert 'lang="de"' in (written / "risk_report.html").read_text()
    assert not any("P1-" in path.read_text() for path in written.iterdir())


def test_a_table_alone_is_assessed_by_its_classes(folder: Path) -> None:
    output = folder / "alone"
    result = anon("risk", folder / "fresh.csv", "--quasi-identifiers", "sex, plz", "--output", output)
    assert result.code == 0, result.err
    found = figures(output)
    assert found["anonymised.classes"]["value"] == 6
    assert found["original.classes"]["method"] == "not estimated: the original was not given"


def test_without_a_holdout_nothing_is_estimated_that_needs_one(folder: Path) -> None:
    output = folder / "no holdout"
    options = ("--original", folder / "original.csv", "--kind", "synthetic", "--subject", "person")
    assert anon("risk", folder / "fresh.csv", *options, "--output", output).code == 0
    found = figures(output)["synthetic.membership_tpr_1"]
    assert found["value"] is None
    assert "not estimated" in found["method"]


@pytest.mark.attacked
def test_a_config_tells_roles_levels_and_thresholds(tmp_path: Path) -> None:
    """A released table is found at its levels again, and has the figures that its run gave it."""
    write_csv(tmp_path / "people.csv", people())
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    assert anon("run", config, "--quiet").code == 0
    released = tmp_path / "out" / "demo" / "release" / "data" / "table.parquet"
    result = anon("risk", released, "--config", config, "--output", tmp_path / "risk")
    assert result.code == 0, result.err
    own, told = figures(tmp_path / "risk"), figures(tmp_path / "out" / "demo" / "internal")
    for name in ("anonymised.prosecutor_max", "original.prosecutor_max", "anonymised.linkage.largest"):
        assert own[name]["value"] == pytest.approx(told[name]["value"]), name

    config.write_text(CONFIG + "risk: {thresholds: {anonymised.prosecutor_max: 0.1}}\n")
    result = anon("risk", released, "--config", config, "--output", tmp_path / "gate")
    assert result.code == 13
    assert (tmp_path / "gate" / "risk_report.html").exists()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--holdout", "holdout.csv"), 2),
        (("--quasi-identifiers", "Zephyrine"), 2),
        (("--original", "nowhere.csv"), 66),
        (("--original", "short.csv"), 65),
        (("--original", "original.csv", "--population", "3"), 78),
        (("--original", "original.csv", "--subject", "nobody"), 2),
        (("--config", "nowhere.yaml"), 66),
        (("--kind", "blurred"), 2),
    ],
)
def test_what_cannot_be_assessed_is_refused_and_nothing_written(
    folder: Path, options: tuple[str, ...], code: int
) -> None:
    write_csv(folder / "short.csv", [["f", "Zephyrine"]], ("sex", "age"))
    before = files(folder)
    named = [folder / each if each.endswith((".csv", ".yaml")) else each for each in options]
    result = anon("risk", folder / "fresh.csv", *named, "--output", folder / "x")
    assert (result.code, "Zephyrine" in result.err) == (code, False)
    assert files(folder) == before


def test_a_folder_that_is_there_is_left_alone(folder: Path) -> None:
    assert anon("risk", folder / "fresh.csv", "--output", folder).code == 73
