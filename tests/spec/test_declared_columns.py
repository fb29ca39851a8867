"""Columns by declaration: resources of one type that carry a code, of several the last by date."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import mii
from anonymizer.errors import BadInput, ComponentMissing
from mii.views.declaring import SYSTEMS, Declared
from tests import tiny_export
from tests.fhir_export import (
    CRP,
    ICD,
    LOINC,
    UCUM,
    bundle,
    concept,
    condition,
    encounter,
    lab,
    patient,
    request,
    write,
)

STAGE = Declared("stage", "Observation", SYSTEMS["loinc"], ("21908-9",), "code")
LAST_CRP = Declared("x", "Observation", SYSTEMS["loinc"], ("1988-5",), "quantity", unit="mg/L")
TNM = "http://example.org/stages"
FORMS: dict[str, Callable[[Path, list[Any]], Path]] = {
    "lines of resources": tiny_export.ndjson,
    "lines of Bundles": tiny_export.bundle_lines,
    "Bundle files": tiny_export.bundle_files,
    "Bundle files that refer by urn:uuid": tiny_export.urn_files,
    "zip": partial(tiny_export.zipped, tiny_export.bundle_files),
    "zstd": partial(tiny_export.zstandard_packed, tiny_export.bundle_lines),
}


def staged(identity: str, stage: str | None, when: str | None, **elements: Any) -> dict[str, Any]:
    """An Observation of a tumour's stage, of patient ``p``."""
    value = {} if stage is None else {"valueCodeableConcept": concept(TNM, stage)}
    told = {"code": concept(LOINC, "21908-9"), **value, **elements}
    return lab(identity, None, when, **told)


def read(folder: Path, declared: Declared, *resources: Any, **changes: Any) -> mii.Export:
    asked = request("patient_id", declared.name, declared=(declared,), **changes)
    return mii.read(write(folder, [patient(), *resources]), asked)


def cell(folder: Path, declared: Declared, *resources: Any) -> Any:
    return read(folder, declared, *resources).frame[declared.name].to_list()[0]


def counts(folder: Path, declared: Declared, *resources: Any) -> dict[str, Any]:
    told = read(folder, declared, *resources).audit["views"]
    assert isinstance(told, dict)
    return told


def test_of_several_the_last_by_date_is_told(tmp_path: Path) -> None:
    stages = [staged("a", "II", "2024-02-01"), staged("b", "IV", "2024-03"), staged("c", "I", "2023-12-31")]
    assert cell(tmp_path, STAGE, *stages) == "IV"


def test_the_order_is_that_of_moments_and_a_tie_goes_to_the_greater_id(tmp_path: Path) -> None:
    zones = [staged("a", "II", "2024-02-01T00:30:00+02:00"), staged("b", "III", "2024-01-31T23:00:00Z")]
    assert cell(tmp_path, STAGE, *zones) == "III"
    tie = [staged("b", "III", "2024-02-01"), staged("a", "II", "2024-02-01")]
    assert cell(tmp_path, STAGE, *tie) == cell(tmp_path, STAGE, *reversed(tie)) == "III"


def test_one_without_a_date_is_told_only_where_no_other_is(tmp_path: Path) -> None:
    assert cell(tmp_path, STAGE, staged("z", "I", None)) == "I"
    assert cell(tmp_path, STAGE, staged("z", "I", None), staged("a", "II", "1999")) == "II"


def test_a_period_is_dated_by_its_start(tmp_path: Path) -> None:
    period = {"effectivePeriod": {"start": "2024-01-01", "end": "2025-01-01"}}
    stages = [staged("a", "I", None, **period), staged("b", "II", "2024-06-01")]
    assert cell(tmp_path, STAGE, *stages) == "II"


def test_only_the_code_of_the_system_counts(tmp_path: Path) -> None:
    other = staged("a", "IV", "2024", code=concept("http://snomed.info/sct", "21908-9"))
    beside = {"coding": [{"system": TNM, "code": "x"}, {"system": LOINC, "code": "21908-9"}]}
    assert cell(tmp_path, STAGE, other) is None
    assert cell(tmp_path, STAGE, staged("a", "IV", "2024", code=beside)) == "IV"


def test_an_escaped_code_is_found(tmp_path: Path) -> None:
    line = json.dumps(staged("a", "IV", "2024")).replace("21908-9", "21908\\u002d9")
    assert cell(tmp_path, STAGE, line) == "IV"


@pytest.mark.parametrize("code", ["A/B", "a(b)", "ä-1", "x:1-2"])
def test_a_code_of_any_characters_is_found_however_it_is_escaped(tmp_path: Path, code: str) -> None:
    declared = Declared("x", "Observation", (TNM,), (code,), "code")
    line = json.dumps(staged("a", "IV", "2024", code=concept(TNM, code)))
    assert cell(tmp_path, declared, line) == "IV"
    assert cell(tmp_path, declared, line.replace("/B", "\\/B")) == "IV"


