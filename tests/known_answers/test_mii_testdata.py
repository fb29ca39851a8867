"""The MII KDS test data 2026.0.0 in five forms: one table, and the outcomes of consent that mii.md states.

A form is compared over the patients it holds and the columns whose elements it holds.
"""

from __future__ import annotations

import gzip
import random
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard

import mii
from anonymizer.errors import ConsentMissing
from mii.consenting import Consented, apply_consent
from mii.gathering import collect
from mii.streaming import Limits
from tests.conftest import SHARED, needs_shared
from tests.fhir_export import request

pytestmark = needs_shared

DATA = SHARED / "data" / "mii-kds-2026"
LINES = DATA / "a_ndjson_per_type"
FORMS = (
    "a_ndjson_per_type",
    "b_bundles_one_file_per_patient",
    "b2_torch_bundle_per_line",
    "c_flattened_csv",
    "d_aether_flattener_csv",
)
ASKED = {
    "leukocytes": mii.Observation("26464-8", "/nL"),
    "haemoglobin": mii.Observation("718-7", "g/dL"),
    "creatinine": mii.Observation("2160-0", "mg/dL"),
    "crp": mii.Observation("1988-5", "mg/L"),
    "width": mii.Observation("788-0", "fL"),
}
LABS = mii.lab_columns(ASKED)
NOT_HELD = {
    "c_flattened_csv": {"ags", "cause_of_death", "atc_all"},
    "d_aether_flattener_csv": {*mii.COLUMNS} - {"patient_id", "deceased", "death_date"},
}
"""What the flattened forms do not hold: c has neither ATC, AGS nor ICD-10 columns, d has two tables."""
WITHOUT_SOURCE = {
    "c_flattened_csv": {"atc_all"},
    "d_aether_flattener_csv": {
        *("encounter_id", "admission_date", "discharge_date", "length_of_stay_days", "department"),
        *("main_diagnosis", "cause_of_death", "icd10gm_all", "ops_all", "atc_all"),
    },
}
"""The columns for which they have no table at all."""

P = "mii-exa-test-data-patient-"


def asked(**changes: Any) -> mii.MiiRequest:
    return request(observations=ASKED, **changes)


def table(path: Path, **changes: Any) -> pl.DataFrame:
    return mii.read(path, asked(**changes)).frame


@pytest.fixture(name="reference", scope="module")
def _reference() -> pl.DataFrame:
    return table(LINES)


@pytest.mark.parametrize(("form", "patients"), list(zip(FORMS, (31, 31, 11, 31, 30), strict=True)), ids=FORMS)
def test_every_form_gives_the_same_table(form: str, patients: int, reference: pl.DataFrame) -> None:
    found = table(DATA / form)
    assert found.height == patients
    same = reference.filter(pl.col("patient_id").is_in(found["patient_id"].to_list()))
    for column in found.columns:
        if column not in NOT_HELD.get(form, set()):
            assert found[column].to_list() == same[column].to_list(), column


@pytest.mark.parametrize("form", FORMS)
def test_what_a_form_has_no_table_for_is_missing_and_named(form: str) -> None:
    found, absent = mii.read(DATA / form, asked()), WITHOUT_SOURCE.get(form, set[str]())
    assert found.audit["columns_without_source"] == sorted(absent)
    lists = {"icd10gm_all", "ops_all", "atc_all"}
    assert all(found.frame[column].null_count() == found.frame.height for column in absent)
    assert all(found.frame[column].null_count() == 0 for column in {*lists, "lab_width_count"} - absent)


@pytest.mark.parametrize("form", FORMS[:4])
def test_every_form_gives_the_same_rows_per_encounter(form: str) -> None:
    """Form c does not tell which Encounter a laboratory value belongs to."""
    whole, found = table(LINES, row="encounter"), table(DATA / form, row="encounter")
    same = whole.filter(pl.col("encounter_id").is_in(found["encounter_id"].to_list()))
    assert found.height == (10 if form.startswith("b2") else 21)
    without_encounter = {*LABS} if form.startswith("c") else set()
    for column in set(found.columns) - NOT_HELD.get(form, set()) - without_encounter:
        assert found[column].to_list() == same[column].to_list(), column


def test_some_cells_of_the_table(reference: pl.DataFrame) -> None:
    """Read from the files by eye."""
    one, four, nine = (
        reference.row(by_predicate=pl.col("patient_id") == f"{P}{n}", named=True) for n in (1, 4, 9)
    )
    assert {name: one[name] for name in mii.COLUMNS[2:-1]} == {
        "gender": "male",
        "birth_date": "1977-05-24",
        "age_years": 49,
        "plz": "13051",
        "ags": "11000000",
        "deceased": True,
        "death_date": "2024-02-22",
        "cause_of_death": "A15.0",
        "admission_date": "2024-02-14",
        "discharge_date": "2024-02-22",
        "length_of_stay_days": 8,
        "department": "0100",
        "main_diagnosis": None,
        "icd10gm_all": ["B05.3", "H67.1"],
        "ops_all": ["5-323.51", "6-00g.33"],
    }
    assert (one["lab_leukocytes_last"], one["lab_width_count"], one["lab_width_last"]) == (17.0, 0, None)
    assert (four["birth_date"], four["age_years"], four["plz"]) == ("1962", None, "10")
    assert (nine["plz"], nine["icd10gm_all"]) == ("01067", ["N83.2"])


