"""What a view's column tells is found whatever way its path takes, and what nobody can tell is refused.

| resource  | path                              | tells of                     |
|-----------|-----------------------------------|------------------------------|
| Patient   | `$this.birthDate`                 | `birth_date`, `age_years`    |
| Patient   | `birth`                           | the same: read as a choice   |
| Encounter | `statusHistory.first().period.end` | the stay's dates             |
| Condition | `onset.ofType(Age).value`         | the onset, and the birth     |
| Patient   | `$this.exists()`                  | nobody can tell (78)         |
"""

from __future__ import annotations

from typing import Any

import pytest

from mii.views.families import families
from mii.views.keyed import Keyed, refusals
from mii.views.origins import selected
from mii.views.running import Runner
from mii.views.subjects import SUBJECTS
from tests.spec.test_views import KEY, column, known, view

Data = dict[str, Any]
BORN = {"birth_date", "age_years"}
STAY = {"admission_date", "discharge_date", "length_of_stay_days"}


def of(resource: str, path: str, *selects: Data, kind: str = "code", **elements: Any) -> Keyed:
    """A view whose column ``x`` has the path, beside further selects."""
    key = KEY if resource == "Patient" else {**KEY, "path": f"{SUBJECTS[resource]}.getReferenceKey(Patient)"}
    data = view(key, column("x", path, kind), resource=resource, **elements)
    return known({**data, "select": [*data["select"], *selects]})


def under(loop: Data, path: str, kind: str = "date") -> Keyed:
    """A view whose column ``x`` stands below a loop."""
    inner = {**loop, "column": [column("x", path, kind)]}
    return known({"resource": "Patient", "select": [{"column": [KEY]}, inner]})


def kin(found: Keyed) -> set[str]:
    """All that is of a family with the column ``x``."""
    made = families((), (found,), {"crp": "1988-5"})
    return {name for family in made if "x" in family for name in family} - {"x", "key"}


@pytest.mark.parametrize(
    "path",
    [
        "birthDate",
        "$this.birthDate",
        "Patient.birthDate",
        "first().birthDate",
        "$this[0].birthDate",
        "ofType(Patient).birthDate",
        "where(gender.exists()).birthDate",
        "where(birthDate < @1930-01-01).gender",
        "where($this.birthDate < @1930-01-01).gender",
        "($this | $this).birthDate",
        "$this.where(true).first().birthDate.lowBoundary()",
        "birth",
        "birth.ofType(date)",
        "`_birthDate`.extension.value.ofType(dateTime)",
        "birthDate.extension('urn:x').value.ofType(dateTime)",
        "extension('urn:x').value.ofType(dateTime)",
        "first().extension('urn:x').valueDate",
        "extension.where(value < @1930-01-01).value.ofType(Coding).code",
        "gender.exists() and birthDate.exists()",
        "birthDate in %known",
        "exists(birthDate < @1930-01-01)",
        "address[birthDate.exists()].use",
        "maritalStatus.coding.code.join(birthDate)",
    ],
)
def test_whatever_reaches_the_day_of_birth_is_of_its_family(path: str) -> None:
    constants = [{"name": "known", "valueDate": "1930-01-01"}]
    assert kin(of("Patient", path, constant=constants)) >= BORN


@pytest.mark.parametrize(
    ("loop", "path"),
    [
        ({"forEach": "$this"}, "birthDate"),
        ({"forEachOrNull": "$this"}, "first().birthDate"),
        ({"forEach": "where(gender.exists())"}, "birthDate"),
        ({"forEach": "first()"}, "$this.birthDate"),
        ({"forEachOrNull": "birthDate"}, "$this"),
        ({"forEachOrNull": "birthDate"}, "true"),
        ({"forEachOrNull": "birthDate"}, "%rowIndex"),
        ({"forEachOrNull": "where(birthDate < @1930-01-01)"}, "gender"),
        ({"repeat": ["address", "birthDate"]}, "$this"),
    ],
)
def test_no_loop_hides_what_a_column_is_made_of(loop: Data, path: str) -> None:
    assert kin(under(loop, path, "integer" if path == "%rowIndex" else "date")) >= BORN


