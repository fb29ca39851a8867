"""FHIRPath's operators over collections, where an empty one means unknown.

FHIRPath 2.0, sections "Equality", "Comparison", "Boolean logic" (three-valued) and "Math".
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from anonymizer.errors import BadInput
from mii.views.temporal import Temporal, compared, temporal

Items = list[Any]


def single(items: Items) -> Any:
    """The one item, or ``None`` where there is none. Raises ``BadInput`` where there are several."""
    if len(items) > 1:
        raise BadInput("an expression gives several values where one is needed")
    return items[0] if items else None


def truth(items: Items) -> bool | None:
    """Whether it is true; ``None`` is unknown. Raises ``BadInput`` for what is not a boolean."""
    told = single(items)
    if told is None or isinstance(told, bool):
        return told
    raise BadInput("an expression must be true or false and is something else")


def boolean(told: bool | None) -> Items:
    """The collection that says so."""
    return [] if told is None else [told]


def equal(left: Items, right: Items) -> Items:
    """Whether two collections hold the same, in the same order."""
    if not left or not right:
        return []
    if len(left) != len(right):
        return [False]
    answers = [_same(*pair) for pair in zip(left, right, strict=True)]
    if False in answers:
        return [False]
    return [] if None in answers else [True]


def united(left: Items, right: Items) -> Items:
    """The items of both, each once."""
    found: Items = []
    for item in (*left, *right):
        if not any(_same(item, known) for known in found):
            found.append(item)
    return found


def _differs(left: Items, right: Items) -> Items:
    return [not told for told in equal(left, right)]


def _holds(left: Items, right: Items) -> Items:
    wanted = single(right)
    return [] if wanted is None else [any(_same(item, wanted) for item in left)]


def _is_in(left: Items, right: Items) -> Items:
    return _holds(right, left)


def _joined(left: Items, right: Items) -> Items:
    texts = [single(left), single(right)]
    if any(not isinstance(text, str | None) for text in texts):
        raise BadInput("only texts can be joined")
    return ["".join(text or "" for text in texts)]


def _ordering(holds: Callable[[int], bool]) -> Callable[[Items, Items], Items]:
    def ordered(left: Items, right: Items) -> Items:
        first, second = single(left), single(right)
        if first is None or second is None:
            return []
        order = _order(first, second)
        return [] if order is None else [holds(order)]

    return ordered


def _order(left: Any, right: Any) -> int | None:
    if _is_number(left) and _is_number(right):
        return int(left > right) - int(left < right)
    if isinstance(left, str) and isinstance(right, str):
        moments = _moment(left, None), _moment(right, None)
        if moments[0] is None or moments[1] is None:
            return int(left > right) - int(left < right)
        return compared(*moments)  # type: ignore[arg-type]
    first, second = _moment(left, right), _moment(right, left)
    if first is None or second is None:
        raise BadInput("values of different types are compared")
    return compared(first, second)


def _same(left: Any, right: Any) -> bool | None:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, Temporal) or isinstance(right, Temporal):
        first, second = _moment(left, right), _moment(right, left)
        if first is None or second is None:
            return False
        order = compared(first, second)
        return None if order is None else order == 0
    return bool(left == right)


def _moment(item: Any, other: Any) -> Temporal | None:
    """``item`` as a moment, a text read as a time only where ``other`` is one."""
    if isinstance(item, Temporal):
        return item
    if not isinstance(item, str):
        return None
    return temporal(item, is_time=isinstance(other, Temporal) and other.is_time)


def _is_number(item: Any) -> bool:
    return isinstance(item, int | Decimal) and not isinstance(item, bool)


def _arithmetic(calculate: Callable[[Any, Any], Any]) -> Callable[[Items, Items], Items]:
    def calculated(left: Items, right: Items) -> Items:
        first, second = single(left), single(right)
        if first is None or second is None:
            return []
        if not (_is_number(first) and _is_number(second)):
            raise BadInput("only numbers can be calculated with")
        try:
            return [calculate(Decimal(first), Decimal(second))]
        except ArithmeticError:
            return []

    return calculated


def _added(left: Items, right: Items) -> Items:
    first, second = single(left), single(right)
    if isinstance(first, str) and isinstance(second, str):
        return [first + second]
    return _arithmetic(operator.add)(left, right)


def _and(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _or(left: bool | None, right: bool | None) -> bool | None:
    if left or right:
        return True
    return None if left is None or right is None else False


def _xor(left: bool | None, right: bool | None) -> bool | None:
    return None if left is None or right is None else left != right


def _implies(left: bool | None, right: bool | None) -> bool | None:
    return _or(None if left is None else not left, right)


def _logical(decide: Callable[[bool | None, bool | None], bool | None]) -> Callable[[Items, Items], Items]:
    return lambda left, right: boolean(decide(truth(left), truth(right)))


OPERATORS: Mapping[str, Callable[[Items, Items], Items]] = {
    "and": _logical(_and),
    "or": _logical(_or),
    "xor": _logical(_xor),
    "implies": _logical(_implies),
    "=": equal,
    "!=": _differs,
    "in": _is_in,
    "contains": _holds,
    "<": _ordering(lambda order: order < 0),
    "<=": _ordering(lambda order: order <= 0),
    ">": _ordering(lambda order: order > 0),
    ">=": _ordering(lambda order: order >= 0),
    "|": united,
    "+": _added,
    "-": _arithmetic(operator.sub),
    "*": _arithmetic(operator.mul),
    "/": _arithmetic(operator.truediv),
    "div": _arithmetic(operator.floordiv),
    "mod": _arithmetic(operator.mod),
    "&": _joined,
}
"""What each operator makes of its operands. ``Decimal`` divides towards zero, as FHIRPath does."""


def negative(items: Items) -> Items:
    """The number with the other sign."""
    return _arithmetic(operator.sub)([0], items)
