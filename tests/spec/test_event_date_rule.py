"""Dates of events beside dates that somebody may know: told neither finer than those nor by their distance.

`tests/attacks/test_linked_dates.py` finds people where this is not refused.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anonymizer.errors import BadConfig
from tests.spec.test_event_columns import accepted, refused
from tests.spec.test_tables_config import (
    BY_YEAR,
    KEPT,
    LENGTH,
    MORE,
    NO_STAYS,
    RECORDED,
    RELATIVE,
    SHIFTED,
    Edits,
    edited,
    line_of,
    told,
)

KNOWN_DATE = (
    "    admission_date: {{role: quasi-identifier, hierarchy: {{date: [month, year]}}, release_level: {}}}\n"
)
OF_PATIENTS = "  {}: {{role: quasi-identifier, hierarchy: {}, max_level: {}}}\n"
UNITS = "{date: [month, quarter, year, 5-years, decade]}"
NO_DATES = ((NO_STAYS, ""), KEPT)
"""No date of an event and no length of stay may be known; the days of diagnoses are kept."""
ALL_DATES = (
    ("encounters", "discharge_date"),
    ("diagnoses", "onset_date"),
    ("diagnoses", "recorded_date"),
    ("procedures", "performed_date"),
    ("labs", "effective_date"),
    ("medications", "start_date"),
)
TOLD = "    recorded_date: {"
WHERE = "tables.diagnoses.recorded_date"


def stays(rules: str) -> tuple[str, str]:
    """Other columns of encounters than the usual ones."""
    return (NO_STAYS, f"  encounters:\n{rules}")


def kept_by(level: int) -> tuple[str, str]:
    """Days of diagnoses at a level: day, month, quarter, year, 5-years, decade, *."""
    return (RECORDED, f"{TOLD}role: sensitive, hierarchy: {UNITS}, release_level: {level}}}\n")


def of_patients(name: str, hierarchy: str, max_level: int | str) -> tuple[str, str]:
    return (MORE, OF_PATIENTS.format(name, hierarchy, max_level) + MORE)


def is_told(known: str, remedy: str) -> str:
    return (
        f"tells of dates that may be known, since {known} is a quasi-identifier: leave it out, release it "
        f"{remedy}, or make it a quasi-identifier too"
    )


AT_THE_TOP = "at the top level (*)"
ADMITTED = is_told("encounters.admission_date", AT_THE_TOP)

# beside quasi-identifiers of events -----------------------------------------------------------------


@pytest.mark.parametrize("known", [0, 1, 2, 3])
@pytest.mark.parametrize("kept", [KEPT, *(kept_by(level) for level in range(6))])
def test_beside_a_date_of_events_another_is_told_at_the_top_alone(
    tmp_path: Path, known: int, kept: tuple[str, str]
) -> None:
    """Whatever its level: rare stays leave their class, and a day, month or year would tell of them."""
    changes = (stays(KNOWN_DATE.format(known)), kept)
    assert refused(tmp_path, changes, TOLD, WHERE) == ADMITTED


@pytest.mark.parametrize("known", [0, 1, 2, 3])
def test_at_the_top_a_date_tells_nothing(tmp_path: Path, known: int) -> None:
    accepted(tmp_path, stays(KNOWN_DATE.format(known)), kept_by(6))


@pytest.mark.parametrize("role", ["sensitive", "insensitive"])
def test_the_role_of_a_kept_date_is_no_matter(tmp_path: Path, role: str) -> None:
    kept = (RECORDED, f"{TOLD}role: {role}}}\n")
    assert refused(tmp_path, (stays(KNOWN_DATE.format(2)), kept), TOLD, WHERE) == ADMITTED


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_known_length_of_stay_lies_between_two_days(tmp_path: Path, level: int) -> None:
    length = LENGTH.replace("level: 1", f"level: {level}")
    message = refused(tmp_path, (stays(length), KEPT), TOLD, WHERE)
    assert message == is_told("encounters.length_of_stay_days", AT_THE_TOP)
    accepted(tmp_path, stays(length), kept_by(6))


@pytest.mark.parametrize("role", ["sensitive", "insensitive"])
def test_known_days_tell_the_length_of_a_stay(tmp_path: Path, role: str) -> None:
    """Whoever knows the first and the last measurement of a stay knows how long it was, at least."""
    length = f"    length_of_stay_days: {{role: {role}}}\n"
    message = refused(tmp_path, (stays(length),), length.rstrip(), "tables.encounters.length_of_stay_days")
    assert message == is_told("diagnoses.recorded_date", AT_THE_TOP)
    accepted(tmp_path, stays(length), (RECORDED, ""))
    accepted(tmp_path, stays(length.replace("}", ", hierarchy: {bands: [5], top: 90}, release_level: 2}")))


def test_a_single_day_that_is_known_tells_no_length(tmp_path: Path) -> None:
    length = stays("    length_of_stay_days: {role: sensitive}\n")
    accepted(tmp_path, length, (RECORDED, ""), of_patients("death_date", UNITS, 3))


@pytest.mark.parametrize(("table", "column"), ALL_DATES)
def test_every_date_of_events_may_be_known_and_may_tell(tmp_path: Path, table: str, column: str) -> None:
    """One of each table beside another of the next."""
    known = f"{{{column}: {{role: quasi-identifier, hierarchy: {{date: [year]}}, release_level: 1}}}}"
    other = next(name for name in ALL_DATES if name[0] != table)
    names = {table: known, other[0]: f"{{{other[1]}: {{role: sensitive}}}}"}
    section = "".join(f"  {name}: {rules}\n" for name, rules in names.items())
    text = edited()
    start, end = text.index("tables:\n") + len("tables:\n"), text.index("privacy:")
    found = told(tmp_path, text[:start] + section + text[end:], BadConfig)

    (line,) = found
    assert line.endswith(f"tables.{other[0]}.{other[1]}: {is_told(f'{table}.{column}', AT_THE_TOP)}")


def test_a_hierarchy_that_is_none_of_dates_is_taken_for_days(tmp_path: Path) -> None:
    by_place = (
        RECORDED,
        f"{TOLD}role: sensitive, hierarchy: {{prefix: [4], length: 10}}, release_level: 1}}\n",
    )
    known = of_patients("death_date", UNITS, 3)
    message = refused(tmp_path, ((NO_STAYS, ""), known, by_place), TOLD, WHERE)
    assert message == is_told("death_date", "by year or coarser")
    accepted(tmp_path, (NO_STAYS, ""), known, (RECORDED, by_place[1].replace("level: 1", "level: 2")))


@pytest.mark.parametrize("change", [SHIFTED, RELATIVE])
@pytest.mark.parametrize("rules", [KNOWN_DATE.format(2), KNOWN_DATE.format(3), LENGTH])
def test_days_apart_are_told_of_nothing_that_may_be_known(tmp_path: Path, change: str, rules: str) -> None:
    """A date at the top level is known as well as any."""
    text = edited(
        stays(rules), KEPT, (MORE, "  admission_date: {role: identifier}\n"), ("\noutput", f"\n{change}")
    )
    found = told(tmp_path, text, BadConfig)
    known = rules.partition(":")[0].strip()
    rule = f"{WHERE}: {is_told(f'encounters.{known}', AT_THE_TOP)}"
    (line,) = [line for line in found if WHERE in line]
    assert line == f"line {line_of(text, TOLD)}: {rule}"


def test_nor_of_another_day_of_the_same_stay(tmp_path: Path) -> None:
    """60 days around a discharge are finer than the year of its admission."""
    changes = (
        stays(KNOWN_DATE.format(2) + "    discharge_date: {role: sensitive}\n"),
        (MORE, "  admission_date: {role: identifier}\n"),
        (
            "\noutput",
            "\ntime: {relative: {columns: [encounters.discharge_date], to: admission_date}}\noutput",
        ),
    )
    message = refused(tmp_path, changes, "    discharge_date: {", "tables.encounters.discharge_date")
    assert message == ADMITTED


def test_a_level_beyond_the_hierarchy_is_all_that_is_told_of_it(tmp_path: Path) -> None:
    message = refused(tmp_path, (kept_by(9),), TOLD, f"{WHERE}.release_level")
    assert message == "the hierarchy has the levels 0 to 6"


def test_what_may_not_be_known_is_no_matter(tmp_path: Path) -> None:
    accepted(tmp_path, *NO_DATES)
    sensitive = stays(KNOWN_DATE.format(0).replace("quasi-identifier", "sensitive"))
    accepted(tmp_path, sensitive, KEPT)
    accepted(tmp_path, *NO_DATES, of_patients("birth_date", "{date: [year]}", 1))
    accepted(tmp_path, *NO_DATES, of_patients("age_years", "{bands: [5], top: 90}", 1))


# beside quasi-identifiers of patients ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("max_level", "unit"),
    list(enumerate(["day", "month", "quarter", "year", "5-years", "decade"])),
)
def test_beside_a_date_of_patients_one_of_events_is_no_finer_than_it_may_get(
    tmp_path: Path, max_level: int, unit: str
) -> None:
    """Of k people of a class all have the period of that date: as far as it is the event's, they share it."""
    known = of_patients("death_date", UNITS, max_level)
    accepted(tmp_path, (NO_STAYS, ""), known, kept_by(max_level))
    accepted(tmp_path, (NO_STAYS, ""), known, kept_by(6))
    for finer in (KEPT, kept_by(max_level - 1)) if max_level else ():
        message = refused(tmp_path, ((NO_STAYS, ""), known, finer), TOLD, WHERE)
        assert message == is_told("death_date", f"by {unit} or coarser")


