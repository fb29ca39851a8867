"""Declared columns of medications: the code may stand in the Medication that an event names.

| the event says                                | the column sees            |
|-----------------------------------------------|----------------------------|
| `medicationCodeableConcept`                   | its codes                  |
| `medicationReference` → Medication            | `code` and `ingredient`s' codes |
| … → `ingredient.itemReference` → Medication   | that one's as well         |
| `medicationReference: #m`                     | those of the contained one |
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mii
from mii.views.declaring import SYSTEMS, Declared
from tests import tiny_export
from tests.fhir_export import ATC, concept, patient, request, write
from tests.spec.test_declared_columns import FORMS

TRASTUZUMAB, OTHER = "L01XC03", "N02BE01"
SNOMED = "http://snomed.info/sct"
SINCE = Declared("x", "MedicationAdministration", SYSTEMS["atc"], (TRASTUZUMAB,), "date")


def given(identity: str, **elements: Any) -> dict[str, Any]:
    """An event of patient ``p`` in 2024."""
    return {
        "resourceType": "MedicationAdministration",
        "id": identity,
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2024",
        **elements,
    }


def names(reference: str) -> dict[str, Any]:
    return {"medicationReference": {"reference": reference}}


def drug(identity: str, code: str | None = None, *parts: dict[str, Any], **elements: Any) -> dict[str, Any]:
    """A Medication; ``parts`` are its ingredients."""
    told = {} if code is None else {"code": concept(ATC, code)}
    return {"resourceType": "Medication", "id": identity, **told, "ingredient": list(parts), **elements}


def made_of(code: str) -> dict[str, Any]:
    return {"itemCodeableConcept": concept(ATC, code)}


def made_with(reference: str) -> dict[str, Any]:
    return {"itemReference": {"reference": reference}}


def read(folder: Path, declared: Declared, *resources: Any) -> tuple[Any, dict[str, Any]]:
    export = write(folder, [patient(), *resources])
    found = mii.read(export, request("patient_id", "x", declared=(declared,)))
    told = found.audit["views"]
    assert isinstance(told, dict)
    return found.frame["x"].to_list()[0], told


@pytest.mark.parametrize(
    "resources",
    [
        [given("a", **names("Medication/m")), drug("m", TRASTUZUMAB)],
        [given("a", **names("http://server.example/fhir/Medication/m/_history/2")), drug("m", TRASTUZUMAB)],
        [given("a", **names("Medication/m")), drug("m", None, made_of(OTHER), made_of(TRASTUZUMAB))],
        [
            given("a", **names("Medication/m")),
            drug("m", OTHER, made_with("Medication/n")),
            drug("n", TRASTUZUMAB),
        ],
        # a circle ends
        [
            given("a", **names("Medication/m")),
            drug("m", None, made_with("Medication/n")),
            drug("n", TRASTUZUMAB, made_with("Medication/m")),
        ],
        [given("a", contained=[drug("i", TRASTUZUMAB)], **names("#i"))],
        [given("a", contained=[drug("i", None, made_with("#j")), drug("j", TRASTUZUMAB)], **names("#i"))],
        [
            given("a", contained=[drug("i", None, made_with("Medication/m"))], **names("#i")),
            drug("m", TRASTUZUMAB),
        ],
        [
            given("a", **names("Medication/m")),
            drug("m", None, made_with("#i"), contained=[drug("i", TRASTUZUMAB)]),
        ],
        # beside a code of its own
        [
            given("a", medicationCodeableConcept=concept(ATC, OTHER), **names("Medication/m")),
            drug("m", TRASTUZUMAB),
        ],
    ],
)
def test_a_code_behind_a_reference_is_found_in_any_order(tmp_path: Path, resources: list[Any]) -> None:
    assert read(tmp_path, SINCE, *resources)[0] == "2024"
    assert read(tmp_path, SINCE, *reversed(resources))[0] == "2024"


@pytest.mark.parametrize(
    ("resources", "count"),
    [
        ([given("a", **names("Medication/m")), drug("m", OTHER)], {"medication_references_followed": 1}),
        (
            [given("a", **names("Medication/nowhere")), drug("m", TRASTUZUMAB)],
            {"medication_references_followed": 1, "medications_that_are_not_there": 1},
        ),
        ([given("a", **names("Substance/m")), drug("m", TRASTUZUMAB)], {"medications_that_are_not_there": 1}),
        ([given("a", contained=[drug("i", TRASTUZUMAB)], **names("#j"))], {}),
        ([given("a"), drug("m", TRASTUZUMAB)], {}),
    ],
)
def test_what_names_no_such_medication_has_no_value(
    tmp_path: Path, resources: list[Any], count: dict[str, int]
) -> None:
    value, told = read(tmp_path, SINCE, *resources)
    assert value is None
    assert count.items() <= told.items()


def test_the_version_of_a_medication_that_was_changed_last_counts(tmp_path: Path) -> None:
    old = drug("m", TRASTUZUMAB, meta={"lastUpdated": "2024-01-01T00:00:00Z"})
    new = drug("m", OTHER, meta={"lastUpdated": "2025-01-01T00:00:00Z"})
    event = given("a", **names("Medication/m"))
    assert read(tmp_path, SINCE, event, old, new)[0] is None
    assert read(tmp_path, SINCE, new, event, old)[0] is None
    east = drug("m", TRASTUZUMAB, meta={"lastUpdated": "2025-01-01T01:30:00+02:00"})
    assert read(tmp_path, SINCE, new, event, east)[0] is None


def test_its_code_is_told_in_the_system_asked_for_and_two_are_none(tmp_path: Path) -> None:
    both = {"coding": [{"system": SNOMED, "code": "387003001"}, {"system": ATC, "code": TRASTUZUMAB}]}
    resources = [given("a", **names("Medication/m")), drug("m", None, {"itemCodeableConcept": both})]
    declared = Declared("x", SINCE.resource, (SNOMED,), ("387003001",), "code", system=ATC)
    assert read(tmp_path, declared, *resources)[0] == TRASTUZUMAB
    product = drug("m", OTHER, {"itemCodeableConcept": both})
    value, told = read(tmp_path, declared, resources[0], product)
    assert (value, told["codes_ambiguous"]) == (None, 1)


@pytest.mark.parametrize("form", FORMS)
def test_it_agrees_with_the_list_of_all_codes_in_every_form(tmp_path: Path, form: str) -> None:
    """Two ways through the code: typed columns follow references by themselves."""
    path = FORMS[form](tmp_path / "export", tiny_export.resources())
    asked = {
        code: Declared(code, SINCE.resource, SYSTEMS["atc"], (code,), "code") for code in tiny_export.DRUGS
    }
    wanted = request("patient_id", "atc_all", *asked, declared=tuple(asked.values()))
    frame = mii.read(path, wanted).frame
    assert frame.height == tiny_export.PATIENTS
    for code in asked:
        own = frame["atc_all"].list.contains(code).to_list()
        assert frame[code].to_list() == [code if has else None for has in own]
        assert 0 < sum(own) < frame.height


def test_any_code_of_a_list_will_do(tmp_path: Path) -> None:
    listed = Declared("x", SINCE.resource, SYSTEMS["atc"], (TRASTUZUMAB, OTHER), "date")
    events = [
        given("a", effectiveDateTime="2021", medicationCodeableConcept=concept(ATC, TRASTUZUMAB)),
        given("b", effectiveDateTime="2022", **names("Medication/m")),
        given("c", effectiveDateTime="2023", medicationCodeableConcept=concept(ATC, "A10BA02")),
    ]
    assert read(tmp_path, listed, *events, drug("m", OTHER))[0] == "2022"
    assert read(tmp_path, SINCE, *events, drug("m", OTHER))[0] == "2021"
    # the codes of a list are of one system
    elsewhere = given("d", effectiveDateTime="2024", medicationCodeableConcept=concept(SNOMED, OTHER))
    assert read(tmp_path, listed, *events, elsewhere)[0] == "2021"
