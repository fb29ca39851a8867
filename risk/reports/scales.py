"""A figure and its marks on a line: where it lies between floor and ceiling, and how far from its control."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import floor, log10
from typing import NamedTuple

from risk.figures import Figure
from risk.reports.wording import percent, short
from risk.reports.words import Words
from risk.results import Marked

KINDS = ("figure", "control", "floor", "ceiling", "bootstrap")
LEFT, WIDTH = 10.0, 280.0
"""Where a scale's line begins, and how long it is, in the units of its drawing (300 wide)."""


class Mark(NamedTuple):
    """One mark of a scale: ``kind`` of ``KINDS``, its number in words, and its places on the line."""

    kind: str
    label: str
    text: str
    interval: str
    at: float | None
    low: float | None
    high: float | None


class Tick(NamedTuple):
    """A number below the line, and its place."""

    at: float
    text: str
    anchor: str


class Scale(NamedTuple):
    """What a template draws of a marked figure; ``told`` says the same to who does not see it.

    ``limit`` is the place of a configured threshold, None without one.
    """

    identifier: str
    title: str
    told: str
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    limit: float | None

    @property
    def by_kind(self) -> dict[str, Mark]:
        return {mark.kind: mark for mark in self.marks}


def scale(
    marked: Marked,
    words: Words,
    *,
    identifier: str,
    title: str,
    is_share: bool = True,
    limit: float | None = None,
) -> Scale:
    """Return the scale of a marked figure: from 0 to 100 % for a share, to a round number otherwise."""
    figures = [(kind, figure) for kind in KINDS if (figure := getattr(marked, kind)) is not None]
    end = 1.0 if is_share else _end(figures)
    tell: Callable[[float, Words], str] = percent if is_share else short
    marks = tuple(_mark(kind, figure, words, end, tell) for kind, figure in figures)
    told = "; ".join(
        f"{mark.label}: {mark.text}" + (f" ({mark.interval})" if mark.interval else "") for mark in marks
    )
    return Scale(
        identifier,
        title,
        told,
        marks,
        tuple(_ticks(end, words, tell)),
        None if limit is None else _at(limit, end),
    )


def number_of(figure: Figure, words: Words, *, is_share: bool = True) -> str:
    """Return a figure in words, or why there is none."""
    if figure.value is None:
        return words.put(figure.method)
    return (percent if is_share else short)(figure.value, words)


def interval_of(figure: Figure, words: Words, *, is_share: bool = True) -> str:
    """Return a figure's interval in words, empty where it is exact or there is none."""
    if figure.is_exact or figure.low is None or figure.high is None:
        return ""
    tell = percent if is_share else short
    return f"{tell(figure.low, words)}–{tell(figure.high, words)}"


def _mark(kind: str, figure: Figure, words: Words, end: float, tell: Callable[[float, Words], str]) -> Mark:
    text = words.put(figure.method) if figure.value is None else tell(figure.value, words)
    return Mark(
        kind,
        words.say(f"attacks.marks.{kind}"),
        text,
        interval_of(figure, words, is_share=tell is percent),
        *(_at(place, end) for place in (figure.value, figure.low, figure.high)),
    )


def _at(value: float | None, end: float) -> float | None:
    return None if value is None else round(LEFT + WIDTH * min(max(value / end, 0.0), 1.0), 1)


def _end(figures: list[tuple[str, Figure]]) -> float:
    """Return a round number that no figure and no interval exceeds."""
    places = [place for _, f in figures for place in (f.value, f.high) if place is not None]
    most = max(places, default=1.0)
    if most <= 0:
        return 1.0
    unit = 10.0 ** floor(log10(most))
    return next(step * unit for step in (1, 2, 4, 5, 10) if step * unit >= most)


def _ticks(end: float, words: Words, tell: Callable[[float, Words], str]) -> Iterator[Tick]:
    for share, anchor, shift in ((0.0, "start", -6), (0.5, "middle", 0), (1.0, "end", 6)):
        yield Tick(LEFT + WIDTH * share + shift, tell(end * share, words), anchor)
