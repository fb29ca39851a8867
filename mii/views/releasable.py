"""Which elements may be released as a code, and what of an address may be: both by lists of what may.

FHIR R4 (4.0.1): elements of the type code, and ``code`` itself, which is one in a Coding and in a Quantity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mii.elements import AGS
from mii.views.evaluating import type_name
from mii.views.origins import Path, Selected
from mii.views.root_elements import ROOTS, spellings
from mii.views.syntax import Call, Expression, Literal, Member, parts, steps

_CODED = frozenset(
    """
    code valueCode status docStatus lifecycleStatus gender use intent priority mode criticality severity
    category type comparator language confidentiality postalCode state country
    """.split()
)
"""Elements of R4 that hold a code, or nothing that could be a cell; and what may be told of an address."""
_OF_ADDRESS = frozenset({"address", "postalCode", "state", "country", "use", "type"})
_BESIDE_ADDRESS = ROOTS["Patient"] - {"extension", "modifierExtension", "text", "id"}
_OF_AGS = frozenset({"city", "value", "valueCoding", "code", "system"})
_PASSING = frozenset({"where", "first"})


def ends_in_code(expression: Expression) -> bool:
    """Whether a path ends in an element that holds codes; what is no path (an operation) does not."""
    named = [step for step in steps(expression) or () if not _is_passing(step)]
    match named[-1:]:
        case [Call(_, "ofType", (kind,))]:
            return type_name(kind) == "code"
        case [Member(_, name)]:
            return name in _CODED
        case _:
            return False


def tells_more_of_address(each: Selected) -> bool:
    """Whether a column may tell more of where somebody lives than postal code, state, country and AGS."""
    own: Path = (*each.within, (each.column.expression,))
    return any(_is_too_fine(path, each.resource) for path in (own, *each.conditions))


def cities_of_ags(found: Iterable[Expression]) -> list[Expression]:
    """The names of cities of which nothing is asked but the AGS beside them."""
    asked = (part for part in found if isinstance(part, Call) and _asks_for_ags(part))
    return [call.base for call in asked if isinstance(call.base, Member) and call.base.name == "city"]


def _is_too_fine(path: Path, resource: str) -> bool:
    found = [part for ways in path for way in ways for part in parts(way)]
    names = set(_names(found))
    if not any("address" in spellings(name) for name in names):
        return False
    extensions = [part for part in found if isinstance(part, Call) and part.name == "extension"]
    allowed = _OF_ADDRESS | _BESIDE_ADDRESS | (_OF_AGS if extensions else frozenset())
    return resource != "Patient" or not names <= allowed or not all(map(_asks_for_ags, extensions))


def _names(found: Iterable[Expression]) -> Iterator[str]:
    """The elements that are named; a name with a capital is that of a type."""
    for part in found:
        if isinstance(part, Member) and not (part.base is None and part.name[:1].isupper()):
            yield part.name


def _asks_for_ags(part: Expression) -> bool:
    match part:
        case Call(_, "extension", (Literal(url),)):
            return url == AGS
        case _:
            return False


def _is_passing(step: Expression) -> bool:
    return isinstance(step, Call) and step.name in _PASSING
