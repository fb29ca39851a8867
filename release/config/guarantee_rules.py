"""Rules of differential privacy and microaggregation that concern other sections of the config too."""

from __future__ import annotations

from collections.abc import Set

from release.config.columns import NUMERIC, ColumnRule, Rules, matching_keys
from release.config.guarantees import Averaged
from release.config.keys import Finding, Findings
from release.config.privacy import Privacy
from release.config.sections import Input, Output, Risk

_BESIDE_PRIVACY = frozenset(
    {"name", "reference_date", "seed", "input", "subject", "columns", "privacy", "synthesis", "risk"}
    | {"report", "output", "reviewed_by", "require_review", "tables"}
)
"""The sections that a differentially private release may have: what else there is looks at the data."""


def releases_quasi_identifiers_alone(columns: Rules, privacy: Privacy) -> Findings:
    """What is released beside the quasi-identifiers would be outside of the guarantee."""
    if privacy.differential_privacy is None:
        return
    for key, rule in columns.items():
        if rule.role in ("sensitive", "insensitive"):
            yield Finding(
                ("columns", key, "role"),
                "must be quasi-identifier or identifier: differential_privacy covers no other column",
            )


def levels_are_paid_for(columns: Rules, privacy: Privacy) -> Findings:
    """Levels are fixed in advance or chosen at a price, and nothing is paid for nothing."""
    asked = privacy.differential_privacy
    if asked is None:
        return
    quasi = {key: rule for key, rule in columns.items() if rule.role == "quasi-identifier"}
    free = [key for key, rule in quasi.items() if rule.min_level != rule.max_level]
    if asked.epsilon_search is None:
        for key in free:
            yield Finding(
                ("columns", key, "max_level"),
                "must be given and be min_level: choosing a level looks at the data (or give epsilon_search)",
            )
        for key, rule in quasi.items():
            if rule.given("weight"):
                yield Finding(("columns", key, "weight"), "has no effect where every level is fixed")
    elif not free:
        yield Finding(
            ("privacy", "differential_privacy", "epsilon_search"), "has no effect where every level is fixed"
        )


def nothing_else_depends_on_the_data(
    privacy: Privacy, output: Output, risk: Risk, stated: Set[str]
) -> Findings:
    """What would filter the release by the data, or has no effect on a private one."""
    if privacy.differential_privacy is None:
        return
    if output.suppressed != "drop":
        yield Finding(("output", "suppressed"), "must be drop: it would tell how many people are suppressed")
    if risk.thresholds:
        yield Finding(
            ("risk", "thresholds"),
            "a release that is kept back for its risk is no differentially private one",
        )
    for key in sorted(stated - _BESIDE_PRIVACY):
        yield Finding((key,), "cannot be combined with differential_privacy")


def averages_are_of_numbers(
    columns: Rules, source: Input, microaggregation: tuple[Averaged, ...]
) -> Findings:
    """Microaggregation needs released columns of numbers, each in one entry, of one role in each."""
    seen: set[str] = set()
    for index, entry in enumerate(microaggregation):
        at = ("microaggregation", index, "columns")
        if len({rule.role for name in entry.columns for rule in _rules(columns, name)}) > 1:
            yield Finding(at, "must be all sensitive or all insensitive")
        for name in entry.columns:
            yield from _averaged_column(Finding(at, ""), name, columns, source)
            if name in seen:
                yield Finding(at, f"names {name}, which another entry has")
            seen.add(name)


def _averaged_column(here: Finding, name: str, columns: Rules, source: Input) -> Findings:
    is_csv = source.table is not None and not source.table.is_parquet
    rules = _rules(columns, name)
    if not rules:
        yield Finding(here.at, f"names {name}, which has no rule")
    for rule in rules:
        if rule.role not in ("sensitive", "insensitive"):
            yield Finding(here.at, f"{name} must be sensitive or insensitive: another role has no numbers")
        elif rule.hierarchy is not None:
            yield Finding(here.at, f"{name} has a hierarchy, so it is released as text")
        elif is_csv and rule.type not in NUMERIC and rule.clip is None:
            yield Finding(here.at, f"{name} needs `type: integer` or `type: number`")


def _rules(columns: Rules, name: str) -> list[ColumnRule]:
    return [columns[key] for key in matching_keys(columns, name)]