def test_other_units_are_compared_by_their_length(tmp_path: Path) -> None:
    known = of_patients("death_date", "{date: [quarter]}", 1)
    accepted(tmp_path, (NO_STAYS, ""), known, BY_YEAR)
    message = refused(tmp_path, ((NO_STAYS, ""), known, kept_by(1)), TOLD, WHERE)
    assert message == is_told("death_date", "by quarter or coarser")


@pytest.mark.parametrize(
    "rule",
    [
        OF_PATIENTS.format("death_date", UNITS, 6),
        OF_PATIENTS.replace(", max_level: {}", "").format("death_date", UNITS),
    ],
)
def test_a_date_that_may_get_as_coarse_as_can_be_leaves_no_other(tmp_path: Path, rule: str) -> None:
    changes = ((NO_STAYS, ""), (MORE, rule), kept_by(5))
    assert refused(tmp_path, changes, TOLD, WHERE) == is_told("death_date", AT_THE_TOP)


@pytest.mark.parametrize("hierarchy", ["suppression", "{prefix: [4], length: 10}"])
def test_a_hierarchy_of_unknown_periods_leaves_no_other_date(tmp_path: Path, hierarchy: str) -> None:
    changes = ((NO_STAYS, ""), of_patients("death_date", hierarchy, 0), kept_by(5))
    assert refused(tmp_path, changes, TOLD, WHERE) == is_told("death_date", AT_THE_TOP)


