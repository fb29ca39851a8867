"""What the core dataset's profiles demand of each resource, asked of everything that is written.

The demands are those of the profiles' sources, with FHIR R4's own (min 1) under them:

- Person (PatientPseudonymisiert, Todesursache, Vitalstatus), Fall (KontaktGesundheitseinrichtung), Diagnose
  (Condition) and Prozedur (Procedure): github.com/medizininformatik-initiative/kerndatensatz-basis, 2026.0.1,
  input/fsh/profiles; invariants mii-pat-1, mii-enc-1, mii-enc-7 (a warning), sct-ops-1, proc-mii-1.
- Labor (ObservationLab): …/kerndatensatzmodul-labor, 2026.0.3, MII_PR_Labor_Laboruntersuchung.fsh;
  invariants mii-lab-1, mii-lab-2.
- Medikation: …/kerndatensatzmodul-medikation, 2026.0.x, Profile-Medication*.fsh.
- Codings: github.com/hl7germany/basisprofil-de-r4 (CodingICD10GM, CodingAlphaID, CodingOPS: an edition).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from mii.writing import resources
from mii.writing.systems import PROFILES
from tests.conftest import SHARED, needs_shared
from tests.fhir_tables import Tables, released_tables

Json = dict[str, Any]
BFARM, DE, SCT = (
    "http://fhir.de/CodeSystem/bfarm",
    "http://fhir.de/StructureDefinition",
    "http://snomed.info/sct",
)
MEDICATION = ("status", "medication[x]", "subject.reference")

DEMANDED: dict[str, tuple[str, ...]] = {
    "Patient": ("identifier.type.coding.code",),
    "Encounter": ("status", "class", "subject.reference", "period.start"),
    "Condition": ("code.coding", "subject.reference", "recordedDate"),
    "Todesursache": (
        *("category.coding.code", "code.coding.system", "code.coding.version", "code.coding.code"),
        "subject.reference",
    ),
    "Procedure": ("status", "code.coding", "subject.reference", "performed[x]"),
    "Observation": (
        *("identifier.type.coding.code", "identifier.system", "identifier.value", "identifier.assigner"),
        *("status", "category.coding.code", "code", "subject.reference", "effectiveDateTime"),
    ),
    "Vitalstatus": (
        *("status", "category.coding.code", "code.coding.code", "subject.reference", "effectiveDateTime"),
        *("valueCodeableConcept.coding.system", "valueCodeableConcept.coding.code"),
    ),
    "MedicationAdministration": (*MEDICATION, "effective[x]"),
    "MedicationStatement": (*MEDICATION, "effective[x]"),
    "MedicationRequest": (*MEDICATION, "intent"),
}
"""The elements of every resource of a profile, by its name in `PROFILES`."""

INSIDE: dict[str, tuple[tuple[str, str], ...]] = {
    "Patient": (("address", "type"), ("address", "postalCode"), ("address", "country")),
    "Encounter": (
        *(("hospitalization", "admitSource"), ("diagnosis", "condition.reference"), ("diagnosis", "use")),
        ("contained", "subject.reference"),
    ),
    "Observation": tuple(("valueQuantity", name) for name in ("value", "system", "code")),
}
"""Elements that one must have where it is there."""

EDITIONS = {f"{BFARM}/icd-10-gm", f"{BFARM}/alpha-id", f"{BFARM}/ops", "http://hl7.org/fhir/sid/icd-10"}


def told(resource: Json, path: str) -> bool:
    """Whether an element is there, with a value or with the reason why it has none."""
    inside: list[Any] = [resource]
    for name in path.split("."):
        inside = [each for one in inside for each in _members(one, name)]
    return bool(inside)


def _members(value: Any, name: str) -> Iterator[Any]:
    start = name.removesuffix("[x]")
    for member, found in value.items():
        bare = member.removeprefix("_")
        if bare == name or (start != name and bare.startswith(start)):
            yield from found if isinstance(found, list) else [found]


def codings(value: Any) -> Iterator[Json]:
    """Every Coding in a resource."""
    if isinstance(value, list):
        for each in value:
            yield from codings(each)
    elif isinstance(value, dict):
        yield from value.get("coding", [])
        for each in value.values():
            yield from codings(each)


def systems(concept: Json) -> set[str]:
    return {coding.get("system", "") for coding in concept.get("coding", [])}


def official_differentiation(patient: Json) -> bool:
    """mii-pat-1: ``other`` is told with its official differentiation."""
    extensions = patient.get("_gender", {}).get("extension", [])
    return patient.get("gender") != "other" or any(e["url"] == f"{DE}/gender-amtlich-de" for e in extensions)


def end_of_a_finished_stay(encounter: Json) -> bool:
    """mii-enc-1."""
    return encounter["status"] != "finished" or told(encounter, "period.end")


def ops_or_snomed(procedure: Json) -> bool:
    """sct-ops-1."""
    return bool(systems(procedure["code"]) & {f"{BFARM}/ops", SCT})


def category_beside_ops(procedure: Json) -> bool:
    """proc-mii-1."""
    return f"{BFARM}/ops" not in systems(procedure["code"]) or SCT in systems(procedure["category"])


def a_day_at_least(observation: Json) -> bool:
    """mii-lab-1."""
    return len(observation.get("effectiveDateTime", "2020-05-04")) >= 8


def value_or_reason(observation: Json) -> bool:
    """mii-lab-2, and obs-6 of FHIR: one of them and not both."""
    values = [name for name in observation if name.startswith("value")]
    return len(values) + ("dataAbsentReason" in observation) == 1


def is_final(observation: Json) -> bool:
    """Vitalstatus fixes the state."""
    return bool(observation["status"] == "final")


def laboratory(observation: Json) -> bool:
    """ObservationLab fixes two categories."""
    codes = [coding["code"] for coding in codings(observation["category"])]
    return codes == ["26436-6", "laboratory"]


INVARIANTS: dict[str, tuple[Callable[[Json], bool], ...]] = {
    "Patient": (official_differentiation,),
    "Encounter": (end_of_a_finished_stay,),
    "Procedure": (ops_or_snomed, category_beside_ops),
    "Observation": (a_day_at_least, value_or_reason, laboratory),
    "Vitalstatus": (is_final,),
}


@settings(max_examples=200, deadline=None)
@given(released_tables())
def test_every_resource_has_what_its_profile_demands(tables: Tables) -> None:
    names = {url: name for name, url in PROFILES.items()}
    for resource in (json.loads(line) for lines in resources(tables).values() for line in lines):
        for name in [names[url] for url in resource["meta"].get("profile", [])]:
            assert [path for path in DEMANDED[name] if not told(resource, path)] == []
            for outer, inner in INSIDE.get(name, ()):
                assert not told(resource, outer) or told(resource, f"{outer}.{inner}")
            assert [rule.__doc__ for rule in INVARIANTS.get(name, ()) if not rule(resource)] == []
        assert all(
            told(coding, "version") for coding in codings(resource) if coding.get("system") in EDITIONS
        )
        assert "profile" in resource["meta"] or resource["id"].endswith(("-age", "-cause"))


def test_every_profile_is_asked() -> None:
    assert DEMANDED.keys() == PROFILES.keys()


@needs_shared
@pytest.mark.parametrize("name", PROFILES)
def test_the_test_data_meet_these_demands_under_the_same_names(name: str) -> None:
    """The demands are not stricter than the initiative's own examples, and the profiles are theirs."""
    folder = SHARED / "data" / "mii-kds-2026" / "a_ndjson_per_type"
    kind = {"Todesursache": "Condition", "Vitalstatus": "Observation"}.get(name, name)
    every = [json.loads(line) for line in (folder / f"{kind}.ndjson").read_text("utf-8").splitlines()]
    url = PROFILES[name].replace("PatientPseudonymisiert", "Patient")
    examples = [resource for resource in every if url in resource["meta"].get("profile", [])]
    assert examples
    for resource in examples:
        assert [path for path in DEMANDED[name] if not told(resource, path)] == []
        assert [rule.__doc__ for rule in INVARIANTS.get(name, ()) if not rule(resource)] == []
