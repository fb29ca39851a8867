"""The tables that lines of FHIR hold, read literally: what stands where, and nothing of how it came there.

It shares no code with the writing. A primitive's text is its cell; where it has none, the extension
``rendered-value`` is, otherwise ``*`` where it is masked, otherwise it is missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import polars as pl

from anonymizer.errors import VerificationFailed

Json = dict[str, Any]
_Cells = dict[str, str | None]
_PART_ROWS = 1 << 16
_EXTENSIONS = "http://hl7.org/fhir/StructureDefinition/"
_BFARM = "http://fhir.de/CodeSystem/bfarm/"
_PLACES = ("ErsteUndZweiteStelle", "DritteStelle", "VierteStelle")
_MEDICATIONS = {
    "MedicationAdministration": "administration",
    "MedicationStatement": "statement",
    "MedicationRequest": "request",
}


def read_back(
    lines: Mapping[str, Iterable[bytes]], schemas: Mapping[str, Mapping[str, Any]]
) -> dict[str, pl.DataFrame]:
    """The tables that the ``lines`` of each resource type hold, sorted by all columns, missing first.

    ``schemas`` gives each table's columns (``person`` among them) and polars types. What the lines hold of
    other columns is left out. Raises ``VerificationFailed`` for a line that is no resource of its type,
    refers to nobody or has another's id, and for a cell that has not its column's type.
    """
    found = {table: _Table(schemas.get(table, {})) for table in _TABLES}
    people: dict[str, _Cells] = {}
    for kind, of_kind in sorted(lines.items(), key=lambda item: item[0] != "Patient"):
        for resource in map(_resource, of_kind):
            if resource.get("resourceType") != kind:
                raise VerificationFailed(f"a line among the resources {kind} is none of them")
            try:
                (_add_patient if kind == "Patient" else _add)(resource, people, found)
            except (KeyError, TypeError, AttributeError, IndexError):
                raise VerificationFailed(f"a resource {kind} lacks an element or has another form") from None
    for cells in people.values():
        found["patients"].add(cells)
    return {table: found[table].frame() for table in schemas}


class _Table:
    """Takes in rows, and keeps of them the columns of its schema."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._rows: list[_Cells] = []
        self._parts = [pl.DataFrame(schema=schema)]

    def add(self, cells: _Cells) -> None:
        """Takes in a row."""
        self._rows.append(cells)
        if len(self._rows) == _PART_ROWS:
            self._settle()

    def frame(self) -> pl.DataFrame:
        """All rows, sorted by all columns, missing first."""
        self._settle()
        return pl.concat(self._parts).sort(list(self._schema)) if self._schema else self._parts[0]

    def _settle(self) -> None:
        columns = [_series(name, self._rows, dtype) for name, dtype in self._schema.items()]
        self._parts.append(pl.DataFrame(columns, schema=self._schema))
        self._rows.clear()


def _add_patient(resource: Json, people: dict[str, _Cells], _: object) -> None:
    person = resource.get("id")
    if not isinstance(person, str) or person in people:
        raise VerificationFailed("a Patient has no id, or that of another Patient")
    people[person] = {"person": person, **_patient(resource)}


def _add(resource: Json, people: dict[str, _Cells], found: Mapping[str, _Table]) -> None:
    person = str(resource.get("subject", {}).get("reference")).removeprefix("Patient/")
    if person not in people:
        raise VerificationFailed("a resource is about a Patient who is not there")
    if not str(resource.get("id")).startswith(f"{person}-"):
        raise VerificationFailed("a resource's id is not made of its Patient's")
    of_person = _of_person(resource)
    if of_person is not None:
        if any(people[person].get(name) is not None for name in of_person):
            raise VerificationFailed("a Patient's cell is told twice")
        people[person] |= of_person
        return
    table, cells = _event(resource)
    found[table].add({"person": person, **cells})


def _of_person(resource: Json) -> _Cells | None:
    """What an Observation or Condition tells of the patient as such; nothing where it is an event."""
    kind, code = resource["resourceType"], _coded(resource.get("code"), "http://loinc.org")
    if kind == "Observation" and code == "30525-0" and not _is_laboratory(resource):
        return {"age_years": _measured(resource)}
    if kind == "Observation" and code == "67162-8" and not _is_laboratory(resource):
        status = _coding(resource["valueCodeableConcept"])
        told = {"T": "true", "L": "false"}.get(status.get("code", ""))
        return {"deceased": told or _cell(status, "code")}
    if kind == "Observation" and code == "79378-6" and not _is_laboratory(resource):
        return {"cause_of_death": _measured(resource)}
    if kind == "Condition" and resource.get("category"):
        return {"cause_of_death": _coded(resource.get("code"), "http://hl7.org/fhir/sid/icd-10")}
    return None


