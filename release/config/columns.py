"""The part of the config that says what a column is and how it may be generalised."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import Discriminator, Field, Tag

from release.config.keys import (
    Count,
    FilePath,
    Finding,
    Findings,
    Later,
    Positive,
    Separator,
    Strict,
    later,
    refused_choices,
)

BuiltIn = Literal["suppression", "icd-10-gm", "ops", "atc", "plz", "ags"]
CODE_SYSTEMS = frozenset({"icd-10-gm", "ops", "atc", "plz", "ags"})
Unit = Literal["day", "month", "quarter", "year", "5-years", "decade"]
UNITS: tuple[Unit, ...] = ("day", "month", "quarter", "year", "5-years", "decade")
NUMERIC = frozenset({"integer", "number"})
_Number = Annotated[int, Field(ge=-(10**9), le=10**9)]
_OBSERVED = "the domain taken from the data, for benchmarks only"


class BandsSpec(Strict):
    """Integers in nested bands."""

    bands: tuple[Positive, ...] = Field(min_length=1, description="band widths, each a multiple of the last")
    top: _Number = Field(description="everything from here on is one group, e.g. 90 for ages")
    bottom: _Number = Field(default=0, description="the smallest value possible")
    bottom_group: bool = Field(
        default=False, description="everything below the bottom is one group, not an error"
    )
    domain: Later = later(_OBSERVED)

    def broken_rules(self) -> Findings:
        if not all(b > a and b % a == 0 for a, b in zip((1, *self.bands), self.bands, strict=False)):
            yield Finding(("bands",), "every width must be a multiple of the one before, from 2 upwards")
        if self.bottom >= self.top:
            yield Finding(("top",), "must lie above the bottom")


class DayRange(Strict):
    """The days that are possible at all."""

    first: date = Field(alias="from", description="the first possible day")
    last: date = Field(alias="to", description="the last possible day")

    def broken_rules(self) -> Findings:
        if self.first > self.last:
            yield Finding(("to",), "must not lie before `from`")


class DatesSpec(Strict):
    """Dates in coarser units."""

    date: tuple[Unit, ...] = Field(min_length=1, description="units from fine to coarse")
    domain: Annotated[DayRange | None, refused_choices("observed")] = Field(
        default=None, description="the possible days; default 1900-01-01 to reference_date"
    )

    def broken_rules(self) -> Findings:
        ranks = [UNITS.index(unit) for unit in self.date]
        if ranks != sorted(set(ranks)):
            yield Finding(("date",), f"must be some of {', '.join(UNITS)}, from fine to coarse")


class PrefixSpec(Strict):
    """Codes cut to their first characters."""

    prefix: tuple[Positive, ...] = Field(
        min_length=1, description="characters kept, falling from level to level"
    )
    length: Positive = Field(default=5, le=18, description="characters of a whole code")
    domain: Later = later(_OBSERVED)

    def broken_rules(self) -> Findings:
        chain = (self.length, *self.prefix)
        if not all(a > b for a, b in zip(chain, self.prefix, strict=False)):
            yield Finding(("prefix",), "must fall from level to level and start below the code's length")


class FileSpec(Strict):
    """A hierarchy file in ARX's layout."""

    file: FilePath = Field(description="one row per value, from the value to the top")
    delimiter: Separator = Field(default=";", description="what separates the levels")
    domain: Later = later(_OBSERVED)


class IcdRanges(Strict):
    """A site's own edition of the ICD-10-GM blocks."""

    ranges: FilePath = Field(description="CSV of chapters and block ranges")


class IcdSpec(Strict):
    """ICD-10-GM with a site's own block ranges."""

    icd_10_gm: IcdRanges = Field(
        alias="icd-10-gm", description="the edition to use instead of the built-in one"
    )


_KINDS = {"bands": BandsSpec, "date": DatesSpec, "prefix": PrefixSpec, "file": FileSpec, "icd-10-gm": IcdSpec}

HIERARCHY_NAMES: tuple[str, ...] = (*get_args(BuiltIn), *_KINDS)


def _which_kind(value: object) -> str | None:
    if isinstance(value, Strict):
        return type(value).__name__
    if isinstance(value, dict):
        return next((model.__name__ for key, model in _KINDS.items() if key in value), None)
    return "BuiltIn" if isinstance(value, str) else None


HierarchySpec = Annotated[
    Annotated[BuiltIn, Tag("BuiltIn")]
    | Annotated[BandsSpec, Tag("BandsSpec")]
    | Annotated[DatesSpec, Tag("DatesSpec")]
    | Annotated[PrefixSpec, Tag("PrefixSpec")]
    | Annotated[FileSpec, Tag("FileSpec")]
    | Annotated[IcdSpec, Tag("IcdSpec")],
    Discriminator(
        _which_kind,
        custom_error_type="hierarchy",
        custom_error_message="must be a hierarchy's name, or a mapping with one of " + ", ".join(_KINDS),
    ),
]


