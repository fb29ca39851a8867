"""FHIR out, as a manual: which element a column becomes at each level, and what has no element."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import mii
from anonymizer.errors import BadConfig, BadInput
from mii.writing import COLUMNS, read_back, require_writable, resources
from tests.fhir_export import CRP, request

Json = dict[str, Any]
MASKED = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}
UNKNOWN = MASKED | {"valueCode": "unknown"}
UCUM = "http://unitsofmeasure.org"


def label(text: str) -> Json:
    """A primitive element that is not told exactly."""
    rendered = {"url": "http://hl7.org/fhir/StructureDefinition/rendered-value", "valueString": text}
    return {"extension": [MASKED, rendered]}


def because(reason: Json) -> Json:
    return {"extension": [reason]}


def one(kind: str, table: str, /, **cells: Any) -> Json:
    """The only resource of a type that is written of one row."""
    text = {name: pl.String for name, cell in cells.items() if cell is None}
    row = pl.DataFrame({"person": ["a1"], **{name: [cell] for name, cell in cells.items()}}).cast(text)
    tables = {"patients": pl.DataFrame({"person": ["a1"]}), table: row}
    lines = list(resources(tables)[kind])
    assert len(lines) == 1
    found: Json = json.loads(lines[0])
    return found


def holding(found: Json, expected: Json) -> bool:
    """Whether the expected members are there, and no other of their names (with or without underline)."""
    names = {name.lstrip("_") for name in expected}
    return {name: found[name] for name in found if name.lstrip("_") in names} == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1962-05-24", {"birthDate": "1962-05-24"}),
        ("1962-05", {"birthDate": "1962-05"}),
        ("1962", {"birthDate": "1962"}),
        ("1962-Q2", {"_birthDate": label("1962-Q2")}),
        ("[1960, 1964]", {"_birthDate": label("[1960, 1964]")}),
        ("*", {"_birthDate": because(MASKED)}),
        (None, {}),
    ],
)
def test_a_birth_date_is_as_exact_as_it_was_released(cell: str | None, expected: Json) -> None:
    found = one("Patient", "patients", birth_date=cell)
    assert {name: found[name] for name in found if "birthDate" in name} == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("79312", {"postalCode": "79312"}),
        ("793", {"postalCode": "793"}),
        ("Baden", {"_postalCode": label("Baden")}),
        ("*", {"_postalCode": because(MASKED)}),
    ],
)
def test_a_postal_code_may_be_a_prefix(cell: str, expected: Json) -> None:
    address = one("Patient", "patients", plz=cell)["address"][0]
    assert address == {"type": "both", **expected, "_country": because(UNKNOWN)}


def test_a_municipality_stands_beside_a_masked_city() -> None:
    address = one("Patient", "patients", ags="09162")["address"][0]
    masked, ags = address["_city"]["extension"]
    assert masked == MASKED
    assert ags["valueCoding"] == {"system": "http://fhir.de/sid/destatis/ags", "code": "09162"}


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("I21.4", {"code": "I21.4"}),
        ("I21", {"code": "I21"}),
        ("I20-I25", {"_code": label("I20-I25")}),
        ("IX", {"_code": label("IX")}),
        ("*", {"_code": because(MASKED)}),
    ],
)
def test_a_diagnosis_is_a_code_down_to_three_characters(cell: str, expected: Json) -> None:
    coding = one("Condition", "diagnoses", icd10gm=cell)["code"]["coding"]
    system = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
    assert coding == [{"system": system, "_version": because(UNKNOWN), **expected}]


def test_what_a_profile_demands_and_no_column_tells_is_said_to_be_absent() -> None:
    assert one("Condition", "diagnoses")["code"] == {"coding": [because(MASKED)]}
    assert one("Condition", "diagnoses", icd10gm=None)["code"] == {"coding": [because(UNKNOWN)]}
    assert one("Condition", "diagnoses", recorded_date=None)["_recordedDate"] == because(UNKNOWN)
    assert one("Encounter", "encounters")["period"] == {"_start": because(MASKED)}
    assert one("MedicationRequest", "medications", kind="request")["_intent"] == because(UNKNOWN)


def test_a_discharge_stands_beside_an_admission_of_which_nothing_is_told() -> None:
    stay = one("Encounter", "encounters", discharge_reason="079")["hospitalization"]
    assert stay["admitSource"] == because(MASKED)
    places = stay["dischargeDisposition"]["extension"][0]["extension"]
    assert [(each["url"], each["valueCoding"]["code"]) for each in places] == [
        ("ErsteUndZweiteStelle", "07"),
        ("DritteStelle", "9"),
    ]


@pytest.mark.parametrize(
    ("cell", "category"), [("5-323.51", "387713003"), ("5-32", "387713003"), ("5", "387713003")]
)
def test_a_procedures_category_is_the_chapter_of_its_code(cell: str, category: str) -> None:
    found = one("Procedure", "procedures", ops=cell)
    assert found["category"] == {"coding": [{"system": "http://snomed.info/sct", "code": category}]}


def test_a_chapter_of_ops_and_a_suppressed_code_are_no_codes() -> None:
    assert "code" not in one("Procedure", "procedures", ops="5")["code"]["coding"][0]
    hidden = one("Procedure", "procedures", ops="*")
    assert hidden["code"]["coding"][0]["_code"] == because(MASKED)
    assert hidden["category"]["coding"][0]["_code"] == because(MASKED)


@pytest.mark.parametrize("cell", ["C09AA05", "C09AA", "C09A", "C09", "C"])
def test_every_level_of_atc_is_a_code(cell: str) -> None:
    concept = one("MedicationStatement", "medications", atc=cell)["medicationCodeableConcept"]
    assert concept == {"coding": [{"system": "http://fhir.de/CodeSystem/bfarm/atc", "code": cell}]}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (
            {"value": 0.5, "unit": "mg/L", "comparator": "<"},
            {"valueQuantity": {"value": 0.5, "comparator": "<", "system": UCUM, "code": "mg/L"}},
        ),
        (
            {"value": "[40, 44]", "unit": "mg/L"},
            {
                "valueRange": {
                    "low": {"value": 40, "system": UCUM, "code": "mg/L"},
                    "high": {"value": 44, "system": UCUM, "code": "mg/L"},
                }
            },
        ),
        (
            {"value": "[90, *)", "unit": "mg/L"},
            {"valueRange": {"low": {"value": 90, "system": UCUM, "code": "mg/L"}}},
        ),
        (
            {"value": "[9, 1]", "unit": "mg/L"},
            {"valueQuantity": {"_value": label("[9, 1]"), "system": UCUM, "code": "mg/L"}},
        ),
        (
            {"value": "*", "unit": "Stück"},
            {
                "valueQuantity": {
                    "_value": because(MASKED),
                    "unit": "Stück",
                    "system": UCUM,
                    "_code": because(UNKNOWN),
                }
            },
        ),
    ],
)
def test_a_laboratory_value_is_a_quantity_or_a_range(cells: Json, expected: Json) -> None:
    found = one("Observation", "labs", **cells)
    assert {name: found[name] for name in found if name.startswith("value")} == expected


@pytest.mark.parametrize(("cells", "reason"), [({"value": None}, "unknown"), ({"value": "*"}, "masked")])
def test_a_missing_laboratory_value_says_why(cells: Json, reason: str) -> None:
    assert one("Observation", "labs", **cells)["dataAbsentReason"]["coding"][0]["code"] == reason


def test_a_month_is_no_time_of_a_laboratory_value() -> None:
    """Invariant mii-lab-1: a whole day, or a label."""
    assert one("Observation", "labs", effective_date="2020-05-04")["effectiveDateTime"] == "2020-05-04"
    assert one("Observation", "labs", effective_date="2020-05")["_effectiveDateTime"] == label("2020-05")


def test_an_age_is_an_observation_of_its_own() -> None:
    found = one("Observation", "patients", age_years="[40, 44]")
    assert found["code"]["coding"] == [{"system": "http://loinc.org", "code": "30525-0"}]
    years = {"system": UCUM, "code": "a"}
    assert found["valueRange"] == {"low": {"value": 40, **years}, "high": {"value": 44, **years}}


def test_a_stay_in_days_is_a_length() -> None:
    days = {"unit": "d", "system": UCUM, "code": "d"}
    assert one("Encounter", "encounters", length_of_stay_days=8)["length"] == {"value": 8, **days}
    banded = one("Encounter", "encounters", length_of_stay_days="[7, 13]")
    assert banded["length"] == {"_value": label("[7, 13]"), **days}


def test_a_main_diagnosis_is_a_condition_inside_its_stay() -> None:
    found = one("Encounter", "encounters", main_diagnosis="I21")
    inside, named = found["contained"][0], found["diagnosis"][0]
    assert inside["code"]["coding"][0]["code"] == "I21"
    assert inside["subject"] == found["subject"]
    assert named["condition"] == {"reference": f"#{inside['id']}"}
    assert "security" not in inside.get("meta", {}), "FHIR's dom-5 allows none inside another resource"


def test_death_is_told_once_in_the_patient_and_beside_a_date_as_vital_status() -> None:
    assert one("Patient", "patients", deceased=True)["deceasedBoolean"] is True
    dated = {"deceased": "true", "death_date": "2020"}
    assert holding(one("Patient", "patients", **dated), {"deceasedDateTime": "2020"})
    vital = one("Observation", "patients", **dated)
    assert vital["valueCodeableConcept"]["coding"][0]["code"] == "T"
    assert holding(one("Patient", "patients", death_date="*"), {"_deceasedDateTime": because(MASKED)})


def test_a_label_is_no_vital_status_though_it_is_its_code() -> None:
    coding = one("Observation", "patients", deceased="T")["valueCodeableConcept"]["coding"][0]
    assert holding(coding, {"_code": label("T")})


def test_a_suppressed_cause_of_death_does_not_say_that_there_is_one() -> None:
    assert one("Condition", "patients", cause_of_death="I21")["id"] == "a1-cause"
    hidden = one("Observation", "patients", cause_of_death="*")
    assert hidden["dataAbsentReason"]["coding"][0]["code"] == "masked"


def test_events_are_numbered_by_what_they_tell() -> None:
    codes = pl.DataFrame({"person": ["b2", "a1", "a1"], "icd10gm": ["I10", "J18", "E11"]})
    tables = {"patients": pl.DataFrame({"person": ["b2", "a1"]}), "diagnoses": codes}
    found = [json.loads(line) for line in resources(tables)["Condition"]]
    told = [(each["id"], each["code"]["coding"][0]["code"]) for each in found]
    assert told == [("a1-d1", "E11"), ("a1-d2", "J18"), ("b2-d1", "I10")]


@pytest.mark.parametrize(
    ("columns", "rule"),
    [
        ({"labs": ["loinc"]}, "FHIR needs the table patients"),
        ({"patients": [], "tumours": ["stage"]}, "the table 'tumours' has no resource"),
        ({"patients": ["person", "birth_date_from"]}, "no element of FHIR for this column of patients"),
    ],
)
def test_a_column_without_an_element_is_refused_before_the_run(columns: Any, rule: str) -> None:
    with pytest.raises(BadConfig, match=rule):
        require_writable(columns)


def test_every_column_with_an_element_is_accepted() -> None:
    require_writable({table: ["person", *columns] for table, columns in COLUMNS.items()})


@pytest.mark.parametrize(
    ("table", "cells", "error"),
    [
        ("encounters", {"admission_date": 17}, BadConfig),
        ("diagnoses", {"icd10gm": ["I10", "I11"]}, BadConfig),
        ("diagnoses", {"icd10gm": " "}, BadInput),
        ("diagnoses", {"icd10gm": "I10\x00"}, BadInput),
        ("labs", {"value": float("nan")}, BadInput),
        ("labs", {"person": "b2"}, BadInput),
        ("patients", {"person": "no id"}, BadInput),
    ],
)
def test_what_fhir_cannot_hold_is_refused_before_a_line(table: str, cells: Json, error: Any) -> None:
    row = pl.DataFrame({name: [cell] for name, cell in {"person": "a1", **cells}.items()})
    with pytest.raises(error):
        resources({"patients": pl.DataFrame({"person": ["a1"]}), table: row})


RELEASED = {
    "patients": {
        **{"person": ["a1", "b2"], "gender": ["other", "*"], "gender_amtlich": ["D", None]},
        **{"birth_date": ["1962-05-24", "1970"], "plz": ["01067", "793"], "ags": ["14612000", "08"]},
        **{"deceased": ["true", "false"], "death_date": ["2024-02-22", None]},
        "cause_of_death": ["I21.4", None],
    },
    "encounters": {
        **{"person": ["a1", "b2"], "admission_date": ["2024-02-14", "2023-07"]},
        **{"discharge_date": ["2024-02-22", None], "department": ["0100", "*"]},
        **{"encounter_level": ["einrichtungskontakt", None], "contact_type": ["normalstationaer", "*"]},
        **{"class": ["IMP", None], "admission_reason": ["0101", "*"], "admission_source": ["E", "*"]},
        "discharge_reason": ["079", None],
    },
    "diagnoses": {
        **{"person": ["a1", "a1", "b2"], "icd10gm": ["I50.13", "E11.90", "I20-I25"]},
        **{"alpha_id": ["I29578", None, "*"], "orpha": [None, "586", None]},
        "snomed": ["404684003", None, None],
    },
    "procedures": {
        **{"person": ["a1", "a1", "b2"], "ops": ["5-323.51", "8-800.c0", "8"]},
        "performed_date": ["2024-02-15", "2024-02-20", "2023"],
    },
    "labs": {
        **{"person": ["a1", "a1", "b2"], "loinc": ["1988-5"] * 3, "value": [5.0, 90.5, 7.0]},
        **{"unit": ["mg/L", "mg/dL", "mg/L"], "comparator": [None, None, "<"]},
        "effective_date": ["2024-02-14", "2024-02-20", "2023-07-01"],
    },
    "medications": {
        **{"person": ["a1", "a1", "b2"], "atc": ["C09AA05", "B01AC06", "C09"]},
        **{"pzn": ["06312077", None, "*"], "kind": ["administration", "request", "statement"]},
        "start_date": ["2024-02-15", "2024-02-14", "2023-Q3"],
    },
}
AS_READ: dict[str, dict[str, Any]] = {
    "a1": {
        **{"gender": "other", "gender_amtlich": "D", "birth_date": "1962-05-24", "age_years": 64},
        **{"plz": "01067", "ags": "14612000", "deceased": True, "death_date": "2024-02-22"},
        **{"cause_of_death": "I21.4", "admission_date": "2024-02-14", "discharge_date": "2024-02-22"},
        **{"length_of_stay_days": 8, "department": "0100", "encounter_level": "einrichtungskontakt"},
        **{"contact_type": "normalstationaer", "class": "IMP", "admission_reason": "0101"},
        **{"admission_source": "E", "discharge_reason": "079", "icd10gm_all": ["E11.90", "I50.13"]},
        **{"alpha_id_all": ["I29578"], "orpha_all": ["586"], "snomed_all": ["404684003"]},
        **{"ops_all": ["5-323.51", "8-800.c0"], "performed_first": "2024-02-15"},
        **{"performed_last": "2024-02-20", "atc_all": ["B01AC06", "C09AA05"], "pzn_all": ["06312077"]},
        **{"lab_crp_first": 5.0, "lab_crp_last": 905.0, "lab_crp_count": 2},
    },
    "b2": {
        **dict.fromkeys(("gender", "gender_amtlich", "age_years", "death_date", "cause_of_death")),
        **{"birth_date": "1970", "plz": "793", "ags": "08", "deceased": False, "admission_date": "2023-07"},
        **dict.fromkeys(("discharge_date", "length_of_stay_days", "department", "encounter_level", "class")),
        **dict.fromkeys(("contact_type", "admission_reason", "admission_source", "discharge_reason")),
        **{"icd10gm_all": [], "alpha_id_all": [], "orpha_all": [], "snomed_all": [], "ops_all": []},
        **{"performed_first": "2023", "performed_last": "2023", "atc_all": ["C09"], "pzn_all": []},
        **{"lab_crp_first": None, "lab_crp_last": None, "lab_crp_count": 0},
    },
}
"""What the reader of exports makes of `RELEASED`: unchanged values, prefixes and partial dates as they are;
labels and suppressed cells missing; what a comparator bounds is no number."""


@pytest.mark.parametrize("person", AS_READ)
def test_the_reader_of_exports_reads_it_as_an_export(person: str, tmp_path: Path) -> None:
    tables = {table: pl.DataFrame(columns) for table, columns in RELEASED.items()}
    for kind, lines in resources(tables).items():
        (tmp_path / f"{kind}.ndjson").write_bytes(b"".join(lines))
    asked = request(*mii.COLUMNS, *mii.OPTIONAL, *mii.lab_columns(CRP))
    frame = mii.read(tmp_path, asked).frame.filter(pl.col("patient_id") == person)
    row = frame.row(0, named=True)
    expected = AS_READ[person]
    assert {name: row[name] for name in expected} == expected


def test_a_whole_release_is_read_back_cell_by_cell() -> None:
    tables = {table: pl.DataFrame(columns) for table, columns in RELEASED.items()}
    read = read_back(resources(tables), {table: frame.schema for table, frame in tables.items()})
    assert all(read[table].equals(frame.sort(frame.columns)) for table, frame in tables.items())
