"""What an inspection finds in the MII test data 2026.0.0, counted again by plain ``json`` and ``csv``.

Five forms of the same patients; the figures in `mii.md` (630 resources of 726 entries, consent outcomes).
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from release.inspecting import Findings, findings
from tests.conftest import ROOT, SHARED, needs_shared

DATA = SHARED / "data" / "mii-kds-2026"
TODAY = date(2026, 11, 22)
LINES, FILES = "a_ndjson_per_type", "b_bundles_one_file_per_patient"
TORCH, CSV, AETHER = "b2_torch_bundle_per_line", "c_flattened_csv", "d_aether_flattener_csv"
FHIR = (LINES, FILES, TORCH)


def resources(form: str) -> Iterator[dict[str, Any]]:
    """Every resource of a form, as often as it stands there."""
    for path in sorted((DATA / form).iterdir()):
        text = path.read_text(encoding="utf-8")
        documents = [json.loads(text)] if path.suffix == ".json" else map(json.loads, text.splitlines())
        for document in documents:
            if document["resourceType"] == "Bundle":
                yield from (entry["resource"] for entry in document["entry"])
            else:
                yield document


def once(all_of_them: Iterator[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Each resource once, by type."""
    by_type: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for resource in all_of_them:
        by_type[resource["resourceType"]].setdefault(resource["id"], resource)
    return {name: list(by_id.values()) for name, by_id in by_type.items()}


def inspected(form: str) -> Findings:
    """The findings of a form at the reference date of `mii.md`."""
    return findings(DATA / form, today=TODAY)


def element(found: Findings, kind: str, name: str) -> dict[str, Any]:
    """The row of an element."""
    (row,) = (r for r in found["elements"] if (r["type"], r["element"]) == (kind, name))
    return dict(row)


def present(found: Findings, kind: str, name: str) -> int | None:
    """How many resources hold an element; ``None`` where the form has no place for it."""
    row = element(found, kind, name)
    return row["present"] if row["in_form"] else None


@needs_shared
@pytest.mark.parametrize("form", FHIR)
def test_resources_and_duplicates_by_type(form: str) -> None:
    read = Counter(resource["resourceType"] for resource in resources(form))
    unique = {name: len(several) for name, several in once(resources(form)).items()}
    told = {
        row["type"]: (row["read"], row["unique"], row["duplicate"]) for row in inspected(form)["resources"]
    }
    assert told == {name: (n, unique[name], n - unique[name]) for name, n in read.items()}


@needs_shared
def test_726_entries_are_630_resources() -> None:
    rows = inspected(FILES)["resources"]
    assert (sum(row["read"] for row in rows), sum(row["unique"] for row in rows)) == (726, 630)


SIMPLE = {
    "Patient": {"gender": "gender", "birthDate": "birthDate", "identifier": "identifier", "name": "name"},
    "Encounter": {"class": "class", "diagnosis": "diagnosis", "location": "location"},
    "Condition": {"recordedDate": "recordedDate", "note": "note", "encounter": "encounter"},
    "Observation": {"dataAbsentReason": "dataAbsentReason", "identifier": "identifier"},
    "MedicationRequest": {"authoredOn": "authoredOn", "medication (reference)": "medicationReference"},
    "Consent": {"dateTime": "dateTime", "status": "status"},
}


@needs_shared
@pytest.mark.parametrize("form", FHIR)
def test_elements_at_the_top_of_a_resource(form: str) -> None:
    found, by_type = inspected(form), once(resources(form))
    for kind, names in SIMPLE.items():
        for name, key in names.items():
            expected = sum(bool(resource.get(key)) for resource in by_type.get(kind, []))
            assert present(found, kind, name) == expected, (kind, name)


def holds(resource: dict[str, Any], path: str, system: str) -> bool:
    """Whether an element has a coding of a system whose address holds ``system``."""
    return any(system in coding.get("system", "") for coding in resource.get(path, {}).get("coding", []))


