"""The traps that real exports of the core dataset hold, one test each, in the order of the notes."""

from __future__ import annotations

import gzip
import json
import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import zstandard

import mii
from anonymizer.errors import BadInput
from mii.consent import COLLECT, OID, USE
from tests.fhir_export import (
    ATC,
    LOINC,
    OPS,
    bundle,
    concept,
    condition,
    encounter,
    lab,
    patient,
    request,
    row,
    write,
)

PZN = "http://fhir.de/CodeSystem/ifa/pzn"
ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}]}
EVENTS = ("MedicationAdministration", "MedicationStatement", "MedicationRequest")


def event(kind: str, **elements: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": "e", "subject": {"reference": "Patient/p"}, **elements}


def medication(identity: str, system: str, code: str, *parts: str) -> dict[str, Any]:
    named = [{"itemReference": {"reference": f"Medication/{part}"}} for part in parts]
    return {
        "resourceType": "Medication",
        "id": identity,
        "code": concept(system, code),
        **({"ingredient": named} if parts else {}),
    }


def counts(path: Path, *columns: str) -> Any:
    return mii.read(path, request(*columns)).audit["set_to_missing"]


# How sites hand data over


def test_torch_one_transaction_bundle_per_patient_and_line_beside_the_core_bundle(tmp_path: Path) -> None:
    """The Medications of core.ndjson are found though its file is read after ``a…``; Provenance is passed."""
    provenance = {"resourceType": "Provenance", "id": "v", "target": [{"reference": "Patient/p"}]}
    given = event("MedicationAdministration", medicationReference={"reference": "Medication/m"})
    write(tmp_path, [bundle(patient("p"), given, provenance), bundle(patient("q"))], name="a1.ndjson")
    write(tmp_path, [bundle(medication("m", ATC, "N02BB02"))], name="core.ndjson")
    assert mii.read(tmp_path, request("patient_id", "atc_all")).frame.rows() == [
        ("p", ["N02BB02"]),
        ("q", []),
    ]


def test_torch_consent_in_a_file_of_its_own(tmp_path: Path) -> None:
    permits = [
        {"type": "permit", "period": {"start": "2020-01-01"}, "code": [concept(f"urn:oid:{OID}", code)]}
        for code in (COLLECT, USE)
    ]
    agreement = {
        "resourceType": "Consent",
        "id": "c",
        "status": "active",
        "scope": concept("http://terminology.hl7.org/CodeSystem/consentscope", "research"),
        "patient": {"reference": "Patient/p"},
        "provision": {"type": "deny", "provision": permits},
    }
    write(tmp_path, [bundle(patient("p")), bundle(patient("q"))], name="b.ndjson")
    write(tmp_path, [bundle(agreement)], name="b_consent.ndjson")
    found = mii.read(tmp_path, request("patient_id", consent_required=True))
    assert found.frame["patient_id"].to_list() == ["p"]


@pytest.mark.parametrize("packed", ["aether", "bulk", "archive"])
def test_packed_as_the_producers_pack(tmp_path: Path, packed: str) -> None:
    """aether writes zstd into folders of a job, bulk data come with gzip, files per patient in a zip."""
    line = json.dumps(patient("p", gender="female")).encode() + b"\n"
    folder = tmp_path / "jobs" / "1" / "import"
    folder.mkdir(parents=True)
    if packed == "aether":
        (folder / "Patient.ndjson.zst").write_bytes(zstandard.compress(line))
    elif packed == "bulk":
        (folder / "Patient.ndjson.gz").write_bytes(gzip.compress(line))
    else:
        with zipfile.ZipFile(folder / "export.zip", "w") as archive:
            archive.writestr("Bundle-p.json", json.dumps(bundle(patient("p", gender="female")), indent=2))
    assert row(tmp_path, "gender") == {"gender": "female"}


@pytest.mark.parametrize("kind", ["transaction", "collection", "searchset", "batch"])
def test_bundles_of_every_kind(tmp_path: Path, kind: str) -> None:
    assert row(write(tmp_path, [bundle(patient("p")) | {"type": kind}]), "patient_id") == {"patient_id": "p"}


@pytest.mark.parametrize(
    "element",
    [
        {"gender": None, "_gender": ABSENT},
        {"_birthDate": ABSENT},
        {"address": [{"type": "both", "_postalCode": ABSENT, "_city": ABSENT}]},
        {"_deceasedDateTime": ABSENT},
    ],
)
def test_an_absent_reason_in_the_place_of_a_person_s_element_is_missing(
    tmp_path: Path, element: dict[str, Any]
) -> None:
    told = row(write(tmp_path, [patient(**element)]), "gender", "birth_date", "plz", "ags", "death_date")
    assert set(told.values()) == {None}


def test_an_absent_reason_in_the_place_of_a_mandatory_element_of_a_resource(tmp_path: Path) -> None:
    """What is left still counts; a resource without its patient belongs to nobody and is counted."""
    nobodys = condition("n", "C34.1") | {"subject": ABSENT}
    stripped = [
        encounter("e", period=ABSENT | {"_start": ABSENT}, status=None, _status=ABSENT, type=[ABSENT]),
        condition("c", "I10.90", verificationStatus=ABSENT) | {"recordedDate": None, "_recordedDate": ABSENT},
        condition("d", "-") | {"code": {"coding": [{"_system": ABSENT, "_code": ABSENT}]}},
        lab("l", None, "2024-02-01", valueQuantity=ABSENT),
        lab("m", 4.0, None, _effectiveDateTime=ABSENT),
        nobodys,
    ]
    columns = ("encounter_id", "admission_date", "icd10gm_all", "lab_crp_last", "lab_crp_count")
    found = mii.read(write(tmp_path, [patient(), *stripped]), request(*columns))
    assert found.frame.rows() == [("e", None, ["I10.90"], None, 1)]
    assert found.audit["resources_without_row"] == {"Condition": 1}
    assert found.audit["laboratory"] == {"values_absent": 1, "values_used": 1}


FLATTENED = (
    "id,patient,Condition_code_codingIcd10gm_code,Condition_code_codingSct_code\n"
    "c,Patient/p,C34.1,254637007\nc,Patient/p,C34.1,93880001\nc,Patient/p,I10.90,254637007\n"
)


def tables(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"MII PR {name} x.csv").write_text(text, encoding="utf-8")
    return folder


def test_flattened_tables_have_blanks_in_their_names_and_several_rows_per_id(tmp_path: Path) -> None:
    """The cross product of codings is one Condition; ``patient`` holds Patient/<id>."""
    folder = tables(tmp_path, Person="id,Patient_gender\np,female\n", Diagnose=FLATTENED)
    assert row(folder, "patient_id", "icd10gm_all", "snomed_all") == {
        "patient_id": "p",
        "icd10gm_all": ["C34.1", "I10.90"],
        "snomed_all": ["254637007", "93880001"],
    }


def test_a_flattened_table_without_a_header_needs_its_view_definition(tmp_path: Path) -> None:
    """Guessing the columns could give a birth date for a PLZ."""
    folder = tables(tmp_path, Person="p,female\n")
    with pytest.raises(BadInput, match="no header row"):
        mii.read(folder, request("gender"))
    columns = [{"name": "id"}, {"name": "Patient_gender"}]
    view = folder / "MII PR Person x_viewdefinition.json"
    view.write_text(json.dumps({"select": [{"column": columns}]}))
    assert row(folder, "gender") == {"gender": "female"}


def test_write_csv2_has_semicolons_and_decimal_commas(tmp_path: Path) -> None:
    labs = (
        '"";"id";"patient";"Observation_code_codingLoinc_code";"Observation_value_X_Valuequantity_value";'
        '"Observation_value_X_Valuequantity_code"\n"1";"l";"Patient/p";"1988-5";3,5;"mg/L"\n'
    )
    folder = tables(tmp_path, Person='"";"id";"Patient_gender"\n"1";"p";NA\n', Labor=labs)
    assert row(folder, "gender", "lab_crp_mean") == {"gender": None, "lab_crp_mean": 3.5}


# Traps seen in real exports


def test_a_bundle_holds_several_patients_and_a_resource_counts_once(tmp_path: Path) -> None:
    """Nine patients in one Bundle, and each resource in a second Bundle again."""
    people = [patient(f"p{n}", gender="female") for n in range(9)]
    codes = [condition(f"c{n}", "I10.90", subject={"reference": f"Patient/p{n}"}) for n in range(9)]
    found = mii.read(
        write(tmp_path, [bundle(*people, *codes), bundle(*people, *codes)]), request("icd10gm_all")
    )
    assert found.frame["icd10gm_all"].to_list() == [["I10.90"]] * 9
    assert (found.audit["resources_read"], found.audit["resources_unique"]) == (36, 18)


@pytest.mark.parametrize(
    ("born", "told", "age"),
    [
        (None, None, None),
        ("1962", "1962", None),
        ("1962-05", "1962-05", 64),
        ("1962-05-24", "1962-05-24", 64),
        ("2063-01-01", None, None),
        ("2063", None, None),
    ],
)
def test_birth_dates_are_missing_partial_or_in_the_future(
    tmp_path: Path, born: str | None, told: str | None, age: int | None
) -> None:
    person = patient() if born is None else patient(birthDate=born)
    export = write(tmp_path, [person])
    assert row(export, "birth_date", "age_years") == {"birth_date": told, "age_years": age}
    future = born is not None and told is None
    assert counts(export, "birth_date").get("birth_date_in_the_future", 0) == future


@pytest.mark.parametrize("plz", ["01067", "10", "00000"])
def test_a_plz_is_text_as_it_is_written(tmp_path: Path, plz: str) -> None:
    """Leading zeros stay; two digits and one constant are what pseudonymisation leaves."""
    assert row(write(tmp_path, [patient(address=[{"type": "both", "postalCode": plz}])]), "plz") == {
        "plz": plz
    }


@pytest.mark.parametrize("level", [None, [], [{}], [concept("http://site.example/levels", "ward")]])
def test_an_encounter_without_kontaktebene_is_an_einrichtungskontakt(tmp_path: Path, level: Any) -> None:
    stay = encounter("e") | {"type": level}
    found = mii.read(
        write(tmp_path, [patient(), stay]), request("patient_id", "encounter_id", row="encounter")
    )
    assert found.frame.rows() == [("p", "e")]


def test_old_dimdi_uris_beside_those_of_bfarm(tmp_path: Path) -> None:
    old_icd, old_ops, old_atc, old_alpha = (
        f"http://fhir.de/CodeSystem/dimdi/{name}" for name in ("icd-10-gm", "ops", "atc", "alpha-id")
    )
    procedures = [
        {
            "resourceType": "Procedure",
            "id": system,
            "subject": {"reference": "Patient/p"},
            "code": concept(system, code),
        }
        for system, code in ((OPS, "5-323.51"), (old_ops, "1-632.0"))
    ]
    drugs = [
        event("MedicationStatement", medicationCodeableConcept=concept(system, code)) | {"id": system}
        for system, code in ((ATC, "N02BB02"), (old_atc, "B01AC06"))
    ]
    diagnoses = [
        condition("c", "C34.1"),
        condition("d", "I10.90", system=old_icd),
        condition("a", "I29578", system=old_alpha),
    ]
    columns = ("icd10gm_all", "ops_all", "atc_all", "alpha_id_all")
    assert row(write(tmp_path, [patient(), *procedures, *drugs, *diagnoses]), *columns) == {
        "icd10gm_all": ["C34.1", "I10.90"],
        "ops_all": ["1-632.0", "5-323.51"],
        "atc_all": ["B01AC06", "N02BB02"],
        "alpha_id_all": ["I29578"],
    }


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        ("J12.8 U07.1!", ["J12.8", "U07.1"]),
        ("B05.3† H67.1*", ["B05.3", "H67.1"]),
        ("B05.3+ H67.1*", ["B05.3", "H67.1"]),
        ("  U07.1! ", ["U07.1"]),
    ],
)
def test_double_codes_and_marks(tmp_path: Path, written: str, codes: list[str]) -> None:
    """Both codes are listed; the one with ``!`` or ``*`` is never the main diagnosis."""
    stay = encounter(
        diagnosis=[{"condition": {"reference": "Condition/c"}, "use": concept("x", "DD"), "rank": 1}]
    )
    told = row(write(tmp_path, [patient(), stay, condition("c", written)]), "icd10gm_all", "main_diagnosis")
    primary = codes[0] if len(codes) > 1 else None
    assert told == {"icd10gm_all": codes, "main_diagnosis": primary}


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("hops", [0, 1, 2])
def test_atc_and_pzn_behind_one_or_two_reference_hops(tmp_path: Path, kind: str, hops: int) -> None:
    """Event → Medication → the Medication that its ingredient names."""
    product = {"coding": concept(PZN, "00451771")["coding"] + concept(ATC, "L01DB01")["coding"]}
    given = event(kind, medicationReference={"reference": f"Medication/{hops}"})
    if not hops:
        given = event(kind, medicationCodeableConcept=product)
    chain = [
        medication("1", ATC, "-") | {"code": product},
        medication("2", "http://fhir.de/CodeSystem/ask", "00001", "1"),
    ]
    assert row(write(tmp_path, [patient(), given, *chain]), "atc_all", "pzn_all") == {
        "atc_all": ["L01DB01"],
        "pzn_all": ["00451771"],
    }