Clip = tuple[float | None, float | None]


def clip_is_a_range(clip: Clip | None) -> Findings:
    """What is wrong with the bounds of the key `clip`."""
    match clip:
        case (None, None):
            yield Finding(("clip",), "has no effect without any bound")
        case (float(low), float(high)) if low > high:
            yield Finding(("clip",), "the lower bound lies above the upper one")


def bounds(clip: Clip | None) -> Clip | None:
    """The bounds that a number gets: a bound of minus zero would be released as such."""
    return None if clip is None else (_without_minus(clip[0]), _without_minus(clip[1]))


def _without_minus(bound: float | None) -> float | None:
    return None if bound is None else bound + 0.0


class ColumnRule(Strict):
    """What one column, or every column that matches a pattern, is."""

    role: Literal["identifier", "quasi-identifier", "sensitive", "insensitive"] = Field(
        description="identifier (dropped), quasi-identifier (generalised), sensitive or insensitive (kept)"
    )
    hierarchy: HierarchySpec | None = Field(default=None, description="how values are generalised")
    sensitive: bool = Field(default=False, description="a quasi-identifier that is sensitive as well")
    weight: float = Field(
        default=1.0, gt=0, le=1_000_000, description="how much its loss counts in the search"
    )
    min_level: Count = Field(default=0, description="the least generalisation level the search may choose")
    max_level: Count | None = Field(
        default=None, description="the highest generalisation level the search may choose"
    )
    release_level: Count | None = Field(
        default=None, description="the fixed level of a column that is no quasi-identifier"
    )
    clip: Clip | None = Field(
        default=None,
        description="lowest and highest number released: what lies beyond becomes the bound; null: no bound",
    )
    invalid: Literal["refuse", "missing"] = Field(
        default="refuse",
        description="malformed codes and impossible dates end the run (65), or they are made missing",
    )
    accept_dependency: bool = Field(
        default=False, description="release the column although it determines a quasi-identifier"
    )
    type: Literal["text", "integer", "number", "date", "boolean", "codes"] | None = Field(
        default=None,
        description="what the cells of a CSV column are (codes: a list of codes separated by spaces); "
        "default text, or number where clip is given",
    )

    @property
    def is_sensitive(self) -> bool:
        return self.sensitive or self.role == "sensitive"

    def broken_rules(self) -> Findings:
        yield from self._keys_without_effect()
        if self.role == "quasi-identifier" and self.hierarchy is None:
            yield Finding(("hierarchy",), "a quasi-identifier needs a hierarchy")
        if self.max_level is not None and self.max_level < self.min_level:
            yield Finding(("max_level",), "must not lie below min_level")
        yield from clip_is_a_range(self.clip)
        if self.clip is not None and self.type not in (None, *NUMERIC):
            yield Finding(("type",), "only numbers can be clipped")
        if self.hierarchy is not None and self.role == "insensitive" and self.release_level is None:
            yield Finding(("hierarchy",), "has no effect on this role without release_level")
        if self.release_level is not None and self.hierarchy is None:
            yield Finding(("release_level",), "needs a hierarchy")

    def _keys_without_effect(self) -> Findings:
        for key in self.given(*_WITHOUT_EFFECT[self.role]):
            yield Finding((key,), f"has no effect on the role {self.role}")
        if self.release_level is not None and self.clip is not None:
            yield Finding(("clip",), "has no effect beside release_level")


Rules = Mapping[str, ColumnRule]
"""The rules of the section `columns`, by name or pattern."""

_SEARCHED, _KEPT = (
    ("weight", "min_level", "max_level"),
    ("release_level", "clip", "accept_dependency", "type"),
)
_WITHOUT_EFFECT: dict[str, tuple[str, ...]] = {
    "identifier": (*_SEARCHED, *_KEPT, "sensitive", "hierarchy", "invalid"),
    "quasi-identifier": _KEPT,
    "sensitive": (*_SEARCHED, "sensitive"),
    "insensitive": (*_SEARCHED, "sensitive"),
}


def matching_keys(rules: Mapping[str, object], name: str) -> tuple[str, ...]:
    """The keys of ``rules`` that speak of the column ``name``: the name itself, or else every pattern."""
    if name in rules:
        return (name,)
    return tuple(key for key in rules if "*" in key and _matches(key, name))


def _matches(pattern: str, name: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name, re.DOTALL) is not None
