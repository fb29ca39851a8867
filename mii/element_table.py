"""The elements of the core dataset that an inspection looks for: where they stand, and what they tell.

After the element table of the core dataset's modules Person, Fall, Diagnose, Prozedur, Labor, Medikation and
Consent (2026.0). An element has a class: D direct identifier, Q quasi-identifier, S sensitive, I insensitive.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from mii.consent import OID
from mii.elements import AGS, ATC, CONTACT_LEVEL, DEPARTMENT, ICD_10, ICD_10_GM, LOINC, OPS

PZN = frozenset({"http://fhir.de/CodeSystem/ifa/pzn"})
ORPHA = frozenset({"http://www.orpha.net"})
SNOMED = frozenset({"http://snomed.info/sct"})
ALPHA_ID = frozenset({"http://fhir.de/CodeSystem/bfarm/alpha-id", "http://fhir.de/CodeSystem/dimdi/alpha-id"})

KNOWN_SYSTEMS = frozenset(
    {
        *ICD_10_GM,
        *OPS,
        *ATC,
        *PZN,
        *ORPHA,
        *SNOMED,
        *ALPHA_ID,
        *DEPARTMENT,
        ICD_10,
        LOINC,
        CONTACT_LEVEL,
        f"urn:oid:{OID}",
        "http://fhir.de/CodeSystem/kontaktart-de",
        "http://fhir.de/CodeSystem/ask",
        "http://fdasis.nlm.nih.gov",
        "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        "http://terminology.hl7.org/CodeSystem/diagnosis-role",
        "http://terminology.hl7.org/CodeSystem/consentscope",
        "http://terminology.hl7.org/CodeSystem/icd-o-3",
        "http://terminology.hl7.org/CodeSystem/CAS",
        "http://terminology.hl7.org/CodeSystem/observation-category",
        "http://terminology.hl7.org/CodeSystem/v2-0074",
        "http://hl7.org/fhir/uv/genomics-reporting/CodeSystem/tbd-codes-cs",
        "http://unitsofmeasure.org",
        "http://omim.org",
        "http://radlex.org",
        "http://purl.obolibrary.org/obo/hp.owl",
        "http://purl.obolibrary.org/obo/mondo.owl",
        "http://www.genenames.org/geneId",
        "http://varnomen.hgvs.org",
        "http://standardterms.edqm.eu",
        "https://nih-ncpi.github.io/ncpi-fhir-ig/CodeSystem-ncit.html",
        "https://www.uicc.org/resources/tnm",
        "http://human-phenotype-ontology.org",
        "urn:iso:std:iso:11073:10101",
        "https://www.medizininformatik-initiative.de/fhir/core/modul-person/CodeSystem/Vitalstatus",
    }
)
"""The code systems that may be named; of any other an inspection tells only how often it occurs.

A site's own system can carry a name or a number of a person in its address.
"""


class Tells(Enum):
    """What can be asked of an element besides whether it is there."""

    PRESENCE = "presence"
    DATE = "date"
    CODES = "codes"
    TEXT = "text"


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """An element of resources of type ``kind``, called ``name``, at one or several alternative ``paths``.

    A path is dotted; lists on the way are gone through. ``systems`` keeps the codings of those systems alone.
    ``vocabulary`` names the shape its codes or texts must have. ``column`` is the pattern of a flattened
    table's columns where it does not follow from the paths.
    """

    kind: str
    name: str
    role: str
    paths: tuple[str, ...]
    tells: Tells = Tells.PRESENCE
    systems: frozenset[str] = frozenset()
    vocabulary: str = ""
    column: str = ""

    @property
    def columns(self) -> re.Pattern[str]:
        """What the columns are called that hold it in a flattened table."""
        told = self.column or "|".join(_column(path) for path in self.paths)
        return re.compile(rf"{self.kind}_(?:{told})")


def _column(path: str) -> str:
    """The pattern of a path's columns: slices are glued to their element, and a choice names its type."""
    steps = [_CHOICE.sub(_chosen, step) for step in path.split(".")]
    told = "_".join(rf"{step}{_SLICE if step in _SLICED else ''}" for step in steps)
    return told + (_OF_CODING if steps[-1] == "coding" else r"(?:_\w+)?")


_SLICE = r"(?:[A-Z0-9][A-Za-z0-9]*)?"
_OF_CODING = r"_(?:code|system|version|display)"
_SLICED = frozenset(
    "address category code coding diagnosis identifier ingredient name serviceType telecom type use".split()
)
_CHOICE = re.compile(r"^(deceased|onset|performed|effective|value|medication|item)([A-Z]\w*)$")


def _chosen(found: re.Match[str]) -> str:
    return f"{found[1]}_X_{found[0].capitalize()}"


def _coded(kind: str, name: str, role: str, path: str, slices: Mapping[str, frozenset[str]]) -> list[Element]:
    """An element with codings, and one for each code system that the core dataset names for it."""
    whole = Element(kind, name, role, (path,), Tells.CODES)
    return [whole] + [
        Element(kind, f"{name}: {label}", role, (path,), Tells.CODES, systems, label.lower())
        for label, systems in slices.items()
    ]


def _date(kind: str, name: str, *paths: str) -> Element:
    return Element(kind, name, "Q", paths, Tells.DATE)


def _direct(kind: str, *names: str) -> list[Element]:
    return [Element(kind, name, "D", (name,)) for name in names]


_AGS_COLUMN = r"address\w*_city_extension(?:Gemeindeschluessel|Ags)_\w*code"
_OTHER_VALUES = "String Integer Boolean Range Ratio SampledData Time DateTime Period".split()
_DRUGS = {"ATC": ATC, "PZN": PZN}