def test_a_value_with_a_comparator_is_a_bound_and_no_number(tmp_path: Path) -> None:
    bound = {"value": 5, "comparator": "<", "unit": "mg/L", "code": "mg/L"}
    values = [lab("a", None, "2024-02-01", valueQuantity=bound), lab("b", 8.0, "2024-01-01")]
    found = mii.read(write(tmp_path, [patient(), *values]), request("lab_crp_last", "lab_crp_count"))
    assert found.frame.rows() == [(8.0, 1)]
    assert found.audit["laboratory"] == {"values_used": 1, "values_with_comparator": 1}


def test_a_data_absent_reason_is_no_value(tmp_path: Path) -> None:
    absent = lab("a", None, "2024-02-01", dataAbsentReason=concept("x", "not-performed"))
    found = mii.read(write(tmp_path, [patient(), absent]), request("lab_crp_last", "lab_crp_count"))
    assert found.frame.rows() == [(None, 0)]
    assert found.audit["laboratory"] == {"values_absent": 1}


def test_partial_date_times_count_from_their_first_moment(tmp_path: Path) -> None:
    values = [lab("a", 1.0, "2024"), lab("b", 2.0, "2024-02"), lab("c", 3.0, "2024-01-31T23:59:59+00:00")]
    told = row(write(tmp_path, [patient(), *values]), "lab_crp_first", "lab_crp_last")
    assert told == {"lab_crp_first": 1.0, "lab_crp_last": 2.0}


