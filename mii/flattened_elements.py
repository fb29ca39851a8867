"""The elements of a resource, found in the columns of a flattened table.

Column names are ``<Type>_<element>…``. A slice's name is glued to its element (``codingIcd10gm``), and a
choice reads ``value_X_Valuequantity``. Where a slice tells the code system, no system column is needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from anonymizer.errors import BadInput
from mii import fhir
from mii.elements import (
    ADMISSION_REASON,
    AGS,
    CONTACT_LEVEL,
    CONTACT_TYPE,
    DEPARTMENT,
    DISCHARGE_REASON,
    ICD_10,
    LOINC,
    OFFICIAL_GENDER,
    PLACES,
)

Row: TypeAlias = Mapping[str, str]
"""What a row holds and is not missing, by column name; ``decimal`` is its decimal mark."""

SLICE_SYSTEMS = {
    "icd10gm": "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
    "icd10who": ICD_10,
    "icd10": ICD_10,
    "ops": "http://fhir.de/CodeSystem/bfarm/ops",
    "alphaid": "http://fhir.de/CodeSystem/bfarm/alpha-id",
    "orphanet": "http://www.orpha.net",
    "sct": "http://snomed.info/sct",
    "loinc": LOINC,
    "orpha": "http://www.orpha.net",
    "snomedct": "http://snomed.info/sct",
    "pharmazentralnummer": "http://fhir.de/CodeSystem/ifa/pzn",
    "kontaktart": CONTACT_TYPE,
    "pzn": "http://fhir.de/CodeSystem/ifa/pzn",
    "atc": "http://fhir.de/CodeSystem/bfarm/atc",
    "atcclassde": "http://fhir.de/CodeSystem/bfarm/atc",
    "atcclassen": "http://www.whocc.no/atc",
    "kontaktebene": CONTACT_LEVEL,
    "fachabteilungsschluessel": DEPARTMENT[0],
    "erweiterterfachabteilungsschluessel": DEPARTMENT[1],
}
"""The code system that a slice of ``coding`` stands for."""

_HOME, _POST_BOX = "strassenanschrift", "postfach"


def _patient(identity: str, rows: Sequence[Row]) -> fhir.Patient:
    return fhir.Patient(
        id=identity,
        gender=_text(rows, "Patient_gender"),
        official=_official_gender(rows),
        birth_date=_text(rows, "Patient_birthDate"),
        deceased=_truth(_text(rows, "Patient_deceased_X_Deceasedboolean")),
        deceased_on=_text(rows, "Patient_deceased_X_Deceaseddatetime"),
        address=list(_addresses(rows)),
    )


def _encounter(identity: str, rows: Sequence[Row]) -> fhir.Encounter:
    return fhir.Encounter(
        id=identity,
        status=_text(rows, "Encounter_status"),
        subject=_subject(rows),
        contact_class=_contact_class(rows),
        extension=_keyed(rows, "Encounter", ADMISSION_REASON),
        hospitalization=fhir.Hospitalization(
            fhir.CodeableConcept(_codings(rows, "Encounter_hospitalization_admitSource")),
            fhir.Disposition(
                _keyed(rows, "Encounter_hospitalization_dischargeDisposition", DISCHARGE_REASON)
            ),
        ),
        type=[fhir.CodeableConcept(_codings(rows, "Encounter_type"))],
        service_type=fhir.CodeableConcept(_codings(rows, "Encounter_serviceType")),
        period=_period(rows, "Encounter_period"),
        diagnosis=list(_diagnoses(rows)),
        part_of=_reference(rows, "Encounter_partOf_reference"),
    )


def _condition(identity: str, rows: Sequence[Row]) -> fhir.Condition:
    codings = [fhir.MarkedCoding(c.system, c.code) for c in _codings(rows, "Condition_code")]
    return fhir.Condition(
        id=identity,
        verification=fhir.CodeableConcept(_codings(rows, "Condition_verificationStatus")),
        subject=_subject(rows),
        encounter=_reference(rows, "Condition_encounter_reference"),
        code=fhir.MarkedConcept(codings),
        recorded=_text(rows, "Condition_recordedDate"),
        onset=_text(rows, "Condition_onset_X_Onsetdatetime"),
        onset_period=_period(rows, "Condition_onset_X_Onsetperiod"),
    )


def _procedure(identity: str, rows: Sequence[Row]) -> fhir.Procedure:
    return fhir.Procedure(
        id=identity,
        status=_text(rows, "Procedure_status"),
        subject=_subject(rows),
        encounter=_reference(rows, "Procedure_encounter_reference"),
        code=fhir.CodeableConcept(_codings(rows, "Procedure_code")),
        moment=_text(rows, "Procedure_performed_X_Performeddatetime"),
        period=_period(rows, "Procedure_performed_X_Performedperiod"),
    )


def _observation(identity: str, rows: Sequence[Row]) -> fhir.Observation:
    value = "Observation_value_X_Valuequantity"
    return fhir.Observation(
        id=identity,
        status=_text(rows, "Observation_status"),
        subject=_subject(rows),
        encounter=_reference(rows, "Observation_encounter_reference"),
        code=fhir.CodeableConcept(_codings(rows, "Observation_code")),
        moment=_text(rows, "Observation_effective_X_Effectivedatetime"),
        instant=_text(rows, "Observation_effective_X_Effectiveinstant"),
        period=_period(rows, "Observation_effective_X_Effectiveperiod"),
        quantity=fhir.Quantity(
            _number(rows, f"{value}_value"),
            _text(rows, f"{value}_comparator"),
            _text(rows, f"{value}_code"),
            _text(rows, f"{value}_unit"),
        ),
        concept=fhir.CodeableConcept(_codings(rows, "Observation_value_X_Valuecodeableconcept")),
    )


def _medication(identity: str, rows: Sequence[Row]) -> fhir.Medication:
    item = "Medication_ingredient_item_X_Item"
    named = _distinct(rows, re.compile(rf"{item}reference_reference"))
    parts = [fhir.Ingredient(reference=fhir.Reference(text)) for text in named]
    parts.append(fhir.Ingredient(concept=fhir.CodeableConcept(_codings(rows, f"{item}codeableconcept"))))
    code = fhir.CodeableConcept(_codings(rows, "Medication_code"))
    return fhir.Medication(id=identity, code=code, ingredient=parts)


def _event(
    make: type[fhir.MedicationAdministration] | type[fhir.MedicationStatement],
) -> Callable[[str, Sequence[Row]], fhir.Resource]:
    """What makes one of the two types of medication event, whose columns differ in the type's name alone."""
    kind = make.__name__

    def build(identity: str, rows: Sequence[Row]) -> fhir.Resource:
        return make(
            id=identity,
            status=_text(rows, f"{kind}_status"),
            subject=_subject(rows),
            encounter=_reference(rows, f"{kind}_context_reference"),
            concept=_drug(rows, kind),
            reference=_reference(rows, f"{kind}_medication_X_Medicationreference_reference"),
            moment=_text(rows, f"{kind}_effective_X_Effectivedatetime"),
            period=_period(rows, f"{kind}_effective_X_Effectiveperiod"),
        )

    return build


