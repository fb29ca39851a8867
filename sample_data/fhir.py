"""Lives as FHIR resources of the MII core dataset 2026, one dictionary each.

The required elements are those of the profiles in ``meta.profile``. Identifiers have the shape of real ones
and cannot be real: the insurance number's check digit is wrong, and every system is ``example.org``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sample_data.draw import Draw, zipf
from sample_data.lives import Life, Stay, Value
from sample_data.marginals import marginals

Json = dict[str, Any]

CORE = "https://www.medizininformatik-initiative.de/fhir/core"
OWN = "https://sample.example.org/fhir/sid"
HL7 = "http://terminology.hl7.org/CodeSystem"
FHIR_DE = "http://fhir.de/CodeSystem"
SNOMED, LOINC, UCUM = "http://snomed.info/sct", "http://loinc.org", "http://unitsofmeasure.org"
BERLIN = ZoneInfo("Europe/Berlin")


def patient(draw: Draw, life: Life) -> Json:
    """The Patient, with everything that must never leave: names, numbers, street."""
    names = marginals().names
    name = {
        "use": "official",
        "family": draw.of(zipf(names["family"], 0.6)),
        "given": [draw.one(names[life.sex])],
    }
    resource: Json = {
        **_head("Patient", patient_id(life), "modul-person/StructureDefinition/Patient"),
        "identifier": [_insurance(draw), _record_number(draw)],
        "name": [name],
        "gender": life.sex,
        "birthDate": life.born.isoformat(),
        "address": [_address(draw, life)],
    }
    if life.died is not None:
        resource["deceasedDateTime"] = life.died.isoformat()
    return resource


def vital_status(life: Life) -> Json:
    """The Observation that says whether the person is known to live."""
    last = life.stays[-1].discharged
    return {
        **_head("Observation", f"{patient_id(life)}-v", "modul-person/StructureDefinition/Vitalstatus"),
        "status": "final",
        "category": [_concept(f"{HL7}/observation-category", "survey")],
        "code": _concept(LOINC, "67162-8"),
        "subject": _subject(life),
        "effectiveDateTime": _time(last, 10),
        "valueCodeableConcept": _concept(
            f"{CORE}/modul-person/CodeSystem/Vitalstatus", "T" if life.died else "L"
        ),
    }


def cause_of_death(life: Life) -> Json:
    """The Condition that killed: WHO's ICD-10 with at most four characters."""
    last = life.stays[-1]
    return {
        **_head("Condition", f"{patient_id(life)}-t", "modul-person/StructureDefinition/Todesursache"),
        "category": [{"coding": [_coding(SNOMED, "16100001"), _coding(LOINC, "79378-6")]}],
        "code": _concept("http://hl7.org/fhir/sid/icd-10", last.codes[0][:5], version="2019"),
        "subject": _subject(life),
        "recordedDate": last.discharged.isoformat(),
    }


def encounter(life: Life, index: int) -> Json:
    """The stay: Einrichtungskontakt with department, period and the roles of its diagnoses."""
    stay = life.stays[index]
    return {
        **_head(
            "Encounter", stay_id(life, index), "modul-fall/StructureDefinition/KontaktGesundheitseinrichtung"
        ),
        "identifier": [
            {
                "type": _concept(f"{HL7}/v2-0203", "VN"),
                "system": f"{OWN}/faelle",
                "value": stay_id(life, index),
            }
        ],
        "status": "finished",
        "class": _coding(f"{HL7}/v3-ActCode", "IMP"),
        "type": [
            _concept(f"{FHIR_DE}/Kontaktebene", "einrichtungskontakt"),
            _concept(f"{FHIR_DE}/kontaktart-de", "normalstationaer"),
        ],
        "serviceType": _concept(f"{FHIR_DE}/dkgev/Fachabteilungsschluessel", stay.department),
        "subject": _subject(life),
        "period": {"start": _time(stay.admitted, 8), "end": _time(stay.discharged, 11)},
        "diagnosis": [
            {
                "condition": {"reference": f"Condition/{stay_id(life, index)}-c{rank}"},
                "use": _concept(f"{HL7}/diagnosis-role", "CC" if rank == 1 else "CM"),
                "rank": rank,
            }
            for rank in range(1, len(stay.codes) + 1)
        ],
        "serviceProvider": {"identifier": {"system": f"{OWN}/standort", "value": life.region.ags}},
    }