def test_time_zones_order_moments_and_leave_the_day_as_it_is_written(tmp_path: Path) -> None:
    """01:30 in Berlin is before 00:45 in London; the stay begins on the day its ward's clock showed."""
    values = [lab("a", 1.0, "2024-07-01T01:30:00+02:00"), lab("b", 2.0, "2024-07-01T00:45:00+01:00")]
    stay = encounter(period={"start": "2024-07-01T00:30:00+02:00", "end": "2024-07-02T23:30:00-05:00"})
    columns = ("admission_date", "discharge_date", "length_of_stay_days", "lab_crp_first", "lab_crp_last")
    assert row(write(tmp_path, [patient(), stay, *values]), *columns) == {
        "admission_date": "2024-07-01",
        "discharge_date": "2024-07-02",
        "length_of_stay_days": 1,
        "lab_crp_first": 1.0,
        "lab_crp_last": 2.0,
    }


@pytest.mark.parametrize(("code", "deceased"), [("T", True), ("L", False), ("B", None), (None, None)])
def test_the_vital_status_tells_of_death_where_the_patient_does_not(
    tmp_path: Path, code: str | None, deceased: bool | None
) -> None:
    system = "https://www.medizininformatik-initiative.de/fhir/core/modul-person/CodeSystem/Vitalstatus"
    value = {} if code is None else {"valueCodeableConcept": concept(system, code)}
    vital = {
        "resourceType": "Observation",
        "id": "v",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": concept(LOINC, "67162-8"),
        **value,
    }
    assert row(write(tmp_path, [patient(), vital]), "deceased") == {"deceased": deceased}


