"""Columns of events: what they allow of one another, and of the patients' columns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anonymizer.criteria import KMAnonymity
from anonymizer.errors import BadConfig, InputMissing
from mii import TABLES
from release.config.tables import DATES, NUMBERS
from release.intake.event_columns import FAMILIES
from release.intake.source import read
from tests.configs import TABLE, loaded
from tests.spec.test_tables_config import (
    MORE,
    SEVERAL,
    Edits,
    edited,
    line_of,
    told,
)


def refused(folder: Path, changes: Edits, marker: str, path: str) -> str:
    """What is told of the one thing that is wrong, with the line that ``marker`` stands in."""
    text = edited(*changes)
    (found,) = told(folder, text, BadConfig)
    start = f"line {line_of(text, marker)}: {path}: "
    assert found.startswith(start)
    return found.removeprefix(start)


def accepted(folder: Path, *changes: tuple[str, str]) -> None:
    """Nothing is wrong but that there is no export."""
    with pytest.raises(InputMissing):
        read(loaded(folder, edited(*changes)))


# patients' columns ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "rule", "table"),
    [
        ("admission_date", "{role: quasi-identifier, hierarchy: {date: [year]}}", "encounters"),
        ("length_of_stay_days", "{role: sensitive}", "encounters"),
        ("department", "{role: quasi-identifier, hierarchy: suppression}", "encounters"),
        ("discharge_reason", "{role: insensitive}", "encounters"),
        ("main_diagnosis", "{role: sensitive}", "diagnoses"),
        ("main_diagnosis_onset", "{role: sensitive}", "diagnoses"),
        ("icd10gm_all", "{role: sensitive}", "diagnoses"),
        ("cause_of_death", "{role: sensitive}", "diagnoses"),
        ("lab_crp_last", "{role: sensitive}", "labs"),
        ("lab_crp_count", "{role: insensitive}", "labs"),
    ],
)
def test_no_column_of_patients_tells_what_a_table_tells_too(
    tmp_path: Path, column: str, rule: str, table: str
) -> None:
    changes = ((MORE, f"  {column}: {rule}\n"),)
    message = refused(tmp_path, changes, f"  {column}: {rule}", f"columns.{column}")

    assert message.startswith(f"{column} tells what the table {table} tells event by event")
    assert message.endswith("drop it (identifier), or leave that table out")
    accepted(tmp_path, (MORE, f"  {column}: {{role: identifier}}\n"))


def test_a_pattern_is_refused_for_the_columns_that_it_reaches(tmp_path: Path) -> None:
    changes = ((MORE, '  "lab_*": {role: sensitive}\n'),)
    found = told(tmp_path, edited(*changes), BadConfig)

    assert len(found) == 6
    assert all("columns.lab_*: lab_crp_" in line for line in found)


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("procedures: {ops: {role: sensitive}}", ("ops_all", "performed_first", "performed_last")),
        ("medications: {atc: {role: sensitive}}", ("atc_all", "pzn_all")),
    ],
)
def test_procedures_and_medications_are_told_once_too(
    tmp_path: Path, table: str, columns: tuple[str, ...]
) -> None:
    for column in columns:
        changes = ((MORE, f"  {column}: {{role: sensitive}}\n"), ("tables:\n", f"tables:\n  {table}\n"))
        assert table.partition(":")[0] in refused(tmp_path, changes, f"  {column}: ", f"columns.{column}")


def test_a_list_of_codes_cannot_be_released_beside_tables_at_all(tmp_path: Path) -> None:
    message = refused(tmp_path, ((MORE, "  ops_all: {role: sensitive}\n"),), "  ops_all: ", "columns.ops_all")

    assert "a list of codes, which cannot be released beside `tables`" in message
    assert "release its events as a table" in message


def test_the_main_diagnosis_of_encounters_is_told_once(tmp_path: Path) -> None:
    without_diagnoses = SEVERAL[SEVERAL.index("  diagnoses:") : SEVERAL.index("  labs:")]
    patients = (MORE, "  main_diagnosis: {role: sensitive}\n")

    accepted(tmp_path, patients, (without_diagnoses, ""))
    told_by_stays = "  encounters:\n    main_diagnosis: {role: sensitive}\n"
    changes = (patients, (without_diagnoses, ""), ("  encounters:\n", told_by_stays))
    text = edited(*changes)
    (found,) = told(tmp_path, text, BadConfig)
    assert "columns.main_diagnosis: main_diagnosis tells what the table encounters tells" in found


def test_nor_does_a_cause_of_death_tell_it_again(tmp_path: Path) -> None:
    without_diagnoses = SEVERAL[SEVERAL.index("  diagnoses:") : SEVERAL.index("  labs:")]
    died_of = (MORE, "  cause_of_death: {role: sensitive}\n")

    accepted(tmp_path, died_of, (without_diagnoses, ""))
    told_by_stays = ("  encounters:\n", "  encounters:\n    main_diagnosis: {role: sensitive}\n")
    text = edited(died_of, (without_diagnoses, ""), told_by_stays)
    (found,) = told(tmp_path, text, BadConfig)
    assert "columns.cause_of_death: cause_of_death tells what the table encounters tells" in found


@pytest.mark.parametrize("value", ["code", "date"])
def test_a_date_of_those_with_a_code_tells_what_the_table_of_codes_tells(tmp_path: Path, value: str) -> None:
    """Who has a day beside L01XX05 was given it."""
    given = f"{{x: {{resource: MedicationStatement, where: {{atc: L01XX05}}, value: {value}}}}}"
    atc = "{atc: {role: quasi-identifier, hierarchy: atc, release_level: 0}}"
    text = edited(
        ("    observations:\n", f"    columns: {given}\n    observations:\n"),
        (MORE, "  x: {role: sensitive}\n"),
        ("  labs:\n", f"  medications: {atc}\n  labs:\n"),
    )
    (found,) = told(tmp_path, text, BadConfig)
    assert "columns.x: x tells what the table medications tells event by event" in found


@pytest.mark.parametrize(
    ("declared", "table"),
    [
        ("{resource: Condition, where: {icd10gm: I50.13}, value: date}", "diagnoses"),
        ("{resource: Observation, where: {loinc: 1988-5}, value: code}", "labs"),
    ],
)
def test_a_declared_column_is_of_the_element_that_it_is_made_of(
    tmp_path: Path, declared: str, table: str
) -> None:
    changes = (
        ("    observations:\n", f"    columns: {{told: {declared}}}\n    observations:\n"),
        (MORE, "  told: {role: sensitive}\n"),
    )
    assert f"the table {table} tells" in refused(tmp_path, changes, "  told: {role", "columns.told")


def viewed(folder: Path, resource: str, *columns: tuple[str, str, str], role: str) -> Edits:
    """The config with a view of the ``columns``, each a name, a path and a type; the last has a role."""
    select = [{"column": [dict(zip(("name", "path", "type"), each, strict=True))]} for each in columns]
    view = {"resourceType": "ViewDefinition", "resource": resource, "status": "active", "select": select}
    (folder / "v.json").write_text(json.dumps(view))
    return (
        ("    observations:\n", "    views: [v.json]\n    observations:\n"),
        (MORE, f"  {columns[-1][0]}: {role}\n"),
    )


def test_a_view_is_of_the_elements_that_it_selects(tmp_path: Path) -> None:
    patient = ("id", "subject.getReferenceKey(Patient)", "string")
    way = ("left_how", "hospitalization.dischargeDisposition.coding.code.first()", "code")
    changes = viewed(tmp_path, "Encounter", patient, way, role="{role: sensitive}")
    assert "the table encounters tells" in refused(tmp_path, changes, "  left_how: {", "columns.left_how")


@pytest.mark.parametrize(
    ("resource", "path", "table"),
    [
        ("Encounter", "status", "encounters"),
        ("Condition", "clinicalStatus.coding.code.first()", "diagnoses"),
        ("MedicationStatement", "status", "medications"),
        ("MedicationRequest", "intent", "medications"),
        ("Procedure", "status", "procedures"),
    ],
)
def test_whatever_a_view_tells_of_the_rows_of_a_table_tells_who_has_any(
    tmp_path: Path, resource: str, path: str, table: str
) -> None:
    """The rare event has left its table, and the view would still tell whose it was."""
    patient = ("id", "subject.getReferenceKey(Patient)", "string")
    changes = viewed(tmp_path, resource, patient, ("x", path, "code"), role="{role: sensitive}")
    level = "{role: quasi-identifier, hierarchy: suppression, release_level: 0}"
    column = {"medications": "atc", "procedures": "ops"}.get(table)
    if column is not None:
        accepted(tmp_path, *changes)
        changes = (*changes, ("  labs:\n", f"  {table}: {{{column}: {level}}}\n  labs:\n"))
    message = refused(tmp_path, changes, "  x: {", "columns.x")
    assert message.startswith(f"x tells what the table {table} tells")


def test_a_view_of_a_death_is_of_no_stay(tmp_path: Path) -> None:
    """Though a discharge's reason tells deaths too, as `deceased` is beside encounters."""
    dead = ("dead", "deceased.ofType(boolean)", "boolean")
    patient = ("id", "getResourceKey()", "string")
    accepted(tmp_path, *viewed(tmp_path, "Patient", patient, dead, role="{role: sensitive}"))
    accepted(tmp_path, (MORE, "  deceased: {role: sensitive}\n"))