def test_what_decides_whether_there_is_a_row_is_told_as_well() -> None:
    old = "birthDate < @1930-01-01"
    assert kin(of("Patient", "gender", where=[{"path": old}])) >= BORN
    assert kin(of("Patient", "gender", {"forEach": f"where({old})", "column": []})) >= BORN
    assert kin(of("Patient", "gender", {"select": [{"forEach": f"$this.where({old})"}]})) >= BORN
    assert not kin(of("Patient", "gender", {"forEachOrNull": f"where({old})"})) & BORN


@pytest.mark.parametrize(
    ("resource", "path", "of_it", "not_of_it"),
    [
        ("Patient", "$this.gender", {"gender"}, BORN),
        ("Patient", "$this.address.postalCode.first()", {"plz", "ags"}, BORN),
        ("Patient", "deceasedDateTime", {"deceased", "death_date"}, BORN),
        ("Patient", "address.period.start.first()", {"plz"}, BORN),
        ("Patient", "maritalStatus.coding.code.first()", set(), BORN | {"gender"}),
        ("Patient", "extension('urn:x').value.ofType(Coding).code", set(), BORN),
        ("Encounter", "$this.period.start", STAY, {"class"}),
        ("Encounter", "length.value", STAY, {"class"}),
        ("Encounter", "statusHistory.first().period.start", STAY, {"class"}),
        ("Encounter", "classHistory.period.start.first()", STAY | {"class"}, BORN),
        ("Encounter", "participant.first().period.end", STAY, {"class"}),
        ("Encounter", "location.period.end.first()", STAY, {"class"}),
        ("Encounter", "extension('urn:x').value.ofType(dateTime)", STAY | {"admission_reason"}, BORN),
        ("Encounter", "reasonCode.coding.code.first()", {"main_diagnosis", "icd10gm_all"}, STAY),
        ("Encounter", "hospitalization.dischargeDisposition.coding.code", {"discharge_reason"}, STAY),
        ("Encounter", "status", set(), STAY),
        ("Condition", "where(true).code.coding.code.first()", {"main_diagnosis", "orpha_all"}, BORN),
        ("Condition", "clinicalStatus.coding.code.first()", set(), {"main_diagnosis"} | BORN),
        ("Condition", "$this.recordedDate", {"main_diagnosis_recorded"}, {"main_diagnosis"}),
        ("Condition", "abatement.ofType(dateTime)", {"main_diagnosis_onset"}, BORN),
        ("Condition", "onset.ofType(dateTime)", {"main_diagnosis_onset"}, BORN),
        ("Condition", "onset.ofType(Age).value", {"main_diagnosis_onset"} | BORN, {"main_diagnosis"}),
        ("Condition", "onset.value", {"main_diagnosis_onset"} | BORN, {"main_diagnosis"}),
        ("Condition", "onsetAge.value", {"main_diagnosis_onset"} | BORN, {"main_diagnosis"}),
        ("Condition", "abatement.ofType(Range).high.value", {"main_diagnosis_onset"} | BORN, STAY),
        ("Condition", "evidence.code.coding.code.first()", {"main_diagnosis"}, BORN),
        ("Procedure", "performed.ofType(Age).value", {"performed_first", "performed_last"} | BORN, STAY),
        ("Procedure", "performedPeriod.start", {"performed_first", "performed_last"}, BORN),
        ("Procedure", "extension('urn:x').value.ofType(dateTime)", {"performed_last"}, STAY),
        ("Procedure", "reasonCode.coding.code.first()", {"main_diagnosis"}, {"ops_all"}),
        ("MedicationDispense", "$this.medication.ofType(CodeableConcept).coding.code", {"atc_all"}, BORN),
        ("MedicationRequest", "reasonCode.coding.code.first()", {"main_diagnosis"}, {"atc_all"}),
        ("Observation", "$this.value.ofType(boolean)", {"lab_crp_last", "deceased"}, BORN),
        ("Observation", "component.value.ofType(Age).value", {"lab_crp_last"} | BORN, STAY),
        ("Observation", "where(code.coding.code = '30525-0').value.ofType(Quantity).value", BORN, STAY),
        ("Encounter", "priority.coding.code.first()", {"admission_reason"}, STAY),
        ("Procedure", "complication.coding.code.first()", {"main_diagnosis"}, {"ops_all"}),
        ("Procedure", "category.coding.code.first()", {"ops_all"}, {"main_diagnosis"}),
        ("EpisodeOfCare", "period.start", STAY, BORN),
        ("RelatedPerson", "birthDate", BORN, {"gender"}),
        ("FamilyMemberHistory", "condition.onset.ofType(Age).value", BORN, STAY),
        ("AllergyIntolerance", "onset.value", BORN, STAY),
    ],
)
def test_an_element_that_repeats_another_is_of_its_family(
    resource: str, path: str, of_it: set[str], not_of_it: set[str]
) -> None:
    found = kin(of(resource, path))
    assert found >= of_it
    assert not found & not_of_it


