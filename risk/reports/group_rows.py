"""Groups of figures that need no drawing: a table under an explanation."""

from __future__ import annotations

import re
from typing import NamedTuple

from risk.figures import Figure
from risk.reports.scales import interval_of, number_of
from risk.reports.wording import numeral, percent, share_of
from risk.reports.words import Words
from risk.results import Group

TABLES = ("original", "anonymised", "synthetic")
NO_SHARES = ("l_distinct", "l_entropy", "t_equal", "t_ordered", "beta", "delta")
"""Figures that are no share of anything, by the beginning of their name."""


class Row(NamedTuple):
    """A figure in words."""

    label: str
    number: str
    interval: str
    method: str


class Shown(NamedTuple):
    """A group's section; ``texts`` are its explanation by kind, as far as there are words for it."""

    name: str
    title: str
    texts: dict[str, str]
    rows: tuple[Row, ...]


def shown(group: Group, words: Words) -> Shown:
    """Return a group of figures in words; one without words keeps its name."""
    keys = {kind: f"risk.groups.{group.name}.{kind}" for kind in ("means", "example", "not", "source")}
    title = f"risk.groups.{group.name}.title"
    return Shown(
        group.name,
        words.say(title) if words.knows(title) else group.name.replace("_", " "),
        {kind: words.say(key) for kind, key in keys.items() if words.knows(key)},
        tuple(_row(name, figure, words) for name, figure in group.figures.items()),
    )


def label(name: str, words: Words) -> str:
    """Return a figure's name in words (a number at its end, and a column after a dot), empty without any."""
    if words.knows(f"risk.figures.{name}"):
        return words.say(f"risk.figures.{name}")
    head, dot, column = name.partition(".")
    if found := re.fullmatch(r"(\w+)_(\d+(?:\.\d+)?)", name):
        key, number = f"risk.figures.{found[1]}_n", found[2]
        told = percent(float(number), words) if "." in number else numeral(number, words)
        return words.say(key, number=told) if words.knows(key) else ""
    whole = label(head, words) if dot else ""
    return words.say("risk.figures.of", label=whole, column=column) if whole else ""


def _row(name: str, figure: Figure, words: Words) -> Row:
    table, _, short = name.partition(".")
    bare = short if table in TABLES else name
    is_share = not bare.startswith(NO_SHARES) and (figure.value is None or 0 <= figure.value <= 1)
    told = label(bare, words) or bare.replace("_", " ")
    if table == "original":
        told = words.say("risk.figures.of", label=told, column=words.say("parts.chart.original"))
    return Row(
        told,
        _number(figure, words, is_share=is_share),
        interval_of(figure, words, is_share=is_share),
        figure.method,
    )


def _number(figure: Figure, words: Words, *, is_share: bool) -> str:
    if figure.value is not None:
        return number_of(figure, words, is_share=is_share)
    has_bound = figure.low is not None or figure.high is not None
    return share_of(figure, words) if has_bound else words.say("numbers.not_estimated")
