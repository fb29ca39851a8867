"""A release of one table: kept days of a person beside days that somebody may know of the same person.

A diagnosis is recorded and a procedure performed during a stay, so the day of the one is nearly that of the
other, and an admission that is generalised to its year would be told all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from anonymizer.errors import BadConfig
from mii.request import FAMILIES, available
from release.intake.columns import resolve
from tests.configs import EXPORT, TABLE, TABLE_COLUMNS, loaded

UNITS = "hierarchy: {date: [month, quarter, year]}"
ADMITTED = f"  admission_date: {{role: quasi-identifier, {UNITS}}}\n"
DATES = ("death_date", "main_diagnosis_onset", "main_diagnosis_recorded", "performed_first", "performed_last")
DECLARED: Mapping[str, str] = {
    "told": "date",
    "born": "date",
    "graded": "code",
    "long": "number",
}
KIN = (
    *FAMILIES,
    frozenset({"told"}),
    frozenset({"born", "birth_date", "age_years"}),
    frozenset({"long", "admission_date", "length_of_stay_days"}),
)


def refused(folder: Path, *rules: str, known: str = ADMITTED, time: str = "") -> list[tuple[str, str]]:
    """Where something is wrong, and what, with further ``rules`` and what may be ``known``."""
    text = EXPORT.replace(ADMITTED, known + "".join(f"  {rule}\n" for rule in rules)) + time
    config = loaded(folder, text)
    names = (*available(["crp"], config.columns), *(name for name in DECLARED if f"  {name}: " in text))
    try:
        resolve(config, names, families=KIN, kinds=DECLARED)
    except BadConfig as error:
        return [(problem.path, problem.message) for problem in error.problems]
    return []


def places(folder: Path, *rules: str, known: str = ADMITTED, time: str = "") -> list[str]:
    return [path for path, _ in refused(folder, *rules, known=known, time=time)]


@pytest.mark.parametrize("name", [*DATES, "told"])
@pytest.mark.parametrize("role", ["sensitive", "insensitive"])
def test_a_day_beside_a_generalised_one_tells_it(tmp_path: Path, name: str, role: str) -> None:
    ((place, message),) = refused(tmp_path, f"{name}: {{role: {role}}}")
    assert place == f"columns.{name}"
    assert message == (
        "tells of dates that may be known, since admission_date is a quasi-identifier: drop it (identifier), "
        "release it at the top level (*), or make it a quasi-identifier too"
    )


@pytest.mark.parametrize("name", [*DATES, "told"])
def test_what_may_stay(tmp_path: Path, name: str) -> None:
    assert not places(tmp_path, f"{name}: {{role: identifier}}")
    assert not places(tmp_path, f"{name}: {{role: quasi-identifier, {UNITS}}}")
    assert not places(tmp_path, f"{name}: {{role: sensitive, {UNITS}, release_level: 4}}")
    assert not places(tmp_path, f"{name}: {{role: sensitive}}", known="")


@pytest.mark.parametrize("most", [0, 1, 2, 3])
def test_it_may_be_as_coarse_as_the_known_one_may_get(tmp_path: Path, most: int) -> None:
    known = f"  admission_date: {{role: quasi-identifier, {UNITS}, max_level: {most}}}\n"
    rule = f"performed_first: {{role: sensitive, {UNITS}, release_level: LEVEL}}"
    assert not places(tmp_path, rule.replace("LEVEL", str(most)), known=known)
    if most:
        ((place, message),) = refused(tmp_path, rule.replace("LEVEL", str(most - 1)), known=known)
        assert place == "columns.performed_first"
        assert f"release it by {('day', 'month', 'quarter', 'year')[most]} or coarser" in message


def test_a_known_day_by_the_day_hides_no_other(tmp_path: Path) -> None:
    known = f"  admission_date: {{role: quasi-identifier, {UNITS}, max_level: 0}}\n"
    assert not places(tmp_path, "performed_first: {role: sensitive}", known=known)


@pytest.mark.parametrize("name", ["told", "performed_first", "death_date"])
def test_every_date_may_be_the_known_one(tmp_path: Path, name: str) -> None:
    known = f"  {name}: {{role: quasi-identifier, {UNITS}, max_level: 3}}\n"
    assert places(tmp_path, "admission_date: {role: sensitive}", known=known) == ["columns.admission_date"]


def test_a_birth_is_no_event(tmp_path: Path) -> None:
    """Neither is it told by one, nor does it tell one; ages over 89 are looked at elsewhere."""
    year = "{role: sensitive, hierarchy: {date: [year]}, release_level: 2}"
    assert not places(tmp_path, f"born: {year}")
    known = f"  born: {{role: quasi-identifier, {UNITS}}}\n"
    assert not places(tmp_path, "performed_first: {role: sensitive}", known=known)


def test_within_a_family_the_rule_of_families_speaks_alone(tmp_path: Path) -> None:
    ((place, message),) = refused(tmp_path, "discharge_date: {role: sensitive}")
    assert place == "columns.discharge_date"
    assert "same source element" in message


def test_relative_time_tells_no_day(tmp_path: Path) -> None:
    time = "time: {relative: {columns: [main_diagnosis_recorded], to: admission_date}}\n"
    assert not places(tmp_path, "main_diagnosis_recorded: {role: sensitive}", time=time)


def test_nor_does_a_shifted_date_where_the_known_one_is_at_the_top(tmp_path: Path) -> None:
    """Beside a known date on the calendar a shift is refused for itself."""
    time = "time: {shift: {columns: [main_diagnosis_recorded]}}\n"
    known = f"  admission_date: {{role: quasi-identifier, {UNITS}, min_level: 4}}\n"
    rule = "main_diagnosis_recorded: {role: sensitive}"
    assert not places(tmp_path, rule, time=time, known=known)
    assert places(tmp_path, rule, time=time) == ["time.shift"]


# lengths of stay ------------------------------------------------------------------------------------

LENGTH = "  length_of_stay_days: {role: quasi-identifier, hierarchy: {bands: [7], top: 28}}\n"


def test_a_known_length_lies_between_two_days(tmp_path: Path) -> None:
    recorded, performed = (f"{name}: {{role: sensitive}}" for name in DATES[2:4])
    assert not places(tmp_path, recorded, known=LENGTH)
    assert places(tmp_path, recorded, performed, known=LENGTH) == [
        "columns.main_diagnosis_recorded",
        "columns.performed_first",
    ]


def test_two_known_days_tell_a_length(tmp_path: Path) -> None:
    first, last = (
        f"  {name}: {{role: quasi-identifier, {UNITS}, max_level: 0}}\n"
        for name in ("main_diagnosis_recorded", "death_date")
    )
    rule = "length_of_stay_days: {role: sensitive}"
    assert not places(tmp_path, rule, known=first)
    assert not places(tmp_path, rule, known=first + last)
    coarse = last.replace("max_level: 0", "max_level: 3")
    assert places(tmp_path, rule, known=first + coarse) == ["columns.length_of_stay_days"]


def test_a_plain_table_s_columns_are_not_judged_by_their_names(tmp_path: Path) -> None:
    text = TABLE.replace("name: patients", "name: patients\nreference_date: 2026-11-22")
    text = text.replace("  diagnosis:", f"{ADMITTED}  performed_first: {{role: sensitive}}\n  diagnosis:")
    assert resolve(loaded(tmp_path, text), (*TABLE_COLUMNS, "admission_date", "performed_first"))
