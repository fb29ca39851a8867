"""From a decoded resource to the record kept of it: which elements, which code systems, which status."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from mii import fhir
from mii.consent import ConsentRecord, Provision
from mii.dates import day_text
from mii.records import Coded, Dated, Diagnosis, Measured, Person, Stay, Substance, Use
from mii.references import NOWHERE, Targets

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
_MARKS = "†*!+"


class Extractor:
    """Makes the record of each resource. ``loincs`` are the LOINC codes that some column asks for."""

    def __init__(self, loincs: frozenset[str]) -> None:
        self._loincs = loincs
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
        )

    def encounter(self, encounter: fhir.Encounter) -> Dated:
        """What is kept of an Encounter."""
        period = encounter.period or fhir.Period()
        stay = Stay(
            tuple(_codes(_codings(encounter.type or ()), CONTACT_LEVEL)),
            period.start,
            period.end,
            _department(encounter.service_type),
            _target(self._encounters, encounter.part_of),
            tuple(self._uses(encounter.diagnosis or ())),
        )
        return self._dated(encounter, None, encounter.period, _unless_void(encounter.status, stay))

    def condition(self, condition: fhir.Condition) -> Dated:
        """What is kept of a Condition."""
        states = _concept(condition.verification)
        void = next((str(state.code) for state in states if state.code in VOID), None)
        codings = _concept(condition.code)
        detail = Diagnosis(
            _target(self._encounters, condition.encounter),
            tuple(code for coding in codings for code in _icd_codes(coding)),
            tuple(_codes(codings, ICD_10)),
        )
        return self._dated(condition, condition.recorded, None, void or detail)

    def procedure(self, procedure: fhir.Procedure) -> Dated:
        """What is kept of a Procedure."""
        codes = tuple(_codes_of(_concept(procedure.code), OPS))
        detail = Coded(_target(self._encounters, procedure.encounter), codes)
        return self._dated(
            procedure, procedure.moment, procedure.period, _unless_void(procedure.status, detail)
        )

    def observation(self, observation: fhir.Observation) -> Dated:
        """What is kept of an Observation: its dates, and the value where a column asks for its code."""
        concept, loincs = observation.code, self._loincs
        if concept is not None and concept.coding is not None:
            for coding in concept.coding:
                if coding.code in loincs and coding.system == LOINC:
                    detail = _unless_void(observation.status, self._measured(observation))
                    return self._observed(observation, detail)
        return self._observed(observation, None)

    def medication_event(
        self, event: fhir.MedicationAdministration | fhir.MedicationStatement
    ) -> Dated:
        """What is kept of a MedicationAdministration or MedicationStatement."""
        return self._dated(event, event.moment, event.period, _unless_void(event.status, self._drug(event)))

    def medication_request(self, request: fhir.MedicationRequest) -> Dated:
        """What is kept of a MedicationRequest."""
        return self._dated(request, request.moment, None, _unless_void(request.status, self._drug(request)))

    def report(self, report: fhir.DiagnosticReport) -> Dated:
        """The dates of a DiagnosticReport."""
        return self._dated(report, report.moment, report.period, None)

    def order(self, order: fhir.ServiceRequest) -> Dated:
        """The date of a ServiceRequest."""
        return self._dated(order, order.moment, None, None)

    def substance(self, medication: fhir.Medication) -> Substance:
        """What is kept of a Medication."""
        ingredients = medication.ingredient or ()
        named = (_target(self._medications, part.reference) for part in ingredients)
        return Substance(
            _updated(medication), tuple(_substance_codes(medication)), tuple(name for name in named if name)
        )

    def consent(self, consent: fhir.Consent) -> tuple[str | None, ConsentRecord]:
        """A Consent's last update and its record."""
        nested = consent.provision.provision if consent.provision else None
        record = ConsentRecord(
            patient=_target(self._patients, consent.patient),
            status=consent.status or "",
            research=any(coding.code == "research" for coding in _concept(consent.scope)),
            category_expected="57016-8" in _codes(_codings(consent.category or ()), LOINC),
            provisions=tuple(_provision(provision) for provision in nested or ()),
        )
        return _updated(consent), record

    def _observed(self, observation: fhir.Observation, detail: Any) -> Dated:
        moment = observation.moment or observation.instant
        return self._dated(observation, moment, observation.period, detail)

    def _dated(self, resource: Any, moment: str | None, period: fhir.Period | None, detail: Any) -> Dated:
        meta, subject = resource.meta, resource.subject
        updated = meta.updated if meta is not None else None
        reference = subject.reference if subject is not None else None
        patient = self._patients[reference] if reference is not None else NOWHERE
        if moment is not None:
            if moment[10:11] == "T":
                moment = moment[:10]
            return Dated(updated, patient, moment, None, False, detail)
        if period is not None:
            return Dated(updated, patient, day_text(period.start), day_text(period.end), True, detail)
        return Dated(updated, patient, None, None, False, detail)

    def _uses(self, diagnoses: Iterable[fhir.EncounterDiagnosis]) -> Iterator[Use]:
        for diagnosis in diagnoses:
            roles = (MAIN_ROLES[code.code] for code in _concept(diagnosis.use) if code.code in MAIN_ROLES)
            order = min(roles, default=None)
            if order is not None:
                rank = NO_RANK if diagnosis.rank is None else diagnosis.rank
                yield Use(_target(self._conditions, diagnosis.condition), order, rank)

    def _measured(self, observation: fhir.Observation) -> Measured:
        quantity = observation.quantity or fhir.Quantity()
        period = observation.period or fhir.Period()
        codings = _concept(observation.code)
        return Measured(
            _target(self._encounters, observation.encounter),
            tuple(code for code in _codes(codings, LOINC) if code in self._loincs),
            observation.moment or observation.instant or period.start,
            quantity.value,
            quantity.comparator,
            quantity.code or quantity.unit,
            next((coding.code for coding in _concept(observation.concept)), None),
        )

    def _drug(self, event: Any) -> Coded:
        codes = [*_codes_of(_concept(event.concept), ATC)]
        reference = event.reference.reference if event.reference else None
        if reference is not None and reference.startswith("#"):
            inside = [part for part in event.contained or () if part.id == reference[1:]]
            codes += [code for part in inside for code in _substance_codes(part)]
        named = self._medications[reference] if reference is not None else NOWHERE
        return Coded(_target(self._encounters, event.encounter), tuple(codes), named)


