"""Rule 7 of consent applied to an export: whose resources stay, which of them, and how many do not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import polars as pl

from anonymizer.errors import BadInput, ConsentMissing
from mii.collecting import DATED, Collected
from mii.consent import (
    NO_CONSENT,
    ConsentRecord,
    Decision,
    EncounterPeriod,
    Window,
    decide,
    denies,
    unexpected_categories,
)
from mii.dates import day_text
from mii.facts import by_text, plain
from mii.records import Stay
from mii.references import NOWHERE
from mii.request import MiiRequest

DAY_LENGTH = len("2026-11-22")
SLICE_ROWS = 1 << 17
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What an id is written with, and the underline that many servers allow."""


@dataclass(frozen=True, slots=True)
class Consented:
    """What may be used. ``kept`` and ``dropped`` count resources by type and patient; they stay in memory."""

    collected: Collected
    decisions: Mapping[str, Decision]
    kept: Mapping[str, Mapping[str, int]]
    dropped: Mapping[str, Mapping[str, int]]


def apply_consent(collected: Collected, request: MiiRequest) -> Consented:
    """What of ``collected`` the consents allow.

    Raises ``ConsentMissing`` where the export holds no Consent, or no patient of it passes, and ``BadInput``
    where a withdrawal may be of any patient.
    """
    if not collected.consents:
        raise ConsentMissing("consent is required and the export holds no Consent")
    if unassigned := withdrawals_of_nobody(collected, request):
        raise BadInput(
            "Consent.patient: an active Consent denies collection or use and names no Patient",
            count=unassigned,
            hint="refer to the Patient as Patient/<id>, or take the Consent out of the export",
        )
    decisions = _decisions(collected, request)
    windows = {
        patient: window
        for patient in collected.persons
        if (window := decisions.get(patient, NO_CONSENT).window) is not None
    }
    if not windows:
        raise ConsentMissing(
            "consent is required and no patient of the export passes", count=len(collected.persons)
        )
    stays, of_stays = _stays_within(collected.stays, windows)
    left = pl.concat([collected.facts.clear(), *_within(collected.facts, windows)])
    persons = {patient: collected.persons[patient] for patient in windows}
    kept = _per_patient(chain([left], _within(collected.untold, windows)))
    before = _per_patient([collected.facts, collected.untold])
    return Consented(
        replace(collected, persons=persons, stays=stays, facts=left, untold=collected.untold.clear()),
        decisions,
        kept=kept | {"Encounter": of_stays[True]},
        dropped={
            **{name: counts - kept[name] for name, counts in before.items()},
            "Encounter": of_stays[False],
        },
    )


def consent_counts(before: Collected, consented: Consented) -> dict[str, Any]:
    """Counts for the audit: patients by reason, resources kept and dropped by type. No ids."""
    reasons = Counter(str(consented.decisions.get(patient, NO_CONSENT).reason) for patient in before.persons)
    accepted = consented.collected.persons
    return {
        "consents": len(before.consents),
        "consents_of_nobody": consents_of_nobody(before),
        "consents_without_expected_category": unexpected_categories(before.consents),
        "patients_by_reason": dict(sorted(reasons.items())),
        "resources_kept": _sums(consented.kept, lambda patient: True),
        "resources_dropped_outside_window": _sums(consented.dropped, lambda patient: patient in accepted),
        "resources_dropped_patient_not_accepted": _sums(
            consented.dropped, lambda patient: patient not in accepted
        ),
    }


def patients_by_reason(collected: Collected, request: MiiRequest) -> dict[str, int]:
    """How many patients are in or out for each reason, also where none is in."""
    decisions = _decisions(collected, request)
    reasons = Counter(str(decisions.get(patient, NO_CONSENT).reason) for patient in collected.persons)
    return dict(sorted(reasons.items()))


def consents_of_nobody(collected: Collected) -> int:
    """How many active Consents name no Patient of the export."""
    return sum(
        record.status == "active" and record.patient not in collected.persons for record in collected.consents
    )


def withdrawals_of_nobody(collected: Collected, request: MiiRequest) -> int:
    """How many of `consents_of_nobody` deny what is asked for and do not name somebody else instead."""
    retrospective = request.retrospective
    own = (record for record in collected.consents if _names_nobody(record, collected.persons))
    return sum(denies(record, retrospective=retrospective) for record in own)


