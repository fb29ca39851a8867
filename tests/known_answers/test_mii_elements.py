"""The MII KDS test data 2026.0.0, element by element: every column of every form against a literal reading.

What a column must hold is computed from the form's own files with json and csv alone
(`tests/literal_export.py`); the product reads the same folder.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import date
from functools import cache
from typing import Any

import pytest

import mii
from tests.conftest import SHARED, needs_shared
from tests.fhir_export import TODAY, request
from tests.literal_export import (
    ALPHA,
    ATC,
    DEPARTMENT,
    GM,
    KIND,
    LEVEL,
    LOINC,
    OPS,
    ORPHA,
    PZN,
    SNOMED,
    WHO,
    Json,
    Resources,
    age,
    codings,
    day,
    drugs,
    flattened,
    moment,
    own,
    stay,
)

pytestmark = needs_shared

DATA = SHARED / "data" / "mii-kds-2026"
FORMS = {
    "a_ndjson_per_type": Resources,
    "b_bundles_one_file_per_patient": Resources,
    "b2_torch_bundle_per_line": Resources,
    "c_flattened_csv": flattened,
    "d_aether_flattener_csv": flattened,
}
LABS = {
    "leukocytes": mii.Observation("26464-8", "/nL"),
    "haemoglobin": mii.Observation("718-7", "g/dL"),
    "creatinine": mii.Observation("2160-0", "mg/dL"),
    "crp": mii.Observation("1988-5", "mg/L"),
}
TYPES = {
    "Encounter": {
        *("encounter_id", "admission_date", "discharge_date", "length_of_stay_days", "department", "class"),
        *("encounter_level", "contact_type", "admission_reason", "admission_source", "discharge_reason"),
        *("main_diagnosis", "main_diagnosis_onset", "main_diagnosis_recorded"),
    },
    "Condition": {"cause_of_death", "icd10gm_all", "alpha_id_all", "orpha_all", "snomed_all"},
    "Procedure": {"ops_all", "performed_first", "performed_last"},
    "MedicationStatement": {"atc_all", "pzn_all"},
}
"""The columns that are missing altogether in a form without this type (here medications come together)."""


@cache
def literal(form: str) -> Resources:
    return FORMS[form](DATA / form)


@cache
def table(form: str) -> dict[str, dict[str, Any]]:
    """The product's rows by patient."""
    columns = (*mii.COLUMNS, *mii.OPTIONAL, *mii.lab_columns(LABS))
    rows = mii.read(DATA / form, request(*columns, observations=LABS)).frame.iter_rows(named=True)
    return {row["patient_id"]: row for row in rows}


Expected = Callable[[Resources, str], Any]


def person(element: str) -> Expected:
    return lambda told, who: told.by_type["Patient"][who].get(element)


def official_gender(told: Resources, who: str) -> str | None:
    extensions = told.by_type["Patient"][who].get("_gender", {}).get("extension", [])
    return next((e["valueCoding"]["code"] for e in extensions), None)


def birth_date(told: Resources, who: str) -> str | None:
    """Missing where it lies in the future."""
    born = told.by_type["Patient"][who].get("birthDate")
    return None if born is None or born > TODAY.isoformat() else born


def address(told: Resources, who: str) -> Json:
    addresses = told.by_type["Patient"][who].get("address", [])
    return next((a for a in addresses if a.get("type") == "both"), {})


def ags(told: Resources, who: str) -> str | None:
    extensions = address(told, who).get("_city", {}).get("extension", [])
    return next((e["valueCoding"]["code"] for e in extensions if e["url"].endswith("/ags")), None)


def vital(told: Resources, who: str) -> list[str]:
    own_ones = own(told, "Observation", who)
    found = [o for o in own_ones if "67162-8" in codings(o.get("code"), LOINC)]
    return [c["code"] for o in found for c in o.get("valueCodeableConcept", {}).get("coding", [])]


def deceased(told: Resources, who: str) -> bool | None:
    patient = told.by_type["Patient"][who]
    if "deceasedDateTime" in patient or "deceasedBoolean" in patient:
        return "deceasedDateTime" in patient or patient["deceasedBoolean"]
    states = vital(told, who)
    return True if "T" in states else False if "L" in states else None


def of_stay(read: Callable[[Json], Any]) -> Expected:
    def expected(told: Resources, who: str) -> Any:
        found = stay(told, who)
        return None if found is None else read(found)

    return expected


def period(edge: str) -> Expected:
    return of_stay(lambda found: day(found["period"].get(edge)))


def days(found: Json) -> int | None:
    start, end = (day(found["period"].get(edge)) for edge in ("start", "end"))
    return (
        None if start is None or end is None else (date.fromisoformat(end) - date.fromisoformat(start)).days
    )


def typed(system: str) -> Expected:
    def code(found: Json) -> str | None:
        return next((c for concept in found.get("type", []) for c in codings(concept, system)), None)

    return of_stay(code)


def key(extensions: Iterable[Json], url: str) -> str | None:
    """A hospital's key: its places one after the other."""
    for extension in extensions:
        if extension["url"].endswith(url):
            parts = {part["url"]: part["valueCoding"]["code"] for part in extension["extension"]}
            places = ("ErsteUndZweiteStelle", "DritteStelle", "VierteStelle")
            return "".join(parts.get(place, "") for place in places)
    return None


def admission_source(found: Json) -> str | None:
    source = found.get("hospitalization", {}).get("admitSource")
    return next(iter(codings(source, "http://fhir.de/CodeSystem/dgkev/Aufnahmeanlass")), None)


def disposition(found: Json) -> list[Json]:
    left = found.get("hospitalization", {}).get("dischargeDisposition", {})
    extensions: list[Json] = left.get("extension", [])
    return extensions