@needs_shared
@pytest.mark.parametrize("form", FHIR)
def test_codes_by_their_system(form: str) -> None:
    found, by_type = inspected(form), once(resources(form))
    asked = [
        ("Condition", "code", "icd-10-gm", "code: ICD-10-GM"),
        ("Condition", "code", "orpha.net", "code: ORPHA"),
        ("Condition", "code", "sid/icd-10", "code: ICD-10 (cause of death)"),
        ("Procedure", "code", "/ops", "code: OPS"),
        ("Observation", "code", "loinc.org", "code: LOINC"),
        ("Medication", "code", "atc", "code: ATC"),
        ("Medication", "code", "pzn", "code: PZN"),
        ("MedicationStatement", "medicationCodeableConcept", "atc", "medication (code): ATC"),
    ]
    for kind, path, system, name in asked:
        expected = sum(holds(resource, path, system) for resource in by_type.get(kind, []))
        assert present(found, kind, name) == expected, name


@needs_shared
@pytest.mark.parametrize("form", FHIR)
def test_every_coding_of_a_condition_is_counted_by_its_system(form: str) -> None:
    systems = Counter(
        coding["system"]
        for condition in once(resources(form))["Condition"]
        for coding in condition.get("code", {}).get("coding", [])
    )
    (row,) = (
        r for r in inspected(form)["code_systems"] if (r["type"], r["element"]) == ("Condition", "code")
    )
    assert row["known"].items() <= systems.items()
    assert row["codings"] == systems.total()
    assert row["unknown"] == systems.total() - sum(row["known"].values())
    assert row["unknown_systems"] == len(systems) - len(row["known"])


@needs_shared
@pytest.mark.parametrize("form", FHIR)
def test_months_of_the_admissions_and_partial_birth_dates(form: str) -> None:
    by_type = once(resources(form))
    dates = {(row["type"], row["element"]): row for row in inspected(form)["dates"]}
    starts = [encounter["period"]["start"][:7] for encounter in by_type["Encounter"]]
    admitted = dates["Encounter", "period (start)"]
    assert (admitted["first_month"], admitted["last_month"]) == (min(starts), max(starts))
    born = [patient["birthDate"] for patient in by_type["Patient"] if "birthDate" in patient]
    told = dates["Patient", "birthDate"]
    assert told["dates"] == len(born)
    assert told["year_only"] == sum(len(day) == 4 for day in born)
    assert told["year_month"] == sum(len(day) == 7 for day in born)


@needs_shared
def test_a_birth_date_in_the_future_of_the_reference_date_is_counted_and_in_no_span() -> None:
    born = [p["birthDate"] for p in once(resources(LINES))["Patient"] if len(p.get("birthDate", "")) == 10]
    (row,) = (
        r
        for r in findings(DATA / LINES, today=date(1990, 1, 1))["dates"]
        if (r["type"], r["element"]) == ("Patient", "birthDate")
    )
    assert row["future"] == sum(day > "1990-01-01" for day in born) > 0
    assert row["last_month"] == max(day for day in born if day <= "1990-01-01")[:7]


@needs_shared
@pytest.mark.parametrize("form", FHIR)
def test_how_observations_tell_their_values(form: str) -> None:
    observations = once(resources(form))["Observation"]
    told = inspected(form)["laboratory"]
    assert told["all"]["observations"] == len(observations)
    assert told["all"]["quantities"] == sum("value" in o.get("valueQuantity", {}) for o in observations)
    assert told["all"]["comparators"] == sum("comparator" in o.get("valueQuantity", {}) for o in observations)
    assert told["all"]["absent_with_reason"] == sum("dataAbsentReason" in o for o in observations)
    in_a_laboratory = [
        o
        for o in observations
        if any(c.get("code") == "laboratory" for k in o.get("category", []) for c in k.get("coding", []))
    ]
    assert told["laboratory"]["observations"] == len(in_a_laboratory)


@needs_shared
def test_consent_as_a_run_decides_it() -> None:
    consent = inspected(LINES)["consent"]
    gate = "X.8 is not permitted on the reference date or the run's date"
    assert consent["patients_by_reason"] == {gate: 1, "accepted": 9, "no Consent": 21}
    assert sum(consent["resources_kept"].values()) == 116
    assert inspected(TORCH)["consent"]["patients_by_reason"] == {gate: 1, "accepted": 9, "no Consent": 1}


