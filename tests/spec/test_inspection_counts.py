"""What an inspection counts of drawn resources: elements, reasons, dates, code systems, codes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mii.element_table import ELEMENTS, KNOWN_SYSTEMS, Element
from mii.inspecting import Inspection, inspect
from mii.seen import Seen
from tests.fhir_export import ICD, TODAY, bundle, concept, condition, encounter, lab, patient, write

REASON = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}]}


def inspected(folder: Path, *resources: dict[str, Any]) -> Inspection:
    """What is found in an export of ``resources``."""
    return inspect(write(folder, resources), today=TODAY)


def named(kind: str, name: str) -> Element:
    """An element of the table."""
    (element,) = (e for e in ELEMENTS if (e.kind, e.name) == (kind, name))
    return element


def test_an_element_is_named_once() -> None:
    assert len({(element.kind, element.name) for element in ELEMENTS}) == len(ELEMENTS)


@pytest.mark.parametrize(
    ("elements", "present", "with_reason"),
    [
        ({"birthDate": "1980-01-01"}, 1, 0),
        ({"_birthDate": REASON}, 0, 1),
        ({"birthDate": ""}, 0, 0),
        ({}, 0, 0),
    ],
)
def test_a_primitive_that_was_dropped_says_so_beside_itself(
    elements: dict[str, Any], present: int, with_reason: int, tmp_path: Path
) -> None:
    tally = (
        inspected(tmp_path, patient(**elements)).of_kinds["Patient"].elements[named("Patient", "birthDate")]
    )
    assert (tally.present, tally.absent_with_reason) == (present, with_reason)


def test_an_object_that_was_dropped_holds_its_reason_and_is_not_there(tmp_path: Path) -> None:
    found = inspected(tmp_path, patient(name=[REASON]), condition("c", "I50.1") | {"code": REASON}).of_kinds
    name = found["Patient"].elements[named("Patient", "name")]
    code = found["Condition"].elements[named("Condition", "code")]
    assert (name.present, name.absent_with_reason) == (0, 1)
    assert (code.present, code.absent_with_reason) == (0, 1)


def test_a_choice_of_types_is_one_element(tmp_path: Path) -> None:
    moments: list[dict[str, Any]] = [
        {"effectiveDateTime": "2024-01-01"},
        {"effectivePeriod": {"start": "2024-02"}},
        {"effectiveInstant": "2024-03-01T00:00:00Z"},
        {},
    ]
    labs = [lab(f"o{n}", 1.0, None, **moment) for n, moment in enumerate(moments)]
    tally = inspected(tmp_path, patient(), *labs).of_kinds["Observation"]
    effective = named("Observation", "effective")
    assert (tally.elements[effective].present, tally.resources) == (3, 4)
    assert tally.dates[effective].year_month == 1


def test_ags_and_plz_are_found_where_they_stand(tmp_path: Path) -> None:
    code = {"url": "http://fhir.de/StructureDefinition/destatis/ags", "valueCoding": {"code": "11000000"}}
    addresses = [{"postalCode": "00000", "_city": {"extension": [code]}}, {"postalCode": "12"}]
    tally = inspected(tmp_path, patient(address=addresses)).of_kinds["Patient"]
    plz, ags = named("Patient", "postal code"), named("Patient", "municipality (AGS)")
    assert tally.codes[plz].odd == {"only zeros": 1, "fewer than 5 digits": 1}
    assert (tally.codes[ags].codes, dict(tally.codes[ags].odd)) == (1, {})


def test_dates_that_cannot_be_are_counted_and_stretch_no_span(tmp_path: Path) -> None:
    written = ["2063-01-01", "2027", "1855-03", "2024-02-30", "soon", "1962", "1970-05", "1999-12-31"]
    people = [patient(f"p{n}", birthDate=text) for n, text in enumerate(written)]
    dates = inspected(tmp_path, *people).of_kinds["Patient"].dates[named("Patient", "birthDate")]
    assert (dates.future, dates.before_1900, dates.invalid) == (2, 1, 2)
    assert (dates.year_only, dates.year_month, dates.dates) == (2, 2, 8)
    assert dates.first is not None
    assert dates.last is not None
    assert (dates.first.isoformat()[:7], dates.last.isoformat()[:7]) == ("1962-01", "1999-12")


def test_a_year_that_is_not_over_lies_neither_in_the_future_nor_beyond_today(tmp_path: Path) -> None:
    dates = (
        inspected(tmp_path, patient(birthDate="2026"))
        .of_kinds["Patient"]
        .dates[named("Patient", "birthDate")]
    )
    assert (dates.future, dates.last) == (0, TODAY)


def test_odd_diagnoses_are_counted_by_what_is_odd(tmp_path: Path) -> None:
    codes = ["I50.13", "i50.1", "J12.8 U07.1!", "I50-", "A10.1", "heart failure", "I99.123"]
    conditions = [condition(f"c{n}", code) for n, code in enumerate(codes)]
    tally = inspected(tmp_path, patient(), *conditions).of_kinds["Condition"]
    counted = tally.codes[named("Condition", "code: ICD-10-GM")]
    assert counted.codes == 9
    assert counted.odd["malformed"] == 3
    assert counted.odd["outside every block"] == 1
    assert counted.odd["several codes in one text"] == 2


def test_code_systems_are_named_where_they_are_known_and_counted_where_not(tmp_path: Path) -> None:
    odd = [{"system": "http://a.example", "code": "1"}, {"system": "http://b.example", "code": "1"}]
    first = condition("c1", "I50.1")
    second = condition("c2", "I50.1") | {"code": {"coding": [*odd, odd[0], {"code": "x"}]}}
    tally = inspected(tmp_path, patient(), first, second).of_kinds["Condition"]
    systems = tally.systems[named("Condition", "code")]
    assert dict(systems.known) == {ICD: 1}
    assert (systems.codings, systems.unknown, len(systems.unknown_systems)) == (5, 3, 2)
    assert systems.without_system == 1
    assert set(systems.known) <= KNOWN_SYSTEMS


def test_the_first_of_two_resources_with_one_id_counts_and_the_other_is_a_duplicate(tmp_path: Path) -> None:
    found = inspected(
        tmp_path, patient(gender="male"), bundle(patient(), ("urn:uuid:1", encounter("e"))), encounter("e")
    )
    assert (found.read["Patient"], found.unique["Patient"]) == (2, 1)
    assert (found.read["Encounter"], found.unique["Encounter"]) == (2, 1)
    assert found.of_kinds["Patient"].elements[named("Patient", "gender")].present == 1


def test_measured_values(tmp_path: Path) -> None:
    below = lab("o1", 1.0, "2024-01-01")
    below["valueQuantity"]["comparator"] = "<"
    below["category"] = [concept("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")]
    bare = lab("o2", None, "2024-01-01", valueQuantity={"value": 3})
    reason = lab("o3", None, "2024-01-01", dataAbsentReason=concept("x", "unknown"))
    text = lab("o4", None, "2024-01-01", valueString="no")
    nothing = lab("o5", None, "2024-01-01")
    everything, laboratory = inspected(tmp_path, patient(), below, bare, reason, text, nothing).labs
    assert (everything.observations, everything.quantities, everything.comparators) == (5, 2, 1)
    assert (everything.without_unit, everything.absent_with_reason) == (1, 1)
    assert everything.neither_value_nor_reason == 1
    assert laboratory is not None
    assert (laboratory.observations, laboratory.comparators) == (1, 1)


def test_what_no_column_is_made_of_may_have_any_shape(tmp_path: Path) -> None:
    found = inspected(tmp_path, patient(photo=3, contact=[None], telecom=[{}])).of_kinds["Patient"].elements
    assert [found[named("Patient", name)].present for name in ("photo", "contact", "telecom")] == [1, 0, 0]


def test_a_flattened_slice_tells_its_system_and_a_missing_column_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "Patient.csv").write_text("id,Patient_gender,Patient_birthDate\np,male,\n", encoding="utf-8")
    (tmp_path / "Condition.csv").write_text(
        "id,patient,Condition_code_codingOrphanet_code,Condition_code_codingSct_code,Condition_onset_X_Onsetdatetime\n"
        "c,Patient/p,586,,2024-05\nc,Patient/p,,190905008,2024-05\n",
        encoding="utf-8",
    )
    found = inspect(tmp_path, today=TODAY)
    tally = found.of_kinds["Condition"]
    assert (found.form, tally.resources) == ("flattened tables", 1)
    assert tally.elements[named("Condition", "code: ORPHA")].present == 1
    assert dict(tally.systems[named("Condition", "code")].known) == {
        "http://www.orpha.net": 1,
        "http://snomed.info/sct": 1,
    }
    assert tally.dates[named("Condition", "onset")].year_month == 1
    assert found.held is not None
    assert named("Patient", "birthDate") in found.held
    assert named("Condition", "code: ICD-10-GM") not in found.held
    assert found.consent is None


def test_what_was_seen_stays_seen_when_it_moves_into_the_sorted_array(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mii.seen._FRESH_AT_LEAST", 10)
    seen = Seen()
    assert all(seen.is_new(f"resource-{number}") for number in range(500))
    assert not any(seen.is_new(f"resource-{number}") for number in range(500))
    assert len(seen) == 500
