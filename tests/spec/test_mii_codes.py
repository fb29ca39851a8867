"""Diagnoses, procedures and medications become sorted lists of distinct codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mii
from mii.consent import COLLECT, OID, USE
from tests.fhir_export import ATC, ICD, OPS, bundle, concept, condition, patient, request, row, write

VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
MARK = "http://fhir.de/StructureDefinition/icd-10-gm-mehrfachcodierungs-kennzeichen"


def procedure(identity: str, *codes: str, system: str = OPS, **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "id": identity,
        "status": "completed",
        "code": concept(system, *codes),
        "subject": {"reference": "Patient/p"},
        **elements,
    }


def medication(identity: str, *codes: str, system: str = ATC, parts: tuple[Any, ...] = ()) -> dict[str, Any]:
    return {
        "resourceType": "Medication",
        "id": identity,
        "code": concept(system, *codes),
        "ingredient": [{"itemReference": {"reference": part}} for part in parts],
    }


def event(identity: str, kind: str = "MedicationAdministration", **elements: Any) -> dict[str, Any]:
    return {
        "resourceType": kind,
        "id": identity,
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        **elements,
    }


def agreement() -> dict[str, Any]:
    """A Consent of patient ``p`` that permits everything from 2020 on."""
    permits = [
        {"type": "permit", "period": {"start": "2020-01-01"}, "code": [concept(f"urn:oid:{OID}", code)]}
        for code in (COLLECT, USE)
    ]
    return {
        "resourceType": "Consent",
        "id": "agreement",
        "status": "active",
        "scope": concept("http://terminology.hl7.org/CodeSystem/consentscope", "research"),
        "patient": {"reference": "Patient/p"},
        "provision": {"type": "deny", "provision": permits},
    }


def named(reference: str) -> dict[str, Any]:
    return {"medicationReference": {"reference": reference}}


def diagnoses(folder: Path, *conditions: dict[str, Any]) -> list[str]:
    codes = row(write(folder, [patient(), *conditions]), "icd10gm_all")["icd10gm_all"]
    assert isinstance(codes, list)
    return codes


def test_codes_are_distinct_and_sorted(tmp_path: Path) -> None:
    assert diagnoses(
        tmp_path, condition("1", "I10.90"), condition("2", "C34.1"), condition("3", "I10.90")
    ) == ["C34.1", "I10.90"]


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        ("J12.8 U07.1!", ["J12.8", "U07.1"]),
        ("B05.3+ H67.1*", ["B05.3", "H67.1"]),
        ("B05.3†", ["B05.3"]),
        ("i10.90", ["I10.90"]),
        ("!", []),
    ],
)
def test_double_codes_are_split_and_marks_taken_off(tmp_path: Path, written: str, codes: list[str]) -> None:
    assert diagnoses(tmp_path, condition("c", written)) == codes


def test_old_dimdi_code_systems_count_as_their_successors(tmp_path: Path) -> None:
    old = ICD.replace("bfarm", "dimdi")
    assert diagnoses(tmp_path, condition("c", "C34.1", system=old)) == ["C34.1"]
    found = row(
        write(tmp_path, [patient(), procedure("o", "5-323.51", system=OPS.replace("bfarm", "dimdi"))]),
        "ops_all",
    )
    assert found == {"ops_all": ["5-323.51"]}


def test_other_code_systems_are_no_diagnoses(tmp_path: Path) -> None:
    assert diagnoses(tmp_path, condition("c", "13420004", system="http://snomed.info/sct")) == []


@pytest.mark.parametrize("state", ["entered-in-error", "refuted"])
def test_a_condition_that_is_not_one_is_left_out_and_counted(tmp_path: Path, state: str) -> None:
    void = condition("c", "C34.1", verificationStatus=concept(VERIFICATION, state))
    kept = condition("d", "I10.90", verificationStatus=concept(VERIFICATION, "provisional"))
    found = mii.read(write(tmp_path, [patient(), void, kept]), request("icd10gm_all"))
    assert found.frame["icd10gm_all"].to_list() == [["I10.90"]]
    assert found.audit["resources_void_by_status"] == {"Condition": 1}


@pytest.mark.parametrize(
    ("text", "words"), [("Zephyrine_Quarles", 1), ("Zephyrine Quarles", 2), ("Dr. Z1 Quarles 2b", 4)]
)
def test_text_in_the_place_of_a_code_reaches_no_column(tmp_path: Path, text: str, words: int) -> None:
    """A name's words have letters where codes have digits, and all of a code's shape is asked for."""
    found = mii.read(write(tmp_path, [patient(), condition("c", text)]), request("icd10gm_all"))
    assert not {"ZEPHYRINE", "QUARLES", "DR."} & set(found.frame["icd10gm_all"].to_list()[0])
    assert found.audit["codes"] == {"malformed": words}


def test_a_marked_coding_may_not_be_a_main_diagnosis(tmp_path: Path) -> None:
    from tests.fhir_export import encounter, role

    star = condition("c", "H67.1")
    star["code"]["coding"][0]["extension"] = [{"url": MARK, "valueCoding": {"code": "*"}}]
    dagger = condition("d", "B05.3")
    dagger["code"]["coding"][0]["extension"] = [{"url": MARK, "valueCoding": {"code": "†"}}]
    stay = encounter(diagnosis=[role("c", "DD", 1), role("d", "DD", 2)])
    assert row(write(tmp_path, [patient(), stay, star, dagger]), "main_diagnosis", "icd10gm_all") == {
        "main_diagnosis": "B05.3",
        "icd10gm_all": ["B05.3", "H67.1"],
    }


def test_procedures_that_were_not_done_are_left_out(tmp_path: Path) -> None:
    done = [procedure("a", "5-323.51", "8-930"), procedure("b", "1-632.0", status="not-done")]
    assert row(write(tmp_path, [patient(), *done]), "ops_all") == {"ops_all": ["5-323.51", "8-930"]}


def test_atc_is_found_over_every_hop_and_in_both_code_systems(tmp_path: Path) -> None:
    """MedicationAdministration → Medication → ingredient, also listed before what they name."""
    resources = [
        event("a", **named("Medication/mixture")),
        event(
            "b",
            "MedicationStatement",
            medicationCodeableConcept=concept("http://www.whocc.no/atc", "B01AC06"),
        ),
        event("c", "MedicationRequest", **named("https://server/fhir/Medication/plain/_history/1")),
        patient(),
        medication("mixture", "L01DB01", parts=("Medication/glucose", "Medication/mixture")),
        medication("glucose", "V06DC01"),
        medication("plain", "N02BB02", system=ATC.replace("bfarm", "dimdi")),
        medication("nobody", "X00XX00"),
    ]
    expected = ["B01AC06", "L01DB01", "N02BB02", "V06DC01"]
    assert row(write(tmp_path, resources), "atc_all") == {"atc_all": expected}


def test_atc_of_a_contained_medication_counts_for_its_own_event_alone(tmp_path: Path) -> None:
    inside = {"resourceType": "Medication", "id": "m", "code": concept(ATC, "N02BB02")}
    other = {"resourceType": "Medication", "id": "other", "code": concept(ATC, "X00XX00")}
    held = event("a", contained=[inside, other], **named("#m"))
    assert row(write(tmp_path, [patient(), held]), "atc_all") == {"atc_all": ["N02BB02"]}


@pytest.mark.parametrize("of_event", [True, False])
def test_atc_of_a_contained_ingredient_is_found_even_in_a_circle(tmp_path: Path, of_event: bool) -> None:
    """The parts lie inside the event, or inside the Medication that it names."""
    whole = medication("m", "L01DB01", parts=("#part", "#gone"))
    part = medication("part", "V06DC01", parts=("#m", "#part"))
    if of_event:
        resources = [event("a", contained=[whole, part], **named("#m"))]
    else:
        resources = [event("a", **named("Medication/m")), whole | {"contained": [part]}]
    assert row(write(tmp_path, [patient(), *resources]), "atc_all") == {"atc_all": ["L01DB01", "V06DC01"]}


def test_a_medication_that_is_not_there_is_counted(tmp_path: Path) -> None:
    found = mii.read(write(tmp_path, [patient(), event("a", **named("Medication/gone"))]), request("atc_all"))
    assert found.frame["atc_all"].to_list() == [[]]
    assert found.audit["codes"] == {"medication_references_that_lead_nowhere": 1}


@pytest.mark.parametrize("column", ["gender", "atc_all"])
def test_medications_that_are_there_are_never_counted_as_gone(tmp_path: Path, column: str) -> None:
    """Consent reads every event for its date, but the Medication it names only for ``atc_all``."""
    given = event("a", effectiveDateTime="2024-02-15", **named("Medication/plain"))
    export = write(tmp_path, [patient(), given, medication("plain", "N02BB02"), agreement()])
    found = mii.read(export, request(column, consent_required=True))
    assert found.audit["codes"] == {}
    assert found.frame.rows() == [(None if column == "gender" else ["N02BB02"],)]


SOURCES = {
    "icd10gm_all": condition("1", "I10.90"),
    "ops_all": procedure("1", "5-323.51"),
    "atc_all": event("1", "MedicationRequest", medicationCodeableConcept=concept(ATC, "N02BB02")),
}


@pytest.mark.parametrize("column", SOURCES)
def test_a_list_is_missing_where_the_export_holds_nothing_it_could_be_made_from(
    tmp_path: Path, column: str
) -> None:
    """Where another patient has such a resource, no code is a fact."""
    without = [r for name, r in SOURCES.items() if name != column]
    found = mii.read(write(tmp_path, [patient("p"), patient("q"), *without]), request(*SOURCES))
    assert found.frame[column].to_list() == [None, None]
    assert str(found.frame.schema[column]) == "List(String)"
    assert found.audit["columns_without_source"] == [column]
    whole = mii.read(write(tmp_path, [patient("p"), patient("q"), *SOURCES.values()]), request(*SOURCES))
    assert whole.frame[column].to_list()[1] == []
    assert whole.audit["columns_without_source"] == []


def test_what_consent_drops_was_held_all_the_same(tmp_path: Path) -> None:
    late = condition("c", "I10.90", recordedDate="1999-01-01")
    found = mii.read(
        write(tmp_path, [patient(), late, agreement()]),
        request("icd10gm_all", "ops_all", consent_required=True),
    )
    assert found.frame.rows() == [([], None)]
    assert found.audit["columns_without_source"] == ["ops_all"]


def test_a_column_of_two_sources_has_none_where_one_is_not_there(tmp_path: Path) -> None:
    """A Condition tells no main diagnosis without the Encounter that names it."""
    asked = ("gender", "encounter_id", "admission_date", "main_diagnosis", "cause_of_death")
    found = mii.read(write(tmp_path, [patient(), condition("c", "I10.90")]), request(*asked))
    assert found.audit["columns_without_source"] == ["admission_date", "encounter_id", "main_diagnosis"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("MedicationAdministration", "not-done"),
        ("MedicationStatement", "not-taken"),
        ("MedicationRequest", "cancelled"),
    ],
)
def test_a_medication_that_was_not_given_is_left_out(tmp_path: Path, kind: str, status: str) -> None:
    void = event("a", kind, status=status, medicationCodeableConcept=concept(ATC, "N02BB02"))
    assert row(write(tmp_path, [patient(), void]), "atc_all") == {"atc_all": []}


def test_references_by_urn_lead_to_the_entry_of_that_full_url(tmp_path: Path) -> None:
    """Bundles may name resources by urn:uuid, and such a resource may have no id of its own."""
    person, drug, other = "urn:uuid:0001", "urn:uuid:0002", "urn:uuid:0003"
    anonymous = {name: value for name, value in medication("-", "N02BB02").items() if name != "id"}
    given = event("a", **named(drug)) | {"subject": {"reference": person}}
    mixed = event("b", **named(other)) | {"subject": {"reference": person}}
    mixture = medication("m", "L01DB01", parts=(drug,))
    diagnosed = condition("c", "C34.1", subject={"reference": person})
    export = write(
        tmp_path,
        [bundle((person, patient("p")), (drug, anonymous), (other, mixture), given, mixed, diagnosed)],
    )
    assert row(export, "patient_id", "atc_all", "icd10gm_all") == {
        "patient_id": "p",
        "atc_all": ["L01DB01", "N02BB02"],
        "icd10gm_all": ["C34.1"],
    }


def test_a_resource_of_somebody_who_is_not_in_the_export_is_counted(tmp_path: Path) -> None:
    foreign = condition("c", "C34.1", subject={"reference": "Patient/gone"})
    group = condition("g", "C34.1", subject={"reference": "Group/p"})
    found = mii.read(write(tmp_path, [patient(), foreign, group]), request("icd10gm_all"))
    assert found.frame["icd10gm_all"].to_list() == [[]]
    assert found.audit["resources_without_row"] == {"Condition": 2}
