"""What the table tells of a person, and what it leaves out."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

import mii
from tests.fhir_export import condition, patient, request, row, write

AGS = "http://fhir.de/StructureDefinition/destatis/ags"


def address(plz: str, **elements: Any) -> dict[str, Any]:
    return {"postalCode": plz, **elements}


def with_ags(code: str) -> dict[str, Any]:
    return {"extension": [{"url": AGS, "valueCoding": {"code": code}}]}


def told(folder: Path, *columns: str, **elements: Any) -> dict[str, Any]:
    return row(write(folder, [patient(**elements)]), *columns)


def missing(folder: Path, **elements: Any) -> dict[str, int]:
    counts = mii.read(write(folder, [patient(**elements)]), request()).audit["set_to_missing"]
    assert isinstance(counts, dict)
    return counts


@pytest.mark.parametrize(
    ("born", "today", "age"),
    [
        ("1977-05-24", date(2026, 11, 22), 49),
        ("1977-11-22", date(2026, 11, 22), 49),
        ("1977-11-23", date(2026, 11, 22), 48),
        ("2000-02-29", date(2026, 2, 28), 25),
        ("2000-02-29", date(2026, 3, 1), 26),
    ],
)
def test_age_is_the_completed_years_on_the_reference_date(
    tmp_path: Path, born: str, today: date, age: int
) -> None:
    export = write(tmp_path, [patient(birthDate=born)])
    assert row(export, "age_years", reference_date=today) == {"age_years": age}


@pytest.mark.parametrize(
    ("born", "today", "age"),
    [
        ("1962", date(2026, 11, 22), None),
        ("1962", date(2026, 12, 31), 64),
        ("1962-05", date(2026, 11, 22), 64),
        ("1962-11", date(2026, 11, 22), None),
        ("1962-02", date(2026, 2, 28), 64),
    ],
)
def test_a_partial_birth_date_stays_and_gives_an_age_where_all_its_days_agree(
    tmp_path: Path, born: str, today: date, age: int | None
) -> None:
    export = write(tmp_path, [patient(birthDate=born)])
    assert row(export, "birth_date", "age_years", reference_date=today) == {
        "birth_date": born,
        "age_years": age,
    }


def test_a_birth_date_in_the_future_is_missing_and_counted(tmp_path: Path) -> None:
    columns = ("birth_date", "age_years")
    assert told(tmp_path, *columns, birthDate="2063-01-01") == dict.fromkeys(columns)
    assert missing(tmp_path, birthDate="2063-01-01")["birth_date_in_the_future"] == 1


@pytest.mark.parametrize("born", ["0001-01-01", "1850-01-01", "1850", "1895-11-22"])
def test_a_birth_more_than_130_years_ago_is_missing_and_counted(tmp_path: Path, born: str) -> None:
    """Also where the age alone is asked for, which would be 2025, 176 or 131; 130 is one."""
    assert told(tmp_path, "birth_date", birthDate=born) == {"birth_date": None}
    assert told(tmp_path, "age_years", birthDate=born) == {"age_years": None}
    assert missing(tmp_path, birthDate=born)["birth_date_too_long_ago"] == 1
    assert told(tmp_path, "age_years", birthDate="1895-11-23") == {"age_years": 130}


@pytest.mark.parametrize("born", ["1962-13-01", "1962-02-30", "unknown", "1.2.1962"])
def test_a_birth_date_that_is_none_is_missing_and_counted(tmp_path: Path, born: str) -> None:
    assert told(tmp_path, "birth_date", birthDate=born) == {"birth_date": None}
    assert missing(tmp_path, birthDate=born)["birth_date_invalid"] == 1


def test_plz_comes_from_the_address_that_is_lived_in(tmp_path: Path) -> None:
    addresses = [
        address("10178", type="postal"),
        address("80331", type="physical"),
        address("01067", type="both"),
    ]
    assert told(tmp_path, "plz", address=addresses) == {"plz": "01067"}
    assert told(tmp_path, "plz", address=addresses[:2]) == {"plz": "80331"}
    assert told(tmp_path, "plz", address=addresses[:1]) == {"plz": None}
    assert told(tmp_path, "plz", address=[address("01067", type="both", use="old")]) == {"plz": None}


def test_a_pseudonymised_plz_keeps_its_two_digits_and_a_foreign_one_is_missing(tmp_path: Path) -> None:
    assert told(tmp_path, "plz", address=[address("10", type="both")]) == {"plz": "10"}
    assert told(tmp_path, "plz", address=[address("SW1A 1AA", type="both")]) == {"plz": None}
    assert missing(tmp_path, address=[address("SW1A 1AA", type="both")])["plz_invalid"] == 1


@pytest.mark.parametrize(("plz", "kept"), [("4103", None), ("041", "041"), ("04", "04"), ("04103", "04103")])
def test_a_plz_of_four_digits_may_have_lost_a_zero_and_is_missing(
    tmp_path: Path, plz: str, kept: str | None
) -> None:
    """``4103`` is Leipzig's 04103, whose region is 04, not 41."""
    assert told(tmp_path, "plz", address=[address(plz, type="both")]) == {"plz": kept}
    counts = missing(tmp_path, address=[address(plz, type="both")])
    assert counts.get("plz_invalid", 0) == (kept is None)


