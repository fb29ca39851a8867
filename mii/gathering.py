"""Reads the sources of an export and collects what is kept of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anonymizer.errors import BadInput
from mii import fhir, flattened
from mii.collecting import Collected, Collector
from mii.elements import VITAL_STATUS
from mii.forms import Kind, Source, kind, sources
from mii.request import MEDICATION_EVENTS, MiiRequest, lab_columns
from mii.streaming import Limits, is_utf8, lines, whole

_STAY_COLUMNS = frozenset(
    {"encounter_id", "admission_date", "discharge_date", "length_of_stay_days", "department"}
)
_CONDITION_COLUMNS = frozenset({"main_diagnosis", "icd10gm_all", "cause_of_death"})


def collect(path: Path, request: MiiRequest, *, limits: Limits) -> tuple[Collected, dict[str, Any]]:
    """All that is kept of the export, before consent, and counts of what was read."""
    found = [(source, kind(source)) for source in sources(path, limits)]
    of_kind = {what: [source for source, w in found if w is what] for what in Kind}
    decoder = fhir.Decoder(_wanted(request))
    reader = _Reader(decoder, Collector(decoder, _loincs(request)), limits)
    ignored = reader.tables(of_kind) if of_kind[Kind.TABLE] else reader.fhir(of_kind)
    collected = reader.collector.finish()
    if not collected.persons:
        raise BadInput("the export holds no Patient")
    of_files = {
        "form": "flattened" if of_kind[Kind.TABLE] else "fhir",
        "files_ignored": ignored,
        "files_empty": len(of_kind[Kind.EMPTY]),
    }
    return collected, of_files | dict(collected.counts)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes the sources of an export into ``collector``."""

    decoder: fhir.Decoder
    collector: Collector
    limits: Limits

    def fhir(self, of_kind: dict[Kind, list[Source]]) -> int:
        """Reads what is FHIR; returns the number of files that are not."""
        for source in of_kind[Kind.LINES]:
            self._lines(source)
        ignored = sum(not self._document(source) for source in of_kind[Kind.DOCUMENT])
        return ignored + len(of_kind[Kind.OTHER])

    def tables(self, of_kind: dict[Kind, list[Source]]) -> int:
        """Reads flattened tables; returns the number of other files."""
        others = [*of_kind[Kind.LINES], *of_kind[Kind.DOCUMENT], *of_kind[Kind.OTHER]]
        if any(not source.plain_name.endswith(".json") for source in of_kind[Kind.LINES]):
            raise BadInput(
                "the folder holds both FHIR resources and flattened tables", hint="name one of the two"
            )
        tables: Sequence[Source] = of_kind[Kind.TABLE]
        flattened.read(tables, others, decoder=self.decoder, collector=self.collector, limits=self.limits)
        return len(others)

    def _lines(self, source: Source) -> None:
        decode, adders = self.decoder.decode, self.collector.adders
        number = 0
        try:
            with source.open() as stream:
                for line in lines(stream, self.limits):
                    number += 1
                    if line.isspace():
                        continue
                    if not (line.isascii() or is_utf8(line)):
                        raise BadInput("the text is not UTF-8")
                    found = decode(line)
                    adders[type(found)](found.id, found)
        except BadInput as error:
            raise _at(error, f"{source.name}, line {max(number, 1)}") from None

    def _document(self, source: Source) -> bool:
        """Whether the document was FHIR; a manifest or a query that lies in the folder is not."""
        try:
            with source.open() as stream:
                document = whole(stream, self.limits)
            if not is_utf8(document):
                raise BadInput("the text is not UTF-8")
            if not self.decoder.is_fhir(document):
                return False
            found = self.decoder.decode(document)
            self.collector.adders[type(found)](found.id, found)
        except BadInput as error:
            raise _at(error, source.name) from None
        return True


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


def _at(error: BadInput, place: str) -> BadInput:
    """``error`` with the file it was met in; file names are the operator's, not a patient's."""
    return BadInput(f"{place}: {error.rule}", column=error.column, count=error.count, hint=error.hint)
