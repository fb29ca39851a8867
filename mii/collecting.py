"""Takes in resources one by one and gives everything that is kept of them, each resource once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl
from msgspec import structs

from anonymizer.errors import BadInput
from mii import elements, fhir
from mii.columns import CODED, HEAD, MEASURED, ColumnSink, deduplicated, resolved, together
from mii.consent import ConsentRecord
from mii.records import Person, Stay, Substance


@dataclass(frozen=True, slots=True)
class Collected:
    """All that was read: records by id, the resources of `DATED` in one frame (see `columns`), and counts.

    ``types`` are the types that occur in the export, read or not: of a resource, or of a flattened table.
    """

    persons: Mapping[str, Person]
    stays: Mapping[str, Stay]
    substances: Mapping[str, Substance]
    consents: tuple[ConsentRecord, ...]
    dated: pl.DataFrame
    counts: Mapping[str, Any]
    types: frozenset[str]


_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "Condition": {**HEAD, **CODED},
    "Procedure": {**HEAD, **CODED},
    "Observation": {**HEAD, **MEASURED},
    "MedicationAdministration": {**HEAD, **CODED},
    "MedicationStatement": {**HEAD, **CODED},
    "MedicationRequest": {**HEAD, **CODED},
    "DiagnosticReport": HEAD,
    "ServiceRequest": HEAD,
}
DATED = tuple(_SCHEMAS)
"""The types besides Encounter that belong to a patient and have a date consent is asked about."""


@dataclass(slots=True)
class Records:
    """The records of one type by id. A second resource with a known id is counted and not kept.

    Where the two differ in what is kept, the later ``meta.lastUpdated`` wins; without one the choice
    depends on the content alone and never on the order of files. With ``no_guess`` it is refused.
    """

    make: Callable[[Any], Any]
    no_guess: str = ""
    by_id: dict[Any, Any] = field(default_factory=dict)
    read: int = 0
    conflicts: int = 0

    @property
    def unique(self) -> int:
        """How many there are."""
        return len(self.by_id)

    def add(self, identity: str | None, resource: Any) -> None:
        """Takes in one resource."""
        self.read += 1
        record = self.make(resource)
        known = self.by_id.setdefault(identity, record)
        if known is record or _content(known) == _content(record):
            return
        self.conflicts += 1
        if self.no_guess and _updated(known) == _updated(record):
            raise BadInput(
                f"{self.no_guess}: an id has two contents and meta.lastUpdated does not tell the newer"
            )
        self.by_id[identity] = max(known, record, key=_version)


Adder = Callable[[str | None, Any], None]
"""Takes in a resource: its id and itself."""


class Collector:
    """Takes in decoded resources; `finish` gives what was collected."""

    def __init__(self, decoder: fhir.Decoder, loincs: frozenset[str]) -> None:
        rows = _row_makers(extractor := elements.Extractor(loincs))
        self._records = {
            "Patient": Records(extractor.person),
            "Encounter": Records(extractor.stay),
            "Medication": Records(extractor.substance),
            "Consent": Records(extractor.consent, no_guess="Consent"),
        }
        self._columns = {name: ColumnSink(rows[name], _SCHEMAS[name]) for name in DATED}
        self._ids = {name: _Ids() for name in decoder.classes if name not in decoder.wanted}
        takers: dict[str, Any] = {**self._records, **self._columns, **self._ids}
        self._bundles = self._empty = self._unknown = 0
        self._urns: dict[str, str] = {}
        self._tables = set[str]()
        self.adders: dict[Any, Adder] = {cls: takers[name].add for name, cls in decoder.classes.items()}
        """The function that takes in a resource (its id, itself) by the class it was decoded as."""
        self.adders |= {fhir.Unknown: self._add_unknown}
        self.adders |= dict.fromkeys(decoder.bundle_classes, self._add_bundle)

    def add_table(self, kind: str) -> None:
        """Notes that the export has a flattened table of a type, though it may hold no row."""
        self._tables.add(kind)

    def finish(self) -> Collected:
        """What was collected, with references by ``urn:uuid:`` resolved.

        Raises ``BadInput`` where a resource that is read has no id.
        """
        dated = together({name: sink.frame() for name, sink in self._columns.items()})
        self._require_ids(dated)
        once, conflicts = deduplicated(dated)
        counts = self._counts(_by_type(dated), _by_type(once), conflicts)
        persons, stays, substances, consents = (sink.by_id for sink in self._records.values())
        return Collected(
            persons,
            {identity: _resolved_stay(stay, self._urns) for identity, stay in stays.items()},
            {identity: _resolved_substance(drug, self._urns) for identity, drug in substances.items()},
            tuple(_of_patient(record, self._urns) for _, record in consents.values()),
            resolved(once, self._urns),
            counts,
            frozenset(self._tables.union(counts["resources_by_type"])),
        )

    def _add_unknown(self, _: str | None, __: fhir.Unknown) -> None:
        self._unknown += 1

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

    def _require_ids(self, dated: pl.DataFrame) -> None:
        nameless = [name for name, sink in self._records.items() if None in sink.by_id]
        nameless += dated.filter(pl.col("id").is_null())["type"].unique().sort().to_list()
        if nameless:
            raise BadInput(f"{nameless[0]}: a resource has no id")

    def _counts(
        self, rows: dict[str, int], rows_once: dict[str, int], different: dict[str, int]
    ) -> dict[str, Any]:
        single: dict[str, Records | _Ids] = {**self._records, **self._ids}
        read = sum(rows.values()) + sum(sink.read for sink in single.values())
        unique = {name: sink.unique for name, sink in single.items()} | rows_once
        conflicts = {name: sink.conflicts for name, sink in self._records.items()} | different
        return {
            "bundles": self._bundles,
            "bundle_entries_without_resource": self._empty,
            "resources_read": read,
            "resources_unique": sum(unique.values()),
            "resources_duplicate": read - sum(unique.values()),
            "resources_duplicate_with_other_content": _nonzero(conflicts),
            "resources_by_type": _nonzero(unique),
            "resources_of_unknown_type": self._unknown,
        }


@dataclass(slots=True)
class _Ids:
    """The ids of a type of which nothing else is kept."""

    seen: set[str | None] = field(default_factory=set)
    read: int = 0

    def add(self, identity: str | None, _: Any) -> None:
        self.read += 1
        self.seen.add(identity)

    @property
    def unique(self) -> int:
        return len(self.seen)


def _by_type(dated: pl.DataFrame) -> dict[str, int]:
    counts = dated.group_by("type").len()
    return dict(zip(counts["type"], counts["len"], strict=True))


def _row_makers(extractor: elements.Extractor) -> dict[str, Callable[[str | None, Any], Any]]:
    return {
        "Condition": elements.condition_row,
        "Procedure": elements.procedure_row,
        "Observation": extractor.observation,
        "MedicationAdministration": elements.medication_row,
        "MedicationStatement": elements.medication_row,
        "MedicationRequest": elements.request_row,
        "DiagnosticReport": elements.report_row,
        "ServiceRequest": elements.order_row,
    }


def _content(record: Any) -> Any:
    """All that is kept of a resource but the time of its last update."""
    return record[1:] if isinstance(record, tuple) else structs.astuple(record)[1:]


def _updated(record: Any) -> str | None:
    updated: str | None = record[0] if isinstance(record, tuple) else record.updated
    return updated


def _version(record: Any) -> tuple[str, str]:
    return _updated(record) or "", repr(_content(record))


def _resolved_stay(stay: Stay, urns: Mapping[str, str]) -> Stay:
    if not urns:
        return stay
    uses = tuple(structs.replace(use, condition=urns.get(use.condition, use.condition)) for use in stay.uses)
    patient, part_of = urns.get(stay.patient, stay.patient), urns.get(stay.part_of, stay.part_of)
    return structs.replace(stay, patient=patient, part_of=part_of, uses=uses)


def _resolved_substance(substance: Substance, urns: Mapping[str, str]) -> Substance:
    named = tuple(urns.get(name, name) for name in substance.ingredients)
    return structs.replace(substance, ingredients=named) if urns else substance


def _of_patient(record: ConsentRecord, urns: Mapping[str, str]) -> ConsentRecord:
    return replace(record, patient=urns.get(record.patient, record.patient)) if urns else record


def _nonzero(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}
