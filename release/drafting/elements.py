"""The columns of an export's table and what the core dataset's elements say of them.

The classes D (direct identifier), Q (quasi-identifier) and S (sensitive) are those of the table of elements
in the MII core dataset's modules Person, Fall, Diagnose, Prozedur and Medikation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from release.drafting.proposing import AGES, DAYS


@dataclass(frozen=True, slots=True)
class Element:
    """Where a column comes from, its class, and how it is generalised; no hierarchy: it is left out."""

    path: str
    classes: str
    hierarchy: object = None
    reason: str = ""


ELEMENTS: Mapping[str, Element] = {
    "patient_id": Element("Patient.id", "D", reason="a direct identifier"),
    "encounter_id": Element("Encounter.identifier", "D", reason="a direct identifier"),
    "gender": Element("Patient.gender", "Q", "suppression"),
    "birth_date": Element("Patient.birthDate", "Q", reason="age_years tells it in a coarser form"),
    "age_years": Element("Patient.birthDate", "Q", AGES),
    "plz": Element("Patient.address.postalCode", "Q", "plz"),
    "ags": Element("Patient.address (AGS)", "Q", reason="plz tells the same"),
    "deceased": Element("Patient.deceased", "Q", reason="health as well: a reviewer decides"),
    "death_date": Element("Patient.deceasedDateTime", "Q", reason="health as well: a reviewer decides"),
    "cause_of_death": Element("Condition (cause of death)", "Q+S", reason="rare: a reviewer decides"),
    "admission_date": Element("Encounter.period.start", "Q", DAYS),
    "discharge_date": Element("Encounter.period.end", "Q", reason="admission_date tells nearly the same"),
    "length_of_stay_days": Element("Encounter.period", "Q", reason="tells the end beside admission_date"),
    "department": Element("Encounter.serviceType", "Q", "suppression"),
    "main_diagnosis": Element("Encounter.diagnosis", "Q+S", "icd-10-gm"),
    "icd10gm_all": Element("Condition.code", "Q+S", reason="finer than main_diagnosis"),
    "ops_all": Element("Procedure.code", "Q+S", reason="a set of codes singles out: km_anonymity guards one"),
    "atc_all": Element("Medication.code", "S", reason="a set of codes singles out: km_anonymity guards one"),
}
