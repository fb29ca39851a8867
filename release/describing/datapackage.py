"""``datapackage.json``: the release as a Frictionless Data Package 2.0 with a Table Schema per file.

Columns carry four properties of ours beside the standard's: ``role``, ``level``, ``levelName`` and
``treatment``, and ``highestLevel`` where rows differ in their level; a CSV resource carries ``escape``, the
rule by which texts were made safe for spreadsheets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
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


class Reference(msgspec.Struct, frozen=True):
    """The resource and the fields of it that a foreign key names."""

    resource: str
    fields: tuple[str, ...]


class ForeignKey(msgspec.Struct, frozen=True):
    """Fields whose values are those of another resource's."""

    fields: tuple[str, ...]
    reference: Reference


class Schema(msgspec.Struct, frozen=True, rename="camel"):
    """A resource's fields, in order, and the keys that link it to others."""

    fields: tuple[Field, ...]
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()


class Resource(msgspec.Struct, frozen=True):
    """One data file and its schema."""

    name: str
    path: str
    format: str
    schema: Schema = Schema(())


class Package(msgspec.Struct, frozen=True):
    """The resources of a package."""

    resources: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class Described:
    """A table to be described; where several are linked by ``key``, it is unique in the table ``people``."""

    name: str
    columns: tuple[ReleasedColumn, ...]
    key: str | None = None
    people: str | None = None


def build(
    name: str, described: Sequence[Described], formats: Sequence[str], resources: Sequence[str] = ()
) -> dict[str, object]:
    """The data package of these tables, as JSON values; ``resources`` are paths of the tables in FHIR."""
    return {
        "$schema": f"{_PROFILES}datapackage.json",
        "name": _plain(name),
        "title": name,
        "resources": [
            *(_resource(table, format_) for table in described for format_ in formats),
            *map(_in_fhir, resources),
        ],
    }


def keys_of(table: Described, format_: str) -> Schema:
    """The keys of a table's schema, without its fields; events' refer to people in the same format."""
    if table.key is None or table.people is None:
        return Schema(())
    if table.people == table.name:
        return Schema((), primary_key=(table.key,))
    reference = Reference(_resource_name(table.people, format_), (table.key,))
    return Schema((), foreign_keys=(ForeignKey((table.key,), reference),))


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


def _resource(table: Described, format_: str) -> dict[str, object]:
    resource: dict[str, object] = {
        "$schema": f"{_PROFILES}dataresource.json",
        "name": _resource_name(table.name, format_),
        "path": f"data/{table.name}.{format_}",
        "type": "table",
        "format": format_,
        "mediatype": _MEDIA_TYPES[format_],
        "schema": _schema(table, format_),
    }
    return resource | (_csv_properties() if format_ == "csv" else {})


def _in_fhir(path: str) -> dict[str, object]:
    """Resources of one type, a line of JSON each: no table, and so without a schema."""
    return {
        "$schema": f"{_PROFILES}dataresource.json",
        "name": f"fhir-{_plain(Path(path).stem)}",
        "path": path,
        "format": "ndjson",
        "mediatype": "application/fhir+ndjson",
        "encoding": "utf-8",
    }


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


def _resource_name(table_name: str, format_: str) -> str:
    return f"{_plain(table_name)}-{format_}"


def _schema(table: Described, format_: str) -> dict[str, object]:
    keys = msgspec.to_builtins(keys_of(table, format_))
    return {
        "$schema": f"{_PROFILES}tableschema.json",
        "fields": [_field(column) for column in table.columns],
        "missingValues": [""],
        **{name: told for name, told in keys.items() if told and name != "fields"},
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
