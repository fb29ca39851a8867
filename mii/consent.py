"""Who may be in a release and which of their data: the MII Broad Consent, applied as TORCH applies it.

1. Only active Consents of scope research may permit. The category is a warning (`unexpected_categories`).
2. The root provision is the baseline and is not read; nested provisions are. But a root that denies and
   names codes, or nests nothing, is a deny like any other.
3. A Consent permits only if it permits both X.8 (use) and X.6 (collect). Permits are merged over Consents;
   denies of any active Consent are subtracted, so that the result can have gaps.
4. X.8 is the gate: the reference date and the run's date must both lie in it.
5. X.6 is the data window. Where an Encounter with start and end holds the start of a permitted X.6 period,
   the period starts with the Encounter. Denies are subtracted afterwards, so that they cut this part too.
6. On request, X.45/X.46 permitted in the same Consent and overlapping its X.6 period let it start at
   1900-01-01. A deny of X.45/X.46 cuts this added part and nothing else; a deny of X.6 does not cut it.
7. Resources outside the window are dropped (`Window.covers`, `Window.covers_period`).

Doubt ends in less data. A dateTime is its day as written, in its own time zone. A permit without a
readable start or with a broken end is none; a deny without a readable start or end is open there.
A provision that is not a permit is a deny; one that names none of the Broad Consent's policies denies all of
them, and one that names a module denies what is in it. A Consent with a status that FHIR does not have
permits nothing, and its denies hold. Provisions inside nested ones are exceptions to them (FHIR R4,
Consent.provision.provision): denies at any depth count, permits there do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from mii.dates import day_text, span

OID = "2.16.840.1.113883.3.1937.777.24.5.3"
COLLECT, USE = f"{OID}.6", f"{OID}.8"
RETROSPECTIVE = frozenset({f"{OID}.45", f"{OID}.46"})
BEGINNING = date(1900, 1, 1)
UNREADABLE = "?"
"""In place of a policy that a provision names without a code."""
_DENIED_BY: Mapping[str, Set[str]] = {
    f"{OID}.1": frozenset({COLLECT, USE}),
    f"{OID}.7": frozenset({COLLECT, USE}),
    f"{OID}.44": RETROSPECTIVE,
}
"""What is denied with a module (patient data; earlier patient data), and with storing and processing."""
_NOT_IN_FORCE = frozenset({"draft", "proposed", "rejected", "inactive", "entered-in-error"})

_DAY = timedelta(days=1)

Interval = tuple[date, date]


class Reason(StrEnum):
    """Why a patient is in or out, in the order in which the rules are asked."""

    ACCEPTED = "accepted"
    NO_CONSENT = "no Consent"
    NOT_ACTIVE = "no active Consent"
    NOT_RESEARCH = "no active Consent of scope research"
    NOT_PERMITTED = "no Consent permits both X.6 and X.8"
    WITHDRAWN = "a deny of X.8 holds"
    NOT_VALID = "X.8 is not permitted on the reference date or the run's date"
    NO_WINDOW = "nothing of X.6 is left"


class Provision(Struct, frozen=True, gc=False):
    """One nested ``provision.provision[]`` of a Consent, or a deny inside one.

    ``type`` is ``permit`` or ``deny``; ``start`` and ``end`` are FHIR dateTimes as written (may be partial,
    may carry a time zone) or ``None``; ``codes`` are the ``code.coding.code`` values of all codings.
    """

    type: str
    start: str | None
    end: str | None
    codes: tuple[str, ...]


class ConsentRecord(Struct, frozen=True, gc=False):
    """One Consent resource: ``patient`` is the patient's id without ``Patient/``.

    ``research`` says whether a scope coding is ``research``; ``category_expected`` whether a category
    coding is LOINC ``57016-8`` (a warning only). The root provision is not kept: it is the baseline.
    """

    patient: str
    status: str
    research: bool
    category_expected: bool
    provisions: tuple[Provision, ...]


@dataclass(frozen=True, slots=True)
class EncounterPeriod:
    """One Encounter's period, as written."""

    patient: str
    start: str | None
    end: str | None


