"""A release that holds its tables as FHIR once more, from the config to `anon verify`."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import mii
from release.files import fhir
from release.files.staging import Staging
from release.verifying.promise import Promise
from release.verifying.verify import VerifiedRelease, verify
from tests.cli.test_linked_runs import copied
from tests.runs import Result, anon

FHIR = (
    ("formats: [parquet, csv]", "formats: [parquet, fhir]"),
    ("time: {relative: {columns: [labs.effective_date], to: admission_date}}", ""),
    ("    effective_date: {role: sensitive}\n", ""),
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fhir")
    result = anon("run", copied(folder, *FHIR), "--quiet")
    assert result.code == 0, result.err
    return folder / "releases" / "sample-linked-tables"


def resources(release: Path) -> dict[str, list[dict[str, object]]]:
    files = (release / "release" / "data" / "fhir").iterdir()
    return {path.stem: [json.loads(line) for line in path.read_text().splitlines()] for path in files}


def test_there_is_a_resource_for_every_row(published: Path) -> None:
    data = published / "release" / "data"
    rows = {path.stem: pl.read_parquet(path).height for path in data.glob("*.parquet")}
    found = {kind: len(of_kind) for kind, of_kind in resources(published).items()}
    assert found["Patient"] == rows["patients"]
    assert found["Condition"] == rows["diagnoses"]
    assert found["Encounter"] == rows["encounters"]
    assert found["Procedure"] == rows["procedures"]
    drugs = sum(n for kind, n in found.items() if kind.startswith("Medication"))
    assert drugs == rows["medications"]
    assert found["Observation"] >= rows["labs"]


def test_our_own_reader_reads_it_as_an_export(published: Path) -> None:
    request = mii.MiiRequest(
        row="patient",
        index_encounter="first",
        observations={},
        retrospective=False,
        columns=frozenset({"patient_id", "gender"}),
        reference_date=date(2026, 11, 22),
        consent_date=date(2026, 11, 22),
        consent_required=False,
        tables={"diagnoses": frozenset({"icd10gm"})},
    )
    export = mii.read(published / "release" / "data" / "fhir", request)
    people = pl.read_parquet(published / "release" / "data" / "patients.parquet")
    theirs = export.frame.select(person="patient_id", gender="gender").sort("person")
    ours = people.select("person", pl.col("gender").replace("*", None)).sort("person")
    assert theirs.equals(ours)
    events = pl.read_parquet(published / "release" / "data" / "diagnoses.parquet")
    assert sorted(export.tables["diagnoses"].iter_rows()) == sorted(events.iter_rows())


def test_the_papers_name_the_files_and_anybody_reads_them_back(published: Path) -> None:
    package = json.loads((published / "release" / "datapackage.json").read_text())
    names = [each["path"] for each in package["resources"] if each["format"] == "ndjson"]
    manifest = json.loads((published / "release" / "manifest.json").read_text())
    assert sorted(names) == sorted(manifest["fhir"])
    assert anon("verify", published).code == 0


def tampered_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes, new: bytes) -> Result:
    def tampered(staging: Staging, promise: Promise) -> VerifiedRelease:
        path = staging.data / fhir.FOLDER / "Patient.ndjson"
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new, 1))
        return verify(staging, promise)

    monkeypatch.setattr("release.run.verify", tampered)
    return anon("run", copied(tmp_path, *FHIR), "--quiet")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"gender":"male"', b'"gender":"female"'),
        (b',"gender":"male"', b""),
        (b'"resourceType":"Patient",', b'"resourceType":"Patient","name":[{"family":"Muster"}],'),
        (b"}\n", b"}\n\n"),
    ],
)
def test_resources_that_tell_another_thing_than_the_tables_are_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes, new: bytes
) -> None:
    assert tampered_run(tmp_path, monkeypatch, old, new).code == 11
    assert not (tmp_path / "releases" / "sample-linked-tables").exists()


def test_a_file_that_nobody_promised_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def added(staging: Staging, promise: Promise) -> VerifiedRelease:
        (staging.data / fhir.FOLDER / "Consent.ndjson").write_text('{"resourceType": "Consent"}\n')
        return verify(staging, promise)

    monkeypatch.setattr("release.run.verify", added)
    assert anon("run", copied(tmp_path, *FHIR), "--quiet").code == 11


def test_patients_alone_are_numbered_in_the_order_of_their_rows(tmp_path: Path) -> None:
    config = copied(
        tmp_path,
        *FHIR,
        ("  km_anonymity: {column: events, k: 5, m: 2}\n", ""),
        ("tables:\n", "unused:\n"),
    )
    text = config.read_text()
    start, end = text.index("unused:"), text.index("privacy:")
    config.write_text(text[:start] + text[end:])
    assert anon("run", config, "--quiet").code == 0
    release = tmp_path / "releases" / "sample-linked-tables"
    ids = [each["id"] for each in resources(release)["Patient"]]
    assert ids == sorted(ids)
    assert ids[0] == "p0001"
    assert anon("verify", release).code == 0


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("formats: [parquet, fhir]", "formats: [fhir]"), "needs parquet or csv beside fhir"),
        (
            ("output:", "time: {relative: {columns: [labs.effective_date], to: admission_date}}\noutput:"),
            "days since an",
        ),
        (("  gender:", "  lab_crp_last: {role: sensitive, clip: [0, 300]}\n  gender:"), "lab_crp_last"),
    ],
)
def test_what_fhir_cannot_hold_is_refused(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    result = anon("check", copied(tmp_path, *FHIR, change))
    assert result.code == 78
    assert told in result.err
