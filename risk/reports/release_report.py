"""The report that leaves the house with the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from anonymizer.criteria import KAnonymity, KMAnonymity
from risk.facts import CriterionResult, ReleaseFacts, SyntheticFacts
from risk.figures import Figure
from risk.reidentification.class_sizes import ClassSizes, IntArray, bounded_measures, measures
from risk.reidentification.known_events import with_events
from risk.reports import criteria_words, linked_tables, synthetic_rows, wording
from risk.reports.linked_tables import Means
from risk.reports.page import render
from risk.reports.report_rows import band_rows, column_row, risk_rows, size_chart
from risk.reports.words import Words, speak

if TYPE_CHECKING:
    import polars as pl


def release_report(facts: ReleaseFacts | SyntheticFacts) -> str:
    """Return the HTML page that leaves the house: a pure function of the released tables and stated settings.

    Two inputs with the same release give the same text, in whatever order its rows come. It does not promise
    that the figures hold against an attacker who knows more than the quasi-identifiers, and says so.
    """
    words = speak(facts.language)
    return _of_synthetic(facts, words) if isinstance(facts, SyntheticFacts) else _of_classes(facts, words)


def _of_synthetic(facts: SyntheticFacts, words: Words) -> str:
    """The page of a synthetic table alone: without classes and risks, as no row is a person."""
    synthesis = facts.table.synthesis
    promised = {
        "post_processing": synthesis.fit_on == "anonymised",
        "differential_privacy": synthesis.privacy is not None,
    }
    return render(
        "synthetic_release.html",
        words,
        facts=facts,
        shown=synthetic_rows.shown(facts.table, words),
        vocabulary=("synthetic", *(word for word, is_used in promised.items() if is_used), "membership"),
    )


def _of_classes(facts: ReleaseFacts, words: Words) -> str:
    rows = class_rows(facts.frame, facts.quasi_identifiers)
    sizes = ClassSizes(rows, rows)
    figures = _release_figures(facts, sizes)
    unit = "people" if facts.row_is_person else "records"
    known = facts.known
    criteria = facts.criteria if known is None else criteria_words.of_linked_tables(facts.criteria, known.m)
    return render(
        "release_report.html",
        words,
        facts=facts,
        criteria=criteria,
        records=facts.frame.height,
        figures=figures,
        unit=unit,
        all_met=all(map(criteria_words.is_met, criteria)),
        verdict=_verdict(criteria, words),
        means=_means(facts, figures, words) if known is None else linked_tables.means(known, figures, words),
        starred=_starred_class(facts.frame, facts.quasi_identifiers, words),
        limits=_limits(facts, figures, words),
        columns=_columns(facts) if known is None else linked_tables.columns(facts, words),
        risks=risk_rows(words, linked=known is not None, after=figures),
        bands=band_rows(sizes, words),
        size_chart=size_chart(
            {words.say("parts.chart.released"): sizes},
            words.say(f"parts.unit.{unit}"),
            title=words.say("parts.chart.sizes_title", name=facts.name),
            axis=words.say(f"parts.chart.axis.{unit}"),
            words=words,
        ),
        linked=None if known is None else linked_tables.shown(facts, known, sizes, words),
        synthetic=facts.synthetic and synthetic_rows.shown(facts.synthetic, words, beside=True),
    )


def class_rows(frame: pl.DataFrame, quasi_identifiers: Sequence[str]) -> IntArray:
    """Return the rows of each equivalence class of a table, in any order; shape (classes,).

    Missing is a value like any other, and so is ``*``: fully suppressed rows are one class.
    """
    import numpy as np

    if not quasi_identifiers:
        return np.array([frame.height] if frame.height else [], dtype=np.int64)
    counts = frame.group_by(list(quasi_identifiers)).len()["len"]
    return counts.to_numpy().astype(np.int64)


def _least_people(facts: ReleaseFacts) -> int:
    """Return the people every class holds at least, by the verified k-anonymity (1 without it)."""
    stated = (c.parameters["k"] for c in facts.criteria if c.name == KAnonymity.name)
    return max((int(k) for k in stated), default=1)


def _columns(facts: ReleaseFacts) -> list[dict[str, object]]:
    """Return the one table's columns, without a name to tell it from others."""
    return [{"name": "", "rows": [column_row(facts.frame, column) for column in facts.columns]}]


