"""The first numbers of a synthetic table's risk report: what was drawn, how near it lies to real people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from risk.assessment import Assessment
from risk.reports.attack_rows import is_mostly_chance
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


def cone_notes(synthesis: Mapping[str, object], words: Words) -> dict[str, Any]:
    """Return what a Cone of Privacy without width did not do, by what it was made for: HTML.

    Empty where it has a width, or where there is none. ``synthesis`` is that of a ``RunContext``.
    """
    if not has_flat_cone(synthesis):
        return {}
    used = {"why": True, "filter": synthesis.get("filter") == "cone", "distil": bool(synthesis.get("distil"))}
    return {topic: words.markup(f"synthetic.cone.{topic}") for topic, is_used in used.items() if is_used}


def has_flat_cone(synthesis: Mapping[str, object]) -> bool:
    """Return whether rows were held against cones that can flag nothing."""
    return synthesis.get("cone_width") == 0


def _exact(attack: Attack, words: Words) -> First:
    figure, control = attack.headline.figure, attack.headline.control
    title = words.say("synthetic.risk.exact")
    if figure.value is None:
        return _nothing(title, words)
    means = words.say("synthetic.risk.exact_means_alone")
    if control is not None and control.value is not None:
        means = words.say("synthetic.risk.exact_means", control=percent(control.value, words))
        if is_mostly_chance(attack.headline):
            means = f"{means} {words.say('synthetic.risk.exact_by_chance')}"
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