def test_what_was_read_of_the_bundles() -> None:
    """726 entries are 630 resources."""
    audit = mii.read(DATA / "b_bundles_one_file_per_patient", asked()).audit
    assert (audit["resources_read"], audit["resources_unique"], audit["bundles"]) == (726, 630, 22)
    assert audit["resources_duplicate_with_other_content"] == {}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("packing", ["gz", "zst", "zip"])
def test_packed_forms_give_the_same_table(tmp_path: Path, form: str, packing: str) -> None:
    files = sorted(path for path in (DATA / form).iterdir() if path.is_file())
    if packing == "zip":
        with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                archive.write(path, path.name)
    packers: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "zst": zstandard.compress}
    for path in files if packing in packers else ():
        (tmp_path / f"{path.name}.{packing}").write_bytes(packers[packing](path.read_bytes()))
    target = tmp_path / "export.zip" if packing == "zip" else tmp_path
    assert table(target).equals(table(DATA / form))


@pytest.mark.parametrize("seed", [1, 2])
def test_permuted_lines_and_files_give_the_same_table(
    tmp_path: Path, seed: int, reference: pl.DataFrame
) -> None:
    lines = [line for path in sorted(LINES.iterdir()) for line in path.read_bytes().splitlines()]
    random.Random(seed).shuffle(lines)
    for part in range(4):
        (tmp_path / f"{part}.ndjson").write_bytes(b"\n".join(lines[part::4]) + b"\n")
    assert table(tmp_path).equals(reference)


def consented(form: str = FORMS[0], **changes: Any) -> Consented:
    wanted = asked(consent_required=True, **changes)
    return apply_consent(collect(DATA / form, wanted, limits=Limits())[0], wanted)


def per_patient(counts: Any, number: int) -> int:
    return sum(of_type[f"{P}{number}"] for of_type in counts.values())


@pytest.mark.parametrize("form", FORMS[:3])
def test_consent_has_the_outcomes_that_are_stated(form: str) -> None:
    """pat-8 fails the gate, pat-11 has no Consent, pat-1 keeps 3 resources of 26, pat-2 none of 24."""
    found = consented(form)
    accepted = {f"{P}{number}" for number in (1, 2, 3, 4, 5, 6, 7, 9, 10)}
    assert set(found.collected.persons) == accepted
    assert not found.decisions[f"{P}8"].accepted
    assert f"{P}11" not in found.decisions
    window = found.decisions[f"{P}3"].window
    assert window is not None
    assert window.intervals[0][0].isoformat() == "2022-04-02"
    counts = {n: (per_patient(found.kept, n), per_patient(found.dropped, n)) for n in (1, 2)}
    assert counts == {1: (3, 23), 2: (0, 24)}


def test_what_consent_leaves_is_what_the_table_tells() -> None:
    """pat-1's resources are older than her consent, pat-3's stay begins before it and counts."""
    found = table(LINES, consent_required=True)
    assert found.height == 9
    one, three = (found.row(by_predicate=pl.col("patient_id") == f"{P}{n}", named=True) for n in (1, 3))
    assert (one["encounter_id"], one["icd10gm_all"], one["lab_leukocytes_count"]) == (None, [], 0)
    assert (one["birth_date"], one["atc_all"]) == ("1977-05-24", ["B01AC06"])
    assert three["admission_date"] == "2022-04-02"
    assert (three["icd10gm_all"], three["ops_all"]) == (["C21.8"], ["5-485.02", "6-001.h4"])
    assert three["lab_leukocytes_last"] == 12.5


def test_the_audit_tells_of_consent_in_counts_alone() -> None:
    audit = mii.read(LINES, asked(consent_required=True)).audit
    told = audit["consent"]
    assert isinstance(told, dict)
    assert told["patients_by_reason"] == {
        "X.8 is not permitted on the reference date or the run's date": 1,
        "accepted": 9,
        "no Consent": 21,
    }
    totals = Counter({name: sum(told[name].values()) for name in told if name.startswith("resources_")})
    assert totals == {
        "resources_kept": 116,
        "resources_dropped_outside_window": 51,
        "resources_dropped_patient_not_accepted": 302,
    }
    assert (audit["patients_in"], audit["patients_out"], told["consents"]) == (31, 9, 10)
    assert P not in str(audit)


@pytest.mark.parametrize("form", FORMS[3:])
def test_the_flattened_forms_hold_no_consent(form: str) -> None:
    with pytest.raises(ConsentMissing, match="holds no Consent"):
        table(DATA / form, consent_required=True)
