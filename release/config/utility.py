"""The config's section `utility`: what the utility report predicts, fits and draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from release.config.columns import Rules, matching_keys
from release.config.keys import ColumnName, Finding, Findings, Strict, Text

if TYPE_CHECKING:
    from risk.utility.asked import Asked, Followed, Model

_POSITIVE = "the value that counts as yes; needed unless the values are 0 and 1, or false and true"
_At = tuple[str | int, ...]


class ModelSpec(Strict):
    """A regression that is fitted on the original and on the release."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = Field(
        description="what the model is called in the report"
    )
    kind: Literal["linear", "logistic", "cox"] = Field(
        description="linear (of a number), logistic or cox (of a column with two values)"
    )
    outcome: ColumnName = Field(description="the column that is explained; of a Cox model the event")
    time: ColumnName | None = Field(default=None, description="the time until the event or the end (cox)")
    positive: Text | None = Field(default=None, description=_POSITIVE + " (logistic, cox)")
    terms: tuple[ColumnName, ...] = Field(min_length=1, description="the columns that explain it")

    def broken_rules(self) -> Findings:
        if self.kind == "cox" and self.time is None:
            yield Finding(("time",), "is required for a Cox model")
        if self.kind != "cox" and self.time is not None:
            yield Finding(("time",), f"has no effect on a {self.kind} model, only on cox")
        if self.kind == "linear" and self.positive is not None:
            yield Finding(("positive",), "has no effect on a linear model, whose outcome is a number")
        yield from _no_column_twice(("terms",), self.terms, (self.outcome, self.time))

    @property
    def asked(self) -> Model:
        from risk.utility.asked import Model

        return Model(self.name, self.kind, self.outcome, self.terms, self.time, self.positive)

    def columns(self) -> Iterator[tuple[_At, str]]:
        """Every column that is named, with its key."""
        yield ("outcome",), self.outcome
        if self.time is not None:
            yield ("time",), self.time
        yield from ((("terms", index), term) for index, term in enumerate(self.terms))


class SurvivalSpec(Strict):
    """Kaplan–Meier curves of the original and of the release."""

    time: ColumnName = Field(description="the time until the event, or until a person was last seen")
    event: ColumnName = Field(description="whether the event came about: a column with two values")
    by: ColumnName | None = Field(default=None, description="the groups that get a curve each")
    positive: Text | None = Field(default=None, description=_POSITIVE)

    def broken_rules(self) -> Findings:
        if self.time == self.event:
            yield Finding(("event",), "names the column of the time")
        if self.by is not None and self.by in (self.time, self.event):
            yield Finding(("by",), "names the column of the time or of the event")

    @property
    def asked(self) -> Followed:
        from risk.utility.asked import Followed

        return Followed(self.time, self.event, self.by, self.positive)

    def columns(self) -> Iterator[tuple[_At, str]]:
        """Every column that is named, with its key."""
        yield ("time",), self.time
        yield ("event",), self.event
        if self.by is not None:
            yield ("by",), self.by


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Targets = Annotated[
    tuple[ColumnName, ...],
    BeforeValidator(_as_list),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}], "default": []}
    ),
]


class Utility(Strict):
    """What an analyst would do with the release, done on the original too."""

    target: Targets = Field(
        default=(),
        description="columns that are predicted from all others, by learners trained on the release",
    )
    models: tuple[ModelSpec, ...] = Field(
        default=(), description="regressions whose coefficients are compared with the original's"
    )
    survival: tuple[SurvivalSpec, ...] = Field(
        default=(), description="times to an event, whose Kaplan–Meier curves are compared"
    )

    def broken_rules(self) -> Findings:
        yield from _no_column_twice(("target",), self.target, ())
        names = [model.name for model in self.models]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield Finding(("models", index, "name"), "is the name of another model")
        drawn = [(each.time, each.event, each.by) for each in self.survival]
        for index, curves in enumerate(drawn):
            if curves in drawn[:index]:
                yield Finding(("survival", index), "is asked for twice")

    @property
    def asked(self) -> Asked:
        """What the utility report is asked for."""
        from risk.utility.asked import Asked

        return Asked(
            self.target,
            tuple(model.asked for model in self.models),
            tuple(curves.asked for curves in self.survival),
        )

    def columns(self) -> Iterator[tuple[_At, str]]:
        """Every column that is named, with its key."""
        yield from ((("target", index), name) for index, name in enumerate(self.target))
        for index, model in enumerate(self.models):
            yield from ((("models", index, *at), name) for at, name in model.columns())
        for index, curves in enumerate(self.survival):
            yield from ((("survival", index, *at), name) for at, name in curves.columns())


def analysed_columns_are_released(columns: Rules, utility: Utility) -> Findings:
    """What is analysed must be in the release."""
    for at, name in utility.columns():
        keys = matching_keys(columns, name)
        if not keys:
            yield Finding(("utility", *at), "names a column that has no rule", _near(name, columns))
        elif all(columns[key].role == "identifier" for key in keys):
            yield Finding(("utility", *at), "names an identifier, which is not released")


def one_table_is_analysed(utility: Utility, tables: Mapping[str, object], stated: Set[str]) -> Findings:
    """There is something to analyse, and it is no release of linked tables."""
    if "utility" in stated and not (utility.target or utility.models or utility.survival):
        yield Finding(("utility",), "asks for nothing")
    if tables and "utility" in stated:
        yield Finding(("utility",), "this version does not analyse a release with `tables` yet", later=True)


def _no_column_twice(at: _At, names: tuple[str, ...], others: tuple[str | None, ...]) -> Findings:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Finding((*at, index), "is named twice")
        elif name in others:
            yield Finding((*at, index), "is what the model explains")


def _near(word: str, known: Mapping[str, object]) -> str | None:
    from release.config.problems import closest

    return closest(word, known)
