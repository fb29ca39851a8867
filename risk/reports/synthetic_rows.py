"""A synthetic table in the release report: what it is, what is promised, how it was made."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, exp
from typing import TYPE_CHECKING, Any, NamedTuple

from risk.facts import Privacy, Rule, Synthesis, SyntheticTable
from risk.reports import criteria_words, wording
from risk.reports.report_rows import column_row
from risk.reports.words import Words

if TYPE_CHECKING:
    from risk.facts import LinkedTable


class Point(NamedTuple):
    """A line of the first page: a word for its topic, and what is said as HTML."""

    mark: str
    told: Any


class Number(NamedTuple):
    """A number of the first page in words, and what it means."""

    title: str
    number: str
    means: str


class Asked(NamedTuple):
    """A condition or constraint in words."""

    kind: str
    stated: str
    means: str


class Shown(NamedTuple):
    """What a template shows of a synthetic table; ``is_linked`` where further tables hold events."""

    name: str
    rows: str
    columns_told: str
    size: str
    points: list[Point]
    headline: list[Number]
    limits: list[str]
    settings: list[tuple[str, str]]
    rules: list[Asked]
    columns: list[dict[str, Any]]
    is_linked: bool


def shown(table: SyntheticTable, words: Words, *, beside: bool = False) -> Shown:
    """Return what is shown of a table, from its rows and stated settings alone.

    Levels and treatments of its columns are left out: they are what a search decided on the input.
    ``beside`` says that the anonymised table is released as well.
    """
    return Shown(
        name=table.name,
        rows=wording.counted("rows", table.frame.height, words),
        columns_told=wording.counted("columns", len(table.columns), words),
        size=_size(table, words),
        points=list(_points(table.synthesis, words)),
        headline=list(_headline(table, words)),
        limits=list(_limits(table.synthesis, words))
        + ([] if beside else [words.say("synthetic.limits.alone")]),
        settings=list(_settings(table.synthesis, words)),
        rules=[_asked(each, words) for each in table.synthesis.rules],
        columns=list(_columns(table)),
        is_linked=bool(table.tables),
    )


def scientific(value: float, words: Words) -> str:
    """Return a positive number with up to four digits, a very small one by its power of ten."""
    mantissa, e, exponent = f"{value:.4g}".partition("e")
    if not e:
        return wording.numeral(mantissa, words)
    power = "10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return power if mantissa == "1" else f"{wording.numeral(mantissa, words)}·{power}"


def _size(table: SyntheticTable, words: Words) -> str:
    if not table.tables:
        return words.say(
            "release.size.one_table",
            records=wording.counted("rows", table.frame.height, words),
            columns=wording.counted("columns", len(table.columns), words),
        )
    return words.say(
        "synthetic.rows_of_tables",
        people=wording.counted("people", table.frame.height, words),
        events=wording.counted("events", sum(each.rows for each in table.tables), words),
        tables=wording.counted("tables", len(table.tables) + 1, words),
    )


def _points(synthesis: Synthesis, words: Words) -> Iterator[Point]:
    def point(topic: str, told: Any) -> Point:
        return Point(words.say(f"synthetic.verdict.{topic}"), told)

    yield point("drawn", words.markup("synthetic.verdict.drawn_told", method=_method(synthesis, words)))
    if synthesis.privacy is None:
        yield point("guarantee", words.markup("synthetic.verdict.none_told"))
    else:
        stated = _stated(synthesis.privacy, words)
        yield point("guarantee", words.markup("synthetic.verdict.private_told", **stated))
    yield point("learned", _learned(synthesis, words))
    yield point("not_carried", words.markup("synthetic.verdict.not_carried_told"))


def _learned(synthesis: Synthesis, words: Words) -> Any:
    if synthesis.fit_on == "original":
        if synthesis.privacy is None:
            return words.markup("synthetic.verdict.original_told")
        return words.markup("synthetic.verdict.original_private_told")
    titles = dict.fromkeys(criteria_words.title_of(each, words) for each in synthesis.criteria)
    listed = f" ({', '.join(titles)})" if titles else ""
    return words.markup("synthetic.verdict.anonymised_told", criteria=listed)


def _method(synthesis: Synthesis, words: Words) -> str:
    key = f"synthetic.method.{synthesis.method}"
    return words.say(key) if words.knows(key) else synthesis.method


def _stated(privacy: Privacy, words: Words) -> dict[str, str]:
    return {
        "epsilon": scientific(privacy.epsilon, words),
        "delta": scientific(privacy.delta, words),
        "times": wording.numeral(f"{ceil(exp(privacy.epsilon) * 100) / 100:g}", words),
    }


def _headline(table: SyntheticTable, words: Words) -> Iterator[Number]:
    rows = table.frame.height + sum(each.rows for each in table.tables)
    columns = len(table.columns) + sum(len(each.columns) for each in table.tables)
    for topic, number in (("rows", rows), ("columns", columns)):
        yield _number(
            topic, wording.plain(number, words), words.say(f"synthetic.headline.{topic}_means"), words
        )
    privacy = table.synthesis.privacy
    kind, stated = ("none", {}) if privacy is None else ("private", _stated(privacy, words))
    said = words.say(f"synthetic.headline.promise.{kind}", **stated)
    means = words.say(f"synthetic.headline.promise_means.{kind}", **stated)
    yield _number("guarantee", said, means, words)


def _number(topic: str, number: str, means: str, words: Words) -> Number:
    return Number(words.say(f"synthetic.headline.{topic}"), number, means)


def _limits(synthesis: Synthesis, words: Words) -> Iterator[str]:
    privacy = synthesis.privacy
    if privacy is not None:
        yield words.say(
            "synthetic.limits.private_person", rows=wording.counted("rows", privacy.rows_per_person, words)
        )
        yield words.say("synthetic.limits.private_domain")
        yield words.say("synthetic.limits.private_alone")
    else:
        if synthesis.fit_on == "anonymised":
            # A filter that looks at the original is a second way from it into the table.
            filtered = "_filtered" if synthesis.filtered == "original" else ""
            yield words.say(f"synthetic.limits.post_processing{filtered}")
        yield words.say("synthetic.limits.empirical")
    if synthesis.fewest is not None:
        yield words.say("synthetic.limits.fewest", fewest=wording.plain(synthesis.fewest, words))
    if synthesis.filtered == synthesis.fit_on:
        yield words.say(f"synthetic.limits.filtered.{synthesis.filtered}")
    if synthesis.distilled:
        yield words.say("synthetic.limits.distilled", table=_learned_from(synthesis, words))
    yield words.say("synthetic.limits.truth")


def _settings(synthesis: Synthesis, words: Words) -> Iterator[tuple[str, str]]:
    def line(topic: str, value: str, **named: str) -> tuple[str, str]:
        return words.say(f"synthetic.made.{topic}"), words.say(f"synthetic.made.{value}", **named)

    yield words.say("synthetic.made.method"), _method(synthesis, words)
    yield line("fit_on", f"learned.{synthesis.fit_on}")
    if synthesis.privacy is None:
        yield line("guarantee", "guarantee_none")
    else:
        yield line("guarantee", "guarantee_private", **_stated(synthesis.privacy, words))
        yield line("adjacency", "adjacency_person")
        yield line("noise", "noise_system")
    if synthesis.fewest is not None:
        yield line("merged", "merged_below", fewest=wording.plain(synthesis.fewest, words))
    if synthesis.filtered is None:
        yield line("filter", "filter_none")
    else:
        near = words.say(f"synthetic.made.learned.{synthesis.filtered}")
        yield line("filter", "filter_cone", table=near)
    learned_from = _learned_from(synthesis, words)
    yield line("distilled", "distilled_yes" if synthesis.distilled else "distilled_no", table=learned_from)


def _learned_from(synthesis: Synthesis, words: Words) -> str:
    return words.say(f"synthetic.made.learned.{synthesis.fit_on}")


def _asked(rule: Rule, words: Words) -> Asked:
    stated = words.put(rule.stated)
    if rule.where:
        stated = words.say("synthetic.rules.both", where=words.put(rule.where), stated=stated)
    kind = f"synthetic.rules.{rule.kind}"
    return Asked(words.say(kind), stated, words.say(f"{kind}_means"))


def _columns(table: SyntheticTable) -> Iterator[dict[str, Any]]:
    name = table.name if table.tables else ""
    yield {"name": name, "rows": [column_row(table.frame, each) for each in table.columns]}
    for each in table.tables:
        yield {"name": each.name, "rows": _of_events(each)}


def _of_events(table: LinkedTable) -> list[dict[str, Any]]:
    return [column_row(table.frame, each) for each in table.columns]
