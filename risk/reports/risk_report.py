"""The report of a run's risk, which stays in the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from anonymizer.criteria import DistinctLDiversity
from risk.assessment import Assessment, Judgement, judge
from risk.comparison import TableKind
from risk.facts import CriterionResult, RunContext
from risk.figures import Figure
from risk.reidentification.class_sizes import SIZE_QUANTILES
from risk.reidentification.known_events import WITHOUT_EVENTS, KnownEvents
from risk.reports import (
    attack_rows,
    class_rows,
    criteria_words,
    group_rows,
    linked_tables,
    model_rows,
    plots,
    synthetic_numbers,
    utility_rows,
    wording,
)
from risk.reports.page import render
from risk.reports.report_rows import RISK_NAMES, paired_bands, risk_label, risk_rows, size_chart
from risk.reports.words import Words, speak
from risk.results import Findings, Frontier


class ExampleRow(NamedTuple):
    """A row of the worked example, and the people in its class."""

    sex: str
    age: str
    diagnosis: str
    people: int


EXAMPLE = (
    *(ExampleRow("female", "40–44", diagnosis, 3) for diagnosis in ("I50", "I21", "I50")),
    *(ExampleRow("male", "40–44", "E11", 2) for _ in range(2)),
)


def risk_report(assessment: Assessment, context: RunContext, findings: Findings | None = None) -> str:
    """Return the internal HTML page: what an attacker could do, how sure that is, and what it costs.

    Without ``findings`` it holds the counts of the classes alone; what was not computed has no section.
    """
    found = findings or Findings()
    words, known = speak(context.language), assessment.known
    is_synthetic = assessment.table == "synthetic"
    words = model_rows.of_synthetic(words, is_twin=found.is_twin) if is_synthetic else words
    judgements = judge(assessment.figures, context.thresholds)
    before, after = (_of_table(assessment, table) for table in ("original", assessment.table))
    limits = _limits(context.thresholds, assessment.table)
    return render(
        "risk_report.html",
        words,
        assessment=assessment,
        context=context,
        unit="rows" if known is None else "people",
        criteria=_criteria(context.criteria, known),
        judgements=judgements,
        observed={each.figure: _observed(each, assessment.figures, words) for each in judgements},
        limits={each.figure: _number(each.figure, each.limit, words) for each in judgements},
        labels={judgement.figure: _label(judgement.figure, words) for judgement in judgements},
        verdict=_verdict(judgements, words),
        verdict_class=_verdict_class(judgements),
        before=before,
        after=after,
        dials=attack_rows.dials(found.attacks, limits, words),
        class_wide=class_rows.class_wide(found, words),
        price=utility_rows.price(found.utility, after["suppressed_share"], words) if found.utility else (),
        has_utility=found.utility is not None,
        risks=risk_rows(words, linked=known is not None, before=before, after=after),
        bands=paired_bands(assessment.before, assessment.after, words),
        quantiles=tuple(SIZE_QUANTILES),
        size_chart=_size_chart(assessment, context.name, words),
        attacks=attack_rows.sections(found.attacks, limits, words),
        is_twin=found.is_twin,
        drawn=_drawn(assessment, context, found, words) if is_synthetic else [],
        compared=model_rows.rows(found.compared, words),
        cone_notes=synthetic_numbers.cone_notes(context.synthesis, words),
        settings=list(wording.flattened(context.synthesis, words)),
        frontier=found.frontier,
        frontier_chart=_frontier_chart(found.frontier, words),
        groups=[group_rows.shown(group, words) for group in found.groups],
        proof=_proof(context.run, words),
        run=list(wording.flattened(context.run, words)),
        consent=list(wording.flattened(context.consent or {}, words)),
        linked=None if known is None else _kept_inside(context, known, words),
        example=EXAMPLE,
    )


def _drawn(
    assessment: Assessment, context: RunContext, found: Findings, words: Words
) -> list[synthetic_numbers.First]:
    told = context.synthesis
    is_filtered = told.get("filter") == "cone" and not synthetic_numbers.has_flat_cone(told)
    return list(synthetic_numbers.headline(assessment, found, words, is_filtered=is_filtered))


def _limits(thresholds: Mapping[str, float], table: TableKind) -> dict[str, float]:
    """Return the limits of one table's figures by their names without the table."""
    limited = ((*figure.partition("."), limit) for figure, limit in thresholds.items())
    return {name: limit for of, _, name, limit in limited if of == table}


