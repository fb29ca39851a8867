"""What of a resource a view's column tells: followed as the engine would, step by step from the resource on.

Too much is found rather than too little: whatever is asked about on the way counts, and so do the conditions
that decide whether a column has a row at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mii.views.definition import Column, Select, View
from mii.views.root_elements import root_of
from mii.views.syntax import Binary, Call, Expression, Index, Literal, Member, This, Unary, parts

Path = tuple[tuple[Expression, ...], ...]
"""Steps from the resource on, each with the ways it may take."""
_PASSING = frozenset({"where", "first", "ofType"})
"""Functions that give items of what they are asked of; each of the others gives something else."""
_OF_ITEMS = frozenset({"where", "exists"})
"""Functions that ask their argument of each item, and not of what the whole expression is asked of."""
_TYPED = frozenset({"ofType", "getReferenceKey"})
"""Functions whose argument is a type and no path."""
_OF_RESOURCES = {"extension": "extension", "getResourceKey": "id", "getReferenceKey": "reference"}
"""What a function reads of the thing that it is asked of."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A column with what its rows are made of, from the resource on: at every step the paths they may take.

    ``conditions`` are paths from the resource on that decide whether there is a row.
    """

    column: Column
    view: View
    within: Path
    conditions: tuple[Path, ...]

    @property
    def resource(self) -> str:
        """The type of the resources that the view is of."""
        return self.view.resource

    @property
    def expressions(self) -> tuple[Expression, ...]:
        """All that leads to its values."""
        return (*(way for step in self.within for way in step), self.column.expression)

    @property
    def parts(self) -> tuple[Expression, ...]:
        """Every part of what leads to its values, and of what decides whether there are any."""
        deciding = (way for path in self.conditions for step in path for way in step)
        return tuple(part for each in (*self.expressions, *deciding) for part in parts(each))

    @property
    def texts(self) -> frozenset[str]:
        """The texts that it asks for: codes, systems, and all that the view's constants stand for."""
        asked = (part.value for part in self.parts if isinstance(part, Literal))
        return frozenset(text for text in (*self.view.constants.values(), *asked) if isinstance(text, str))

    @property
    def named(self) -> frozenset[str]:
        """The names right below the resource that its values come from, and those asked about on the way."""
        return frozenset(_named((*self.within, (self.column.expression,))))

    @property
    def unknown(self) -> frozenset[str]:
        """Those of `named` that FHIR R4 has no element for."""
        return frozenset(name for name in self.named if not root_of(self.resource, name))

    @property
    def roots(self) -> frozenset[str]:
        """The elements of the resource that it tells of."""
        deciding = {name for path in self.conditions for name in _named(path)}
        return frozenset[str]().union(*(root_of(self.resource, name) for name in self.named | deciding))

    @property
    def reads(self) -> bool:
        """Whether its values come from a resource at all, and are not written in the view."""
        found = (part for expression in self.expressions for part in parts(expression))
        return any(isinstance(part, This | Member | Call) for part in found)


def selected(view: View) -> Iterator[Selected]:
    """The columns of ``view``, with those of every branch of its unions."""
    conditions = (*(((each,),) for each in view.where), *_loops(view.select, ()))
    for column, within in _selected(view.select, ()):
        yield Selected(column, view, within, conditions)


def _selected(select: Select, within: Path) -> Iterator[tuple[Column, Path]]:
    inside = _inside(select, within)
    yield from ((column, inside) for column in select.columns)
    for inner in (*select.selects, *select.unions):
        yield from _selected(inner, inside)


def _loops(select: Select, within: Path) -> Iterator[Path]:
    """The paths that are gone over and leave no row where there is nothing to go over."""
    inside = _inside(select, within)
    if inside != within and not select.or_null:
        yield inside
    for inner in (*select.selects, *select.unions):
        yield from _loops(inner, inside)


def _inside(select: Select, within: Path) -> Path:
    inside = within if select.each is None else (*within, (select.each,))
    return (*inside, select.repeat) if select.repeat else inside


def _named(path: Path) -> Iterator[str]:
    """The names right below the resource on a path of which every step may take any of several ways."""
    is_resource = True
    for ways in path:
        found: list[str] = []
        is_resource = True in [_follow(way, is_resource, found) for way in ways]
        yield from found


def _follow(expression: Expression | None, is_resource: bool, found: list[str]) -> bool:
    """Whether ``expression`` may give the resource itself, where what it is asked of is that or is not.

    The names right below the resource go to ``found``.
    """
    match expression:
        case None | This():
            return is_resource
        case Member(None, name) if name[:1].isupper():
            return is_resource
        case Member(base, name):
            return _step(_follow(base, is_resource, found), name, found)
        case Index(base, position):
            _follow(position, is_resource, found)
            return _follow(base, is_resource, found)
        case Unary(_, operand):
            return _follow(operand, is_resource, found)
        case Binary(_, left, right):
            return any([_follow(left, is_resource, found), _follow(right, is_resource, found)])
        case Call():
            return _called(expression, is_resource, found)
        case _:
            return False


def _called(call: Call, is_resource: bool, found: list[str]) -> bool:
    of = _follow(call.base, is_resource, found)
    for argument in call.arguments if call.name not in _TYPED else ():
        _follow(argument, of if call.name in _OF_ITEMS else is_resource, found)
    if call.name in _OF_RESOURCES:
        return _step(of, _OF_RESOURCES[call.name], found)
    return of and call.name in _PASSING


def _step(is_resource: bool, name: str, found: list[str]) -> bool:
    if is_resource:
        found.append(name)
    return False
