"""The elements right below a resource, and the names by which a view reaches them.

FHIR R4 (4.0.1), the resources' definitions. Of other types any name is taken as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping

from mii.views.elements import CHOICES

_EVERY = "id meta implicitRules language text contained extension modifierExtension identifier "
_EVENT = _EVERY + "status statusReason category subject reasonCode reasonReference note partOf basedOn "
_DRUG = _EVENT + "medication context supportingInformation effective dosage performer eventHistory "
ROOTS: Mapping[str, frozenset[str]] = {
    kind: frozenset(names.split())
    for kind, names in {
        "Patient": _EVERY + "active name telecom gender birthDate deceased address maritalStatus "
        "multipleBirth photo contact communication generalPractitioner managingOrganization link",
        "Encounter": _EVERY + "status statusHistory class classHistory type serviceType priority subject "
        "episodeOfCare basedOn participant appointment period length reasonCode reasonReference diagnosis "
        "account hospitalization location serviceProvider partOf",
        "Condition": _EVERY + "clinicalStatus verificationStatus category severity code bodySite subject "
        "encounter onset abatement recordedDate recorder asserter stage evidence note",
        "Procedure": _EVENT + "instantiatesCanonical instantiatesUri code encounter performed recorder "
        "asserter performer location bodySite outcome report complication complicationDetail followUp "
        "focalDevice usedReference usedCode",
        "Observation": _EVERY + "basedOn partOf status category code subject focus encounter effective "
        "issued performer value dataAbsentReason interpretation note bodySite method specimen device "
        "referenceRange hasMember derivedFrom component",
        "MedicationAdministration": _DRUG + "instantiates request device",
        "MedicationStatement": _DRUG + "dateAsserted informationSource derivedFrom",
        "MedicationRequest": _EVENT + "intent priority doNotPerform reported medication encounter "
        "supportingInformation authoredOn requester performer performerType recorder instantiatesCanonical "
        "instantiatesUri groupIdentifier courseOfTherapyType insurance dosageInstruction dispenseRequest "
        "substitution priorPrescription detectedIssue eventHistory",
        "MedicationDispense": _DRUG + "location authorizingPrescription type quantity daysSupply "
        "whenPrepared whenHandedOver destination receiver dosageInstruction substitution detectedIssue",
    }.items()
}
"""By type of resource, a choice such as ``onset[x]`` by its stem."""


def spellings(name: str) -> frozenset[str]:
    """``name`` and every element that it may reach.

    The engine reads plain JSON: ``onsetAge`` and ``onset`` reach one element, ``birth`` reaches ``birthDate``
    as if that were a choice, and ``_birthDate`` holds what stands beside a primitive value.
    """
    plain = name.lstrip("_")
    stems = (plain.removesuffix(suffix) for suffix in CHOICES if plain.endswith(suffix))
    return frozenset({name, plain, *stems, *(plain + suffix for suffix in CHOICES)}) - {""}


def root_of(resource: str, name: str) -> frozenset[str]:
    """The elements of the type ``resource`` that ``name`` may reach; none where FHIR has no such element."""
    known = ROOTS.get(resource)
    return spellings(name) if known is None else spellings(name) & known
