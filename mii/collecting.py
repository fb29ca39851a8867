"""Takes in resources one by one, each once, and keeps their records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import structs

from anonymizer.errors import BadInput
from mii import fhir
from mii.consent import ConsentRecord
from mii.elements import Extractor
from mii.records import Coded, Dated, Person, Stay, Substance

DATED = (
    "Encounter",
    "Condition",
    "Procedure",
    "Observation",
    "MedicationAdministration",
    "MedicationStatement",
    "MedicationRequest",
    "DiagnosticReport",
    "ServiceRequest",
)
"""The types that belong to a patient and have a date consent is asked about."""


@dataclass(frozen=True, slots=True)
class Collected:
    """All that was read, by id. ``counts`` tells what was met on the way."""

    persons: dict[str, Person]
    dated: dict[str, dict[str, Dated]]
    substances: dict[str, Substance]
    consents: tuple[ConsentRecord, ...]
    counts: dict[str, Any]


class Sink:
    """The records of one type by id. A second resource with a known id is counted and not kept.

    Where the two differ in what is kept, the later ``meta.lastUpdated`` wins; without one the choice
    depends on the content alone and never on the order of files.
    """

    __slots__ = ("_make", "conflicts", "duplicates", "records")

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make
        self.records: dict[Any, Any] = {}
        self.duplicates = self.conflicts = 0

    def add(self, identity: str | None, resource: Any) -> None:
        """Takes in one resource."""
        record = self._make(resource)
        known = self.records.setdefault(identity, record)
        if known is not record:
            self._meet(identity, known, record)

    @property
    def read(self) -> int:
        """How many resources were taken in, duplicates among them."""
        return len(self.records) + self.duplicates

    def _meet(self, identity: str | None, known: Any, again: Any) -> None:
        self.duplicates += 1
        if _content(known) != _content(again):
            self.conflicts += 1
            self.records[identity] = max(known, again, key=_version)


class ConsentSink(Sink):
    """The Consents. Which of two different texts of one Consent holds may not be guessed."""

    __slots__ = ()

    def _meet(self, identity: str | None, known: Any, again: Any) -> None:
        if known[0] == again[0] and known[1] != again[1]:
            raise BadInput("Consent: an id has two contents and meta.lastUpdated does not say which is newer")
        super()._meet(identity, known, again)


@dataclass(slots=True)
class Ids:
    """The ids of a type of which nothing else is kept."""

    records: set[str | None] = field(default_factory=set)
    read: int = 0

    def add(self, identity: str | None, resource: Any) -> None:
        """Takes in one resource."""
        self.read += 1
        self.records.add(identity)


class Collector:
    """Takes in decoded resources; `finish` gives what was collected."""

    def __init__(self, decoder: fhir.Decoder, wanted: frozenset[str], loincs: frozenset[str]) -> None:
        makers = _makers(Extractor(loincs))
        self._sinks = {
            name: (ConsentSink if name == "Consent" else Sink)(makers[name]) for name in sorted(wanted)
        }
        self._ids = {name: Ids() for name in decoder.classes if name not in wanted}
        self._unknown = Ids()
        everything: dict[str, Any] = {**self._ids, **self._sinks}
        self.adders = {cls: everything[name].add for name, cls in decoder.classes.items()}
        """The function that takes in a resource (its id, itself) by the class it was decoded as."""
        self.adders |= {fhir.Unknown: self._unknown.add}
        self.adders |= dict.fromkeys(decoder.bundle_classes, self._add_bundle)
        self._urns: dict[str, str] = {}
        self._bundles = self._empty = 0

    def _add_bundle(self, _: str | None, bundle: fhir.Bundle) -> None:
        self._bundles += 1
        adders, urns = self.adders, self._urns
        for entry in bundle.entry or ():
            resource, url = entry.resource, entry.full_url
            if resource is None:
                self._empty += 1
            elif url is not None and url.startswith("urn:"):
                adders[type(resource)](urns.setdefault(url, resource.id or url), resource)
            else:
                adders[type(resource)](resource.id, resource)

    def finish(self) -> Collected:
        """What was collected, with references by ``urn:uuid:`` resolved.

        Raises ``BadInput`` where a resource that is read has no id.
        """
        for name, sink in self._sinks.items():
            if None in sink.records:
                raise BadInput(f"{name}: a resource has no id")
        kept = {name: sink.records for name, sink in self._sinks.items()}
        dated: dict[str, dict[str, Dated]] = {name: kept.get(name, {}) for name in DATED}
        consents = [record for _, record in kept.get("Consent", {}).values()]
        if self._urns:
            _resolve(dated, kept.get("Medication", {}), self._urns)
            consents = [_of_patient(record, self._urns) for record in consents]
        return Collected(
            kept.get("Patient", {}), dated, kept.get("Medication", {}), tuple(consents), self._counts()
        )

    def _counts(self) -> dict[str, Any]:
        takers: dict[str, Sink | Ids] = {**self._sinks, **self._ids}
        read = sum(taker.read for taker in takers.values())
        unique = {name: len(taker.records) for name, taker in takers.items()}
        return {
            "bundles": self._bundles,
            "bundle_entries_without_resource": self._empty,
            "resources_read": read,
            "resources_unique": sum(unique.values()),
            "resources_duplicate": read - sum(unique.values()),
            "resources_duplicate_with_other_content": _nonzero(
                (name, sink.conflicts) for name, sink in self._sinks.items()
            ),
            "resources_by_type": _nonzero(unique.items()),
            "resources_of_unknown_type": self._unknown.read,
        }


def _content(record: Any) -> Any:
    """All that is kept of a resource but the time of its last update."""
    return record[1:] if isinstance(record, tuple) else structs.astuple(record)[1:]


def _version(record: Any) -> tuple[str, str]:
    updated: str | None = record[0] if isinstance(record, tuple) else record.updated
    return updated or "", repr(_content(record))


def _resolve(
    dated: Mapping[str, Mapping[str, Dated]], substances: Mapping[str, Substance], urns: Mapping[str, str]
) -> None:
    """Puts ids in the place of ``urn:uuid:`` names, in place: the records are not shared yet."""
    for records in dated.values():
        for record in records.values():
            record.patient = urns.get(record.patient, record.patient)
            _resolve_detail(record.detail, urns)
    for substance in substances.values():
        substance.ingredients = tuple(urns.get(name, name) for name in substance.ingredients)


def _resolve_detail(detail: Any, urns: Mapping[str, str]) -> None:
    if isinstance(detail, Stay):
        detail.part_of = urns.get(detail.part_of, detail.part_of)
        detail.uses = tuple(
            structs.replace(use, condition=urns.get(use.condition, use.condition)) for use in detail.uses
        )
    elif detail is not None and not isinstance(detail, str):
        detail.encounter = urns.get(detail.encounter, detail.encounter)
    if isinstance(detail, Coded):
        detail.medication = urns.get(detail.medication, detail.medication)


def _of_patient(record: ConsentRecord, urns: Mapping[str, str]) -> ConsentRecord:
    return replace(record, patient=urns.get(record.patient, record.patient))


def _nonzero(counts: Any) -> dict[str, int]:
    return {name: count for name, count in sorted(counts) if count}


def _makers(extractor: Extractor) -> dict[str, Callable[[Any], Any]]:
    return {
        "Patient": extractor.person,
        "Encounter": extractor.encounter,
        "Condition": extractor.condition,
        "Procedure": extractor.procedure,
        "Observation": extractor.observation,
        "Medication": extractor.substance,
        "MedicationAdministration": extractor.medication_event,
        "MedicationStatement": extractor.medication_event,
        "MedicationRequest": extractor.medication_request,
        "DiagnosticReport": extractor.report,
        "ServiceRequest": extractor.order,
        "Consent": extractor.consent,
    }
