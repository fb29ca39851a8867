"""Profiles and code systems of the core dataset, and which released texts are codes of them.

Profiles: modules Person, Fall, Diagnose, Prozedur, Labor, Medikation of 2026.0.x (their sources are in
docs/fhir_out.md). A text that is no code of a system is never written as one: a block of ICD-10-GM is a
label, because the code system that HL7 Germany publishes leaves open what it holds beside codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from mii.code_shapes import FITS, Fits, shape
from mii.dates import span
from mii.persons import GENDERS, OFFICIAL_GENDERS
from mii.stays import CLASSES, CONTACT_TYPES, LEVELS
from mii.tokens import ALPHA_ID, ORPHA, PZN, SNOMED

_CORE = "https://www.medizininformatik-initiative.de/fhir/core"
PROFILES: Mapping[str, str] = {
    "Patient": f"{_CORE}/modul-person/StructureDefinition/PatientPseudonymisiert",
    "Vitalstatus": f"{_CORE}/modul-person/StructureDefinition/Vitalstatus",
    "Todesursache": f"{_CORE}/modul-person/StructureDefinition/Todesursache",
    "Encounter": f"{_CORE}/modul-fall/StructureDefinition/KontaktGesundheitseinrichtung",
    "Condition": f"{_CORE}/modul-diagnose/StructureDefinition/Diagnose",
    "Procedure": f"{_CORE}/modul-prozedur/StructureDefinition/Procedure",
    "Observation": f"{_CORE}/modul-labor/StructureDefinition/ObservationLab",
    "MedicationAdministration": f"{_CORE}/modul-medikation/StructureDefinition/MedicationAdministration",
    "MedicationStatement": f"{_CORE}/modul-medikation/StructureDefinition/MedicationStatement",
    "MedicationRequest": f"{_CORE}/modul-medikation/StructureDefinition/MedicationRequest",
}
"""The profile of each type, and the two that one type has beside another one."""

ICD_10_GM = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
OPS = "http://fhir.de/CodeSystem/bfarm/ops"
ATC = "http://fhir.de/CodeSystem/bfarm/atc"
URIS: Mapping[str, str] = {
    ALPHA_ID: "http://fhir.de/CodeSystem/bfarm/alpha-id",
    ORPHA: "http://www.orpha.net",
    SNOMED: "http://snomed.info/sct",
    PZN: "http://fhir.de/CodeSystem/ifa/pzn",
}
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
AGS = "http://fhir.de/sid/destatis/ags"
OFFICIAL_GENDER = "http://fhir.de/CodeSystem/gender-amtlich-de"
VITAL_STATUS = f"{_CORE}/modul-person/CodeSystem/Vitalstatus"
DEPARTMENT = "http://fhir.de/CodeSystem/dkgev/Fachabteilungsschluessel"
ADMISSION_SOURCE = "http://fhir.de/CodeSystem/dgkev/Aufnahmeanlass"
ADMISSION_REASON = "http://fhir.de/CodeSystem/dkgev/Aufnahmegrund"
DISCHARGE_REASON = "http://fhir.de/CodeSystem/dkgev/Entlassungsgrund"
"""Of the last two each place of the key has a code system of its own, whose name ends in the place's."""

DIAGNOSIS_ROLE = "http://terminology.hl7.org/CodeSystem/diagnosis-role"
OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
ABSENT_REASON = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"
SECURITY = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"

AGE, VITAL, CAUSE, LABORATORY = "30525-0", "67162-8", "79378-6", "26436-6"
"""LOINC codes: age, vital status, cause of death, laboratory studies."""
CAUSE_SNOMED = "16100001"

OPS_CATEGORIES: Mapping[str, str] = {
    "1": "165197003",
    "3": "363679005",
    "5": "387713003",
    "6": "18629005",
    "8": "277132007",
    "9": "394841004",
}
"""The SNOMED CT category of each chapter of OPS (module Prozedur, value set ``procedures-category-sct``)."""

is_icd = shape(r"[A-Z][0-9]{2}(?:\.[0-9]{1,2})?")
is_plz = shape(r"[0-9]{1,5}")
is_ags = shape(r"[0-9]{2,8}")
is_department = shape(r"[0-9]{4}")
is_source = shape(r"[A-Z]")
is_admission_reason = shape(r"[0-9]{2}[0-9A-Z]{0,2}")
is_discharge_reason = shape(r"[0-9]{2}[0-9A-Z]?")
is_gender: Fits = GENDERS.__contains__
is_official_gender: Fits = OFFICIAL_GENDERS.__contains__
is_level: Fits = LEVELS.__contains__
is_contact_type: Fits = CONTACT_TYPES.__contains__
is_class: Fits = CLASSES.__contains__
is_comparator: Fits = frozenset({"<", "<=", ">=", ">"}).__contains__
OF_SYSTEM: Mapping[str, Fits] = {name: FITS[name] for name in URIS}


@lru_cache(maxsize=1 << 14)
def is_date(text: str) -> bool:
    """Whether ``text`` is a FHIR date, maybe partial: ``1962``, ``1962-05``, ``1962-05-24``."""
    return span(text) is not None


@lru_cache(maxsize=1 << 14)
def is_day(text: str) -> bool:
    """Whether ``text`` is a whole day: a laboratory value may not be dated less exactly (mii-lab-1)."""
    return len(text) == 10 and span(text) is not None
