"""The first numbers of a synthetic table's risk report: what was drawn, how near it lies to real people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from risk.assessment import Assessment
from risk.reports.scales import interval_of
from risk.reports.wording import percent, plain
from risk.reports.words import Words
from risk.results import Attack, Findings, Frontier


class First(NamedTuple):
    """A number of the first page; ``is_found`` says that an attack or measure found it, maybe on a twin."""

    title: str
    number: str
    interval: str
    means: str
    is_found: bool


def headline(
    assessment: Assessment, found: Findings, words: Words, *, is_filtered: bool = False
) -> Iterator[First]:
    """Yield the rows drawn, the exact copies among them, and those inside the Cone of Privacy.

    ``is_filtered`` says that the Cone was a filter of the rows already.
    """
    rows = plain(assessment.after.records, words)
    yield First(words.say("synthetic.risk.rows"), rows, "", words.say("synthetic.risk.rows_means"), True)
    for attack in found.attacks:
        if attack.name == "copies_exact":
            yield _exact(attack, words)
    if found.frontier is not None:
        yield _near(found.frontier, words, is_filtered=is_filtered)


def _exact(attack: Attack, words: Words) -> First:
    figure, control = attack.headline.figure, attack.headline.control
    title = words.say("synthetic.risk.exact")
    if figure.value is None:
        return _nothing(title, words)
    means = words.say("synthetic.risk.exact_means_alone")
    if control is not None and control.value is not None:
        means = words.say("synthetic.risk.exact_means", control=percent(control.value, words))
    return First(title, percent(figure.value, words), interval_of(figure, words), means, True)


def _near(frontier: Frontier, words: Words, *, is_filtered: bool) -> First:
    title, figure = words.say("synthetic.risk.near"), frontier.released
    if figure.value is None:
        return _nothing(title, words)
    means = words.say("synthetic.risk.near_means", allowed=percent(frontier.allowed, words))
    if is_filtered:
        means = f"{means} {words.say('synthetic.risk.near_filtered')}"
    return First(title, percent(figure.value, words), interval_of(figure, words), means, True)


def _nothing(title: str, words: Words) -> First:
    return First(
        title, words.say("numbers.not_estimated"), "", words.say("synthetic.risk.not_estimated"), False
    )
