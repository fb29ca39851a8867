"""What combinations of values are learned as, when fewer than k people have them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from synth.conditions import NOTHING_TOLD
from synth.variables import Training

LABEL = "\0label"
"""The name of the column of labels; no table has one like it."""
_PEOPLE, _SHARED = "\0people", "\0shared"


@dataclass(frozen=True, slots=True)
class Labels:
    """``known``: each label's own combination. ``learned``: the label of each of the table's combinations."""

    known: pl.DataFrame
    learned: pl.DataFrame


def labels(training: Training, names: Sequence[str], *, may_suppress: bool) -> Labels:
    """Return labels of the combinations that k people have, and which of them the others are learned as.

    A rare combination becomes the one that shares the most of its values, and of those the one that most
    people have. One that shares none, if it ``may_suppress``, leaves out the columns of the most values until
    k people have what is left. What even that does not place has no label.
    """
    counts = _counts(training.frame.select(names), pl.Series(_PEOPLE, training.people))
    valid = counts.filter(pl.col(_PEOPLE) >= training.k)
    valid = valid.with_columns(pl.format("c{}", pl.int_range(pl.len())).alias(LABEL))
    known = valid.select(LABEL, *names)
    rare = counts.filter(pl.col(_PEOPLE) < training.k).select(names)
    learned = pl.concat([known, _nearest(rare, valid, names)])
    return _suppressed(training, Labels(known, learned), names) if may_suppress else Labels(known, learned)


def is_told(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Return whether a column's cells are neither missing nor ``*``."""
    is_text = frame.schema[name] == pl.String
    told = pl.col(name) != NOTHING_TOLD if is_text else pl.col(name).is_not_null()
    return told.fill_null(value=False)


def _counts(frame: pl.DataFrame, people: pl.Series) -> pl.DataFrame:
    """Every combination, how many people have it, in an order that the values alone decide."""
    numbered = frame.with_columns(people)
    counts = numbered.group_by(frame.columns).agg(pl.col(_PEOPLE).n_unique())
    return counts.sort(frame.columns, nulls_last=True)


def _nearest(rare: pl.DataFrame, valid: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The label of the valid combination nearest to each rare one; those that share nothing are left out."""
    found = [valid.clear().with_columns(pl.lit(0).alias(_SHARED))]
    best = valid.sort([_PEOPLE, LABEL], descending=[True, False], maintain_order=True)
    for size in range(len(names) - 1, 0, -1):
        for shared in combinations(names, size):
            choice = best.unique(shared, keep="first", maintain_order=True).select(LABEL, _PEOPLE, *shared)
            choice = choice.filter(pl.all_horizontal(is_told(choice, name) for name in shared))
            joined = rare.join(choice, on=list(shared), how="inner")
            found.append(joined.with_columns(pl.lit(size).alias(_SHARED)))
    ranked = pl.concat([each.select(LABEL, *names, _PEOPLE, _SHARED) for each in found])
    ranked = ranked.sort([_SHARED, _PEOPLE, LABEL], descending=[True, True, False], maintain_order=True)
    return ranked.unique(names, keep="first", maintain_order=True).select(LABEL, *names)


def _suppressed(training: Training, placed: Labels, names: Sequence[str]) -> Labels:
    """The labels, with those of combinations whose columns of the most values are left out."""
    rows = training.frame.select(names).with_columns(pl.Series(_PEOPLE, training.people))
    falling = sorted(names, key=lambda name: -rows[name].n_unique())
    known, learned = placed.known, placed.learned
    for hidden in range(1, len(names)):
        rows = rows.join(learned, on=list(names), how="anti", nulls_equal=True)
        left = falling[hidden:]
        told = rows.filter(pl.all_horizontal(is_told(rows, name) for name in left))
        counts = _counts(told.select(left), told[_PEOPLE]).filter(pl.col(_PEOPLE) >= training.k)
        labelled = counts.with_columns(pl.format(f"s{hidden}c{{}}", pl.int_range(pl.len())).alias(LABEL))
        new = labelled.with_columns(_nothing(rows, name) for name in falling[:hidden])
        known = pl.concat([known, new.select(LABEL, *names)])
        own = rows.select(names).unique().join(labelled.select(LABEL, *left), on=left, how="inner")
        learned = pl.concat([learned, own.select(LABEL, *names)])
    return Labels(known, learned)


def _nothing(frame: pl.DataFrame, name: str) -> pl.Expr:
    dtype = frame.schema[name]
    return pl.lit(NOTHING_TOLD if dtype == pl.String else None, dtype=dtype).alias(name)
