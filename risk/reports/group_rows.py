"""Groups of figures that need no drawing: a table under an explanation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from risk.figures import Figure
from risk.reports.scales import interval_of, number_of
from risk.reports.wording import numeral, percent, short
from risk.reports.words import Words
from risk.results import Group

TABLES = ("original", "anonymised", "synthetic")
NO_SHARES = ("l_distinct", "l_entropy", "t_equal", "t_ordered", "beta", "delta")
"""Figures that are no share of anything, by the beginning of their name."""


FEW_MEASURES, FEW_COLUMNS = 3, 6
"""How many stand side by side in a table."""


class Row(NamedTuple):
    """A figure in words."""

    label: str
    number: str
    interval: str
    method: str


class Matrix(NamedTuple):
    """Figures of several columns (or sets of them): names above and beside them, and how they were made."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    methods: tuple[tuple[str, str], ...]


class Shown(NamedTuple):
    """A group's section; ``texts`` are its explanation by kind, as far as there are words for it.

    Its figures are a ``matrix`` where that has room for them, else ``rows``.
    """

    name: str
    title: str
    texts: dict[str, str]
    rows: tuple[Row, ...]
    matrix: Matrix | None


def shown(group: Group, words: Words) -> Shown:
    """Return a group of figures in words; one without words keeps its name."""
    keys = {kind: f"risk.groups.{group.name}.{kind}" for kind in ("means", "example", "not", "source")}
    title = f"risk.groups.{group.name}.title"
    return Shown(
        group.name,
        words.say(title) if words.knows(title) else group.name.replace("_", " "),
        {kind: words.say(key) for kind, key in keys.items() if words.knows(key)},
        tuple(_row(name, figure, words) for name, figure in group.figures.items()),
        _matrix(group.figures, words),
    )


def _matrix(figures: Mapping[str, Figure], words: Words) -> Matrix | None:
    """Return the figures named ``<measure>.<column>`` by both, None where one is not, or neither are few."""
    found = {_bare(name).partition(".")[::2]: figure for name, figure in figures.items()}
    if not all(column and not column.isdigit() for _, column in found):
        return None
    measures, columns = (tuple(dict.fromkeys(key[place] for key in found)) for place in (0, 1))
    told = {measure: label(measure, words) or measure.replace("_", " ") for measure in measures}
    methods = tuple((told[measure], _methods(measure, found)) for measure in measures)
    if len(measures) <= FEW_MEASURES:
        rows = tuple((c, tuple(_cell(m, found.get((m, c)), words) for m in measures)) for c in columns)
        return Matrix(tuple(told.values()), rows, methods)
    if len(columns) <= FEW_COLUMNS:
        rows = tuple((told[m], tuple(_cell(m, found.get((m, c)), words) for c in columns)) for m in measures)
        return Matrix(columns, rows, methods)
    return None


def _methods(measure: str, found: Mapping[tuple[str, str], Figure]) -> str:
    return "; ".join(dict.fromkeys(figure.method for (name, _), figure in found.items() if name == measure))


def _cell(measure: str, figure: Figure | None, words: Words) -> str:
    if figure is None:
        return "—"
    is_share = _is_share(measure, figure)
    interval = interval_of(figure, words, is_share=is_share)
    number = _number(figure, words, is_share=is_share)
    return f"{number} ({interval})" if interval else number


def _bare(name: str) -> str:
    """Return a figure's name without its table."""
    table, _, short = name.partition(".")
    return short if table in TABLES else name


def _is_share(name: str, figure: Figure) -> bool:
    return not name.startswith(NO_SHARES) and (figure.value is None or 0 <= figure.value <= 1)


def label(name: str, words: Words) -> str:
    """Return a figure's name in words (a number at its end, and a column after a dot), empty without any."""
    if words.knows(f"risk.figures.{name}"):
        return words.say(f"risk.figures.{name}")
    head, dot, column = name.partition(".")
    if found := re.fullmatch(r"(\w+)_(\d+(?:\.\d+)?)", name):
        key, number = f"risk.figures.{found[1]}_n", found[2]
        if number == "1" and words.knows(f"risk.figures.{found[1]}_one"):
            return words.say(f"risk.figures.{found[1]}_one")
        told = percent(float(number), words) if "." in number else numeral(number, words)
        return words.say(key, number=told) if words.knows(key) else ""
    whole = label(head, words) if dot else ""
    return words.say("risk.figures.of", label=whole, column=column) if whole else ""


def _row(name: str, figure: Figure, words: Words) -> Row:
    bare = _bare(name)
    is_share = _is_share(bare, figure)
    told = label(bare, words) or bare.replace("_", " ")
    if name.startswith("original."):
        told = words.say("risk.figures.of", label=told, column=words.say("parts.chart.original"))
    number = _number(figure, words, is_share=is_share)
    return Row(told, number, interval_of(figure, words, is_share=is_share), figure.method)


def _number(figure: Figure, words: Words, *, is_share: bool) -> str:
    if figure.value is not None:
        return number_of(figure, words, is_share=is_share)
    tell = percent if is_share else short
    for key, bound in (("numbers.at_most", figure.high), ("numbers.at_least", figure.low)):
        if bound is not None:
            return words.say(key, number=tell(bound, words))
    return words.say("numbers.not_estimated")
