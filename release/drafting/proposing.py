"""A plain table's column → what it is proposed to be.

Three questions in this order, the first yes decides: does a value give a direct identifier away? Does the
name say a direct identifier? Do name and values together say a quasi-identifier, whose hierarchy takes every
value? Whatever is left is dropped. So every column that a draft releases, but for laboratory values cut to
limits, is a quasi-identifier: no value leaves the house that fewer than k people share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
from pydantic import TypeAdapter

from anonymizer.errors import AnonError, BadInput
from anonymizer.hierarchies.hierarchy import SUPPRESSED, Hierarchy
from anonymizer.tables.values import iso_dates
from release.config.columns import HierarchySpec
from release.drafting import patterns
from release.drafting.measurements import Measurement, measurement_named
from release.drafting.profile import MISSING_MARKS, Profile, without_marks
from release.drafting.vocabulary import DIRECT, Kind, kind_of
from release.drafting.wording import LEAST_TOLD, Proposal, counted, dropped
from release.intake.hierarchies import build

AGES: Mapping[str, object] = {"bands": (5, 10, 20), "top": 90}
DAYS: Mapping[str, object] = {"date": ("month", "quarter", "year")}
_STAYS: Mapping[str, object] = {"bands": (3, 6, 12), "top": 60}
_OLDEST = 130
_SPECIFIC: Mapping[Kind, Any] = {
    Kind.AGE: AGES,
    Kind.BIRTH: DAYS,
    Kind.DAY: DAYS,
    Kind.STAY: _STAYS,
    Kind.PLZ: "plz",
    Kind.AGS: "ags",
    Kind.ICD: "icd-10-gm",
    Kind.OPS: "ops",
    Kind.ATC: "atc",
}
_HEALTH = frozenset({Kind.ICD, Kind.OPS, Kind.ATC})
_CATEGORIES = frozenset({Kind.SEX, Kind.CATEGORY, Kind.AGE, Kind.STAY})
"""Kinds that may be a handful of categories instead of numbers."""
_BY_CODES: Mapping[str, Kind] = {"icd-10-gm": Kind.ICD, "ops": Kind.OPS, "atc": Kind.ATC}


@dataclass(frozen=True, slots=True)
class Found:
    """A proposal, what the column was recognised as, and the marks that must mean missing for it to hold."""

    proposal: Proposal
    kind: Kind | None = None
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a proposal depends on beside its column: the day of the run, the people, the decimal mark."""

    today: date
    people: int
    decimal: str = "."


def propose(profile: Profile, around: Circumstances) -> Found:
    """What the column is proposed to be; `identifier` with CHECK where nothing is certain."""
    if profile.distinct is None or not profile.present:
        return Found(dropped(profile.name, "no values to judge by", check=True))
    kind = kind_of(profile.name)
    if what := patterns.direct_identifier(profile.distinct):
        sure = kind in DIRECT
        if patterns.are_insurance_numbers(profile.distinct):
            kind = Kind.INSURED
        proposal = dropped(profile.name, f"its values hold {what}", check=not sure)
        return Found(proposal, kind if kind in DIRECT else None)
    if kind in DIRECT:
        return Found(dropped(profile.name, f"its name says {kind}"), kind)
    if known := measurement_named(profile.name):
        return _measured(profile, known, around)
    is_key = patterns.are_keys(profile.distinct)
    unknown = Found(_unknown(profile, kind), Kind.NUMBER if is_key and kind is None else None)
    return _quasi_identifier(profile, kind, around) or unknown


def hierarchy_of(spec: object, today: date) -> Hierarchy:
    """The hierarchy that a rule names."""
    return build(_SPEC.validate_python(spec), reference_date=today)


_SPEC: TypeAdapter[HierarchySpec] = TypeAdapter(HierarchySpec)


def fits(spec: object, values: list[str], today: date) -> bool:
    """Whether the hierarchy takes every one of ``values``."""
    if not values or SUPPRESSED in values:
        return False
    try:
        hierarchy_of(spec, today).generalise(values)
    except AnonError:
        return False
    return True


