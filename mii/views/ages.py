"""Whether a column tells an age, or a day of birth, by another way than ``Patient.birthDate``.

FHIR R4: Age is a choice of ``onset``, ``abatement`` and ``performed``; an extension can hold anything.
"""

from __future__ import annotations

from mii.views.origins import Selected
from mii.views.syntax import Call, Expression, Literal, Member, parts

LOINC_AGES = frozenset(
    {"21112-8", "21611-9", "21612-7", "29553-5", "30525-0", "35659-2", "63900-5", "66174-4"}
)
"""LOINC: birth date; age estimated, reported, calculated, as it is; at collection of a specimen, at death."""
SNOMED_AGES = frozenset({"184099003", "397669002", "424144002", "445518008"})
"""SNOMED CT: date of birth; age; current chronological age; age at onset."""
AGE_CODES = LOINC_AGES | SNOMED_AGES

_MAY_BE_AGES = {
    "Patient": frozenset({"extension", "modifierExtension"}),
    "Condition": frozenset({"onset", "abatement"}),
    "AllergyIntolerance": frozenset({"onset"}),
    "Procedure": frozenset({"performed"}),
    "FamilyMemberHistory": frozenset({"condition", "deceased"}),
}
"""By type of resource the elements whose open value can be an age."""
_BIRTHS = {
    "Patient": frozenset({"birthDate"}),
    "Person": frozenset({"birthDate"}),
    "RelatedPerson": frozenset({"birthDate"}),
    "FamilyMemberHistory": frozenset({"born", "age"}),
}
_CODED = frozenset({"Coding", "CodeableConcept", "code", "boolean"})
_TELLING = ("value", "low", "high")


def tells_age(each: Selected) -> bool:
    """Whether a column may tell how old somebody is, beside their state at a time."""
    found = [part for expression in each.expressions for part in parts(expression)]
    if each.roots & _BIRTHS.get(each.resource, frozenset()):
        return True
    if any(_is_age(part) for part in found):
        return True
    return bool(each.roots & _MAY_BE_AGES.get(each.resource, frozenset())) and _is_open(found)


def _is_age(part: Expression) -> bool:
    """Whether it asks for an Age, or for what a code of ages stands for."""
    match part:
        case Call(_, "ofType", (argument,)):
            return any(isinstance(each, Member) and each.name == "Age" for each in parts(argument))
        case Member(_, name):
            return name.endswith("Age")
        case Literal(value):
            return value in AGE_CODES
        case _:
            return False


def _is_open(found: list[Expression]) -> bool:
    """Whether a value is read of which nobody says that it is a code."""
    coded = [part.base for part in found if isinstance(part, Call) and _asks_for_codes(part)]
    values = (part for part in found if isinstance(part, Member) and part.name.startswith(_TELLING))
    return any(not any(value is each for each in coded) for value in values)


def _asks_for_codes(call: Call) -> bool:
    match call:
        case Call(_, "ofType", (Member(_, kind),)):
            return kind in _CODED
        case _:
            return False
