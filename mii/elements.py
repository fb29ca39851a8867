"""From a decoded resource to the record kept of it: which elements, which code systems, which status."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import structs

from mii import fhir
from mii.columns import Row
from mii.consent import UNREADABLE, ConsentRecord, Provision
from mii.dates import day_text
from mii.records import Person, Stay, Substance, Use
from mii.references import NOWHERE, Targets, local_id
from mii.tokens import ALPHA_ID, ONSET, ORPHA, PZN, SNOMED, bare, named, others

ICD_10_GM = frozenset(
    {"http://fhir.de/CodeSystem/bfarm/icd-10-gm", "http://fhir.de/CodeSystem/dimdi/icd-10-gm"}
)
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
OPS = frozenset({"http://fhir.de/CodeSystem/bfarm/ops", "http://fhir.de/CodeSystem/dimdi/ops"})
ATC = frozenset(
    {
        "http://fhir.de/CodeSystem/bfarm/atc",
        "http://fhir.de/CodeSystem/dimdi/atc",
        "http://www.whocc.no/atc",
    }
)
LOINC = "http://loinc.org"
CONTACT_LEVEL = "http://fhir.de/CodeSystem/Kontaktebene"
CONTACT_TYPE = "http://fhir.de/CodeSystem/kontaktart-de"
CONTACT_CLASS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ADMISSION_SOURCES = frozenset(
    {"http://fhir.de/CodeSystem/dgkev/Aufnahmeanlass", "http://fhir.de/CodeSystem/dkgev/Aufnahmeanlass"}
)
"""The code system is published under a misspelt URI; some sites write the one that was meant."""
ADMISSION_REASON = "http://fhir.de/StructureDefinition/Aufnahmegrund"
DISCHARGE_REASON = "http://fhir.de/StructureDefinition/Entlassungsgrund"
PLACES = ("ErsteUndZweiteStelle", "DritteStelle", "VierteStelle")
"""The places of a key of the German hospitals (dkgev), each an extension of its own, in their order."""
OFFICIAL_GENDER = "http://fhir.de/StructureDefinition/gender-amtlich-de"
DEPARTMENT = (
    "http://fhir.de/CodeSystem/dkgev/Fachabteilungsschluessel",
    "http://fhir.de/CodeSystem/dkgev/Fachabteilungsschluessel-erweitert",
)
AGS = "http://fhir.de/StructureDefinition/destatis/ags"
MARK = "http://fhir.de/StructureDefinition/icd-10-gm-mehrfachcodierungs-kennzeichen"
VITAL_STATUS = "67162-8"
DEAD, ALIVE = "T", "L"
"""The codes of a Vitalstatus that say so; any other says nothing."""
MAIN_ROLES = {"DD": 0, "CC": 1, "CM": 2}
"""The diagnosis roles that make a main diagnosis, in the order in which they are asked."""

VOID = frozenset({"entered-in-error", "cancelled", "not-done", "not-taken", "planned", "refuted"})
"""The states in which a resource tells of nothing that happened; it is counted and not used."""

NO_RANK = 1 << 31
_NO_ROLE = len(MAIN_ROLES)
_PLAIN_ICD = re.compile(r"[A-Z0-9.]+")
_MARKS = "†*!+"
_OF_CONDITIONS = frozenset({ALPHA_ID, ORPHA, SNOMED})
_OF_DRUGS = frozenset({PZN})


class Extractor:
    """Makes what is kept of the resources that are few; it remembers which texts name which ids."""

    def __init__(self) -> None:
        self._patients, self._encounters = Targets("Patient"), Targets("Encounter")
        self._conditions, self._medications = Targets("Condition"), Targets("Medication")

    def person(self, patient: fhir.Patient) -> Person:
        """What is kept of a Patient."""
        plz, ags = _residence(patient.address or ())
        return Person(
            _updated(patient),
            patient.gender,
            day_text(patient.birth_date),
            patient.deceased,
            day_text(patient.deceased_on),
            plz,
            ags,
            _extended(patient.official, OFFICIAL_GENDER),
            *(self._links(patient.link) if patient.link else ()),
        )

    def stay(self, encounter: fhir.Encounter) -> Stay:
        """What is kept of an Encounter."""
        period = encounter.period
        levels, kinds = _levels_and_kinds(encounter.type) if encounter.type else ((), ())
        return Stay(
            _updated(encounter),
            _target(self._patients, encounter.subject),
            period.start if period is not None else None,
            period.end if period is not None else None,
            encounter.status if encounter.status in VOID else None,
            tuple(levels),
            _department(encounter.service_type),
            _target(self._encounters, encounter.part_of),
            self._uses(encounter.diagnosis) if encounter.diagnosis else (),
            *_circumstances(encounter, kinds),
        )

    def substance(self, medication: fhir.Medication) -> Substance:
        """What is kept of a Medication."""
        parts = [_target(self._medications, part.reference) for part in medication.ingredient or ()]
        codes = tuple(_substance_codes(medication, _by_id(medication.contained)))
        return Substance(_updated(medication), codes, tuple(name for name in parts if name))

    def consent(self, consent: fhir.Consent) -> tuple[str | None, ConsentRecord]:
        """A Consent's last update and its record."""
        root = consent.provision
        record = ConsentRecord(
            patient=_target(self._patients, consent.patient),
            status=consent.status or "",
            research="research" in [coding.code for coding in _concept(consent.scope)],
            category_expected="57016-8" in _types(consent.category or (), LOINC),
            provisions=tuple(_all_provisions(root) if root is not None else ()),
        )
        return _updated(consent), record

    def _links(self, links: Iterable[fhir.PatientLink]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The Patients that a record is merged with, and those that it names as the same person.

        One that is replaced by somebody whom the link does not name is merged with `NOWHERE`; a link that
        says nothing known may tell that.
        """
        told = [(link.type, _target(self._patients, link.other)) for link in links]
        harmless = ("refer", "seealso")
        merged = [who for kind, who in told if kind not in harmless and (kind != "replaces" or who)]
        return tuple(merged), tuple([who for kind, who in told if kind in ("refer", "seealso") and who])

    def _uses(self, diagnoses: Iterable[fhir.EncounterDiagnosis]) -> tuple[Use, ...]:
        uses = []
        for diagnosis in diagnoses:
            order = min([MAIN_ROLES.get(c.code, _NO_ROLE) for c in _concept(diagnosis.use)], default=_NO_ROLE)
            if order != _NO_ROLE:
                rank = NO_RANK if diagnosis.rank is None else diagnosis.rank
                uses.append(Use(_target(self._conditions, diagnosis.condition), order, rank))
        return tuple(uses)


def condition_row(identity: str | None, condition: fhir.Condition) -> Row:
    """The row of a Condition. A code that may not stand alone keeps a mark: ``J12.8 U07.1!``."""
    void = next((state.code for state in _concept(condition.verification) if state.code in VOID), None)
    codes, causes = "", ""
    for coding in _concept(condition.code):
        if coding.system in ICD_10_GM and coding.code:
            codes = f"{codes} {_icd_text(coding)}"
        elif coding.system == ICD_10 and coding.code:
            causes = f"{causes} {coding.code}"
    further = [*others(_concept(condition.code), _OF_CONDITIONS), *_onset(condition)]
    codes = " ".join([codes, *further]) if further else codes
    encounter = condition.encounter
    named = encounter.reference if encounter is not None else None
    return (*_dated(identity, condition, condition.recorded, None), void, named, codes, causes or None)


def procedure_row(identity: str | None, procedure: fhir.Procedure) -> Row:
    """The row of a Procedure."""
    codings = _concept(procedure.code)
    codes = " ".join([*_codes_of(codings, OPS), *others(codings, (SNOMED,))])
    encounter = procedure.encounter
    return (
        *_dated(identity, procedure, procedure.moment, procedure.period),
        procedure.status if procedure.status in VOID else None,
        encounter.reference if encounter is not None else None,
        codes,
        None,
    )


def medication_row(
    identity: str | None, event: fhir.MedicationAdministration | fhir.MedicationStatement
) -> Row:
    """The row of a MedicationAdministration or MedicationStatement."""
    return (*_dated(identity, event, event.moment, event.period), *_drug(event))


def request_row(identity: str | None, request: fhir.MedicationRequest) -> Row:
    """The row of a MedicationRequest."""
    return (*_dated(identity, request, request.moment, None), *_drug(request))


def report_row(identity: str | None, report: fhir.DiagnosticReport) -> Row:
    """The row of a DiagnosticReport: its dates."""
    return _dated(identity, report, report.moment, report.period)


def order_row(identity: str | None, order: fhir.ServiceRequest) -> Row:
    """The row of a ServiceRequest: its date."""
    return _dated(identity, order, order.moment, None)


def _dated(identity: str | None, resource: Any, moment: str | None, period: fhir.Period | None) -> Row:
    meta, subject = resource.meta, resource.subject
    updated = meta.updated if meta is not None else None
    reference = subject.reference if subject is not None else None
    if moment is not None or period is None:
        return identity, updated, reference, moment, None, False
    return identity, updated, reference, period.start, period.end, True


def _drug(event: Any) -> Row:
    codes = _drug_codes(event.concept)
    reference, encounter = event.reference.reference if event.reference else None, event.encounter
    if reference is not None and reference.startswith("#"):
        inside = _by_id(event.contained)
        if (drug := inside.pop(reference[1:], None)) is not None:
            codes += _substance_codes(drug, inside)
    return (
        event.status if event.status in VOID else None,
        encounter.reference if encounter is not None else None,
        " ".join(codes),
        local_id(reference, "Medication") or None if reference is not None else None,
    )


def _updated(resource: Any) -> str | None:
    return resource.meta.updated if resource.meta is not None else None


def _target(targets: Targets, reference: fhir.Reference | None) -> str:
    named = reference.reference if reference is not None else None
    return targets[named] if named is not None else NOWHERE


def _concept(concept: Any) -> Any:
    return (concept.coding or ()) if concept is not None else ()


def _codes_of(codings: Iterable[fhir.Coding], systems: frozenset[str]) -> list[str]:
    return [bare(coding.code) for coding in codings if coding.system in systems and coding.code]


def _types(types: Iterable[fhir.CodeableConcept], system: str) -> tuple[str, ...]:
    return tuple([c.code for t in types for c in t.coding or () if c.system == system and c.code])


def _levels_and_kinds(types: Iterable[fhir.CodeableConcept]) -> tuple[list[str], list[str]]:
    """The codes of Kontaktebene and of Kontaktart."""
    levels, kinds = [], []
    for concept in types:
        for coding in concept.coding or ():
            if coding.code and coding.system == CONTACT_LEVEL:
                levels.append(coding.code)
            elif coding.code and coding.system == CONTACT_TYPE:
                kinds.append(coding.code)
    return levels, kinds


def _circumstances(
    encounter: fhir.Encounter, kinds: Iterable[str]
) -> tuple[str | None, str | None, str | None, str | None, str | None]:
    """Contact type, class, and why the patient came, from where, and why he left."""
    klass, stay = encounter.contact_class, encounter.hospitalization
    left = stay.disposition.extension if stay is not None and stay.disposition is not None else None
    told = _concept(stay.source) if stay is not None else ()
    sources = [coding.code for coding in told if coding.system in ADMISSION_SOURCES]
    return (
        _only(kinds),
        klass.code if klass is not None and klass.system in (None, CONTACT_CLASS) else None,
        _key(encounter.extension, ADMISSION_REASON),
        _only(sources),
        _key(left, DISCHARGE_REASON),
    )


def _only(codes: Iterable[str | None]) -> str | None:
    """The code where there is one; of several, none is chosen."""
    distinct = {code for code in codes if code}
    return distinct.pop() if len(distinct) == 1 else None


def _key(extensions: Iterable[fhir.PartedExtension] | None, url: str) -> str | None:
    """The places of a hospital's key put together, as far as they go without a gap."""
    if not extensions:
        return None
    parts = next((extension.extension for extension in extensions or () if extension.url == url), None)
    codes = {part.url: part.value.code for part in parts or () if part.value is not None and part.value.code}
    known = [codes.get(place) for place in PLACES]
    end = known.index(None) if None in known else len(known)
    return "".join(code for code in known[:end] if code) or None


def _extended(extended: fhir.Extended | None, url: str) -> str | None:
    found = (e.value for e in (extended.extension if extended else None) or () if e.url == url)
    return next((value.code for value in found if value is not None and value.code), None)


def _onset(condition: fhir.Condition) -> Iterator[str]:
    period = condition.onset_period
    begun = day_text(condition.onset or (period.start if period is not None else None))
    if begun:
        yield named(ONSET, begun)


def _department(service: fhir.CodeableConcept | None) -> str | None:
    """The dkgev code, otherwise the extended one."""
    extended = None
    for coding in _concept(service):
        if coding.system == DEPARTMENT[0] and coding.code:
            return str(coding.code)
        if coding.system == DEPARTMENT[1]:
            extended = extended or coding.code
    return extended


def _substance_codes(
    medication: fhir.Medication | fhir.Contained, inside: dict[str, fhir.Contained]
) -> Iterator[str]:
    """The codes of a Medication, its ingredients, and those of them ``inside`` the same resource.

    Each of these is taken out of ``inside`` when it is met, so that a circle ends.
    """
    yield from _drug_codes(medication.code)
    for part in medication.ingredient or ():
        yield from _drug_codes(part.concept)
        named = part.reference.reference if part.reference is not None else None
        if named and named.startswith("#") and (drug := inside.pop(named[1:], None)) is not None:
            yield from _substance_codes(drug, inside)


def _by_id(contained: Iterable[fhir.Contained] | None) -> dict[str, fhir.Contained]:
    return {resource.id: resource for resource in contained or () if resource.id}


def _drug_codes(concept: Any) -> list[str]:
    codings = _concept(concept)
    return [*_codes_of(codings, ATC), *others(codings, _OF_DRUGS)]


def _icd_text(coding: fhir.MarkedCoding) -> str:
    """The codes of a coding with blanks between, ``!`` behind each that may not stand alone."""
    written = coding.code or ""
    if coding.extension is None and _PLAIN_ICD.fullmatch(written):
        return written
    marked = _marked_secondary(coding)
    told = [(text.strip(_MARKS).upper(), "*" in text or "!" in text or marked) for text in written.split()]
    return " ".join(f"{bare(code)}!" if secondary else bare(code) for code, secondary in told if code)


def _marked_secondary(coding: fhir.MarkedCoding) -> bool:
    marks = (extension.value for extension in coding.extension or () if extension.url == MARK)
    return any(mark is not None and mark.code in {"*", "!"} for mark in marks)


def _residence(addresses: Iterable[fhir.Address]) -> tuple[str | None, str | None]:
    """PLZ and AGS: of an address of type ``both``, otherwise of the first that is not postal.

    A post-office box says nothing about where somebody lives, and neither does an old address.
    """
    lived = [address for address in addresses if address.type != "postal" and address.use != "old"]
    lived.sort(key=lambda address: address.type != "both")
    plz = next((address.postal_code.strip() for address in lived if address.postal_code), None)
    return plz, next((code for address in lived for code in _ags(address)), None)


def _ags(address: fhir.Address) -> Iterator[str]:
    of_city = address.city.extension if address.city else None
    for extension in [*(of_city or ()), *(address.extension or ())]:
        if extension.url == AGS and extension.value is not None and extension.value.code:
            yield extension.value.code


def _all_provisions(root: fhir.Provision) -> Iterator[Provision]:
    """The nested provisions of the root, and the root where it is more than the baseline: a rejection."""
    nested = root.provision or ()
    for provision in nested:
        yield from _provisions(provision)
    codes = _policies(root)
    if root.type != "permit" and (codes or not nested):
        yield Provision("deny", None, None, codes)


def _policies(provision: fhir.Provision) -> tuple[str, ...]:
    """The codes of all codings; of a concept without any, that it cannot be read."""
    codes: list[str] = []
    for concept in provision.code or ():
        own = [coding.code.strip() for coding in concept.coding or () if coding.code]
        codes += own or [UNREADABLE]
    return tuple(codes)


def _provisions(provision: fhir.Provision) -> Iterator[Provision]:
    """A provision and the denies inside it: exceptions to it, of which a permit must not widen anything.

    An exception without codes is one to all that it stands in.
    """
    period = provision.period
    start, end = (period.start, period.end) if period is not None else (None, None)
    codes = _policies(provision)
    yield Provision(provision.type or "", start, end, codes)
    for exception in provision.provision or ():
        for part in _provisions(exception):
            if part.type != "permit":
                yield structs.replace(part, codes=part.codes or codes)
