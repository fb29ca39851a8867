"""Takes in what was read part by part and gives everything that is kept of it, each resource once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from math import inf
from typing import Any

import polars as pl
from msgspec import structs

from anonymizer.errors import BadInput
from mii.batches import Batch
from mii.columns import DATING, TELLING, renamed
from mii.consent import ConsentRecord
from mii.dates import moment
from mii.duplicates import deduplicated, distinct
from mii.extracting import SCHEMAS
from mii.facts import plain, restored, schema
from mii.linked import links
from mii.records import Person, Stay, Substance


@dataclass(frozen=True, slots=True)
class Collected:
    """All that was read: records by id, the resources of `DATED`, and counts.

    ``facts`` are those that tell something, with the columns `TELLING`; of those in ``untold`` only `DATING`
    is kept, until consent has counted them. In both texts but ids are categories (see `mii.facts`), which
    `dated` and `of_types` give as texts.
    ``types`` are the types that occur in the export, read or not: of a resource, or of a flattened table.
    """

    persons: Mapping[str, Person]
    stays: Mapping[str, Stay]
    substances: Mapping[str, Substance]
    consents: tuple[ConsentRecord, ...]
    facts: pl.DataFrame
    untold: pl.DataFrame
    counts: Mapping[str, Any]
    types: frozenset[str]

    @property
    def dated(self) -> pl.DataFrame:
        """The facts with texts: of a large export, hundreds of megabytes."""
        return plain(self.facts)

    def of_types(self, *types: str) -> pl.DataFrame:
        """The facts of some types, with texts."""
        return plain(self.facts.filter(pl.col("type").is_in(types)))


DATED = tuple(SCHEMAS)
"""The types besides Encounter that belong to a patient and have a date consent is asked about."""


@dataclass(slots=True)
class Records:
    """The records of one type by id. A second resource with a known id is counted and not kept.

    Where the two differ in what is kept, the later ``meta.lastUpdated`` wins, compared as an instant; without
    one the choice depends on the content alone and never on the order of files. With ``no_guess`` the
    versions are remembered, so that `refuse_guesses` can refuse that.
    """

    no_guess: str = ""
    by_id: dict[Any, Any] = field(default_factory=dict)
    read: int = 0
    conflicts: int = 0
    versions: dict[Any, set[Any]] = field(default_factory=dict)

    @property
    def unique(self) -> int:
        """How many there are."""
        return len(self.by_id)

    def add(self, identity: str | None, record: Any) -> None:
        """Takes in the record of one resource."""
        self.read += 1
        known = self.by_id.setdefault(identity, record)
        if known is record:
            return
        if self.no_guess:
            self.versions.setdefault(identity, {known}).add(record)
        is_same = _content(known) == _content(record)
        self.conflicts += not is_same
        if not is_same or _updated(known) != _updated(record):
            self.by_id[identity] = max(known, record, key=_version)

    def refuse_guesses(self) -> None:
        """Raises ``BadInput`` where the newest of several contents is not told."""
        guesses = sum(_is_guess(versions) for versions in self.versions.values())
        if guesses:
            raise BadInput(
                f"{self.no_guess}: an id has two contents and meta.lastUpdated does not tell the newer",
                count=guesses,
            )


class Collector:
    """Takes in batches in the order of the export; `finish` gives what was collected."""

    def __init__(self) -> None:
        self._persons, self._stays, self._substances = Records(), Records(), Records()
        self._consents = Records(no_guess="Consent")
        self._held = pl.Categorical(pl.Categories.random())
        self._telling, self._dating = list[pl.DataFrame](), list[pl.DataFrame]()
        self._nameless = set[str]()
        self._ids: dict[str, list[pl.DataFrame]] = {}
        self._urns: dict[str, str] = {}
        self._tables = set[str]()
        self._bundles = self._empty = self._unknown = 0
        self.ignored = 0
        """How many documents were no FHIR."""

    def take(self, batch: Batch) -> None:
        """Takes in a batch. Raises ``BadInput`` where it contradicts the ones before beyond repair."""
        few: tuple[list[Any], ...] = (batch.persons, batch.stays, batch.substances, batch.consents)
        for records, added in zip(self._records().values(), few, strict=True):
            for identity, record in added:
                records.add(identity, record)
        if batch.telling is not None:
            self._telling.append(restored(batch.telling, self._held))
        if batch.dating is not None:
            self._dating.append(restored(batch.dating, self._held))
        self._nameless.update(batch.nameless)
        for name, frame in batch.ids.items():
            self._ids.setdefault(name, []).append(frame)
        for urn, identity in batch.urns.items():
            self._urns.setdefault(urn, identity)
        self._tables.update(batch.tables)
        self._bundles += batch.bundles
        self._empty += batch.empty
        self._unknown += batch.unknown
        self.ignored += batch.ignored

    def finish(self) -> Collected:
        """What was collected, with references by ``urn:uuid:`` resolved.

        Raises ``BadInput`` where a resource that is read has no id.
        """
        self._require_ids()
        self._consents.refuse_guesses()
        read = sum(frame.height for frame in (*self._telling, *self._dating))
        schemas = (schema(TELLING, self._held), schema(DATING, self._held))
        telling, dating, conflicts = deduplicated(self._telling, self._dating, schemas=schemas)
        self._telling, self._dating = [], []
        counts = self._counts(read, _by_type(telling) + _by_type(dating), conflicts)
        linked = links(self._persons.by_id, self._urns)
        stays, substances = self._stays.by_id.items(), self._substances.by_id.items()
        return Collected(
            self._persons.by_id,
            {identity: _resolved_stay(stay, self._urns) for identity, stay in stays},
            {identity: _resolved_substance(drug, self._urns) for identity, drug in substances},
            tuple(
                _of_patient(record, self._urns, linked.heirs) for _, record in self._consents.by_id.values()
            ),
            renamed(telling, self._urns),
            renamed(dating, self._urns),
            counts | linked.counts,
            frozenset(self._tables.union(counts["resources_by_type"])),
        )

    def _require_ids(self) -> None:
        nameless = [name for name, records in self._records().items() if None in records.by_id]
        nameless += sorted(self._nameless)
        if nameless:
            raise BadInput(f"{nameless[0]}: a resource has no id")

    def _records(self) -> dict[str, Records]:
        return {
            "Patient": self._persons,
            "Encounter": self._stays,
            "Medication": self._substances,
            "Consent": self._consents,
        }

    def _counts(
        self, rows: int, rows_once: Mapping[str, int], different: Mapping[str, int]
    ) -> dict[str, Any]:
        records = self._records()
        read = rows + sum(frame.height for frames in self._ids.values() for frame in frames)
        read += sum(of_type.read for of_type in records.values())
        unique = {name: of_type.unique for name, of_type in records.items()} | dict(rows_once)
        unique |= {name: distinct(frames) for name, frames in self._ids.items()}
        conflicts = {name: of_type.conflicts for name, of_type in records.items()} | dict(different)
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


def _by_type(frame: pl.DataFrame) -> Counter[str]:
    """Grouping by type would take as much memory as the frame."""
    counts = frame.select((pl.col("type") == name).sum().alias(name) for name in DATED)
    return Counter(dict(zip(counts.columns, counts.row(0), strict=True)))


def _content(record: Any) -> Any:
    """All that is kept of a resource but the time of its last update."""
    return record[1:] if isinstance(record, tuple) else structs.astuple(record)[1:]


def _updated(record: Any) -> str | None:
    updated: str | None = record[0] if isinstance(record, tuple) else record.updated
    return updated


def _version(record: Any) -> tuple[float, str]:
    told = moment(_updated(record))
    return -inf if told is None else told, repr(_content(record))


def _is_guess(versions: Set[Any]) -> bool:
    """Whether nothing tells which of different contents is the newest: a time is missing, or shared."""
    if len({_content(record) for record in versions}) == 1:
        return False
    told = [(moment(_updated(record)), _content(record)) for record in versions]
    times = [time for time, _ in told if time is not None]
    return len(times) < len(told) or len({content for time, content in told if time == max(times)}) > 1


def _resolved_stay(stay: Stay, urns: Mapping[str, str]) -> Stay:
    if not urns:
        return stay
    uses = tuple(structs.replace(use, condition=urns.get(use.condition, use.condition)) for use in stay.uses)
    patient, part_of = urns.get(stay.patient, stay.patient), urns.get(stay.part_of, stay.part_of)
    return structs.replace(stay, patient=patient, part_of=part_of, uses=uses)


def _resolved_substance(substance: Substance, urns: Mapping[str, str]) -> Substance:
    named = tuple(urns.get(name, name) for name in substance.ingredients)
    return structs.replace(substance, ingredients=named) if urns else substance


def _of_patient(record: ConsentRecord, urns: Mapping[str, str], heirs: Mapping[str, str]) -> ConsentRecord:
    patient = urns.get(record.patient, record.patient)
    return structs.replace(record, patient=heirs.get(patient, patient)) if urns or heirs else record


def _nonzero(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}