def _unless_void(status: str | None, detail: Any) -> Any:
    return status if status in VOID else detail


def _updated(resource: Any) -> str | None:
    return resource.meta.updated if resource.meta is not None else None


def _target(targets: Targets, reference: fhir.Reference | None) -> str:
    named = reference.reference if reference is not None else None
    return targets[named] if named is not None else NOWHERE


def _concept(concept: Any) -> Any:
    return (concept.coding or ()) if concept is not None else ()


def _codings(concepts: Iterable[fhir.CodeableConcept]) -> list[fhir.Coding]:
    return [coding for concept in concepts for coding in _concept(concept)]


def _codes(codings: Iterable[Any], system: str) -> list[str]:
    return [coding.code for coding in codings if coding.system == system and coding.code]


def _codes_of(codings: Iterable[fhir.Coding], systems: frozenset[str]) -> list[str]:
    return [coding.code.strip() for coding in codings if coding.system in systems and coding.code]


def _department(service: fhir.CodeableConcept | None) -> str | None:
    found = (code for system in DEPARTMENT for code in _codes(_concept(service), system))
    return next(found, None)


def _substance_codes(medication: Any) -> Iterator[str]:
    yield from _codes_of(_concept(medication.code), ATC)
    for part in medication.ingredient or ():
        yield from _codes_of(_concept(part.concept), ATC)


def _icd_codes(coding: fhir.MarkedCoding) -> Iterator[tuple[str, bool]]:
    """Each code in a coding, bare, with whether it may stand alone: ``J12.8 U07.1!`` holds two."""
    if coding.system not in ICD_10_GM or not coding.code:
        return
    for text in coding.code.split():
        bare = text.strip(_MARKS)
        if bare:
            secondary = "*" in text or "!" in text or _marked_secondary(coding)
            yield bare.upper(), not secondary


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


def _provision(provision: fhir.Provision) -> Provision:
    period = provision.period or fhir.Period()
    codes = tuple(coding.code for coding in _codings(provision.code or ()) if coding.code)
    return Provision(provision.type or "", period.start, period.end, codes)


_CODE = re.compile(r"[A-Za-z0-9.\-]{1,16}")


def is_code(text: str) -> bool:
    """Whether ``text`` can be a code of a classification rather than a word someone typed."""
    return _CODE.fullmatch(text) is not None