def test_what_did_not_happen_or_says_nothing_is_no_value(tmp_path: Path) -> None:
    absent = {"dataAbsentReason": concept("http://example.org", "unknown")}
    stages = [
        staged("a", "I", "2024-01-01"),
        staged("b", "II", "2024-02-01", status="entered-in-error"),
        staged("c", None, "2024-03-01", **absent),
    ]
    assert cell(tmp_path, STAGE, *stages) == "I"
    assert counts(tmp_path, STAGE, *stages)["resources_void_by_status"] == 1


def test_of_two_codes_none_is_chosen_unless_a_system_is(tmp_path: Path) -> None:
    several = {"coding": [{"system": TNM, "code": "III"}, {"system": "http://example.org/b", "code": "3"}]}
    both = staged("b", None, "2024-02-01", valueCodeableConcept=several)
    older = staged("a", "I", "2024-01-01")
    assert cell(tmp_path, STAGE, older, both) is None
    assert counts(tmp_path, STAGE, older, both)["codes_ambiguous"] == 1
    of_one = Declared("stage", "Observation", SYSTEMS["loinc"], ("21908-9",), "code", system=TNM)
    assert cell(tmp_path, of_one, older, both) == "III"


def test_a_text_in_place_of_a_code_is_missing_and_counted(tmp_path: Path) -> None:
    typed = staged("a", "Erika Mustermann, Stadium IV", "2024")
    assert cell(tmp_path, STAGE, typed) is None
    assert counts(tmp_path, STAGE, typed)["values_malformed"] == 1


@pytest.mark.parametrize(
    ("kind", "element", "value", "expected"),
    [
        ("boolean", "valueBoolean", False, False),
        ("integer", "valueInteger", 3, 3),
        ("date", "valueDateTime", "2024-02-01T10:00:00+01:00", "2024-02-01"),
        ("date", "valueDateTime", "2024-02", "2024-02"),
        ("date", "valueDateTime", "2024-02-30", None),
        ("integer", "valueString", "Mustermann", None),
    ],
)
def test_values_by_their_kind(tmp_path: Path, kind: Any, element: str, value: Any, expected: Any) -> None:
    declared = Declared("x", "Observation", SYSTEMS["loinc"], ("21908-9",), kind)
    assert cell(tmp_path, declared, staged("a", None, "2024", **{element: value})) == expected


def test_a_quantity_is_told_in_the_unit_asked_for(tmp_path: Path) -> None:
    mass = {"value": 0.0125, "system": UCUM, "code": "g/L"}
    assert cell(tmp_path, LAST_CRP, lab("a", None, "2024", valueQuantity=mass)) == 12.5
    bound = lab("b", None, "2025", valueQuantity={"value": 5, "comparator": "<", "code": "mg/L"})
    bare = lab("c", None, "2025", valueQuantity={"value": 5})
    found = read(tmp_path, LAST_CRP, lab("a", 7.0, "2024"), bound, bare)
    assert found.frame["x"].to_list() == [7.0]
    told = found.audit["views"]
    assert isinstance(told, dict)
    assert (told["values_with_comparator"], told["values_without_unit"]) == (1, 1)


def test_a_unit_that_does_not_convert_refuses_the_export(tmp_path: Path) -> None:
    molar = {"value": 12.5, "system": UCUM, "code": "mmol/L"}
    with pytest.raises(BadInput, match="'x': a value is in a unit") as refusal:
        cell(tmp_path, LAST_CRP, lab("a", None, "2024", valueQuantity=molar))
    assert "12.5" not in str(refusal.value)


def test_of_a_condition_the_code_or_the_day_is_told(tmp_path: Path) -> None:
    tumours = [condition("a", "C50.1"), condition("b", "C50.1", recordedDate="2023-01-01")]
    day = Declared("x", "Condition", SYSTEMS["icd10gm"], ("C50.1",), "date")
    assert cell(tmp_path, day, *tumours) == "2024-02-15"
    code = Declared("x", "Condition", SYSTEMS["icd10gm"], ("C50.1",), "code", system=ICD)
    assert cell(tmp_path, code, *tumours) == "C50.1"
    assert cell(tmp_path, code, condition("a", "C50.11")) is None


def test_a_specimen_has_its_code_in_its_type_and_its_date_in_its_collection(tmp_path: Path) -> None:
    kind = concept("http://snomed.info/sct", "119297000")
    specimen = {"resourceType": "Specimen", "id": "s", "type": kind, "subject": {"reference": "Patient/p"}}
    collected = {"collection": {"collectedDateTime": "2024-02-15T08:00:00Z"}}
    day = Declared("x", "Specimen", SYSTEMS["snomed"], ("119297000",), "date")
    assert cell(tmp_path, day, specimen | collected) == "2024-02-15"


