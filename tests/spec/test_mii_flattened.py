"""Flattened tables: rows of one id are one resource, whatever wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import mii
from anonymizer.errors import BadInput
from tests.fhir_export import ATC, request

PATIENTS = (
    "id,Patient_gender,Patient_birthDate,Patient_addressStrassenanschrift_postalCode\n"
    "p,female,1962-05,01067\n"
)
LABS = (
    "id,patient,Observation_status,Observation_code_coding_code,Observation_code_coding_system,"
    "Observation_effective_X_Effectivedatetime,Observation_value_X_Valuequantity_value,"
    "Observation_value_X_Valuequantity_code\n"
    "l,Patient/p,final,1988-5,http://loinc.org,2024-02-01,3.5,mg/L\n"
    "l,Patient/p,final,48421-2,http://loinc.org,2024-02-01,3.5,mg/L\n"
)


def export(folder: Path, **tables: str) -> Path:
    for name, text in tables.items():
        (folder / f"{name.replace('_', ' ')}.csv").write_text(text, encoding="utf-8")
    return folder


def row(path: Path, *columns: str, **changes: Any) -> dict[str, Any]:
    found = mii.read(path, request(*columns, **changes))
    assert found.frame.height == 1
    return found.frame.row(0, named=True)


def test_several_rows_of_one_id_are_one_observation(tmp_path: Path) -> None:
    columns = ("patient_id", "gender", "birth_date", "age_years", "plz", "lab_crp_last", "lab_crp_count")
    assert row(export(tmp_path, PR_Patient=PATIENTS, PR_Labor=LABS), *columns) == dict(
        zip(columns, ("p", "female", "1962-05", 64, "01067", 3.5, 1), strict=True)
    )


def test_a_table_without_rows_tells_that_there_is_nothing(tmp_path: Path) -> None:
    """Unlike a table that is not there."""
    nothing = "id,patient,Procedure_code_codingOps_code\n"
    found = mii.read(
        export(tmp_path, Patient=PATIENTS, Prozedur=nothing), request("gender", "ops_all", "icd10gm_all")
    )
    assert found.frame.rows() == [("female", None, [])]
    assert found.audit["columns_without_source"] == ["icd10gm_all"]


def test_write_csv2_has_semicolons_decimal_commas_row_names_and_na(tmp_path: Path) -> None:
    def r(text: str) -> str:
        header, *rows = [";".join(f'"{cell}"' for cell in line.split(",")) for line in text.splitlines()]
        numbered = [f'"{number}";{line}' for number, line in enumerate(rows, 1)]
        return "\n".join([f'"";{header}', *numbered]).replace("3.5", "3,5").replace('"female"', "NA") + "\n"

    folder = export(tmp_path, Patient=r(PATIENTS), Labor=r(LABS))
    assert row(folder, "gender", "plz", "lab_crp_last") == {
        "gender": None,
        "plz": "01067",
        "lab_crp_last": 3.5,
    }


def test_a_table_without_a_header_is_named_by_its_view_definition(tmp_path: Path) -> None:
    header, *rows = PATIENTS.splitlines()
    names = header.split(",")
    export(tmp_path, Patient="\n".join(rows) + "\n")
    view = {
        "select": [
            {"column": [{"name": names[0], "path": "id"}]},
            {"select": [{"column": [{"name": name, "path": "x"} for name in names[1:]]}]},
        ]
    }
    (tmp_path / "Patient_viewdefinition.json").write_text(json.dumps(view, indent=1))
    found = mii.read(tmp_path, request("gender", "plz"))
    assert found.frame.rows() == [("female", "01067")]
    assert found.audit["files_ignored"] == 1


def test_two_tables_of_one_type_complete_each_other(tmp_path: Path) -> None:
    folder = export(tmp_path, A=PATIENTS, B="id,Patient_deceased_X_Deceasedboolean\np,TRUE\n")
    assert row(folder, "gender", "deceased") == {"gender": "female", "deceased": True}


def test_the_slice_of_a_coding_tells_its_code_system(tmp_path: Path) -> None:
    conditions = (
        "id,patient,Condition_code_codingIcd10gm_code,Condition_code_codingSct_code,"
        "Condition_code_codingIcd10who_code,Condition_verificationStatus_coding_code\n"
        "c,p,C34.1,254637007,,confirmed\nd,Patient/p,I10.90,,,refuted\ne,Patient/p,,,I21.9,\n"
    )
    folder = export(tmp_path, Patient=PATIENTS, Diagnose=conditions)
    assert row(folder, "icd10gm_all", "cause_of_death") == {
        "icd10gm_all": ["C34.1"],
        "cause_of_death": "I21.9",
    }


def test_encounters_with_their_diagnoses_procedures_and_medications(tmp_path: Path) -> None:
    folder = export(
        tmp_path,
        Patient=PATIENTS,
        Fall=(
            "id,patient,Encounter_status,Encounter_type_coding_code,Encounter_type_coding_system,"
            "Encounter_period_start,Encounter_period_end,Encounter_diagnosis_condition_reference,"
            "Encounter_diagnosis_use_coding_code,Encounter_diagnosis_rank,"
            "Encounter_serviceType_codingFachabteilungsschluessel_code,Encounter_partOf_reference\n"
            "e,Patient/p,finished,einrichtungskontakt,http://fhir.de/CodeSystem/Kontaktebene,2024-02-14,"
            "2024-02-22,Condition/c,DD,1,0100,\n"
            "e,Patient/p,finished,normalstationaer,http://fhir.de/CodeSystem/kontaktart-de,2024-02-14,"
            "2024-02-22,Condition/d,CC,2,0100,\n"
            "f,Patient/p,finished,abteilungskontakt,http://fhir.de/CodeSystem/Kontaktebene,2024-02-15,"
            "2024-02-16,,,,,Encounter/e\n"
        ),
        Diagnose=(
            "id,patient,Condition_code_codingIcd10gm_code,Condition_encounter_reference\n"
            "c,Patient/p,C34.1,Encounter/f\nd,Patient/p,I10.90,\n"
        ),
        Prozedur="id,patient,Procedure_status,Procedure_code_codingOps_code,Procedure_encounter_reference\n"
        "o,Patient/p,completed,5-323.51,Encounter/e\n",
        Medikation=f"id,Medication_code_coding_code,Medication_code_coding_system\nm,N02BB02,{ATC}\n",
        Gabe="id,patient,MedicationAdministration_status,MedicationAdministration_context_reference,"
        "MedicationAdministration_medication_X_Medicationreference_reference\n"
        "a,Patient/p,completed,Encounter/e,Medication/m\n",
    )
    columns = ("admission_date", "length_of_stay_days", "department", "main_diagnosis")
    lists = ("icd10gm_all", "ops_all", "atc_all")
    found = row(folder, *columns, *lists, row="encounter")
    assert tuple(found.values()) == ("2024-02-14", 8, "0100", "C34.1", ["C34.1"], ["5-323.51"], ["N02BB02"])


@pytest.mark.parametrize(
    ("table", "rule"),
    [
        ("p,female,1962\n", "no header row"),
        ("id,Patient_gender\np,female,1962\n", "row 2 has another number of fields"),
        ("id,Patient_gender\n,female\n", "no id"),
        ("id,Patient_gender,Patient_gender\np,female,male\n", "stands twice"),
        ("id,Patient_gender,Condition_recordedDate\np,female,2024\n", "one resource type"),
        ("id,Patient_deceased_X_Deceasedboolean\np,perhaps\n", "neither true nor false"),
        ('id,Patient_gender\np,"female\n', "no valid CSV"),
    ],
)
def test_a_broken_table_is_refused_without_a_value(tmp_path: Path, table: str, rule: str) -> None:
    with pytest.raises(BadInput, match=rule) as refused:
        mii.read(export(tmp_path, Patient=table), request())
    assert "female" not in str(refused.value)


def test_text_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "Patient.csv").write_bytes("id,Patient_gender\np,männlich\n".encode("latin-1"))
    with pytest.raises(BadInput, match=r"Patient\.csv: line 2 is not UTF-8"):
        mii.read(tmp_path, request())


def test_a_measured_value_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no number"):
        mii.read(export(tmp_path, Patient=PATIENTS, Labor=LABS.replace("3.5", "3.5x")), request())


def test_resources_and_tables_together_are_refused(tmp_path: Path) -> None:
    export(tmp_path, Patient=PATIENTS)
    (tmp_path / "Patient.ndjson").write_text('{"resourceType": "Patient", "id": "p"}\n')
    with pytest.raises(BadInput, match="both FHIR resources and flattened tables"):
        mii.read(tmp_path, request())
