"""Which elements a view may release, and of what family declared columns are.

| what                                        | is                                                   |
|---------------------------------------------|------------------------------------------------------|
| `address.postalCode`, the AGS               | told, of one family with `plz` and `ags`             |
| any other part of an address, its extensions | a direct identifier                                 |
| a code that ends in no coded element        | a direct identifier                                  |
| the date of those with a code               | of the family of the code                            |
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from anonymizer.errors import BadConfig
from mii.personal_codes import IDENTIFYING_CODES, SEX_CODES
from mii.views.declaring import SYSTEMS, Declared, ValueKind
from mii.views.families import families
from mii.views.keyed import refusals
from release.config.declared import check_digit_holds
from tests.configs import EXPORT, loaded
from tests.spec.test_view_origins import BORN, kin, of, under

AGS = "extension('http://fhir.de/StructureDefinition/destatis/ags').value.ofType(Coding).code"
GEOLOCATION = "http://hl7.org/fhir/StructureDefinition/geolocation"
LATITUDE = "extension.where(url = 'latitude').value.ofType(decimal)"
DIAGNOSES = {"main_diagnosis", "icd10gm_all", "alpha_id_all", "orpha_all", "snomed_all", "cause_of_death"}
DRUGS = {"atc_all", "pzn_all"}

# addresses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "address.postalCode.first()",
        "address.where(type = 'both').postalCode.first()",
        "Patient.address.first().state",
        "address.country.first()",
        "address.first().use",
        "address[0].type",
        f"address.{AGS}.first()",
        f"address.city.{AGS}.first()",
        f"address.where(use = 'home').city.{AGS}.first()",
        "address.city.extension('http://fhir.de/StructureDefinition/destatis/ags').valueCoding.code",
    ],
)
def test_these_parts_of_an_address_may_be_told_and_are_of_one_family(path: str) -> None:
    found = of("Patient", path)
    assert refusals(found) == {}
    assert kin(found) >= {"plz", "ags"}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (f"address.extension.{LATITUDE}", "decimal"),
        (f"$this.address.first().extension('{GEOLOCATION}').{LATITUDE}", "decimal"),
        (f"address.extension('{GEOLOCATION}').extension('latitude').value.ofType(decimal)", "decimal"),
        ("address.extension(%url).value.ofType(Coding).code", "code"),
        (f"address.extension('{GEOLOCATION}').exists()", "boolean"),
        (f"address.city.extension('{GEOLOCATION}').value.ofType(Coding).code", "code"),
        (f"address.where({LATITUDE} > 50).exists()", "boolean"),
        (f"address.{AGS.replace('value', 'extension.value')}", "code"),
        ("address.period.start.first()", "date"),
        ("address.district.first()", "code"),
        ("address.city.first()", "code"),
        ("address.where(line.exists()).postalCode", "code"),
    ],
)
def test_whatever_else_it_holds_is_a_direct_identifier(path: str, kind: str) -> None:
    told = [{"name": "url", "valueString": GEOLOCATION}]
    assert list(refusals(of("Patient", path, kind=kind, constant=told))) == ["x"]


@pytest.mark.parametrize(
    ("loop", "path"),
    [
        ({"forEach": "address"}, LATITUDE),
        ({"forEach": "address.extension"}, LATITUDE),
        ({"forEachOrNull": "address.first()"}, f"extension('{GEOLOCATION}').{LATITUDE}"),
        ({"repeat": ["address", "extension"]}, "value.ofType(decimal)"),
    ],
)
def test_no_loop_hides_an_address(loop: dict[str, Any], path: str) -> None:
    assert list(refusals(under(loop, path, "decimal"))) == ["x"]


def test_nor_may_it_decide_whether_there_is_a_row() -> None:
    north = f"address.{LATITUDE} > 50"
    assert list(refusals(of("Patient", "gender", where=[{"path": north}]))) == ["x"]
    assert list(refusals(of("Patient", "gender", {"forEach": f"where({north})"}))) == ["x"]
    assert refusals(of("Patient", "gender", where=[{"path": "address.exists(country = 'DE')"}])) == {}


def test_the_address_of_somebody_else_is_told_by_nothing() -> None:
    assert list(refusals(of("RelatedPerson", "address.postalCode.first()"))) == ["x"]


# codes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("ImagingStudy", "series.first().uid"),
        ("ImagingStudy", "series.first().instance.first().title"),
        ("MolecularSequence", "observedSeq"),
        ("ResearchSubject", "assignedArm"),
        ("Observation", "value.ofType(Quantity).unit"),
        ("Observation", "code.coding.first().system"),
        ("Observation", "effective.ofType(dateTime)"),
        ("Patient", "gender.join(',')"),
        ("Patient", "(gender | maritalStatus.coding.code).first()"),
        ("Encounter", "period.start.lowBoundary()"),
        ("QuestionnaireResponse", "item.first().linkId"),
        ("Specimen", "container.first().capacity.value"),
    ],
)
def test_a_code_ends_in_an_element_that_holds_codes(resource: str, path: str) -> None:
    """A uid, a sequence, the name of an arm have the shape of codes."""
    assert list(refusals(of(resource, path))) == ["x"]


@pytest.mark.parametrize(
    ("resource", "path"),
    [
        ("Patient", "gender"),
        ("Encounter", "class.code"),
        ("Encounter", "statusHistory.first().status"),
        ("Observation", "value.ofType(Quantity).code"),
        ("Observation", "value.ofType(CodeableConcept).coding.where(system = 'urn:x').first().code"),
        ("Observation", "component.first().value.ofType(Coding).code"),
        ("ImagingStudy", "modality.first().code"),
        ("AllergyIntolerance", "criticality"),
        ("Patient", "extension('urn:x').value.ofType(code)"),
        ("Specimen", "type.coding.code.first()"),
        ("QuestionnaireResponse", "item.where(linkId = 'smoker').answer.value.ofType(Coding).code"),
    ],
)
def test_these_elements_do(resource: str, path: str) -> None:
    assert refusals(of(resource, path)) == {}


# questionnaires -------------------------------------------------------------------------------------


def test_a_question_is_found_by_its_place_in_the_questionnaire() -> None:
    found = of(
        "QuestionnaireResponse", "item.where(linkId = 'a').answer.value.ofType(boolean)", kind="boolean"
    )
    assert refusals(found) == {}
    assert not kin(found) & BORN


@pytest.mark.parametrize(
    "path",
    [
        "value.ofType(date)",
        "value.ofType(integer)",
        "valueDate",
        "value.ofType(Quantity).value",
        "value.value",
    ],
)
def test_an_answer_may_be_a_day_of_birth_or_an_age(path: str) -> None:
    assert kin(of("QuestionnaireResponse", f"item.where(linkId = 'a').answer.{path}")) >= BORN


# families of declared columns -----------------------------------------------------------------------


def of_declared(
    resource: str, system: str, value: ValueKind, *, code: str = "a", value_system: str | None = None
) -> set[str]:
    """All that is of a family with a declared column ``x``."""
    column = Declared("x", resource, SYSTEMS.get(system, (system,)), (code,), value, value_system)
    return {name for family in families((column,), (), {"crp": "1988-5"}) if "x" in family for name in family}


@pytest.mark.parametrize("value", ["code", "date"])
@pytest.mark.parametrize(
    ("resource", "system", "told"),
    [
        ("Condition", "icd10gm", DIAGNOSES),
        ("Condition", "snomed", DIAGNOSES),
        ("Procedure", "ops", {"ops_all"}),
        ("Procedure", "snomed", {"ops_all"}),
        ("MedicationStatement", "atc", DRUGS),
        ("MedicationAdministration", "snomed", DRUGS),
        ("MedicationRequest", "http://fhir.de/CodeSystem/ifa/pzn", DRUGS),
        ("ServiceRequest", "icd10gm", DIAGNOSES),
        ("DiagnosticReport", "http://www.orpha.net", DIAGNOSES),
        ("ServiceRequest", "ops", {"ops_all"}),
        ("Observation", "icd10gm", DIAGNOSES),
    ],
)
def test_whatever_is_told_of_those_with_a_code_tells_the_code(
    resource: str, system: str, told: set[str], value: ValueKind
) -> None:
    """Who has a date has the diagnosis."""
    assert of_declared(resource, system, value) >= told


@pytest.mark.parametrize("value", ["code", "quantity", "date", "boolean", "integer"])
def test_so_does_every_value_of_an_observation(value: ValueKind) -> None:
    assert "lab_crp_last" in of_declared("Observation", "loinc", value, code="1988-5")


def test_a_value_that_is_a_diagnosis_is_of_their_family() -> None:
    icd = SYSTEMS["icd10gm"][0]
    assert of_declared("Observation", "loinc", "code", value_system=icd) >= DIAGNOSES
    path = f"value.ofType(CodeableConcept).coding.where(system = '{icd}').code"
    assert kin(of("Observation", path)) >= DIAGNOSES
    constant = [{"name": "icd", "valueUri": icd}]
    assert kin(of("Observation", path.replace(f"'{icd}'", "%icd"), constant=constant)) >= DIAGNOSES


@pytest.mark.parametrize(
    ("resource", "date", "concept"),
    [
        ("Condition", "recordedDate", "code"),
        ("Procedure", "performed.ofType(dateTime)", "code"),
        ("Immunization", "occurrence.ofType(dateTime)", "vaccineCode"),
        ("Specimen", "collection.collected.ofType(dateTime)", "type"),
        ("MedicationRequest", "authoredOn", "medication.ofType(CodeableConcept)"),
    ],
)
def test_a_declared_date_is_of_the_families_of_the_same_date_and_code_in_a_view(
    resource: str, date: str, concept: str
) -> None:
    column = Declared("told", resource, ("urn:x",), ("a",), "date")
    for path in (date, f"{concept}.coding.code.first()"):
        found = families((column,), (of(resource, path),), {})
        assert any({"told", "x"} <= family for family in found), path


def test_two_elements_that_tell_one_fixed_column_are_of_one_family() -> None:
    """A reason and a diagnosis, both declared, beside neither of the fixed columns."""
    column = Declared("told", "Condition", SYSTEMS["icd10gm"], ("C50.1",), "code")
    found = families((column,), (of("Encounter", "reasonCode.coding.code.first()"),), {})
    assert any({"told", "x"} <= family for family in found)


def test_a_death_is_of_no_family_with_the_diagnoses() -> None:
    assert not kin(of("Patient", "deceased.ofType(boolean)", kind="boolean")) & (
        DIAGNOSES - {"cause_of_death"}
    )


# codes that tell of the person ----------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(IDENTIFYING_CODES))
def test_a_postal_code_is_no_value_of_an_observation(tmp_path: Path, code: str) -> None:
    system = "loinc" if "-" in code else "snomed"
    declared = f"columns: {{x: {{resource: Observation, where: {{{system}: '{code}'}}, value: integer}}}}"
    edits = [declared]
    if system == "loinc":
        edits.append(f"observations: {{crp: {{loinc: {code}, unit: mg/L}}}}")
    for edit in edits:
        text = EXPORT.replace("    observations:\n      crp: {loinc: 1988-5, unit: mg/L}\n", f"    {edit}\n")
        with pytest.raises(BadConfig, match="tells where somebody lives"):
            loaded(tmp_path, text)


def test_the_digits_of_these_codes_are_right() -> None:
    assert all(check_digit_holds(code) for code in IDENTIFYING_CODES | SEX_CODES if "-" in code)


def test_nor_may_a_view_ask_for_one() -> None:
    path = "value.ofType(integer)"
    asked = "code.coding.exists(code = {})"
    told = [{"name": "place", "valueCode": "45401-7"}]
    for code in ("'45401-7'", "'76435-7'", "%place"):
        where = [{"path": asked.format(code)}]
        found = of("Observation", path, kind="integer", where=where, constant=told)
        assert list(refusals(found)) == ["x"]
    plain = of("Observation", path, kind="integer", where=[{"path": asked.format("'1988-5'")}])
    assert refusals(plain) == {}


def test_a_view_of_a_sex_is_of_the_family_of_gender() -> None:
    path = "where(code.coding.code = '{}').value.ofType(Coding).code"
    assert kin(of("Observation", path.format("76689-9"))) >= {"gender", "gender_amtlich"}
    assert "gender" not in kin(of("Observation", path.format("1988-5")))


def test_a_declared_sex_is_of_the_family_of_gender() -> None:
    assert of_declared("Observation", "loinc", "code", code="46098-0") >= {"gender", "gender_amtlich"}


@pytest.mark.parametrize("code", ["81956-5", "69453-9", "31211-6", "80616-6", "79378-6"])
def test_a_declared_death_is_of_the_family_of_the_dead(code: str) -> None:
    assert check_digit_holds(code)
    for value in ("code", "date"):
        assert of_declared("Observation", "loinc", value, code=code) >= {"deceased", "death_date"}


def test_a_death_or_a_sex_under_a_code_of_snomed_is_one_too() -> None:
    assert of_declared("Condition", "snomed", "code", code="419099009") >= {"deceased", "death_date"}
    assert of_declared("Observation", "snomed", "code", code="263495000") >= {"gender", "gender_amtlich"}


def test_an_extension_of_the_patient_may_hold_anything_about_the_person() -> None:
    found = of("Patient", "extension('urn:birthsex').value.ofType(code)")
    assert kin(found) >= {"gender", "plz", "deceased"}


@pytest.mark.parametrize(
    ("resource", "path", "fixed"),
    [
        (
            "ExplanationOfBenefit",
            "diagnosis.first().diagnosis.ofType(CodeableConcept).coding.first().code",
            "main_diagnosis",
        ),
        ("CarePlan", "activity.first().detail.reasonCode.first().coding.first().code", "main_diagnosis"),
        ("ImagingStudy", "procedureCode.first().coding.first().code", "ops_all"),
    ],
)
def test_a_diagnosis_or_a_procedure_repeated_elsewhere_is_of_its_family(
    resource: str, path: str, fixed: str
) -> None:
    assert fixed in kin(of(resource, path))