CODED_VALUE = Element("Observation", "value (code)", "S", ("valueCodeableConcept.coding",), Tells.CODES)
QUANTITY = Element("Observation", "value (quantity)", "S", ("valueQuantity.value",))
UNIT = Element("Observation", "unit (UCUM code)", "S", ("valueQuantity.code",))
COMPARATOR = Element("Observation", "comparator", "S", ("valueQuantity.comparator",))
OTHER_VALUE = Element("Observation", "value (other)", "S", tuple(f"value{name}" for name in _OTHER_VALUES))
REASON = Element("Observation", "dataAbsentReason", "S", ("dataAbsentReason",))
CATEGORY = Element("Observation", "category", "I", ("category.coding",), Tells.CODES)


def _medication_event(kind: str) -> list[Element]:
    dates = (
        [_date(kind, "authoredOn", "authoredOn")]
        if kind == "MedicationRequest"
        else [
            _date(kind, "effective", "effectiveDateTime", "effectivePeriod.start"),
            _date(kind, "effective (end)", "effectivePeriod.end"),
        ]
    )
    return [
        *_direct(kind, "identifier", "note"),
        *_coded(kind, "medication (code)", "S", "medicationCodeableConcept.coding", _DRUGS),
        Element(kind, "medication (reference)", "S", ("medicationReference.reference",)),
        *dates,
    ]


ELEMENTS: tuple[Element, ...] = (
    *_direct(
        "Patient", "identifier", "name", "telecom", "address.line", "address.city", "photo", "contact", "text"
    ),
    Element("Patient", "gender", "Q", ("gender",)),
    _date("Patient", "birthDate", "birthDate"),
    Element("Patient", "postal code", "Q", ("address.postalCode",), Tells.TEXT, vocabulary="plz"),
    Element(
        "Patient",
        "municipality (AGS)",
        "Q",
        tuple(f"{at}.extension[{AGS}].valueCoding.code" for at in ("address._city", "address")),
        Tells.TEXT,
        vocabulary="ags",
        column=_AGS_COLUMN,
    ),
    Element("Patient", "deceased (yes/no)", "Q+S", ("deceasedBoolean",)),
    _date("Patient", "deceased (date)", "deceasedDateTime"),
    *_direct("Encounter", "identifier", "location", "serviceProvider"),
    *_coded("Encounter", "type", "I", "type.coding", {"Kontaktebene": frozenset({CONTACT_LEVEL})}),
    Element("Encounter", "class", "I", ("class",)),
    _date("Encounter", "period (start)", "period.start"),
    _date("Encounter", "period (end)", "period.end"),
    *_coded("Encounter", "serviceType", "Q", "serviceType.coding", {}),
    Element("Encounter", "diagnosis", "Q+S", ("diagnosis.condition",)),
    Element("Encounter", "reason for admission", "S", ("reasonCode", "hospitalization.admitSource")),
    Element("Encounter", "reason for discharge", "S", ("hospitalization.dischargeDisposition",)),
    *_direct("Condition", "identifier", "note"),
    *_coded(
        "Condition",
        "code",
        "Q+S",
        "code.coding",
        {
            "ICD-10-GM": ICD_10_GM,
            "Alpha-ID": ALPHA_ID,
            "ORPHA": ORPHA,
            "SNOMED CT": SNOMED,
            "ICD-10 (cause of death)": frozenset({ICD_10}),
        },
    ),
    _date("Condition", "onset", "onsetDateTime", "onsetPeriod.start"),
    _date("Condition", "recordedDate", "recordedDate"),
    Element("Condition", "encounter", "I", ("encounter.reference",)),
    *_direct("Procedure", "identifier", "note"),
    *_coded("Procedure", "code", "Q+S", "code.coding", {"OPS": OPS, "SNOMED CT": SNOMED}),
    _date("Procedure", "performed", "performedDateTime", "performedPeriod.start"),
    _date("Procedure", "performed (end)", "performedPeriod.end"),
    Element("Procedure", "encounter", "I", ("encounter.reference",)),
    *_direct("Observation", "identifier", "note"),
    *_coded("Observation", "code", "S", "code.coding", {"LOINC": frozenset({LOINC})}),
    _date("Observation", "effective", "effectiveDateTime", "effectiveInstant", "effectivePeriod.start"),
    QUANTITY,
    UNIT,
    COMPARATOR,
    CODED_VALUE,
    OTHER_VALUE,
    REASON,
    CATEGORY,
    Element("Observation", "encounter", "I", ("encounter.reference",)),
    *_coded("Medication", "code", "S", "code.coding", _DRUGS),
    *_coded("Medication", "ingredient (code)", "S", "ingredient.itemCodeableConcept.coding", {"ATC": ATC}),
    Element("Medication", "ingredient (reference)", "S", ("ingredient.itemReference.reference",)),
    *_medication_event("MedicationAdministration"),
    *_medication_event("MedicationStatement"),
    *_medication_event("MedicationRequest"),
    Element("Consent", "status", "I", ("status",)),
    *_coded("Consent", "scope", "I", "scope.coding", {}),
    Element("Consent", "dateTime", "I", ("dateTime",), Tells.DATE),
    *_coded("Consent", "provision (code)", "I", "provision.provision.code.coding", {}),
    Element("Consent", "provision (start)", "I", ("provision.provision.period.start",), Tells.DATE),
)
"""All of them, by type, in the order in which an inspection tells them."""

KINDS = tuple(dict.fromkeys(element.kind for element in ELEMENTS))
"""The types of resource with elements to look for."""


def elements_of(kind: str) -> tuple[Element, ...]:
    """The elements of resources of type ``kind``."""
    return tuple(element for element in ELEMENTS if element.kind == kind)
