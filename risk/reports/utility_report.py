"""The report of what is left of a table's value, which stays in the house."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from risk.facts import RunContext
from risk.reports import further_rows, model_rows, plots, utility_rows
from risk.reports.page import render
from risk.reports.scales import Scale, interval_of, number_of
from risk.reports.utility_rows import Model, Pair, Priced
from risk.reports.wording import percent, plain, short
from risk.reports.words import Words, speak
from risk.results import Associations, Coefficient, Curve, Difference, Marked, Survival, Utility


class Associated(NamedTuple):
    """The associations' section."""

    difference: str
    marks: str
    chart: Any
    pairs: list[Pair]


class Measured(NamedTuple):
    """A whole table's measure with its scale."""

    number: str
    interval: str
    scale: Scale | None


class CurveRow(NamedTuple):
    """A Kaplan–Meier curve in numbers."""

    group: str
    source: str
    people: int
    events: int
    median: str


class Survived(NamedTuple):
    """The section of one pair of time and event."""

    time: str
    event: str
    gap: str
    chart: Any
    rows: list[CurveRow]


def utility_report(utility: Utility, context: RunContext, *, is_twin: bool = False) -> str:
    """Return the internal HTML page of what the release is good for; what was not measured is absent.

    ``is_twin`` says that it was measured on a twin of a synthetic table, and everything on the page says so.
    """
    words = speak(context.language)
    words = model_rows.of_twin(words) if is_twin else words
    return render(
        "utility_report.html",
        words,
        context=context,
        is_twin=is_twin,
        verdict=_verdict(utility.two_sample, words),
        points=list(_points(utility, words)) or [("", words.say("utility.verdict.none"))],
        headline=_headline(utility, words),
        columns=utility_rows.columns(utility.differences, words),
        associations=utility.associations and _associated(utility.associations, words),
        distinguished=list(_distinguished(utility, words)),
        predictions=utility_rows.predictions(utility.predictions, words),
        models=_models(utility.coefficients, words),
        survival=[
            _survived(each, place, words)
            for place, each in enumerate(utility.survival)
            if further_rows.has_curves(each)
        ],
        further=further_rows.further(utility, words),
        losses=list(utility.losses.items()),
    )


def _verdict(two_sample: Marked | None, words: Words) -> str:
    figure = two_sample.figure if two_sample is not None else None
    if figure is None or figure.value is None:
        return words.say("utility.verdict.title.no_classifier")
    if figure.low is not None and figure.low <= 0.5:
        return words.say("utility.verdict.title.as_real")
    return words.say("utility.verdict.title.told", share=percent(figure.value, words))


def _points(utility: Utility, words: Words) -> Iterator[tuple[str, str]]:
    """Yield topic and sentence for each thing measured, for who reads the first lines alone."""

    def point(topic: str, **values: object) -> tuple[str, str]:
        return words.say(f"utility.verdict.{topic}"), words.say(f"utility.verdict.{topic}_told", **values)

    if known := [d for d in utility.differences if d.total_variation.figure.value is not None]:
        yield point("columns", **_worst(known, words))
    if utility.associations and utility.associations.difference.figure.value is not None:
        yield point("associations", average=percent(utility.associations.difference.figure.value, words))
    for best in utility_rows.best(utility.predictions):
        released, real = (number_of(f, words, is_share=False) for f in (best.released, best.real))
        measure = words.say(f"utility.measure.{best.measure}")
        yield point("prediction", target=best.target, measure=measure, released=released, real=real)
    if utility.coefficients:
        yield point(
            "models",
            overlapping=sum(_overlaps(each) for each in utility.coefficients),
            number=len(utility.coefficients),
        )
    for each in (each for each in utility.survival if each.largest_gap.value is not None):
        yield point("survival", gap=number_of(each.largest_gap, words), time=each.time)
    for metric, figure in list(utility.losses.items())[:1]:
        yield point("loss", figure=number_of(figure, words), metric=metric)


def _worst(known: Sequence[Difference], words: Words) -> dict[str, str]:
    distances = [d.total_variation.figure.value or 0.0 for d in known]
    largest = int(np.argmax(distances))
    return {
        "average": percent(float(np.mean(distances)), words),
        "column": known[largest].column,
        "largest": percent(distances[largest], words),
    }


def _overlaps(coefficient: Coefficient) -> bool:
    one, other = coefficient.original, coefficient.released
    return other is not None and max(one.low, other.low) <= min(one.high, other.high)


def _headline(utility: Utility, words: Words) -> list[Priced]:
    """Return at most three figures for the first page, those of the whole table first."""
    return [line for line in utility_rows.priced(utility, words) if line.number][:3]


def _associated(found: Associations, words: Words) -> Associated:
    marked = found.difference
    told = "; ".join(
        f"{words.say(f'utility.marks.{kind}')}: {number_of(figure, words)}"
        for kind, figure in (("floor", marked.floor), ("ceiling", marked.ceiling))
        if figure is not None
    )
    return Associated(
        number_of(marked.figure, words),
        told or "—",
        plots.associations(found, words),
        utility_rows.pairs(found, words),
    )


def _distinguished(utility: Utility, words: Words) -> Iterator[tuple[str, Measured]]:
    for name, marked, is_share in (
        ("two_sample", utility.two_sample, True),
        ("propensity", utility.propensity, False),
    ):
        if marked is not None:
            scale = utility_rows.marked_scale(marked, words, name=name, is_share=is_share)
            yield (
                name,
                Measured(
                    number_of(marked.figure, words, is_share=is_share),
                    interval_of(marked.figure, words, is_share=is_share),
                    scale,
                ),
            )


def _models(coefficients: Sequence[Coefficient], words: Words) -> list[tuple[Model, Any]]:
    return [
        (model, plots.coefficients(model.coefficients, f"model-{place}", _model_title(model, words), words))
        for place, model in enumerate(utility_rows.models(coefficients, words))
    ]


def _model_title(model: Model, words: Words) -> str:
    return words.say("utility.models.chart", name=model.name)


def _survived(found: Survival, place: int, words: Words) -> Survived:
    return Survived(
        found.time,
        found.event,
        number_of(found.largest_gap, words),
        plots.survival(found, f"survival-curves-{place}", words),
        [
            CurveRow(c.group or "—", c.source, c.people, c.events, _median(c, words))
            for c in sorted(found.curves, key=lambda c: c.group)
        ],
    )


def _median(curve: Curve, words: Words) -> str:
    """Return the first time by which no more than half survive, a dash where that is never."""
    reached = np.flatnonzero(curve.survival <= 0.5)
    return short(float(curve.times[reached[0]]), words) if len(reached) else plain(None, words)