@pytest.mark.parametrize("change", [SHIFTED, RELATIVE])
def test_days_apart_tell_more_than_the_day_itself(tmp_path: Path, change: str) -> None:
    text = edited(
        *NO_DATES,
        of_patients("death_date", "{date: [year]}", 0),
        (MORE, "  admission_date: {role: identifier}\n"),
        ("\noutput", f"\n{change}"),
    )
    found = told(tmp_path, text, BadConfig)
    rule = f"{WHERE}: {is_told('death_date', 'by day or coarser')}"
    assert f"line {line_of(text, TOLD)}: {rule}" in found


@pytest.mark.parametrize(
    "name",
    ["admission_date", "discharge_date", "length_of_stay_days", "main_diagnosis_onset", "performed_last"],
)
def test_every_date_of_patients_may_be_known(tmp_path: Path, name: str) -> None:
    """Where the table that tells it event by event is not released."""
    text = edited((NO_STAYS, ""))
    start, end = text.index("  diagnoses:"), text.index("  labs:")
    text = text[:start] + text[end:].replace("  labs:\n", "  labs:\n    effective_date: {role: sensitive}\n")
    text = text.replace(MORE, OF_PATIENTS.format(name, "suppression", 0))
    (found,) = told(tmp_path, text, BadConfig)
    assert found.endswith(f"tables.labs.effective_date: {is_told(name, AT_THE_TOP)}")


def test_two_dates_of_patients_tell_of_one_another_beside_a_table_of_values(tmp_path: Path) -> None:
    """The tables that tell of stays and diagnoses are not released; `test_patient_dates.py` has the rule."""
    text = edited((NO_STAYS, ""))
    text = text[: text.index("  diagnoses:")] + text[text.index("  labs:") :]
    known = OF_PATIENTS.format("admission_date", UNITS, 3)
    text = text.replace(MORE, f"{known}  main_diagnosis_recorded: {{role: sensitive}}\n")
    (found,) = told(tmp_path, text, BadConfig)
    assert "columns.main_diagnosis_recorded: tells of dates that may be known, since admission_date" in found
    assert "release it by year or coarser" in found


def test_the_coarsest_of_several_is_named(tmp_path: Path) -> None:
    dates = ("death_date", "performed_first", "performed_last")
    levels = (1, 3, 2)
    known = "".join(OF_PATIENTS.format(name, UNITS, level) for name, level in zip(dates, levels, strict=True))
    changes = ((NO_STAYS, ""), KEPT, (MORE, known))
    assert refused(tmp_path, changes, TOLD, WHERE) == is_told("performed_first", "by year or coarser")


def test_a_declared_date_may_be_known(tmp_path: Path) -> None:
    """`{resource: Procedure, value: date}` is the day of a procedure, by whatever name."""
    declared = "{told: {resource: Procedure, where: {ops: 5-323}, value: date}}"
    known = (
        ("    observations:\n", f"    columns: {declared}\n    observations:\n"),
        of_patients("told", "suppression", 0),
    )
    message = refused(tmp_path, (*NO_DATES, *known), TOLD, WHERE)
    assert message == is_told("told", AT_THE_TOP)
    accepted(tmp_path, *NO_DATES, (known[0][0], known[0][1].replace("date}", "code}")), known[1])


