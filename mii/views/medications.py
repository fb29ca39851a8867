"""The codes of Medications that events name in place of a code of their own.

An event of a declared column is looked at as if it carried them itself: those of the Medication, of its
ingredients, and of the Medications that these are made of in turn; also where one is contained.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import msgspec

from mii.dates import moment
from mii.references import local_id
from mii.streaming import Limits
from mii.views.walking import walk

CONCEPT, REFERENCE = "medicationCodeableConcept", "medicationReference"
_KIND = "Medication"
Coding = tuple[str, str]


@dataclass(frozen=True, slots=True, order=True)
class _Drug:
    """A version of a Medication: when it was changed, its codings, and the ids of what it is made of.

    Of several versions the greatest counts, so that the order of files does not.
    """

    updated: float
    codings: tuple[Coding, ...]
    parts: tuple[str, ...]


class Medications:
    """The Medications of the export at ``path``; ``urns`` comes to know the ids that ``urn:`` stand for."""

    def __init__(self, path: Path, limits: Limits, urns: dict[str, str]) -> None:
        self.counts = Counter[str]()
        self._urns = urns
        self._drugs: dict[str, _Drug] = {}
        self._known: dict[str, list[dict[str, str]]] = {}
        walk(path, limits, {_KIND: self._take}, urns)

    def seen_from(self, event: dict[str, Any]) -> dict[str, Any]:
        """A decoded ``event``, its code being beside its own those of the Medication that it names."""
        reference = _text(_mapping(event.get(REFERENCE)).get("reference"))
        if not reference:
            return event
        concept = _mapping(event.get(CONCEPT))
        behind = self._contained(event, reference) if reference.startswith("#") else self._named(reference)
        return event | {CONCEPT: concept | {"coding": [*_items(concept.get("coding")), *behind]}}

    def _take(self, _: str, identity: str | None, updated: str | None, document: bytes) -> None:
        if identity is None:
            return  # nothing can name it
        medication = msgspec.json.decode(document)
        inside = _by_id(medication)
        drug = _Drug(
            -inf if (told := moment(updated)) is None else told,
            tuple(_codings(medication, inside)),
            tuple(local_id(name, _KIND) for name in _references(medication, _by_id(medication))),
        )
        known = self._drugs.get(identity)
        self._drugs[identity] = drug if known is None else max(drug, known)

    def _named(self, reference: str) -> list[dict[str, str]]:
        name = local_id(reference, _KIND)
        if name not in self._known:
            self._known[name] = [{"system": system, "code": code} for system, code in self._behind(name)]
        self.counts["medication_references_followed"] += 1
        return self._known[name]

    def _behind(self, name: str) -> Iterator[Coding]:
        waiting, seen = [name], set[str]()
        while waiting:
            one = self._urns.get(found := waiting.pop(), found)
            drug = self._drugs.get(one)
            if drug is None:
                self.counts["medications_that_are_not_there"] += 1
            elif one not in seen:
                seen.add(one)
                yield from drug.codings
                waiting += drug.parts

    def _contained(self, event: Mapping[str, Any], reference: str) -> list[dict[str, str]]:
        inside = _by_id(event)
        drug = inside.pop(reference[1:], {})
        codings = [{"system": system, "code": code} for system, code in _codings(drug, inside)]
        outside = [coding for name in _references(drug, _by_id(event)) for coding in self._named(name)]
        return codings + outside


def _codings(medication: Mapping[str, Any], inside: dict[str, Any]) -> Iterator[Coding]:
    """The codings of a Medication, its ingredients, and those of them ``inside`` the same resource.

    Each of these is taken out of ``inside`` when it is met, so that a circle ends.
    """
    yield from _of_concept(medication.get("code"))
    for part in _items(medication.get("ingredient")):
        yield from _of_concept(part.get("itemCodeableConcept"))
        named = _text(_mapping(part.get("itemReference")).get("reference")) or ""
        if named.startswith("#") and (drug := inside.pop(named[1:], None)) is not None:
            yield from _codings(drug, inside)


def _references(medication: Mapping[str, Any], inside: dict[str, Any]) -> Iterator[str]:
    """The references to other resources that a Medication, and those ``inside`` it, are made of."""
    for part in _items(medication.get("ingredient")):
        named = _text(_mapping(part.get("itemReference")).get("reference")) or ""
        if not named.startswith("#"):
            yield from [named] if named else []
        elif (drug := inside.pop(named[1:], None)) is not None:
            yield from _references(drug, inside)


def _of_concept(concept: Any) -> Iterator[Coding]:
    for coding in _items(_mapping(concept).get("coding")):
        system, code = _text(coding.get("system")), _text(coding.get("code"))
        if code:
            yield system or "", code


def _by_id(resource: Mapping[str, Any]) -> dict[str, Any]:
    return {
        identity: each
        for each in _items(resource.get("contained"))
        if (identity := _text(each.get("id"))) and each.get("resourceType") == _KIND
    }


def _items(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
