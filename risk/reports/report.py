"""The two first reports: one leaves the house with the data, the other stays inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from anonymizer.criteria import DistinctLDiversity, KAnonymity, KMAnonymity
from risk.assessment import Assessment, Judgement, judge
from risk.facts import CriterionResult, ReleaseFacts, RunContext
from risk.figures import Figure
from risk.reidentification.class_sizes import RISK_LEVELS, ClassSizes, IntArray, bounded_measures, measures
from risk.reidentification.known_events import WITHOUT_EVENTS, KnownEvents, with_events
from risk.reports import criteria_words, linked_tables, wording
from risk.reports.linked_tables import Means
from risk.reports.page import render
from risk.reports.report_rows import band_rows, column_row, paired_bands, size_chart

if TYPE_CHECKING:
    import polars as pl

RISK_LABELS = {
    "prosecutor_max": "Prosecutor: largest",
    "prosecutor_average": "Prosecutor: average",
    "prosecutor_lowest": "Prosecutor: smallest",
    **{
        f"records_at_risk_above_{level}": f"Records with a risk above {wording.percent(float(level))}"
        for level in RISK_LEVELS
    },
    "unique_records": "Records that are unique",
    "journalist_max": "Journalist: largest (no population given: the prosecutor’s)",
    "journalist_average": "Journalist: average (no population given: the prosecutor’s)",
    "marketer": "Marketer: records linked correctly",
}
QUANTILE_LABELS = (
    ("Smallest class", "class_size_min"),
    ("Lower quartile of classes", "class_size_q25"),
    ("Median class", "class_size_median"),
    ("Upper quartile of classes", "class_size_q75"),
    ("Largest class", "class_size_max"),
)


def release_report(facts: ReleaseFacts) -> str:
    """Return the HTML page that leaves the house: a pure function of the released table, criteria and levels.

    Two inputs with the same release give the same text, in whatever order its rows come. It does not promise
    that the figures hold against an attacker who knows more than the quasi-identifiers, and says so.
    """
    rows = class_rows(facts.frame, facts.quasi_identifiers)
    sizes = ClassSizes(rows, rows)
    figures = _release_figures(facts, sizes)
    unit = "people" if facts.row_is_person else "records"
    known = facts.known
    criteria = _worded(facts.criteria, known)
    return render(
        "release_report.html",
        facts=facts,
        criteria=criteria,
        records=facts.frame.height,
        figures=figures,
        unit=unit,
        all_met=all(map(criteria_words.is_met, criteria)),
        verdict=_release_verdict(criteria),
        means=_means(facts, figures) if known is None else linked_tables.means(known, figures),
        starred=_starred_class(facts.frame, facts.quasi_identifiers),
        limits=_limits(facts, figures),
        columns=_columns(facts) if known is None else linked_tables.columns(facts),
        risks=_risk_rows(linked=known is not None, after=figures),
        bands=band_rows(sizes),
        size_chart=size_chart(
            {"released records": sizes}, unit, title=f"{facts.name}: records by class size"
        ),
        linked=None if known is None else linked_tables.shown(facts, known, sizes),
    )


def risk_report(assessment: Assessment, context: RunContext) -> str:
    """Return the internal HTML page: risk before and after, suppression, search, consent and thresholds."""
    judgements = judge(assessment.figures, context.thresholds)
    before, after = (_of_table(assessment, table) for table in ("original", "anonymised"))
    known = assessment.known
    return render(
        "risk_report.html",
        assessment=assessment,
        context=context,
        criteria=_worded(context.criteria, known),
        judgements=judgements,
        labels={judgement.figure: _label(judgement.figure) for judgement in judgements},
        verdict=_threshold_verdict(judgements),
        verdict_class=_verdict_class(judgements),
        before=before,
        after=after,
        risks=_risk_rows(linked=known is not None, before=before, after=after),
        bands=paired_bands(assessment.before, assessment.after),
        quantiles=QUANTILE_LABELS,
        size_chart=size_chart(
            {"original": assessment.before, "anonymised": assessment.after},
            "people",
            title=f"{context.name}: records by class size",
        ),
        proof=_proof(context.run),
        run=list(wording.flattened(context.run)),
        consent=list(wording.flattened(context.consent or {})),
        linked=None if known is None else _kept_inside(context, known),
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


def _kept_inside(context: RunContext, known: KnownEvents) -> linked_tables.Inside:
    diverse = any(each.name == DistinctLDiversity.name for each in context.criteria)
    return linked_tables.kept_inside(context.events, known, diverse=diverse)


def _release_figures(facts: ReleaseFacts, sizes: ClassSizes) -> dict[str, Figure]:
    if not facts.row_is_person:
        return bounded_measures(sizes.rows, _least_people(facts))
    events = {} if facts.known is None else with_events(facts.known, sizes)
    return measures(sizes) | events


def _risk_rows(*, linked: bool, **tables: Mapping[str, Figure]) -> list[dict[str, object]]:
    """Return the risks with each table's figures; of linked tables those without events beside them."""
    if not linked:
        return [
            {"label": label, **{table: figures[name] for table, figures in tables.items()}}
            for name, label in RISK_LABELS.items()
        ]
    return [
        {
            "label": _of_people(label),
            **{table: figures[name] for table, figures in tables.items()},
            **{f"{table}_alone": figures[name + WITHOUT_EVENTS] for table, figures in tables.items()},
        }
        for name, label in RISK_LABELS.items()
    ]


def _of_people(label: str) -> str:
    """Return a label for a release in which records may be events as well."""
    return label.replace("Records", "People").replace("records", "people")


def _worded(criteria: tuple[CriterionResult, ...], known: KnownEvents | None) -> tuple[CriterionResult, ...]:
    return criteria if known is None else criteria_words.of_linked_tables(criteria, known.m)


