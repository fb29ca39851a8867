"""Invented people and what happens to them, before any of it is written as FHIR."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sample_data.draw import Draw, weighted
from sample_data.marginals import Comorbidity, Disease, Lab, Region, marginals

FIRST_DAY, LAST_DAY = date(2024, 1, 2), date(2026, 10, 31)


class Agreement(StrEnum):
    """What became of the Broad Consent."""

    VALID = "valid"
    GICS = "valid, as gICS writes it"
    RETROSPECTIVE = "valid, also for the past"
    REVOKED = "withdrawn by a later deny"
    INACTIVE = "withdrawn, no longer active"
    EXPIRED = "expired"
    NONE = "none"


AGREEMENTS = weighted(tuple(Agreement), (0.66, 0.10, 0.06, 0.04, 0.04, 0.04, 0.06))


@dataclass(frozen=True, slots=True)
class Value:
    """One laboratory result: ``hours`` after admission; ``below`` marks a value under the detection limit."""

    lab: Lab
    number: float
    hours: int
    below: bool


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay in hospital; the first of ``codes`` is the main diagnosis."""

    admitted: date
    discharged: date
    department: str
    codes: tuple[str, ...]
    procedures: tuple[tuple[str, int], ...]
    drugs: tuple[str, ...]
    home_drugs: tuple[str, ...]
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Life:
    """One invented person with their stays, in order; ``consented`` is the day of the signature."""

    number: int
    sex: str
    born: date
    region: Region
    plz: str
    died: date | None
    stays: tuple[Stay, ...]
    agreement: Agreement
    consented: date


def draw_life(draw: Draw, number: int) -> Life:
    """One person: region, then age and sex by region, then illnesses by age and sex."""
    region = draw.of(marginals().regions)
    decade, sex = draw.of(region.patients)
    index_day = draw.day(FIRST_DAY, LAST_DAY)
    born = index_day - timedelta(
        days=round(365.25 * (decade + draw.below(1000 if decade < 90 else 700) / 100))
    )
    disease = draw.of(marginals().diseases[decade, sex])
    lasting = _lasting(draw, decade + 5)
    stays = _stays(draw, disease, lasting, index_day)
    died = stays[-1].discharged if draw.chance(_mortality(decade, disease)) else None
    agreement = draw.of(AGREEMENTS)
    return Life(
        number, sex, born, region, draw.one(region.plz), died, stays, agreement, _consented(draw, stays[-1])
    )


def _consented(draw: Draw, stay: Stay) -> date:
    """Most sign within the first days of the last stay, so that the window moves back to its start."""
    return stay.admitted + timedelta(days=min(draw.below(3), (stay.discharged - stay.admitted).days))


def _mortality(decade: int, disease: Disease) -> float:
    return 0.0 if decade < 30 else min(0.12, 0.004 * disease.days * decade / 70)


def _lasting(draw: Draw, age: int) -> tuple[Comorbidity, ...]:
    def probability(illness: Comorbidity) -> float:
        return illness.probability + illness.per_decade * (age - 75) / 10 if age >= 30 else 0.0

    return tuple(illness for illness in marginals().comorbidities if draw.chance(probability(illness)))


def _stays(
    draw: Draw, disease: Disease, lasting: tuple[Comorbidity, ...], index_day: date
) -> tuple[Stay, ...]:
    """The index stay, sometimes preceded by another for the same illness, often before any consent."""
    days = [index_day]
    if draw.chance(0.18) and index_day - timedelta(days=90) > FIRST_DAY:
        days.insert(0, draw.day(FIRST_DAY, index_day - timedelta(days=90)))
    codes = tuple(draw.of(illness.codes) for illness in lasting)
    return tuple(_stay(draw, disease, lasting, (day, codes)) for day in days)


def _stay(
    draw: Draw, disease: Disease, lasting: tuple[Comorbidity, ...], when: tuple[date, tuple[str, ...]]
) -> Stay:
    admitted, lasting_codes = when
    days = max(1, min(60, round(disease.days * math.exp(0.45 * draw.normal()))))
    home = tuple(drug for illness in lasting for drug, p in illness.drugs.items() if draw.chance(p))
    main = draw.of(disease.codes)
    also = ("U07.1",) if main == "J12.8" else ()
    return Stay(
        admitted,
        admitted + timedelta(days=days),
        disease.department,
        (main, *also, *(code for code in lasting_codes if code != main)),
        tuple((code, draw.below(days)) for code, p in disease.procedures.items() if draw.chance(p)),
        tuple(drug for drug, p in disease.drugs.items() if draw.chance(p)),
        tuple(dict.fromkeys(home)),
        _values(draw, disease, lasting, days),
    )


def _values(draw: Draw, disease: Disease, lasting: tuple[Comorbidity, ...], days: int) -> tuple[Value, ...]:
    """Values on admission and, for stays of a week, before discharge, when half of the illness is gone."""
    values: list[Value] = []
    for lab in marginals().labs:
        acute = disease.labs.get(lab.name, 0.0)
        chronic = sum(illness.labs.get(lab.name, 0.0) for illness in lasting)
        if not draw.chance(max(lab.measured, 0.9 if acute else 0.0) * 0.75):
            continue
        own = 0.7 * draw.normal()
        values.append(_value(draw, lab, own + acute + chronic, draw.below(6)))
        if days >= 7 and draw.chance(0.5):
            values.append(_value(draw, lab, own + acute / 2 + chronic, 24 * (days - 1) + draw.below(6)))
    return tuple(values)


def _value(draw: Draw, lab: Lab, shift: float, hours: int) -> Value:
    number = round(lab.median * math.exp(lab.spread * (shift + 0.6 * draw.normal())), lab.digits)
    return Value(lab, max(number, lab.detects), hours, below=0 < lab.detects >= number)
