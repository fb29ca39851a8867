"""Runs a view: from a resource to its rows, from many to a typed frame.

SQL on FHIR v2, "Processing Algorithm": the rows of a select are, for each element it goes over, the product
of its columns, of its inner selects' rows and of its unions' rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import product
from math import isfinite, prod
from typing import Any

import polars as pl

from anonymizer.errors import BadConfig, BadInput
from mii.views.definition import Column, Select, View
from mii.views.evaluating import ROW_INDEX, Constants, Evaluate, compiled
from mii.views.operators import Items, truth
from mii.views.syntax import Constant, parts

Row = tuple[Any, ...]
_Rows = Callable[[Items, int], list[Row]]

_WHOLES = frozenset({"integer", "integer64", "positiveInt", "unsignedInt"})
MOST_ROWS = 1_000_000
"""The most rows of one resource: a product of lists grows faster than anyone wants."""
_DEEPEST = 200


class Runner:
    """A view that is ready to run; ``columns`` are those of its rows.

    Raises ``BadConfig`` for a function or a constant that there is not.
    """

    def __init__(self, view: View) -> None:
        self.resource, self.columns = view.resource, view.columns
        self._where = [compiled(condition, view.constants) for condition in view.where]
        self._rows = _compiled_select(view.select, view.constants)

    def rows(self, resource: Mapping[str, Any]) -> list[Row]:
        """The rows of a decoded resource (see `elements`); none of one that is of another type.

        Raises ``BadInput`` where a value does not fit its column, or a condition is not true or false.
        """
        focus: Items = [resource]
        if resource.get("resourceType") != self.resource:
            return []
        if not all(truth(condition(focus, 0)) for condition in self._where):
            return []
        return self._rows(focus, 0)


def frame(runner: Runner, resources: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """The rows of all ``resources``, in their order, with a type for every column."""
    return typed(runner.columns, [row for resource in resources for row in runner.rows(resource)])


def typed(columns: Iterable[Column], rows: list[Row]) -> pl.DataFrame:
    """Rows as columns: Boolean, Int64, Float64 or text by the FHIR type, lists of those for collections."""
    schema = {column.name: _dtype(column) for column in columns}
    return pl.DataFrame(rows, schema=schema, orient="row", strict=True)


def _dtype(column: Column) -> Any:
    kind = column.type
    inner: Any = pl.String
    if kind == "boolean":
        inner = pl.Boolean
    elif kind in _WHOLES:
        inner = pl.Int64
    elif kind == "decimal":
        inner = pl.Float64
    return pl.List(inner) if column.collection else inner


def _compiled_select(select: Select, constants: Constants) -> _Rows:
    cells = [_compiled_column(column, constants) for column in select.columns]
    inner = [_compiled_select(each, constants) for each in select.selects]
    branches = [_compiled_select(each, constants) for each in select.unions]
    foci = _compiled_foci(select, constants)
    blank = _blank(select, constants)

    def rows(focus: Items, row: int) -> list[Row]:
        found: list[Row] = []
        for item, index in foci(focus, row):
            own = tuple(cell(item, index) for cell in cells)
            joined = [part(item, index) for part in inner]
            if branches:
                joined.append([each for branch in branches for each in branch(item, index)])
            if prod(map(len, joined)) > MOST_ROWS:
                raise BadInput("a resource gives too many rows of a view")
            found += [own + tuple(x for part in parts for x in part) for parts in product(*joined)]
        return found if found or blank is None else _unless(foci(focus, row), blank)

    return rows


def _unless(foci: Iterator[Any], blank: Row) -> list[Row]:
    return [blank] if next(foci, None) is None else []


def _compiled_foci(
    select: Select, constants: Constants
) -> Callable[[Items, int], Iterator[tuple[Items, int]]]:
    """What the rows of a select are made of, with the index of each."""
    if select.each is not None:
        each = compiled(select.each, constants)
        return lambda focus, row: (([item], index) for index, item in enumerate(each(focus, row)))
    if select.repeat:
        paths = [compiled(path, constants) for path in select.repeat]
        return lambda focus, row: (([item], n) for n, item in enumerate(_repeated(focus, paths, row)))
    return lambda focus, row: iter([(focus, row)])


def _repeated(focus: Items, paths: list[Evaluate], row: int, depth: int = 0) -> Iterator[Any]:
    if depth > _DEEPEST:
        raise BadInput("a resource is nested too deeply for the view")
    for path in paths:
        for item in path(focus, row):
            yield item
            yield from _repeated([item], paths, row, depth + 1)


def _blank(select: Select, constants: Constants) -> Row | None:
    """The row where there is nothing to go over: all missing, but for the index, which is 0."""
    if not select.or_null:
        return None
    own = (_of_nothing(column, constants) for column in select.columns)
    return (*own, *(None for _ in select.all_columns[len(select.columns) :]))


def _of_nothing(column: Column, constants: Constants) -> Any:
    counted = any(part == Constant(ROW_INDEX) for part in parts(column.expression))
    return _compiled_column(column, constants)([], 0) if counted else None


def _compiled_column(column: Column, constants: Constants) -> Callable[[Items, int], Any]:
    try:
        evaluate = compiled(column.expression, constants)
    except BadConfig as error:
        raise error.about(column.name) from None
    convert = _converter(column.type)

    def cell(focus: Items, row: int) -> Any:
        try:
            items = evaluate(focus, row)
            if column.collection:
                return [convert(item) for item in items]
            if len(items) > 1:
                raise BadInput("a resource has several values and the column is no collection")
            return convert(items[0]) if items else None
        except BadInput as error:
            raise error.about(column.name) from None

    return cell


def _converter(kind: str | None) -> Callable[[Any], Any]:
    if kind == "boolean":
        return _boolean
    if kind in _WHOLES:
        return _whole
    return _number if kind == "decimal" else _text


def _boolean(item: Any) -> bool:
    if not isinstance(item, bool):
        raise BadInput("a value is not of the type that the view says")
    return item


def _whole(item: Any) -> int:
    if isinstance(item, bool) or not isinstance(item, int) or abs(item) >= 1 << 63:
        raise BadInput("a value is not of the type that the view says")
    return item


def _number(item: Any) -> float:
    number = float(item) if isinstance(item, int | Decimal) and not isinstance(item, bool) else float("nan")
    if not isfinite(number):
        raise BadInput("a value is not of the type that the view says")
    return number


def _text(item: Any) -> str:
    if not isinstance(item, str):
        raise BadInput("a value is not of the type that the view says")
    return item