def _release_verdict(criteria: Sequence[CriterionResult]) -> str:
    unmet = sum(not criteria_words.is_met(criterion) for criterion in criteria)
    if not criteria:
        return "No privacy criterion was asked for"
    if unmet:
        return f"{unmet} of {len(criteria)} privacy criteria are not met"
    return wording.all_met(len(criteria), "privacy criterion", "privacy criteria")


def _threshold_verdict(judgements: Sequence[Judgement]) -> str:
    failed = sum(judgement.outcome != "met" for judgement in judgements)
    if not judgements:
        return "No risk threshold is configured"
    if failed:
        return f"{failed} of {len(judgements)} risk thresholds failed: this must not be released"
    return wording.all_met(len(judgements), "risk threshold", "risk thresholds")


def _proof(run: Mapping[str, object]) -> str:
    """Return how good the search's answer is: the proven optimum, or the best found and what may be left."""
    search = run.get("search")
    if not isinstance(search, Mapping) or not search.get("nodes_checked"):
        return ""
    match search:
        case {"optimal": True, "metric": str(metric)}:
            return (
                f"No transformation that meets the criteria loses less by the metric {metric}, as is proven."
            )
        case {"metric": str(metric), "score": float(score), "bound": float(bound)} if score > 0:
            return (
                f"The best transformation found within the limits of the search: its {metric} is {score:.4g}"
                f", and that of none is below {bound:.4g}. The optimum is at most "
                f"{wording.percent(max(0.0, 1 - bound / score))} less."
            )
    return ""


def _label(figure: str) -> str:
    """Return the words for a threshold's figure, empty for one without words."""
    table, _, name = figure.partition(".")
    if name == "suppressed_share":
        return "Rows suppressed"
    label = RISK_LABELS.get(name.removesuffix(WITHOUT_EVENTS), "") if table == "anonymised" else ""
    return f"{label} (quasi-identifiers alone)" if name.endswith(WITHOUT_EVENTS) and label else label


def _verdict_class(judgements: Sequence[Judgement]) -> str:
    if not judgements:
        return "open"
    return "" if all(judgement.outcome == "met" for judgement in judgements) else "bad"


def _means(facts: ReleaseFacts, figures: Mapping[str, Figure]) -> Means:
    average = "The share of records that somebody who tries to name all of them gets right, on average."
    return Means(_largest_means(figures["prosecutor_max"]), average, _sizes_means(facts))


def _largest_means(figure: Figure) -> str:
    if figure.high is None:
        return "The table holds no records."
    chance = wording.one_in(figure.high)
    return (
        "Somebody who knows that a person is in this table, and all of that person’s quasi-identifiers, "
        f"picks the right record with a chance of {'at most ' if figure.value is None else ''}{chance}."
    )


def _sizes_means(facts: ReleaseFacts) -> str:
    if facts.row_is_person:
        return "Every record is one person, so a record’s risk is 1 divided by the size of its class."
    return (
        "One person may have several records here, and records of one person cannot be told apart from those "
        "of several. Sizes are therefore counted in records, and risks are given as bounds."
    )


def _starred_class(frame: pl.DataFrame, quasi_identifiers: Sequence[str]) -> str:
    """Return a sentence about the records that show ``*`` in every quasi-identifier, if there are some."""
    import polars as pl

    from anonymizer.hierarchies.hierarchy import SUPPRESSED

    if not quasi_identifiers:
        return ""
    everywhere = pl.all_horizontal(pl.col(name) == SUPPRESSED for name in quasi_identifiers)
    starred = frame.filter(everywhere).height
    if not starred:
        return ""
    return (
        f" {starred:,} records show * in every quasi-identifier: they are one class, counted like any other."
    )


def _limits(facts: ReleaseFacts, figures: Mapping[str, Figure]) -> tuple[str, ...]:
    names = ", ".join(facts.quasi_identifiers) or "none"
    return criteria_words.left_open_by_privacy(facts.criteria, names) or (
        f"It is not without risk: the largest is {wording.share_of(figures['prosecutor_max'])}, the average "
        f"{wording.share_of(figures['prosecutor_average'])}.",
        *_knowledge_limits(facts, names),
        _sensitive_limit(facts),
        "It looks at this release alone. Two releases about the same people can reveal together what neither "
        "shows.",
    )


def _knowledge_limits(facts: ReleaseFacts, names: str) -> tuple[str, ...]:
    if facts.known is not None:
        return (linked_tables.BELONG_TOGETHER,)
    others = [column.name for column in facts.columns if not column.is_quasi_identifier]
    beyond = f" What they know of {', '.join(others)} can narrow a class further." if others else ""
    return (f"It covers attackers who know the quasi-identifiers ({names}) and nothing else.{beyond}",)


def _sensitive_limit(facts: ReleaseFacts) -> str:
    # What codes single people out is not what codes tell about them.
    guarded = {c.column for c in facts.criteria if c.column and c.name != KMAnonymity.name}
    open_columns = [c.name for c in facts.columns if c.is_sensitive and c.name not in guarded]
    open_columns += linked_tables.sensitive_columns(facts)
    if open_columns:
        return (
            f"No criterion limits what {', '.join(open_columns)} may reveal: where all people of a class "
            "share a value, it is learnt without finding the record."
        )
    if guarded:
        return criteria_words.left_open(facts.criteria)
    return "No column is declared sensitive: nothing here says what can be learnt about a whole class."


def _of_table(assessment: Assessment, table: str) -> dict[str, Figure]:
    prefix = f"{table}."
    return {
        name.removeprefix(prefix): figure
        for name, figure in assessment.figures.items()
        if name.startswith(prefix)
    }
