"""The columns that describe a person, checked: what has no valid shape is missing and counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from mii.dates import age, span
from mii.elements import ALIVE, DEAD
from mii.records import Person

GENDERS = frozenset({"male", "female", "other", "unknown"})
OFFICIAL_GENDERS = frozenset({"D", "X"})
"""Divers, and without an entry (unbestimmt): what German registers know beside male and female."""
_PLZ, _AGS = re.compile(r"[0-9]{1,3}|[0-9]{5}"), re.compile(r"[0-9]{2,8}")
"""A PLZ is whole or cut. One of four digits may have lost a zero in front, and would be of another region."""
_OLDEST = 130
"""Years that nobody has lived: the oldest on record died at 122."""

Columns = Mapping[str, Mapping[str, Any]]
"""Values by column and by the id of a patient, an Encounter or a row."""


def person_columns(
    persons: Mapping[str, Person],
    causes: Mapping[str, frozenset[str]],
    states: Mapping[str, frozenset[str]],
    *,
    today: date,
    counts: Counter[str],
) -> Columns:
    """The columns `_NAMES` by patient.

    A birth date after ``today``, or more than 130 years before, is missing. A partial birth date stays as it
    is; the age is told where all days it can mean give the same. ``causes`` are a patient's ICD-10 codes,
    ``states`` the codes of Vitalstatus; these count where the Patient itself says nothing.
    """
    values: dict[str, dict[str, Any]] = {name: {} for name in _NAMES}
    for patient, person in persons.items():
        told = (
            listed(person.gender, GENDERS, "gender_invalid", counts),
            listed(person.gender_amtlich, OFFICIAL_GENDERS, "gender_amtlich_unknown", counts),
            *_born(person.birth_date, today, counts),
            shaped(person.plz, _PLZ, "plz_invalid", counts),
            shaped(person.ags, _AGS, "ags_invalid", counts),
            _deceased(person, states.get(patient, frozenset()), counts),
            valid_date(person.deceased_on, "death_date_invalid", counts),
            _cause(causes.get(patient, frozenset()), counts),
        )
        for name, value in zip(_NAMES, told, strict=True):
            values[name][patient] = value
    return values


_NAMES = (
    "gender",
    "gender_amtlich",
    "birth_date",
    "age_years",
    "plz",
    "ags",
    "deceased",
    "death_date",
    "cause_of_death",
)


def valid_date(text: str | None, rule: str, counts: Counter[str]) -> str | None:
    """``text`` where it is a date, maybe partial; otherwise nothing, counted as ``rule``."""
    return _allowed(text, text is None or span(text) is not None, rule, counts)


def _allowed(text: str | None, allowed: bool, rule: str, counts: Counter[str]) -> str | None:
    if text is None or allowed:
        return text
    counts[rule] += 1
    return None


def listed(code: str | None, codes: frozenset[str], rule: str, counts: Counter[str]) -> str | None:
    """``code`` where it is one of ``codes``; otherwise nothing, counted as ``rule``."""
    return _allowed(code, code in codes, rule, counts)


def shaped(text: str | None, shape: re.Pattern[str], rule: str, counts: Counter[str]) -> str | None:
    """``text`` where it has that shape as a whole; otherwise nothing, counted as ``rule``."""
    return _allowed(text, text is not None and shape.fullmatch(text) is not None, rule, counts)


def _born(text: str | None, today: date, counts: Counter[str]) -> tuple[str | None, int | None]:
    text = valid_date(text, "birth_date_invalid", counts)
    days = span(text)
    if days is None:
        counts["birth_date_missing"] += 1
        return None, None
    if days[0] > today:
        counts["birth_date_in_the_future"] += 1
        return None, None
    if (youngest := age((days[1], days[1]), today)) is not None and youngest > _OLDEST:
        counts["birth_date_too_long_ago"] += 1
        return None, None
    years = age(days, today)
    counts["age_uncertain_from_partial_birth_date"] += years is None
    return text, years


def _deceased(person: Person, states: frozenset[str], counts: Counter[str]) -> bool | None:
    if person.deceased_on is not None or person.deceased is not None:
        return person.deceased_on is not None or person.deceased
    if DEAD in states and ALIVE in states:
        counts["vital_status_told_both_ways"] += 1
    return DEAD in states if states & {DEAD, ALIVE} else None


def _cause(codes: frozenset[str], counts: Counter[str]) -> str | None:
    if len(codes) > 1:
        counts["cause_of_death_ambiguous"] += 1
        return None
    return next(iter(codes), None)
