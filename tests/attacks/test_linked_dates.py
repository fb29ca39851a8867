"""Dates of events beside dates of events: what is told of one is told of the other.

An attacker who knows two stays of a person knows how many days lie between them. Laboratory values are
measured during stays, so the days between them tell the same, however coarse the released dates of the stays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest

from tests.fhir_export import Resource, encounter, lab, patient, write
from tests.runs import anon

PEOPLE, K = 40, 5
CONFIG = """\
name: stays
reference_date: 2026-11-22
input:
  mii:
    path: export
    consent: {{ignore: "invented people"}}
    row: patient
    observations: {{crp: {{loinc: 1988-5, unit: mg/L}}}}
subject: patient_id
columns:
  patient_id: {{role: identifier}}
  gender: {{role: quasi-identifier, hierarchy: suppression}}
  admission_date: {{role: identifier}}
tables:
  encounters:
    admission_date: {{role: quasi-identifier, hierarchy: {{date: [month, year]}}, release_level: {level}}}
  labs:
    loinc: {{role: insensitive}}
    effective_date: {{role: insensitive}}
privacy: {{k_anonymity: 5, km_anonymity: {{column: events, k: 5, m: 2}}}}
time: {time}
output: {{directory: out, formats: [parquet]}}
"""
RELATIVE = "{relative: {columns: [labs.effective_date], to: admission_date}}"
SHIFT = "{shift: {columns: [labs.effective_date], days: 90}}"


def stays() -> list[tuple[date, date]]:
    """The first and the second admission of each person, a year apart more or less."""
    draw = Random(20261122)
    first, second = date(2021, 1, 1), date(2022, 1, 1)
    return [
        (first + timedelta(draw.randrange(300)), second + timedelta(draw.randrange(300)))
        for _ in range(PEOPLE)
    ]


def resources() -> Iterator[Resource]:
    for number, admissions in enumerate(stays()):
        yield patient(f"p{number}", gender=("male", "female")[number % 2], birthDate="1980-01-15")
        own = {"subject": {"reference": f"Patient/p{number}"}}
        for stay, admitted in enumerate(admissions):
            yield encounter(f"e{number}-{stay}", period={"start": str(admitted)}, **own)
            yield lab(f"l{number}-{stay}", float(number), str(admitted), **own)


def days_of_labs(folder: Path, level: int, time: str) -> Mapping[str, list[str | int]]:
    """What would be released of each person's measurements if nobody minded."""
    made(folder, level, time)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("release.intake.columns.event_date_problems", lambda *_: ())
        result = anon("run", folder / "config.yaml", "--quiet")
    assert result.code == 0, result.err
    labs = pl.read_parquet(folder / "out/stays/release/data/labs.parquet")
    days: defaultdict[str, list[str | int]] = defaultdict(list)
    for key, day in labs.select("person", "effective_date").iter_rows():
        days[key].append(day)
    return days


def made(folder: Path, level: int, time: str) -> None:
    (folder / "export").mkdir()
    write(folder / "export", resources())
    (folder / "config.yaml").write_text(CONFIG.format(level=level, time=time), encoding="utf-8")


@pytest.mark.parametrize("level", [0, 2, 3])
@pytest.mark.parametrize("time", [RELATIVE, SHIFT, "null"])
def test_dates_beside_dates_that_may_be_known_are_refused(tmp_path: Path, level: int, time: str) -> None:
    made(tmp_path, level, time)
    result = anon("check", tmp_path / "config.yaml")
    assert result.code == 78
    assert "labs.effective_date: tells of dates that may be known" in result.err


def test_days_since_the_first_stay_find_whose_second_stay_is_known(tmp_path: Path) -> None:
    """20 people share the years of the stays, one or two the interval."""
    shown = days_of_labs(tmp_path, 2, RELATIVE)
    intervals = [(second - first).days for first, second in stays()]
    groups = [sum(days in shown[key] for key in shown) for days in intervals]
    assert all(groups)
    assert sum(size < K for size in groups) == PEOPLE


def test_days_tell_of_stays_that_left_because_they_are_rare(tmp_path: Path) -> None:
    """Nobody shares a person's days, so that no stay is released at all; the days of their labs are."""
    shown = days_of_labs(tmp_path, 0, "null")
    assert pl.read_parquet(tmp_path / "out/stays/release/data/encounters.parquet").is_empty()
    for days in stays():
        assert sum({str(day) for day in days} <= set(told) for told in shown.values()) == 1


def test_a_shift_leaves_the_interval_of_two_known_stays(tmp_path: Path) -> None:
    """Though nothing is released of the stays' dates themselves."""
    shown = days_of_labs(tmp_path, 3, SHIFT)
    spans = {
        key: {abs(date.fromisoformat(str(a)) - date.fromisoformat(str(b))) for a in days for b in days}
        for key, days in shown.items()
    }
    groups = [sum(second - first in told for told in spans.values()) for first, second in stays()]
    assert all(groups)
    assert sum(size < K for size in groups) == PEOPLE
