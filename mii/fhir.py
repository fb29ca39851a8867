"""FHIR JSON decoded into what is wanted of it, and nothing else.

Every class declares only the elements a column or a rule needs. What is not declared is skipped by the
decoder and never becomes an object: names, addresses, notes, pictures and unknown extensions cannot reach
a column, because nothing holds them.

The decoder's own errors quote the value that broke the rule, so none of them leaves this module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Optional, Union

import msgspec
from msgspec import Struct, field

from anonymizer.errors import BadInput
from mii.fhir_types import RESOURCE_TYPES
from mii.undecoded import RawBundle, RawEntry, decoded


class Coding(Struct, gc=False):
    system: str | None = None
    code: str | None = None


class CodeableConcept(Struct, gc=False):
    coding: list[Coding] | None = None


class CodeExtension(Struct, gc=False):
    """An extension whose value may be a coding; any other value stays unread."""

    url: str | None = None
    value: Coding | None = field(default=None, name="valueCoding")


class MarkedCoding(Struct, gc=False):
    """An ICD-10-GM coding; its cross, asterisk or exclamation mark may stand in an extension."""

    system: str | None = None
    code: str | None = None
    extension: list[CodeExtension] | None = None


class MarkedConcept(Struct, gc=False):
    coding: list[MarkedCoding] | None = None


class Reference(Struct, gc=False):
    reference: str | None = None


class Period(Struct, gc=False):
    start: str | None = None
    end: str | None = None


class Meta(Struct, gc=False):
    updated: str | None = field(default=None, name="lastUpdated")


class Quantity(Struct, gc=False):
    value: float | None = None
    comparator: str | None = None
    code: str | None = None
    unit: str | None = None


class Extended(Struct, gc=False):
    extension: list[CodeExtension] | None = None


class PartedExtension(Struct, gc=False):
    """An extension made of extensions that hold codings: a key of the German hospitals, place by place."""

    url: str | None = None
    extension: list[CodeExtension] | None = None


class Disposition(Struct, gc=False):
    extension: list[PartedExtension] | None = None


class Hospitalization(Struct, gc=False):
    source: CodeableConcept | None = field(default=None, name="admitSource")
    disposition: Disposition | None = field(default=None, name="dischargeDisposition")


class Address(Struct, gc=False):
    use: str | None = None
    type: str | None = None
    postal_code: str | None = field(default=None, name="postalCode")
    extension: list[CodeExtension] | None = None
    city: Extended | None = field(default=None, name="_city")


class Resource(Struct, gc=False, tag=True, tag_field="resourceType"):
    """What every resource has; a subclass is named as its FHIR type."""

    id: str | None = None


class PatientLink(Struct, gc=False):
    other: Reference | None = None
    type: str | None = None


class Patient(Resource, gc=False):
    meta: Meta | None = None
    gender: str | None = None
    official: Extended | None = field(default=None, name="_gender")
    birth_date: str | None = field(default=None, name="birthDate")
    deceased: bool | None = field(default=None, name="deceasedBoolean")
    deceased_on: str | None = field(default=None, name="deceasedDateTime")
    address: list[Address] | None = None
    link: list[PatientLink] | None = None


class EncounterDiagnosis(Struct, gc=False):
    condition: Reference | None = None
    use: CodeableConcept | None = None
    rank: int | None = None


class Encounter(Resource, gc=False):
    meta: Meta | None = None
    status: str | None = None
    subject: Reference | None = None
    contact_class: Coding | None = field(default=None, name="class")
    extension: list[PartedExtension] | None = None
    hospitalization: Hospitalization | None = None
    type: list[CodeableConcept] | None = None
    service_type: CodeableConcept | None = field(default=None, name="serviceType")
    period: Period | None = None
    diagnosis: list[EncounterDiagnosis] | None = None
    part_of: Reference | None = field(default=None, name="partOf")


class Condition(Resource, gc=False):
    meta: Meta | None = None
    verification: CodeableConcept | None = field(default=None, name="verificationStatus")
    subject: Reference | None = None
    encounter: Reference | None = None
    code: MarkedConcept | None = None
    recorded: str | None = field(default=None, name="recordedDate")
    onset: str | None = field(default=None, name="onsetDateTime")
    onset_period: Period | None = field(default=None, name="onsetPeriod")


class Procedure(Resource, gc=False):
    meta: Meta | None = None
    status: str | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    code: CodeableConcept | None = None
    moment: str | None = field(default=None, name="performedDateTime")
    period: Period | None = field(default=None, name="performedPeriod")


class Observation(Resource, gc=False):
    meta: Meta | None = None
    status: str | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    code: CodeableConcept | None = None
    moment: str | None = field(default=None, name="effectiveDateTime")
    instant: str | None = field(default=None, name="effectiveInstant")
    period: Period | None = field(default=None, name="effectivePeriod")
    quantity: Quantity | None = field(default=None, name="valueQuantity")
    concept: CodeableConcept | None = field(default=None, name="valueCodeableConcept")


class Ingredient(Struct, gc=False):
    concept: CodeableConcept | None = field(default=None, name="itemCodeableConcept")
    reference: Reference | None = field(default=None, name="itemReference")


class Medication(Resource, gc=False):
    meta: Meta | None = None
    code: CodeableConcept | None = None
    ingredient: list[Ingredient] | None = None
    contained: list[Contained] | None = None


class Contained(Struct, gc=False):
    """A resource inside another one; only a Medication is looked at."""

    type: str | None = field(default=None, name="resourceType")
    id: str | None = None
    code: CodeableConcept | None = None
    ingredient: list[Ingredient] | None = None


class MedicationAdministration(Resource, gc=False):
    meta: Meta | None = None
    status: str | None = None
    subject: Reference | None = None
    encounter: Reference | None = field(default=None, name="context")
    concept: CodeableConcept | None = field(default=None, name="medicationCodeableConcept")
    reference: Reference | None = field(default=None, name="medicationReference")
    contained: list[Contained] | None = None
    moment: str | None = field(default=None, name="effectiveDateTime")
    period: Period | None = field(default=None, name="effectivePeriod")


class MedicationStatement(Resource, gc=False):
    meta: Meta | None = None
    status: str | None = None
    subject: Reference | None = None
    encounter: Reference | None = field(default=None, name="context")
    concept: CodeableConcept | None = field(default=None, name="medicationCodeableConcept")
    reference: Reference | None = field(default=None, name="medicationReference")
    contained: list[Contained] | None = None
    moment: str | None = field(default=None, name="effectiveDateTime")
    period: Period | None = field(default=None, name="effectivePeriod")


class MedicationRequest(Resource, gc=False):
    meta: Meta | None = None
    status: str | None = None
    subject: Reference | None = None
    encounter: Reference | None = None
    concept: CodeableConcept | None = field(default=None, name="medicationCodeableConcept")
    reference: Reference | None = field(default=None, name="medicationReference")
    contained: list[Contained] | None = None
    moment: str | None = field(default=None, name="authoredOn")


class DiagnosticReport(Resource, gc=False):
    meta: Meta | None = None
    subject: Reference | None = None
    moment: str | None = field(default=None, name="effectiveDateTime")
    period: Period | None = field(default=None, name="effectivePeriod")


class ServiceRequest(Resource, gc=False):
    meta: Meta | None = None
    subject: Reference | None = None
    moment: str | None = field(default=None, name="authoredOn")


class Provision(Struct, gc=False):
    type: str | None = None
    period: Period | None = None
    code: list[CodeableConcept] | None = None
    provision: list[Provision] | None = None


class Consent(Resource, gc=False):
    meta: Meta | None = None
    status: str | None = None
    patient: Reference | None = None
    scope: CodeableConcept | None = None
    category: list[CodeableConcept] | None = None
    provision: Provision | None = None


READ = {
    cls.__name__: cls
    for cls in (
        Patient,
        Encounter,
        Condition,
        Procedure,
        Observation,
        Medication,
        MedicationAdministration,
        MedicationStatement,
        MedicationRequest,
        DiagnosticReport,
        ServiceRequest,
        Consent,
    )
}
"""The types that are read; of every other type of FHIR R4 only the id is, to count it once."""


class EntryRequest(Struct, gc=False):
    """What a Bundle's entry asks a server to do."""

    method: str | None = None


