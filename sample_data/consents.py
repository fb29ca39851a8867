"""The Broad Consent of each life, in every state a hospital's export holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from sample_data.lives import Agreement, Life

Json = dict[str, Any]

OID = "2.16.840.1.113883.3.1937.777.24.5.3"
PROFILE = (
    "https://www.medizininformatik-initiative.de/fhir/modul-consent"
    "/StructureDefinition/mii-pr-consent-einwilligung"
)
MODULES = (
    "https://www.medizininformatik-initiative.de/fhir/modul-consent/CodeSystem/mii-cs-consent-version-modules"
)
COLLECT, STORE, USE, RETROSPECTIVE = (6,), (7,), (8,), (45, 46)
EXPECTED = {
    "coding": [{"system": "http://loinc.org", "code": "57016-8"}],
}
VERSION = {"coding": [{"system": MODULES, "code": "2.16.840.1.113883.3.1937.777.24.2.184"}]}
GICS = {
    "coding": [
        {
            "system": "http://fhir.de/ConsentManagement/CodeSystem/ResultType",
            "code": "consent-status",
        }
    ]
}


SOON = timedelta(days=14)
"""How long an expired or a revoked consent held: all of them ended before the sample's reference date."""


def consents(life: Life, identity: str) -> Iterator[Json]:
    """The Consent resources of one person; none where nobody was asked."""
    start = life.consented
    match life.agreement:
        case Agreement.NONE:
            return
        case Agreement.EXPIRED:
            yield _consent(identity, start, _permits(start, start + SOON, start + SOON))
        case Agreement.INACTIVE:
            yield _consent(identity, start, _whole(start)) | {"status": "inactive"}
        case Agreement.GICS:
            yield _consent(identity, start, _as_gics(start)) | {"category": [GICS, VERSION]}
        case Agreement.RETROSPECTIVE:
            yield _consent(identity, start, [*_whole(start), *_provisions("permit", RETROSPECTIVE, start)])
        case Agreement.VALID | Agreement.REVOKED:
            yield _consent(identity, start, _whole(start))
    if life.agreement is Agreement.REVOKED:
        later = start + SOON
        denies = _provisions("deny", (*COLLECT, *STORE, *USE), later)
        yield _consent(identity, later, denies) | {"id": f"{identity}-consent-2"}


def _whole(start: date) -> list[Json]:
    """The usual agreement: data are collected for five years and used for thirty."""
    return _permits(start, _years(start, 5), _years(start, 30))


def _permits(start: date, collected: date, used: date) -> list[Json]:
    return [
        *_provisions("permit", COLLECT, start, collected.isoformat()),
        *_provisions("permit", (*STORE, *USE), start, used.isoformat()),
    ]


def _as_gics(start: date) -> list[Json]:
    """What gICS writes: the year 3000 for no end, and a deny for what was not agreed to."""
    return [
        *_provisions("permit", COLLECT, start, _years(start, 5).isoformat()),
        *_provisions("permit", (*STORE, *USE), start, "3000-01-01"),
        *_provisions("deny", RETROSPECTIVE, start, "3000-01-01"),
    ]


def _provisions(kind: str, codes: tuple[int, ...], start: date, end: str = "2056-12-31") -> list[Json]:
    period = {"start": start.isoformat(), "end": end}
    return [
        {
            "type": kind,
            "period": period,
            "code": [{"coding": [{"system": f"urn:oid:{OID}", "code": f"{OID}.{code}"}]}],
        }
        for code in codes
    ]


def _consent(identity: str, signed: date, provisions: list[Json]) -> Json:
    return {
        "resourceType": "Consent",
        "id": f"{identity}-consent-1",
        "meta": {"profile": [PROFILE]},
        "status": "active",
        "scope": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "research"}]
        },
        "category": [EXPECTED, VERSION],
        "patient": {"reference": f"Patient/{identity}"},
        "dateTime": signed.isoformat(),
        "organization": [{"display": "Sample Hospital"}],
        "policy": [{"uri": "urn:oid:2.16.840.1.113883.3.1937.777.24.2.1791"}],
        "provision": {
            "type": "deny",
            "period": {"start": signed.isoformat(), "end": "2056-12-31"},
            "provision": provisions,
        },
    }


def _years(day: date, years: int) -> date:
    """The same day years later; the last of February has one in every year."""
    return day.replace(year=day.year + years, day=min(day.day, 28) if day.month == 2 else day.day)