def test_other_declared_columns_stand_beside_tables(tmp_path: Path) -> None:
    declared = "{told: {resource: Observation, where: {loinc: 718-7}, value: code}}"
    accepted(
        tmp_path,
        ("    observations:\n", f"    columns: {declared}\n    observations:\n"),
        (MORE, "  told: {role: sensitive}\n"),
    )


@pytest.mark.parametrize("name", ["person", "events"])
def test_names_that_linked_tables_need_are_taken(tmp_path: Path, name: str) -> None:
    declared = "{resource: Observation, where: {loinc: 718-7}, value: code}"
    changes = (
        ("    observations:\n", f"    columns: {{{name}: {declared}}}\n    observations:\n"),
        (MORE, f"  {name}: {{role: identifier}}\n"),
    )
    assert "declare this one by another name" in refused(
        tmp_path, changes, f"  {name}: {{role", f"columns.{name}"
    )


# families -------------------------------------------------------------------------------------------


def test_what_is_known_of_columns_of_events_is_said_of_columns_there_are() -> None:
    named = {f"{table}.{name}" for table, names in TABLES.items() for name in names}

    assert {name for names in TABLES.values() for name in names} >= DATES | NUMBERS.keys()
    assert named >= frozenset[str]().union(*FAMILIES)


@pytest.mark.parametrize(
    ("table", "column", "rule", "other"),
    [
        ("diagnoses", "snomed", "{role: insensitive}", "icd10gm"),
        ("diagnoses", "alpha_id", "{role: sensitive}", "icd10gm"),
        ("diagnoses", "orpha", "{role: sensitive, hierarchy: suppression, release_level: 0}", "icd10gm"),
    ],
)
def test_nothing_of_an_element_is_released_finer_than_its_quasi_identifier(
    tmp_path: Path, table: str, column: str, rule: str, other: str
) -> None:
    text = edited((f"  {table}:\n", f"  {table}:\n    {column}: {rule}\n"))
    found = told(tmp_path, text, BadConfig)

    start = f"line {line_of(text, f'    {column}: ')}: tables.{table}.{column}: {table}.{column} comes from"
    assert all(line.startswith(start) for line in found)
    assert any(f".{other} and would be released finer; leave it out" in line for line in found)


