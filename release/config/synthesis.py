"""The part of the config that says how a synthetic table is made, and its own rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from release.config.keys import ColumnName, Finding, Findings, Strict
from synth.recipe import (
    SDV_METHODS,
    Between,
    Combinations,
    Constraint,
    Declared,
    Determines,
    Method,
    Never,
    Order,
    Range,
    Wanted,
)

_Bound = int | float | date
_OF_CART = ("leaf", "most_rows")
_OF_SDV = ("epochs", "batch_size", "device")
_OF_DP = ("epsilon", "delta", "domain", "rows_per_person")


class Span(Strict):
    """Numbers or days from one bound to the other, both included."""

    low: _Bound | None = Field(default=None, alias="from", description="the least value; null: none")
    high: _Bound | None = Field(default=None, alias="to", description="the largest value; null: none")

    @property
    def between(self) -> Between:
        """The span as the synthesiser takes it."""
        return Between(self.low, self.high)

    def broken_rules(self) -> Findings:
        """What a span is not: without ends, of mixed kinds, or backwards."""
        if self.low is None and self.high is None:
            yield Finding((), "needs `from` or `to`")
        elif self.low is None or self.high is None:
            return
        elif isinstance(self.low, date) is not isinstance(self.high, date):
            yield Finding((), "goes from a day to a number")
        elif self.low > self.high:  # type: ignore[operator]
            yield Finding((), "ends before it begins")


Asked = Annotated[
    Annotated[Span, Tag("Span")]
    | Annotated[tuple[str, ...], Tag("list"), Field(min_length=1)]
    | Annotated[bool | int | float | date | str | None, Tag("value")],
    Discriminator(
        lambda value: (
            "Span" if isinstance(value, dict | Span) else "list" if isinstance(value, tuple) else "value"
        )
    ),
]
"""What a column may hold: a value, the beginning of codes (``I48.*``), several of these, or a span."""


def _each_once(key: str, names: Sequence[str]) -> Findings:
    if len(set(names)) < len(names):
        yield Finding((key,), "names a column twice")


class InOrder(Strict):
    """Columns of which none is larger than the next one."""

    order: tuple[ColumnName, ...] = Field(min_length=2, description="numbers or days, the least first")

    def broken_rules(self) -> Findings:
        """A column that stands beside itself."""
        yield from _each_once("order", self.order)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are in order."""
        return self.order

    @property
    def constraint(self) -> Constraint:
        """The order as the synthesiser keeps it."""
        return Order(self.order)


class Bounded(Span):
    """The least and the largest value of a column."""

    column: ColumnName = Field(description="a column of numbers or days")

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that is bounded."""
        return (self.column,)

    @property
    def constraint(self) -> Constraint:
        """The range as the synthesiser keeps it."""
        return Range(self.column, self.between)


class Dependency(Strict):
    """A column whose value decides that of another, such as plz and ags."""

    column: ColumnName = Field(description="the column that decides")
    determines: ColumnName = Field(description="the column that is decided")

    def broken_rules(self) -> Findings:
        """A column that decides itself."""
        yield from _each_once("determines", self.columns)

    @property
    def columns(self) -> tuple[str, ...]:
        """The column that decides, and the one that is decided."""
        return (self.column, self.determines)

    @property
    def constraint(self) -> Constraint:
        """The dependency as the synthesiser keeps it."""
        return Determines(self.column, self.determines)


class OnlyCombinations(Strict):
    """Columns that have only such combinations of values as enough people have."""

    combinations: tuple[ColumnName, ...] = Field(min_length=2, description="columns of categories")

    def broken_rules(self) -> Findings:
        """A column that is combined with itself."""
        yield from _each_once("combinations", self.combinations)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose combinations are kept."""
        return self.combinations

    @property
    def constraint(self) -> Constraint:
        """The combinations as the synthesiser keeps them."""
        return Combinations(self.combinations)