def _is_laboratory(resource: Json) -> bool:
    kinds = [coding.get("code") for each in resource.get("category", []) for coding in each["coding"]]
    return "laboratory" in kinds


def _patient(resource: Json) -> _Cells:
    address = (resource.get("address") or [{}])[0]
    official = _extension(resource.get("_gender"), "http://fhir.de/StructureDefinition/gender-amtlich-de")
    ags = _extension(address.get("_city"), "http://fhir.de/StructureDefinition/destatis/ags")
    return {
        "gender": _cell(resource, "gender"),
        "gender_amtlich": _cell(official.get("valueCoding", {}), "code"),
        "birth_date": _cell(resource, "birthDate"),
        "deceased": _cell(resource, "deceasedBoolean"),
        "death_date": _cell(resource, "deceasedDateTime"),
        "plz": _cell(address, "postalCode"),
        "ags": _cell(ags.get("valueCoding", {}), "code"),
    }


def _encounter(resource: Json) -> _Cells:
    stay = resource.get("hospitalization", {})
    types: Json = {"coding": [coding for each in resource.get("type", []) for coding in each["coding"]]}
    return {
        "admission_date": _cell(resource["period"], "start"),
        "discharge_date": _cell(resource["period"], "end"),
        "length_of_stay_days": _cell(resource.get("length", {}), "value"),
        "department": _cell(_coding(resource.get("serviceType")), "code"),
        "encounter_level": _coded(types, "http://fhir.de/CodeSystem/Kontaktebene"),
        "contact_type": _coded(types, "http://fhir.de/CodeSystem/kontaktart-de"),
        "class": _cell(resource["class"], "code"),
        "admission_reason": _key(resource, "Aufnahmegrund"),
        "admission_source": _cell(_coding(stay.get("admitSource")), "code"),
        "discharge_reason": _key(stay.get("dischargeDisposition"), "Entlassungsgrund"),
        "main_diagnosis": _coded(_main(resource), f"{_BFARM}icd-10-gm"),
    }


def _main(encounter: Json) -> Any:
    """The code of the only Condition inside an Encounter, which its only diagnosis names."""
    inside, named = encounter.get("contained", []), encounter.get("diagnosis", [])
    if [f"#{each['id']}" for each in inside] != [each["condition"]["reference"] for each in named]:
        raise VerificationFailed("a stay's diagnosis is not the one inside it")
    return inside[0]["code"] if len(inside) == 1 else None


def _condition(resource: Json) -> _Cells:
    code = resource["code"]
    return {
        "icd10gm": _coded(code, f"{_BFARM}icd-10-gm"),
        "alpha_id": _coded(code, f"{_BFARM}alpha-id"),
        "orpha": _coded(code, "http://www.orpha.net"),
        "snomed": _coded(code, "http://snomed.info/sct"),
        "onset_date": _cell(resource, "onsetDateTime"),
        "recorded_date": _cell(resource, "recordedDate"),
    }


def _procedure(resource: Json) -> _Cells:
    return {
        "ops": _coded(resource["code"], f"{_BFARM}ops"),
        "snomed": _coded(resource["code"], "http://snomed.info/sct"),
        "performed_date": _cell(resource, "performedDateTime"),
    }


def _observation(resource: Json) -> _Cells:
    band = resource.get("valueRange", {})
    quantity = resource.get("valueQuantity") or band.get("low") or band.get("high") or {}
    return {
        "loinc": _coded(resource["code"], "http://loinc.org"),
        "value": _measured(resource),
        "unit": _cell(quantity, "code") or _cell(quantity, "unit"),
        "comparator": _cell(quantity, "comparator"),
        "effective_date": _cell(resource, "effectiveDateTime"),
    }


def _medication(resource: Json) -> _Cells:
    kind, concept = resource["resourceType"], resource["medicationCodeableConcept"]
    category = resource.get("category")
    return {
        "atc": _coded(concept, f"{_BFARM}atc"),
        "pzn": _coded(concept, "http://fhir.de/CodeSystem/ifa/pzn"),
        "kind": _MEDICATIONS[kind] if category is None else _cell(_coding(category), "code"),
        "start_date": _cell(resource, "authoredOn" if kind == "MedicationRequest" else "effectiveDateTime"),
    }


