"""A code has the shape of its system's; what somebody typed in its place reaches no column and is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

import mii
from mii.code_shapes import FITS
from mii.tokens import ALPHA_ID, ATC, ICD_10_GM, OPS, ORPHA, PZN, SNOMED
from mii.views.declaring import SYSTEMS, Declared
from tests.event_exports import audit, drug, procedure, rows
from tests.fhir_export import ICD, condition, encounter, patient, request, role, write

KVNR, TELEPHONE, BIRTH, HOUSE = "A123456780", "0341.1234567", "1960-05-24", "0074812"
TYPED = (KVNR, TELEPHONE, "03411234567", "+493411234567", BIRTH, "24.05.1960", "A1B2")


@pytest.mark.parametrize(
    ("system", "codes"),
    [
        (ICD_10_GM, ["I50", "I50.1", "I50.13", "I5013", "I50.-", "I50.1-", "i50.13", "U99.0"]),
        (OPS, ["5-323.51", "5-323.5", "5-323", "5-32", "8-98f.0", "5-98a.x", "5-98A.X", "9-999.yy"]),
        (ATC, ["A", "A01", "A01A", "A01AB", "A01AB12", "l01xc02"]),
        (ALPHA_ID, ["I29578", "I125918"]),
        (ORPHA, ["98896", "ORPHA:98896", "ORPHA98896"]),
        (SNOMED, ["138875005", "254637007", "999999991000001101"]),
        (PZN, ["1234567", "12345678"]),
    ],
)
def test_codes_of_every_length_have_the_shape(system: str, codes: list[str]) -> None:
    assert all(map(FITS[system], codes))


@pytest.mark.parametrize("system", sorted(FITS))
def test_numbers_of_cards_and_telephones_and_dates_have_it_in_no_system(system: str) -> None:
    assert not [text for text in TYPED if FITS[system](text)]


@pytest.mark.parametrize("typed", [KVNR, TELEPHONE, BIRTH, HOUSE, "I123456780"])
def test_a_typed_number_is_no_diagnosis(tmp_path: Path, typed: str) -> None:
    """The same in the main diagnosis, the list of diagnoses, the cause of death and the event table."""
    stay = encounter(diagnosis=[role("c", "DD", 1)])
    died = condition("d", f"I21.9 {typed}", system="http://hl7.org/fhir/sid/icd-10")
    resources = [stay, condition("c", typed), died]
    columns = ("main_diagnosis", "icd10gm_all", "cause_of_death")
    found = mii.read(write(tmp_path, [patient(), *resources]), request(*columns))
    assert found.frame.rows() == [("I21.9", None, [])]
    assert found.audit["codes"] == {"malformed": 1}
    counts = found.audit["set_to_missing"]
    assert isinstance(counts, dict)
    assert counts["main_diagnosis_malformed"] == counts["cause_of_death_malformed"] == 1
    both = condition("e", f"C34.1 {typed}")
    assert rows(tmp_path, "diagnoses", "icd10gm", both) == [("C34.1",)]
    assert audit(tmp_path, "diagnoses", "icd10gm", both)["codes"] == {"malformed": 1}


@pytest.mark.parametrize("typed", [KVNR, TELEPHONE, BIRTH, HOUSE])
def test_a_typed_number_is_no_procedure_and_no_drug(tmp_path: Path, typed: str) -> None:
    assert rows(tmp_path, "procedures", "ops", procedure("o", typed)) == []
    assert audit(tmp_path, "procedures", "ops", procedure("o", typed))["codes"] == {"malformed": 1}
    taken = drug("m", typed)
    assert rows(tmp_path, "medications", "atc", taken) == []
    assert audit(tmp_path, "medications", "atc", taken)["codes"] == {"malformed": 1}


def test_a_declared_column_of_a_named_system_holds_codes_of_its_shape(tmp_path: Path) -> None:
    """Where no system is named, only the length and the signs are known."""
    told = [patient(), condition("a", KVNR)]
    for system, cell in ((ICD, None), (None, KVNR)):
        declared = Declared("x", "Condition", SYSTEMS["icd10gm"], (KVNR,), "code", system=system)
        found = mii.read(write(tmp_path, told), request("patient_id", "x", declared=(declared,)))
        assert found.frame["x"].to_list() == [cell]
        counts = found.audit["views"]
        assert isinstance(counts, dict)
        assert counts.get("values_malformed", 0) == (cell is None)
