"""From verified data to a folder that may leave the house, in one rename."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from anonymizer.criteria import DistinctLDiversity, KAnonymity
from anonymizer.errors import BadConfig, OutputExists, VerificationFailed
from release import gate
from release.files.csv_cells import RULE
from release.publish import publish
from release.recheck import verify_release
from tests.small_release import CANARY, LEVELS, STATEMENT, promise, published, staged, ward

TYPES_OF_TABLE_SCHEMA = {
    *(
        "string",
        "number",
        "integer",
        "boolean",
        "object",
        "array",
        "list",
        "datetime",
        "date",
        "time",
        "year",
    ),
    *("yearmonth", "duration", "geopoint", "geojson", "any"),
}


def read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def test_a_published_folder_holds_data_and_papers(tmp_path: Path) -> None:
    folder = published(tmp_path)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert folder == tmp_path / "small-ward"
    assert files == {
        *("release/data/ward.csv", "release/data/ward.parquet"),
        *("release/datapackage.json", "release/manifest.json"),
    }
    assert {path.name for path in tmp_path.iterdir()} == {".anon.lock", "small-ward"}


def test_the_manifest_names_every_file_with_its_sha256(tmp_path: Path) -> None:
    release = published(tmp_path) / "release"
    files = read_json(release / "manifest.json")["files"]
    assert set(files) == {"data/ward.csv", "data/ward.parquet", "datapackage.json"}
    for name, entry in files.items():
        content = (release / name).read_bytes()
        assert entry == {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def test_the_manifest_says_what_was_promised(tmp_path: Path) -> None:
    manifest = read_json(published(tmp_path) / "release" / "manifest.json")
    (table,) = manifest["tables"]
    assert manifest["verified"] is True
    assert manifest["consent"] == STATEMENT.consent
    assert "does not prove who made it" in manifest["integrity"]
    assert {"anon", "python", "polars", "numba", "numpy"} <= set(manifest["versions"])
    assert (table["kind"], table["rows"]) == ("anonymised", 60)
    assert table["guarantee"] == "k-anonymity (k = 3); distinct l-diversity of diagnosis (l = 2)"
    assert table["criteria"] == [
        {"name": "k-anonymity", "column": None, "parameters": {"k": 3}, "status": "recounted"},
        {
            "name": "distinct l-diversity",
            "column": "diagnosis",
            "parameters": {"l": 2},
            "status": "recounted",
        },
    ]
    columns = {column["name"]: column for column in table["columns"]}
    assert {name: columns[name]["level"] for name in LEVELS} == LEVELS
    assert columns["crp"]["clip"] == [0.0, 300.0]
    assert columns["patient_id"]["released"] is False
    assert columns["patient_id"]["role"] == "identifier"
    assert columns["age"]["levels"][3] == "bands of 20"


def test_the_manifest_knows_nothing_of_the_input(tmp_path: Path) -> None:
    """The same released rows from an input with more suppressed rows: the same manifest."""
    table = ward()
    more = pl.concat([table.frame, table.frame.filter(age="93").with_columns(plz=pl.lit("55555"))])
    one = published(tmp_path / "a", table) / "release" / "manifest.json"
    other = published(tmp_path / "b", replace(table, frame=more)) / "release" / "manifest.json"
    assert one.read_bytes() == other.read_bytes()


def test_the_data_package_describes_every_column(tmp_path: Path) -> None:
    package = read_json(published(tmp_path) / "release" / "datapackage.json")
    parquet, csv = package["resources"]
    fields = {field["name"]: field for field in csv["schema"]["fields"]}
    assert list(fields) == ["sex", "age", "plz", "diagnosis", "crp", "ward"]
    assert fields["plz"]["type"] == "string"
    assert fields["plz"]["treatment"] == "generalised to level 2 of 4 (2 characters)"
    assert (fields["age"]["level"], fields["age"]["levelName"]) == (3, "bands of 20")
    assert fields["sex"]["treatment"] == "not generalised"
    assert (fields["crp"]["type"], fields["crp"]["treatment"]) == ("number", "clipped to 0 … 300")
    assert fields["ward"]["treatment"] == "unchanged"
    assert csv["escape"] == {"prefix": "'", "rule": RULE}
    assert parquet["schema"] == csv["schema"]


def test_the_data_package_has_what_the_standard_requires(tmp_path: Path) -> None:
    """Data Package 2.0: resources with name and path; fields with unique names and known types."""
    release = published(tmp_path) / "release"
    package = read_json(release / "datapackage.json")
    assert package["$schema"].endswith("/2.0/datapackage.json")
    names = [resource["name"] for resource in package["resources"]]
    assert len(set(names)) == len(names) == 2
    for resource in package["resources"]:
        assert (release / resource["path"]).is_file()
        assert resource["type"] == "table"
        fields = resource["schema"]["fields"]
        assert len({field["name"] for field in fields}) == len(fields)
        assert {field["type"] for field in fields} <= TYPES_OF_TABLE_SCHEMA
        assert resource["schema"]["missingValues"] == [""]
    dialect = package["resources"][1]["dialect"]
    assert (dialect["delimiter"], dialect["quoteChar"], dialect["doubleQuote"]) == (",", '"', True)


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    """Faults 62: no clock, no random number and no row order of the input reaches the release."""
    table = ward()
    shuffled = replace(table, frame=table.frame.reverse())
    one, two = published(tmp_path / "a", table), published(tmp_path / "b", shuffled)
    for path in (one / "release").rglob("*.*"):
        assert path.read_bytes() == (two / path.relative_to(one)).read_bytes(), path.name


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    folder = published(tmp_path / "new")
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_the_umask_comes_back(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        published(tmp_path)
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_a_suppressed_patient_is_nowhere_in_the_folder(tmp_path: Path) -> None:
    assert CANARY in ward().frame["ward"].to_list()
    for path in published(tmp_path).rglob("*.*"):
        assert CANARY.encode() not in path.read_bytes()


def test_an_existing_folder_is_never_overwritten(tmp_path: Path) -> None:
    """Faults 43, before the work."""
    (tmp_path / "small-ward").mkdir()
    (tmp_path / "small-ward" / "mine").write_text("keep")
    with pytest.raises(OutputExists) as refusal:
        published(tmp_path)
    assert refusal.value.exit_code == 73
    assert (tmp_path / "small-ward" / "mine").read_text() == "keep"


@pytest.mark.parametrize("kind", ["folder", "empty folder", "file", "dangling link"])
def test_a_folder_that_appears_meanwhile_is_not_overwritten(tmp_path: Path, kind: str) -> None:
    """Faults 43, at the rename."""
    target = tmp_path / "small-ward"
    with staged(tmp_path, promise(ward())) as stage:
        verified = stage.verify()
        match kind:
            case "file":
                target.write_text("mine")
            case "dangling link":
                target.symlink_to(tmp_path / "nowhere")
            case _:
                target.mkdir()
                if kind == "folder":
                    (target / "mine").touch()
        with pytest.raises(OutputExists):
            publish(verified, gate.check({}, {}), STATEMENT)
    assert {path.name for path in tmp_path.iterdir()} == {".anon.lock", "small-ward"}
    assert not (target / "release").exists()


def test_a_data_file_changed_after_verification_is_not_published(tmp_path: Path) -> None:
    """Faults 63, in the last moment."""
    with staged(tmp_path, promise(ward())) as stage:
        verified = stage.verify()
        path = stage.staging.data / "ward.csv"
        path.write_bytes(path.read_bytes().replace(b"I21.0", b"I50.1", 1))
        with pytest.raises(VerificationFailed, match="changed after"):
            publish(verified, gate.check({}, {}), STATEMENT)
    assert not (tmp_path / "small-ward").exists()


def test_an_undeclared_file_does_not_leave_the_house(tmp_path: Path) -> None:
    with staged(tmp_path, promise(ward())) as stage:
        verified = stage.verify()
        stage.staging.write("release/patients.csv", "patient_id\r\nP001\r\n")
        with pytest.raises(VerificationFailed, match="undeclared"):
            publish(verified, gate.check({}, {}), STATEMENT)
    assert not (tmp_path / "small-ward").exists()


def test_a_gate_or_a_verification_cannot_be_left_out(tmp_path: Path) -> None:
    with staged(tmp_path, promise(ward())) as stage:
        verified = stage.verify()
        with pytest.raises(TypeError):
            publish(verified, None, STATEMENT)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            publish(stage, gate.check({}, {}), STATEMENT)  # type: ignore[arg-type]
    assert not (tmp_path / "small-ward").exists()


def test_what_an_attested_criterion_rests_on_stays_in_the_house(tmp_path: Path) -> None:
    criteria = (KAnonymity(3), DistinctLDiversity("crp", 2))
    with staged(tmp_path, promise(ward(2), criteria)) as stage:
        folder = publish(stage.verify(), gate.check({}, {}), STATEMENT)
    evidence = pl.read_parquet(folder / "internal" / "evidence_ward.parquet")
    assert evidence.columns == ["q0", "q1", "q2", "person", "b1"]
    assert sorted(evidence["person"].unique()) == list(range(evidence["person"].n_unique()))
    verify_release(folder, internal=True)


@pytest.mark.parametrize("name", ["", ".", "..", "../up", "a/b", ".hidden", "a\0b"])
def test_a_name_is_one_plain_folder(tmp_path: Path, name: str) -> None:
    """Faults 41, for the output."""
    with pytest.raises(BadConfig):
        published(tmp_path, name=name)