def test_the_cause_of_death_is_icd_10_of_the_who_and_no_diagnosis(tmp_path: Path) -> None:
    cause = condition("t", "A15.0", system="http://hl7.org/fhir/sid/icd-10")
    assert row(
        write(tmp_path, [patient(), cause, condition("c", "C34.1")]), "cause_of_death", "icd10gm_all"
    ) == {
        "cause_of_death": "A15.0",
        "icd10gm_all": ["C34.1"],
    }


def test_an_age_is_told_at_the_reference_date(tmp_path: Path) -> None:
    """Not on the day of the run, so that a run can be repeated."""
    export = write(tmp_path, [patient(birthDate="2000-02-29")])
    for today, age in ((date(2026, 2, 28), 25), (date(2026, 3, 1), 26)):
        assert row(export, "age_years", reference_date=today) == {"age_years": age}


def test_direct_identifiers_have_no_column(tmp_path: Path) -> None:
    canary = "Zephyrine"
    person = patient(
        identifier=[{"value": canary}],
        name=[{"family": canary, "text": canary}],
        telecom=[{"value": canary}],
        photo=[{"data": canary, "title": canary}],
        contact=[{"name": {"family": canary}}],
        address=[{"type": "both", "line": [canary], "city": canary, "text": canary, "postalCode": "10117"}],
        text={"div": f"<div>{canary}</div>"},
    )
    stay = encounter(
        identifier=[{"value": canary}],
        location=[{"location": {"display": canary}}],
        serviceProvider={"display": canary},
        reasonCode=[{"text": canary}],
        hospitalization={"origin": {"display": canary}, "admitSource": {"text": canary}},
    )
    noted = condition("c", "C34.1", note=[{"text": canary}])
    noted["code"] |= {"text": canary}
    noted["code"]["coding"][0]["display"] = canary
    columns = (*mii.COLUMNS, *mii.OPTIONAL)
    found = mii.read(write(tmp_path, [person, stay, noted]), request(*columns))
    assert canary not in str(found.frame.to_dict(as_series=False)) + str(found.audit)
    assert found.frame["plz"].to_list() == ["10117"]
