"""What is left of a table's value, in rows: the price on the risk report's first page, and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from risk.figures import Figure
from risk.reports.scales import Scale, interval_of, number_of, scale
from risk.reports.wording import numeral, percent, short
from risk.reports.words import Words
from risk.results import Associations, Coefficient, Difference, Estimate, Marked, Prediction, Utility

MOST_PAIRS = 12
"""Pairs of columns that are listed: those whose association changed most."""


class Priced(NamedTuple):
    """One line of the price in utility."""

    label: str
    number: str
    interval: str
    reading: str


class Column(NamedTuple):
    """One column's distribution beside the original's."""

    name: str
    distance: str
    interval: str
    scale: Scale
    wasserstein: str
    coverage: str


class Pair(NamedTuple):
    """Two columns whose association changed."""

    columns: str
    original: str
    released: str
    difference: str


class Foretold(NamedTuple):
    """A learner's prediction, trained on the release and on real data."""

    target: str
    learner: str
    measure: str
    released: str
    released_interval: str
    real: str
    real_interval: str
    floor: str


class Term(NamedTuple):
    """A coefficient on the original and on the release."""

    term: str
    original: str
    released: str
    overlap: str


class Model(NamedTuple):
    """A model the user named, and its coefficients."""

    name: str
    kind: str
    terms: tuple[Term, ...]
    coefficients: tuple[Coefficient, ...]


def price(utility: Utility | None, suppressed: Figure, words: Words) -> tuple[Priced, ...]:
    """Return the price of a release in utility, one line for each measure there is."""
    found = () if utility is None else tuple(priced(utility, words))
    return found or (_line("suppressed", suppressed, words),)


def priced(utility: Utility, words: Words) -> Iterator[Priced]:
    """Yield a line for each measure of a whole table: of losses the first, the metric of the search."""
    for metric, figure in list(utility.losses.items())[:1]:
        yield _line("loss", figure, words, metric=metric)
    if utility.associations is not None:
        marked = utility.associations.difference
        if marked.floor is None or marked.floor.value is None:
            yield _line("associations", marked.figure, words, reading="associations_reading_alone")
        else:
            floor = percent(marked.floor.value, words)
            yield _line("associations", marked.figure, words, floor=floor)
    if utility.two_sample is not None:
        yield _line("two_sample", utility.two_sample.figure, words)
    if utility.propensity is not None:
        yield _line("pmse", utility.propensity.figure, words, is_share=False)
    for prediction in best(utility.predictions):
        yield _foretold(prediction, words)
    overlaps = [c.overlap.value for c in utility.coefficients if c.overlap.value is not None]
    if overlaps:
        mean = Figure(float(np.mean(overlaps)), None, None, len(overlaps), "")
        yield _line("overlap", mean, words)


def _line(
    key: str,
    figure: Figure,
    words: Words,
    *,
    is_share: bool = True,
    reading: str | None = None,
    **named: str,
) -> Priced:
    return Priced(
        words.say(f"risk.price.{key}", **named),
        _number(figure, words, is_share=is_share),
        interval_of(figure, words, is_share=is_share),
        words.say(f"risk.price.{reading or f'{key}_reading'}", **named),
    )


def best(predictions: Sequence[Prediction]) -> Iterator[Prediction]:
    """Yield for every target that is estimated the learner that does best on real data."""
    estimated = [p for p in predictions if p.real.value is not None]
    for _, group in groupby(sorted(estimated, key=lambda p: p.target), key=lambda p: p.target):
        yield max(group, key=lambda p: p.real.value or 0.0)


def _foretold(prediction: Prediction, words: Words) -> Priced:
    return Priced(
        words.say(
            "risk.price.prediction",
            target=prediction.target,
            measure=words.say(f"utility.measure.{prediction.measure}"),
        ),
        _number(prediction.released, words, is_share=False),
        interval_of(prediction.released, words, is_share=False),
        words.say(
            "risk.price.prediction_reading",
            learner=learner(prediction.learner, words),
            real=_number(prediction.real, words, is_share=False),
        ),
    )


