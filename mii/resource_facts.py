"""What a resource tells of an element of `element_table`: values in its JSON, or in a flattened table's rows.

Values stay in memory only as long as they are counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from mii.element_table import Element, Tells
from mii.flattened_elements import SLICE_SYSTEMS, Row

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
"""The extension that stands where a mandatory element was dropped."""

Told = Callable[[Element], list[Any]]
"""The values of an element: texts, or pairs of code system and code where it tells codes."""

_STEP = re.compile(r"([^.\[]+)(?:\[([^\]]*)\])?")
_ONLY_ABOUT = frozenset({"id", "extension"})


def told_by_json(resource: Mapping[str, Any]) -> Told:
    """What a resource as decoded JSON tells of an element; elements of one path are looked up once."""
    known: dict[tuple[str, ...], list[Any]] = {}

    def told(element: Element) -> list[Any]:
        values = known.get(element.paths)
        if values is None:
            values = known[element.paths] = [v for path in element.paths for v in _values(resource, path)]
        return _codes(element, values) if element.tells is Tells.CODES else [v for v in values if _is_told(v)]

    return told


def told_by_rows(rows: Sequence[Row]) -> Told:
    """What the rows of one id in flattened tables tell of an element."""

    def told(element: Element) -> list[Any]:
        holds = _holds(element)
        if element.tells is Tells.CODES:
            return sorted({pair for row in rows for pair in _row_codes(element, row)})
        return sorted({text for row in rows for name, text in row.items() if holds(name)})

    return told


def is_absent_with_reason(resource: Mapping[str, Any], element: Element) -> bool:
    """Whether a resource says why it does not hold an element."""
    return any(_gives_reason(resource, _steps(path)) for path in element.paths)


@lru_cache(maxsize=1024)
def _holds(element: Element) -> Callable[[str], bool]:
    columns = element.columns
    return lru_cache(maxsize=4096)(lambda name: columns.fullmatch(name) is not None)


def held_by_columns(element: Element, columns: Sequence[str]) -> bool:
    """Whether a flattened table with ``columns`` has a place for an element."""
    if element.systems:
        systems = {_system_of(name, element) for name in columns if _holds(element)(name)}
        return None in systems or not element.systems.isdisjoint(systems)
    return any(map(_holds(element), columns))


@lru_cache(maxsize=1024)
def _steps(path: str) -> tuple[str, ...]:
    """The keys on the way; one that begins with ``=`` keeps the extensions with that address."""
    found = _STEP.findall(path)
    return tuple(step for name, url in found for step in ((name, f"={url}") if url else (name,)))


def _values(resource: Mapping[str, Any], path: str) -> list[Any]:
    nodes: list[Any] = [resource]
    for step in _steps(path):
        nodes = _named_extensions(nodes, step[1:]) if step[0] == "=" else _children(nodes, step)
        if not nodes:
            break
    return nodes


def _children(nodes: list[Any], step: str) -> list[Any]:
    """What stands under a key of the nodes that are objects, lists taken apart; written for speed."""
    found: list[Any] = []
    for node in nodes:
        child = node.get(step) if type(node) is dict else None
        if type(child) is list:
            found += child
        elif child is not None:
            found.append(child)
    return found


def _named_extensions(nodes: list[Any], url: str) -> list[Any]:
    return [node for node in nodes if isinstance(node, dict) and node.get("url") == url]


def _is_told(value: Any) -> bool:
    """Whether a value says more than why there is none."""
    if not isinstance(value, dict):
        return value not in (None, "", [])
    if not _ONLY_ABOUT.issuperset(value):
        return True
    extensions = value.get("extension")
    return isinstance(extensions, list) and any(not _is_reason(extension) for extension in extensions)


def _codes(element: Element, codings: list[Any]) -> list[tuple[str | None, str]]:
    told = [
        (system if isinstance(system := coding.get("system"), str) else None, code)
        for coding in codings
        if isinstance(coding, dict) and isinstance(code := coding.get("code"), str) and code
    ]
    return [pair for pair in told if pair[0] in element.systems] if element.systems else told


def _row_codes(element: Element, row: Row) -> Iterator[tuple[str, str]]:
    for name, code in row.items():
        if name.endswith("_code") and _holds(element)(name):
            system = row.get(f"{name.removesuffix('_code')}_system") or _system_of(name, element) or ""
            if not element.systems or system in element.systems:
                yield system, code


def _system_of(column: str, element: Element) -> str | None:
    """The code system of a column's slice; ``None`` where another column must tell it."""
    slices = re.findall(r"_coding([A-Z0-9][A-Za-z0-9]*)_", column)
    return SLICE_SYSTEMS.get(slices[-1].lower(), "") if slices else None


def _gives_reason(node: Mapping[str, Any], steps: tuple[str, ...]) -> bool:
    """Whether what stands on the way, or beside it where it is no object, says why nothing follows."""
    if not steps or steps[0][0] == "=":
        return False
    children = [*_children([node], steps[0]), *_children([node], f"_{steps[0]}")]
    return any(
        isinstance(child, dict) and (_has_reason(child) or _gives_reason(child, steps[1:]))
        for child in children
    )


def _has_reason(node: Mapping[str, Any]) -> bool:
    extensions = node.get("extension")
    return isinstance(extensions, list) and any(map(_is_reason, extensions))


def _is_reason(extension: Any) -> bool:
    return isinstance(extension, dict) and extension.get("url") == ABSENT
