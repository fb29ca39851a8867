"""A SQL on FHIR v2 ViewDefinition, read from its JSON and checked as far as it can be without data.

Everything that is wrong is ``BadConfig`` and names the place in the definition.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from anonymizer.errors import BadConfig
from mii.views.parser import parse
from mii.views.syntax import Expression
from mii.views.temporal import temporal

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_TEXTS = frozenset("Base64Binary Canonical Code Id Oid String Uri Url Uuid".split())
_WHOLES = frozenset("Integer Integer64 PositiveInt UnsignedInt".split())
_MOMENTS = frozenset("Date DateTime Instant".split())
_SELECT = frozenset({"column", "select", "unionAll", "forEach", "forEachOrNull", "repeat"})
_COLUMN = frozenset({"name", "path", "type", "collection", "description", "tag"})
_UNCOUNTED = frozenset({"id", "extension"})
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Column:
    """A column: where its values are found, of what FHIR type they are, and whether there may be several."""

    name: str
    expression: Expression
    type: str | None
    collection: bool


@dataclass(frozen=True, slots=True)
class Select:
    """Columns, and what is joined to their rows.

    ``each`` selects what the rows are made of, one each; with ``or_null`` there is a blank row where that is
    nothing. ``repeat`` are paths that are followed from element to element. At most one of the two is there.
    """

    columns: tuple[Column, ...]
    selects: tuple[Select, ...]
    unions: tuple[Select, ...]
    each: Expression | None = None
    or_null: bool = False
    repeat: tuple[Expression, ...] = ()

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """The columns of its rows; those of a union are told as its first branch has them."""
        inner = (column for select in self.selects for column in select.all_columns)
        return (*self.columns, *inner, *(self.unions[0].all_columns if self.unions else ()))


@dataclass(frozen=True, slots=True)
class View:
    """A ViewDefinition; ``constants`` are its values by name, ``where`` must hold of a resource."""

    name: str
    resource: str
    constants: Mapping[str, Any]
    where: tuple[Expression, ...]
    select: Select

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the view, in their order."""
        return self.select.all_columns


def definition(data: object) -> View:
    """The view that ``data``, a decoded JSON document, defines. Raises ``BadConfig``."""
    view = _object(data, "the view")
    resource = view.get("resource")
    if view.get("resourceType", "ViewDefinition") != "ViewDefinition" or not isinstance(resource, str):
        raise BadConfig("a ViewDefinition names the type of its resources in `resource`")
    selects = _selects(view, "select", "")
    if not selects:
        raise BadConfig("a ViewDefinition selects something in `select`")
    found = View(
        name=str(view.get("name") or ""),
        resource=resource,
        constants=dict(_constant(each, at) for each, at in _list(view, "constant", "")),
        where=tuple(_path(_object(each, at), at) for each, at in _list(view, "where", "")),
        select=Select((), selects, ()),
    )
    names = [column.name for column in found.columns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise BadConfig("two columns of the view have this name", column=twice[0])
    return found


def _selects(data: Mapping[str, Any], key: str, place: str, depth: int = 0) -> tuple[Select, ...]:
    if depth > _DEEPEST:
        raise BadConfig("the view is nested too deeply")
    return tuple(_select(_object(each, at), at, depth) for each, at in _list(data, key, place))


def _select(data: Mapping[str, Any], place: str, depth: int) -> Select:
    _refuse_unknown(data, _SELECT, place)
    loops = [key for key in ("forEach", "forEachOrNull", "repeat") if key in data]
    if len(loops) > 1:
        raise BadConfig(f"{place}: {loops[0]} and {loops[1]} exclude one another")
    each = next((key for key in loops if key != "repeat"), None)
    select = Select(
        columns=tuple(_column(_object(c, at), at) for c, at in _list(data, "column", place)),
        selects=_selects(data, "select", f"{place}.", depth + 1),
        unions=_selects(data, "unionAll", f"{place}.", depth + 1),
        each=_expression(data[each], f"{place}.{each}") if each else None,
        or_null=each == "forEachOrNull",
        repeat=tuple(_expression(path, at) for path, at in _list(data, "repeat", f"{place}.")),
    )
    shapes = {tuple((c.name, c.type, c.collection) for c in branch.all_columns) for branch in select.unions}
    if len(shapes) > 1:
        raise BadConfig(f"{place}.unionAll: the branches differ in their columns")
    return select


def _column(data: Mapping[str, Any], place: str) -> Column:
    _refuse_unknown(data, _COLUMN, place)
    name, kind, collection = data.get("name"), data.get("type"), data.get("collection", False)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadConfig(f"{place}.name: must be a name of letters, digits and _")
    if not isinstance(kind, str | None) or not isinstance(collection, bool):
        raise BadConfig(f"{place}: `type` must be text and `collection` true or false")
    kind = None if kind is None else kind.rpartition("/")[2]
    return Column(name, _path(data, place), kind, collection)


def _constant(data: object, place: str) -> tuple[str, Any]:
    constant = _object(data, place)
    name = constant.get("name")
    values = [key for key in constant if key.startswith("value")]
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(values) != 1:
        raise BadConfig(f"{place}: a constant has a name and one value[x]")
    value = _constant_value(values[0].removeprefix("value"), constant[values[0]])
    if value is None:
        raise BadConfig(f"{place}: the constant's value is not of its type")
    return name, value


def _constant_value(kind: str, value: Any) -> Any:
    """``None`` where the value does not fit its type, or there is no such type of constants."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if kind == "Boolean":
        return value if isinstance(value, bool) else None
    if kind in _WHOLES:
        return value if whole else None
    if kind == "Decimal":
        return value if whole or isinstance(value, Decimal) else None
    if not isinstance(value, str):
        return None
    if kind in _MOMENTS or kind == "Time":
        return temporal(value, is_time=kind == "Time")
    return value if kind in _TEXTS else None


def _path(data: Mapping[str, Any], place: str) -> Expression:
    return _expression(data.get("path"), f"{place}.path")


def _expression(text: object, place: str) -> Expression:
    if not isinstance(text, str):
        raise BadConfig(f"{place}: must be a FHIRPath, as text")
    try:
        return parse(text)
    except BadConfig as error:
        raise BadConfig(f"{place}: {error.rule}") from None


def _list(data: Mapping[str, Any], key: str, place: str) -> list[tuple[Any, str]]:
    """The entries of the list ``key``, each with its place."""
    listed = data.get(key, [])
    if not isinstance(listed, list):
        raise BadConfig(f"{place}{key}: must be a list")
    dot = "." if place and not place.endswith(".") else ""
    return [(each, f"{place}{dot}{key}[{number}]") for number, each in enumerate(listed)]


def _object(data: object, place: str) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise BadConfig(f"{place}: must be a JSON object")
    return data


def _refuse_unknown(data: Mapping[str, Any], known: frozenset[str], place: str) -> None:
    """A key that is not understood would change what the view means without a word."""
    for key in data:
        if key not in known | _UNCOUNTED:
            raise BadConfig(f"{place}: `{key}` is no key that views of this version have")
