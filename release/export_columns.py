"""What the columns of an export allow: identifiers stay identifiers, and a hierarchy must fit the column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from anonymizer.errors import Problem
from mii.request import lab_columns
from release.config import Config
from release.config_columns import BandsSpec, ColumnRule, DatesSpec

IDENTIFIERS = frozenset({"patient_id", "encounter_id"})
LISTS = frozenset({"icd10gm_all", "ops_all", "atc_all"})
DAYS = frozenset({"birth_date", "death_date", "admission_date", "discharge_date"})
COUNTS = frozenset({"age_years", "length_of_stay_days"})

KeyedRules = Mapping[str, tuple[str, ColumnRule]]
"""Each column's rule, and the config's key that states it."""


def lab_families(names: Iterable[str]) -> tuple[frozenset[str], ...]:
    """The families of laboratory columns: each value's statistics tell about one another."""
    return tuple(frozenset(lab_columns((name,))) for name in names)


def export_problems(config: Config, rules: KeyedRules) -> Iterator[Problem]:
    """What is wrong with the rules of an export's columns, by column."""
    for name, (key, rule) in rules.items():
        for at, message in (*_role_problems(name, rule), *_fit_problems(name, rule)):
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


def _fit_problems(name: str, rule: ColumnRule) -> Iterator[tuple[str, str]]:
    is_lab = name.startswith("lab_")
    is_count = name in COUNTS or (is_lab and name.endswith("_count"))
    if isinstance(rule.hierarchy, BandsSpec) and not is_count:
        yield "hierarchy", "bands are for whole numbers"
    if isinstance(rule.hierarchy, DatesSpec) and name not in DAYS:
        yield "hierarchy", "date units are for dates"
    if rule.clip is not None and not (is_count or is_lab):
        yield "clip", "only numbers can be clipped"
