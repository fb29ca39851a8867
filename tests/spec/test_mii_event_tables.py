"""Event tables of an export: one row per encounter, diagnosis, procedure, measurement or drug of a patient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

import mii
from anonymizer.errors import BadConfig, BadInput
from mii.consent import COLLECT, OID, USE
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
from tests.tiny_export import ndjson, resources

SNOMED, PZN = "http://snomed.info/sct", "http://fhir.de/CodeSystem/ifa/pzn"
ALPHA, ORPHA = "http://fhir.de/CodeSystem/bfarm/alpha-id", "http://www.orpha.net"
STATE = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
ALL = {table: frozenset(columns) for table, columns in mii.TABLES.items()}
Json = dict[str, Any]


def event(kind: str, identity: str, **elements: Any) -> Json:
    subject = {"reference": "Patient/p"}
    return {"resourceType": kind, "id": identity, "status": "completed", "subject": subject, **elements}


def procedure(identity: str = "o", *codes: str, **elements: Any) -> Json:
    told = {"code": concept(OPS, *(codes or ("5-323.51",))), "performedDateTime": "2024-02-16"}
    return event("Procedure", identity, **(told | elements))


def drug(identity: str = "m", code: str = "C09AA05", kind: str = "Administration", **elements: Any) -> Json:
    when = {"authoredOn": "2024-02-17"} if kind == "Request" else {"effectiveDateTime": "2024-02-17"}
    told = {"medicationCodeableConcept": concept(ATC, code), **when}
    return event(f"Medication{kind}", identity, **(told | elements))


def coded(*pairs: tuple[str, str]) -> Json:
    return {"coding": [{"system": system, "code": code} for system, code in pairs]}


def read(folder: Path, *told: Json, tables: Any = ALL, **changes: Any) -> mii.Export:
    export = write(folder, [patient(), *told])
    return mii.read(export, request("patient_id", tables=tables, **changes))


def rows(folder: Path, table: str, columns: str, *told: Json, **changes: Any) -> list[tuple[Any, ...]]:
    """The rows of one table, without the id of the patient."""
    export = read(folder, *told, tables={table: frozenset(columns.split())}, **changes)
    return export.tables[table].drop("patient_id").rows()


def audit(folder: Path, table: str, columns: str, *told: Json, **changes: Any) -> Any:
    export = read(folder, *told, tables={table: frozenset(columns.split())}, **changes)
    counts: Any = export.audit["tables"]
    assert counts[table]["rows"] == export.tables[table].height
    return {name: n for name, n in counts[table].items() if name not in ("rows", "patients") and n != {}}


# tables and columns -------------------------------------------------------------------------------


def test_without_a_wish_there_is_no_event_table(tmp_path: Path) -> None:
    found = read(tmp_path, encounter(), tables={})
    assert (found.tables, "tables" in found.audit) == ({}, False)


def test_every_event_of_a_patient_has_a_row_and_the_columns_have_one_order(tmp_path: Path) -> None:
    stay = encounter(diagnosis=[role("c", "DD")])
    found = read(tmp_path, stay, condition("c", "I50.13"), procedure(), lab("l", 7.5, "2024-02-18"), drug())
    assert {name: frame.rows() for name, frame in found.tables.items()} == {
        "encounters": [
            ("p", "2024-02-14", "2024-02-22", 8, None, "einrichtungskontakt", *(None,) * 5, "I50.13")
        ],
        "diagnoses": [("p", "I50.13", None, None, None, None, "2024-02-15")],
        "procedures": [("p", "5-323.51", None, "2024-02-16")],
        "labs": [("p", "1988-5", 7.5, "mg/L", "2024-02-18")],
        "medications": [("p", "C09AA05", None, "administration", "2024-02-17")],
    }
    for name, frame in found.tables.items():
        assert frame.columns == ["patient_id", *mii.TABLES[name]]


def test_a_table_has_the_columns_asked_for_and_no_other(tmp_path: Path) -> None:
    found = read(tmp_path, lab("l", 7.5, "2024-02-18"), tables={"labs": frozenset({"value", "loinc"})})
    assert found.tables["labs"].columns == ["patient_id", "loinc", "value"]
    assert list(found.tables) == ["labs"]


def test_a_table_of_nothing_has_the_types_of_one_with_events(tmp_path: Path) -> None:
    stay, value = encounter(), lab("l", 7.5, "2024-02-18")
    (tmp_path / "full").mkdir()
    full = read(tmp_path / "full", stay, condition("c", "I50.13"), procedure(), value, drug())
    empty = read(tmp_path, *(one | {"subject": {"reference": "Patient/x"}} for one in (stay, value)))
    for name in mii.TABLES:
        assert empty.tables[name].height == 0
        assert empty.tables[name].schema == full.tables[name].schema


def test_a_table_whose_types_the_export_does_not_hold_says_so(tmp_path: Path) -> None:
    """No table of diagnoses is not the same as no diagnosis."""
    found = read(tmp_path, encounter(diagnosis=[role("c", "DD")]), lab("l", 7.5, "2024-02-18"))
    told = found.audit["table_columns_without_source"]
    others = [
        f"{name}.{column}" for name in ("diagnoses", "medications", "procedures") for column in ALL[name]
    ]
    assert told == sorted([*others, "encounters.main_diagnosis"])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"tables": ALL, "row": "encounter"}, None),
        ({"tables": {"allergies": frozenset({"code"})}}, "allergies"),
        ({"tables": {"labs": frozenset({"value", "specimen"})}}, "labs.specimen"),
        ({"tables": {"labs": frozenset()}}, "labs"),
        ({"tables": ALL, "observations": {}}, "labs"),
        (
            {"tables": ALL, "observations": {**CRP, "crp_dl": mii.Observation("1988-5", "mg/dL")}},
            "labs.unit",
        ),
    ],
)
def test_what_no_event_table_can_be_is_refused(tmp_path: Path, changes: Json, named: str | None) -> None:
    with pytest.raises(BadConfig) as refused:
        read(tmp_path, encounter(), **changes)
    assert refused.value.column == named


def test_only_what_is_asked_for_is_decoded(tmp_path: Path) -> None:
    """A resource that breaks FHIR's rules refuses an export only where a table is made of its type."""
    broken = {**procedure(), "performedDateTime": 17}
    assert rows(tmp_path, "diagnoses", "icd10gm", condition("c", "I50.13"), broken) == [("I50.13",)]
    with pytest.raises(BadInput):
        rows(tmp_path, "procedures", "ops", condition("c", "I50.13"), broken)


