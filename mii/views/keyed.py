"""A view whose rows belong to patients, and what of it may become a column of a release.

A direct identifier stays one whatever a view calls it (`refusals`): a column that could hold a name, a
number of the house, an id or a text that somebody typed can only be dropped.
"""

from __future__ import annotations

from dataclasses import dataclass

from anonymizer.errors import BadConfig
from mii.fhir_types import RESOURCE_TYPES
from mii.personal_codes import IDENTIFYING_CODES
from mii.views.definition import Column, View
from mii.views.evaluating import type_name
from mii.views.origins import Selected, selected
from mii.views.releasable import cities_of_ags, ends_in_code, tells_more_of_address
from mii.views.root_elements import spellings
from mii.views.running import Runner
from mii.views.subjects import SUBJECTS
from mii.views.syntax import Call, Expression, Member, parts, steps

_KINDS = {
    **dict.fromkeys(("integer", "integer64", "positiveInt", "unsignedInt"), "integer"),
    **dict.fromkeys(("date", "dateTime", "instant"), "date"),
    "boolean": "boolean",
    "decimal": "number",
    "code": "code",
}
"""What a column is by its FHIR type; of any other it is a text."""

_DIRECT = frozenset(
    """
    identifier masterIdentifier accessIdentifier accessionIdentifier groupIdentifier requisition name family
    given prefix suffix telecom line city district photo contact text note display comment div id reference
    contained location serviceProvider performer description title link generalPractitioner content conclusion
    patientInstruction serialNumber lotNumber deviceName udiCarrier communication
    versionId lastUpdated source implicitRules
    """.split()
)
"""Elements that identify somebody or a record, or hold what somebody typed, in any resource."""
_NO_TEXT = frozenset({"referenceRange", "linkId"})
"""What only sounds so: a number's range, and the place of a question in its questionnaire."""
_KEYS = frozenset({"getResourceKey", "getReferenceKey"})
_TEXT_TYPES = frozenset(
    """
    string markdown xhtml base64Binary Attachment HumanName Address ContactPoint Identifier Annotation
    Reference Signature ContactDetail id uri url uuid oid canonical
    """.split()
)


@dataclass(frozen=True, slots=True)
class Keyed:
    """A view with the ``position`` of the column that names the patient; ``name`` tells it from others."""

    name: str
    view: View
    position: int

    @property
    def runner(self) -> Runner:
        """The view, ready to run."""
        return Runner(self.view)

    @property
    def released(self) -> tuple[tuple[str, int, str], ...]:
        """Name, position and kind of every column but the key."""
        return tuple(
            (column.name, at, kind_of(column))
            for at, column in enumerate(self.view.columns)
            if at != self.position
        )


def keyed(name: str, view: View) -> Keyed:
    """``view``, whose rows are told apart by the patient. Raises ``BadConfig`` where no column names one."""
    if view.resource not in RESOURCE_TYPES:
        raise BadConfig(f"{name}: FHIR R4 has no such type of resources as `resource` names")
    keys = [at for at, column in enumerate(view.columns) if _names_patient(column, view.resource)]
    if len(keys) != 1:
        raise BadConfig(
            f"{name}: one column of a view must name the patient by getReferenceKey(Patient), or by "
            "getResourceKey() in a view of Patients"
        )
    if (whose := SUBJECTS.get(view.resource)) is None:
        raise BadConfig(f"{name}: no one element of a resource of the type {view.resource} tells whose it is")
    if view.resource != "Patient" and whose not in _named(view, view.columns[keys[0]]):
        raise BadConfig(
            f"{name}: the column that names the patient must be {whose}.getReferenceKey(Patient), since "
            f"`{whose}` tells whose a resource of the type {view.resource} is"
        )
    if lists := [column.name for column in view.columns if column.collection]:
        raise BadConfig(f"{name}: a column with `collection: true` is no column of a table", column=lists[0])
    Runner(view)
    return Keyed(name, view, keys[0])


def kind_of(column: Column) -> str:
    """code, date, number, integer, boolean, or text."""
    return _KINDS.get(column.type or "", "text")


def refusals(found: Keyed) -> dict[str, str]:
    """By name the columns that can only be an identifier, with the reason."""
    key = found.view.columns[found.position].name
    reasons = ((each.column.name, _refusal(each)) for each in selected(found.view))
    return {name: reason for name, reason in reasons if reason is not None and name != key}


def _named(view: View, column: Column) -> frozenset[str]:
    """The elements right below the resource that a column is made of."""
    return frozenset[str]().union(*(each.named for each in selected(view) if each.column == column))


def _names_patient(column: Column, resource: str) -> bool:
    match column.expression:
        case Call(None, "getResourceKey", ()):
            return resource == "Patient"
        case Call(_, "getReferenceKey", (kind,)):
            return type_name(kind) == "Patient"
        case _:
            return False


def _refusal(each: Selected) -> str | None:
    if kind_of(each.column) == "text":
        return "its type allows any text; only codes, dates, numbers and booleans can leave the house"
    found = [part for expression in each.expressions for part in parts(expression)]
    excused = cities_of_ags(found)
    named = [part for part in found if isinstance(part, Member) and not any(part is each for each in excused)]
    if any(_is_direct(part.name) for part in named):
        return "its path names an element that identifies somebody or holds typed text"
    if each.texts & IDENTIFYING_CODES:
        return "it asks for a code that tells where somebody lives, or by what number somebody is known"
    if tells_more_of_address(each):
        return (
            "of an address (a patient's own, and nothing beside it) it may tell postalCode, state, country, "
            "use, type and the extension of the AGS"
        )
    if any(isinstance(part, Call) and part.name in _KEYS for part in found):
        return "it holds a resource's id"
    if any(isinstance(part, Call) and _asks_for_text(part) for part in found):
        return "its path asks for values that are typed text"
    if each.unknown:
        return f"FHIR R4 has no such element of a {each.resource} as its path names"
    if each.reads and not each.named:
        return "its path names no element of the resource, so nobody can tell what it is made of; name one"
    if kind_of(each.column) == "code" and _ends_in_open_value(each.column.expression):
        return "`value` can be typed text; say of which type with ofType()"
    if kind_of(each.column) == "code" and not ends_in_code(each.column.expression):
        return (
            "its path does not end in an element of which FHIR R4 says that it holds codes (as `code` and "
            "`status` do), so that it may be typed text or a number of the house"
        )
    return None


def _is_direct(name: str) -> bool:
    """Whether an element of this name, or one that it reaches, identifies somebody or can be typed text."""
    texts = tuple(kind[0].upper() + kind[1:] for kind in _TEXT_TYPES)
    return name not in _NO_TEXT and (not _DIRECT.isdisjoint(spellings(name)) or name.endswith(texts))


def _asks_for_text(call: Call) -> bool:
    return call.name == "ofType" and type_name(call.arguments[0]) in _TEXT_TYPES


def _ends_in_open_value(expression: Expression) -> bool:
    """Whether a path ends in a choice of any type; what is no path (an operation) is taken to."""
    path = steps(expression)
    if not path:
        return True
    named = [step for step in path if not (isinstance(step, Call) and step.name in ("where", "first"))]
    return bool(named) and isinstance(named[-1], Member) and named[-1].name in _CHOICES


_CHOICES = frozenset({"value", "onset", "abatement", "answer", "defaultValue", "fixed", "pattern"})