def _frontier_chart(frontier: Frontier | None, words: Words) -> object:
    return None if frontier is None or not len(frontier.strengths) else plots.frontier(frontier, words)


def _kept_inside(context: RunContext, known: KnownEvents, words: Words) -> linked_tables.Inside:
    diverse = any(each.name == DistinctLDiversity.name for each in context.criteria)
    return linked_tables.kept_inside(context.events, known, words, diverse=diverse)


def _criteria(
    criteria: tuple[CriterionResult, ...], known: KnownEvents | None
) -> tuple[CriterionResult, ...]:
    return criteria if known is None else criteria_words.of_linked_tables(criteria, known.m)


def _size_chart(assessment: Assessment, name: str, words: Words) -> object:
    tables = {
        words.say("parts.chart.original"): assessment.before,
        words.say(f"parts.chart.{assessment.table}"): assessment.after,
    }
    return size_chart(
        {name: sizes for name, sizes in tables.items() if sizes.records},
        words.say("parts.unit.people"),
        title=words.say("parts.chart.sizes_title", name=name),
        axis=words.say("parts.chart.axis.people"),
        words=words,
    )


def _verdict(judgements: Sequence[Judgement], words: Words) -> str:
    failed = sum(judgement.outcome != "met" for judgement in judgements)
    if not judgements:
        return words.say("risk.verdict.none")
    if failed:
        return words.say("risk.verdict.failed", failed=failed, number=len(judgements))
    return words.counted("risk.verdict.met", len(judgements))


def _verdict_class(judgements: Sequence[Judgement]) -> str:
    if not judgements:
        return "open"
    return "" if all(judgement.outcome == "met" for judgement in judgements) else "bad"


def _proof(run: Mapping[str, object], words: Words) -> str:
    """Return how good the search's answer is: the proven optimum, or the best found and what may be left."""
    search = run.get("search")
    if not isinstance(search, Mapping) or not search.get("nodes_checked"):
        return ""
    match search:
        case {"optimal": True, "metric": str(metric)}:
            return words.say("risk.run.proven", metric=metric)
        case {"metric": str(metric), "score": float(score), "bound": float(bound)} if score > 0:
            return words.say(
                "risk.run.bounded",
                metric=metric,
                score=wording.numeral(f"{score:.4g}", words),
                bound=wording.numeral(f"{bound:.4g}", words),
                gap=wording.percent(max(0.0, 1 - bound / score), words),
            )
    return ""


def _observed(judgement: Judgement, figures: Mapping[str, Figure], words: Words) -> str:
    """Return what a threshold was held against: the upper end of an interval where there is one."""
    if judgement.observed is None:
        return words.say("risk.verdict.no_figure")
    number = _number(judgement.figure, judgement.observed, words)
    is_exact = figures[judgement.figure].is_exact
    return number if is_exact else words.say("risk.verdict.upper_end", number=number)


def _number(figure: str, value: float, words: Words) -> str:
    """Return a value in words: as a percentage where the figure is a share."""
    bare = figure.partition(".")[2]
    return (
        wording.short(value, words)
        if bare.startswith(group_rows.NO_SHARES)
        else wording.percent(value, words)
    )


def _label(figure: str, words: Words) -> str:
    """Return the words for a threshold's figure, empty for one without words."""
    table, _, name = figure.partition(".")
    if table not in ("anonymised", "synthetic"):
        return ""
    if name == "suppressed_share":
        return words.say("parts.risks.suppressed_share")
    risk = name.removesuffix(WITHOUT_EVENTS)
    if risk not in RISK_NAMES:
        return group_rows.label(name, words) or attack_rows.title_of(name, words)
    label = risk_label(risk, words)
    return words.say("parts.risks.alone", label=label) if risk != name else label


def _of_table(assessment: Assessment, table: str) -> dict[str, Figure]:
    prefix = f"{table}."
    return {
        name.removeprefix(prefix): figure
        for name, figure in assessment.figures.items()
        if name.startswith(prefix)
    }