class Unknown(Struct, gc=False):
    """A resource whose type FHIR R4 does not have."""

    type: str | None = field(default=None, name="resourceType")
    id: str | None = None


class Entry(Struct, gc=False):
    """One entry of a decoded Bundle."""

    full_url: str | None
    resource: Resource | Unknown | Bundle | None
    request: EntryRequest | None = None


class Bundle(Struct, gc=False):
    """A decoded Bundle; ``entry`` are its `Entry` objects (or a run-time twin with the same names)."""

    id: str | None = None
    entry: list[Entry] | None = None


_ELEMENT = re.compile(r" - at `(\$[\w.\[\]]*)`$")


class Decoder:
    """Decodes one JSON document at a time: a resource, or a Bundle of resources.

    ``wanted`` are the types decoded as their class here; all others keep their id alone. It is made once
    per run, because building a tagged union is slow and decoding with it is not.
    """

    def __init__(self, wanted: frozenset[str]) -> None:
        self.wanted = wanted
        self.classes: dict[str, type[Resource]] = {
            name: READ[name] if name in wanted else _id_only(name) for name in sorted(RESOURCE_TYPES)
        }
        bundle = _bundle_class(self.classes)
        self.bundle_classes = (bundle, Bundle)
        self._resource: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
            _union([*self.classes.values(), bundle])
        )
        self._generic, self._raw = msgspec.json.Decoder(Unknown), msgspec.json.Decoder(RawBundle)

    def decode(self, document: bytes | memoryview) -> Resource | Unknown | Bundle:
        """The resource or Bundle in ``document``.

        Raises ``BadInput`` where it is no JSON, nested too deeply, or no resource; its text names the
        element's path and never a value.
        """
        try:
            return self._resource.decode(document)  # type: ignore[no-any-return]
        except msgspec.ValidationError as error:
            element = _element(error)
        except msgspec.DecodeError:
            raise BadInput("a resource is not complete, valid JSON") from None
        except RecursionError:
            raise BadInput("a resource is nested too deeply") from None
        return self._unusual(document, element)

    def is_fhir(self, document: bytes) -> bool:
        """Whether a JSON document says that it is a resource.

        Raises ``BadInput`` where it is no JSON, or holds resources and is none itself.
        """
        if decoded(self._generic, document, "a file is not complete, valid JSON").type is not None:
            return True
        if b'"resourceType"' in document:
            raise BadInput("a JSON document that is no resource holds some", hint="write them as a Bundle")
        return False

    def _unusual(self, document: bytes | memoryview, element: str) -> Unknown | Bundle:
        """A resource of a type that FHIR R4 does not have, or a Bundle that holds one (or a Bundle)."""
        kind = decoded(self._generic, document, "a JSON document is no FHIR resource")
        if kind.type is None:
            raise BadInput("a JSON document is no FHIR resource: it has no resourceType")
        if kind.type == "Bundle":
            raw = decoded(self._raw, document, f"Bundle: an element has the wrong type{element}")
            return Bundle(kind.id, [self._entry(entry) for entry in raw.entry or []])
        if kind.type in self.classes:
            raise BadInput(f"{kind.type}: an element has the wrong type{element}")
        return kind

    def _entry(self, entry: RawEntry) -> Entry:
        request = None if entry.method is None else EntryRequest(entry.method)
        return Entry(entry.full_url, self._inner(entry), request)

    def _inner(self, entry: RawEntry) -> Resource | Unknown | Bundle | None:
        document = bytes(entry.resource)
        return None if document in (b"", b"null") else self.decode(document)


def _id_only(name: str) -> type[Any]:
    return msgspec.defstruct(name, [], bases=(Resource,), tag=name, tag_field="resourceType", gc=False)


def _union(members: list[type[Any]]) -> Any:
    return Union[tuple(members)]  # noqa: UP007


def _bundle_class(classes: Mapping[str, type[Resource]]) -> type[Any]:
    inner = _union([*classes.values(), type(None)])
    url = ("full_url", Optional[str], field(default=None, name="fullUrl"))  # noqa: UP045
    request = ("request", Optional[EntryRequest], None)  # noqa: UP045
    entry = msgspec.defstruct("Entry", [url, ("resource", inner, None), request], gc=False)
    entries = ("entry", Optional[list[entry]], None)  # type: ignore[valid-type]  # noqa: UP045
    return msgspec.defstruct(
        "Bundle", [entries], bases=(Resource,), tag="Bundle", tag_field="resourceType", gc=False
    )


def _element(error: msgspec.ValidationError) -> str:
    place = _ELEMENT.search(str(error))
    return f" (at {place[1]})" if place else ""
