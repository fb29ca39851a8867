"""The config's `search.metric`: what the search keeps small."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from anonymizer import metrics
from release.config.columns import Rules, matching_keys
from release.config.keys import ColumnName, Finding, Findings, Strict

Name = Literal[
    "loss",
    "entropy",
    "discernibility",
    "average-class-size",
    "precision",
    "height",
    "ambiguity",
    "kl",
    "normalised-entropy",
    "predictive",
]
_EFFECTS: Mapping[str, tuple[str, ...]] = {
    "aggregate": ("loss",),
    "gs": ("loss",),
    "monotonic": ("entropy", "discernibility"),
    "target": ("predictive",),
}
"""The metrics that each key has an effect on."""
_OF_WHOLE_ROWS = ("discernibility", "average-class-size", "ambiguity", "kl", "predictive")


class MetricSpec(Strict):
    """A metric with its parameters."""

    name: Name = Field(description="the metric")
    aggregate: metrics.Aggregate = Field(
        default="geometric", description="how the columns' losses become one number (loss)"
    )
    gs: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="from 0 (suppression costs nothing) to 1 (generalisation costs nothing) (loss)",
    )
    monotonic: bool = Field(
        default=False, description="suppression costs nothing of its own (entropy, discernibility)"
    )
    target: ColumnName | None = Field(
        default=None,
        description="the column that is to be predicted from released quasi-identifiers (predictive); one of "
        "them would predict itself",
    )

    @property
    def metric(self) -> metrics.Metric:
        """The metric as the search takes it."""
        return _METRICS[self.name](self)

    def broken_rules(self) -> Findings:
        for key in self.given(*_EFFECTS):
            if self.name not in _EFFECTS[key]:
                yield Finding((key,), f"has no effect on {self.name}, only on {' and '.join(_EFFECTS[key])}")
        if self.name == "predictive" and self.target is None:
            yield Finding(("target",), "is required: the column that is to be predicted")


_METRICS: Mapping[str, Callable[[MetricSpec], metrics.Metric]] = {
    "loss": lambda spec: metrics.Loss(spec.aggregate, Fraction(str(spec.gs))),
    "entropy": lambda spec: metrics.Entropy(spec.monotonic),
    "discernibility": lambda spec: metrics.Discernibility(spec.monotonic),
    "average-class-size": lambda _: metrics.AverageClassSize(),
    "precision": lambda _: metrics.Precision(),
    "height": lambda _: metrics.Height(),
    "ambiguity": lambda _: metrics.Ambiguity(),
    "kl": lambda _: metrics.KullbackLeibler(),
    "normalised-entropy": lambda _: metrics.NormalisedEntropy(),
    "predictive": lambda spec: metrics.Predictive(spec.target or ""),
}


def _needs_nothing_more(name: str) -> str:
    if name == "predictive":
        raise PydanticCustomError("metric", "needs a target: {name: predictive, target: column}")
    return name


Metric = Annotated[
    Annotated[Name, AfterValidator(_needs_nothing_more), Tag("metric")]
    | Annotated[MetricSpec, Tag("MetricSpec")],
    Discriminator(lambda value: "MetricSpec" if isinstance(value, dict | MetricSpec) else "metric"),
]


def spelled_out(metric: Name | MetricSpec) -> MetricSpec:
    """A metric with its parameters, also where the config gives its name alone."""
    return metric if isinstance(metric, MetricSpec) else MetricSpec(name=metric)


def target_is_released(columns: Rules, metric: MetricSpec) -> Findings:
    """What is to be predicted must be there, and be there to be predicted."""
    if metric.target is None:
        return
    at, keys = ("search", "metric", "target"), matching_keys(columns, metric.target)
    if not keys:
        yield Finding(at, "names a column that has no rule")
    elif any(columns[key].role == "identifier" for key in keys):
        yield Finding(at, "must be a column that is released, not an identifier")
    elif any(columns[key].role == "quasi-identifier" for key in keys):
        yield Finding(at, "must be a sensitive or insensitive column: a quasi-identifier predicts itself")


def weights_have_an_effect(columns: Rules, metric: MetricSpec) -> Findings:
    """A metric that looks at whole rows knows no weights of columns."""
    if metric.name in _OF_WHOLE_ROWS:
        for key, rule in columns.items():
            if rule.given("weight"):
                yield Finding(("columns", key, "weight"), f"has no effect on the metric {metric.name}")
