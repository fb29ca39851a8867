"""Reads an export of any form into one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from anonymizer.errors import BadConfig, BadInput
from mii import fhir, flattened
from mii.collecting import Collected, Collector
from mii.consenting import apply_consent, consent_counts
from mii.elements import VITAL_STATUS
from mii.forms import Kind, Source, kind, sources
from mii.request import COLUMNS, MiiRequest, lab_columns
from mii.rows import MEDICATION_EVENTS, build
from mii.streaming import Limits, is_utf8, lines, whole

_STAY_COLUMNS = frozenset(
    {"encounter_id", "admission_date", "discharge_date", "length_of_stay_days", "department"}
)
_CONDITION_COLUMNS = frozenset({"main_diagnosis", "icd10gm_all", "cause_of_death"})
_CONSENT_TYPES = frozenset({"Consent", "DiagnosticReport", "ServiceRequest"})


@dataclass(frozen=True, slots=True)
class Export:
    """What was read: the table, and counts for the audit (never an id or a value)."""

    frame: pl.DataFrame
    audit: dict[str, object]


def read(path: Path, request: MiiRequest, *, limits: Limits | None = None) -> Export:
    """The table of the export at ``path``, a file or a folder in any of the forms of `mii.forms`.

    Raises ``InputMissing`` (66) where there is none, ``BadInput`` (65) where it breaks a rule,
    ``ConsentMissing`` (77) where consent is required and nobody's is there, ``BadConfig`` (78) for a column
    that does not exist.
    """
    unknown = request.columns - {*COLUMNS, *lab_columns(request.observations)}
    if unknown:
        raise BadConfig("no such column in a core-dataset table", column=min(unknown))
    collected, audit = collect(path, request, limits=limits or Limits())
    audit["patients_in"] = len(collected.persons)
    if request.consent_required:
        consented = apply_consent(collected, request)
        audit["consent"] = consent_counts(collected, consented)
        collected = consented.collected
    frame, counts = build(collected, request)
    return Export(frame, audit | counts)


def collect(path: Path, request: MiiRequest, *, limits: Limits) -> tuple[Collected, dict[str, object]]:
    """All records of the export, before consent, and counts of what was read."""
    found = [(source, kind(source)) for source in sources(path, limits)]
    kinds = Counter(what for _, what in found)
    tables = [source for source, what in found if what is Kind.TABLE]
    wanted = _wanted(request)
    decoder = fhir.Decoder(wanted)
    collector = Collector(decoder, wanted, _loincs(request))
    if tables:
        ignored = _read_tables(tables, found, decoder, collector, limits)
    else:
        ignored = _read_fhir(found, decoder, collector, limits)
    collected = collector.finish()
    if not collected.persons:
        raise BadInput("the export holds no Patient")
    form = {"form": "flattened" if tables else "fhir", "files_ignored": ignored}
    return collected, {**form, "files_empty": kinds[Kind.EMPTY], **collected.counts}


def _wanted(request: MiiRequest) -> frozenset[str]:
    """The types that must be decoded for the columns asked for and for consent."""
    asked = request.columns
    types = {"Patient"}
    if request.row == "encounter" or asked & (_STAY_COLUMNS | {"main_diagnosis"}):
        types.add("Encounter")
    if asked & _CONDITION_COLUMNS:
        types.add("Condition")
    if "ops_all" in asked:
        types.add("Procedure")
    if "atc_all" in asked:
        types |= {*MEDICATION_EVENTS, "Medication"}
    if _loincs(request):
        types.add("Observation")
    if request.consent_required:
        types |= {*fhir.READ} - {"Medication"}
    return frozenset(types)


def _loincs(request: MiiRequest) -> frozenset[str]:
    asked = {
        observation.loinc
        for name, observation in request.observations.items()
        if request.columns.intersection(lab_columns([name]))
    }
    return frozenset(asked | ({VITAL_STATUS} if "deceased" in request.columns else set()))


def _read_fhir(
    found: Iterable[tuple[Source, Kind]], decoder: fhir.Decoder, collector: Collector, limits: Limits
) -> int:
    ignored = 0
    for source, what in found:
        if what is Kind.LINES:
            _read_lines(source, decoder, collector, limits)
        elif what is Kind.DOCUMENT:
            ignored += not _read_document(source, decoder, collector, limits)
        else:
            ignored += what is Kind.OTHER
    return ignored


def _read_lines(source: Source, decoder: fhir.Decoder, collector: Collector, limits: Limits) -> None:
    decode, adders = decoder.decode, collector.adders
    number = 0
    try:
        with source.open() as stream:
            for number, line in enumerate(lines(stream, limits), 1):
                if line.isspace():
                    continue
                if not (line.isascii() or is_utf8(line)):
                    raise BadInput("the text is not UTF-8")
                found = decode(line)
                adders[type(found)](found.id, found)
    except BadInput as error:
        raise _at(error, f"{source.name}, line {number}") from None


def _read_document(source: Source, decoder: fhir.Decoder, collector: Collector, limits: Limits) -> bool:
    """Whether the document was FHIR; a manifest or a query that lies in the folder is not."""
    try:
        with source.open() as stream:
            document = whole(stream, limits)
        if not is_utf8(document):
            raise BadInput("the text is not UTF-8")
        if not decoder.is_fhir(document):
            return False
        found = decoder.decode(document)
        collector.adders[type(found)](found.id, found)
    except BadInput as error:
        raise _at(error, source.name) from None
    return True


def _read_tables(
    tables: list[Source],
    found: Iterable[tuple[Source, Kind]],
    decoder: fhir.Decoder,
    collector: Collector,
    limits: Limits,
) -> int:
    others = [(source, what) for source, what in found if what not in (Kind.TABLE, Kind.EMPTY)]
    if any(what is Kind.LINES and not source.name.endswith(".json") for source, what in others):
        raise BadInput(
            "the folder holds both FHIR resources and flattened tables", hint="name one of the two"
        )
    beside = [source for source, _ in others]
    flattened.read(tables, beside, decoder=decoder, collector=collector, limits=limits)
    return len(others)


def _at(error: BadInput, place: str) -> BadInput:
    """``error`` with the file it was met in; file names are the operator's, not a patient's."""
    return BadInput(f"{place}: {error.rule}", column=error.column, count=error.count, hint=error.hint)