def _request(identity: str, rows: Sequence[Row]) -> fhir.MedicationRequest:
    kind = "MedicationRequest"
    return fhir.MedicationRequest(
        id=identity,
        status=_text(rows, f"{kind}_status"),
        subject=_subject(rows),
        encounter=_reference(rows, f"{kind}_encounter_reference"),
        concept=_drug(rows, kind),
        reference=_reference(rows, f"{kind}_medication_X_Medicationreference_reference"),
        moment=_text(rows, f"{kind}_authoredOn"),
    )


BUILDERS: Mapping[str, Callable[[str, Sequence[Row]], fhir.Resource]] = {
    "Patient": _patient,
    "Encounter": _encounter,
    "Condition": _condition,
    "Procedure": _procedure,
    "Observation": _observation,
    "Medication": _medication,
    "MedicationAdministration": _event(fhir.MedicationAdministration),
    "MedicationStatement": _event(fhir.MedicationStatement),
    "MedicationRequest": _request,
}
"""Makes a resource from its id and its rows, by type. A flattened export holds no Consent."""


def _text(rows: Sequence[Row], column: str) -> str | None:
    """The value of an element that does not repeat; where tables disagree, the first in order."""
    return min((row[column] for row in rows if column in row), default=None)


def _distinct(rows: Sequence[Row], column: re.Pattern[str]) -> list[str]:
    return sorted({row[name] for row in rows for name in row if column.fullmatch(name)})


def _truth(text: str | None) -> bool | None:
    if text is None:
        return None
    if text.lower() not in ("true", "false"):
        raise BadInput("a truth value is neither true nor false")
    return text.lower() == "true"


def _number(rows: Sequence[Row], column: str) -> float | None:
    text = _text(rows, column)
    if text is None:
        return None
    decimal = rows[0]["decimal"]
    if not re.fullmatch(rf"-?[0-9]+(?:{re.escape(decimal)}[0-9]+)?(?:[eE][-+]?[0-9]{{1,2}})?", text):
        raise BadInput("a measured value is no number", column=column)
    return float(text.replace(decimal, "."))


