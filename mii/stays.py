"""Encounters: which are Einrichtungskontakte, which one is a patient's index, and what belongs to which."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from math import inf
from typing import Any, Literal

from mii.dates import day_text, moment, span
from mii.persons import Columns, listed, shaped, valid_date
from mii.records import Stay

FACILITY = "einrichtungskontakt"
LEVELS = frozenset({FACILITY, "abteilungskontakt", "versorgungsstellenkontakt"})
CONTACT_TYPES = frozenset(
    "begleitperson vorstationaer nachstationaer teilstationaer tagesklinik nachtklinik normalstationaer "
    "intensivstationaer ub konsil stationsaequivalent operation".split()
)
CLASSES = frozenset("AMB EMER FLD HH IMP ACUTE NONAC OBSENC PRENC SS VR".split())
"""The codes of Kontaktebene, Kontaktart (HL7 Deutschland, Basisprofil) and of HL7's encounter classes."""
_DEPARTMENT, _SOURCE = re.compile(r"[0-9A-Za-z]{1,8}"), re.compile(r"[A-Z]")
_REASON = re.compile(r"[0-9]{2}[0-9A-Z]{0,2}")


class Stays:
    """The Einrichtungskontakte of an export: Encounters of that Kontaktebene, or of none at all."""

    def __init__(self, stays: Mapping[str, Stay], patients: Mapping[str, object]) -> None:
        self._stays = stays
        self.facility = {
            identity: stay
            for identity, stay in stays.items()
            if stay.void is None and stay.patient in patients and (not stay.levels or FACILITY in stay.levels)
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
        for identity, stay in self.facility.items():
            place = (_start(stay, latest=latest), identity)
            known = chosen.get(stay.patient)
            if known is None or (place > known if latest else place < known):
                chosen[stay.patient] = place
        return {patient: identity for patient, (_, identity) in chosen.items()}

    def counts(self) -> dict[str, int]:
        """Counts for the audit."""
        patients = Counter(stay.patient for stay in self.facility.values())
        return {
            "encounters_of_facility_level": len(self.facility),
            "patients_with_several_encounters": sum(n > 1 for n in patients.values()),
        }

    def _climb(self, encounter: str) -> str | None:
        seen = set[str]()
        while encounter not in self.facility:
            stay = self._stays.get(encounter)
            if encounter in seen or stay is None or stay.void is not None:
                return None
            seen.add(encounter)
            encounter = stay.part_of
        return encounter


def stay_columns(stays: Mapping[str, Stay], counts: Counter[str]) -> Columns:
    """admission_date, discharge_date, length_of_stay_days, department and the contact's kind by Encounter.

    The length is told where both days are, and the discharge is not before the admission. What is no code
    of its system is missing and counted.
    """
    values: dict[str, dict[str, Any]] = {name: {} for name in (*_NAMES, *_KINDS)}
    for identity, stay in stays.items():
        told = (*_told(stay, counts), *_kinds(stay, counts))
        for name, value in zip(values, told, strict=True):
            values[name][identity] = value
    return values


_NAMES = ("admission_date", "discharge_date", "length_of_stay_days", "department")
_KINDS = (
    "encounter_level",
    "contact_type",
    "class",
    "admission_reason",
    "admission_source",
    "discharge_reason",
)


def _told(stay: Stay, counts: Counter[str]) -> tuple[str | None, str | None, int | None, str | None]:
    admitted = valid_date(day_text(stay.start), "admission_date_invalid", counts)
    discharged = valid_date(day_text(stay.end), "discharge_date_invalid", counts)
    department = shaped(stay.department, _DEPARTMENT, "department_invalid", counts)
    return admitted, discharged, _days(admitted, discharged, counts), department


def _kinds(stay: Stay, counts: Counter[str]) -> Iterator[str | None]:
    """The values of the columns `_KINDS`."""
    level = FACILITY if FACILITY in stay.levels else next(iter(stay.levels), None)
    yield listed(level, LEVELS, "encounter_level_unknown", counts)
    yield listed(stay.contact_type, CONTACT_TYPES, "contact_type_unknown", counts)
    yield listed(stay.contact_class, CLASSES, "class_unknown", counts)
    yield shaped(stay.admission_reason, _REASON, "admission_reason_invalid", counts)
    yield shaped(stay.admission_source, _SOURCE, "admission_source_invalid", counts)
    yield shaped(stay.discharge_reason, _REASON, "discharge_reason_invalid", counts)


def _days(admitted: str | None, discharged: str | None, counts: Counter[str]) -> int | None:
    start, end = span(admitted), span(discharged)
    if start is None or end is None or start[0] != start[1] or end[0] != end[1]:
        return None
    if end[0] < start[0]:
        counts["discharge_before_admission"] += 1
        return None
    return (end[0] - start[0]).days


def _start(stay: Stay, *, latest: bool) -> float:
    start = moment(stay.start)
    return (-inf if latest else inf) if start is None else start
