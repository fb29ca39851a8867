"""What makes real exports hard to read, sprinkled over the sample at the rates given here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from sample_data.draw import Draw, weighted
from sample_data.fhir import FHIR_DE, HL7, stay_id
from sample_data.lives import Life

Json = dict[str, Any]
Trap = Callable[[Draw, Json], None]

TWICE = 0.002
"""How often a resource stands in the export twice."""

SUB_CONTACT = 0.25
"""How often a stay has a contact below it, which is no stay of its own."""

ABSENT = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}


def spoil(draw: Draw, resource: Json) -> Iterator[Json]:
    """The resource with what may have gone wrong with it, once or twice."""
    for trap in TRAPS.get(resource["resourceType"], ()):
        trap(draw, resource)
    yield resource
    if draw.chance(TWICE):
        yield resource


def sub_contact(draw: Draw, stay: Json, life: Life, index: int) -> Iterator[Json]:
    """Sometimes the department's or ward's own contact within the stay."""
    if draw.chance(SUB_CONTACT):
        level = "abteilungskontakt" if draw.chance(0.6) else "versorgungsstellenkontakt"
        below = json.loads(json.dumps(stay))
        below["id"] = f"{stay_id(life, index)}-b"
        below["identifier"][0]["value"] = below["id"]
        below["type"][0]["coding"][0]["code"] = level
        below["partOf"] = {"reference": f"Encounter/{stay['id']}"}
        del below["diagnosis"]
        yield below


def two_hops(substance: Json, number: int) -> Iterator[Json]:
    """Every fifth Medication tells its ATC code only through the Medication that is its ingredient."""
    if number % 5:
        yield substance
        return
    inner = substance | {"id": f"{substance['id']}-i"}
    yield inner
    outer = {key: value for key, value in substance.items() if key != "code"}
    yield outer | {"ingredient": [{"itemReference": {"reference": f"Medication/{inner['id']}"}}]}


def _birth_date(draw: Draw, patient: Json) -> None:
    kind = draw.of(
        weighted(("whole", "month", "year", "absent", "future"), (0.976, 0.010, 0.010, 0.003, 0.001))
    )
    if kind == "absent":
        del patient["birthDate"]
        patient["_birthDate"] = ABSENT
    elif kind == "future":
        patient["birthDate"] = "2063" + patient["birthDate"][4:]
    else:
        patient["birthDate"] = patient["birthDate"][: {"whole": 10, "month": 7, "year": 4}[kind]]


def _postal_code(draw: Draw, patient: Json) -> None:
    address = patient["address"][0]
    kind = draw.of(weighted(("whole", "two digits", "absent", "zeros"), (0.978, 0.010, 0.010, 0.002)))
    if kind == "absent":
        del address["postalCode"]
    elif kind == "two digits":
        address["postalCode"] = address["postalCode"][:2]
    elif kind == "zeros":
        address["postalCode"] = "00000"


def _gender(draw: Draw, patient: Json) -> None:
    if draw.chance(0.004):
        patient["gender"] = "other"
        official = {"system": "http://fhir.de/CodeSystem/gender-amtlich-de", "code": "D"}
        url = "http://fhir.de/StructureDefinition/gender-amtlich-de"
        patient["_gender"] = {"extension": [{"url": url, "valueCoding": official}]}
    elif draw.chance(0.003):
        del patient["gender"]


def _level(draw: Draw, stay: Json) -> None:
    if draw.chance(0.15) and "partOf" not in stay:
        stay["type"] = stay["type"][1:]


def _roles(draw: Draw, stay: Json) -> None:
    if "diagnosis" not in stay:
        return
    main = stay["diagnosis"][0]
    if draw.chance(0.008):
        del stay["diagnosis"]
    elif draw.chance(0.3):
        main["use"] = {"coding": [{"system": f"{HL7}/diagnosis-role", "code": "DD"}]}
        admission = {"coding": [{"system": f"{HL7}/diagnosis-role", "code": "AD"}]}
        stay["diagnosis"].insert(0, main | {"use": admission})


def _open_end(draw: Draw, stay: Json) -> None:
    if draw.chance(0.005):
        del stay["period"]["end"]


def _former_publisher(draw: Draw, coded: Json) -> None:
    if draw.chance(0.06):
        coding = coded["code"]["coding"][0]
        coding["system"] = coding["system"].replace("/bfarm/", "/dimdi/")


def _double_code(draw: Draw, condition: Json) -> None:
    coding = condition["code"]["coding"][0]
    if coding["code"] == "J12.8" and draw.chance(0.5):
        coding["code"] = "J12.8 U07.1!"
    elif coding["code"].startswith("E11.") and draw.chance(0.3):
        mark = {"system": f"{FHIR_DE}/icd-10-gm-mehrfachcodierungs-kennzeichen", "code": "†"}
        url = "http://fhir.de/StructureDefinition/icd-10-gm-mehrfachcodierungs-kennzeichen"
        coding["extension"] = [{"url": url, "valueCoding": mark}]


def _recorded(draw: Draw, condition: Json) -> None:
    if draw.chance(0.005):
        del condition["recordedDate"]
        condition["_recordedDate"] = ABSENT


def _performed(draw: Draw, procedure: Json) -> None:
    if draw.chance(0.05):
        day = procedure.pop("performedPeriod")["start"]
        procedure["performedDateTime"] = day[:10] if draw.chance(0.8) else day[:7]


def _taken(draw: Draw, observation: Json) -> None:
    if draw.chance(0.03):
        observation["effectiveDateTime"] = observation["effectiveDateTime"][:10]


def _other_unit(draw: Draw, observation: Json) -> None:
    quantity = observation.get("valueQuantity", {})
    if quantity.get("code") == "mg/L" and draw.chance(0.01):
        del observation["referenceRange"]
        quantity |= {"value": round(quantity["value"] / 10, 2), "unit": "mg/dL", "code": "mg/dL"}


def _no_value(draw: Draw, observation: Json) -> None:
    if "valueQuantity" in observation and draw.chance(0.012):
        for element in ("valueQuantity", "interpretation"):
            del observation[element]
        observation["dataAbsentReason"] = {
            "coding": [{"system": f"{HL7}/data-absent-reason", "code": "unknown"}]
        }


def _named_directly(draw: Draw, event: Json) -> None:
    if draw.chance(0.08):
        atc = event.pop("medicationReference")["reference"].rsplit("-", 1)[1]
        coding = {"system": "http://www.whocc.no/atc", "code": atc}
        event["medicationCodeableConcept"] = {"coding": [coding]}


TRAPS: dict[str, tuple[Trap, ...]] = {
    "Patient": (_birth_date, _postal_code, _gender),
    "Encounter": (_level, _roles, _open_end),
    "Condition": (_former_publisher, _double_code, _recorded),
    "Procedure": (_former_publisher, _performed),
    "Observation": (_taken, _other_unit, _no_value),
    "MedicationAdministration": (_named_directly,),
    "MedicationStatement": (_named_directly,),
}
