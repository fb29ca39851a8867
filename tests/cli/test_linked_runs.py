"""A release of several tables, from the config to `anon verify`, on the sample export."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import ROOT
from tests.runs import Result, anon

TABLES = ("diagnoses", "encounters", "labs", "medications", "procedures")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("linked")
    config = copied(folder)
    result = anon("run", config, "--json")
    assert result.code == 0, result.err
    return folder / "releases" / "sample-linked-tables", result


def copied(folder: Path, *changes: tuple[str, str]) -> Path:
    """The sample's config of several tables in another folder, with its export, after some changes."""
    shutil.copytree(ROOT / "sample_data" / "export", folder / "export")
    text = (ROOT / "sample_data" / "tables.yaml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "config.yaml").write_text(text)
    return folder / "config.yaml"


def frames(release: Path) -> dict[str, pl.DataFrame]:
    return {path.stem: pl.read_parquet(path) for path in (release / "release" / "data").glob("*.parquet")}


def test_every_table_is_released_and_every_event_is_of_a_patient(published: tuple[Path, Result]) -> None:
    found = frames(published[0])
    assert sorted(found) == sorted((*TABLES, "patients"))
    people = found["patients"]["person"]
    assert people.n_unique() == len(people)
    for name in TABLES:
        assert found[name].height > 0
        assert found[name]["person"].is_in(people.implode()).all()


def test_the_summary_tells_of_every_table_what_was_read_and_released(published: tuple[Path, Result]) -> None:
    release, result = published
    summary = json.loads(result.out)
    found = frames(release)
    assert summary["rows_out"] == found["patients"].height
    assert {name: told["rows_out"] for name, told in summary["tables"].items()} == {
        name: found[name].height for name in TABLES
    }
    assert all(told["rows_in"] >= told["rows_out"] for told in summary["tables"].values())


def test_anybody_counts_the_criteria_again_from_the_released_tables(published: tuple[Path, Result]) -> None:
    result = anon("verify", published[0])
    assert result.code == 0, result.err
    assert "(k, k^m)-anonymity of events (k = 5, m = 2" in result.out
    assert "recounted, fewest people sharing" in result.out


def test_the_released_tables_tell_no_id_of_the_input(published: tuple[Path, Result]) -> None:
    lines = gzip.decompress((ROOT / "sample_data" / "export" / "Patient.ndjson.gz").read_bytes()).splitlines()
    ids = {json.loads(line)["id"] for line in lines}
    assert len(ids) > 1000
    cells = {
        cell
        for frame in frames(published[0]).values()
        for cells in frame.select(pl.col(pl.String))
        for cell in cells.unique()
    }
    assert not ids & cells


def test_two_runs_differ_in_their_keys_alone(published: tuple[Path, Result], tmp_path: Path) -> None:
    again = anon("run", copied(tmp_path), "--quiet")
    assert again.code == 0, again.err
    ours, theirs = frames(published[0]), frames(tmp_path / "releases" / "sample-linked-tables")
    assert set(ours["patients"]["person"]).isdisjoint(theirs["patients"]["person"])
    assert whole_people(ours) == whole_people(theirs)


def whole_people(found: dict[str, pl.DataFrame]) -> list[tuple[object, ...]]:
    """Every person's rows in all tables, without the key, in order."""
    people: dict[str, list[str]] = {}
    for name in sorted(found):
        for person, *cells in found[name].iter_rows():
            people.setdefault(person, []).append(repr((name, cells)))
    return sorted(tuple(sorted(rows)) for rows in people.values())


def test_a_dry_run_publishes_nothing(tmp_path: Path) -> None:
    assert anon("run", copied(tmp_path), "--dry-run", "--quiet").code == 0
    assert not (tmp_path / "releases" / "sample-linked-tables").exists()


def test_more_people_who_must_share_events_leave_fewer_of_them(
    published: tuple[Path, Result], tmp_path: Path
) -> None:
    config = copied(tmp_path, ("{column: events, k: 5, m: 2}", "{column: events, k: 20, m: 2}"))
    assert anon("run", config, "--quiet").code == 0
    fewer = frames(tmp_path / "releases" / "sample-linked-tables")
    assert all(
        fewer[name].height < frames(published[0])[name].height for name in ("diagnoses", "medications")
    )


def test_a_threshold_looks_at_whoever_knows_events_too(tmp_path: Path) -> None:
    config = copied(
        tmp_path, ("output:", "risk: {thresholds: {anonymised.prosecutor_average: 0.05}}\noutput:")
    )
    result = anon("run", config)
    assert result.code == 13
    assert "prosecutor_average" in result.err


def test_what_the_export_cannot_tell_is_said_before_and_while_it_runs(tmp_path: Path) -> None:
    config = copied(tmp_path)
    (tmp_path / "export" / "Procedure.ndjson.gz").unlink()
    assert "not in the export procedures.ops" in anon("check", config).out
    result = anon("run", config, "--dry-run")
    assert result.code == 0
    assert "columns.not.in.the.export count=" in result.err
