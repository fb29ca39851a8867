"""The exact search of the generalisation lattice: the transformation of least information loss, proven.

Branch and bound over the whole lattice: `lattice` keeps the nodes that may still be the optimum and says
which to evaluate next, an explorer evaluates them. What an evaluated node tells holds for the whole box of
its specialisations: rows that are lost to them all, and so bounds of what they cost. The search ends when no
bound lies below the best found, or at a limit; then the least bound left tells how much better the optimum
can be.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np

from anonymizer.affine import AffineMetric
from anonymizer.class_metrics import ClassMetric, prepare
from anonymizer.counts import Counts
from anonymizer.criteria import Criterion
from anonymizer.errors import BadConfig, ComponentMissing, CriteriaNotMet
from anonymizer.exploring import General
from anonymizer.lattice import ALIVE, CHECKED, CLASSES, FOUND, SUPPRESSED, TOTAL, TRACED, Lattice, least_bound
from anonymizer.metrics import Loss, Metric
from anonymizer.opening import Compiled, open_lattice, unpacked
from anonymizer.solution import Improvement, Solution

LARGEST_LATTICE = 2**24
_LARGEST_SUM = 2**62
_SLICE_S = 0.1
"""How long the compiled search runs before it looks up: for limits, progress and Ctrl-C."""

Report = Callable[[int, float | None, float], None]
"""Is told the nodes evaluated, the best score so far and the score that none can fall below."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How far a search goes: to the proof, or no further than so many nodes or seconds.

    The same ``max_nodes`` always gives the same answer; ``time_limit_s`` does not.
    """

    max_nodes: int | None = None
    time_limit_s: float | None = None


_LOSS, _UNLIMITED = Loss(), Effort()


class Explorer(Protocol):
    """Evaluates nodes of a lattice."""

    def explore(self, lattice: Lattice, most_nodes: int) -> bool:
        """Evaluate up to so many nodes; whether there are none left that can be the optimum."""
        ...


def search(
    counts: Counts,
    criteria: Sequence[Criterion],
    suppression_limit: Fraction,
    *,
    metric: Metric = _LOSS,
    effort: Effort = _UNLIMITED,
    progress: Report | None = None,
) -> Solution:
    """The transformation of least loss that meets the criteria within the suppression limit.

    It is proven to be the optimum unless ``effort`` ends the search before. ``suppression_limit`` is the
    share of rows that may be suppressed; ties go to fewer suppressed rows, then lower levels.

    Raises:
        CriteriaNotMet: no transformation does, or none was found.
        ComponentMissing: the lattice is larger than this search holds in memory.
        BadConfig: numbers that would not be exact.
    """
    started = time.perf_counter()
    _refuse_beyond_integers(counts)
    prepared = prepare(counts, metric)
    lattice = open_lattice(counts, prepared)
    limit = suppression_allowance(suppression_limit, counts.n_rows)
    explorer: Explorer = Compiled.of(counts, criteria, limit, prepared) or General.of(
        counts, criteria, limit, prepared
    )
    proven = _explore(lattice, explorer, prepared, effort=effort, progress=progress)
    if not lattice.registers[FOUND] or not lattice.registers[CLASSES]:
        raise _nothing_found(proven)
    return _solution(counts, lattice, prepared, metric=metric, proven=proven, started=started)


def suppression_allowance(limit: Fraction, n_rows: int) -> int:
    """The most rows that may be suppressed: floor(limit * rows), exactly."""
    return int(limit * n_rows)


def _refuse_beyond_integers(counts: Counts) -> None:
    """Sums of covered leaves must stay exact, and the lattice in memory."""
    for ladder in counts.ladders:
        if ladder.leaves * counts.n_rows >= _LARGEST_SUM:
            raise BadConfig("the domain is too large to sum over all rows", column=ladder.name)
    if counts.lattice_size > LARGEST_LATTICE:
        raise ComponentMissing(
            f"a lattice of {counts.lattice_size:,} transformations is beyond the exact search",
            hint="drop levels or narrow them with min_level and max_level",
        )


def _explore(
    lattice: Lattice,
    explorer: Explorer,
    prepared: AffineMetric | ClassMetric,
    *,
    effort: Effort,
    progress: Report | None,
) -> bool:
    """Whether the search came to its end within the limits."""
    started, nodes = time.perf_counter(), 8
    while True:
        left = nodes if effort.max_nodes is None else effort.max_nodes - int(lattice.registers[CHECKED])
        begun = time.perf_counter()
        if explorer.explore(lattice, min(nodes, left)):
            return True
        now = time.perf_counter()
        if left <= nodes and effort.max_nodes is not None:
            return bool(lattice.registers[ALIVE] == 0)
        if effort.time_limit_s is not None and now - started >= effort.time_limit_s:
            return False
        if now - begun < _SLICE_S / 2:
            nodes *= 2
        if progress is not None:
            best = prepared.score(float(lattice.best[TOTAL])) if lattice.registers[FOUND] else None
            progress(int(lattice.registers[CHECKED]), best, prepared.score(least_bound(lattice)))


def _nothing_found(proven: bool) -> CriteriaNotMet:
    if proven:
        return CriteriaNotMet(
            "no transformation meets the criteria within the suppression limit",
            hint="allow more suppression, coarser levels or weaker criteria",
        )
    return CriteriaNotMet(
        "no transformation that meets the criteria was found within the search's limits",
        hint="raise search.max_nodes or search.time_limit_s",
    )


def _solution(
    counts: Counts,
    lattice: Lattice,
    prepared: AffineMetric | ClassMetric,
    *,
    metric: Metric,
    proven: bool,
    started: float,
) -> Solution:
    best = float(lattice.best[TOTAL])
    levels = unpacked(lattice, lattice.best_node[0])
    trace = lattice.trace[: lattice.registers[TRACED]]
    return Solution(
        transformation={
            ladder.name: ladder.lowest + level for ladder, level in zip(counts.ladders, levels, strict=True)
        },
        metric=metric.name,
        score=prepared.score(best),
        bound=prepared.score(best if proven else min(best, least_bound(lattice))),
        optimal=proven,
        lattice_size=counts.lattice_size,
        nodes_checked=int(lattice.registers[CHECKED]),
        classes=int(lattice.registers[CLASSES]),
        suppressed=int(lattice.registers[SUPPRESSED]),
        seconds=time.perf_counter() - started,
        trace=tuple(
            Improvement(int(nodes), prepared.score(float(total)), int(suppressed))
            for nodes, total, suppressed in np.asarray(trace)
        ),
    )