def test_a_code_of_ages_tells_them_wherever_it_is_asked_for() -> None:
    path = "value.ofType(Quantity).value"
    literal, constant = ("code.coding.exists(code = " + code + ")" for code in ("'30525-0'", "%age"))
    told = {"name": "age", "valueCode": "30525-0"}
    assert kin(of("Observation", path, where=[{"path": literal}])) >= BORN
    assert kin(of("Observation", path, where=[{"path": constant}], constant=[told])) >= BORN
    assert kin(of("Observation", path, {"forEach": literal})) >= BORN
    assert not kin(of("Observation", path, where=[{"path": literal.replace("30525-0", "1988-5")}])) & BORN


@pytest.mark.parametrize(
    ("resource", "path", "reason"),
    [
        ("Patient", "$this.exists()", "names no element"),
        ("Patient", "$this", "names no element"),
        ("Patient", "Patient.exists()", "names no element"),
        ("Patient", "dateOfBirth", "no such element"),
        ("Patient", "$this.colour.code", "no such element"),
        ("Encounter", "where(true).birthDate", "no such element"),
        ("Patient", "meta.lastUpdated", "identifies somebody"),
        ("Patient", "$this.id", "identifies somebody"),
        ("Patient", "`_id`.extension.value.ofType(code)", "identifies somebody"),
        ("Patient", "$this.address.city", "identifies somebody"),
        ("Observation", "valueString", "typed text"),
        ("Condition", "onsetString", "typed text"),
        ("MedicationRequest", "group.value.ofType(code)", "identifies somebody"),
        ("Observation", "value", "`value` can be typed text"),
    ],
)
def test_what_nobody_can_tell_the_origin_of_is_refused(resource: str, path: str, reason: str) -> None:
    assert reason in refusals(of(resource, path)).get("x", "")


@pytest.mark.parametrize("path", ["true", "1 + 2 = 3", "%rowIndex = 0", "gender = 'female'"])
def test_what_the_view_itself_says_is_not_refused(path: str) -> None:
    assert refusals(of("Patient", path, kind="boolean")) == {}


def test_what_only_sounds_like_a_reference_is_not_refused() -> None:
    assert refusals(of("Observation", "referenceRange.first().low.value", kind="decimal")) == {}


def test_a_loop_over_the_person_alone_is_no_origin() -> None:
    assert "names no element" in refusals(under({"forEach": "$this"}, "%rowIndex", "integer"))["x"]


def test_a_part_of_an_element_is_not_the_resources_element_of_that_name() -> None:
    telling = of(
        "Condition", "where(severity.coding.where(code = 'x').exists()).stage.summary.coding.code.first()"
    )
    roots = {root for each in selected(telling.view) for root in each.roots if each.column.name == "x"}
    assert roots == {"severity", "stage"}


@pytest.mark.parametrize("path", ["$this.birthDate", "birth", "first().birthDate", "Patient.birthDate"])
def test_these_paths_do_reach_it(path: str) -> None:
    told = Runner(of("Patient", path, kind="date").view)
    person = {"resourceType": "Patient", "id": "p", "birthDate": "1930-02-03"}
    assert told.rows(person) == [("p", "1930-02-03")]
