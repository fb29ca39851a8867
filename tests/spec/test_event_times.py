"""Dates of events that are shifted or told as relative time: what is unsafe about it, and refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from anonymizer.errors import BadConfig
from tests.configs import TABLE, loaded
from tests.spec.test_event_columns import accepted
from tests.spec.test_tables_config import (
    ADMISSION,
    BY_YEAR,
    KEPT,
    LENGTH,
    MORE,
    NO_STAYS,
    RECORDED,
    RELATIVE,
    SEVERAL,
    SHIFTED,
    Edits,
    edited,
    line_of,
    told,
)

DROPPED = (MORE, f"  admission_date: {{role: identifier}}\n{MORE}")


def shifting(*names: str, days: str = "") -> tuple[str, str]:
    return ("\noutput", f"\ntime: {{shift: {{columns: [{', '.join(names)}]{days}}}}}\noutput")


def since_admission(name: str) -> tuple[str, str]:
    return ("\noutput", f"\ntime: {{relative: {{columns: [{name}], to: admission_date}}}}\noutput")


STAYS_LEFT_OUT = (NO_STAYS, "")
NO_LENGTH = (LENGTH, "")
STAYS_BY_YEAR = (ADMISSION, ADMISSION.replace("quasi-identifier", "sensitive"))
DEATH = (MORE, "  death_date: {role: sensitive}\n")
CALENDAR = "is released by the calendar: near a shifted date it tells the shift"
TIMES: tuple[tuple[Edits, str, str], ...] = (
    ((shifting("lab.recorded_date"),), "time.shift.columns[0]", "is no date of `tables`"),
    (
        (shifting("diagnoses.recorded_dat"),),
        "time.shift.columns[0]",
        "did you mean 'diagnoses.recorded_date'?",
    ),
    ((shifting("labs.value"),), "time.shift.columns[0]", "labs.value is no date of `tables`"),
    (
        (shifting("labs.effective_date"),),
        "time.shift.columns[0]",
        "labs.effective_date is no date of `tables`",
    ),
    (
        (DROPPED, since_admission("labs.unit")),
        "time.relative.columns[0]",
        "labs.unit is no date of `tables`",
    ),
    (
        (STAYS_LEFT_OUT, shifting("diagnoses.recorded_date")),
        "time.shift.columns[0]",
        "diagnoses.recorded_date must be sensitive or insensitive",
    ),
    (
        (STAYS_LEFT_OUT, BY_YEAR, shifting("diagnoses.recorded_date")),
        "time.shift.columns[0]",
        "diagnoses.recorded_date cannot have hierarchy beside `time`",
    ),
    (
        (KEPT, ("\noutput", f"\n{RELATIVE.replace('admission_date', 'diagnoses.recorded_date')}")),
        "time.relative.to",
        "must be a date of the patient, not of an event",
    ),
    (
        (STAYS_LEFT_OUT, KEPT, shifting("diagnoses.recorded_date"), DEATH),
        "time.shift",
        f"death_date {CALENDAR}",
    ),
    (
        (STAYS_BY_YEAR, NO_LENGTH, KEPT, shifting("diagnoses.recorded_date")),
        "time.shift",
        f"encounters.admission_date {CALENDAR}, which undoes it for all dates of the person; shift it too, "
        "leave it out",
    ),
    (
        (NO_LENGTH, (RECORDED, ""), DEATH, shifting("death_date")),
        "time.shift",
        f"encounters.admission_date {CALENDAR}",
    ),
)


@pytest.mark.parametrize(("changes", "path", "says"), TIMES)
def test_unsafe_changes_of_dates_are_refused(tmp_path: Path, changes: Edits, path: str, says: str) -> None:
    text = edited(*changes)
    found = told(tmp_path, text, BadConfig)

    assert all(line.startswith(f"line {line_of(text, 'time: {')}: {path}: ") for line in found)
    assert any(says in line for line in found)


def test_the_days_from_an_admission_to_a_death_may_be_a_stay(tmp_path: Path) -> None:
    changes = (DROPPED, (ADMISSION, ""), (RECORDED, ""), DEATH, since_admission("death_date"))
    text = edited(*changes)
    found = told(tmp_path, text, BadConfig)

    assert len(found) == 2
    assert found[0].startswith(
        f"line {line_of(text, 'time: {')}: time: length_of_stay_days is a quasi-identi"
    )
    assert found[1].startswith(f"line {line_of(text, '  death_date: {')}: columns.death_date: tells of dates")


def test_the_only_shifted_date_may_stand_beside_the_length_of_stays(tmp_path: Path) -> None:
    """One date of patients, whose intervals nothing tells."""
    accepted(tmp_path, (ADMISSION, ""), (RECORDED, ""), DEATH, shifting("death_date"))


def test_dates_of_events_may_be_shifted_together_or_told_since_an_admission(tmp_path: Path) -> None:
    accepted(tmp_path, STAYS_LEFT_OUT, KEPT, ("\noutput", f"\n{SHIFTED}"))
    accepted(tmp_path, STAYS_LEFT_OUT, KEPT, DROPPED, ("\noutput", f"\n{RELATIVE}"))
    at_the_top = (ADMISSION, STAYS_BY_YEAR[1].replace("release_level: 2", "release_level: 3"))
    accepted(tmp_path, at_the_top, NO_LENGTH, KEPT, ("\noutput", f"\n{SHIFTED}"))


def test_a_date_of_an_event_needs_its_table(tmp_path: Path) -> None:
    section = SEVERAL[SEVERAL.index("tables:") : SEVERAL.index("privacy:")]
    demand = ("  km_anonymity: {column: events, k: 5, m: 2}\n", "")
    (found,) = told(tmp_path, edited((section, ""), demand, ("\noutput", f"\n{SHIFTED}")), BadConfig)

    assert "time.shift.columns[0]: diagnoses.recorded_date is no date of `tables`" in found


def test_a_plain_table_may_have_names_with_a_dot(tmp_path: Path) -> None:
    text = TABLE.replace("  diagnosis: {", '  "labs.day": {role: sensitive, type: date}\n  diagnosis: {')
    config = loaded(tmp_path, text + "time: {shift: {columns: [labs.day]}}\n")

    assert config.time is not None
    assert config.time.columns == {"labs.day"}
