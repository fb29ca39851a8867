"""A row of patients: the Patient, and the Observations and the Condition that hold what a Patient does not.

Age has no element of Patient, so it is an Observation. A Patient tells either that somebody is dead or
when; where both are released, the vital status tells the first. A cause of death is a Condition; suppressed
it is an Observation without a value, because a Condition would say that there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from anonymizer.hierarchies.hierarchy import SUPPRESSED
from mii.elements import AGS as AGS_EXTENSION
from mii.elements import ALIVE, DEAD
from mii.elements import OFFICIAL_GENDER as GENDER_EXTENSION
from mii.writing import systems
from mii.writing.placing import (
    WITHHELD,
    Cell,
    Json,
    Row,
    about,
    absent,
    cell,
    coding,
    concept,
    head,
    hidden,
    is_missing,
    loinc,
    measured,
    nothing,
    primitive,
)

_VITAL = {"true": DEAD, "false": ALIVE}


def patient(person: str, row: Row) -> Json:
    """The Patient; its identifier is the person's key of this release, marked as anonymised."""
    kind = concept({"system": systems.SECURITY, "code": "ANONYED"})
    return {
        **head("Patient", person, "Patient"),
        "identifier": [{"type": kind, "value": person}],
        **_gender(cell(row, "gender"), cell(row, "gender_amtlich")),
        **primitive("birthDate", cell(row, "birth_date"), systems.is_date),
        **_deceased(row),
        **_address(cell(row, "plz"), cell(row, "ags")),
    }


def observations(person: str, row: Row, reference_date: date | None) -> Iterator[Json]:
    """Age (on the reference date), vital status and suppressed cause of death, those that are told."""
    age = cell(row, "age_years")
    if not is_missing(age):
        day = {"effectiveDateTime": reference_date.isoformat()} if reference_date else {}
        yield {**_observed(person, "age", systems.AGE), **day, **measured(age, unit="a")}
    if _has_vital_status(row):
        yield _vital_status(person, cell(row, "deceased"))
    if cell(row, "cause_of_death") == SUPPRESSED:
        yield {**_observed(person, "cause", systems.CAUSE), **nothing(SUPPRESSED)}


def conditions(person: str, row: Row) -> Iterator[Json]:
    """The cause of death, if it is told."""
    cause = cell(row, "cause_of_death")
    if is_missing(cause) or cause == SUPPRESSED:
        return
    kinds = ({"system": systems.URIS["snomed"], "code": systems.CAUSE_SNOMED}, _loinc(systems.CAUSE))
    yield {
        **head("Condition", f"{person}-cause", "Todesursache"),
        "category": [concept(*kinds)],
        "code": concept(coding(systems.ICD_10, cause, systems.is_icd, edition=True)),
        **about(person),
    }


def _gender(gender: Cell, official: Cell) -> Json:
    """A profile demands the official differentiation of ``other`` (mii-pat-1): at least why it is absent."""
    told = primitive("gender", gender, systems.is_gender)
    if gender != "other" and is_missing(official):
        return told
    differentiation = {
        "url": GENDER_EXTENSION,
        "valueCoding": coding(systems.OFFICIAL_GENDER, official, systems.is_official_gender),
    }
    extensions = told.get("_gender", {}).get("extension", [])
    return {**told, "_gender": {"extension": [*extensions, differentiation]}}


def _deceased(row: Row) -> Json:
    died, deceased = cell(row, "death_date"), cell(row, "deceased")
    if not is_missing(died):
        return primitive("deceasedDateTime", died, systems.is_date)
    if _has_vital_status(row) or is_missing(deceased):
        return {}
    return {"_deceasedBoolean": hidden(SUPPRESSED)} if deceased == SUPPRESSED else _truth(deceased)


def _truth(deceased: Cell) -> Json:
    return {"deceasedBoolean": deceased == "true"}


def _has_vital_status(row: Row) -> bool:
    """Whether the Patient itself has no room for ``deceased``: a date is there, or a label is no boolean."""
    deceased = cell(row, "deceased")
    if is_missing(deceased):
        return False
    return not is_missing(cell(row, "death_date")) or deceased not in (*_VITAL, SUPPRESSED)


def _vital_status(person: str, deceased: Cell) -> Json:
    code = _VITAL.get(str(deceased))
    value = coding(systems.VITAL_STATUS, code or deceased, lambda _: code is not None)
    return {
        **_observed(person, "vital", systems.VITAL, profile="Vitalstatus"),
        "status": "final",
        "category": [concept({"system": systems.OBSERVATION_CATEGORY, "code": "survey"})],
        "_effectiveDateTime": absent(None),
        "valueCodeableConcept": concept(value),
    }


def _observed(person: str, what: str, code: str, *, profile: str | None = None) -> dict[str, Any]:
    return {
        **head("Observation", f"{person}-{what}", profile),
        "status": "unknown",
        "code": loinc(code),
        **about(person),
    }


def _loinc(code: str) -> Json:
    return {"system": systems.LOINC, "code": code}


def _address(plz: Cell, ags: Cell) -> Json:
    """A street address as the profile demands it; in which country nobody told."""
    if is_missing(plz, ags):
        return {}
    city: Json = {}
    if not is_missing(ags):
        key = {"url": AGS_EXTENSION, "valueCoding": coding(systems.AGS, ags, systems.is_ags)}
        city = {"_city": {"extension": [*absent(WITHHELD)["extension"], key]}}
    postal = primitive("postalCode", plz, systems.is_plz, required=True)
    return {"address": [{"type": "both", **city, **postal, "_country": absent(None)}]}
