"""Flattened tables (one file per group of attributes) turned back into the resources they were made of.

A flattener writes one row per combination of codings, so the rows of an id are gathered first, over all
tables of its type. Then the resource is built with what the tables hold and goes the way of every other
resource: there is one set of rules for all forms.

A table without a header row needs its view definition beside it, which names the columns in their order.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import msgspec

from anonymizer.errors import BadInput
from mii import fhir
from mii.extracting import Extraction
from mii.flattened_elements import BUILDERS, Row
from mii.flattened_files import json_rows, parquet_rows
from mii.forms import VIEW_SUFFIX, Source, first_keys, first_row, is_header, layout
from mii.streaming import Limits, lines, whole

Groups = dict[str, dict[str, list[Row]]]
"""The rows of each id, by type; a row holds what is not missing, by column name."""

_MISSING = {",": frozenset({""}), ";": frozenset({"", "NA"})}
"""What counts as missing: R's write.csv2, which separates by semicolon, writes NA."""


def read(
    tables: Sequence[Source],
    others: Sequence[Source],
    *,
    decoder: fhir.Decoder,
    extraction: Extraction,
    limits: Limits,
) -> None:
    """Takes the resources of all ``tables`` into ``extraction``; ``others`` may hold view definitions.

    Raises ``BadInput`` for a table whose columns nothing tells, for a row without an id or with too many
    or too few fields, for text that is not UTF-8, and for a number or a truth value that is none.
    """
    groups, _ = gathered(tables, others, limits)
    for kind, by_id in groups.items():
        _build(kind, by_id, decoder, extraction)


def gathered(
    tables: Sequence[Source], others: Sequence[Source], limits: Limits
) -> tuple[Groups, dict[str, list[str]]]:
    """The rows of each id, and the columns of all tables, by type. Raises as `read` does."""
    views = {source.plain_name: source for source in others}
    groups: Groups = {}
    columns: dict[str, list[str]] = {}
    for table in tables:
        try:
            kind, names, rows = _rows(table, views.get(table.stem + VIEW_SUFFIX), limits)
            _gather(rows, groups.setdefault(kind, {}))
        except BadInput as error:
            raise BadInput(f"{table.name}: {error.rule}", count=error.count, hint=error.hint) from None
        columns.setdefault(kind, []).extend(names)
    return groups, columns


def _rows(table: Source, view: Source | None, limits: Limits) -> tuple[str, list[str], Iterator[Row]]:
    """The type of a table, its columns and its rows."""
    match layout(table):
        case "json":
            names = first_keys(table)
            return _kind(names), names, json_rows(table, limits)
        case "parquet":
            names, rows = parquet_rows(table)
            return _kind(names), names, rows
    first, delimiter = first_row(table)
    if is_header(first):
        columns, skipped = first, 1
    elif view is not None:
        columns, skipped = _columns_of_view(view, limits), 0
    else:
        raise BadInput(
            "the table has no header row of FHIR elements and no view definition beside it",
            hint=f"a view definition is called <table>{VIEW_SUFFIX}",
        )
    return _kind(columns), columns, _named(table, columns, delimiter, skipped=skipped, limits=limits)


def _kind(columns: Sequence[str]) -> str:
    """The resource type that the columns name."""
    kinds = {name.split("_", 1)[0] for name in columns if name not in ("", "id", "patient")}
    if len(kinds) != 1:
        raise BadInput("the columns of a flattened table belong to one resource type")
    return kinds.pop()


def _named(
    table: Source, columns: Sequence[str], delimiter: str, *, skipped: int, limits: Limits
) -> Iterator[Row]:
    if len(set(columns)) < len(columns):
        raise BadInput("a column name stands twice")
    missing, decimal = _MISSING[delimiter], "," if delimiter == ";" else "."
    with table.open() as stream:
        texts = _texts(lines(stream, limits))
        reader = csv.reader(texts, delimiter=delimiter, strict=True)
        for number in range(1, 1 << 62):
            fields = _next(reader)
            if fields is None:
                return
            if number <= skipped or not fields:
                continue
            if len(fields) != len(columns):
                raise BadInput(f"row {number} has another number of fields than the header")
            row = {name: text for name, text in zip(columns, fields, strict=True) if text not in missing}
            yield row | {"decimal": decimal}


def _next(reader: Iterator[list[str]]) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error:
        raise BadInput("a row is no valid CSV") from None


def _texts(raw: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(raw, 1):
        try:
            yield line.decode()
        except UnicodeDecodeError:
            raise BadInput(f"line {number} is not UTF-8") from None


def _gather(rows: Iterator[Row], by_id: dict[str, list[Row]]) -> None:
    for row in rows:
        identity = row.get("id")
        if identity is None:
            raise BadInput("a row has no id")
        known = by_id.setdefault(identity, [])
        if row not in known:
            known.append(row)


def _build(kind: str, by_id: Mapping[str, list[Row]], decoder: fhir.Decoder, extraction: Extraction) -> None:
    if kind not in decoder.classes:
        raise BadInput("a flattened table's columns name a resource type that FHIR does not have")
    extraction.add_table(kind)
    cls = decoder.classes[kind]
    read_it = BUILDERS.get(kind) if cls is fhir.READ.get(kind) else None
    for identity, rows in by_id.items():
        resource = read_it(identity, rows) if read_it else cls(id=identity)
        extraction.adders[cls](resource)


class _Column(msgspec.Struct):
    name: str


class _Select(msgspec.Struct):
    column: list[_Column] = []
    select: list[_Select] = []


def _columns_of_view(view: Source, limits: Limits) -> list[str]:
    try:
        with view.open() as stream:
            selected = msgspec.json.decode(whole(stream, limits), type=_Select)
    except (msgspec.DecodeError, RecursionError):
        raise BadInput("a view definition cannot be read") from None
    return list(_names(selected))


def _names(select: _Select) -> Iterator[str]:
    inner = chain.from_iterable(_names(part) for part in select.select)
    return chain((column.name for column in select.column), inner)