def _subject(rows: Sequence[Row]) -> fhir.Reference | None:
    patient = _text(rows, "patient")
    if patient is None:
        return None
    return fhir.Reference(patient if "/" in patient or ":" in patient else f"Patient/{patient}")


def _reference(rows: Sequence[Row], column: str) -> fhir.Reference | None:
    text = _text(rows, column)
    return None if text is None else fhir.Reference(text)


def _period(rows: Sequence[Row], column: str) -> fhir.Period | None:
    start, end = _text(rows, f"{column}_start"), _text(rows, f"{column}_end")
    return None if start is None and end is None else fhir.Period(start, end)


def _drug(rows: Sequence[Row], kind: str) -> fhir.CodeableConcept:
    return fhir.CodeableConcept(_codings(rows, f"{kind}_medication_X_Medicationcodeableconcept"))


def _codings(rows: Sequence[Row], element: str) -> list[fhir.Coding]:
    """The codings of an element over all its slices; code and system stand in one row."""
    column = re.compile(rf"{element}[A-Za-z0-9]*_coding([A-Za-z0-9]*)_code")
    found = {coding for row in rows for coding in _row_codings(row, column)}
    return [fhir.Coding(system or None, code) for system, code in sorted(found)]


def _row_codings(row: Row, column: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    for name, code in row.items():
        matched = column.fullmatch(name)
        if matched:
            known = SLICE_SYSTEMS.get(matched[1].lower(), "")
            yield row.get(f"{name.removesuffix('_code')}_system", known), code


def _addresses(rows: Sequence[Row]) -> Iterator[fhir.Address]:
    column = re.compile(r"Patient_address([A-Za-z0-9]*)_postalCode")
    found = {
        (matched[1], row.get(f"Patient_address{matched[1]}_type", ""), text, _municipality(row, matched[1]))
        for row in rows
        for name, text in row.items()
        if (matched := column.fullmatch(name))
    }
    for name, told, postal_code, ags in sorted(found):
        kind = {_HOME: "both", _POST_BOX: "postal"}.get(name.lower(), told or None)
        extension = [fhir.CodeExtension(AGS, fhir.Coding(None, ags))] if ags else None
        yield fhir.Address(type=kind, postal_code=postal_code, extension=extension)


def _municipality(row: Row, name: str) -> str:
    column = re.compile(rf"Patient_address{name}_city_extension(?:Gemeindeschluessel|Ags)_\w*code")
    return next((text for name, text in sorted(row.items()) if column.fullmatch(name)), "")


def _official_gender(rows: Sequence[Row]) -> fhir.Extended | None:
    codes = _distinct(rows, re.compile(r"(?i:Patient_gender_extension\w*amtlich\w*_code)"))
    return fhir.Extended([fhir.CodeExtension(OFFICIAL_GENDER, fhir.Coding(None, c)) for c in codes])


def _contact_class(rows: Sequence[Row]) -> fhir.Coding | None:
    code = _text(rows, "Encounter_class_code")
    return None if code is None else fhir.Coding(_text(rows, "Encounter_class_system"), code)


def _keyed(rows: Sequence[Row], element: str, url: str) -> list[fhir.PartedExtension]:
    """A key of the German hospitals; the slices are named by the last part of the extensions' urls."""
    slice_ = url.rsplit("/", 1)[1]
    parts = []
    for place in PLACES:
        column = re.compile(rf"(?i:{element}_extension{slice_}_extension{place}_\w*code)")
        parts += [fhir.CodeExtension(place, fhir.Coding(None, code)) for code in _distinct(rows, column)[:1]]
    return [fhir.PartedExtension(url, parts)]


def _diagnoses(rows: Sequence[Row]) -> Iterator[fhir.EncounterDiagnosis]:
    column = re.compile(r"Encounter_diagnosis([A-Za-z0-9]*)_condition_reference")
    found = {
        (text, matched[1], row.get(f"Encounter_diagnosis{matched[1]}_rank", ""), coding.code or "")
        for row in rows
        for name, text in row.items()
        if (matched := column.fullmatch(name))
        for coding in _codings([row], f"Encounter_diagnosis{matched[1]}_use") or [fhir.Coding()]
    }
    for condition, _, rank, role in sorted(found):
        use = fhir.CodeableConcept([fhir.Coding(None, role)])
        yield fhir.EncounterDiagnosis(fhir.Reference(condition), use, int(rank) if rank.isdecimal() else None)
