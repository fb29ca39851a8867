"""Steps through plain decoded JSON: elements, choices such as ``value[x]``, extensions, keys.

Numbers with a fraction are ``Decimal``, because their digits count; a list's ``null`` (a value that only
has extensions) is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from mii.references import local_id

CHOICES = frozenset(
    """
    Base64Binary Boolean Canonical Code Date DateTime Decimal Id Instant Integer Markdown Oid PositiveInt
    String Time UnsignedInt Uri Url Uuid Address Age Annotation Attachment CodeableConcept CodeableReference
    Coding ContactDetail ContactPoint Contributor Count DataRequirement Distance Dosage Duration Expression
    HumanName Identifier Integer64 Meta Money ParameterDefinition Period Quantity Range Ratio RatioRange
    Reference RelatedArtifact SampledData Signature Timing TriggerDefinition UsageContext
    """.split()
)
"""What the name of a choice element can end with."""

_WHOLE = frozenset({"integer", "positiveInt", "unsignedInt", "integer64"})


def members(items: Iterable[Any], name: str) -> list[Any]:
    """The elements ``name`` of all ``items``; of a choice, whatever its type is."""
    found: list[Any] = []
    for item in items:
        if isinstance(item, dict):
            value = item.get(name)
            found += _several(_chosen(item, name) if value is None else value)
    return found


def choices(items: Iterable[Any], name: str, kind: str) -> list[Any]:
    """The elements ``name`` of all ``items`` that are of the type ``kind``."""
    key = f"{name}{kind[0].upper()}{kind[1:]}"
    found: list[Any] = []
    for item in items:
        if isinstance(item, dict):
            found += _several(item[key]) if key in item else of_type(_several(item.get(name)), kind)
    return found


def of_type(items: Iterable[Any], kind: str) -> list[Any]:
    """Those of ``items`` that are values of the primitive type, or resources of the type, ``kind``."""
    return [item for item in items if _is(item, kind)]


def extensions(items: Iterable[Any]) -> list[Any]:
    """The extensions of elements that are no primitive values."""
    return members(items, "extension")


def extensions_of(items: Iterable[Any], name: str) -> list[Any]:
    """The extensions of the elements ``name`` of all ``items``, where primitive ones have them beside."""
    items = list(items)
    return extensions(members(items, name)) + extensions(members(items, f"_{name}"))


def resource_keys(items: Iterable[Any]) -> list[Any]:
    """The ids of resources."""
    return [item["id"] for item in items if isinstance(item, dict) and isinstance(item.get("id"), str)]


def reference_keys(items: Iterable[Any], kind: str | None) -> list[Any]:
    """The ids that references name, of resources of the type ``kind`` where one is asked for.

    A ``urn:uuid:`` stays as it is.
    """
    texts = (item.get("reference") for item in items if isinstance(item, dict))
    named = (_named(text, kind) for text in texts if isinstance(text, str))
    return [key for key in named if key]


def _named(reference: str, kind: str | None) -> str:
    if kind is None:
        steps = reference.split("/_history/", 1)[0].split("/")
        kind = steps[-2] if len(steps) > 1 else ""
    return local_id(reference, kind)


def _several(value: Any) -> list[Any]:
    if isinstance(value, list):
        return [item for item in value if item is not None]
    return [] if value is None else [value]


def _chosen(item: dict[str, Any], name: str) -> Any:
    return [
        each
        for key, value in item.items()
        if key.startswith(name) and key[len(name) :] in CHOICES
        for each in _several(value)
    ]


def _is(item: Any, kind: str) -> bool:
    match item:
        case bool():
            return kind == "boolean"
        case int():
            return kind in _WHOLE or kind == "decimal"
        case Decimal():
            return kind == "decimal"
        case str():
            return kind[0].islower() and kind not in _WHOLE and kind not in ("boolean", "decimal")
        case dict():
            return item.get("resourceType") == kind
        case _:
            return False
