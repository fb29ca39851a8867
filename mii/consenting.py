"""Rule 7 of consent applied to an export: whose resources stay, which of them, and how many do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from anonymizer.errors import ConsentMissing
from mii.collecting import Collected
from mii.consent import NO_CONSENT, Decision, EncounterPeriod, Window, decide, unexpected_categories
from mii.records import Dated, Stay
from mii.request import MiiRequest


@dataclass(frozen=True, slots=True)
class Consented:
    """What may be used. ``dropped`` and ``kept`` count resources by (patient, type); they stay in memory."""

    collected: Collected
    decisions: Mapping[str, Decision]
    kept: Mapping[tuple[str, str], int]
    dropped: Mapping[tuple[str, str], int]


def apply_consent(collected: Collected, request: MiiRequest) -> Consented:
    """What of ``collected`` the consents allow.

    Raises ``ConsentMissing`` where the export holds no Consent, or no patient of it passes.
    """
    if not collected.consents:
        raise ConsentMissing("consent is required and the export holds no Consent")
    decisions = _decisions(collected, request)
    accepted = {patient for patient, decision in decisions.items() if decision.accepted}
    persons = {key: person for key, person in collected.persons.items() if key in accepted}
    if not persons:
        raise ConsentMissing(
            "consent is required and no patient of the export passes", count=len(collected.persons)
        )
    windows = {key: decisions[key].window for key in persons}
    kept, dropped = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    dated = {
        name: _within(name, records, windows=windows, kept=kept, dropped=dropped)
        for name, records in collected.dated.items()
    }
    return Consented(replace(collected, persons=persons, dated=dated), decisions, kept, dropped)


def consent_counts(before: Collected, consented: Consented) -> dict[str, Any]:
    """Counts for the audit: patients by reason, resources kept and dropped by type. No ids."""
    reasons = Counter(
        str(consented.decisions.get(patient, NO_CONSENT).reason) for patient in before.persons
    )
    accepted = consented.collected.persons
    inside = ((name, n) for (patient, name), n in consented.dropped.items() if patient in accepted)
    outside = ((name, n) for (patient, name), n in consented.dropped.items() if patient not in accepted)
    return {
        "consents": len(before.consents),
        "consents_without_expected_category": unexpected_categories(before.consents),
        "patients_by_reason": dict(sorted(reasons.items())),
        "resources_kept": _sums((name, n) for (_, name), n in consented.kept.items()),
        "resources_dropped_outside_window": _sums(inside),
        "resources_dropped_patient_not_accepted": _sums(outside),
    }


def _sums(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums = Counter[str]()
    for name, count in counts:
        sums[name] += count
    return dict(sorted(sums.items()))


def _decisions(collected: Collected, request: MiiRequest) -> Mapping[str, Decision]:
    """A voided Encounter did not happen and moves no window."""
    periods = (
        EncounterPeriod(record.patient, record.start, record.end)
        for record in collected.dated["Encounter"].values()
        if isinstance(record.detail, Stay)
    )
    return decide(
        collected.consents,
        periods,
        reference_date=request.reference_date,
        consent_date=request.consent_date,
        retrospective=request.retrospective,
    )


def _within(
    name: str,
    records: dict[str, Dated],
    *,
    windows: Mapping[str, Window | None],
    kept: Counter[tuple[str, str]],
    dropped: Counter[tuple[str, str]],
) -> dict[str, Dated]:
    """The records that lie in their patients' windows; a patient's days repeat, so answers are kept."""
    answers: dict[tuple[str, str | None, str | None, bool], bool] = {}
    inside: dict[str, Dated] = {}
    for identity, record in records.items():
        question = (record.patient, record.start, record.end, record.is_period)
        allowed = answers.get(question)
        if allowed is None:
            allowed = answers[question] = _covers(windows.get(record.patient), record)
        if allowed:
            inside[identity] = record
            kept[record.patient, name] += 1
        else:
            dropped[record.patient, name] += 1
    return inside


def _covers(window: Window | None, record: Dated) -> bool:
    if window is None:
        return False
    if record.is_period:
        return window.covers_period(record.start, record.end)
    return window.covers(record.start)
