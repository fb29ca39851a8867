"""From a FHIRPath expression to a function over plain decoded JSON.

What can be told from the expression alone is refused when it is compiled (``BadConfig``); what only a
resource shows is refused when it is met (``BadInput``). Neither quotes a value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from anonymizer.errors import BadConfig, BadInput
from mii.views import elements
from mii.views.operators import OPERATORS, Items, boolean, negative, single, truth
from mii.views.syntax import (
    Binary,
    Call,
    Constant,
    Expression,
    Index,
    Literal,
    Member,
    This,
    Unary,
)
from mii.views.temporal import boundary

Evaluate = Callable[[Items, int], Items]
"""Gives what an expression selects from a collection, in the row of an index."""
Constants = Mapping[str, Any]

ROW_INDEX = "rowIndex"


def compiled(expression: Expression, constants: Constants) -> Evaluate:
    """The function that evaluates ``expression``, in which ``%name`` is one of ``constants``.

    Raises ``BadConfig`` for a function, or a constant, that there is not.
    """
    match expression:
        case Literal(value):
            told = [] if value is None else [value]
            return lambda focus, row: told
        case This():
            return lambda focus, row: focus
        case Constant(name):
            return _constant(name, constants)
        case Member(base, name):
            return _member(base, name, constants)
        case Index(base, position):
            return _index(compiled(base, constants), compiled(position, constants))
        case Unary(operator, operand):
            of = compiled(operand, constants)
            return (lambda focus, row: negative(of(focus, row))) if operator == "-" else of
        case Binary(operator, left, right):
            return _binary(operator, compiled(left, constants), compiled(right, constants))
        case Call():
            return _call(expression, constants)


def _constant(name: str, constants: Constants) -> Evaluate:
    if name == ROW_INDEX:
        return lambda focus, row: [row]
    if name in ("context", "resource", "rootResource"):
        raise BadConfig(f"the FHIRPath constant %{name} is not in the subset for views")
    if name not in constants:
        raise BadConfig(f"the view defines no constant %{name}")
    told = [constants[name]]
    return lambda focus, row: told


def _member(base: Expression | None, name: str, constants: Constants) -> Evaluate:
    if base is None:
        if name[:1].isupper():
            return lambda focus, row: elements.of_type(focus, name)
        return lambda focus, row: elements.members(focus, name)
    if name == "extension":
        return _extensions(base, constants)
    of = compiled(base, constants)
    return lambda focus, row: elements.members(of(focus, row), name)


def _index(of: Evaluate, position: Evaluate) -> Evaluate:
    def at(focus: Items, row: int) -> Items:
        found, place = of(focus, row), single(position(focus, row))
        if place is None:
            return []
        if not isinstance(place, int) or isinstance(place, bool):
            raise BadInput("an index must be a whole number")
        return found[place : place + 1] if place >= 0 else []

    return at


def _binary(operator: str, left: Evaluate, right: Evaluate) -> Evaluate:
    operate = OPERATORS[operator]
    return lambda focus, row: operate(left(focus, row), right(focus, row))


def _base(base: Expression | None, constants: Constants) -> Evaluate:
    return compiled(This() if base is None else base, constants)


def _extensions(base: Expression | None, constants: Constants) -> Evaluate:
    """A primitive element's extensions stand beside it, so they are looked for one step before."""
    match base:
        case Member(before, name):
            of = _base(before, constants)
            return lambda focus, row: elements.extensions_of(of(focus, row), name)
        case _:
            of = _base(base, constants)
            return lambda focus, row: elements.extensions(of(focus, row))


def _call(call: Call, constants: Constants) -> Evaluate:
    if call.name not in _FUNCTIONS:
        raise BadConfig(f"the FHIRPath function {call.name}() is not in the subset for views")
    build, fewest, most = _FUNCTIONS[call.name]
    if not fewest <= len(call.arguments) <= most:
        raise BadConfig(f"the FHIRPath function {call.name}() has the wrong number of arguments")
    return build(call, constants)


def _where(call: Call, constants: Constants) -> Evaluate:
    of, holds = _base(call.base, constants), compiled(call.arguments[0], constants)
    return lambda focus, row: [item for item in of(focus, row) if truth(holds([item], row))]


def _exists(call: Call, constants: Constants) -> Evaluate:
    of = _where(call, constants) if call.arguments else _base(call.base, constants)
    return lambda focus, row: [bool(of(focus, row))]


