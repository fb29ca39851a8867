"""What a row of an event table holds: an encounter, a diagnosis, a procedure, a measurement or a drug."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mii
from anonymizer.errors import BadInput
from tests.event_exports import ALL, Json, audit, coded, drug, procedure, rows
from tests.fhir_export import (
    ATC,
    CRP,
    ICD,
    LEVEL,
    LOINC,
    OPS,
    concept,
    condition,
    encounter,
    lab,
    patient,
    request,
    role,
    write,
)

SNOMED, PZN = "http://snomed.info/sct", "http://fhir.de/CodeSystem/ifa/pzn"
ALPHA, ORPHA = "http://fhir.de/CodeSystem/bfarm/alpha-id", "http://www.orpha.net"


# encounters ---------------------------------------------------------------------------------------


def test_encounters_are_of_facility_level_or_of_none(tmp_path: Path) -> None:
    below = encounter(
        "below", type=[concept(LEVEL, "abteilungskontakt")], partOf={"reference": "Encounter/e"}
    )
    bare = encounter("bare", type=[], period={"start": "2025-01", "end": "2025-02-02"})
    columns = "admission_date discharge_date length_of_stay_days"
    told = (encounter(), below, bare)
    assert rows(tmp_path, "encounters", columns, *told) == [
        ("2024-02-14", "2024-02-22", 8),
        ("2025-01", "2025-02-02", None),
    ]
    assert audit(tmp_path, "encounters", columns, *told) == {"encounters_of_other_level": 1}


def test_an_encounter_is_an_event_though_it_tells_nothing(tmp_path: Path) -> None:
    assert rows(tmp_path, "encounters", "department", encounter()) == [(None,)]


def test_the_main_diagnosis_is_found_without_a_table_of_diagnoses(tmp_path: Path) -> None:
    stay = encounter(diagnosis=[role("c", "CM"), role("d", "DD")])
    told = (stay, condition("c", "I10.90"), condition("d", "I50.13"))
    assert rows(tmp_path, "encounters", "main_diagnosis", *told) == [("I50.13",)]


def test_every_encounter_is_checked_as_one_that_dates_a_row(tmp_path: Path) -> None:
    wrong = {"period": {"start": "2024-02-30", "end": "2024-03-01"}, "class": {"code": "STAY"}}
    good = encounter("f", period={"start": "2024-02-14T23:30:00-05:00"})
    columns = "admission_date discharge_date class"
    told = (encounter(**wrong), good)
    assert rows(tmp_path, "encounters", columns, *told) == [
        (None, "2024-03-01", None),
        ("2024-02-14", None, None),
    ]
    counted = {"admission_date_invalid": 1, "class_unknown": 1}
    assert audit(tmp_path, "encounters", columns, *told) == {"set_to_missing": counted}


# diagnoses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        ("J12.8 U07.1!", ["J12.8", "U07.1"]),
        ("B05.3+ H67.1*", ["B05.3", "H67.1"]),
        ("B05.3†", ["B05.3"]),
        ("C34.1 C34.1!", ["C34.1"]),
        ("i10.90", ["I10.90"]),
    ],
)
def test_a_double_code_is_two_rows_without_marks(tmp_path: Path, written: str, codes: list[str]) -> None:
    told = rows(tmp_path, "diagnoses", "icd10gm recorded_date", condition("c", written))
    assert told == [(code, "2024-02-15") for code in codes]


def test_a_code_in_the_old_and_the_new_system_is_one_row(tmp_path: Path) -> None:
    code = coded((ICD, "C34.1"), (ICD.replace("bfarm", "dimdi"), "C34.1"), (SNOMED, "254637007"))
    assert rows(tmp_path, "diagnoses", "icd10gm snomed", condition("c", "") | {"code": code}) == [
        ("C34.1", "254637007")
    ]


def test_a_diagnosis_of_another_system_has_a_row_without_icd(tmp_path: Path) -> None:
    rare = condition("c", "558", system=ORPHA, onsetDateTime="1962-05")
    assert rows(tmp_path, "diagnoses", "icd10gm orpha onset_date", rare) == [(None, "558", "1962-05")]
    assert rows(tmp_path, "diagnoses", "icd10gm recorded_date", rare) == [(None, "2024-02-15")]
    assert rows(tmp_path, "diagnoses", "icd10gm alpha_id", rare) == []
    assert audit(tmp_path, "diagnoses", "icd10gm alpha_id", rare) == {"events_that_tell_nothing": 1}


def test_without_the_column_of_icd_a_condition_is_one_row(tmp_path: Path) -> None:
    assert rows(tmp_path, "diagnoses", "recorded_date", condition("c", "J12.8 U07.1!")) == [("2024-02-15",)]


def test_of_two_codes_of_another_system_none_is_chosen(tmp_path: Path) -> None:
    code = coded((ICD, "C34.1"), (SNOMED, "254637007"), (SNOMED, "254632001"), (ALPHA, "I29578"))
    told = condition("c", "") | {"code": code}
    assert rows(tmp_path, "diagnoses", "icd10gm snomed alpha_id", told) == [("C34.1", "I29578", None)]
    counted = {"set_to_missing": {"snomed_ambiguous": 1}}
    assert audit(tmp_path, "diagnoses", "icd10gm snomed", told) == counted


@pytest.mark.parametrize("text", ["Zephyrine Quarles", "Lungenkrebs", "snomed:254637007", "onset:1962"])
def test_a_typed_text_is_no_code_and_counted(tmp_path: Path, text: str) -> None:
    told = (condition("c", text), condition("d", text, system=ALPHA))
    assert rows(tmp_path, "diagnoses", "icd10gm alpha_id snomed onset_date", *told) == []
    counts = audit(tmp_path, "diagnoses", "icd10gm alpha_id", *told)
    assert "Zephyrine" not in str(counts)
    assert counts["codes"]["malformed"] == 1 + len(text.split())


@pytest.mark.parametrize(
    ("elements", "dates", "counted"),
    [
        ({"onsetDateTime": "1962", "recordedDate": "2024-02"}, ("1962", "2024-02"), {}),
        (
            {"onsetPeriod": {"start": "2023-12-31T23:59:00+01:00", "end": "2024"}},
            ("2023-12-31", "2024-02-15"),
            {},
        ),
        ({"recordedDate": "2024-02-15T01:00:00+02:00"}, (None, "2024-02-15"), {}),
        ({"recordedDate": "2024-13-01"}, (None, None), {"recorded_date_invalid": 1}),
        ({"onsetDateTime": "im Mai"}, (None, "2024-02-15"), {"onset_date_invalid": 1}),
    ],
)
def test_dates_of_diagnoses_stay_partial_and_what_is_none_is_counted(
    tmp_path: Path, elements: Json, dates: tuple[Any, ...], counted: Json
) -> None:
    told, columns = condition("c", "C34.1", **elements), "icd10gm onset_date recorded_date"
    assert rows(tmp_path, "diagnoses", columns, told) == [("C34.1", *dates)]
    assert audit(tmp_path, "diagnoses", columns, told).get("set_to_missing", {}) == counted


# procedures ---------------------------------------------------------------------------------------


def test_a_procedure_has_a_row_for_each_of_its_codes(tmp_path: Path) -> None:
    code = coded((OPS, "5-323.51"), (OPS, "8-800.c0"), (SNOMED, "387713003"))
    spanning = {"performedDateTime": None, "performedPeriod": {"start": "2024-02", "end": "2024-03-01"}}
    told = procedure(code=code, **spanning)
    assert rows(tmp_path, "procedures", "ops snomed performed_date", told) == [
        ("5-323.51", "387713003", "2024-02"),
        ("8-800.c0", "387713003", "2024-02"),
    ]
    only = procedure(code=coded((SNOMED, "387713003")), performedDateTime=None)
    assert rows(tmp_path, "procedures", "ops snomed performed_date", only) == [(None, "387713003", None)]
    assert rows(tmp_path, "procedures", "ops", only) == []


def test_codes_of_snomed_leave_the_list_of_ops_as_it_is(tmp_path: Path) -> None:
    told = procedure(code=coded((OPS, "5-323.51"), (SNOMED, "387713003")))
    found = mii.read(write(tmp_path, [patient(), told]), request("ops_all"))
    assert found.frame.rows() == [(["5-323.51"],)]
    assert found.audit["codes"] == {}


# laboratory values --------------------------------------------------------------------------------

LAB = "loinc value unit effective_date"


def quantity(**elements: Any) -> Json:
    return {"valueQuantity": elements}


def test_a_value_is_told_in_the_unit_asked_for(tmp_path: Path) -> None:
    told = (lab("a", None, "2024-02-01", **quantity(value=2.56, code="mg/dL")), lab("b", 3.0, "2024-02"))
    assert rows(tmp_path, "labs", LAB, *told) == [
        ("1988-5", 3.0, "mg/L", "2024-02"),
        ("1988-5", 25.6, "mg/L", "2024-02-01"),
    ]
    assert audit(tmp_path, "labs", LAB, *told) == {"values_converted": 1, "values_used": 2}


@pytest.mark.parametrize(
    ("value", "counted"),
    [
        (quantity(value=5, code="mg/L", comparator="<"), "values_with_comparator"),
        (quantity(value=5), "values_without_unit"),
        ({"dataAbsentReason": concept("x", "unknown")}, "values_absent"),
    ],
)
def test_what_is_no_number_with_a_unit_has_no_row_and_is_counted(
    tmp_path: Path, value: Json, counted: str
) -> None:
    told = (lab("a", None, "2024-02-01", **value), lab("b", 3.0, "2024-02-01"))
    assert rows(tmp_path, "labs", "value", *told) == [(3.0,)]
    assert rows(tmp_path, "labs", "loinc", *told) == [("1988-5",)]
    assert audit(tmp_path, "labs", LAB, *told) == {counted: 1, "values_used": 1}


def test_a_unit_that_does_not_convert_refuses_the_export(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="UCUM"):
        rows(tmp_path, "labs", LAB, lab("a", None, "2024-02-01", **quantity(value=5, code="mmol/L")))


def test_a_measurement_has_a_row_for_each_code_that_is_asked_for(tmp_path: Path) -> None:
    """Codes that nobody asked for have none, and a code that stands there twice has one."""
    asked = {**CRP, "other": mii.Observation("48421-2", "mg/dL")}
    code = concept(LOINC, "1988-5", "1988-5", "48421-2", "718-7")
    told = rows(tmp_path, "labs", "loinc value unit", lab("a", 5.0, None, code=code), observations=asked)
    assert told == [("1988-5", 5.0, "mg/L"), ("48421-2", 0.5, "mg/dL")]


def test_two_names_of_one_code_in_one_unit_are_one_row(tmp_path: Path) -> None:
    asked = {**CRP, "again": CRP["crp"]}
    assert rows(tmp_path, "labs", "value", lab("a", 5.0, None), observations=asked) == [(5.0,)]


def test_a_laboratory_column_counts_a_code_that_stands_there_twice_once(tmp_path: Path) -> None:
    export = write(tmp_path, [patient(), lab("a", 5.0, None, code=concept(LOINC, "1988-5", "1988-5"))])
    assert mii.read(export, request("lab_crp_count")).frame["lab_crp_count"].to_list() == [1]


@pytest.mark.parametrize(
    ("dated", "told"),
    [
        ({"effectivePeriod": {"start": "2024-02-01T08:00:00+01:00", "end": "2024-02-09"}}, "2024-02-01"),
        ({"effectiveInstant": "2024-02-02T00:00:00Z"}, "2024-02-02"),
        ({"effectiveDateTime": "2024"}, "2024"),
        ({"effectiveDateTime": "gestern"}, None),
        ({}, None),
    ],
)
def test_a_measurement_has_the_day_on_which_it_began(tmp_path: Path, dated: Json, told: str | None) -> None:
    value = lab("a", 5.0, None, **dated)
    assert rows(tmp_path, "labs", "value effective_date", value) == [(5.0, told)]
    counts = audit(tmp_path, "labs", "value effective_date", value)
    invalid = {"effective_date_invalid": 1} if dated == {"effectiveDateTime": "gestern"} else {}
    assert counts.get("set_to_missing", {}) == invalid


# medications --------------------------------------------------------------------------------------


def medication(identity: str, code: str, *parts: str, system: str = ATC) -> Json:
    ingredients = [{"itemReference": {"reference": f"Medication/{part}"}} for part in parts]
    told = {"code": concept(system, code), "ingredient": ingredients}
    return {"resourceType": "Medication", "id": identity, **told}


def test_a_drug_has_a_row_for_each_code_behind_its_references(tmp_path: Path) -> None:
    substances = [medication("a", "00451771", "b", "c", system=PZN), medication("b", "C09AA05")]
    told = drug(medicationCodeableConcept=None, medicationReference={"reference": "Medication/a"})
    found = rows(tmp_path, "medications", "atc pzn kind", *substances, medication("c", "B01AC06"), told)
    assert found == [("B01AC06", "00451771", "administration"), ("C09AA05", "00451771", "administration")]


@pytest.mark.parametrize("kind", ["Administration", "Statement", "Request"])
def test_a_drug_was_given_told_of_or_ordered(tmp_path: Path, kind: str) -> None:
    told = rows(tmp_path, "medications", "atc kind start_date", drug(kind=kind))
    assert told == [("C09AA05", kind.lower(), "2024-02-17")]


def test_events_of_different_kinds_may_have_one_id(tmp_path: Path) -> None:
    told = rows(tmp_path, "medications", "atc kind", drug(), drug(code="B01AC06", kind="Request"))
    assert told == [("B01AC06", "request"), ("C09AA05", "administration")]


def test_a_drug_that_is_given_over_days_has_its_first(tmp_path: Path) -> None:
    period = {"effectiveDateTime": None, "effectivePeriod": {"start": "2024-02", "end": "2024-05-01"}}
    assert rows(tmp_path, "medications", "start_date", drug(**period)) == [("2024-02",)]


def test_that_there_was_some_drug_is_a_row_only_where_nothing_else_is_asked(tmp_path: Path) -> None:
    lost = drug(medicationCodeableConcept=None, medicationReference={"reference": "Medication/lost"})
    assert rows(tmp_path, "medications", "kind", lost) == [("administration",)]
    assert rows(tmp_path, "medications", "atc kind", lost) == []
    assert audit(tmp_path, "medications", "atc kind", lost) == {
        "codes": {"medication_references_that_lead_nowhere": 1},
        "events_that_tell_nothing": 1,
    }


# flattened tables ---------------------------------------------------------------------------------


def test_rows_of_a_flattened_table_are_one_event_each(tmp_path: Path) -> None:
    """A flattener writes a row per combination of codings; nothing is known that no column tells."""
    (tmp_path / "Patient.csv").write_text("id,Patient_gender\np,female\n")
    (tmp_path / "Diagnose.csv").write_text(
        "id,patient,Condition_code_codingIcd10gm_code,Condition_code_codingSct_code,Condition_recordedDate\n"
        "c,Patient/p,J12.8 U07.1!,254637007,2024-02-15\n"
        "c,Patient/p,J12.8 U07.1!,,2024-02-15\n"
        "d,Patient/p,C34.1,,2024\n"
    )
    found = mii.read(tmp_path, request("gender", tables=ALL))
    assert found.tables["diagnoses"].rows() == [
        ("p", "C34.1", None, None, None, None, "2024"),
        ("p", "J12.8", None, None, "254637007", None, "2024-02-15"),
        ("p", "U07.1", None, None, "254637007", None, "2024-02-15"),
    ]
    assert found.tables["procedures"].height == 0
    told = found.audit["table_columns_without_source"]
    assert {name.split(".")[0] for name in told} == {*mii.TABLES} - {"diagnoses"}