def _release_figures(facts: ReleaseFacts, sizes: ClassSizes) -> dict[str, Figure]:
    if not facts.row_is_person:
        return bounded_measures(sizes.rows, _least_people(facts))
    events = {} if facts.known is None else with_events(facts.known, sizes)
    return measures(sizes) | events


def _verdict(criteria: Sequence[CriterionResult], words: Words) -> str:
    unmet = sum(not criteria_words.is_met(criterion) for criterion in criteria)
    if not criteria:
        return words.say("release.verdict.none")
    if unmet:
        return words.say("release.verdict.unmet", unmet=unmet, number=len(criteria))
    return words.counted("release.verdict.met", len(criteria))


def _means(facts: ReleaseFacts, figures: Mapping[str, Figure], words: Words) -> Means:
    sizes = words.say("release.sizes.people" if facts.row_is_person else "release.sizes.records")
    return Means(_largest_means(figures["prosecutor_max"], words), words.say("release.average.means"), sizes)


def _largest_means(figure: Figure, words: Words) -> str:
    if figure.high is None:
        return words.say("release.largest.no_records")
    chance = wording.one_in(figure.high, words)
    bounded = words.say("numbers.at_most", number=chance) if figure.value is None else chance
    return words.say("release.largest.means", chance=bounded)


def _starred_class(frame: pl.DataFrame, quasi_identifiers: Sequence[str], words: Words) -> str:
    """Return a sentence about the records that show ``*`` in every quasi-identifier, if there are some."""
    import polars as pl

    from anonymizer.hierarchies.hierarchy import SUPPRESSED

    if not quasi_identifiers:
        return ""
    everywhere = pl.all_horizontal(pl.col(name) == SUPPRESSED for name in quasi_identifiers)
    starred = frame.filter(everywhere).height
    return words.say("release.sizes.starred", records=wording.plain(starred, words)) if starred else ""


def _limits(facts: ReleaseFacts, figures: Mapping[str, Figure], words: Words) -> tuple[str, ...]:
    names = ", ".join(facts.quasi_identifiers) or words.say("release.limits.none")
    largest, average = (wording.share_of(figures[f"prosecutor_{name}"], words) for name in ("max", "average"))
    return criteria_words.left_open_by_privacy(facts.criteria, names, words) or (
        words.say("release.limits.risk", largest=largest, average=average),
        _knowledge_limit(facts, names, words),
        _sensitive_limit(facts, words),
        words.say("release.limits.alone"),
    )


def _knowledge_limit(facts: ReleaseFacts, names: str, words: Words) -> str:
    if facts.known is not None:
        return words.say("linked.promise.belong_together")
    others = ", ".join(column.name for column in facts.columns if not column.is_quasi_identifier)
    beyond = words.say("release.limits.beyond", others=others) if others else ""
    return words.say("release.limits.known", names=names, beyond=beyond)


def _sensitive_limit(facts: ReleaseFacts, words: Words) -> str:
    # What codes single people out is not what codes tell about them.
    guarded = {c.column for c in facts.criteria if c.column and c.name != KMAnonymity.name}
    open_columns = [c.name for c in facts.columns if c.is_sensitive and c.name not in guarded]
    open_columns += linked_tables.sensitive_columns(facts)
    if open_columns:
        return words.say("release.limits.unguarded", columns=", ".join(open_columns))
    if guarded:
        return criteria_words.left_open(facts.criteria, words)
    return words.say("release.limits.no_sensitive")
