"""Everything that is said of what is left of a table's value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

import numpy as np

from risk.comparison import Comparison, TableKind
from risk.figures import Figure, named, not_estimated
from risk.results import Marked, Utility
from risk.utility.analyses import Analyses, analyse
from risk.utility.asked import Asked
from risk.utility.associations import associations
from risk.utility.propensity import Propensity, propensity
from risk.utility.sides import MOST_ROWS, parted, sampled, sides
from risk.utility.two_sample import TwoSample, two_sample
from risk.utility.univariate import by_name, univariate

Flat = dict[str, dict[str, float | int | str | None]]
NOTHING = Asked()
ALWAYS = ("total_variation", "coverage", "association_difference", "pmse_ratio", "two_sample")
"""The figures that every table with rows has."""
_WHOSE = (
    "nobody can say whose the released rows are (codes were removed, cells averaged or a sample drawn), and "
    "a model would meet people on both sides"
)


def utility(
    comparison: Comparison,
    *,
    asked: Asked = NOTHING,
    losses: Mapping[str, Figure] | None = None,
    rng: np.random.Generator,
) -> Utility:
    """Return what is left of the data's value, for everything in general and for what was ``asked``.

    ``losses`` are those of ``losses.losses``, for an anonymised table. Distributions and associations compare
    true values with what an analyst reads from the release; the propensity score and the classifier compare
    both in the release's words, since every band would tell the tables apart. The same ``rng`` gives the same
    figures. Without rows on both sides there are no figures, and they say so.
    """
    lost = dict(losses or {})
    if not (comparison.original.height and comparison.released.height and comparison.attributes):
        return _without_rows(analyse(comparison, asked, rng), lost)
    drawing, true, told, asking = rng.spawn(4)
    part = sampled(comparison, drawing)
    values, labels = sides(part, true), sides(part, true, "labels")
    columns, pairs = univariate(values, labels, true), associations(values, true)
    scores, classifier = _told_apart(part, told, comparison.original.height)
    wanted = analyse(comparison, asked, asking)
    marks = {
        "total_variation": columns.total_variation,
        **({} if columns.wasserstein is None else {"wasserstein": columns.wasserstein}),
        "association_difference": pairs.difference,
        "pmse_ratio": scores.tree,
        "pmse_ratio.logistic": scores.logistic,
        "two_sample": classifier.accuracy,
        "two_sample.auc": classifier.auc,
    }
    general = {**by_name(columns), **{name: mark.figure for name, mark in marks.items()}}
    if part is not comparison:
        general = {name: _of_sample(figure) for name, figure in general.items()}
    return Utility(
        {**general, **wanted.figures, **named("loss", lost)},
        columns.differences,
        pairs,
        scores.tree,
        classifier.accuracy,
        wanted.predictions,
        wanted.coefficients,
        wanted.survival,
        lost,
        {**marks, **wanted.marks},
    )


def _told_apart(part: Comparison, rng: np.random.Generator, rows: int) -> tuple[Propensity, TwoSample]:
    """How well models tell the tables apart; ``part`` is drawn from so many ``rows`` of the original."""
    own = parted(part, rng)
    if own is None:
        nothing = Marked(not_estimated(_WHOSE, part.released.height))
        return Propensity(nothing, nothing), TwoSample(nothing, nothing)
    words = sides(own, rng, "words")
    return propensity(words, rng, drawn_from=rows), two_sample(words, rng)


def as_dict(tables: Mapping[TableKind, Utility]) -> Flat:
    """Return the flat content of ``utility.json``: every figure by ``<table>.<name>``."""
    return {
        f"{table}.{name}": asdict(figure)
        for table, found in tables.items()
        for name, figure in found.figures.items()
    }


def to_json(tables: Mapping[TableKind, Utility]) -> str:
    """Return ``utility.json`` as text, one figure after the other in a fixed order."""
    return json.dumps(as_dict(tables), indent=1, allow_nan=False) + "\n"


def _of_sample(figure: Figure) -> Figure:
    how = f"on a sample of at most {MOST_ROWS} rows of each table"
    return replace(figure, method=f"{figure.method}; {how}")


def _without_rows(wanted: Analyses, lost: Mapping[str, Figure]) -> Utility:
    """No figure at all; what was asked for says so too."""
    nothing = {name: not_estimated("there are no rows to compare") for name in ALWAYS}
    return Utility(
        nothing | dict(wanted.figures) | named("loss", lost),
        predictions=wanted.predictions,
        coefficients=wanted.coefficients,
        survival=wanted.survival,
        losses=lost,
        marks=wanted.marks,
    )
