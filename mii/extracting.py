"""Takes in decoded resources one by one and gives what is kept of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import polars as pl

from anonymizer.errors import BadInput
from mii import elements, fhir
from mii.batches import Batch
from mii.columns import CODED, HEAD, MEASURED, ColumnSink, Row, Sink, by_row, together
from mii.digests import digests
from mii.fhir_types import RESOURCE_TYPES
from mii.observations import ObservationSink

SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "Condition": {**HEAD, **CODED},
    "Procedure": {**HEAD, **CODED},
    "Observation": {**HEAD, **MEASURED},
    "MedicationAdministration": {**HEAD, **CODED},
    "MedicationStatement": {**HEAD, **CODED},
    "MedicationRequest": {**HEAD, **CODED},
    "DiagnosticReport": HEAD,
    "ServiceRequest": HEAD,
}
"""The columns of the types that belong to a patient and have a date."""

_TYPES = frozenset(name.lower() for name in RESOURCE_TYPES)

Adder = Callable[[Any], None]
"""Takes in a resource."""


class Extraction:
    """Takes in decoded resources, each by the function that `adders` has for its class.

    `ease` is to be called from time to time: until then resources that are no Bundle's wait as they were
    decoded. ``key`` is that of the `mii.digests` of ids.
    """

    def __init__(self, decoder: fhir.Decoder, loincs: frozenset[str], key: bytes) -> None:
        self._key = key
        self._extractor = extractor = elements.Extractor()
        self._batch = Batch()
        sinks = _sinks(loincs)
        self._rows: dict[str, Sink] = {}
        self._ids: dict[str, list[Any]] = {}
        self.adders: dict[Any, Adder] = {fhir.Unknown: self._add_unknown}
        """The function that takes in a resource, by the class it was decoded as."""
        self.adders |= dict.fromkeys(decoder.bundle_classes, self._add_bundle)
        records: dict[str, tuple[Callable[[Any], Any], str]] = {
            "Patient": (extractor.person, "persons"),
            "Encounter": (extractor.stay, "stays"),
            "Medication": (extractor.substance, "substances"),
            "Consent": (extractor.consent, "consents"),
        }
        for name, cls in decoder.classes.items():
            if name not in decoder.wanted:
                self._ids[name] = []
                self.adders[cls] = self._ids[name].append
            elif name in records:
                self.adders[cls] = partial(self._add_record, *records[name])
            else:
                self._rows[name] = rows = sinks[name]
                self.adders[cls] = rows.add
        self.adders[decoder.classes["Parameters"]] = _refuse_parameters

    def add_table(self, kind: str) -> None:
        """Notes that the export has a flattened table of a type, though it may hold no row."""
        self._batch.tables.append(kind)

    def ease(self) -> None:
        """Puts what waits into compact columns, where enough waits."""
        for sink in self._rows.values():
            sink.ease()

    def batch(self) -> Batch:
        """What is kept of all that was taken in since the last batch."""
        batch, self._batch = self._batch, Batch()
        frames = {name: sink.frames() for name, sink in self._rows.items()}
        telling = {name: of.telling for name, of in frames.items() if of.telling is not None}
        dating = {name: of.dating for name, of in frames.items() if of.dating is not None}
        batch.telling, nameless = together(telling, self._key)
        batch.dating, others = together(dating, self._key)
        batch.nameless = [*nameless, *others]
        for name, seen in self._ids.items():
            if seen:
                ids = pl.Series([resource.id for resource in seen], dtype=pl.String)
                batch.ids[name] = pl.DataFrame(digests(ids, self._key))
                seen.clear()
        return batch

    def ignore(self) -> None:
        """Notes a document that is no FHIR."""
        self._batch.ignored += 1

    def _add_record(self, make: Callable[[Any], Any], name: str, resource: Any) -> None:
        getattr(self._batch, name).append((resource.id, make(resource)))

    def _add_unknown(self, resource: fhir.Unknown) -> None:
        """A ``consent`` may be a withdrawal that somebody has misspelt."""
        name = re.split(r"[/:]", resource.type or "")[-1]
        if re.sub(r"[^a-z]", "", name.lower()) in _TYPES:
            raise BadInput("a resourceType is misspelt: FHIR tells capitals and blanks apart")
        self._batch.unknown += 1

    def _add_bundle(self, bundle: fhir.Bundle) -> None:
        """A resource without an id is known by its ``urn:``; two under one ``urn:`` are the same."""
        self._batch.bundles += 1
        adders, urns = self.adders, self._batch.urns
        for entry in bundle.entry or ():
            resource, url, asked = entry.resource, entry.full_url, entry.request
            if asked is not None and asked.method is not None and asked.method.upper() == "DELETE":
                raise BadInput(
                    "Bundle: an entry deletes a resource", hint="export what is left, not what was done"
                )
            if resource is None:
                self._batch.empty += 1
                continue
            if url is not None and url.startswith("urn:"):
                resource.id = urns.setdefault(url, resource.id or url)
            adders[type(resource)](resource)
        self.ease()


def _refuse_parameters(_: Any) -> None:
    raise BadInput(
        "Parameters: it may hold resources, which are not looked for there", hint="write them as a Bundle"
    )


def _sinks(loincs: frozenset[str]) -> dict[str, Sink]:
    makers: dict[str, Callable[[str | None, Any], Row]] = {
        "Condition": elements.condition_row,
        "Procedure": elements.procedure_row,
        "MedicationAdministration": elements.medication_row,
        "MedicationStatement": elements.medication_row,
        "MedicationRequest": elements.request_row,
        "DiagnosticReport": elements.report_row,
        "ServiceRequest": elements.order_row,
    }
    sinks: dict[str, Sink] = {"Observation": ObservationSink(loincs)}
    return sinks | {name: ColumnSink(by_row(make), SCHEMAS[name]) for name, make in makers.items()}
