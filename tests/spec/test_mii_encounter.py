"""Encounters: which one makes the row, what belongs to it, and its main diagnosis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mii
from tests.fhir_export import LEVEL, concept, condition, encounter, lab, patient, request, role, row, write

STAY = ("encounter_id", "admission_date", "discharge_date", "length_of_stay_days")
PART = {"type": [concept(LEVEL, "abteilungskontakt")]}


def period(start: str | None, end: str | None) -> dict[str, Any]:
    return {"period": {name: day for name, day in (("start", start), ("end", end)) if day}}


def test_the_index_encounter_is_the_first_or_last_by_its_start(tmp_path: Path) -> None:
    stays = [
        encounter("b", **period("2024-03-01T08:00:00+01:00", "2024-03-05T09:00:00+01:00")),
        encounter("a", **period("2023-01-10", "2023-01-10")),
        encounter("c", **period(None, "2025-01-01")),
        encounter("x", **period("2022-01-01", "2022-01-02"), **PART),
    ]
    export = write(tmp_path, [patient(), *stays])
    assert row(export, *STAY) == dict(zip(STAY, ("a", "2023-01-10", "2023-01-10", 0), strict=True))
    last = row(export, *STAY, index_encounter="last")
    assert last == dict(zip(STAY, ("b", "2024-03-01", "2024-03-05", 4), strict=True))


def test_an_encounter_without_a_start_is_the_index_only_where_there_is_no_other(tmp_path: Path) -> None:
    export = write(tmp_path, [patient(), encounter("c", **period(None, "2025-01-01"))])
    assert row(export, *STAY) == dict(zip(STAY, ("c", None, "2025-01-01", None), strict=True))


def test_an_encounter_without_any_level_counts_as_einrichtungskontakt(tmp_path: Path) -> None:
    kind = [concept("http://fhir.de/CodeSystem/kontaktart-de", "normalstationaer")]
    assert row(write(tmp_path, [patient(), encounter("n", type=kind)]), "encounter_id") == {
        "encounter_id": "n"
    }


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "planned"])
def test_an_encounter_that_did_not_happen_is_no_row_and_is_counted(tmp_path: Path, status: str) -> None:
    found = mii.read(write(tmp_path, [patient(), encounter("e", status=status)]), request())
    assert found.frame["encounter_id"].to_list() == [None]
    assert found.audit["resources_void_by_status"] == {"Encounter": 1}


def test_department_is_the_dkgev_code(tmp_path: Path) -> None:
    key = "http://fhir.de/CodeSystem/dkgev/Fachabteilungsschluessel"
    service = {"coding": [{"system": "x", "code": "9"}, {"system": key, "code": "0100"}]}
    assert row(write(tmp_path, [patient(), encounter(serviceType=service)]), "department") == {
        "department": "0100"
    }
    wide = concept(f"{key}-erweitert", "1513")
    assert row(write(tmp_path, [patient(), encounter(serviceType=wide)]), "department") == {
        "department": "1513"
    }


def test_a_discharge_before_the_admission_gives_no_length_and_is_counted(tmp_path: Path) -> None:
    export = write(tmp_path, [patient(), encounter(**period("2024-02-14", "2024-02-13"))])
    found = mii.read(export, request(*STAY))
    assert found.frame["length_of_stay_days"].to_list() == [None]
    assert found.audit["set_to_missing"] == {
        "birth_date_missing": 1,
        "discharge_before_admission": 1,
        "main_diagnosis_missing": 1,
    }


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ([role("c1", "AD", 1), role("c2", "DD", 2)], "C34.1"),
        ([role("c1", "CM", 1), role("c2", "CC", 9)], "C34.1"),
        ([role("c1", "DD", 2), role("c2", "DD", 1)], "C34.1"),
        ([role("c1", "DD"), role("c2", "DD", 7)], "C34.1"),
        ([role("who", "DD", 1), role("c2", "CC", 1)], "C34.1"),
        ([role("c1", "AD", 1)], None),
        ([role("c1", "DD", 1), role("c2", "DD", 1)], None),
        ([role("gone", "DD", 1)], None),
        ([role("star", "DD", 1)], None),
        ([role("double", "DD", 1)], "J12.8"),
        ([], None),
    ],
)
def test_the_main_diagnosis_is_named_by_the_encounter_and_never_guessed(
    tmp_path: Path, uses: list[dict[str, Any]], expected: str | None
) -> None:
    """DD before CC before CM, lowest rank; a code that may not stand alone is none; a tie is none."""
    conditions = [
        condition("c1", "I10.90"),
        condition("c2", "C34.1"),
        condition("who", "I21.9", system="http://hl7.org/fhir/sid/icd-10"),
        condition("star", "H67.1*"),
        condition("double", "J12.8 U07.1!"),
    ]
    export = write(tmp_path, [patient(), encounter(diagnosis=uses), *conditions])
    assert row(export, "main_diagnosis") == {"main_diagnosis": expected}


def test_missing_main_diagnoses_are_counted_by_reason(tmp_path: Path) -> None:
    ambiguous = encounter(diagnosis=[role("c1", "DD"), role("c2", "DD"), role("gone", "CC")])
    export = write(tmp_path, [patient(), ambiguous, condition("c1", "I10.90"), condition("c2", "C34.1")])
    counts = mii.read(export, request("main_diagnosis")).audit["set_to_missing"]
    assert isinstance(counts, dict)
    assert counts["main_diagnosis_ambiguous"] == 1
    gone = write(tmp_path, [patient(), encounter(diagnosis=[role("gone", "DD")])])
    counts = mii.read(gone, request("main_diagnosis")).audit["set_to_missing"]
    assert isinstance(counts, dict)
    assert (counts["main_diagnosis_missing"], counts["main_diagnosis_reference_leads_nowhere"]) == (1, 1)


def test_rows_per_encounter_hold_what_is_linked_to_them_or_to_their_parts(tmp_path: Path) -> None:
    def of(name: str) -> dict[str, Any]:
        return {"encounter": {"reference": f"Encounter/{name}"}}

    resources = [
        patient(birthDate="1977-05-24"),
        encounter("a", diagnosis=[role("c1", "DD")]),
        encounter("b", **period("2025-01-01", "2025-01-02")),
        encounter("part", partOf={"reference": "Encounter/b"}, **PART),
        encounter("bed", partOf={"reference": "https://x/fhir/Encounter/part/_history/3"}, **PART),
        condition("c1", "I10.90", **of("a")),
        condition("c2", "C34.1", **of("bed")),
        condition("c3", "E11.90"),
        lab("l1", 3.0, "2025-01-01", **of("b")),
        lab("l2", 9.0, "2025-01-02", **of("gone")),
    ]
    columns = ("encounter_id", "age_years", "main_diagnosis", "icd10gm_all", "lab_crp_last", "lab_crp_count")
    found = mii.read(write(tmp_path, resources), request(*columns, row="encounter"))
    assert found.frame.rows() == [
        ("a", 49, "I10.90", ["I10.90"], None, 0),
        ("b", 49, None, ["C34.1"], 3.0, 1),
    ]
    assert found.audit["resources_without_row"] == {"Condition": 1, "Observation": 1}


def test_encounters_that_are_parts_of_each_other_end_nowhere(tmp_path: Path) -> None:
    parts = [
        encounter("x", partOf={"reference": "Encounter/y"}, **PART),
        encounter("y", partOf={"reference": "Encounter/x"}, **PART),
    ]
    linked = condition("c", "I10.90", encounter={"reference": "Encounter/x"})
    found = mii.read(write(tmp_path, [patient(), *parts, linked]), request(row="encounter"))
    assert found.frame.height == 0
    assert found.audit["resources_without_row"] == {"Condition": 1}


def test_an_encounter_of_another_patient_gives_nothing_away(tmp_path: Path) -> None:
    """A diagnosis linked to somebody else's stay must not move there."""
    foreign = condition(
        "c", "C34.1", subject={"reference": "Patient/q"}, encounter={"reference": "Encounter/e"}
    )
    stay = encounter(diagnosis=[role("c", "DD")])
    found = mii.read(write(tmp_path, [patient(), patient("q"), stay, foreign]), request(row="encounter"))
    assert found.frame.select("patient_id", "main_diagnosis", "icd10gm_all").rows() == [("p", None, [])]
