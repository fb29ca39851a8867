"""Event tables of an export: which there are, and which events of a patient are in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from polars.testing import assert_frame_equal

import mii
from anonymizer.errors import BadConfig, BadInput
from mii.consent import COLLECT, OID, USE
from tests.event_exports import ALL, Json, drug, procedure, read, rows
from tests.fhir_export import CRP, concept, condition, encounter, lab, patient, request, role
from tests.tiny_export import ndjson, resources

STATE = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


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
    export = ndjson(tmp_path / "export", resources())
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
