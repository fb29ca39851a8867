"""The two first reports: one leaves the house with the data, the other stays inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from anonymizer.criteria import KAnonymity, KMAnonymity
from risk import charts, criteria_words, wording
from risk.assessment import Assessment, Judgement, judge
from risk.charts import Band, Caption
from risk.facts import ReleasedColumn, ReleaseFacts, RunContext
from risk.page import drawing, render
from risk.reidentification import RISK_LEVELS, ClassSizes, Figure, IntArray, bounded_measures, measures

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
    figures = measures(sizes) if facts.row_is_person else bounded_measures(rows, _least_people(facts))
    unit = "people" if facts.row_is_person else "records"
    return render(
        "release_report.html",
        facts=facts,
        records=facts.frame.height,
        figures=figures,
        unit=unit,
        all_met=all(map(criteria_words.is_met, facts.criteria)),
        verdict=_release_verdict(facts),
        largest_means=_largest_means(figures["prosecutor_max"]),
        sizes_means=_sizes_means(facts),
        starred=_starred_class(facts.frame, facts.quasi_identifiers),
        limits=_limits(facts, figures),
        columns=[_column_row(facts.frame, column) for column in facts.columns],
        risks=[{"label": label, "after": figures[name]} for name, label in RISK_LABELS.items()],
        bands=_band_rows(sizes),
        size_chart=_size_chart({"released records": sizes}, unit, facts.name),
    )


def risk_report(assessment: Assessment, context: RunContext) -> str:
    """Return the internal HTML page: risk before and after, suppression, search, consent and thresholds."""
    judgements = judge(assessment.figures, context.thresholds)
    before, after = (_of_table(assessment, table) for table in ("original", "anonymised"))
    return render(
        "risk_report.html",
        assessment=assessment,
        context=context,
        judgements=judgements,
        labels={judgement.figure: _label(judgement.figure) for judgement in judgements},
        verdict=_threshold_verdict(judgements),
        verdict_class=_verdict_class(judgements),
        before=before,
        after=after,
        risks=[
            {"label": label, "before": before[name], "after": after[name]}
            for name, label in RISK_LABELS.items()
        ],
        bands=_paired_bands(assessment),
        quantiles=QUANTILE_LABELS,
        size_chart=_size_chart(
            {"original": assessment.before, "anonymised": assessment.after}, "people", context.name
        ),
        proof=_proof(context.run),
        run=list(wording.flattened(context.run)),
        consent=list(wording.flattened(context.consent or {})),
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


def _release_verdict(facts: ReleaseFacts) -> str:
    unmet = sum(not criteria_words.is_met(criterion) for criterion in facts.criteria)
    if not facts.criteria:
        return "No privacy criterion was asked for"
    if unmet:
        return f"{unmet} of {len(facts.criteria)} privacy criteria are not met"
    return wording.all_met(len(facts.criteria), "privacy criterion", "privacy criteria")


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
    return RISK_LABELS.get(name, "") if table == "anonymised" else ""


def _verdict_class(judgements: Sequence[Judgement]) -> str:
    if not judgements:
        return "open"
    return "" if all(judgement.outcome == "met" for judgement in judgements) else "bad"


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
    others = [column.name for column in facts.columns if not column.is_quasi_identifier]
    beyond = f" What they know of {', '.join(others)} can narrow a class further." if others else ""
    return criteria_words.left_open_by_privacy(facts.criteria, names) or (
        f"It is not without risk: the largest is {wording.share_of(figures['prosecutor_max'])}, the average "
        f"{wording.share_of(figures['prosecutor_average'])}.",
        f"It covers attackers who know the quasi-identifiers ({names}) and nothing else.{beyond}",
        _sensitive_limit(facts),
        "It looks at this release alone. Two releases about the same people can reveal together what neither "
        "shows.",
    )


def _sensitive_limit(facts: ReleaseFacts) -> str:
    # What codes single people out is not what codes tell about them.
    guarded = {c.column for c in facts.criteria if c.column and c.name != KMAnonymity.name}
    open_columns = [c.name for c in facts.columns if c.is_sensitive and c.name not in guarded]
    if open_columns:
        return (
            f"No criterion limits what {', '.join(open_columns)} may reveal: where all people of a class "
            "share a value, it is learnt without finding the record."
        )
    if guarded:
        return criteria_words.left_open(facts.criteria)
    return "No column is declared sensitive: nothing here says what can be learnt about a whole class."


def _column_row(frame: pl.DataFrame, column: ReleasedColumn) -> dict[str, Any]:
    """Return one column's counts in the release; no value, and no extreme, of any cell."""
    import polars as pl

    from anonymizer.hierarchies.hierarchy import SUPPRESSED

    values = frame[column.name]
    starred = int((values == SUPPRESSED).sum() or 0) if values.dtype == pl.String else 0
    missing = values.null_count()
    distinct = values.n_unique() - (missing > 0) - (starred > 0)
    return {"column": column, "distinct": int(distinct), "missing": missing, "starred": starred}


def _of_table(assessment: Assessment, table: str) -> dict[str, Figure]:
    prefix = f"{table}."
    return {
        name.removeprefix(prefix): figure
        for name, figure in assessment.figures.items()
        if name.startswith(prefix)
    }


def _band_rows(sizes: ClassSizes) -> list[dict[str, Any]]:
    return [
        {
            "label": band.label,
            "classes": band.classes,
            "rows": band.rows,
            "share": band.rows / sizes.records,
            "risk": _band_risk(band),
        }
        for band in charts.size_bands(sizes)
        if band.classes
    ]


def _paired_bands(assessment: Assessment) -> list[dict[str, Any]]:
    pairs = zip(charts.size_bands(assessment.before), charts.size_bands(assessment.after), strict=True)
    return [
        {"label": before.label, "before": before, "after": after, "risk": _band_risk(before)}
        for before, after in pairs
        if before.classes or after.classes
    ]


def _band_risk(band: Band) -> str:
    most = wording.percent(1 / band.low)
    if band.high is None:
        return f"{most} or less"
    return most if band.high == band.low else f"{wording.percent(1 / band.high)}–{most}"


def _size_chart(tables: Mapping[str, ClassSizes], unit: str, name: str) -> Any:
    bands = {label: charts.size_bands(sizes) for label, sizes in tables.items()}
    shares = {
        label: [band.rows / max(tables[label].records, 1) for band in row] for label, row in bands.items()
    }
    told = "; ".join(
        f"{label}: "
        + ", ".join(
            f"{band.label} {unit} {wording.percent(s)}"
            for band, s in zip(bands[label], row, strict=True)
            if s
        )
        for label, row in shares.items()
    )
    caption = Caption("class-sizes", f"{name}: records by class size", told or "no records")
    categories = [band.label for band in next(iter(bands.values()))]
    return drawing(
        charts.bar_chart(categories, shares, axis=f"{unit} in the record's class", caption=caption)
    )
