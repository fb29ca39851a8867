"""What the columns of an export allow: identifiers stay identifiers, and a hierarchy must fit the column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from anonymizer.errors import Problem
from mii.request import lab_columns
from release.config.columns import BandsSpec, ColumnRule, DatesSpec
from release.config.root import Config

IDENTIFIERS = frozenset({"patient_id", "encounter_id"})
LISTS = frozenset({"icd10gm_all", "ops_all", "atc_all", "alpha_id_all", "orpha_all", "snomed_all", "pzn_all"})
DAYS = frozenset(
    "birth_date death_date admission_date discharge_date main_diagnosis_onset main_diagnosis_recorded "
    "performed_first performed_last".split()
)
COUNTS = frozenset({"age_years", "length_of_stay_days"})

NO_KINDS: Mapping[str, str] = MappingProxyType({})
KeyedRules = Mapping[str, tuple[str, ColumnRule]]
"""Each column's rule, and the config's key that states it."""


def lab_families(names: Iterable[str]) -> tuple[frozenset[str], ...]:
    """The families of laboratory columns: each value's statistics tell about one another."""
    return tuple(frozenset(lab_columns((name,))) for name in names)


def export_problems(
    config: Config, rules: KeyedRules, kinds: Mapping[str, str] = NO_KINDS
) -> Iterator[Problem]:
    """What is wrong with the rules of an export's columns, by column; ``kinds``: what declared ones are."""
    for name, (key, rule) in rules.items():
        kind = kinds.get(name) or _kind(name)
        for at, message in (*_role_problems(name, rule), *_fit_problems(rule, kind)):
            yield config.problem(("columns", key, at), f"{name}: {message}" if key != name else message)
    for index, demand in enumerate(config.privacy.l_diversity):
        if demand.column in LISTS:
            yield config.problem(
                ("privacy", "l_diversity", index, "column"),
                "a list of codes has no single value to be diverse in",
            )


def _role_problems(name: str, rule: ColumnRule) -> Iterator[tuple[str, str]]:
    if name in IDENTIFIERS and rule.role != "identifier":
        yield "role", "a direct identifier can only be an identifier"
    if name in LISTS and rule.role == "quasi-identifier":
        yield "role", "a list of codes cannot be a quasi-identifier"


def _kind(name: str) -> str:
    """What a fixed or laboratory column is."""
    is_lab = name.startswith("lab_")
    if name in COUNTS or (is_lab and name.endswith("_count")):
        return "integer"
    return "number" if is_lab else "date" if name in DAYS else "code"


def _fit_problems(rule: ColumnRule, kind: str) -> Iterator[tuple[str, str]]:
    if isinstance(rule.hierarchy, BandsSpec) and kind != "integer":
        yield "hierarchy", "bands are for whole numbers"
    if isinstance(rule.hierarchy, DatesSpec) and kind != "date":
        yield "hierarchy", "date units are for dates"
    if rule.clip is not None and kind not in ("integer", "number"):
        yield "clip", "only numbers can be clipped"