def _empty(call: Call, constants: Constants) -> Evaluate:
    of = _base(call.base, constants)
    return lambda focus, row: [not of(focus, row)]


def _first(call: Call, constants: Constants) -> Evaluate:
    of = _base(call.base, constants)
    return lambda focus, row: of(focus, row)[:1]


def _not(call: Call, constants: Constants) -> Evaluate:
    of = _base(call.base, constants)

    def negated(focus: Items, row: int) -> Items:
        told = truth(of(focus, row))
        return boolean(None if told is None else not told)

    return negated


def _join(call: Call, constants: Constants) -> Evaluate:
    of = _base(call.base, constants)
    between = compiled(call.arguments[0] if call.arguments else Literal(""), constants)

    def joined(focus: Items, row: int) -> Items:
        texts, separator = of(focus, row), single(between(focus, row))
        if not all(isinstance(text, str) for text in (*texts, separator)):
            raise BadInput("join() is for texts")
        return [separator.join(texts)]

    return joined


def _extension(call: Call, constants: Constants) -> Evaluate:
    of, url = _extensions(call.base, constants), compiled(call.arguments[0], constants)

    def named(focus: Items, row: int) -> Items:
        wanted = single(url(focus, row))
        return [found for found in of(focus, row) if isinstance(found, dict) and found.get("url") == wanted]

    return named


def _of_type(call: Call, constants: Constants) -> Evaluate:
    kind = type_name(call.arguments[0])
    match call.base:
        case Member(before, name):
            of = _base(before, constants)
            return lambda focus, row: elements.choices(of(focus, row), name, kind)
        case base:
            of = _base(base, constants)
            return lambda focus, row: elements.of_type(of(focus, row), kind)


def _resource_key(call: Call, constants: Constants) -> Evaluate:
    of = _base(call.base, constants)
    return lambda focus, row: elements.resource_keys(of(focus, row))


def _reference_key(call: Call, constants: Constants) -> Evaluate:
    of = _base(call.base, constants)
    kind = type_name(call.arguments[0]) if call.arguments else None
    return lambda focus, row: elements.reference_keys(of(focus, row), kind)


def _boundary(call: Call, constants: Constants) -> Evaluate:
    of, high, kind = _base(call.base, constants), call.name == "highBoundary", _told_type(call.base)

    def bound(focus: Items, row: int) -> Items:
        item = single(of(focus, row))
        told = None if item is None else _bound(item, kind, high=high)
        return [] if told is None else [told]

    return bound


def _bound(item: Any, kind: str | None, *, high: bool) -> Any:
    """A number's is half a unit of its last digit away."""
    if isinstance(item, str):
        kind = kind or ("dateTime" if "T" in item else "time" if item[2:3] == ":" else "date")
        return boundary(item, kind, high=high)
    if isinstance(item, bool) or not isinstance(item, int | Decimal):
        raise BadInput(f"{'high' if high else 'low'}Boundary() is for numbers, dates and times")
    number = Decimal(item)
    try:
        half = Decimal(5).scaleb(int(number.as_tuple().exponent) - 1)
        return number + half if high else number - half
    except ArithmeticError:
        return None


def _told_type(base: Expression | None) -> str | None:
    match base:
        case Call(_, "ofType", (kind,)):
            return type_name(kind)
        case _:
            return None


def type_name(expression: Expression) -> str:
    """The type that an argument names: ``Quantity``, ``FHIR.Quantity``. Raises ``BadConfig``."""
    match expression:
        case Member(None, name) | Member(Member(None, "FHIR" | "System"), name):
            return name
        case _:
            raise BadConfig("a FHIRPath function needs the name of a type")


_FUNCTIONS: Mapping[str, tuple[Callable[[Call, Constants], Evaluate], int, int]] = {
    "where": (_where, 1, 1),
    "exists": (_exists, 0, 1),
    "empty": (_empty, 0, 0),
    "first": (_first, 0, 0),
    "not": (_not, 0, 0),
    "join": (_join, 0, 1),
    "extension": (_extension, 1, 1),
    "ofType": (_of_type, 1, 1),
    "getResourceKey": (_resource_key, 0, 0),
    "getReferenceKey": (_reference_key, 0, 1),
    "lowBoundary": (_boundary, 0, 0),
    "highBoundary": (_boundary, 0, 0),
}
"""How each function is compiled, and how many arguments it has at least and at most."""