def test_the_table_of_patients_is_what_it_is_without_event_tables(tmp_path: Path) -> None:
    export = ndjson(tmp_path, resources())
    other = {"crp": CRP["crp"], "haemoglobin": mii.Observation("718-7", "g/dL")}
    columns = ("age_years", "icd10gm_all", "lab_crp_last")
    alone = mii.read(export, request(*columns, observations=other))
    beside = mii.read(export, request(*columns, observations=other, tables=ALL))
    assert_frame_equal(alone.frame, beside.frame)
    for name in ("laboratory", "codes", "set_to_missing", "columns_without_source"):
        assert alone.audit[name] == beside.audit[name]


def test_neither_the_order_of_lines_nor_processes_leave_a_trace(tmp_path: Path) -> None:
    lines = resources()
    told: list[mii.Export] = []
    for number, (order, workers) in enumerate([(1, 1), (-1, 1), (1, 2), (-1, 2)]):
        export = ndjson(tmp_path / str(number), lines[::order])
        effort = mii.Effort(workers, 2000)
        asked = request("patient_id", tables=ALL, consent_required=True)
        told.append(mii.read(export, asked, effort=effort))
    assert all(frame.height > 20 for frame in told[0].tables.values())
    for other in told[1:]:
        assert other.audit["tables"] == told[0].audit["tables"]
        for name, frame in told[0].tables.items():
            assert_frame_equal(frame, other.tables[name])


# which events -------------------------------------------------------------------------------------

EVENTS: dict[str, Json] = {
    "encounters": encounter(),
    "diagnoses": condition("c", "I50.13"),
    "procedures": procedure(),
    "labs": lab("l", 7.5, "2024-02-18"),
    "medications": drug(),
}


