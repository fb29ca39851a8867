"""Whether a column tells an age, or a day of birth, by another way than ``Patient.birthDate``.

FHIR R4: Age is a choice of ``onset``, ``abatement`` and ``performed``; an extension, and the answer to a
question, can hold anything.
"""

from __future__ import annotations

from mii.age_codes import AGE_CODES
from mii.views.origins import Selected
from mii.views.syntax import Call, Expression, Literal, Member

_MAY_BE_AGES = {
    "Patient": frozenset({"extension", "modifierExtension"}),
    "Condition": frozenset({"onset", "abatement"}),
    "AllergyIntolerance": frozenset({"onset"}),
    "Procedure": frozenset({"performed"}),
    "FamilyMemberHistory": frozenset({"condition", "deceased"}),
    "QuestionnaireResponse": frozenset({"item"}),
}
"""By type of resource the elements whose open value can be an age."""
_BIRTHS = {
    "Patient": frozenset({"birthDate"}),
    "Person": frozenset({"birthDate"}),
    "RelatedPerson": frozenset({"birthDate"}),
    "FamilyMemberHistory": frozenset({"born", "age"}),
}
_CODED = frozenset({"Coding", "CodeableConcept", "code", "boolean"})
_VALUES_CODED = frozenset({"valueCoding", "valueCodeableConcept", "valueCode", "valueBoolean"})


def tells_age(each: Selected) -> bool:
    """Whether a column may tell how old somebody is, beside their state at a time."""
    if each.roots & _BIRTHS.get(each.resource, frozenset()):
        return True
    constants = (Literal(value) for value in each.view.constants.values())
    if any(_is_age(part) for part in (*each.parts, *constants)):
        return True
    return bool(each.roots & _MAY_BE_AGES.get(each.resource, frozenset())) and _is_open(each.parts)


def _is_age(part: Expression) -> bool:
    """Whether it asks for an Age, or for what a code of ages stands for."""
    match part:
        case Member(_, name):
            return name.endswith("Age")
        case Literal(value):
            return value in AGE_CODES
        case _:
            return False


def _is_open(found: tuple[Expression, ...]) -> bool:
    """Whether a value is read of which nobody says that it is a code."""
    coded = [part.base for part in found if isinstance(part, Call) and _asks_for_codes(part)]
    values = (part for part in found if isinstance(part, Member) and part.name.startswith("value"))
    return any(
        value.name not in _VALUES_CODED and not any(value is each for each in coded) for value in values
    )


def _asks_for_codes(call: Call) -> bool:
    match call:
        case Call(_, "ofType", (Member(_, kind),)):
            return kind in _CODED
        case _:
            return False