def learner(name: str, words: Words) -> str:
    """Return a learner's name in words, or the name itself where there are none."""
    key = f"utility.learner.{name.replace(' ', '_')}"
    return words.say(key) if words.knows(key) else name.replace("_", " ")


def columns(differences: Sequence[Difference], words: Words) -> list[Column]:
    """Return the columns, the one that differs most first."""
    ranked = sorted(differences, key=lambda d: -(d.total_variation.figure.value or 0.0))
    return [_column(difference, place, words) for place, difference in enumerate(ranked)]


def _column(difference: Difference, place: int, words: Words) -> Column:
    marked = difference.total_variation
    return Column(
        difference.column,
        _number(marked.figure, words),
        interval_of(marked.figure, words),
        scale(marked, words, identifier=f"column-{place}", title=difference.column),
        "—" if difference.wasserstein is None else _number(difference.wasserstein.figure, words),
        "—" if difference.coverage is None else _number(difference.coverage, words),
    )


def pairs(associations: Associations, words: Words) -> list[Pair]:
    """Return the pairs of columns whose association changed most."""
    change = np.abs(associations.released - associations.original)
    rows, places = np.triu_indices(len(associations.columns), 1)
    largest = np.argsort(-change[rows, places], kind="stable")[:MOST_PAIRS]
    return [_pair(associations, rows[each], places[each], words) for each in largest]


def _pair(associations: Associations, row: int, place: int, words: Words) -> Pair:
    before, after = associations.original[row, place], associations.released[row, place]
    return Pair(
        f"{associations.columns[row]} · {associations.columns[place]}",
        *(numeral(f"{value:.2f}".replace("-", "−"), words) for value in (before, after, after - before)),
    )


def predictions(found: Sequence[Prediction], words: Words) -> list[Foretold]:
    """Return the predictions as rows, in their order."""
    return [
        Foretold(
            each.target,
            learner(each.learner, words),
            words.say(f"utility.measure.{each.measure}"),
            _number(each.released, words, is_share=False),
            interval_of(each.released, words, is_share=False),
            _number(each.real, words, is_share=False),
            interval_of(each.real, words, is_share=False),
            "—" if each.floor is None else _number(each.floor, words, is_share=False),
        )
        for each in found
    ]


def models(coefficients: Sequence[Coefficient], words: Words) -> list[Model]:
    """Return the coefficients by model, in their order."""
    return [
        _model(tuple(group), words)
        for _, group in groupby(coefficients, key=lambda each: (each.model, each.kind))
    ]


def _model(rows: tuple[Coefficient, ...], words: Words) -> Model:
    return Model(rows[0].model, rows[0].kind, tuple(_term(each, words) for each in rows), rows)


def _term(coefficient: Coefficient, words: Words) -> Term:
    return Term(
        coefficient.term,
        _estimate(coefficient.original, words),
        "—" if coefficient.released is None else _estimate(coefficient.released, words),
        _number(coefficient.overlap, words),
    )


def _estimate(estimate: Estimate, words: Words) -> str:
    value, low, high = (short(number, words) for number in (estimate.value, estimate.low, estimate.high))
    return f"{value} ({words.say('numbers.range', low=low, high=high)})"


def marked_scale(marked: Marked | None, words: Words, *, name: str, is_share: bool) -> Scale | None:
    """Return the scale of a whole table's measure, None where it was not taken or not estimated."""
    if marked is None or marked.figure.value is None:
        return None
    title = words.say(f"utility.{name}.title")
    return scale(marked, words, identifier=f"scale-{name}", title=title, is_share=is_share)


def _number(figure: Figure, words: Words, *, is_share: bool = True) -> str:
    return (
        words.say("numbers.not_estimated")
        if figure.value is None
        else number_of(figure, words, is_share=is_share)
    )