@dataclass(frozen=True, slots=True)
class Window:
    """The data window: closed intervals of days, sorted, with a gap of at least a day between them."""

    intervals: tuple[Interval, ...]

    def covers(self, iso: str | None) -> bool:
        """Whether a resource dated ``iso`` may be used: every day it can mean lies in one interval.

        A resource without a readable date is never covered (TORCH drops it, too).
        """
        span = _span(iso)
        return span is not None and self._holds(*span)

    def covers_period(self, start: str | None, end: str | None) -> bool:
        """Whether a resource with this Period may be used.

        A Period with both ends must lie in one interval, as in TORCH: half a stay is not released. One
        without an end goes on, so it is covered where it reaches the window, even if it began before. Of
        one without a start only the end is known, and must be covered.
        """
        if end is None:
            begun = _span(start)
            return begun is not None and any(begun[1] <= last for _, last in self.intervals)
        first, final = _span(end if start is None else start), _span(end)
        return first is not None and final is not None and self._holds(first[0], final[1])

    def _holds(self, first: date, final: date) -> bool:
        return first <= final and any(low <= first and final <= high for low, high in self.intervals)


@dataclass(frozen=True, slots=True)
class Decision:
    """One patient's outcome; ``window`` is set exactly where ``accepted``; ``reason`` is a `Reason`."""

    accepted: bool
    reason: str
    window: Window | None


NO_CONSENT = Decision(accepted=False, reason=Reason.NO_CONSENT, window=None)
"""The outcome of a patient whom `decide` does not name."""


def decide(
    consents: Iterable[ConsentRecord],
    encounters: Iterable[EncounterPeriod],
    *,
    reference_date: date,
    consent_date: date,
    retrospective: bool = False,
) -> Mapping[str, Decision]:
    """Each patient's decision, for every patient with a Consent; all others are `NO_CONSENT`.

    ``consent_date`` is the day the run happens: with a fixed reference date alone a nightly job would
    accept an expired consent for ever.
    """
    records = _by_patient(consents)
    stays = _by_patient(stay for stay in encounters if stay.patient in records)
    days = (reference_date, consent_date)
    return {
        patient: _decision(own, stays.get(patient, ()), days=days, retrospective=retrospective)
        for patient, own in records.items()
    }


def unexpected_categories(consents: Iterable[ConsentRecord]) -> int:
    """The number of active Consents without the category 57016-8: a warning, never a filter."""
    return sum(record.status == "active" and not record.category_expected for record in consents)


def denies(record: ConsentRecord, *, retrospective: bool) -> bool:
    """Whether an active Consent denies something that `decide` asks for."""
    asked = {COLLECT, USE} | (RETROSPECTIVE if retrospective else set())
    return bool(_denies([record], asked))


_Record = TypeVar("_Record", ConsentRecord, EncounterPeriod)


def _by_patient(records: Iterable[_Record]) -> dict[str, list[_Record]]:
    grouped: dict[str, list[_Record]] = {}
    for record in records:
        grouped.setdefault(record.patient, []).append(record)
    return grouped


def _decision(
    records: Sequence[ConsentRecord],
    stays: Sequence[EncounterPeriod],
    *,
    days: Sequence[date],
    retrospective: bool,
) -> Decision:
    active = [record for record in records if record.status == "active"]
    research = [record for record in active if record.research]
    permitting = [record for record in research if _permits(record, {USE}) and _permits(record, {COLLECT})]
    refusal = _refusal(active, research, permitting) or _gate(permitting, records, days)
    if refusal:
        return Decision(accepted=False, reason=refusal, window=None)
    window = _window(permitting, records, _stays(stays), retrospective=retrospective)
    if not window:
        return Decision(accepted=False, reason=Reason.NO_WINDOW, window=None)
    return Decision(accepted=True, reason=Reason.ACCEPTED, window=Window(tuple(window)))


def _refusal(
    active: Sequence[ConsentRecord], research: Sequence[ConsentRecord], permitting: Sequence[ConsentRecord]
) -> Reason | None:
    if not active:
        return Reason.NOT_ACTIVE
    if not research:
        return Reason.NOT_RESEARCH
    return None if permitting else Reason.NOT_PERMITTED


def _gate(
    permitting: Sequence[ConsentRecord], records: Sequence[ConsentRecord], days: Sequence[date]
) -> Reason | None:
    permits = [permit for record in permitting for permit in _permits(record, {USE})]
    if not all(_holds_day(permits, day) for day in days):
        return Reason.NOT_VALID
    denied = any(_holds_day(_denies(records, {USE}), day) for day in days)
    return Reason.WITHDRAWN if denied else None


