"""Dates of birth that are kept as they are tell ages over 89: few people are so old, and they are known.

A quasi-identifier does not: at least k people share what is told of each. Nor does a column that is released
no finer than a quasi-identifier of the same element.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date

from anonymizer.errors import Problem
from anonymizer.hierarchies.dates import Dates
from anonymizer.tables.table import Column, Role
from release.config.columns import matching_keys
from release.config.root import Config

BIRTH, AGE = "birth_date", "age_years"
OLDEST_TOLD = 89


def birth_problems(
    config: Config,
    columns: Sequence[Column],
    families: Iterable[Collection[str]],
    kinds: Mapping[str, str],
) -> Iterator[Problem]:
    """The kept columns of an export, fixed or declared, that tell when people over 89 were born.

    Whether somebody's birth is known says nothing. An age is top-coded elsewhere.
    """
    made = {BIRTH}.union(*(family for family in families if BIRTH in family)) - {AGE}
    members = [column for column in columns if column.name in made]
    told = [column for column in members if kinds.get(column.name) != "boolean"]
    if any(c.role is Role.QUASI_IDENTIFIER for c in columns if c.name in made | {AGE}):
        return
    first = date(config.reference_date.year - OLDEST_TOLD, 1, 1)
    for column in told:
        if column.role is not Role.IDENTIFIER and not _is_coarse(column, first):
            key = matching_keys(config.columns, column.name)[0]
            yield config.problem(("columns", key), _TELLS.format(column.name, first.isoformat()))


def _is_coarse(column: Column, first: date) -> bool:
    """Whether a kept column is the same for all who are over 89: suppressed, or missing for its domain."""
    if column.hierarchy is None or column.release_level is None:
        return False
    if column.release_level == len(column.hierarchy.level_names) - 1:
        return True
    return isinstance(column.hierarchy, Dates) and column.hierarchy.first >= first


_TELLS = (
    "{!r} tells ages over 89; drop it (identifier) and release age_years, which is top-coded at 90; or make "
    "it a quasi-identifier; or give it a release_level, `invalid: missing` and a hierarchy of dates whose "
    "domain starts on {} or later, so that earlier births are missing"
)
