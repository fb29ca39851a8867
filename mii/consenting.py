"""Rule 7 of consent applied to an export: whose resources stay, which of them, and how many do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from anonymizer.errors import ConsentMissing
from mii.collecting import Collected
from mii.consent import NO_CONSENT, Decision, EncounterPeriod, Window, decide, unexpected_categories
from mii.records import Dated, Stay
from mii.request import MiiRequest


@dataclass(frozen=True, slots=True)
class Consented:
    """What may be used. ``kept`` and ``dropped`` count resources by type and patient; they stay in memory."""

    collected: Collected
    decisions: Mapping[str, Decision]
    kept: Mapping[str, Mapping[str, int]]
    dropped: Mapping[str, Mapping[str, int]]


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
    outcomes = {name: _within(records, windows) for name, records in collected.dated.items()}
    return Consented(
        replace(collected, persons=persons, dated={name: inside for name, (inside, *_) in outcomes.items()}),
        decisions,
        kept={name: kept for name, (_, kept, _) in outcomes.items()},
        dropped={name: dropped for name, (_, _, dropped) in outcomes.items()},
    )


def consent_counts(before: Collected, consented: Consented) -> dict[str, Any]:
    """Counts for the audit: patients by reason, resources kept and dropped by type. No ids."""
    reasons = Counter(
        str(consented.decisions.get(patient, NO_CONSENT).reason) for patient in before.persons
    )
    accepted = consented.collected.persons
    return {
        "consents": len(before.consents),
        "consents_without_expected_category": unexpected_categories(before.consents),
        "patients_by_reason": dict(sorted(reasons.items())),
        "resources_kept": _sums(consented.kept, lambda patient: True),
        "resources_dropped_outside_window": _sums(consented.dropped, lambda patient: patient in accepted),
        "resources_dropped_patient_not_accepted": _sums(
            consented.dropped, lambda patient: patient not in accepted
        ),
    }


def _sums(counts: Mapping[str, Mapping[str, int]], counted: Callable[[str], bool]) -> dict[str, int]:
    return {
        name: sum(count for patient, count in of_type.items() if counted(patient))
        for name, of_type in sorted(counts.items())
    }


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
    records: Mapping[str, Dated], windows: Mapping[str, Window | None]
) -> tuple[dict[str, Dated], Counter[str], Counter[str]]:
    """The records inside their patients' windows, and by patient how many were inside and outside.

    A record without detail is only counted. A patient's days repeat, so each answer is found once.
    """
    answers: dict[str, dict[Any, bool]] = {patient: {} for patient in windows}
    inside: dict[str, Dated] = {}
    kept, dropped = list[str](), list[str]()
    for identity, record in records.items():
        patient = record.patient
        known = answers.get(patient)
        if known is None:
            dropped.append(patient)
            continue
        question = (record.start, record.end) if record.is_period else record.start
        allowed = known.get(question)
        if allowed is None:
            allowed = known[question] = _covers(windows[patient], record)
        (kept if allowed else dropped).append(patient)
        if allowed and record.detail is not None:
            inside[identity] = record
    return inside, Counter(kept), Counter(dropped)


def _covers(window: Window | None, record: Dated) -> bool:
    if window is None:
        return False
    if record.is_period:
        return window.covers_period(record.start, record.end)
    return window.covers(record.start)
