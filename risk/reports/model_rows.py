"""Two models of one synthetic table side by side, and words in which a twin stands for the release."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from risk.figures import Figure
from risk.reports import attack_rows, further_rows, group_rows
from risk.reports.scales import interval_of
from risk.reports.wording import percent, short
from risk.reports.words import Words
from risk.results import Compared

INSTEAD = {
    "attacks.marks.figure": "synthetic.twin.figure",
    "attacks.section.release": "synthetic.twin.head",
    "parts.figures.synthetic": "synthetic.twin.head",
    "parts.chart.synthetic": "synthetic.twin.figure",
    "risk.cone.released": "synthetic.twin.figure",
    "utility.associations.released": "synthetic.twin.figure",
    "utility.prediction.released": "synthetic.twin.trained",
    "utility.models.released": "synthetic.twin.figure",
    "utility.survival.released": "synthetic.twin.figure",
}
"""What calls a figure the release's, and what calls it the twin's."""
HELD_OUT = {"attacks.marks.control": "synthetic.risk.control"}
"""Controls of a synthetic table are people held out, not its own people one by one."""


class ModelRow(NamedTuple):
    """A figure of either model in words, and how much the second one's differs."""

    label: str
    first: str
    second: str
    change: str


def of_synthetic(words: Words, *, is_twin: bool) -> Words:
    """Return the words of a synthetic table's internal reports, of its twin's where that was measured."""
    controls = words.with_messages({key: words.say(instead) for key, instead in HELD_OUT.items()})
    return of_twin(controls) if is_twin else controls


def of_twin(words: Words) -> Words:
    """Return the words in which every figure called the release's is called the twin's."""
    return words.with_messages({key: words.say(instead) for key, instead in INSTEAD.items()})


def rows(compared: Compared | None, words: Words) -> list[ModelRow]:
    """Return the figures of two models, in their order; none where there is one model alone."""
    return [] if compared is None else list(_rows(compared, words))


def _rows(compared: Compared, words: Words) -> Iterator[ModelRow]:
    for name, first in compared.first.items():
        second, is_share = compared.second[name], not name.startswith(further_rows.NO_SHARES)
        one, other = (_said(each, words, is_share=is_share) for each in (first, second))
        yield ModelRow(_label(name, words), one, other, _change(first, second, words, is_share=is_share))


def _label(name: str, words: Words) -> str:
    if label := group_rows.label(name, words):
        return label
    if words.knows(f"utility.further.{name.partition('.')[0]}"):
        return further_rows.label(name.removesuffix(".released"), words)
    return attack_rows.title_of(name, words)


def _said(figure: Figure, words: Words, *, is_share: bool) -> str:
    if figure.value is None:
        return words.say("numbers.not_estimated")
    number, interval = (
        (percent if is_share else short)(figure.value, words),
        interval_of(figure, words, is_share=is_share),
    )
    return f"{number} ({interval})" if interval else number


def _change(first: Figure, second: Figure, words: Words, *, is_share: bool) -> str:
    if first.value is None or second.value is None:
        return "—"
    difference = second.value - first.value
    if not difference:
        return "±0"
    sign = "+" if difference > 0 else "−"
    told = attack_rows.points(difference, words) if is_share else short(abs(difference), words)
    return f"{sign}{told}"