# dates of patients -----------------------------------------------------------------------------------

DAY = "  death_date: {role: sensitive"


@pytest.mark.parametrize("rest", ["}", ", hierarchy: {date: [year]}, release_level: 1}"])
def test_a_patient_s_own_date_would_tell_what_leaves_the_events(tmp_path: Path, rest: str) -> None:
    message = refused(tmp_path, ((MORE, f"{DAY}{rest}\n"),), DAY, "columns.death_date")
    assert "tells of dates that may be known" in message
    assert AT_THE_TOP in message
    accepted(tmp_path, *NO_DATES, (MORE, f"{DAY}{rest}\n"))
    accepted(tmp_path, (MORE, f"{DAY}, hierarchy: {{date: [year]}}, release_level: 2}}\n"))
    accepted(tmp_path, (MORE, DAY.replace("sensitive", "identifier") + "}\n"))


def test_a_declared_day_of_a_patient_tells_it_too(tmp_path: Path) -> None:
    declared = "{told: {resource: Procedure, where: {ops: 5-323}, value: date}}"
    changes = (
        ("    observations:\n", f"    columns: {declared}\n    observations:\n"),
        (MORE, "  told: {role: sensitive}\n"),
    )
    assert "tells of dates that may be known" in refused(tmp_path, changes, "  told: {role", "columns.told")
    accepted(tmp_path, *NO_DATES, *changes)


@pytest.mark.parametrize("column", ["deceased", "death_date"])
def test_a_death_tells_the_reason_of_a_discharge(tmp_path: Path, column: str) -> None:
    reason = "    discharge_reason: {role: quasi-identifier, hierarchy: suppression, release_level: 0}\n"
    changes = (stays(reason), *NO_DATES[1:], (MORE, f"  {column}: {{role: sensitive}}\n"))
    message = refused(tmp_path, changes, f"  {column}: {{role", f"columns.{column}")
    assert message == DIED.format("encounters.discharge_reason").replace(
        "leave it out", "drop it (identifier)"
    )


# deaths ---------------------------------------------------------------------------------------------

REASON = "    discharge_reason: {role: sensitive"
DISCHARGED = stays(f"{REASON}}}\n")
DIED = "tells who died, and {} is a quasi-identifier: leave it out, or make it a quasi-identifier too"


@pytest.mark.parametrize("name", ["deceased", "death_date"])
@pytest.mark.parametrize("level", [0, 1])
def test_the_reason_of_a_discharge_tells_deaths(tmp_path: Path, name: str, level: int) -> None:
    known = of_patients(name, "suppression", level)
    message = refused(tmp_path, (DISCHARGED, known), REASON, "tables.encounters.discharge_reason")
    assert message == DIED.format(name)
    whole = stays(f"{REASON}, hierarchy: suppression, release_level: 0}}\n")
    message = refused(tmp_path, (whole, known), REASON, "tables.encounters.discharge_reason")
    assert message == DIED.format(name)


def test_it_may_be_told_where_no_death_can_be_known_or_it_is_known_too(tmp_path: Path) -> None:
    death = of_patients("deceased", "suppression", 1)
    accepted(tmp_path, DISCHARGED)
    accepted(tmp_path, DISCHARGED, (MORE, "  deceased: {role: sensitive}\n"))
    accepted(tmp_path, death, stays(f"{REASON}, hierarchy: suppression, release_level: 1}}\n"))
    known = REASON.replace("sensitive", "quasi-identifier")
    accepted(tmp_path, death, stays(f"{known}, hierarchy: suppression, release_level: 0}}\n"))
    accepted(tmp_path, death, stays("    admission_source: {role: sensitive}\n"))


def test_a_view_of_the_death_is_known_as_the_death_is(tmp_path: Path) -> None:
    columns = [
        {"name": "id", "path": "getResourceKey()"},
        {"name": "dead", "path": "deceased.ofType(boolean)", "type": "boolean"},
    ]
    view = {"resourceType": "ViewDefinition", "resource": "Patient", "status": "active"}
    (tmp_path / "v.json").write_text(json.dumps({**view, "select": [{"column": columns}]}))
    changes: Edits = (
        DISCHARGED,
        ("    observations:\n", "    views: [v.json]\n    observations:\n"),
        of_patients("dead", "suppression", 1),
    )
    message = refused(tmp_path, changes, REASON, "tables.encounters.discharge_reason")
    assert message == DIED.format("dead")