def _window(
    permitting: Sequence[ConsentRecord],
    records: Sequence[ConsentRecord],
    stays: Sequence[Interval],
    *,
    retrospective: bool,
) -> list[Interval]:
    permits = [permit for record in permitting for permit in _permits(record, {COLLECT})]
    collected = _subtract((_from_stay(permit, stays) for permit in permits), _denies(records, {COLLECT}))
    if not retrospective:
        return _merge(collected)
    earlier = [part for record in permitting for part in _earlier(record)]
    return _merge([*collected, *_subtract(earlier, _denies(records, RETROSPECTIVE))])


def _from_stay(permit: Interval, stays: Sequence[Interval]) -> Interval:
    starts = [start for start, end in stays if start < permit[0] <= end]
    return min(starts, default=permit[0]), permit[1]


def _earlier(record: ConsentRecord) -> list[Interval]:
    """What X.45/X.46 add in front of each X.6 period of the same Consent that they overlap."""
    looking_back = _permits(record, RETROSPECTIVE)
    return [
        (BEGINNING, start - _DAY)
        for start, end in _permits(record, {COLLECT})
        if start > BEGINNING and any(low <= end and start <= high for low, high in looking_back)
    ]


def _permits(record: ConsentRecord, codes: Set[str]) -> list[Interval]:
    own = (provision for provision in record.provisions if provision.type == "permit")
    periods = (_permitted(provision) for provision in own if not codes.isdisjoint(provision.codes))
    return [period for period in periods if period is not None]


def _permitted(provision: Provision) -> Interval | None:
    start = _span(provision.start)
    end = (date.max, date.max) if provision.end is None else _span(provision.end)
    if start is None or end is None or start[1] > end[1]:
        return None
    return start[1], end[1]


def _denies(records: Iterable[ConsentRecord], codes: Set[str]) -> list[Interval]:
    in_force = (record for record in records if record.status not in _NOT_IN_FORCE)
    provisions = (provision for record in in_force for provision in record.provisions)
    return [
        _denied(provision)
        for provision in provisions
        if provision.type != "permit" and _concerns(provision, codes)
    ]


def _concerns(deny: Provision, codes: Set[str]) -> bool:
    is_of_policies = any(code.startswith(f"{OID}.") for code in deny.codes)
    if UNREADABLE in deny.codes or not is_of_policies:
        return True
    denied = {*deny.codes}.union(*(_DENIED_BY.get(code, frozenset()) for code in deny.codes))
    return not codes.isdisjoint(denied)


def _denied(provision: Provision) -> Interval:
    start, end = _span(provision.start), _span(provision.end)
    low = start[0] if start else date.min
    high = end[1] if end else date.max
    return (low, high) if low <= high else (date.min, date.max)


def _stays(stays: Iterable[EncounterPeriod]) -> list[Interval]:
    """The days each Encounter surely covers; one without a readable start and end moves nothing."""
    spans = ((_span(stay.start), _span(stay.end)) for stay in stays)
    return [(start[1], end[0]) for start, end in spans if start and end and start[1] <= end[0]]


def _span(iso: str | None) -> Interval | None:
    return span(day_text(iso))


def _holds_day(intervals: Iterable[Interval], day: date) -> bool:
    return any(low <= day <= high for low, high in intervals)


def _merge(intervals: Iterable[Interval]) -> list[Interval]:
    """The same days as sorted intervals that neither overlap nor touch."""
    merged: list[Interval] = []
    for low, high in sorted(intervals):
        if merged and (merged[-1][1] == date.max or low <= merged[-1][1] + _DAY):
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


def _subtract(intervals: Iterable[Interval], denies: Iterable[Interval]) -> list[Interval]:
    left = list(intervals)
    for deny in denies:
        left = [part for interval in left for part in _without(interval, deny)]
    return left


def _without(interval: Interval, deny: Interval) -> list[Interval]:
    (low, high), (start, end) = interval, deny
    if end < low or high < start:
        return [interval]
    before = [(low, start - _DAY)] if start > low else []
    after = [(end + _DAY, high)] if end < high else []
    return before + after
