"""A row of encounters: the Encounter."""

from __future__ import annotations

from mii.elements import (
    ADMISSION_REASON,
    CONTACT_CLASS,
    CONTACT_LEVEL,
    CONTACT_TYPE,
    DISCHARGE_REASON,
    PLACES,
)
from mii.writing import systems
from mii.writing.placing import (
    Cell,
    Json,
    Row,
    about,
    absent,
    cell,
    coding,
    concept,
    head,
    is_missing,
    number,
    primitive,
)

_MAIN = "main"


def encounter(person: str, identity: str, row: Row) -> Json:
    """The Encounter. Its state is no column, so it is unknown."""
    start, end = cell(row, "admission_date"), cell(row, "discharge_date")
    contained, diagnosis = _main_diagnosis(person, cell(row, "main_diagnosis"))
    return {
        **head("Encounter", identity, "Encounter"),
        **contained,
        **_reason(ADMISSION_REASON, systems.ADMISSION_REASON, cell(row, "admission_reason")),
        "status": "unknown",
        "class": _class(cell(row, "class")),
        **_types(cell(row, "encounter_level"), cell(row, "contact_type")),
        **_service(cell(row, "department")),
        **about(person),
        "period": {
            **primitive("start", start, systems.is_date, required=True),
            **primitive("end", end, systems.is_date),
        },
        **diagnosis,
        **_length(cell(row, "length_of_stay_days")),
        **_hospitalization(cell(row, "admission_source"), cell(row, "discharge_reason")),
    }


def _class(told: Cell) -> Json:
    return absent(told) if is_missing(told) else coding(CONTACT_CLASS, told, systems.is_class)


def _types(level: Cell, contact: Cell) -> Json:
    types = [
        concept(coding(system, told, fits))
        for system, told, fits in (
            (CONTACT_LEVEL, level, systems.is_level),
            (CONTACT_TYPE, contact, systems.is_contact_type),
        )
        if not is_missing(told)
    ]
    return {"type": types} if types else {}


def _service(department: Cell) -> Json:
    if is_missing(department):
        return {}
    return {"serviceType": concept(coding(systems.DEPARTMENT, department, systems.is_department))}


def _main_diagnosis(person: str, code: Cell) -> tuple[Json, Json]:
    """A Condition inside the Encounter, and the member that names it.

    It is told of this stay alone: a Condition of its own would stand beside the same one of the diagnoses.
    """
    if is_missing(code):
        return {}, {}
    coded = coding(systems.ICD_10_GM, code, systems.is_icd, edition=True)
    inside = {"resourceType": "Condition", "id": _MAIN, "code": concept(coded), **about(person)}
    role = {"system": systems.DIAGNOSIS_ROLE, "_code": absent(None)}
    use = {**concept(role), "text": "Hauptdiagnose"}
    named = {"condition": {"reference": f"#{_MAIN}"}, "use": use, "rank": 1}
    return {"contained": [inside]}, {"diagnosis": [named]}


def _length(days: Cell) -> Json:
    if is_missing(days):
        return {}
    return {"length": {**number(days), "unit": "d", "system": systems.UCUM, "code": "d"}}


def _hospitalization(source: Cell, left: Cell) -> Json:
    if is_missing(source, left):
        return {}
    admitted = absent(source)
    if not is_missing(source):
        admitted = concept(coding(systems.ADMISSION_SOURCE, source, systems.is_source))
    reason = _reason(DISCHARGE_REASON, systems.DISCHARGE_REASON, left)
    return {
        "hospitalization": {
            "admitSource": admitted,
            **({"dischargeDisposition": reason} if reason else {}),
        }
    }


def _reason(url: str, system: str, told: Cell) -> Json:
    """A key of the German hospitals: each of its places an extension with a code system of its own.

    What is no key stands as a whole where the first two places would.
    """
    if is_missing(told):
        return {}
    text, is_admission = str(told), system == systems.ADMISSION_REASON
    is_key = systems.is_admission_reason if is_admission else systems.is_discharge_reason
    parts = (text[:2], text[2:3], text[3:4]) if is_key(text) else (text,)
    places = [
        {"url": place, "valueCoding": coding(f"{system}{place}", part, lambda _: is_key(text))}
        for place, part in zip(PLACES, parts, strict=False)
        if part
    ]
    return {"extension": [{"url": url, "extension": places}]}
