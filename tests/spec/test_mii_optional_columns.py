"""Columns that a table has only where a rule names them: what they hold; no wildcard reaches them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mii
from anonymizer.errors import BadConfig
from mii.request import FAMILIES, available
from release.intake.columns import resolve
from tests.configs import EXPORT, loaded
from tests.conftest import ROOT
from tests.fhir_export import (
    ATC,
    LEVEL,
    OPS,
    concept,
    condition,
    encounter,
    patient,
    request,
    role,
    row,
    write,
)

KEY = "http://fhir.de/StructureDefinition"
CANARY = "Zephyrine Quarles"


def place(name: str, code: str) -> dict[str, Any]:
    return {"url": name, "valueCoding": {"code": code}}


def key(url: str, *codes: str) -> dict[str, Any]:
    """A key of the German hospitals: its places as extensions of an extension."""
    names = ("ErsteUndZweiteStelle", "DritteStelle", "VierteStelle")
    places = [place(name, code) for name, code in zip(names, codes, strict=False)]
    return {"url": f"{KEY}/{url}", "extension": places[::-1]}


def procedure(identity: str, **elements: Any) -> dict[str, Any]:
    subject = {"reference": "Patient/p"}
    return {"resourceType": "Procedure", "id": identity, "subject": subject, **elements}


def set_to_missing(export: Path, *columns: str) -> Any:
    return mii.read(export, request(*columns)).audit["set_to_missing"]


def test_no_wildcard_reaches_an_optional_column() -> None:
    assert available(["crp"], {"*", "*_all", "lab_*"}) == (*mii.COLUMNS, *mii.lab_columns(["crp"]))
    assert available([], {"pzn_all", "orpha_all"}) == (*mii.COLUMNS, "orpha_all", "pzn_all")


@pytest.mark.parametrize("column", mii.OPTIONAL)
def test_a_rule_of_that_name_gives_an_optional_column(tmp_path: Path, column: str) -> None:
    """Without it the table is what it was before these columns were thought of."""

    def names(rule: str) -> list[str]:
        text = EXPORT.replace("  gender:", f"{rule}\n  gender:")
        config = loaded(tmp_path, text)
        return [each.name for each in resolve(config, available(["crp"], config.columns), families=FAMILIES)]

    assert set(names(f"  {column}: {{role: identifier}}")) - set(names("")) == {column}
    assert column not in names('  "*": {role: identifier}')


@pytest.mark.parametrize("column", ["alpha_id_all", "orpha_all", "snomed_all", "gender_amtlich"])
def test_an_optional_column_is_of_the_family_of_its_element(tmp_path: Path, column: str) -> None:
    """Each of them tells the quasi-identifier it comes from, and is never coarser."""
    config = loaded(tmp_path, EXPORT.replace("  gender:", f"  {column}: {{role: sensitive}}\n  gender:"))
    with pytest.raises(BadConfig) as refused:
        resolve(config, available(["crp"], config.columns), families=FAMILIES)
    assert [problem.path for problem in refused.value.problems] == [f"columns.{column}"]


@pytest.mark.parametrize("column", [name for name in mii.OPTIONAL if name.endswith("_all")])
def test_a_list_of_codes_is_no_quasi_identifier(tmp_path: Path, column: str) -> None:
    rule = f"  {column}: {{role: quasi-identifier, hierarchy: suppression}}"
    config = loaded(tmp_path, EXPORT.replace("  gender:", f"{rule}\n  gender:"))
    with pytest.raises(BadConfig) as refused:
        resolve(config, available(["crp"], config.columns), families=FAMILIES)
    assert [problem.path for problem in refused.value.problems] == [f"columns.{column}.role"]


CODED = {
    "alpha_id_all": ("http://fhir.de/CodeSystem/bfarm/alpha-id", "I29578", "B05.3"),
    "orpha_all": ("http://www.orpha.net", "558", "Marfan"),
    "snomed_all": ("http://snomed.info/sct", "138875005", "C34.1"),
}


@pytest.mark.parametrize(("column", "coded"), CODED.items())
def test_codes_of_other_systems_stay_apart(tmp_path: Path, column: str, coded: tuple[str, str, str]) -> None:
    """A code of another shape is counted and left out; ICD-10-GM codes are no matter of these columns."""
    system, good, bad = coded
    conditions = [
        condition("a", good, system=system),
        condition("b", bad, system=system),
        condition("c", "I10.90"),
    ]
    found = mii.read(write(tmp_path, [patient(), *conditions]), request("icd10gm_all", column))
    assert found.frame.row(0, named=True) == {"icd10gm_all": ["I10.90"], column: [good]}
    assert found.audit["codes"] == {"malformed": 1}


@pytest.mark.parametrize(
    "text", [CANARY, "C34.1 I10.90", "138875005 |Wurzel|", "snomed:138875005", ":", "onset:1962"]
)
@pytest.mark.parametrize("system", [system for system, *_ in CODED.values()])
def test_a_typed_text_never_passes_for_a_code_of_another_system(
    tmp_path: Path, system: str, text: str
) -> None:
    columns = ("icd10gm_all", *CODED, "main_diagnosis_onset")
    stay = encounter(diagnosis=[role("c", "DD")])
    told = row(write(tmp_path, [patient(), stay, condition("c", text, system=system)]), *columns)
    assert told.pop("main_diagnosis_onset") is None
    assert list(told.values()) == [[]] * 4


@pytest.mark.parametrize("text", ["snomed:138875005", "alpha-id:I29578", "onset:1962-05", f"{CANARY}:x"])
def test_a_colon_in_a_code_of_the_own_system_makes_no_other(tmp_path: Path, text: str) -> None:
    export = write(tmp_path, [patient(), condition("c", text)])
    assert list(row(export, "icd10gm_all", *CODED).values()) == [[]] * 4


def test_pzn_are_seven_or_eight_digits(tmp_path: Path) -> None:
    def given(identity: str, code: str) -> dict[str, Any]:
        drug = concept("http://fhir.de/CodeSystem/ifa/pzn", code)
        of_patient = {"subject": {"reference": "Patient/p"}, "medicationCodeableConcept": drug}
        return {"resourceType": "MedicationStatement", "id": identity, **of_patient}

    events = [given("a", "00451771"), given("b", "0451771"), given("c", "4711"), given("d", CANARY)]
    found = mii.read(write(tmp_path, [patient(), *events]), request("pzn_all"))
    assert found.frame["pzn_all"].to_list() == [["00451771", "0451771"]]
    assert found.audit["codes"] == {"malformed": 2}
    assert ATC not in str(found.audit)


@pytest.mark.parametrize(("code", "told"), [("D", "D"), ("X", "X"), ("Q", None)])
def test_the_official_gender_beside_other(tmp_path: Path, code: str, told: str | None) -> None:
    """FHIR's ``other`` holds what a German register keeps apart."""
    extension = {"url": f"{KEY}/gender-amtlich-de", "valueCoding": {"code": code}}
    export = write(tmp_path, [patient(gender="other", _gender={"extension": [extension]})])
    assert row(export, "gender", "gender_amtlich") == {"gender": "other", "gender_amtlich": told}
    assert set_to_missing(export, "gender_amtlich").get("gender_amtlich_unknown", 0) == (told is None)


