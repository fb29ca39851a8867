"""The config's `privacy` section: what the release must keep."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema

from anonymizer.criteria import (
    AverageRisk,
    BetaLikeness,
    Criterion,
    DeltaDisclosure,
    DistinctLDiversity,
    EntropyLDiversity,
    KAnonymity,
    MaxRisk,
    RecursiveCLDiversity,
    SampleUniqueness,
    TCloseness,
)
from release.config.guarantees import PrivateRelease
from release.config.keys import ColumnName, Finding, Findings, People, Strict, exactly, listed
from release.config.risks import (
    CodeLists,
    EstimatedUniqueness,
    KnownCodes,
    Limit,
    LimitOrPreset,
    PopulationMap,
    Presence,
)

_Values = Annotated[
    Annotated[int, Field(ge=1, le=10**9), Tag("int")] | Annotated[float, Field(gt=1, le=10**9), Tag("float")],
    Discriminator(lambda value: "int" if type(value) is int else "float"),
    WithJsonSchema({"type": "number", "minimum": 1, "maximum": 10**9}),
]
"""A number of values, and whether the file writes it as a whole one."""


class LDiversity(Strict):
    """One demand for diverse sensitive values."""

    column: ColumnName = Field(description="a sensitive column")
    kind: Literal["distinct", "entropy", "recursive"] = Field(
        description="what every class has. distinct: at least l different values; entropy: at least the "
        "entropy of l equally frequent values; recursive: a most frequent value that is rarer than c times "
        "all but the l - 1 most frequent ones together"
    )
    l: _Values = Field(  # noqa: E741 - the literature's name
        description="how many values; 2 or more (entropy: any number above 1), since 1 protects nobody; "
        "distinct takes 1 beside another criterion: not all values of a class are missing"
    )
    c: float | None = Field(
        default=None, gt=0, description="recursive: how many times more frequent the first value may be"
    )

    @property
    def criterion(self) -> DistinctLDiversity | EntropyLDiversity | RecursiveCLDiversity:
        """The criterion that is asked for."""
        if self.kind == "entropy":
            return EntropyLDiversity(self.column, exactly(self.l))
        if self.c is not None:
            return RecursiveCLDiversity(self.column, exactly(self.c), int(self.l))
        return DistinctLDiversity(self.column, int(self.l))

    def broken_rules(self) -> Findings:
        if self.kind != "entropy" and not isinstance(self.l, int):
            yield Finding(("l",), "must be a whole number of 2 or more (but for kind: entropy)")
        elif self.kind != "distinct" and self.l == 1:
            yield Finding(("l",), "must be more than 1 (but for kind: distinct)")
        if self.kind == "recursive" and self.c is None:
            yield Finding(("c",), "is required where kind is recursive")
        if self.kind != "recursive" and self.given("c"):
            yield Finding(("c",), "has no effect but where kind is recursive")


class Closeness(Strict):
    """One demand that classes look like the whole input."""

    column: ColumnName = Field(description="a sensitive column")
    distance: Literal["equal", "ordered", "hierarchical"] = Field(
        description="how far values lie apart. equal: all the same; ordered: by their rank as numbers, days "
        "or text; hierarchical: by the level of the column's hierarchy at which they meet"
    )
    t: float = Field(
        ge=0, lt=1, description="the largest distance of a class's distribution to the whole input's"
    )

    @property
    def criterion(self) -> TCloseness:
        """The criterion that is asked for."""
        return TCloseness(self.column, self.distance, exactly(self.t))


class Disclosure(Strict):
    """One demand on how much a class may tell about any value."""

    column: ColumnName = Field(description="a sensitive column")
    delta: float = Field(
        gt=0,
        le=100,
        description="|ln(p / q)| stays below it: p a value's share in a class, q in the whole input",
    )

    @property
    def criterion(self) -> DeltaDisclosure:
        """The criterion that is asked for."""
        return DeltaDisclosure(self.column, exactly(self.delta))


class Likeness(Strict):
    """One demand on how much likelier a class may make any value."""

    column: ColumnName = Field(description="a sensitive column")
    beta: float = Field(
        gt=0,
        le=10**9,
        description="(p - q) / q is at most this: p a value's share in a class, q in the whole input",
    )
    enhanced: bool = Field(default=True, description="the limit is -ln q where that is less")

    @property
    def criterion(self) -> BetaLikeness:
        """The criterion that is asked for."""
        return BetaLikeness(self.column, exactly(self.beta), self.enhanced)


Demand = LDiversity | Closeness | Disclosure | Likeness


Disclosures = Annotated[
    tuple[Disclosure, ...],
    BeforeValidator(listed, json_schema_input_type=Disclosure | tuple[Disclosure, ...]),
]
Likenesses = Annotated[
    tuple[Likeness, ...], BeforeValidator(listed, json_schema_input_type=Likeness | tuple[Likeness, ...])
]
_DEMANDS = ("l_diversity", "t_closeness", "delta_disclosure", "beta_likeness")


class Privacy(Strict):
    """What must hold for every class of the release."""

    k_anonymity: People | None = Field(
        default=None, description="the least number of people in a class; 2 or more, since 1 protects nobody"
    )
    l_diversity: tuple[LDiversity, ...] = Field(
        default=(), description="different values of sensitive columns per class"
    )
    suppression_limit: float = Field(
        default=0.0, ge=0, le=1, description="the share of rows that may be suppressed"
    )
    t_closeness: tuple[Closeness, ...] = Field(
        default=(),
        description="classes whose distribution of sensitive columns is close to the whole input's",
    )
    average_risk: Limit | None = Field(
        default=None,
        description="the largest mean, over the people released, of one over the people of their class",
    )
    max_risk: LimitOrPreset | None = Field(
        default=None,
        description="the largest risk of anybody, one over the people of the class; ema-policy-0070 is 0.09, "
        "the limit of EMA's policy on clinical data",
    )
    sample_uniqueness: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        default=None, description="the largest share of the people released who are alone in their class"
    )
    population_uniqueness: EstimatedUniqueness | None = Field(
        default=None, description="few people who are estimated to be unique in the population"
    )
    k_map: PopulationMap | None = Field(
        default=None, description="k-anonymity in the population: classes that many of its people fit"
    )
    km_anonymity: CodeLists = Field(
        default=(), description="k-anonymity against attackers who know some codes of a list beside"
    )
    delta_disclosure: Disclosures = Field(
        default=(), description="classes that tell little about any value of sensitive columns"
    )
    beta_likeness: Likenesses = Field(
        default=(), description="classes that make no value of sensitive columns much likelier"
    )
    delta_presence: Presence | None = Field(
        default=None, description="classes that tell little about who of the population is in the data"
    )
    differential_privacy: PrivateRelease | None = Field(
        default=None,
        description="an (epsilon, delta) guarantee: a random sample of the people, and a k that follows",
    )

    @property
    def suppression_share(self) -> Fraction:
        """The suppression limit as the file's decimal says it, exactly."""
        return Fraction(1) if self.differential_privacy else exactly(self.suppression_limit)

    @property
    def demands(self) -> tuple[tuple[str, int, Demand], ...]:
        """Every demand on a sensitive column: its key, its place there, and itself."""
        return tuple(
            (name, index, demand) for name in _DEMANDS for index, demand in enumerate(getattr(self, name))
        )

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The criteria that are asked for."""
        if self.differential_privacy is not None:
            return (self.differential_privacy.criterion,)
        people = () if self.k_anonymity is None else (KAnonymity(self.k_anonymity),)
        return (*people, *self._risks, *(demand.criterion for _, _, demand in self.demands))

    @property
    def population(self) -> Path | None:
        """The file of the population, where a criterion counts one."""
        asked = (each.population for each in (self.k_map, self.delta_presence) if each is not None)
        return next((path for path in asked if path is not None), None)

    @property
    def _risks(self) -> Iterator[Criterion]:
        if self.max_risk is not None:
            yield MaxRisk(exactly(self.max_risk))
        demands = (self.k_map, self.delta_presence, *self.km_anonymity, self.population_uniqueness)
        yield from (demand.criterion for demand in demands if demand is not None)
        if self.average_risk is not None:
            yield AverageRisk(exactly(self.average_risk))
        if self.sample_uniqueness is not None:
            yield SampleUniqueness(exactly(self.sample_uniqueness))

    def broken_rules(self) -> Findings:
        if self.differential_privacy is not None:
            for key in sorted(self.model_fields_set - {"differential_privacy"}):
                yield Finding((key,), "cannot be combined with differential_privacy: it depends on the data")
            return
        if not self.criteria:
            yield Finding((), "needs at least one criterion, such as k_anonymity or l_diversity")
        elif all(isinstance(each, DistinctLDiversity) and each.l == 1 for each in self.criteria):
            yield Finding(("l_diversity", 0, "l"), "must be 2 or more, or beside another criterion")
        files = {each.population for each in (self.k_map, self.delta_presence) if each is not None} - {None}
        if len(files) > 1:
            yield Finding(("delta_presence", "population"), "must be the population of k_map")
        yield from self._demanded_twice()

    def _demanded_twice(self) -> Findings:
        seen: set[tuple[object, ...]] = set()
        lists = (("km_anonymity", index, demand) for index, demand in enumerate(self.km_anonymity))
        for name, index, demand in (*lists, *self.demands):
            asked = (name, demand.column, *_form(demand))
            if asked in seen:
                yield Finding((name, index, "column"), "has a demand already")
            seen.add(asked)


def _form(demand: Demand | KnownCodes) -> tuple[object, ...]:
    """What tells a demand from others on its column; of two that are alike one limit makes the other idle."""
    form = tuple(getattr(demand, key, None) for key in ("kind", "distance", "enhanced"))
    # of (c, l) and (c', l') neither need imply the other
    return (*form, demand.c, demand.l) if isinstance(demand, LDiversity) and demand.c is not None else form
