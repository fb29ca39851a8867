"""Figures of utility that have no other place in its report: nothing that was asked for stays unsaid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from risk.figures import Figure
from risk.reports.scales import interval_of
from risk.reports.wording import percent, short
from risk.reports.words import Words
from risk.results import Survival, Utility

MARKS = (".floor", ".ceiling")
NO_SHARES = ("pmse_ratio", "predict")
"""Figures that are no share of anything, by the beginning of their name."""


class Further(NamedTuple):
    """A figure in words, and how it was made or why there is none."""

    label: str
    number: str
    interval: str
    method: str


def further(utility: Utility, words: Words) -> list[Further]:
    """Return the figures that no other section shows, those of a model or curve without a result included."""
    placed = set(_placed(utility))
    found = {**_unnamed(utility), **utility.figures}
    return [
        _row(name, figure, words)
        for name, figure in found.items()
        if name not in placed and not (name.endswith(MARKS) and name.rpartition(".")[0] in found)
    ]


def _unnamed(utility: Utility) -> dict[str, Figure]:
    """Marks and curves that have no figure of their name."""
    named = {name: mark.figure for name, mark in utility.marks.items()}
    for each in utility.survival:
        name = f"survival.{each.time}.{each.event}"
        if not each.curves and not any(known.startswith(name) for known in (*named, *utility.figures)):
            named[name] = each.largest_gap
    return named


def _placed(utility: Utility) -> Iterator[str]:
    """Yield the names of the figures that sections of their own show."""
    if utility.differences:
        yield "total_variation"
    for each in utility.differences:
        yield from (f"{measure}.{each.column}" for measure in ("total_variation", "wasserstein", "coverage"))
    whole = {
        "association_difference": utility.associations,
        "pmse_ratio": utility.propensity,
        "two_sample": utility.two_sample,
    }
    yield from (name for name, shown in whole.items() if shown is not None)
    yield from (f"loss.{metric}" for metric in utility.losses)
    for prediction in utility.predictions:
        name = f"predict.{prediction.target}.{prediction.learner}"
        yield from (f"{name}.{side}" for side in ("released", "real", "floor"))
    yield from {f"overlap.{each.model}" for each in utility.coefficients}
    yield from _curves(utility)


def _curves(utility: Utility) -> Iterator[str]:
    drawn = [f"survival.{each.time}.{each.event}" for each in utility.survival if each.curves]
    for name in (*utility.figures, *utility.marks):
        if any(name == known or name.startswith(f"{known}.") for known in drawn):
            yield name


def has_curves(survival: Survival) -> bool:
    """Return whether there is something to draw; else the reason stands among the further figures."""
    return bool(survival.curves)


def label(name: str, words: Words) -> str:
    """Return the words for a figure of utility, with the column or model it is about behind them."""
    head, _, rest = name.partition(".")
    key = f"utility.further.{head}"
    said = words.say(key) if words.knows(key) else head.replace("_", " ")
    return f"{said}: {rest}" if rest else said


def _row(name: str, figure: Figure, words: Words) -> Further:
    is_share = not name.startswith(NO_SHARES)
    tell = percent if is_share else short
    return Further(
        label(name, words),
        words.say("numbers.not_estimated") if figure.value is None else tell(figure.value, words),
        interval_of(figure, words, is_share=is_share),
        figure.method,
    )