STAY = (
    "encounter_level",
    "contact_type",
    "class",
    "admission_reason",
    "admission_source",
    "discharge_reason",
)


def test_the_kind_of_an_encounter_and_why_the_patient_came_and_left(tmp_path: Path) -> None:
    kinds = "http://fhir.de/CodeSystem/kontaktart-de"
    left = {"extension": [key("Entlassungsgrund", "07", "9")]}
    source = concept("http://fhir.de/CodeSystem/dgkev/Aufnahmeanlass", "E")
    stay = encounter(
        type=[concept(LEVEL, "einrichtungskontakt"), concept(kinds, "normalstationaer")],
        extension=[{"url": "http://site.example/other"}, key("Aufnahmegrund", "01", "0", "1")],
        hospitalization={"admitSource": source, "dischargeDisposition": left},
    ) | {"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}}
    expected = ("einrichtungskontakt", "normalstationaer", "IMP", "0101", "E", "079")
    assert row(write(tmp_path, [patient(), stay]), *STAY) == dict(zip(STAY, expected, strict=True))


def test_what_is_no_code_of_its_system_is_missing_and_counted(tmp_path: Path) -> None:
    kinds = "http://fhir.de/CodeSystem/kontaktart-de"
    stay = encounter(
        type=[concept(kinds, CANARY)],
        extension=[key("Aufnahmegrund", CANARY)],
        hospitalization={
            "admitSource": concept("http://fhir.de/CodeSystem/dgkev/Aufnahmeanlass", CANARY),
            "dischargeDisposition": {"extension": [key("Entlassungsgrund", CANARY)]},
        },
    ) | {"class": {"code": CANARY}}
    found = mii.read(write(tmp_path, [patient(), stay]), request(*STAY))
    assert found.frame.row(0) == (None,) * len(STAY)
    counts = found.audit["set_to_missing"]
    assert isinstance(counts, dict)
    assert {name for name in counts if not name.endswith("_missing")} == {
        *("admission_reason_invalid", "admission_source_invalid", "class_unknown"),
        *("contact_type_unknown", "discharge_reason_invalid"),
    }


def test_two_kinds_of_one_encounter_are_none(tmp_path: Path) -> None:
    kinds = concept("http://fhir.de/CodeSystem/kontaktart-de", "konsil", "operation")
    export = write(tmp_path, [patient(), encounter(type=[kinds])])
    assert row(export, "contact_type") == {"contact_type": None}


def test_a_key_ends_where_a_place_is_missing(tmp_path: Path) -> None:
    """``01`` and a fourth place without the third is ``01``: places never move up."""
    broken = {"url": f"{KEY}/Aufnahmegrund"} | {
        "extension": [place("ErsteUndZweiteStelle", "01"), place("VierteStelle", "1")]
    }
    export = write(tmp_path, [patient(), encounter(extension=[broken])])
    assert row(export, "admission_reason") == {"admission_reason": "01"}


MAIN = ("main_diagnosis", "main_diagnosis_onset", "main_diagnosis_recorded")


@pytest.mark.parametrize(
    ("elements", "onset"),
    [
        ({"onsetDateTime": "2023-12"}, "2023-12"),
        ({"onsetDateTime": "2023-12-31T23:59:00-05:00"}, "2023-12-31"),
        ({"onsetPeriod": {"start": "2023-11-05", "end": "2024-01-01"}}, "2023-11-05"),
        ({"onsetString": CANARY}, None),
        ({"onsetDateTime": CANARY}, None),
        ({}, None),
    ],
)
def test_onset_and_recorded_date_of_the_main_diagnosis(
    tmp_path: Path, elements: dict[str, Any], onset: str | None
) -> None:
    stay = encounter(diagnosis=[role("c", "DD", 1)])
    export = write(tmp_path, [patient(), stay, condition("c", "C34.1", **elements)])
    assert row(export, *MAIN) == dict(zip(MAIN, ("C34.1", onset, "2024-02-15"), strict=True))


def test_of_two_dates_of_one_main_diagnosis_none_is_chosen(tmp_path: Path) -> None:
    stay = encounter(diagnosis=[role("c", "DD", 1), role("d", "DD", 1)])
    twice = [condition("c", "C34.1", onsetDateTime="2023"), condition("d", "C34.1", onsetDateTime="2024")]
    export = write(tmp_path, [patient(), stay, *twice])
    assert row(export, *MAIN) == dict(zip(MAIN, ("C34.1", None, "2024-02-15"), strict=True))
    assert set_to_missing(export, *MAIN)["main_diagnosis_onset_ambiguous"] == 1


def test_the_first_and_last_day_of_the_procedures(tmp_path: Path) -> None:
    code = {"code": concept(OPS, "5-323.51")}
    procedures = [
        procedure("a", performedDateTime="2024-02-20T10:14:00+01:00", **code),
        procedure("b", performedPeriod={"start": "2024-02-18", "end": "2024-02-25"}, **code),
        procedure("c", performedDateTime="1999-01-01", status="not-done", **code),
        procedure("d", performedDateTime="gestern", **code),
        procedure("e", performedDateTime="2024-02", **code),
    ]
    export = write(tmp_path, [patient(), patient("q"), *procedures])
    found = mii.read(export, request("patient_id", "performed_first", "performed_last"))
    assert found.frame.rows() == [("p", "2024-02", "2024-02"), ("q", None, None)]
    assert found.audit["set_to_missing"] == {"birth_date_missing": 2, "performed_invalid": 1}
    without = write(tmp_path, [patient(), *procedures[:4]])
    days = {"performed_first": "2024-02-18", "performed_last": "2024-02-25"}
    assert row(without, *days) == days


@pytest.mark.parametrize("column", mii.OPTIONAL)
def test_a_column_without_its_resources_is_missing_and_named(tmp_path: Path, column: str) -> None:
    found = mii.read(write(tmp_path, [patient()]), request("gender", column))
    assert found.frame[column].to_list() == [None]
    assert found.audit["columns_without_source"] == ([] if column == "gender_amtlich" else [column])


def test_the_flattened_form_of_the_new_elements(tmp_path: Path) -> None:
    texts = {
        "Person": "id,Patient_gender,Patient_gender_extensionOtheramtlich_value_X_Valuecoding_code\n"
        "p,other,D\n",
        "Fall": "id,patient,Encounter_class_code,Encounter_type_codingKontaktart_code,"
        "Encounter_extensionAufnahmegrund_extensionErsteundzweitestelle_value_X_Valuecoding_code,"
        "Encounter_extensionAufnahmegrund_extensionDrittestelle_value_X_Valuecoding_code,"
        "Encounter_hospitalization_dischargeDisposition_extensionEntlassungsgrund_"
        "extensionErsteundzweitestelle_value_X_Valuecoding_code,"
        "Encounter_hospitalization_admitSource_coding_code,"
        "Encounter_hospitalization_admitSource_coding_system,Encounter_period_start\n"
        "e,Patient/p,IMP,normalstationaer,01,0,07,E,http://fhir.de/CodeSystem/dgkev/Aufnahmeanlass,2024\n",
        "Diagnose": "id,patient,Condition_code_codingAlphaid_code,Condition_code_codingOrphanet_code\n"
        "c,Patient/p,I29578,558\n",
        "Medikation": "id,patient,MedicationStatement_medication_X_Medicationreference_reference\n"
        "s,Patient/p,Medication/m\n",
        "Medikament": "id,Medication_code_codingPzn_code\nm,00451771\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    columns = ("gender_amtlich", "contact_type", "class", "admission_reason", "admission_source")
    further = ("discharge_reason", "alpha_id_all", "orpha_all", "pzn_all")
    told = row(tmp_path, *columns, *further)
    assert tuple(told[name] for name in columns) == ("D", "normalstationaer", "IMP", "010", "E")
    assert tuple(told[name] for name in further) == ("07", ["I29578"], ["558"], ["00451771"])


def test_the_documentation_names_every_column() -> None:
    text = (ROOT / "docs" / "core_dataset.md").read_text(encoding="utf-8")
    assert {name for name in (*mii.COLUMNS, *mii.OPTIONAL) if f"`{name}`" not in text} == set()