def main_condition(told: Resources, who: str) -> Json | None:
    """By role (discharge, chief complaint, comorbidity), then by rank; the first with an ICD-10-GM code."""
    found, order = stay(told, who), ["DD", "CC", "CM"]
    ranked = []
    for use in (found or {}).get("diagnosis", []):
        roles = [c["code"] for c in use.get("use", {}).get("coding", []) if c["code"] in order]
        if roles:
            name = use["condition"]["reference"].removeprefix("Condition/")
            ranked.append((min(map(order.index, roles)), use.get("rank", 1 << 31), name))
    conditions = (told.by_type["Condition"][name] for *_, name in sorted(ranked))
    return next((c for c in conditions if codings(c["code"], GM)), None)


def main_diagnosis(told: Resources, who: str) -> str | None:
    condition = main_condition(told, who)
    return None if condition is None else codings(condition["code"], GM)[0]


def main_date(element: str) -> Expected:
    return lambda told, who: day((main_condition(told, who) or {}).get(element))


def listed(kind: str, *systems: str) -> Expected:
    def expected(told: Resources, who: str) -> list[str]:
        return sorted({code for r in own(told, kind, who) for code in codings(r.get("code"), *systems)})

    return expected


def cause_of_death(told: Resources, who: str) -> str | None:
    codes = listed("Condition", WHO)(told, who)
    return codes[0] if len(codes) == 1 else None


def medicated(*systems: str) -> Expected:
    return lambda told, who: sorted({c for concept in drugs(told, who) for c in codings(concept, *systems)})


def performed(choose: Callable[[Iterable[str]], str], edge: str) -> Expected:
    def expected(told: Resources, who: str) -> str | None:
        days = []
        for procedure in own(told, "Procedure", who):
            spans = procedure.get("performedPeriod", {})
            days.append(day(procedure.get("performedDateTime") or spans.get(edge) or spans.get("start")))
        known = [one for one in days if one]
        return choose(known) if known else None

    return expected


EXPECTED: dict[str, Expected] = {
    "patient_id": lambda told, who: who,
    "encounter_id": of_stay(lambda found: found["id"]),
    "gender": person("gender"),
    "gender_amtlich": official_gender,
    "birth_date": birth_date,
    "age_years": lambda told, who: age(birth_date(told, who), TODAY),
    "plz": lambda told, who: address(told, who).get("postalCode"),
    "ags": ags,
    "deceased": deceased,
    "death_date": lambda told, who: day(told.by_type["Patient"][who].get("deceasedDateTime")),
    "cause_of_death": cause_of_death,
    "admission_date": period("start"),
    "discharge_date": period("end"),
    "length_of_stay_days": of_stay(days),
    "department": of_stay(lambda found: next(iter(codings(found.get("serviceType"), DEPARTMENT)), None)),
    "encounter_level": typed(LEVEL),
    "contact_type": typed(KIND),
    "class": of_stay(lambda found: found["class"]["code"]),
    "admission_reason": of_stay(lambda found: key(found.get("extension", []), "/Aufnahmegrund")),
    "admission_source": of_stay(admission_source),
    "discharge_reason": of_stay(lambda found: key(disposition(found), "/Entlassungsgrund")),
    "main_diagnosis": main_diagnosis,
    "main_diagnosis_onset": main_date("onsetDateTime"),
    "main_diagnosis_recorded": main_date("recordedDate"),
    "icd10gm_all": listed("Condition", GM),
    "alpha_id_all": listed("Condition", ALPHA),
    "orpha_all": listed("Condition", ORPHA),
    "snomed_all": listed("Condition", SNOMED),
    "ops_all": listed("Procedure", OPS),
    "performed_first": performed(min, "start"),
    "performed_last": performed(max, "end"),
    "atc_all": medicated(*ATC),
    "pzn_all": medicated(PZN),
}


def without_source(told: Resources, column: str) -> bool:
    return any(column in columns and kind not in told.by_type for kind, columns in TYPES.items())


@pytest.mark.parametrize("column", [*mii.COLUMNS, *mii.OPTIONAL])
@pytest.mark.parametrize("form", FORMS)
def test_every_element_of_every_form(form: str, column: str) -> None:
    told = literal(form)
    assert set(table(form)) == set(told.by_type["Patient"])
    expected = {
        who: None if without_source(told, column) else EXPECTED[column](told, who) for who in table(form)
    }
    assert {who: row[column] for who, row in table(form).items()} == expected


@pytest.mark.parametrize("name", LABS)
@pytest.mark.parametrize("form", FORMS)
def test_every_laboratory_value_of_every_form(form: str, name: str) -> None:
    told = literal(form)
    for who, row in table(form).items():
        timed = sorted(
            (moment(o["effectiveDateTime"]), o["id"], o["valueQuantity"]["value"])
            for o in own(told, "Observation", who)
            if LABS[name].loinc in codings(o.get("code"), LOINC) and "value" in o.get("valueQuantity", {})
        )
        values = [value for *_, value in timed]
        mean = math.fsum(values) / len(values) if values else None
        ends = (values[-1], values[0], min(values), max(values)) if values else (None,) * 4
        assert tuple(row[column] for column in mii.lab_columns([name])) == (*ends, mean, len(values))


@pytest.mark.parametrize("column", [*mii.COLUMNS, *mii.OPTIONAL])
def test_the_data_hold_every_element(column: str) -> None:
    """A comparison of nothing with nothing would show nothing."""
    values = [row[column] for row in table("a_ndjson_per_type").values()]
    assert any(value not in (None, []) for value in values) or column in NOWHERE


NOWHERE = {"main_diagnosis", "main_diagnosis_onset", "main_diagnosis_recorded"}
"""The only use DD of a first stay names a Condition without ICD-10-GM (the cause of death)."""