@pytest.mark.parametrize("level", [None, 0, 2, 4])
def test_a_main_diagnosis_is_none_that_leaves_with_rare_diagnoses(tmp_path: Path, level: int | None) -> None:
    """At whatever level: a diagnosis that few people share leaves `diagnoses`, and the stay would tell it."""
    coarsened = "" if level is None else f", hierarchy: icd-10-gm, release_level: {level}"
    rule = f"    main_diagnosis: {{role: sensitive{coarsened}}}\n"
    changes = (("  encounters:\n", f"  encounters:\n{rule}"),)
    message = refused(tmp_path, changes, rule.rstrip(), "tables.encounters.main_diagnosis")

    assert message == (
        "encounters.main_diagnosis tells what the quasi-identifier diagnoses.icd10gm of another table tells, "
        "whose rare events leave a class alone; leave it out, release it at the top level (*), or make it a "
        "quasi-identifier too"
    )


def test_nor_is_a_diagnosis_a_rare_main_diagnosis(tmp_path: Path) -> None:
    """The same the other way round; a quasi-identifier of the same table has left with it."""
    known = "{role: quasi-identifier, hierarchy: icd-10-gm, release_level: 2}"
    kept = "{role: sensitive, hierarchy: icd-10-gm, release_level: 2}"
    main = ("  encounters:\n", f"  encounters:\n    main_diagnosis: {known}\n")
    changes = (main, (f"icd10gm: {known}", f"icd10gm: {kept}"))
    message = refused(tmp_path, changes, "    icd10gm: {", "tables.diagnoses.icd10gm")
    assert message.startswith(
        "diagnoses.icd10gm tells what the quasi-identifier encounters.main_diagnosis of"
    )


