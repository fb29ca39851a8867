"""What is in an export, counted without a question of who may use it: where a data steward looks first.

One pass over the resources as they are written counts elements, dates, code systems and codes; of resources
with the same type and id the first one counts. A second pass reads the export as a run does and gives the
consent's decisions and the patients' quasi-identifiers. Counts and addresses of known code systems are kept,
and the first and last day of each date; no other value is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from anonymizer.errors import BadInput, ConsentMissing
from anonymizer.tables.json_keys import repeated_keys
from mii.collecting import Collected
from mii.consenting import (
    apply_consent,
    consent_counts,
    consents_of_nobody,
    patients_by_reason,
    withdrawals_of_nobody,
)
from mii.effort import DEFAULT, Effort
from mii.element_table import KINDS, Element, elements_of
from mii.fhir_types import RESOURCE_TYPES
from mii.flattened import gathered
from mii.forms import Kind, Source, recognised
from mii.gathering import collect
from mii.request import FAMILIES, MiiRequest
from mii.resource_facts import ABSENT, held_by_columns, is_absent_with_reason, told_by_json, told_by_rows
from mii.rows import build
from mii.seen import Seen
from mii.streaming import Limits, is_utf8, lines, whole
from mii.tallies import KindTally, LabTally, is_laboratory

CANDIDATES = (
    "gender",
    "gender_amtlich",
    "birth_date",
    "age_years",
    "plz",
    "ags",
    "deceased",
    "death_date",
    "cause_of_death",
    "admission_date",
    "discharge_date",
    "length_of_stay_days",
    "department",
    "main_diagnosis",
    "main_diagnosis_onset",
    "main_diagnosis_recorded",
    "icd10gm_all",
    "alpha_id_all",
    "orpha_all",
    "snomed_all",
    "ops_all",
    "performed_first",
    "performed_last",
    "pzn_all",
)
"""The columns of an MII table whose elements are quasi-identifiers."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found. ``people`` has one row per patient and the columns `CANDIDATES`; it stays in memory.

    ``repeated_keys`` are keys that their JSON object had before. ``of_kinds`` holds what was counted of the
    types with elements to look for; ``held`` the elements that the form has a place for, ``None`` where it
    has one for all. ``labs`` are all Observations and those of the category laboratory (``None`` where the
    form does not tell it). ``consent`` is ``None`` where the form holds no Consent at all.
    """

    form: str
    files: Mapping[str, int]
    read: Mapping[str, int]
    unique: Mapping[str, int]
    unknown_types: int
    repeated_keys: int
    of_kinds: Mapping[str, KindTally]
    held: frozenset[Element] | None
    labs: tuple[LabTally, LabTally | None]
    consent: Mapping[str, Any] | None
    people: pl.DataFrame
    read_as_a_run: Mapping[str, Any]
    families: tuple[frozenset[str], ...] = FAMILIES


def inspect(
    path: Path,
    *,
    today: date,
    consent_date: date | None = None,
    limits: Limits | None = None,
    effort: Effort = DEFAULT,
    count: Callable[[int], None] = lambda resources: None,
) -> Inspection:
    """What is in the export at ``path``, a file or a folder in any of the forms of `mii.forms`.

    ``today`` is the day on which consent must hold, ages are told and the future begins. Where a run takes
    place on another day, ``consent_date``, what it decides about consent is told as well. ``count`` is told
    how many resources were looked at, from time to time; ``effort`` is that of the second pass.

    Raises ``InputMissing`` (66) where there is no export and ``BadInput`` (65) where it breaks a rule.
    """
    limits = limits or Limits()
    of_kind = recognised(path, limits)
    census = _Census(today, limits, count)
    if of_kind[Kind.TABLE]:
        census.tables(of_kind)
    else:
        census.fhir(of_kind)
    request = _request(today)
    collected, audit = collect(path, request, limits=limits, effort=effort)
    people, counts = build(collected, request)
    consent = None if census.columns is not None else _consent(collected, request, consent_date or today)
    return census.finish(
        files={what.value: len(several) for what, several in of_kind.items() if several},
        consent=consent,
        people=people.select(CANDIDATES),
        read_as_a_run={**audit, **counts},
    )


def _request(today: date) -> MiiRequest:
    return MiiRequest(
        row="patient",
        index_encounter="first",
        observations={},
        consent_required=True,
        retrospective=False,
        reference_date=today,
        consent_date=today,
        columns=frozenset(CANDIDATES),
    )


def _consent(collected: Collected, request: MiiRequest, run_date: date) -> dict[str, Any]:
    """What would be decided about consent on the reference date; that nobody passes is an answer here.

    A run asks on its own day as well; where that is another one, ``on_run_date`` tells what it then decides.
    """
    if not collected.consents:
        return {"consents": 0}
    in_a_run = replace(request, consent_date=run_date)
    reasons = {"date": run_date.isoformat(), "patients_by_reason": patients_by_reason(collected, in_a_run)}
    of_run: dict[str, Any] = {} if run_date == request.reference_date else {"on_run_date": reasons}
    withdrawals = withdrawals_of_nobody(collected, replace(request, retrospective=True))
    of_run |= {"withdrawals_of_nobody": withdrawals} if withdrawals else {}
    try:
        return consent_counts(collected, apply_consent(collected, request)) | of_run
    except (ConsentMissing, BadInput):
        told: dict[str, Any] = {
            "consents": len(collected.consents),
            "consents_of_nobody": consents_of_nobody(collected),
        }
        return told | {"patients_by_reason": patients_by_reason(collected, request)} | of_run


@dataclass(slots=True)
class _Census:
    """Takes in resources one by one and counts what they hold."""

    today: date
    limits: Limits
    count: Callable[[int], None]
    looked_at: int = 0
    read: Counter[str] = field(default_factory=Counter)
    seen: dict[str, Seen] = field(default_factory=dict)
    nameless: Counter[str] = field(default_factory=Counter)
    unknown_types: int = 0
    repeated_keys: int = 0
    kinds: dict[str, KindTally] = field(default_factory=dict)
    labs: LabTally = field(default_factory=LabTally)
    laboratory: LabTally = field(default_factory=LabTally)
    columns: dict[str, list[str]] | None = None
    reasons: bool = False
    """Whether the document at hand says of anything why it is absent: asking each element costs as much
    again as everything else."""

    def fhir(self, of_kind: Mapping[Kind, list[Source]]) -> None:
        """Reads what is FHIR, line by line or document by document."""
        for source in of_kind[Kind.LINES]:
            with source.open() as stream:
                for number, line in enumerate(lines(stream, self.limits), 1):
                    if not line.isspace():
                        self._document(line, f"{source.name}, line {number}")
        for source in of_kind[Kind.DOCUMENT]:
            with source.open() as stream:
                self._document(whole(stream, self.limits), source.name)

    def tables(self, of_kind: Mapping[Kind, list[Source]]) -> None:
        """Reads flattened tables: an id is one resource, in however many rows it stands."""
        others = [*of_kind[Kind.LINES], *of_kind[Kind.DOCUMENT], *of_kind[Kind.OTHER]]
        groups, self.columns = gathered(of_kind[Kind.TABLE], others, self.limits)
        for name, by_id in groups.items():
            self.read[name] = len(by_id)
            seen, tally = self.seen.setdefault(name, Seen()), self._tally(name)
            for identity, rows in by_id.items():
                seen.is_new(identity)
                told = told_by_rows(rows)
                tally.add(told, _gives_no_reason)
                if name == "Observation":
                    self.labs.add(told)

    def finish(self, **rest: Any) -> Inspection:
        """What was found, with the ``rest`` of it."""
        flattened = self.columns is not None
        return Inspection(
            form="flattened tables" if flattened else "FHIR resources",
            read=dict(sorted(self.read.items())),
            unique={name: len(seen) + self.nameless[name] for name, seen in sorted(self.seen.items())},
            unknown_types=self.unknown_types,
            repeated_keys=self.repeated_keys,
            of_kinds={name: self._tally(name) for name in KINDS},
            held=self._held(),
            labs=(self.labs, None if flattened else self.laboratory),
            **rest,
        )

    def _document(self, document: bytes, place: str) -> None:
        try:
            if not is_utf8(document):
                raise BadInput("the text is not UTF-8")
            self.reasons = ABSENT_REASON in document
            self._resource(_decoded(document), "")
            self.repeated_keys += repeated_keys(document)
        except BadInput as error:
            raise BadInput(f"{place}: {error.rule}") from None

    def _resource(self, resource: Any, url: str) -> None:
        name = resource.get("resourceType") if isinstance(resource, dict) else None
        if name == "Bundle":
            for entry in _objects(resource.get("entry")):
                if (inside := entry.get("resource")) is not None:
                    self._resource(inside, entry.get("fullUrl") or "")
        elif isinstance(name, str):
            self._count(name, resource, url)

    def _count(self, name: str, resource: Mapping[str, Any], url: str) -> None:
        if name not in RESOURCE_TYPES:
            self.unknown_types += 1
            return
        self.read[name] += 1
        self.looked_at += 1
        if self.looked_at % _TOLD_EVERY == 0:
            self.count(self.looked_at)
        identity = resource.get("id") or (url if str(url).startswith("urn:") else None)
        seen = self.seen.setdefault(name, Seen())
        if identity is None:
            self.nameless[name] += 1
        elif not seen.is_new(str(identity)):
            return
        if name in KINDS:
            self._look_into(name, resource)

    def _look_into(self, name: str, resource: Mapping[str, Any]) -> None:
        told = told_by_json(resource)
        absent = partial(is_absent_with_reason, resource) if self.reasons else _gives_no_reason
        self._tally(name).add(told, absent)
        if name == "Observation":
            self.labs.add(told)
            if is_laboratory(told):
                self.laboratory.add(told)

    def _tally(self, name: str) -> KindTally:
        if name not in self.kinds:
            self.kinds[name] = KindTally(elements_of(name), self.today)
        return self.kinds[name]

    def _held(self) -> frozenset[Element] | None:
        if self.columns is None:
            return None
        return frozenset(
            element
            for name, columns in self.columns.items()
            for element in elements_of(name)
            if held_by_columns(element, columns)
        )


def _gives_no_reason(_: Element) -> bool:
    return False


_TOLD_EVERY = 5_000
ABSENT_REASON = ABSENT.rpartition("/")[2].encode()
_JSON = msgspec.json.Decoder()


def _decoded(document: bytes) -> Any:
    """The JSON of a document; the decoder's own errors quote what they met."""
    try:
        return _JSON.decode(document)
    except msgspec.DecodeError:
        raise BadInput("a resource is not complete, valid JSON") from None
    except RecursionError:
        raise BadInput("a resource is nested too deeply") from None


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())