def test_ags_is_found_on_the_city_and_on_the_address(tmp_path: Path) -> None:
    on_city = {**address("13051", type="both"), "_city": with_ags("11000000")}
    on_address = {**address("13051", type="both"), **with_ags("11000000")}
    assert told(tmp_path, "ags", address=[on_city]) == {"ags": "11000000"}
    assert told(tmp_path, "ags", address=[on_address]) == {"ags": "11000000"}


def test_an_extension_that_holds_a_name_reaches_no_column(tmp_path: Path) -> None:
    """Only listed elements are decoded; an extension under a known url must hold a code of its shape."""
    canary = "Zephyrine Quarles"
    hidden = {
        "extension": [{"url": AGS, "valueCoding": {"code": canary}}, {"url": "x", "valueString": canary}]
    }
    person = patient(
        name=[{"family": canary}],
        extension=hidden["extension"],
        address=[{"postalCode": canary, "type": "both", "line": [canary], "_city": hidden}],
        gender=canary,
    )
    found = mii.read(write(tmp_path, [person]), request())
    assert canary not in str(found.frame.rows()) + str(found.audit)
    assert found.audit["set_to_missing"] == {
        "ags_invalid": 1,
        "birth_date_missing": 1,
        "gender_invalid": 1,
        "plz_invalid": 1,
    }


@pytest.mark.parametrize(
    ("elements", "states", "deceased"),
    [
        ({}, [], None),
        ({"deceasedBoolean": False}, [], False),
        ({"deceasedBoolean": True}, [], True),
        ({"deceasedDateTime": "2024-02-22T10:00:00+01:00"}, [], True),
        ({}, ["L"], False),
        ({}, ["L", "T"], True),
        ({}, ["X"], None),
        ({"deceasedBoolean": False}, ["T"], False),
    ],
)
def test_deceased_is_told_by_the_patient_or_else_by_the_vital_status(
    tmp_path: Path, elements: dict[str, Any], states: list[str], deceased: bool | None
) -> None:
    observations = [
        {
            "resourceType": "Observation",
            "id": f"v{number}",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "67162-8"}]},
            "subject": {"reference": "Patient/p"},
            "valueCodeableConcept": {"coding": [{"system": "Vitalstatus", "code": state}]},
        }
        for number, state in enumerate(states)
    ]
    export = write(tmp_path, [patient(**elements), *observations])
    assert row(export, "deceased")["deceased"] is deceased
    told = mii.read(export, request("deceased")).audit["set_to_missing"]
    assert isinstance(told, dict)
    assert told.get("vital_status_told_both_ways", 0) == ({"L", "T"} == {*states})


def test_the_date_of_death_is_a_day(tmp_path: Path) -> None:
    found = told(tmp_path, "death_date", deceasedDateTime="2024-02-22T10:00:00+01:00")
    assert found == {"death_date": "2024-02-22"}


def test_the_cause_of_death_is_the_condition_coded_in_icd_10(tmp_path: Path) -> None:
    who = "http://hl7.org/fhir/sid/icd-10"
    cause, other = condition("c1", "I21.9", system=who), condition("c2", "C34.8", system=who)
    assert row(write(tmp_path, [patient(), cause, condition("d", "I10.90")]), "cause_of_death") == {
        "cause_of_death": "I21.9"
    }
    two = mii.read(write(tmp_path, [patient(), cause, other]), request("cause_of_death"))
    assert two.frame["cause_of_death"].to_list() == [None]
    assert two.audit["set_to_missing"]["cause_of_death_ambiguous"] == 1  # type: ignore[index]