def rows(form: str, name: str) -> list[dict[str, str]]:
    """The rows of a flattened table."""
    (path,) = (DATA / form).glob(f"*{name}*.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@needs_shared
@pytest.mark.parametrize(
    ("table", "kind", "column", "name"),
    [
        ("Patient", "Patient", "Patient_gender", "gender"),
        ("Patient", "Patient", "Patient_birthDate", "birthDate"),
        ("Patient", "Patient", "Patient_addressStrassenanschrift_postalCode", "postal code"),
        ("Kontakt", "Encounter", "Encounter_period_start", "period (start)"),
        ("Condition", "Condition", "Condition_code_codingIcd10gm_code", "code: ICD-10-GM"),
        ("Condition", "Condition", "Condition_code_codingOrphanet_code", "code: ORPHA"),
        ("Procedure", "Procedure", "Procedure_code_codingOps_code", "code: OPS"),
        ("Labor", "Observation", "Observation_value_X_Valuequantity_value", "value (quantity)"),
    ],
)
def test_a_flattened_table_s_elements(table: str, kind: str, column: str, name: str) -> None:
    told = rows(CSV, table)
    found = inspected(CSV)
    assert present(found, kind, name) == len({row["id"] for row in told if row[column]})
    assert element(found, kind, name)["of"] == len({row["id"] for row in told})


@needs_shared
def test_what_a_flattened_form_has_no_column_for_is_not_in_this_form() -> None:
    flattened, aether = inspected(CSV), inspected(AETHER)
    assert flattened["consent"] is aether["consent"] is None
    for found, kind, name in (
        (flattened, "Patient", "name"),
        (flattened, "Consent", "status"),
        (flattened, "Observation", "dataAbsentReason"),
        (aether, "Patient", "birthDate"),
        (aether, "Encounter", "period (start)"),
    ):
        assert present(found, kind, name) is None
    assert aether["laboratory"]["all"]["absent_with_reason"] == 2
    assert flattened["laboratory"]["all"]["absent_with_reason"] is None


@needs_shared
@pytest.mark.parametrize("form", [FILES, TORCH, CSV])
def test_all_forms_tell_the_same_of_the_patients_they_hold(form: str) -> None:
    if form == TORCH:
        ids = {patient["id"] for patient in once(resources(TORCH))["Patient"]}
        born = sum("birthDate" in p for p in once(resources(LINES))["Patient"] if p["id"] in ids)
        assert present(inspected(TORCH), "Patient", "birthDate") == born
        return
    lines, found = inspected(LINES), inspected(form)
    for name in ("gender", "birthDate", "deceased (yes/no)", "deceased (date)"):
        assert present(found, "Patient", name) == present(lines, "Patient", name)
    birth = [u for u in found["uniqueness"]["subsets"] if u["columns"] == ["birth_date"]]
    assert birth == [u for u in lines["uniqueness"]["subsets"] if u["columns"] == ["birth_date"]]


def test_the_sample_export_counted_by_plain_json() -> None:
    folder = ROOT / "sample_data" / "export"
    found = findings(folder, today=TODAY)
    patients: dict[str, dict[str, Any]] = {}
    with gzip.open(folder / "Patient.ndjson.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            patient = json.loads(line)
            patients.setdefault(patient["id"], patient)
    born = [patient.get("birthDate", "") for patient in patients.values()]
    (told,) = (r for r in found["dates"] if (r["type"], r["element"]) == ("Patient", "birthDate"))
    assert found["patients"] == len(patients)
    assert told["dates"] == sum(map(bool, born))
    assert told["year_only"] + told["year_month"] == sum(len(day) in (4, 7) for day in born)
    assert told["future"] == sum(day > TODAY.isoformat()[: len(day)] for day in born)
    genders = [patient.get("gender") for patient in patients.values()]
    assert present(found, "Patient", "gender") == sum(map(bool, genders))