def conditions(life: Life, index: int) -> Iterator[Json]:
    """The stay's diagnoses, recorded at admission or on a day in between."""
    stay = life.stays[index]
    for rank, code in enumerate(stay.codes, start=1):
        recorded = stay.admitted + timedelta(days=min(rank // 3, (stay.discharged - stay.admitted).days))
        yield {
            **_head(
                "Condition", f"{stay_id(life, index)}-c{rank}", "modul-diagnose/StructureDefinition/Diagnose"
            ),
            "clinicalStatus": _concept(f"{HL7}/condition-clinical", "active"),
            "code": _concept(f"{FHIR_DE}/bfarm/icd-10-gm", code, version=str(stay.admitted.year)),
            "subject": _subject(life),
            "encounter": _encounter(life, index),
            "recordedDate": recorded.isoformat(),
        }


def procedures(life: Life, index: int) -> Iterator[Json]:
    """The stay's procedures with OPS code and SNOMED category."""
    stay = life.stays[index]
    category = {"1": "103693007", "3": "363679005", "5": "387713003", "8": "277132007", "9": "394841004"}
    for number, (code, day) in enumerate(stay.procedures, start=1):
        performed = stay.admitted + timedelta(days=day)
        yield {
            **_head(
                "Procedure",
                f"{stay_id(life, index)}-p{number}",
                "modul-prozedur/StructureDefinition/Procedure",
            ),
            "status": "completed",
            "category": _concept(SNOMED, category[code[0]]),
            "code": _concept(f"{FHIR_DE}/bfarm/ops", code, version=str(stay.admitted.year)),
            "subject": _subject(life),
            "encounter": _encounter(life, index),
            "performedPeriod": {"start": _time(performed, 9), "end": _time(performed, 11)},
        }


def observations(life: Life, index: int) -> Iterator[Json]:
    """The stay's laboratory results with unit, reference range and interpretation."""
    stay = life.stays[index]
    for number, value in enumerate(stay.values, start=1):
        yield _observation(life, index, f"{stay_id(life, index)}-o{number}", value)


def medications(life: Life, index: int) -> Iterator[Json]:
    """What was given in the stay, and what was taken at home, which goes on."""
    stay = life.stays[index]
    for number, drug in enumerate(stay.drugs, start=1):
        identity = f"{stay_id(life, index)}-a{number}"
        yield {
            **_medication("MedicationAdministration", identity, life, drug),
            "status": "completed",
            "context": _encounter(life, index),
            "effectivePeriod": {"start": _time(stay.admitted, 12), "end": _time(stay.discharged, 8)},
        }
    for number, drug in enumerate(stay.home_drugs, start=1):
        identity = f"{stay_id(life, index)}-s{number}"
        yield {
            **_medication("MedicationStatement", identity, life, drug),
            "status": "active",
            "context": _encounter(life, index),
            "effectivePeriod": {"start": _time(stay.admitted, 8)},
        }


def substance(atc: str) -> Json:
    """The Medication that administrations and statements name."""
    return {
        **_head("Medication", f"medication-{atc}", "modul-medikation/StructureDefinition/Medication"),
        "code": _concept(f"{FHIR_DE}/bfarm/atc", atc, version="2025"),
        "ingredient": [{"itemCodeableConcept": _concept(f"{OWN}/wirkstoff", atc.lower())}],
    }


def patient_id(life: Life) -> str:
    """The Patient's id."""
    return f"sample-{life.number:06d}"


def stay_id(life: Life, index: int) -> str:
    """The id of the person's stay."""
    return f"{patient_id(life)}-{index + 1}"


def _observation(life: Life, index: int, identity: str, value: Value) -> Json:
    lab, stay = value.lab, life.stays[index]
    taken = _at(stay, value.hours)
    quantity: Json = {"value": value.number, "unit": lab.unit, "system": UCUM, "code": lab.unit}
    if value.below:
        quantity["comparator"] = "<"
    flag = "L" if value.number < lab.low else "H" if value.number > lab.high else "N"
    return {
        **_head("Observation", identity, "modul-labor/StructureDefinition/ObservationLab"),
        "identifier": [
            {"type": _concept(f"{HL7}/v2-0203", "OBI"), "system": f"{OWN}/labor", "value": identity}
        ],
        "status": "final",
        "category": [
            {"coding": [_coding(LOINC, "26436-6"), _coding(f"{HL7}/observation-category", "laboratory")]}
        ],
        "code": _concept(LOINC, lab.loinc),
        "subject": _subject(life),
        "encounter": _encounter(life, index),
        "effectiveDateTime": taken,
        "issued": taken,
        "valueQuantity": quantity,
        "interpretation": [_concept(f"{HL7}/v3-ObservationInterpretation", flag)],
        "referenceRange": [_range(value)],
    }


def _range(value: Value) -> Json:
    return {
        side: {"value": limit, "unit": value.lab.unit, "system": UCUM, "code": value.lab.unit}
        for side, limit in (("low", value.lab.low), ("high", value.lab.high))
        if limit
    }


def _medication(kind: str, identity: str, life: Life, atc: str) -> Json:
    return {
        **_head(kind, identity, f"modul-medikation/StructureDefinition/{kind}"),
        "medicationReference": {"reference": f"Medication/medication-{atc}"},
        "subject": _subject(life),
    }


def _insurance(draw: Draw) -> Json:
    letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[draw.below(26)]
    digits = draw.digits(8)
    wrong = (_check_digit(letter, digits) + 1 + draw.below(9)) % 10
    return {
        "use": "official",
        "type": _concept(f"{FHIR_DE}/identifier-type-de-basis", "KVZ10"),
        "system": "http://fhir.de/sid/gkv/kvid-10",
        "value": f"{letter}{digits}{wrong}",
    }


def _check_digit(letter: str, digits: str) -> int:
    """The insurance number's own check digit: weights 1 and 2 in turn, sums of digits, modulo 10."""
    numbers = [int(digit) for digit in f"{ord(letter) - ord('A') + 1:02d}{digits}"]
    weighted = (number * (1 + place % 2) for place, number in enumerate(numbers))
    return sum(product // 10 + product % 10 for product in weighted) % 10


def _record_number(draw: Draw) -> Json:
    return {"type": _concept(f"{HL7}/v2-0203", "MR"), "system": f"{OWN}/patienten", "value": draw.digits(9)}


def _address(draw: Draw, life: Life) -> Json:
    ags = {
        "url": "http://fhir.de/StructureDefinition/destatis/ags",
        "valueCoding": _coding("http://fhir.de/sid/destatis/ags", life.region.ags),
    }
    return {
        "type": "both",
        "line": [f"{draw.one(marginals().names['street'])} {1 + draw.below(140)}"],
        "city": life.region.city,
        "_city": {"extension": [ags]},
        "postalCode": life.plz,
        "country": "DE",
    }


def _head(kind: str, identity: str, profile: str) -> Json:
    security = [_coding(f"{HL7}/v3-ActReason", "HTEST")]
    meta = {"profile": [f"{CORE}/{profile}"], "security": security}
    return {"resourceType": kind, "id": identity, "meta": meta}


def _subject(life: Life) -> Json:
    return {"reference": f"Patient/{patient_id(life)}"}


def _encounter(life: Life, index: int) -> Json:
    return {"reference": f"Encounter/{stay_id(life, index)}"}


def _coding(system: str, code: str) -> Json:
    return {"system": system, "code": code}


def _concept(system: str, code: str, *, version: str | None = None) -> Json:
    coding = _coding(system, code) | ({"version": version} if version else {})
    return {"coding": [coding]}


def _at(stay: Stay, hours: int) -> str:
    return _time(stay.admitted + timedelta(days=hours // 24), 8 + hours % 24 % 12)


def _time(day: date, hour: int) -> str:
    return datetime(day.year, day.month, day.day, hour, tzinfo=BERLIN).isoformat()
