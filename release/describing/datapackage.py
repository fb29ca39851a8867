"""``datapackage.json``: the release as a Frictionless Data Package 2.0 with a Table Schema per file.

Columns carry four properties of ours beside the standard's: ``role``, ``level``, ``levelName`` and
``treatment``, and ``highestLevel`` where rows differ in their level; a CSV resource carries ``escape``, the
rule by which texts were made safe for spreadsheets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from anonymizer.errors import VerificationFailed
from release.files import csv_cells, tables
from risk.facts import ReleasedColumn

FILE = "datapackage.json"
_PROFILES = "https://datapackage.org/profiles/2.0/"
_MEDIA_TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


class Field(msgspec.Struct, frozen=True):
    """What a reader needs of one field; the standard allows more beside it."""

    name: str
    type: str


class Schema(msgspec.Struct, frozen=True):
    """A resource's fields, in order."""

    fields: tuple[Field, ...]


class Resource(msgspec.Struct, frozen=True):
    """One data file and its schema."""

    name: str
    path: str
    format: str
    schema: Schema


class Package(msgspec.Struct, frozen=True):
    """The resources of a package."""

    resources: tuple[Resource, ...]


def build(
    name: str, table_name: str, columns: Sequence[ReleasedColumn], formats: Sequence[str]
) -> dict[str, object]:
    """The data package of one table, as JSON values."""
    return {
        "$schema": f"{_PROFILES}datapackage.json",
        "name": _plain(name),
        "title": name,
        "resources": [_resource(table_name, columns, format_) for format_ in formats],
    }


def encode(package: dict[str, object]) -> str:
    """The package as indented JSON."""
    return json.dumps(package, indent=2, ensure_ascii=False) + "\n"


def decode(path: Path) -> Package:
    """What a package says of its data files; raises ``VerificationFailed`` where it is none."""
    try:
        package = msgspec.json.decode(path.read_bytes(), type=Package)
    except (OSError, msgspec.MsgspecError):
        raise VerificationFailed("datapackage.json is missing or no data package") from None
    fields = [field for resource in package.resources for field in resource.schema.fields]
    if any(field.type not in tables.DTYPES for field in fields):
        raise VerificationFailed("datapackage.json names a type that a release never has")
    return package


def _resource(table_name: str, columns: Sequence[ReleasedColumn], format_: str) -> dict[str, object]:
    resource: dict[str, object] = {
        "$schema": f"{_PROFILES}dataresource.json",
        "name": f"{_plain(table_name)}-{format_}",
        "path": f"data/{table_name}.{format_}",
        "type": "table",
        "format": format_,
        "mediatype": _MEDIA_TYPES[format_],
        "schema": _schema(columns),
    }
    return resource | (_csv_properties() if format_ == "csv" else {})


def _csv_properties() -> dict[str, object]:
    dialect = {
        "$schema": f"{_PROFILES}tabledialect.json",
        "header": True,
        "delimiter": ",",
        "lineTerminator": "\r\n",
        "quoteChar": '"',
        "doubleQuote": True,
    }
    return {
        "encoding": "utf-8",
        "dialect": dialect,
        "escape": {"prefix": csv_cells.ESCAPE, "rule": csv_cells.RULE},
    }


def _schema(columns: Sequence[ReleasedColumn]) -> dict[str, object]:
    return {
        "$schema": f"{_PROFILES}tableschema.json",
        "fields": [_field(column) for column in columns],
        "missingValues": [""],
    }


def _field(column: ReleasedColumn) -> dict[str, object]:
    form = {"list": {"delimiter": " ", "itemType": "string"}, "datetime": {"format": "any"}}
    return {
        "name": column.name,
        "type": column.type,
        **form.get(column.type, {}),
        "role": column.role,
        "level": column.level,
        **({} if column.highest_level is None else {"highestLevel": column.highest_level}),
        "levelName": column.level_name,
        "treatment": column.treatment,
    }


def _plain(name: str) -> str:
    """The name in the characters the standard asks for."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-") or "release"
