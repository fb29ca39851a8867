"""The event tables of a core-dataset export read literally: of a patient, the rows that each table must hold.

It stands on `tests.literal_export` and shares nothing with `mii`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from tests.literal_export import (
    ALPHA,
    ATC,
    DEPARTMENT,
    GM,
    KIND,
    LEVEL,
    LOINC,
    OPS,
    ORPHA,
    PZN,
    SNOMED,
    Json,
    Resources,
    codings,
    day,
    event_drugs,
    own,
)

ADMISSION_SOURCE = "http://fhir.de/CodeSystem/dgkev/Aufnahmeanlass"
PLACES = ("ErsteUndZweiteStelle", "DritteStelle", "VierteStelle")
Row = tuple[Any, ...]


def only(codes: Iterable[str]) -> str | None:
    """The code where there is one alone."""
    distinct = set(codes)
    return distinct.pop() if len(distinct) == 1 else None


def encounters(told: Resources, who: str) -> Iterator[Row]:
    for found in own(told, "Encounter", who):
        levels = [c for concept in found.get("type", []) for c in codings(concept, LEVEL)]
        if levels and "einrichtungskontakt" not in levels:
            continue
        start, end = (day(found["period"].get(edge)) for edge in ("start", "end"))
        length = (date.fromisoformat(end) - date.fromisoformat(start)).days if start and end else None
        stay = found.get("hospitalization", {})
        yield (
            start,
            end,
            length,
            next(iter(codings(found.get("serviceType"), DEPARTMENT)), None),
            next(iter(levels), None),
            next((c for concept in found.get("type", []) for c in codings(concept, KIND)), None),
            found["class"]["code"],
            key(found.get("extension", []), "/Aufnahmegrund"),
            only(codings(stay.get("admitSource"), ADMISSION_SOURCE)),
            key(stay.get("dischargeDisposition", {}).get("extension", []), "/Entlassungsgrund"),
            main_diagnosis(told, found),
        )


def key(extensions: Iterable[Json], url: str) -> str | None:
    for extension in extensions:
        if extension["url"].endswith(url):
            parts = {part["url"]: part["valueCoding"]["code"] for part in extension["extension"]}
            return "".join(parts.get(place, "") for place in PLACES)
    return None


def main_diagnosis(told: Resources, found: Json) -> str | None:
    """The first ICD-10-GM code by role and rank."""
    roles = ["DD", "CC", "CM"]
    ranked = [
        (roles.index(use["code"]), entry.get("rank", 1 << 31), entry["condition"]["reference"])
        for entry in found.get("diagnosis", [])
        for use in entry.get("use", {}).get("coding", [])
        if use["code"] in roles
    ]
    named = (told.by_type["Condition"][name.removeprefix("Condition/")] for *_, name in sorted(ranked))
    return next((codings(one["code"], GM)[0] for one in named if codings(one["code"], GM)), None)


def diagnoses(told: Resources, who: str) -> Iterator[Row]:
    for found in own(told, "Condition", who):
        others = [only(codings(found.get("code"), system)) for system in (ALPHA, ORPHA, SNOMED)]
        onset = found.get("onsetDateTime") or found.get("onsetPeriod", {}).get("start")
        rest = (*others, day(onset), day(found.get("recordedDate")))
        yield from ((code, *rest) for code in own_codes(found.get("code"), GM))


def procedures(told: Resources, who: str) -> Iterator[Row]:
    for found in own(told, "Procedure", who):
        when = day(found.get("performedDateTime") or found.get("performedPeriod", {}).get("start"))
        snomed = only(codings(found.get("code"), SNOMED))
        yield from ((code, snomed, when) for code in own_codes(found.get("code"), OPS))


def own_codes(concept: Json | None, *systems: str) -> list[str] | list[None]:
    return sorted(set(codings(concept, *systems))) or [None]


def labs(observations: Mapping[str, str]) -> Callable[[Resources, str], Iterator[Row]]:
    """Those of LOINC codes, each with the only unit that the export has for it."""

    def rows(told: Resources, who: str) -> Iterator[Row]:
        for found in own(told, "Observation", who):
            quantity = found.get("valueQuantity", {})
            if "value" not in quantity or "comparator" in quantity:
                continue
            when = found.get("effectiveDateTime") or found.get("effectivePeriod", {}).get("start")
            for code in codings(found.get("code"), LOINC):
                if code in observations:
                    assert observations[code] == quantity.get("code", quantity.get("unit"))
                    yield code, quantity["value"], observations[code], day(when)

    return rows


def medications(told: Resources, who: str) -> Iterator[Row]:
    for kind in ("administration", "statement", "request"):
        for found in own(told, f"Medication{kind.capitalize()}", who):
            drugs = list(event_drugs(told, found))
            when = found.get("authoredOn") if kind == "request" else found.get("effectiveDateTime")
            start = when or found.get("effectivePeriod", {}).get("start")
            atc = {c for concept in drugs for c in codings(concept, *ATC)}
            pzn = only(c for concept in drugs for c in codings(concept, PZN))
            yield from ((code, pzn, kind, day(start)) for code in sorted(atc) or [None])
