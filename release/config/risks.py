"""The config's demands on risks: about the population, about code sets, about the release as a whole."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from anonymizer.criteria import MOST_CODES_KNOWN, DeltaPresence, KMAnonymity, KMap, PopulationUniqueness
from release.config.keys import ColumnName, FilePath, Finding, Findings, People, Strict, exactly, listed

_POPULATION = (
    "a table with the quasi-identifiers of everybody whom the people come from, one row per person, written "
    "as the input table is (for an export: CSV with commas)"
)
_FRACTION = "the people of the input as a share of the population's; they are taken for a random sample"
_Fraction = Annotated[float, Field(ge=1e-12, le=1)]
Limit = Annotated[float, Field(ge=1e-9, lt=1)]
_PRESETS = {"ema-policy-0070": 0.09}


def _limit_of(value: object) -> object:
    return _PRESETS.get(value, value) if isinstance(value, str) else value


LimitOrPreset = Annotated[
    Limit, BeforeValidator(_limit_of, json_schema_input_type=Limit | Literal["ema-policy-0070"])
]


class PopulationMap(Strict):
    """The demand that every class matches enough people of the population."""

    k: int = Field(
        ge=2, le=1_000_000, description="the least number of people; 2 or more, since 1 protects nobody"
    )
    population: FilePath | None = Field(default=None, description=_POPULATION)
    sampling_fraction: _Fraction | None = Field(
        default=None, description=f"{_FRACTION}; instead of `population`"
    )

    @property
    def criterion(self) -> KMap:
        """The criterion that is asked for."""
        return KMap(self.k, None if self.sampling_fraction is None else exactly(self.sampling_fraction))

    def broken_rules(self) -> Findings:
        if (self.population is None) == (self.sampling_fraction is None):
            yield Finding((), "needs either `population` or `sampling_fraction`")


class Presence(Strict):
    """The demand that nobody of the population can be told to be in the data, or not to be."""

    lower: float = Field(
        ge=0, lt=1, description="the least share of a class's population that is in the data"
    )
    upper: float = Field(gt=0, le=1, description="the largest share of a class's population in the data")
    population: FilePath = Field(description=_POPULATION)

    @property
    def criterion(self) -> DeltaPresence:
        """The criterion that is asked for."""
        return DeltaPresence(exactly(self.lower), exactly(self.upper))

    def broken_rules(self) -> Findings:
        if self.lower > self.upper:
            yield Finding(("lower",), "must not lie above `upper`")
        if self.lower == 0 and self.upper == 1:
            yield Finding((), "protects nobody: every share lies between 0 and 1")


class KnownCodes(Strict):
    """The demand that nobody is singled out by the quasi-identifiers and a few codes of a list."""

    column: ColumnName = Field(
        description="a sensitive or insensitive column of code lists; `events`: those of all `tables`"
    )
    k: People = Field(description="the least number of people; 2 or more, since 1 protects nobody")
    m: int = Field(ge=1, le=MOST_CODES_KNOWN, description="how many codes an attacker may know")
    repair: Literal["suppress-codes", "suppress-class"] = Field(
        default="suppress-codes",
        description="what becomes of a class with rare combinations: its rarest codes are left out of all "
        "its lists until none is rare, or the class is suppressed",
    )

    @property
    def criterion(self) -> KMAnonymity:
        """The criterion that is asked for."""
        return KMAnonymity(self.column, self.k, self.m, self.repair == "suppress-codes")


class EstimatedUniqueness(Strict):
    """The demand that few people are estimated to be unique in the population."""

    limit: float = Field(ge=0, lt=1, description="the largest share of people who are unique")
    sampling_fraction: _Fraction = Field(description=_FRACTION)

    @property
    def criterion(self) -> PopulationUniqueness:
        """The criterion that is asked for."""
        return PopulationUniqueness(exactly(self.limit), exactly(self.sampling_fraction))


CodeLists = Annotated[
    tuple[KnownCodes, ...],
    BeforeValidator(listed, json_schema_input_type=KnownCodes | tuple[KnownCodes, ...]),
]
