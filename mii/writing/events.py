"""A row of diagnoses, procedures or medications: the Condition, the Procedure, the medication's resource."""

from __future__ import annotations

from mii.code_shapes import is_atc, is_ops
from mii.tokens import ALPHA_ID, ORPHA, PZN, SNOMED
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
    concept_of,
    head,
    is_missing,
    primitive,
)

KINDS = {
    "administration": "MedicationAdministration",
    "statement": "MedicationStatement",
    "request": "MedicationRequest",
}


def condition(person: str, identity: str, row: Row) -> Json:
    """The Condition of a diagnosis."""
    icd = cell(row, "icd10gm")
    told = {
        "icd10gm": (icd, coding(systems.ICD_10_GM, icd, systems.is_icd, edition=True)),
        "alpha_id": _other(row, "alpha_id", ALPHA_ID, edition=True),
        "snomed": _other(row, "snomed", SNOMED),
        "orpha": _other(row, "orpha", ORPHA),
    }
    return {
        **head("Condition", identity, "Condition"),
        "code": concept_of(told),
        **about(person),
        **primitive("onsetDateTime", cell(row, "onset_date"), systems.is_date),
        **primitive("recordedDate", cell(row, "recorded_date"), systems.is_date, required=True),
    }


def procedure(person: str, identity: str, row: Row) -> Json:
    """The Procedure. A profile demands its category beside OPS (proc-mii-1): OPS's chapter tells it."""
    ops, snomed = cell(row, "ops"), cell(row, "snomed")
    coded = coding(systems.OPS, ops, is_ops, edition=True)
    if is_missing(ops, snomed):
        # One of the two systems must be named (sct-ops-1), though none of its codes is told.
        code = concept(coded)
    else:
        code = concept_of({"ops": (ops, coded), "snomed": _other(row, "snomed", SNOMED)})
    category = {} if is_missing(ops) and not is_missing(snomed) else {"category": _category(ops)}
    return {
        **head("Procedure", identity, "Procedure"),
        "status": "unknown",
        **category,
        "code": code,
        **about(person),
        **primitive("performedDateTime", cell(row, "performed_date"), systems.is_date, required=True),
    }


def medication(person: str, identity: str, row: Row) -> Json:
    """The resource that ``kind`` names. One whose kind is not told is a statement with a masked category."""
    kind, start, atc = cell(row, "kind"), cell(row, "start_date"), cell(row, "atc")
    name = type_of(row)
    dated = "authoredOn" if name == "MedicationRequest" else "effectiveDateTime"
    told = {"pzn": _other(row, "pzn", PZN), "atc": (atc, coding(systems.ATC, atc, is_atc))}
    return {
        **head(name, identity, name),
        "status": "unknown",
        **({"_intent": absent(None)} if name == "MedicationRequest" else {}),
        **_kind(kind),
        "medicationCodeableConcept": concept_of(told),
        **about(person),
        **primitive(dated, start, systems.is_date, required=name != "MedicationRequest"),
    }


def type_of(row: Row) -> str:
    """The type of a medication's resource."""
    return KINDS.get(str(cell(row, "kind")), "MedicationStatement")


def _other(row: Row, column: str, system: str, *, edition: bool = False) -> tuple[Cell, Json]:
    value = cell(row, column)
    return value, coding(systems.URIS[system], value, systems.OF_SYSTEM[system], edition=edition)


def _category(ops: Cell) -> Json:
    if is_missing(ops):
        return concept(coding(systems.URIS[SNOMED], ops, systems.OF_SYSTEM[SNOMED]))
    text = str(ops)
    chapter = text[:1] if is_ops(text) else text
    category = systems.OPS_CATEGORIES.get(chapter, WITHHELD)
    return concept(coding(systems.URIS[SNOMED], category, systems.OF_SYSTEM[SNOMED]))


def _kind(kind: Cell) -> Json:
    if kind is WITHHELD or kind in KINDS:
        return {}
    return {"category": concept(primitive("code", kind, lambda _: False, required=True))}
