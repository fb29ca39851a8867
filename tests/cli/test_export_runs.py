"""``anon run`` over core-dataset exports: the form leaves no trace, and nothing of a patient is printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SHARED, needs_shared
from tests.runs import Result, anon, files
from tests.tiny_export import (
    Json,
    bundle_files,
    bundle_lines,
    gzipped,
    ndjson,
    resources,
    urn_files,
    zipped,
    zstandard_packed,
)

KDS = SHARED / "data/mii-kds-2026"
CONFIG = """\
name: export
reference_date: 2026-11-22
input:
  mii:
    path: "{path}"
    consent: required
    consent_date: 2026-11-22
    observations: {{crp: {{loinc: 1988-5, unit: mg/L}}}}
subject: patient_id
columns:
  patient_id: {{role: identifier}}
  gender: {{role: quasi-identifier, hierarchy: suppression}}
  age_years: {{role: quasi-identifier, hierarchy: {{bands: [10, 20], top: 90}}}}
  plz: {{role: quasi-identifier, hierarchy: plz}}
  admission_date: {{role: quasi-identifier, hierarchy: {{date: [year]}}}}
  main_diagnosis: {{role: quasi-identifier, hierarchy: icd-10-gm, sensitive: true}}
  ops_all: {{role: sensitive}}
  atc_all: {{role: sensitive}}
  lab_crp_*: {{role: sensitive}}
privacy: {{k_anonymity: 2, suppression_limit: 0.5}}
output: {{directory: out, formats: [csv, parquet]}}
"""
FORMS: dict[str, Callable[[Path, list[Json]], Path]] = {
    "lines of resources": ndjson,
    "lines of Bundles": bundle_lines,
    "Bundle files": bundle_files,
    "Bundle files that refer by urn:uuid": urn_files,
    "zip of lines of resources": partial(zipped, ndjson),
    "zip of Bundle files": partial(zipped, bundle_files),
    "gzip of lines of resources": partial(gzipped, ndjson),
    "gzip of lines of Bundles": partial(gzipped, bundle_lines),
    "zstd of lines of resources": partial(zstandard_packed, ndjson),
    "zstd of lines of Bundles": partial(zstandard_packed, bundle_lines),
}


def run(folder: Path, export: Path) -> Result:
    """A run in ``folder`` over an export."""
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(path=export), encoding="utf-8")
    return anon("run", config)


def released(folder: Path) -> dict[str, bytes]:
    return files(folder / "out/export/release")


def in_form(folder: Path, form: str) -> dict[str, bytes]:
    """What is released of the tiny export, written in ``form``."""
    folder.mkdir()
    result = run(folder, FORMS[form](folder / "export", resources()))
    assert result.code == 0, result.err
    return released(folder)


@pytest.fixture(scope="module")
def of_lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return in_form(tmp_path_factory.mktemp("lines") / "of", "lines of resources")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_export_gives_the_same_release(
    of_lines: dict[str, bytes], tmp_path: Path, form: str
) -> None:
    """Data, reports and manifest: nothing in the release tells in which form the data came."""
    assert in_form(tmp_path / "run", form) == of_lines


def test_what_is_compared_holds_values_of_every_kind(of_lines: dict[str, bytes]) -> None:
    table = of_lines["data/patients.csv"].decode()
    assert len(table.splitlines()) > 10
    for value in ("female", "I50.13", "5-323.51", "C09AA05", "2021", "30.0"):
        assert value in table, value


def texts(element: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(element, dict):
        element = list(element.values())
    if isinstance(element, list):
        for inner in element:
            yield from texts(inner)
    elif isinstance(element, str):
        yield element


def personal(folder: Path) -> set[str]:
    """Ids, names, numbers, dates, addresses and codes of the patients in an export of lines of resources."""
    told = {
        "Patient": ("id", "identifier", "name", "birthDate", "address", "telecom", "deceasedDateTime"),
        "Condition": ("id", "identifier", "code", "recordedDate", "note"),
        "Encounter": ("id", "identifier", "period"),
        "Observation": ("id", "identifier", "effectiveDateTime", "valueString"),
        "Procedure": ("id", "identifier", "code", "performedDateTime"),
        "Consent": ("id", "identifier", "dateTime"),
    }
    found = set[str]()
    for kind, elements in told.items():
        for line in (folder / f"{kind}.ndjson").read_text(encoding="utf-8").splitlines():
            resource = json.loads(line)
            found.update(text for name in elements for text in texts(resource.get(name)))
    return {text for text in found if len(text) > 3}


@needs_shared
def test_the_published_test_data_run_through_and_print_nothing_of_a_patient(tmp_path: Path) -> None:
    export = KDS / "a_ndjson_per_type"
    result = run(tmp_path, export)
    assert result.code in (0, 10), result.err

    printed = result.out + result.err
    secrets = personal(export)
    assert len(secrets) > 500
    assert {text for text in secrets if text in printed} == set()
    logs = [content.decode() for name, content in files(tmp_path).items() if name.endswith("log.jsonl")]
    assert {text for text in secrets if any(text in log for log in logs)} == set()


@needs_shared
def test_three_forms_of_the_published_test_data_give_the_same_release(tmp_path: Path) -> None:
    releases = []
    for form in ("a_ndjson_per_type", "b_bundles_one_file_per_patient", "b2_torch_bundle_per_line"):
        folder = tmp_path / form
        folder.mkdir()
        result = run(folder, KDS / form)
        assert result.code == 0, result.err
        releases.append(released(folder))
    assert releases[0] == releases[1] == releases[2]


def test_consent_is_counted_in_the_audit_and_in_the_internal_report(tmp_path: Path) -> None:
    result = run(tmp_path, ndjson(tmp_path / "export", resources(24)))
    assert result.code == 0, result.err
    internal = tmp_path / "out/export/internal"
    counted = json.loads((internal / "audit.json").read_text())["reading"]
    consent = counted["consent"]
    assert consent["patients_by_reason"] == {"accepted": 18, "no Consent": 6}
    assert counted["patients_in"] == 24
    assert consent["resources_dropped_patient_not_accepted"]["Encounter"] >= 6
    report = (internal / "risk_report.html").read_text()
    for told in ("patients by reason", "no Consent", "resources dropped patient not accepted"):
        assert told in report, told
    assert "no Consent" not in (tmp_path / "out/export/release/release_report.html").read_text()
