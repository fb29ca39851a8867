"""People who are held out: they are in no release, and attacks are compared with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.errors import BadInput
from anonymizer.seeds import spawned
from anonymizer.tables.table import Table
from release.config.root import Config
from release.intake.source import Source

TWIN_SHARE = 0.2
"""So many of the people a twin is not fitted on."""


def split(config: Config, source: Source) -> tuple[Source, Table | None]:
    """The source without the share of people that the config holds out, drawn by the run's seed; and they.

    Raises:
        BadInput: too few people for anybody to be held out.
    """
    share = config.risk.holdout
    if not isinstance(share, float):
        return source, None
    table = source.table
    out = drawn(numbers(table.people), share, spawned(config.seed, "held out"))
    if not out.any() or out.all():
        raise BadInput("there are too few people to hold some out", count=table.people.n_unique())
    inside, outside = (replace(table, frame=table.frame.filter(pl.Series(part))) for part in (~out, out))
    events = {name: _without(each, outside) for name, each in source.events.items()}
    return replace(source, table=inside, events=events), outside


def _without(events: Table, outside: Table) -> Table:
    """The events of those who are not held out."""
    if events.subject is None or outside.subject is None:
        raise BadInput("events name nobody, so that nobody's can be held out")
    theirs = outside.frame[outside.subject].implode()
    return replace(events, frame=events.frame.filter(~pl.col(events.subject).is_in(theirs)))


def numbers(people: pl.Series) -> NDArray[np.int64]:
    """The people's numbers, 0, 1, …, in the order of their names."""
    return people.rank("dense").cast(pl.Int64).to_numpy() - 1


def drawn(people: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which rows are those of a random ``share`` of the people; shape (rows,)."""
    count = int(people.max(initial=-1)) + 1
    chosen = rng.permutation(count) < round(share * count)
    return np.asarray(chosen[people], np.bool_)
