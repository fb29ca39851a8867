"""A released cell where its element is, or the reason why nothing stands there.

A cell that may be the element's value is it. One that was suppressed (``*``) is absent and ``masked``. Any
other label, such as ``[1960, 1964]`` where a date stands, is no value of the element: that is ``masked``
too, and FHIR's extension ``rendered-value`` shows the label, which the standard has for this case (a viewer
who may only see a partially masked value). A missing cell is no element, or ``unknown`` where a profile
demands one; a column that is not released is ``masked`` there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, Literal

import msgspec

from anonymizer.hierarchies.hierarchy import SUPPRESSED
from mii.code_shapes import Fits
from mii.units import is_unit
from mii.writing.systems import ABSENT_REASON, LOINC, PROFILES, SECURITY, UCUM, is_comparator

Json = dict[str, Any]
REASON = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
RENDERED = "http://hl7.org/fhir/StructureDefinition/rendered-value"


class Withheld(Enum):
    """The cell of a column that is not released."""

    WITHHELD = "withheld"


WITHHELD: Final = Withheld.WITHHELD
Cell = str | float | bool | Literal[Withheld.WITHHELD] | None
Row = Mapping[str, Cell]
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_WHOLE = r"(0|-?[1-9][0-9]*)"
_BAND = re.compile(rf"\[{_WHOLE}, {_WHOLE}\]|\[{_WHOLE}, \*\)|\(\*, {_WHOLE}\]")


def cell(row: Row, name: str) -> Cell:
    """The row's cell in a column, `WITHHELD` where the table has no such column."""
    return row.get(name, WITHHELD)


def is_missing(*cells: Cell) -> bool:
    """Whether none of the cells tells anything."""
    return all(each is None or each is WITHHELD for each in cells)


def absent(*cells: Cell) -> Json:
    """An element that has no value: ``masked`` where no column of it is released, otherwise ``unknown``."""
    return _because("masked" if all(each is WITHHELD for each in cells) else "unknown")


def primitive(name: str, value: Cell, fits: Fits, *, required: bool = False) -> Json:
    """The members of an object that hold ``value`` under ``name``."""
    if value is None or value is WITHHELD:
        return {f"_{name}": absent(value)} if required else {}
    text = str(value)
    return {name: text} if fits(text) else {f"_{name}": hidden(text)}


def hidden(label: str) -> Json:
    """A primitive element without its value: masked, and with the label where there is one."""
    masked = _because("masked")
    if label != SUPPRESSED:
        masked["extension"].append({"url": RENDERED, "valueString": label})
    return masked


def coding(system: str, value: Cell, fits: Fits, *, edition: bool = False) -> Json:
    """A Coding of ``system``; with ``edition`` one whose version must stand there, which nobody told."""
    version = {"_version": _because("unknown")} if edition else {}
    return {"system": system, **version, **primitive("code", value, fits, required=True)}


def concept(*codings: Json) -> Json:
    """A CodeableConcept."""
    return {"coding": list(codings)}


def concept_of(told: Mapping[str, tuple[Cell, Json]]) -> Json:
    """The codings by column that are told; where none is, a coding that says why."""
    cells = [value for value, _ in told.values()]
    codings = [each for value, each in told.values() if not is_missing(value)]
    return concept(*codings) if codings else concept(absent(*cells))


def loinc(code: str) -> Json:
    """A concept of LOINC."""
    return concept({"system": LOINC, "code": code})


def head(kind: str, identity: str, profile: str | None = None) -> Json:
    """The first members of a resource: type, id, profile, and the label that it is anonymised."""
    meta: Json = {"profile": [PROFILES[profile]]} if profile else {}
    meta["security"] = [{"system": SECURITY, "code": "ANONYED"}]
    return {"resourceType": kind, "id": identity, "meta": meta}


def about(person: str) -> Json:
    """The member that says whom a resource is about."""
    return {"subject": {"reference": f"Patient/{person}"}}


def measured(value: Cell, *, unit: Cell, comparator: Cell = WITHHELD) -> Json:
    """The members of an Observation that hold a number: Quantity, Range for a band, or why there is none."""
    if is_missing(unit, comparator) and (is_missing(value) or value == SUPPRESSED):
        return nothing(value)
    band = _BAND.fullmatch(value) if isinstance(value, str) and is_missing(comparator) else None
    if band is not None and (bounds := _bounds(band)) is not None:
        return {"valueRange": {side: _bound(text, unit) for side, text in bounds.items()}}
    return {
        "valueQuantity": {
            **number(value),
            **primitive("comparator", comparator, is_comparator),
            **_unit(unit),
        }
    }


def number(value: Cell) -> Json:
    """The member ``value`` of a Quantity."""
    if isinstance(value, int | float):
        return {"value": value}
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return {"value": msgspec.Raw(value.encode())}
    return primitive("value", value, _never, required=True)


def nothing(value: Cell) -> Json:
    """The member of an Observation that says why it has no value."""
    reason = "masked" if value == SUPPRESSED or value is WITHHELD else "unknown"
    return {"dataAbsentReason": concept({"system": ABSENT_REASON, "code": reason})}


def _because(reason: str) -> Json:
    return {"extension": [{"url": REASON, "valueCode": reason}]}


def _never(_: str) -> bool:
    return False


def _bounds(band: re.Match[str]) -> dict[str, str] | None:
    low, high, least, most = band.groups()
    bounds = {"low": low or least, "high": high or most}
    if low and int(low) > int(high):
        return None
    return {side: text for side, text in bounds.items() if text}


def _bound(text: str, unit: Cell) -> Json:
    return {"value": msgspec.Raw(text.encode()), **_unit(unit)}


def _unit(unit: Cell) -> Json:
    """A unit that is none of UCUM is shown as what it is, a text."""
    if isinstance(unit, str) and unit != SUPPRESSED and not is_unit(unit):
        return {"unit": unit, "system": UCUM, "_code": _because("unknown")}
    return {"system": UCUM, **primitive("code", unit, is_unit, required=True)}