_EVENTS: Mapping[str, tuple[str, Callable[[Json], _Cells]]] = {
    "Encounter": ("encounters", _encounter),
    "Condition": ("diagnoses", _condition),
    "Procedure": ("procedures", _procedure),
    "Observation": ("labs", _observation),
    **dict.fromkeys(_MEDICATIONS, ("medications", _medication)),
}
_TABLES = ("patients", *dict.fromkeys(table for table, _ in _EVENTS.values()))


def _event(resource: Json) -> tuple[str, _Cells]:
    if resource["resourceType"] not in _EVENTS:
        raise VerificationFailed("a resource is of a type that no table has")
    table, read = _EVENTS[resource["resourceType"]]
    return table, read(resource)


def _cell(parent: Any, name: str) -> str | None:
    """The cell that the primitive element ``name`` holds."""
    value = parent.get(name)
    if value is not None:
        return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    extended = parent.get(f"_{name}")
    label = _extension(extended, f"{_EXTENSIONS}rendered-value").get("valueString")
    if label is not None:
        return str(label)
    reason = _extension(extended, f"{_EXTENSIONS}data-absent-reason").get("valueCode")
    return "*" if reason == "masked" else None


def _extension(extended: Any, url: str) -> Json:
    """The first extension of that url, or an empty one."""
    extensions: list[Json] = (extended or {}).get("extension", [])
    return next((extension for extension in extensions if extension["url"] == url), {})


def _coding(concept: Any) -> Json:
    """The only coding of a concept, or an empty one."""
    codings: list[Json] = (concept or {}).get("coding", [])
    return codings[0] if codings else {}


def _coded(concept: Any, system: str) -> str | None:
    """The code of one system in a concept."""
    codings: list[Json] = (concept or {}).get("coding", [])
    return next((_cell(coding, "code") for coding in codings if coding.get("system") == system), None)


def _key(extended: Any, name: str) -> str | None:
    """The places of a key of the German hospitals, put together."""
    places = _extension(extended, f"http://fhir.de/StructureDefinition/{name}")
    codes = [_cell(_extension(places, place).get("valueCoding", {}), "code") for place in _PLACES]
    return "".join(code for code in codes if code) or None


def _measured(resource: Json) -> str | None:
    """An Observation's number, or the band that a Range is, or the reason why there is none."""
    if "valueQuantity" in resource:
        return _cell(resource["valueQuantity"], "value")
    if "valueRange" in resource:
        low, high = (resource["valueRange"].get(side, {}).get("value") for side in ("low", "high"))
        return f"({'*'}, {high}]" if low is None else f"[{low}, *)" if high is None else f"[{low}, {high}]"
    return "*" if _coding(resource.get("dataAbsentReason")).get("code") == "masked" else None


def _resource(line: bytes) -> Json:
    """The JSON object in a line; numbers are the text that stands there."""
    try:
        resource = json.loads(
            line.decode(), parse_float=str, parse_int=str, parse_constant=_refuse, object_pairs_hook=_members
        )
    except (ValueError, RecursionError):
        raise VerificationFailed("a line of FHIR is not valid JSON in UTF-8") from None
    if not isinstance(resource, dict):
        raise VerificationFailed("a line of FHIR is no resource")
    return resource


def _members(pairs: list[tuple[str, Any]]) -> Json:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return members


def _refuse(_: str) -> Any:
    raise ValueError("no number of JSON")


def _series(name: str, rows: list[_Cells], dtype: Any) -> pl.Series:
    return pl.Series(name, list(_typed(name, [row.get(name) for row in rows], dtype)), dtype=dtype)


def _typed(name: str, cells: list[str | None], dtype: Any) -> Iterator[Any]:
    make = _makers(dtype)
    for cell in cells:
        try:
            yield None if cell is None else make(cell)
        except (ValueError, KeyError):
            raise VerificationFailed("a cell of FHIR has not the type of its column", column=name) from None


def _makers(dtype: Any) -> Callable[[str], Any]:
    if dtype == pl.Date:
        return date.fromisoformat
    if dtype == pl.Boolean:
        return {"true": True, "false": False}.__getitem__
    if dtype.is_integer():
        return int
    return float if dtype.is_float() else str