@pytest.mark.parametrize("table", EVENTS)
def test_an_event_counts_once_however_often_it_stands_there(tmp_path: Path, table: str) -> None:
    one, other = EVENTS[table], {**EVENTS[table], "id": "another"}
    assert read(tmp_path, one, one, one).tables[table].height == 1
    assert read(tmp_path, one, one, other).tables[table].height == 2


@pytest.mark.parametrize("table", EVENTS)
def test_an_event_of_nobody_is_in_no_table_and_counted(tmp_path: Path, table: str) -> None:
    other = EVENTS[table] | {"subject": {"reference": "Patient/unknown"}}
    nobody = {name: value for name, value in EVENTS[table].items() if name != "subject"} | {"id": "n"}
    found = read(tmp_path, other, nobody)
    counts: Any = found.audit["tables"]
    assert found.tables[table].height == 0
    assert counts[table]["events_without_patient"] == 2


@pytest.mark.parametrize("table", EVENTS)
def test_a_void_event_is_in_no_table(tmp_path: Path, table: str) -> None:
    state = {"status": "entered-in-error", "verificationStatus": concept(STATE, "entered-in-error")}
    found = read(tmp_path, EVENTS[table] | state)
    assert found.tables[table].height == 0
    assert found.audit["resources_void_by_status"] == {EVENTS[table]["resourceType"]: 1}


def agreement(start: str, end: str) -> Json:
    """A Consent of patient ``p``: use until 2099, data from ``start`` to ``end``."""
    spans = ((USE, "2020-01-01", "2099-12-31"), (COLLECT, start, end))
    permits = [
        {"type": "permit", "period": {"start": s, "end": e}, "code": [concept(f"urn:oid:{OID}", code)]}
        for code, s, e in spans
    ]
    return {
        "resourceType": "Consent",
        "id": "agreement",
        "status": "active",
        "scope": concept("http://terminology.hl7.org/CodeSystem/consentscope", "research"),
        "patient": {"reference": "Patient/p"},
        "provision": {"type": "deny", "provision": permits},
    }


@pytest.mark.parametrize("table", EVENTS)
def test_an_event_outside_the_window_of_consent_is_in_no_table(tmp_path: Path, table: str) -> None:
    within, before = agreement("2024-02-01", "2024-12-31"), agreement("2024-03-01", "2024-12-31")
    for consent, height in ((within, 1), (before, 0)):
        found = read(tmp_path, EVENTS[table], consent, consent_required=True)
        assert found.tables[table].height == height


@pytest.mark.parametrize("table", EVENTS)
def test_a_patient_without_consent_has_no_event(tmp_path: Path, table: str) -> None:
    own = agreement("2024-02-01", "2024-12-31")
    other = {**EVENTS[table], "id": "x", "subject": {"reference": "Patient/q"}}
    found = read(tmp_path, EVENTS[table], own, patient("q"), other, consent_required=True)
    assert found.frame["patient_id"].to_list() == ["p"]
    assert found.tables[table]["patient_id"].to_list() == ["p"]


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
    assert rows(tmp_path, "diagnoses", "icd10gm snomed", condition("c", "", code=code)) == [
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
    told = condition("c", "", code=code)
    assert rows(tmp_path, "diagnoses", "icd10gm snomed alpha_id", told) == [("C34.1", "I29578", None)]
    counted = {"set_to_missing": {"snomed_ambiguous": 1}}
    assert audit(tmp_path, "diagnoses", "icd10gm snomed", told) == counted


@pytest.mark.parametrize("text", ["Zephyrine Quarles", "Lungenkrebs", "snomed:254637007", "onset:1962"])
def test_a_typed_text_is_no_code_and_counted(tmp_path: Path, text: str) -> None:
    told = (condition("c", text), condition("d", text, system=ALPHA))
    assert rows(tmp_path, "diagnoses", "icd10gm alpha_id snomed onset_date", *told) == []
    counts = audit(tmp_path, "diagnoses", "icd10gm alpha_id", *told)
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