def _quasi_identifier(profile: Profile, kind: Kind | None, around: Circumstances) -> Found | None:
    bare, marks = without_marks(profile)
    assert bare.distinct is not None  # propose() has asked
    by = "its name says" if kind else "its values say"
    kind = kind or _kind_by_values(bare)
    if kind is None:
        return None
    values = _as_read(kind, bare.distinct)
    if (spec := _SPECIFIC.get(kind)) and fits(spec, values, around.today) and _plausible(kind, values):
        why = f"{by} {kind}, and all values fit; {counted(len(values), 'different values')}"
        health = {"sensitive": True} if kind in _HEALTH else {}
        rule = {"role": "quasi-identifier", **health, "hierarchy": spec}
        return Found(Proposal(profile.name, rule, why), kind, marks)
    if kind in _CATEGORIES and _is_category(kind, profile, around):
        assert profile.distinct is not None  # as above
        different = counted(profile.distinct.len(), "different values")
        why = f"its name says {kind}; {different}, kept or suppressed as a whole"
        return Found(Proposal(profile.name, _SUPPRESSED_OR_KEPT, why), kind)
    return None


def _as_read(kind: Kind, distinct: pl.Series) -> list[str]:
    """The values as a run reads them for a hierarchy of their kind; none where it would refuse them."""
    if kind not in (Kind.DAY, Kind.BIRTH):
        return distinct.to_list()
    try:
        return iso_dates(distinct).to_list()
    except BadInput:
        return []


_SUPPRESSED_OR_KEPT: Mapping[str, object] = {"role": "quasi-identifier", "hierarchy": "suppression"}


def _kind_by_values(profile: Profile) -> Kind | None:
    """What the values say of themselves: only shapes that nothing else has, in more than a few values."""
    assert profile.distinct is not None  # propose() has asked
    if profile.distinct.len() < LEAST_TOLD:
        return None
    if patterns.are_iso_days(profile.distinct) or patterns.are_german_days(profile.distinct):
        return Kind.DAY
    return _BY_CODES.get(patterns.code_system(profile.distinct) or "")


def _plausible(kind: Kind, values: list[str]) -> bool:
    """Whether values that a hierarchy takes can be meant: nobody is 1962 years old."""
    if kind is Kind.AGE:
        return max(map(int, values)) <= _OLDEST
    if kind is Kind.PLZ:
        # Where codes differ in length, leading zeros are lost, and a prefix would name the wrong place.
        return len({*map(len, values)}) == 1
    return True


def _is_category(kind: Kind, profile: Profile, around: Circumstances) -> bool:
    """Whether the values are few names of groups; a number of years or days would escape its top coding."""
    values = profile.distinct
    assert values is not None  # propose() has asked
    few = values.len() * LEAST_TOLD <= around.people
    numbers = kind in _SPECIFIC and bool(values.str.contains(r"^\s*[0-9]+(?:[.,][0-9]+)?\s*$").any())
    return few and not numbers and SUPPRESSED not in values and not patterns.are_texts(values)


def _measured(profile: Profile, known: Measurement, around: Circumstances) -> Found:
    """A laboratory value whose unit the name states: released within limits that nobody's value sets."""
    bare, marks = without_marks(profile)
    assert bare.distinct is not None  # propose() has asked
    mark = "[.]" if around.decimal == "." else ","
    if bare.distinct.is_empty() or not bare.distinct.str.contains(rf"^-?[0-9]+(?:{mark}[0-9]+)?$").all():
        return Found(dropped(profile.name, "a laboratory value, but not all cells are numbers", check=True))
    why = f"its name says {known.name} in {known.unit}; cut to limits of clinical practice"
    return Found(Proposal(profile.name, {"role": "sensitive", "clip": known.clip}, why), None, marks)


def _unknown(profile: Profile, kind: Kind | None) -> Proposal:
    """A column that is left out because nothing is certain about it, and what a reviewer may want to know."""
    values = profile.distinct
    assert values is not None  # propose() has asked
    if patterns.are_other_days(values.filter(~values.is_in(list(MISSING_MARKS)))):
        why = "days in several forms, or in another than 1962-05-31 or 31.05.1962"
    elif kind is not None:
        why = f"its name says {kind}, but not all values fit"
    elif patterns.code_system(values) == "loinc":
        why = "LOINC codes, which say what was measured"
    elif profile.is_nearly_unique:
        why = "not recognised, and nearly unique: it may name people"
    elif patterns.are_texts(values):
        why = "not recognised; free text"
    else:
        why = f"not recognised; {counted(values.len(), 'different values')}"
    return dropped(profile.name, why, check=True)