def test_of_two_versions_the_later_counts_even_where_it_says_nothing(tmp_path: Path) -> None:
    old = staged("a", "IV", "2024", meta={"lastUpdated": "2024-01-01T00:00:00Z"})
    new = lab("a", 1.0, "2024", meta={"lastUpdated": "2025-01-01T00:00:00Z"})
    assert cell(tmp_path, STAGE, old, new) is None
    assert cell(tmp_path, STAGE, new, old) is None
    undated = lab("a", 1.0, "2024")
    assert cell(tmp_path, STAGE, old, undated) == cell(tmp_path, STAGE, undated, old) == "IV"
    newest = staged("a", "I", "2024", meta={"lastUpdated": "2026-01-01T00:00:00Z"})
    assert cell(tmp_path, STAGE, newest, new, old) == cell(tmp_path, STAGE, old, new, newest) == "I"
    east = staged("a", "II", "2024", meta={"lastUpdated": "2025-01-01T01:30:00+02:00"})
    assert cell(tmp_path, STAGE, east, new) is None
    assert cell(tmp_path, STAGE, east, staged("a", "I", "2024", meta=new["meta"])) == "I"


def test_a_resource_without_an_id_is_refused(tmp_path: Path) -> None:
    for nameless in (staged("a", "IV", "2024"), lab("a", 1.0, "2024")):
        del nameless["id"]
        with pytest.raises(BadInput, match="Observation: a resource has no id"):
            cell(tmp_path, STAGE, nameless)


def test_a_bundles_new_resources_are_found_by_their_urn(tmp_path: Path) -> None:
    person = patient()
    del person["id"]
    stage = staged("a", "IV", "2024", subject={"reference": "urn:uuid:1"})
    found = mii.read(
        write(tmp_path, [bundle(("urn:uuid:1", person), ("urn:uuid:2", stage))]),
        request("patient_id", "stage", declared=(STAGE,)),
    )
    assert found.frame.rows() == [("urn:uuid:1", "IV")]


def test_a_row_of_an_encounter_is_told_of_its_own_resources(tmp_path: Path) -> None:
    first = staged("a", "I", "2024-02-15", encounter={"reference": "Encounter/e1"})
    second = staged("b", "II", "2025-02-15", encounter={"reference": "Encounter/ward"})
    nobody = staged("c", "IV", "2026-02-15")
    ward = encounter("ward", type=[], partOf={"reference": "Encounter/e2"})
    ward["type"] = [concept("http://fhir.de/CodeSystem/Kontaktebene", "abteilungskontakt")]
    stays = [encounter("e1"), encounter("e2"), ward]
    found = read(tmp_path, STAGE, *stays, first, second, nobody, row="encounter")
    assert found.frame["stage"].to_list() == ["I", "II"]


def test_a_resource_of_nobody_in_the_table_is_counted(tmp_path: Path) -> None:
    lost = staged("a", "IV", "2024", subject={"reference": "Patient/elsewhere"})
    assert counts(tmp_path, STAGE, lost)["resources_of_nobody_in_the_table"] == 1


def test_an_export_without_such_resources_says_so(tmp_path: Path) -> None:
    found = read(tmp_path, STAGE)
    assert found.frame["stage"].to_list() == [None]
    assert found.audit["views"] == {"without_resources": ["stage"]}


def test_flattened_tables_are_refused_with_the_key(tmp_path: Path) -> None:
    (tmp_path / "Patient.csv").write_text("id,Patient_gender\np,male\n", encoding="utf-8")
    with pytest.raises(ComponentMissing, match=r"input\.mii\.columns"):
        mii.read(tmp_path, request("patient_id", "stage", declared=(STAGE,)))


@pytest.mark.parametrize("row", ["patient", "encounter"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_column(tmp_path: Path, form: str, row: Any) -> None:
    path = FORMS[form](tmp_path / "export", tiny_export.resources())
    wanted = ("patient_id", "lab_crp_last", "x")
    changes = {"observations": CRP, "declared": (LAST_CRP,), "row": row, "consent_required": True}
    made = mii.read(path, request(*wanted, **changes)).frame
    assert made["x"].to_list() == made["lab_crp_last"].to_list()
    assert made.height == (18 if row == "patient" else 36)
    assert made["x"].null_count() == 0


@pytest.mark.parametrize("seed", range(4))
def test_a_declared_quantity_is_the_last_laboratory_value(tmp_path: Path, seed: int) -> None:
    """Two ways through the code must agree: the typed columns of laboratory values, and views."""
    draw = random.Random(seed)
    labs = [
        lab(
            f"o{number}",
            draw.choice((None, 1.0, 2.5, 7.0)),
            draw.choice(("2024", "2024-01-01", "2024-01-01T12:00:00+01:00", "2025-03-04")),
            status=draw.choice(("final", "final", "entered-in-error")),
            subject={"reference": f"Patient/{draw.choice('pqr')}"},
        )
        for number in range(40)
    ]
    path = write(tmp_path, [*map(patient, "pqr"), *labs])
    wanted = ("patient_id", "lab_crp_last", "x")
    made = mii.read(path, request(*wanted, observations=CRP, declared=(LAST_CRP,))).frame
    assert made["x"].to_list() == made["lab_crp_last"].to_list()
    assert made["x"].null_count() < 3
