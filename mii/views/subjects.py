"""Whose a resource is, when it happened, and whether it did, whatever its type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mii.elements import VOID

_EFFECTIVE = ("effectiveDateTime", "effectiveInstant", "effectivePeriod")

DATES: Mapping[str, tuple[str, ...]] = {
    "AdverseEvent": ("date",),
    "AllergyIntolerance": ("recordedDate",),
    "CarePlan": ("period", "created"),
    "ClinicalImpression": ("effectiveDateTime", "effectivePeriod", "date"),
    "Composition": ("date",),
    "Condition": ("recordedDate",),
    "DeviceUseStatement": ("timingDateTime", "timingPeriod", "recordedOn"),
    "DiagnosticReport": _EFFECTIVE,
    "DocumentReference": ("date",),
    "Encounter": ("period",),
    "EpisodeOfCare": ("period",),
    "FamilyMemberHistory": ("date",),
    "ImagingStudy": ("started",),
    "Immunization": ("occurrenceDateTime",),
    "List": ("date",),
    "MedicationAdministration": _EFFECTIVE,
    "MedicationDispense": ("whenHandedOver", "whenPrepared"),
    "MedicationRequest": ("authoredOn",),
    "MedicationStatement": _EFFECTIVE,
    "Observation": _EFFECTIVE,
    "Procedure": ("performedDateTime", "performedPeriod"),
    "QuestionnaireResponse": ("authored",),
    "ResearchSubject": ("period",),
    "RiskAssessment": ("occurrenceDateTime", "occurrencePeriod"),
    "ServiceRequest": ("authoredOn",),
    "Specimen": ("collection.collectedDateTime", "collection.collectedPeriod"),
}
"""The date of each type that consent is asked about, the first that is there. A type that is not named here
has none, so that it cannot be asked."""

SUBJECTS: Mapping[str, str] = {
    "Patient": "id",
    **dict.fromkeys(
        """
        AdverseEvent CarePlan CareTeam ChargeItem ClinicalImpression Communication CommunicationRequest
        Composition Condition DeviceRequest DeviceUseStatement DiagnosticReport DocumentManifest
        DocumentReference Encounter Flag Goal GuidanceResponse ImagingStudy Invoice List MeasureReport Media
        MedicationAdministration MedicationDispense MedicationRequest MedicationStatement Observation
        Procedure QuestionnaireResponse RequestGroup RiskAssessment ServiceRequest Specimen
        """.split(),
        "subject",
    ),
    **dict.fromkeys(
        """
        AllergyIntolerance BodyStructure Claim ClaimResponse Consent CoverageEligibilityRequest
        CoverageEligibilityResponse DetectedIssue Device EpisodeOfCare ExplanationOfBenefit
        FamilyMemberHistory Immunization ImmunizationEvaluation ImmunizationRecommendation MolecularSequence
        NutritionOrder RelatedPerson SupplyDelivery VisionPrescription
        """.split(),
        "patient",
    ),
    "ResearchSubject": "individual",
}
"""The element of each type of FHIR R4 (4.0.1) that tells whose a resource is, where it names one person.

An Account's ``subject`` is a list; Coverage and Task have others, of which `facts` knows nothing.
"""
_SUBJECTS = ("subject", "patient", "individual")
_VISITS = ("encounter", "context")


@dataclass(frozen=True, slots=True)
class Facts:
    """What of a resource says to whom and when it belongs; texts are as written.

    ``patient`` and ``encounter`` are references; ``start`` is the moment where there ``is_period`` not.
    """

    patient: str | None
    encounter: str | None
    start: str | None
    end: str | None
    is_period: bool
    void: str | None


def facts(resource: Mapping[str, Any]) -> Facts:
    """Those of a decoded resource."""
    kind = str(resource.get("resourceType"))
    identity = resource.get("id")
    own = f"{kind}/{identity}"
    dates = (found for name in DATES.get(kind, ()) if (found := _reached(resource, name)) is not None)
    when = next(dates, None)
    start, end = (when.get("start"), when.get("end")) if isinstance(when, dict) else (when, None)
    return Facts(
        patient=own if kind == "Patient" else _reference(resource, _SUBJECTS),
        encounter=own if kind == "Encounter" else _reference(resource, _VISITS),
        start=_text(start),
        end=_text(end),
        is_period=isinstance(when, dict),
        void=next((state for state in _states(resource) if state in VOID), None),
    )


def _reached(resource: Mapping[str, Any], name: str) -> Any:
    found: Any = resource
    for step in name.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


def _reference(resource: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    named = (_text(_reached(resource, f"{name}.reference")) for name in names)
    return next((reference for reference in named if reference), None)


def _states(resource: Mapping[str, Any]) -> Iterator[str]:
    yield _text(resource.get("status")) or ""
    codings = _reached(resource, "verificationStatus.coding")
    for coding in codings if isinstance(codings, list) else ():
        yield _text(_reached(coding, "code")) or ""


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
