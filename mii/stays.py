"""Encounters: which are Einrichtungskontakte, which one is a patient's index, and what belongs to which."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from math import inf
from typing import Any, Literal

from mii.dates import day_text, moment, span
from mii.persons import Columns, valid_date
from mii.records import Dated, Stay

FACILITY = "einrichtungskontakt"
_DEPARTMENT = re.compile(r"[0-9A-Za-z]{1,8}")


class Stays:
    """The Einrichtungskontakte of an export: Encounters of that Kontaktebene, or of none at all."""

    def __init__(self, encounters: Mapping[str, Dated], patients: Mapping[str, object]) -> None:
        self._encounters = encounters
        self.facility = {
            identity: record
            for identity, record in encounters.items()
            if record.patient in patients and isinstance(record.detail, Stay) and _is_facility(record.detail)
        }
        self._above: dict[str, str | None] = {}

    def of_row(self, patient: str, encounter: str) -> str | None:
        """The Einrichtungskontakt of ``patient`` that ``encounter`` is or is a part of."""
        if encounter not in self._above:
            self._above[encounter] = self._climb(encounter)
        above = self._above[encounter]
        return above if above is not None and self.facility[above].patient == patient else None

    def index(self, which: Literal["first", "last"]) -> dict[str, str]:
        """Each patient's first or last Einrichtungskontakt by ``period.start``, ties by id.

        One without a readable start is taken only where the patient has no other.
        """
        latest = which == "last"
        chosen: dict[str, tuple[float, str]] = {}
        for identity, record in self.facility.items():
            place = (self._start(record, latest=latest), identity)
            known = chosen.get(record.patient)
            if known is None or (place > known if latest else place < known):
                chosen[record.patient] = place
        return {patient: identity for patient, (_, identity) in chosen.items()}

    def counts(self) -> dict[str, int]:
        """Counts for the audit."""
        patients = Counter(record.patient for record in self.facility.values())
        return {
            "encounters_of_facility_level": len(self.facility),
            "patients_with_several_encounters": sum(n > 1 for n in patients.values()),
        }

    def _climb(self, encounter: str) -> str | None:
        seen = set[str]()
        while encounter not in self.facility:
            record = self._encounters.get(encounter)
            if encounter in seen or record is None or not isinstance(record.detail, Stay):
                return None
            seen.add(encounter)
            encounter = record.detail.part_of
        return encounter

    @staticmethod
    def _start(record: Dated, *, latest: bool) -> float:
        assert isinstance(record.detail, Stay)  # `facility` holds no other
        start = moment(record.detail.start)
        return (-inf if latest else inf) if start is None else start


def stay_columns(stays: Mapping[str, Dated], counts: Counter[str]) -> Columns:
    """admission_date, discharge_date, length_of_stay_days and department by Encounter.

    The length is told where both days are, and the discharge is not before the admission.
    """
    values: dict[str, dict[str, Any]] = {name: {} for name in _NAMES}
    for identity, record in stays.items():
        if isinstance(record.detail, Stay):
            told = _told(record.detail, counts)
            for name, value in zip(_NAMES, told, strict=True):
                values[name][identity] = value
    return values


_NAMES = ("admission_date", "discharge_date", "length_of_stay_days", "department")


def _told(stay: Stay, counts: Counter[str]) -> tuple[str | None, str | None, int | None, str | None]:
    admitted = valid_date(day_text(stay.start), "admission_date_invalid", counts)
    discharged = valid_date(day_text(stay.end), "discharge_date_invalid", counts)
    department = stay.department
    if department is not None and not _DEPARTMENT.fullmatch(department):
        counts["department_invalid"] += 1
        department = None
    return admitted, discharged, _days(admitted, discharged, counts), department


def _days(admitted: str | None, discharged: str | None, counts: Counter[str]) -> int | None:
    start, end = span(admitted), span(discharged)
    if start is None or end is None or start[0] != start[1] or end[0] != end[1]:
        return None
    if end[0] < start[0]:
        counts["discharge_before_admission"] += 1
        return None
    return (end[0] - start[0]).days


def _is_facility(stay: Stay) -> bool:
    return not stay.levels or FACILITY in stay.levels
