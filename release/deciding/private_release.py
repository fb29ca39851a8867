"""A differentially private release: who takes part, at which levels, and what is told of it.

The levels, k and the sampling probability may be told, and of the rest only the released rows: not how many
people there were, how many were drawn or suppressed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from anonymizer.counting.classes import Ladders, number_classes
from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion
from anonymizer.errors import CriteriaNotMet
from anonymizer.private.differential_privacy import DifferentialPrivacy
from anonymizer.private.sample import PrivateSample, draw
from anonymizer.search.solution import Solution
from anonymizer.transforming.transformation import suppressed_tuples
from release.config.root import Config
from release.files.staging import Staging
from release.files.tables import write
from release.intake.source import Source
from risk.facts import CriterionResult

SAMPLE = "sample_{table}"
"""In ``internal/``: the positions in the input of the rows that were drawn, from 0."""


def draw_people(config: Config, source: Source) -> tuple[Source, PrivateSample | None]:
    """The rows of the people who take part, and how they were drawn; all rows where nothing asks for it.

    Raises as ``anonymizer.private.sample.draw`` does, and ``CriteriaNotMet`` where nobody was drawn.
    """
    asked = config.privacy.differential_privacy
    if asked is None:
        return source, None
    private = draw(source.table, asked.demand)
    if not len(private.rows):
        raise nothing_left()
    return replace(source, table=private.table), private


def fixed(private: PrivateSample, counts: Counts, criteria: Sequence[Criterion]) -> Solution:
    """The transformation that is given, whatever it costs: nothing is searched.

    Raises:
        CriteriaNotMet: no class of the sample is large enough; nothing more is told of it.
    """
    node = tuple(private.levels[ladder.name] for ladder in counts.ladders)
    everyone = np.arange(counts.n_tuples, dtype=np.int32)
    class_of, _ = number_classes(counts, Ladders.of(counts), everyone, node)
    kept = ~suppressed_tuples(counts, criteria, node)
    if not kept.any():
        raise nothing_left()
    return Solution(
        transformation=private.levels,
        metric="none",
        score=0.0,
        bound=0.0,
        optimal=False,
        lattice_size=1,
        nodes_checked=1,
        classes=len(np.unique(class_of[kept])),
        suppressed=int(counts.rows[~kept].sum()),
        seconds=0.0,
    )


def keep_sample(staging: Staging, table_name: str, private: PrivateSample | None) -> dict[str, str]:
    """Write who was drawn to ``internal/``; what the audit says about it."""
    if private is None:
        return {}
    name = SAMPLE.format(table=table_name)
    write(pl.DataFrame({"row": private.rows}), staging.internal, name, ["parquet"])
    return {"sample": f"internal/{name}.parquet: drawn by the operating system's generator"}


def summarised(private: PrivateSample | None) -> dict[str, dict[str, int | float]]:
    """What the run's summary, which stays in the house, says of the sample."""
    if private is None:
        return {}
    return {"differential_privacy": {**private.told, "drawn": len(private.rows)}}


def guarantees(private: PrivateSample | None) -> tuple[CriterionResult, ...]:
    """The guarantee as a report tells it; none where the release is not private."""
    if private is None:
        return ()
    return (CriterionResult(DifferentialPrivacy.name, None, private.told, None, "attested"),)


def nothing_left() -> CriteriaNotMet:
    """The error of a sample from which nothing can be released."""
    return CriteriaNotMet(
        "no class of the random sample holds enough people",
        hint="choose higher levels, or a larger epsilon or delta",
    )