def _names_nobody(record: ConsentRecord, persons: Container[str]) -> bool:
    """Whether it cannot be told whose Consent it is; ``Patient/x`` tells it also where x is not exported."""
    patient = record.patient
    return patient not in persons and not _ID.fullmatch(patient)


def _sums(counts: Mapping[str, Mapping[str, int]], counted: Callable[[str], bool]) -> dict[str, int]:
    return {
        name: sum(count for patient, count in of_type.items() if counted(patient))
        for name, of_type in sorted(counts.items())
    }


def _decisions(collected: Collected, request: MiiRequest) -> Mapping[str, Decision]:
    """A voided Encounter did not happen and moves no window."""
    stays = collected.stays.values()
    return decide(
        collected.consents,
        (EncounterPeriod(stay.patient, stay.start, stay.end) for stay in stays if stay.void is None),
        reference_date=request.reference_date,
        consent_date=request.consent_date,
        retrospective=request.retrospective,
    )


def _stays_within(
    stays: Mapping[str, Stay], windows: Mapping[str, Window]
) -> tuple[dict[str, Stay], dict[bool, Counter[str]]]:
    """The Encounters inside their patients' windows, and by patient how many are inside and not."""
    inside: dict[str, Stay] = {}
    counts = {True: Counter[str](), False: Counter[str]()}
    for identity, stay in stays.items():
        window = windows.get(stay.patient)
        allowed = window is not None and window.covers_period(day_text(stay.start), day_text(stay.end))
        counts[allowed][stay.patient] += 1
        if allowed:
            inside[identity] = stay
    return inside, counts


def _within(frame: pl.DataFrame, windows: Mapping[str, Window]) -> Iterator[pl.DataFrame]:
    """The rows inside their patients' windows, slice by slice: what is made on the way stays small."""
    intervals = _intervals(windows, frame.schema["patient"])
    return (_slice_within(rows, windows, intervals) for rows in frame.iter_slices(SLICE_ROWS))


def _slice_within(
    frame: pl.DataFrame, windows: Mapping[str, Window], intervals: pl.DataFrame
) -> pl.DataFrame:
    """Whole days are compared all at once; of anything else the window is asked."""
    asked = frame.with_columns(by_text(frame["start"], _whole_days).alias("day"))
    is_day = pl.col("day").is_not_null() & ~pl.col("is_period").fill_null(value=False)
    days = asked.filter(is_day).join(intervals, on="patient")
    inside = days.filter(pl.col("day").is_between(pl.col("low"), pl.col("high"))).select(frame.columns)
    others = frame.filter(~asked.select(is_day).to_series())
    dates = plain(others.select("patient", "start", "end", "is_period")).iter_rows()
    answers = [_covers(windows.get(patient), *of_resource) for patient, *of_resource in dates]
    return pl.concat([inside, others.filter(pl.Series(answers, dtype=pl.Boolean))])


def _whole_days(texts: pl.Series) -> pl.Series:
    """The days that are written in full."""
    days = texts.str.to_date("%Y-%m-%d", strict=False)
    return days.set(texts.str.len_bytes() != DAY_LENGTH, None)


def _covers(window: Window | None, start: str | None, end: str | None, is_period: bool) -> bool:
    if window is None:
        return False
    return window.covers_period(start, end) if is_period else window.covers(start)


def _intervals(windows: Mapping[str, Window], patient: pl.DataType) -> pl.DataFrame:
    rows = [(patient, low, high) for patient, window in windows.items() for low, high in window.intervals]
    columns = {"patient": pl.String, "low": pl.Date, "high": pl.Date}
    return pl.DataFrame(rows, schema=columns, orient="row").cast({"patient": patient})


def _per_patient(frames: Iterable[pl.DataFrame]) -> dict[str, Counter[str]]:
    """How many resources of each type each patient has; those of nobody count for `NOWHERE`."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in DATED}
    for rows in chain.from_iterable(frame.iter_slices(SLICE_ROWS) for frame in frames):
        for name, patient, count in rows.group_by("type", "patient").len().iter_rows():
            counts[name][patient or NOWHERE] += count
    return counts