def test_neither_is_another_day_of_a_stay(tmp_path: Path) -> None:
    text = edited(("  encounters:\n", "  encounters:\n    discharge_date: {role: sensitive}\n"))
    found = told(tmp_path, text, BadConfig)

    start = f"line {line_of(text, '    discharge_date: ')}: tables.encounters.discharge_date: "
    assert all(line.startswith(start) for line in found)
    for other, line in zip(("admission_date", "length_of_stay_days"), found, strict=False):
        assert f"the quasi-identifier encounters.{other} and would be released finer; leave it out" in line
    assert [line.removeprefix(start)[:35] for line in found[2:]] == ["tells of dates that may be known, s"]


@pytest.mark.parametrize(
    ("table", "told_too"),
    [
        ("encounters", "discharge_date: {role: sensitive, hierarchy: {date: [year]}, release_level: 2}"),
        (
            "encounters",
            "discharge_date: {role: quasi-identifier, hierarchy: {date: [day]}, release_level: 0}",
        ),
        ("encounters", "main_diagnosis: {role: sensitive, hierarchy: icd-10-gm, release_level: 5}"),
        (
            "encounters",
            "main_diagnosis: {role: quasi-identifier, hierarchy: icd-10-gm, release_level: 0}",
        ),
        ("encounters", "department: {role: sensitive}"),
        ("diagnoses", "orpha: {role: sensitive, hierarchy: suppression, release_level: 1}"),
        ("diagnoses", "orpha: {role: sensitive, hierarchy: icd-10-gm, release_level: 2}"),
    ],
)
def test_what_is_as_coarse_or_another_element_is_taken(tmp_path: Path, table: str, told_too: str) -> None:
    accepted(tmp_path, (f"  {table}:\n", f"  {table}:\n    {told_too}\n"))


@pytest.mark.parametrize(
    ("known", "kept"), [("procedures", ("ops", "snomed")), ("medications", ("atc", "pzn"))]
)
def test_codes_of_a_procedure_and_of_a_drug_are_families(
    tmp_path: Path, known: str, kept: tuple[str, str]
) -> None:
    code = f"{{role: quasi-identifier, hierarchy: {kept[0]}, release_level: 2}}"
    rules = f"{kept[0]}: {code}, {kept[1]}: {{role: sensitive}}"
    changes = (("tables:\n", f"tables:\n  {known}: {{{rules}}}\n"),)
    assert "would be released finer" in refused(tmp_path, changes, f"  {known}:", f"tables.{known}.{kept[1]}")


SECOND = ("unit: mg/L}\n", "unit: mg/L}\n      hb: {loinc: 718-7, unit: g/dL}\n")
ANY_CODE = ("release_level: 0}\n    value", "release_level: 1}\n    value")


def test_units_tell_no_codes_apart_that_are_released_as_one(tmp_path: Path) -> None:
    message = refused(tmp_path, (SECOND, ANY_CODE), "    unit: {", "tables.labs.unit")

    assert "release labs.loinc at level 0" in message
    accepted(tmp_path, ANY_CODE)
    accepted(tmp_path, SECOND)
    suppressed = ("{role: insensitive}", "{role: insensitive, hierarchy: suppression, release_level: 1}")
    accepted(tmp_path, SECOND, ANY_CODE, suppressed)


def test_without_tables_a_list_may_be_called_events(tmp_path: Path) -> None:
    text = TABLE.replace("diagnosis: {role: sensitive}", "events: {role: sensitive, type: codes}")
    demand = "l_diversity: [{column: diagnosis, kind: distinct, l: 2}]"
    text = text.replace(demand, "km_anonymity: {column: events, k: 2, m: 1}")

    assert KMAnonymity("events", 2, 1, repair=True) in loaded(tmp_path, text).criteria
