"""The recoding that the config asks for, its map, and what is told and kept of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from anonymizer.counting.counts import Counts
from anonymizer.recoding.cell_suppression import suppress_cells
from anonymizer.recoding.local_recoding import recode_locally
from anonymizer.recoding.mondrian import recode_multidimensionally
from anonymizer.recoding.quality import quality
from anonymizer.recoding.recoding import SUPPRESSED_ROW, Recoding
from anonymizer.search.solution import Solution
from anonymizer.tables.table import Table
from anonymizer.transforming.transformation import recoding_of
from release.config.root import Config
from release.deciding.unmet import explained
from release.files.staging import Staging
from release.files.tables import write
from release.verifying.promise import Promise
from release.verifying.recoding_map import Kind, RecodingMap, level
from release.verifying.recount import key

MAP = "recoding_{table}"
"""In ``internal/``: the level of each quasi-identifier for each combination of the input's values."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is released: one node, the search's ``solution``, or a ``recoding``; and how good that is.

    ``told`` is what the run's summary says of a recoding.
    """

    solution: Solution
    recoding: Recoding | None = None
    told: Mapping[str, object] | None = None

    @property
    def decision(self) -> Solution | Recoding:
        """What the table is transformed by."""
        return self.solution if self.recoding is None else self.recoding

    @property
    def suppressed(self) -> int:
        """The rows that are not released, or starred."""
        suppressed = self.solution.suppressed if self.told is None else self.told["suppressed"]
        assert isinstance(suppressed, int)
        return suppressed


def find(config: Config, counts: Counts, search: Callable[[], Solution]) -> Found:
    """The solution that ``search`` finds, recoded as the config asks; multidimensional recoding needs none.

    Raises as ``search`` does, and ``CriteriaNotMet`` where multidimensional recoding finds none.
    """
    kind = config.search.recoding
    if kind == "global":
        return Found(search())
    started = time.perf_counter()
    criteria = config.criteria_of_classes
    if kind == "multidimensional":
        most = int(config.privacy.suppression_share * counts.n_rows)
        with explained(config, counts):
            recoding = recode_multidimensionally(counts, criteria, most)
        return _told(kind, counts, recoding, _as_solution(counts, recoding, started), started)
    solution = search()
    started = time.perf_counter()
    optimum = recoding_of(counts, criteria, solution)
    recode = recode_locally if kind == "local" else suppress_cells
    return _told(kind, counts, recode(counts, criteria, optimum), solution, started)


def map_of(config: Config, table: Table, counts: Counts, recoding: Recoding | None) -> RecodingMap | None:
    """The recoding by the base values it was made of; ``None`` for global recoding."""
    kind = config.search.recoding
    if recoding is None or kind == "global":
        return None
    rows = np.empty(counts.n_tuples, np.int64)
    rows[counts.tuple_of_row] = np.arange(len(counts.tuple_of_row))
    base = [
        table.frame[column.name].gather(rows).alias(key(j))
        for j, column in enumerate(table.quasi_identifiers)
    ]
    levels = [
        pl.Series(level(j), column.astype(np.int64)).replace(SUPPRESSED_ROW, None)
        for j, column in enumerate(recoding.levels.T)
    ]
    return RecodingMap(kind, pl.DataFrame([*base, *levels]))


def keep_map(staging: Staging, promise: Promise) -> dict[str, str]:
    """Write the map to ``internal/``; what the audit says about it."""
    if promise.recoding is None:
        return {}
    name = MAP.format(table=promise.table_name)
    levels = promise.recoding.levels
    write(levels.sort(levels.columns), staging.internal, name, ["parquet"])
    return {"recoding": f"internal/{name}.parquet: which values were generalised to which level"}


def _told(kind: Kind, counts: Counts, recoding: Recoding, solution: Solution, started: float) -> Found:
    found = quality(counts, recoding)
    return Found(
        solution,
        recoding,
        {
            "kind": kind,
            "loss": found.loss,
            "granularity": found.granularity,
            "entropy": found.entropy,
            "classes": found.classes,
            "suppressed": found.suppressed,
            "seconds": time.perf_counter() - started,
        },
    )


def _as_solution(counts: Counts, recoding: Recoding, started: float) -> Solution:
    """A recoding that no search of the lattice precedes, as its answer: the highest level of each column."""
    found = quality(counts, recoding)
    highest = (span[1] for span in recoding.ranges())
    return Solution(
        transformation={ladder.name: top for ladder, top in zip(counts.ladders, highest, strict=True)},
        metric="loss",
        score=found.loss,
        bound=0.0,
        optimal=False,
        lattice_size=counts.lattice_size,
        nodes_checked=0,
        classes=found.classes,
        suppressed=found.suppressed,
        seconds=time.perf_counter() - started,
    )
