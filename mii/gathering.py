"""Reads the sources of an export and collects what is kept of them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from anonymizer.errors import BadInput
from mii import event_tables, fhir, flattened
from mii.collecting import Collected, Collector
from mii.digests import KEY_BYTES
from mii.effort import DEFAULT, Effort
from mii.elements import VITAL_STATUS
from mii.extracting import Extraction
from mii.forms import VIEW_SUFFIX, Kind, Source, recognised
from mii.parts import Share, shares
from mii.processes import batches
from mii.request import (
    CONDITION_COLUMNS,
    MAIN_DIAGNOSIS_COLUMNS,
    MEDICATION_COLUMNS,
    MEDICATION_EVENTS,
    PROCEDURE_COLUMNS,
    STAY_COLUMNS,
    MiiRequest,
    asked_observations,
)
from mii.streaming import Limits, whole
from mii.tasks import Task


def collect(
    path: Path, request: MiiRequest, *, limits: Limits, effort: Effort = DEFAULT
) -> tuple[Collected, dict[str, Any]]:
    """All that is kept of the export, before consent, and counts of what was read."""
    of_kind = recognised(path, limits)
    task = Task(_wanted(request), _loincs(request), limits, os.urandom(KEY_BYTES))
    if of_kind[Kind.TABLE]:
        collector, ignored = _tables(of_kind, task)
    else:
        parts = shares(of_kind[Kind.LINES], of_kind[Kind.DOCUMENT], effort.share_bytes)
        collector = _gathered(list(parts), task, effort)
        ignored = collector.ignored + len(of_kind[Kind.OTHER])
    collected = collector.finish()
    if not collected.persons:
        raise BadInput("the export holds no Patient")
    of_files = {
        "form": "flattened" if of_kind[Kind.TABLE] else "fhir",
        "files_ignored": ignored,
        "files_empty": len(of_kind[Kind.EMPTY]),
    }
    return collected, of_files | dict(collected.counts)


def _gathered(parts: Sequence[Share], task: Task, effort: Effort) -> Collector:
    """What FHIR files hold, taken in in their order."""
    collector = Collector()
    total = sum(part.disk_bytes for share in parts for part in share)
    done = 0
    with closing(batches(parts, task, effort.processes(total))) as read:
        for share, batch in zip(parts, read, strict=True):
            collector.take(batch)
            done += sum(part.disk_bytes for part in share)
            effort.report(done, total)
    return collector


def _tables(of_kind: dict[Kind, list[Source]], task: Task) -> tuple[Collector, int]:
    """What flattened tables hold, and the number of other files."""
    others = [*of_kind[Kind.LINES], *of_kind[Kind.DOCUMENT], *of_kind[Kind.OTHER]]
    decoder = fhir.Decoder(task.wanted)
    documents = [*of_kind[Kind.LINES], *of_kind[Kind.DOCUMENT]]
    if any(_is_resource(source, decoder, task.limits) for source in documents):
        raise BadInput(
            "the folder holds both FHIR resources and flattened tables", hint="name one of the two"
        )
    extraction = Extraction(decoder, task.loincs, task.key)
    tables: Sequence[Source] = of_kind[Kind.TABLE]
    flattened.read(tables, others, decoder=decoder, extraction=extraction, limits=task.limits)
    collector = Collector()
    collector.take(extraction.batch())
    return collector, len(others)


def _is_resource(source: Source, decoder: fhir.Decoder, limits: Limits) -> bool:
    """Whether a file beside flattened tables holds resources."""
    if source.plain_name.endswith(VIEW_SUFFIX):
        return False
    if not source.plain_name.lower().endswith(".json"):
        return True
    with source.open() as stream:
        try:
            return decoder.is_fhir(whole(stream, limits))
        except BadInput as error:
            raise BadInput(f"{source.name}: {error.rule}", hint=error.hint) from None


def _wanted(request: MiiRequest) -> frozenset[str]:
    """The types that must be decoded for the columns asked for and for consent."""
    asked = request.columns
    types = {"Patient", *event_tables.types(request.tables)}
    if request.row == "encounter" or asked & (STAY_COLUMNS | MAIN_DIAGNOSIS_COLUMNS):
        types.add("Encounter")
    if asked & (CONDITION_COLUMNS | MAIN_DIAGNOSIS_COLUMNS):
        types.add("Condition")
    if asked & PROCEDURE_COLUMNS:
        types.add("Procedure")
    if asked & MEDICATION_COLUMNS:
        types |= {*MEDICATION_EVENTS, "Medication"}
    if _loincs(request):
        types.add("Observation")
    if request.consent_required:
        types |= {*fhir.READ} - {"Medication"}
    return frozenset(types)


def _loincs(request: MiiRequest) -> frozenset[str]:
    of_tables = request.observations if "labs" in request.tables else asked_observations(request)
    asked = {observation.loinc for observation in of_tables.values()}
    return frozenset(asked | ({VITAL_STATUS} if "deceased" in request.columns else set()))
