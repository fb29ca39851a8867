"""`anon run` with `tables` and `synthesis`: drawn patients, and drawn events that a key links to them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import ROOT
from tests.runs import anon, files

TABLES = ("encounters", "diagnoses", "procedures", "labs", "medications")


def sample(folder: Path, *, synthesis: str = "{method: cart}", seed: int = 7) -> Path:
    """The sample's config of linked tables with a synthetic release."""
    folder.mkdir(exist_ok=True)
    if not (folder / "export").exists():
        shutil.copytree(ROOT / "sample_data/export", folder / "export")
    text = (ROOT / "sample_data/tables.yaml").read_text(encoding="utf-8")
    path = folder / "config.yaml"
    path.write_text(f"seed: {seed}\nsynthesis: {synthesis}\nrisk: {{holdout: 0.2}}\n{text}", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release of one run."""
    folder = tmp_path_factory.mktemp("courses")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("risk.finding.attack", lambda *_, **__: ())
        ended = anon("run", sample(folder), "--quiet")
    assert ended.code == 0, ended.err
    return folder / "releases/sample-linked-tables"


def table(release: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(release / f"release/data/synthetic_{name}.parquet")


def test_drawn_tables_are_linked_and_verified(released: Path) -> None:
    assert anon("verify", released).code == 0
    told = json.loads((released / "release/manifest.json").read_text())
    assert {each["name"] for each in told["tables"]} == {f"synthetic_{t}" for t in ("patients", *TABLES)}
    assert {(each["kind"], each["linked_by"]) for each in told["tables"]} == {("synthetic", "person")}
    people = set(table(released, "patients")["person"])
    for name in TABLES:
        assert set(table(released, name)["person"]) <= people


def test_what_becomes_of_people_is_kept_better_than_by_chance(released: Path) -> None:
    figures = json.loads((released / "internal/utility.json").read_text())
    measured = {
        name.partition("longitudinal.")[2]: each["value"]
        for name, each in figures.items()
        if "longitudinal." in name
    }
    for what in ("labs.counts", "labs.times", "diagnoses.counts", "medications.transitions"):
        assert measured[what] < measured[f"{what}.floor"] / 2, what


def test_a_key_that_links_to_nobody_is_found(released: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(released, copy)
    path = copy / "release/data/synthetic_labs.parquet"
    frame = pl.read_parquet(path)
    frame.with_columns(person=pl.lit("0" * 16)).write_parquet(path)
    assert anon("verify", copy).code == 11


def test_the_same_seed_gives_the_same_people(released: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("risk.finding.attack", lambda *_, **__: ())
        assert anon("run", sample(tmp_path), "--quiet").code == 0
    again = files(tmp_path / "releases/sample-linked-tables/release/data")
    assert again == files(released / "release/data")


@pytest.mark.parametrize("synthesis", ["{method: cart, distil: true}", "{method: cart, fit_on: original}"])
def test_what_this_version_cannot_draw_of_events_is_refused(tmp_path: Path, synthesis: str) -> None:
    path = sample(tmp_path, synthesis=synthesis)
    text = path.read_text().replace(
        "risk: {holdout: 0.2}", "risk: {thresholds: {synthetic.copied_rare: 1.0}}"
    )
    path.write_text(text)
    assert anon("run", path, "--quiet").code == 69