class Forbidden(Strict):
    """What no row has that is as `where` says, such as a pregnancy's codes of men."""

    where: Mapping[ColumnName, Asked] = Field(min_length=1, description="which rows")
    never: Mapping[ColumnName, Asked] = Field(min_length=1, description="what they do not have")

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of what is forbidden."""
        return (*self.where, *self.never)

    @property
    def constraint(self) -> Constraint:
        """What is forbidden, as the synthesiser keeps it."""
        return Never(wanted(self.where), wanted(self.never))


def _which(value: object) -> str:
    keys = set(value) if isinstance(value, dict) else set(getattr(type(value), "model_fields", ()))
    for key, kind in (
        ("order", "InOrder"),
        ("combinations", "OnlyCombinations"),
        ("determines", "Dependency"),
    ):
        if key in keys:
            return kind
    return "Forbidden" if {"where", "never"} & keys else "Bounded"


AnyConstraint = Annotated[
    Annotated[InOrder, Tag("InOrder")]
    | Annotated[Bounded, Tag("Bounded")]
    | Annotated[Dependency, Tag("Dependency")]
    | Annotated[OnlyCombinations, Tag("OnlyCombinations")]
    | Annotated[Forbidden, Tag("Forbidden")],
    Discriminator(_which),
]


class Bands(Span):
    """A column of numbers or days, in bands of equal width."""

    bands: int = Field(default=20, ge=1, le=1000, description="how many bands the span is cut into")

    @property
    def declared(self) -> Declared:
        """The domain as the synthesiser takes it."""
        return Declared(span=self.between, bands=self.bands)

    def broken_rules(self) -> Findings:
        """Also a span that is open to a side, which cannot be cut."""
        if self.low is None or self.high is None:
            yield Finding((), "needs `from` and `to`")
        else:
            yield from super().broken_rules()


Domain = Annotated[
    Annotated[Bands, Tag("Bands")] | Annotated[tuple[str, ...], Tag("list"), Field(min_length=1)],
    Discriminator(lambda value: "Bands" if isinstance(value, dict | Bands) else "list"),
]


class Synthesis(Strict):
    """How a synthetic table is made."""

    method: Method = Field(description="the synthesiser")
    rows: int | None = Field(
        default=None, ge=1, le=100_000_000, description="rows to draw; default: as many as are learned from"
    )
    fit_on: Literal["anonymised", "original"] = Field(
        default="anonymised", description="the table that is learned from"
    )
    conditions: Mapping[ColumnName, Asked] = Field(
        default_factory=dict,
        alias="given",
        description='what all rows have: {gender: female, main_diagnosis: "I48.*"}',
    )
    constraints: tuple[AnyConstraint, ...] = Field(default=(), description="what holds in every row")
    keep: Literal["cone", "none"] | None = Field(
        default=None,
        alias="filter",
        description="cone, the default but for dp-marginals: rows too near to a person are drawn again",
    )
    distil: bool = Field(
        default=False,
        description="release a second model's rows, fitted on what the filter keeps of a first's",
    )
    leaf: int | None = Field(
        default=None, ge=5, le=100_000, description="cart: the least rows of a leaf; default 25"
    )
    most_rows: int | None = Field(default=None, ge=10, description="cart: the most rows a tree is grown from")
    epochs: int | None = Field(default=None, ge=1, le=100_000, description="ctgan and the like; default 300")
    batch_size: int | None = Field(
        default=None, ge=10, le=100_000, description="ctgan and the like: a multiple of ten; default 500"
    )
    device: Literal["cpu", "gpu"] | None = Field(
        default=None,
        description="ctgan and the like: the same seed gives the same bytes on the cpu, the default, only",
    )
    epsilon: float | None = Field(default=None, gt=0, le=100, description="dp-marginals: the privacy loss")
    delta: float | None = Field(
        default=None, gt=0, lt=0.01, description="dp-marginals: well below 1 / people in the data"
    )
    rows_per_person: int | None = Field(
        default=None, ge=1, le=1000, description="dp-marginals: so many rows of a person count; default 1"
    )
    domain: Mapping[ColumnName, Domain] = Field(
        default_factory=dict,
        description="dp-marginals: what a column can hold, where no hierarchy says so: a list of values, or "
        "{from, to, bands}; what lies outside becomes missing",
    )

    @property
    def is_private(self) -> bool:
        """Whether the table is differentially private."""
        return self.method == "dp-marginals"

    @property
    def filters(self) -> bool:
        """Whether rows inside the Cone of Privacy are drawn again."""
        return not self.is_private if self.keep is None else self.keep == "cone"

    @property
    def options(self) -> dict[str, int | float | str]:
        """The method's own options, where they are stated."""
        told = {name: getattr(self, name) for name in (*_OF_CART, *_OF_SDV, *_OF_DP) if name != "domain"}
        return {name: value for name, value in told.items() if value is not None}

    def broken_rules(self) -> Findings:
        """Options of other methods, and what differential privacy asks for and excludes."""
        yield from self._options_of_others()
        if self.batch_size is not None and self.batch_size % 10:
            yield Finding(("batch_size",), "must be a multiple of 10")
        if self.is_private:
            yield from self._private_rules()

    def _options_of_others(self) -> Findings:
        own = {"cart": _OF_CART, "dp-marginals": _OF_DP}.get(self.method, ())
        own = _OF_SDV if self.method in SDV_METHODS - {"sdv-gaussian-copula"} else own
        for key in self.given(*_OF_CART, *_OF_SDV, *_OF_DP):
            if key not in own:
                yield Finding((key,), f"has no effect on {self.method}")

    def _private_rules(self) -> Findings:
        for key in ("epsilon", "delta"):
            if getattr(self, key) is None:
                yield Finding((key,), "is required for dp-marginals")
        if self.rows is None:
            yield Finding(("rows",), "is required for dp-marginals: how many rows there are is private, too")
        if self.fit_on != "original":
            yield Finding(
                ("fit_on",), "must be original: what anonymisation decides is not covered by epsilon"
            )
        if self.filters:
            yield Finding(("filter",), "must be none: a filter by the data breaks differential privacy")
        if self.distil:
            yield Finding(("distil",), "must be false: a filter by the data breaks differential privacy")


def wanted(asked: Mapping[str, object]) -> dict[str, Wanted]:
    """Conditions as the synthesiser takes them."""
    return {name: each.between if isinstance(each, Span) else each for name, each in asked.items()}  # type: ignore[misc]
