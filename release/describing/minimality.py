"""What follows about released people from the transformation being the best that could be released.

A search releases the finest table that keeps the criteria, so whoever runs it on every table that would look
the same learns which of them it could not have been. Here it is asked of worlds that are drawn (see
`risk.attacks.minimality`): would a table have been better in which one column is a level finer?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from anonymizer.tables.table import Column
from release.describing.comparing import labelled
from release.verifying.cells import released_cells
from release.verifying.population_counts import counts_population
from release.verifying.promise import Promise
from release.verifying.recount import classed, countable
from release.verifying.references import references
from release.verifying.verdicts import column_of, kept, rests_on
from release.verifying.verify import VerifiedRelease
from risk.attacks.minimality import WORLDS, Recoded, WouldRelease, minimality
from risk.figures import SEED, not_estimated
from risk.results import Attack, Marked
from risk.utility.losses import loss

METRICS = frozenset({"loss", "precision", "height", "entropy", "discernibility", "ambiguity", "kl"})
ITS_PLACE = "loss"
MANY_ROWS = 20_000
FEWER_WORLDS = 100
_NOT_HERE = "only for one level per column, in one table, without randomness or a population"


def minimality_attack(verified: VerifiedRelease, metric: str) -> Attack:
    """What minimality tells about the values under the labels of released rows.

    The suppressed rows are taken for lost: a finer table may suppress as many more as the limit has left, and
    must lose less by ``metric`` (by `loss` in place of one that is not counted here).
    """
    promise = verified.promise
    is_other = promise.recoding is not None or promise.events or promise.private is not None
    if is_other or any(map(counts_population, promise.criteria)):
        return Attack("minimality", "inference", Marked(not_estimated(_NOT_HERE)))
    told = labelled(verified)
    table = promise.table
    own = replace(promise, table=replace(table, frame=table.frame.filter(told)))
    quasi = [c for c in table.quasi_identifiers if promise.transformation[c.name] > c.min_level]
    names = [column.name for column in quasi]
    labels = verified.everyone.filter(told).select(pl.col(names).cast(pl.String))
    truth = own.table.frame.select(names)
    leaves = {name: _leaves(labels[name], truth[name]) for name in names}
    worlds = WORLDS if truth.height <= MANY_ROWS else FEWER_WORLDS
    spare = promise.most_suppressed - verified.suppressed
    return minimality(
        Recoded(labels, truth, leaves),
        _would_release(own, quasi, spare, metric if metric in METRICS else ITS_PLACE),
        np.random.default_rng(SEED),
        worlds=worlds,
    )


def _leaves(labels: pl.Series, truth: pl.Series) -> Mapping[str, Sequence[str]]:
    """The values of the data that stand under each label."""
    pairs = pl.DataFrame({"label": labels, "value": truth}).drop_nulls().unique().sort("label", "value")
    grouped = pairs.group_by("label", maintain_order=True).agg("value")
    return dict(zip(grouped["label"], grouped["value"].to_list(), strict=True))


def _would_release(own: Promise, quasi: Sequence[Column], spare: int, metric: str) -> WouldRelease:
    """Whether in a world no table would have been better that has one column a level finer."""
    finer = [
        replace(own, transformation={**own.transformation, c.name: own.transformation[c.name] - 1})
        for c in quasi
    ]

    def rule(world: pl.DataFrame) -> bool:
        table = replace(own.table, frame=own.table.frame.with_columns(world))
        chosen = loss(table, own.transformation, np.ones(table.frame.height, np.bool_), metric)
        return not any(_is_better(replace(each, table=table), spare, metric, chosen) for each in finer)

    return rule


def _is_better(promise: Promise, spare: int, metric: str, than: float) -> bool:
    """Whether the criteria hold where at most ``spare`` rows are suppressed, and less is lost."""
    keeps = _kept(promise)
    if int((~keeps).sum()) > spare:
        return False
    return loss(promise.table, promise.transformation, keeps.to_numpy().astype(np.bool_), metric) < than


def _kept(promise: Promise) -> pl.Series:
    """Which rows the criteria let stay."""
    table = promise.table
    columns = {column.name: column for column in table}
    labels = [released_cells(table.frame[c.name], c, promise) for c in table.quasi_identifiers]
    values = {
        position: released_cells(table.frame[name], columns[name], promise)
        if rests_on(criterion) == "cells"
        else table.frame[name]
        for position, criterion in enumerate(promise.criteria)
        if (name := column_of(criterion)) is not None
    }
    data = classed(countable(labels, table.people, values))
    return kept(data, promise.criteria, references(promise.criteria, table))
