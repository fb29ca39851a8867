"""ViewDefinitions: what is refused before data is read, whose rows they are, and what may leave the house."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

import mii
from anonymizer.errors import BadConfig, BadInput
from mii.views.declaring import SYSTEMS, Declared
from mii.views.definition import definition
from mii.views.families import families
from mii.views.keyed import Keyed, keyed, refusals
from mii.views.running import MOST_ROWS, Runner, frame
from tests.fhir_export import TODAY, concept, encounter, lab, patient, request, write

KEY = {"name": "key", "path": "getResourceKey()", "type": "id"}
SUBJECT = {"name": "key", "path": "subject.getReferenceKey(Patient)", "type": "id"}


def view(*columns: dict[str, Any], resource: str = "Patient", **elements: Any) -> dict[str, Any]:
    return {"resource": resource, "select": [{"column": list(columns)}], **elements}


def column(name: str, path: str, kind: str | None = "code", **elements: Any) -> dict[str, Any]:
    return {"name": name, "path": path, **({"type": kind} if kind else {}), **elements}


def known(data: dict[str, Any], name: str = "view.json") -> Keyed:
    return keyed(name, definition(data))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([], "must be a JSON object"),
        ({"resource": "Patient"}, "selects something"),
        ({"resource": 1, "select": [{}]}, "names the type"),
        ({"resourceType": "Patient", "resource": "Patient", "select": [{}]}, "names the type"),
        ({"resource": "Patient", "select": {}}, "select: must be a list"),
        (view({"name": "a b", "path": "id"}), r"select\[0\].column\[0\].name: must be a name"),
        (view({"name": "a"}), r"select\[0\].column\[0\].path: must be a FHIRPath"),
        (view(column("a", "id..")), r"select\[0\].column\[0\].path: the FHIRPath cannot be read"),
        (view(column("a", "id"), column("a", "id")), "two columns"),
        (view(column("a", "id", collection="yes")), "`collection` true or false"),
        (view(column("a", "id", unit="mg")), "`unit` is no key"),
        ({"resource": "Patient", "select": [{"forEach": "name", "repeat": ["a"]}]}, "exclude one another"),
        ({"resource": "Patient", "select": [{"foreach": "name"}]}, "`foreach` is no key"),
        (view(column("a", "id"), constant=[{"name": "c", "valueInteger": "1"}]), "is not of its type"),
        (view(column("a", "id"), constant=[{"name": "c", "valueQuantity": {}}]), "is not of its type"),
        (view(column("a", "id"), where=[{}]), r"where\[0\].path"),
    ],
)
def test_a_definition_that_is_wrong_is_refused_with_its_place(data: Any, says: str) -> None:
    with pytest.raises(BadConfig, match=says):
        definition(data)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("Mustermann", "integer"),
        ("Mustermann", "boolean"),
        (True, "integer"),
        ("1", "decimal"),
        (1, "string"),
    ],
)
def test_a_value_that_is_not_of_its_columns_type_is_refused_and_not_told(value: Any, kind: str) -> None:
    runner = Runner(definition(view(column("a", "x", kind))))
    with pytest.raises(BadInput, match="'a': a value is not of the type") as refusal:
        runner.rows({"resourceType": "Patient", "x": value})
    assert str(value) not in str(refusal.value)


@pytest.mark.parametrize("value", [{"code": "a"}, Decimal("1e400"), 1 << 63])
def test_an_element_with_parts_and_a_number_beyond_bounds_are_no_values(value: Any) -> None:
    for kind in ("string", "decimal" if isinstance(value, Decimal) else "integer"):
        with pytest.raises(BadInput):
            Runner(definition(view(column("a", "x", kind)))).rows({"resourceType": "Patient", "x": value})


def test_a_product_that_would_fill_memory_is_refused() -> None:
    many = [{"forEach": "name", "column": [column(f"c{n}", "use")]} for n in range(4)]
    resource = {"resourceType": "Patient", "name": [{"use": "old"}] * 40}
    assert MOST_ROWS < 40**4
    with pytest.raises(BadInput, match="too many rows"):
        Runner(definition({"resource": "Patient", "select": many})).rows(resource)


def test_columns_have_the_types_that_the_view_says() -> None:
    told = view(
        column("a", "x", "boolean"),
        column("b", "y", "positiveInt"),
        column("c", "z", "decimal"),
        column("d", "w", "dateTime"),
        column("e", "v", "code", collection=True),
    )
    made = frame(Runner(definition(told)), [])
    assert list(made.schema.values()) == [pl.Boolean, pl.Int64, pl.Float64, pl.String, pl.List(pl.String)]


def test_a_view_names_the_patient_in_one_column() -> None:
    assert known(view(KEY, column("a", "gender"))).released == (("a", 1, "code"),)
    assert known(view(column("a", "status"), SUBJECT, resource="Observation")).position == 1
    for data in (
        view(column("a", "gender")),
        view(KEY, resource="Observation"),
        view(column("key", "subject.getReferenceKey()"), resource="Observation"),
        view(column("key", "subject.getReferenceKey(Group)"), resource="Observation"),
        view(KEY, {**KEY, "name": "again"}),
        view(KEY, column("a", "name.use", collection=True)),
        view(SUBJECT, resource="Bundle"),
        view(SUBJECT, resource="Laboratory"),
    ):
        with pytest.raises(BadConfig, match=r"view\.json"):
            known(data)


@pytest.mark.parametrize(
    "told",
    [
        column("a", "name.family.first()"),
        column("a", "name.family.first()", "string"),
        column("a", "gender", "string"),
        column("a", "gender", None),
        column("a", "id"),
        column("a", "Patient.getResourceKey()"),
        column("a", "generalPractitioner.first().getReferenceKey()"),
        column("a", "managingOrganization.reference"),
        column("a", "identifier.where(system = 'x').value"),
        column("a", "identifier.exists()", "boolean"),
        column("a", "address.city.first()"),
        column("a", "contact.first().gender"),
        column("a", "extension('urn:x').value"),
        column("a", "extension('urn:x').value.first()"),
        column("a", "extension('urn:x').value.ofType(string)"),
        column("a", "maritalStatus.text"),
        column("a", "maritalStatus.coding.first().display"),
        column("a", "gender & birthDate"),
    ],
)
def test_what_could_be_a_direct_identifier_stays_one(told: dict[str, Any]) -> None:
    assert list(refusals(known(view(KEY, told)))) == ["a"]


@pytest.mark.parametrize(
    "told",
    [
        column("a", "gender"),
        column("a", "birthDate", "date"),
        column("a", "deceased.ofType(boolean)", "boolean"),
        column("a", "maritalStatus.coding.where(system = 'urn:x').code.first()"),
        column("a", "extension('urn:x').value.ofType(Coding).code"),
        column("a", "extension('urn:x').value.ofType(Quantity).value", "decimal"),
        column("a", "multipleBirth.ofType(integer)", "integer"),
    ],
)
def test_codes_dates_numbers_and_booleans_may_be_released(told: dict[str, Any]) -> None:
    assert refusals(known(view(KEY, told))) == {}


def test_no_branch_of_a_union_and_no_loop_hides_a_name() -> None:
    hidden = {"forEach": "name", "column": [column("a", "$this.use")]}
    union = {"unionAll": [{"column": [column("a", "family")]}, {"column": [column("a", "gender")]}]}
    for select in (hidden, union):
        data = {"resource": "Patient", "select": [{"column": [KEY]}, select]}
        assert list(refusals(known(data))) == ["a"]


def test_columns_of_one_source_element_are_a_family() -> None:
    born = known(view(KEY, column("born", "birthDate", "date")), "a.json")
    level = known(view(SUBJECT, column("level", "value.ofType(boolean)", "boolean"), resource="Observation"))
    found = families((), (born, level), {"crp": "1988-5"})
    assert any({"born", "birth_date", "age_years"} <= family for family in found)
    assert any({"level", "lab_crp_last", "deceased"} <= family for family in found)


def test_a_column_of_several_codes_is_of_the_family_of_each() -> None:
    either = Declared("either", "Observation", SYSTEMS["loinc"], ("718-7", "1988-5"), "quantity", unit="g/L")
    found = families((either,), (), {"crp": "1988-5", "hb": "718-7"})
    assert {name for family in found if "either" in family for name in family} >= {
        "lab_crp_last",
        "lab_hb_min",
    }


# joined to the table ---------------------------------------------------------------------------------------


def table(folder: Path, data: dict[str, Any], *resources: dict[str, Any], **changes: Any) -> mii.Export:
    found = known(msgspec.json.decode(json.dumps(data).encode()))
    names = [name for name, *_ in found.released]
    return mii.read(write(folder, resources), request("patient_id", *names, views=(found,), **changes))


def test_a_view_joins_where_each_patient_has_one_row(tmp_path: Path) -> None:
    told = view(
        KEY, column("married", "maritalStatus.coding.code"), column("multiple", "multipleBirth", "integer")
    )
    married = patient("p", maritalStatus=concept("urn:x", "M"), multipleBirthInteger=2)
    made = table(tmp_path, told, married, patient("q"))
    assert made.frame.rows() == [("p", "M", 2), ("q", None, None)]


def test_a_view_with_several_rows_for_a_person_says_that_tables_come_later(tmp_path: Path) -> None:
    told = view(SUBJECT, column("status", "status"), resource="Observation")
    with pytest.raises(BadConfig, match=r"view\.json: .*several rows.*1 time.*several tables"):
        table(tmp_path, told, patient(), lab("a", 1.0, "2024"), lab("b", 2.0, "2024"))
    assert table(tmp_path, told, patient(), lab("a", 1.0, "2024")).frame.rows() == [("p", "final")]


def test_a_row_about_somebody_else_does_not_count(tmp_path: Path) -> None:
    either = "(focus | subject).where(true).first().getReferenceKey(Patient)"
    told = view({**SUBJECT, "path": either}, column("status", "status"), resource="Observation")
    about = lab("a", 1.0, "2024", focus=[{"reference": "Patient/q"}])
    made = table(tmp_path, told, patient("p"), patient("q"), about)
    assert made.frame["status"].to_list() == [None, None]
    assert made.audit["views"]["view_rows_about_nobody_or_another"] == 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("Coverage", "beneficiary"),
        ("Task", "for"),
        ("Account", "subject.first()"),
        ("Person", "link.target"),
        ("Observation", "focus.first()"),
        ("Observation", "performer.first()"),
        ("AllergyIntolerance", "subject"),
        ("ResearchSubject", "patient"),
    ],
)
def test_a_view_is_keyed_by_the_element_that_tells_whose_its_resources_are(resource: str, path: str) -> None:
    """By any other its columns would be missing in every row."""
    key = {**SUBJECT, "path": f"{path}.getReferenceKey(Patient)"}
    with pytest.raises(BadConfig, match="tells whose"):
        known(view(key, column("a", "status"), resource=resource))


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("Observation", "subject"),
        ("Observation", "$this.subject"),
        ("Observation", "Observation.subject.first()"),
        ("AllergyIntolerance", "patient"),
        ("ResearchSubject", "individual"),
    ],
)
def test_that_element_is_found_whatever_way_leads_to_it(resource: str, path: str) -> None:
    key = {**SUBJECT, "path": f"{path}.getReferenceKey(Patient)"}
    assert known(view(key, column("a", "status"), resource=resource)).position == 0


def test_a_code_that_somebody_typed_and_a_day_that_is_none_are_missing_and_counted(tmp_path: Path) -> None:
    told = view(KEY, column("a", "gender"), column("b", "birthDate", "date"))
    made = table(tmp_path, told, patient(gender="Erika Mustermann", birthDate="1962-02-30"))
    assert made.frame.rows() == [("p", None, None)]
    assert made.audit["views"]["values_malformed"] == 2  # type: ignore[index]


def test_a_view_of_undated_resources_is_refused_where_consent_is_asked_for(tmp_path: Path) -> None:
    told = view({**SUBJECT, "path": "patient.getReferenceKey(Patient)"}, resource="RelatedPerson")
    with pytest.raises(BadConfig, match="RelatedPerson has no date"):
        table(tmp_path, told, patient(), _consent(), consent_required=True)


def test_the_view_of_an_encounters_rows_repeats_for_each(tmp_path: Path) -> None:
    told = view(KEY, column("a", "gender"))
    stays = [encounter("e1"), encounter("e2")]
    made = table(tmp_path, told, patient(gender="other"), *stays, row="encounter")
    assert made.frame["a"].to_list() == ["other", "other"]


def _consent() -> dict[str, Any]:
    oid = "2.16.840.1.113883.3.1937.777.24.5.3"
    permits = [
        {
            "type": "permit",
            "period": {"start": "2020-01-01"},
            "code": [concept(f"urn:oid:{oid}", f"{oid}.{n}")],
        }
        for n in (6, 8)
    ]
    return {
        "resourceType": "Consent",
        "id": "c",
        "status": "active",
        "scope": concept("http://terminology.hl7.org/CodeSystem/consentscope", "research"),
        "patient": {"reference": "Patient/p"},
        "provision": {"type": "deny", "provision": permits},
    }


def test_consent_is_asked_about_the_resources_of_a_view(tmp_path: Path) -> None:
    told = view(SUBJECT, column("status", "status"), resource="Observation")
    assert TODAY.year > 2020
    before = table(tmp_path, told, patient(), _consent(), lab("a", 1.0, "2019-12-31"), consent_required=True)
    after = table(tmp_path, told, patient(), _consent(), lab("a", 1.0, "2020-01-01"), consent_required=True)
    assert (before.frame["status"].to_list(), after.frame["status"].to_list()) == ([None], ["final"])
