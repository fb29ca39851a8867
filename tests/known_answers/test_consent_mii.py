"""Consent on the MII core dataset's test data 2026.0.0: the outcomes that the project's notes list.

Reference date 2026-11-22; 26 and 24 are the dated resources of patients 1 and 2.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from mii.consent import ConsentRecord, Decision, EncounterPeriod, Provision, Window, decide
from tests.conftest import SHARED, needs_shared

TODAY = date(2026, 11, 22)
EXPORT = SHARED / "data/mii-kds-2026/a_ndjson_per_type"
Json = dict[str, Any]


def resources(kind: str) -> Iterator[Json]:
    with (EXPORT / f"{kind}.ndjson").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def patient(resource: Json) -> str:
    subject = resource.get("patient") or resource["subject"]
    return str(subject["reference"].removeprefix("Patient/mii-exa-test-data-patient-"))


def read_consent(resource: Json) -> ConsentRecord:
    categories = [coding["code"] for category in resource["category"] for coding in category["coding"]]
    return ConsentRecord(
        patient(resource),
        resource["status"],
        "research" in [coding["code"] for coding in resource["scope"]["coding"]],
        "57016-8" in categories,
        tuple(
            Provision(
                nested["type"],
                nested["period"].get("start"),
                nested["period"].get("end"),
                tuple(coding["code"] for concept in nested["code"] for coding in concept["coding"]),
            )
            for nested in resource["provision"]["provision"]
        ),
    )


@pytest.fixture(scope="module")
def decided() -> dict[str, Decision]:
    stays = [
        EncounterPeriod(patient(stay), stay["period"].get("start"), stay["period"].get("end"))
        for stay in resources("Encounter")
    ]
    consents = [read_consent(resource) for resource in resources("Consent")]
    return dict(decide(consents, stays, reference_date=TODAY, consent_date=TODAY))


DATE_ELEMENTS = {
    "Condition": ("recordedDate",),
    "DiagnosticReport": ("effectiveDateTime", "effectivePeriod"),
    "Encounter": ("period",),
    "MedicationAdministration": ("effectiveDateTime", "effectivePeriod"),
    "MedicationRequest": ("authoredOn",),
    "MedicationStatement": ("effectiveDateTime", "effectivePeriod"),
    "Observation": ("effectiveDateTime", "effectivePeriod", "effectiveInstant"),
    "Procedure": ("performedDateTime", "performedPeriod"),
    "ServiceRequest": ("authoredOn",),
}
"""The elements that date a resource, read here on their own; other types are not dropped by a date."""


def kept_and_dropped(decided: dict[str, Decision], who: str) -> tuple[int, int]:
    found = decided[who].window
    assert found is not None
    verdicts = []
    for kind, elements in DATE_ELEMENTS.items():
        for resource in resources(kind):
            if patient(resource) == who:
                dated = next(resource[element] for element in elements if element in resource)
                verdicts.append(
                    found.covers(dated)
                    if isinstance(dated, str)
                    else found.covers_period(dated.get("start"), dated.get("end"))
                )
    return verdicts.count(True), verdicts.count(False)


@needs_shared
def test_patient_8_fails_the_gate(decided: dict[str, Decision]) -> None:
    assert decided["8"].reason == "X.8 is not permitted on the reference date or the run's date"


@needs_shared
def test_patient_11_has_no_consent(decided: dict[str, Decision]) -> None:
    assert "11" not in decided
    assert {who for who, found in decided.items() if not found.accepted} == {"8"}


@needs_shared
def test_the_window_of_patient_3_starts_with_the_stay(decided: dict[str, Decision]) -> None:
    assert decided["3"].window == Window(((date(2022, 4, 2), date(2052, 2, 28)),))


@needs_shared
@pytest.mark.parametrize(("who", "kept", "dropped"), [("1", 3, 23), ("2", 0, 24)])
def test_resources_kept_and_dropped(decided: dict[str, Decision], who: str, kept: int, dropped: int) -> None:
    assert kept_and_dropped(decided, who) == (kept, dropped)
