"""The search of the generalisation lattice: the transformation of least information loss, proven or bounded.

Branch and bound: `lattice` keeps all nodes that may still be the optimum, and `anytime` boxes of them where
the lattice may be of any size; an explorer evaluates nodes. What an evaluated node tells holds for all its
specialisations: rows that are lost to them all, and so bounds of what they cost. The search ends when no
bound lies below the best found, or at a limit; then the least bound left tells how much better the optimum
can be.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion
from anonymizer.errors import BadConfig, ComponentMissing, CriteriaNotMet
from anonymizer.measuring.affine import AffineMetric
from anonymizer.measuring.class_metrics import ClassMetric, prepare
from anonymizer.metrics import Loss, Metric
from anonymizer.search.anytime.opening import open_anytime
from anonymizer.search.compiled_explorer import Compiled
from anonymizer.search.courses import Course, Explorer, OverBoxes, OverNodes
from anonymizer.search.general_explorer import General
from anonymizer.search.lattice import CHECKED, CLASSES, FOUND, SUPPRESSED, TOTAL, TRACED
from anonymizer.search.opening import open_lattice
from anonymizer.search.solution import Improvement, Solution

LARGEST_LATTICE = 2**24
_LARGEST_SUM = 2**62
_FIRST_STEPS = 8
_TICK_S = 1e-9
_SLICE_S = 0.1
"""How long the compiled search runs before it looks up: for limits, progress and Ctrl-C."""

Report = Callable[[int, float | None, float], None]
"""Is told the nodes evaluated, the best score so far and the score that none can fall below."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How far a search goes: to the proof, or no further than so many nodes or seconds.

    The same ``max_nodes`` always gives the same answer; ``time_limit_s`` does not. ``anytime``: good answers
    early, in a lattice of any size.
    """

    max_nodes: int | None = None
    time_limit_s: float | None = None
    anytime: bool = False


_LOSS, _UNLIMITED = Loss(), Effort()


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
        ComponentMissing: the lattice is larger than a search without ``anytime`` holds in memory.
        BadConfig: numbers that would not be exact.
    """
    started = time.perf_counter()
    _refuse_too_large(counts, effort)
    prepared = prepare(counts, metric)
    limit = suppression_allowance(suppression_limit, counts.n_rows)
    asked = (counts, criteria, limit, prepared)
    explorer: Explorer = Compiled.of(*asked) or General.of(*asked)
    course: Course = (
        OverBoxes.of(open_anytime(counts, prepared), explorer)
        if effort.anytime
        else OverNodes(open_lattice(counts, prepared), explorer)
    )
    proven = _explore(course, prepared, effort=effort, progress=progress, started=started)
    if not course.state.registers[FOUND]:
        raise _nothing_found(proven)
    return _solution(counts, course, prepared, metric=metric, proven=proven, started=started)


def suppression_allowance(limit: Fraction, n_rows: int) -> int:
    """The most rows that may be suppressed: floor(limit * rows), exactly."""
    return int(limit * n_rows)


def _refuse_too_large(counts: Counts, effort: Effort) -> None:
    """Sums of covered leaves must stay exact, and the lattice in memory."""
    for ladder in counts.ladders:
        if ladder.leaves * counts.n_rows >= _LARGEST_SUM:
            raise BadConfig("the domain is too large to sum over all rows", column=ladder.name)
    if counts.lattice_size > LARGEST_LATTICE and not effort.anytime:
        raise ComponentMissing(
            f"a lattice of {counts.lattice_size:,} transformations does not fit into memory",
            hint="search it with strategy: anytime, or drop levels with min_level and max_level",
        )


def _explore(
    course: Course,
    prepared: AffineMetric | ClassMetric,
    *,
    effort: Effort,
    progress: Report | None,
    started: float,
) -> bool:
    """Whether the search, ``started`` by the clock, came to its end within the limits."""
    limit_s = np.inf if effort.time_limit_s is None else effort.time_limit_s
    registers, steps = course.state.registers, _FIRST_STEPS if limit_s == np.inf else 1
    while True:
        if effort.max_nodes is not None:
            steps = min(steps, effort.max_nodes - int(registers[CHECKED]))
        begun = time.perf_counter()
        if course.explore(steps):
            return True
        now = time.perf_counter()
        spent = effort.max_nodes is not None and registers[CHECKED] >= effort.max_nodes
        if spent or now - started >= limit_s:
            return course.is_proven()
        steps = _next_steps(steps, now - begun, left_s=limit_s - (now - started))
        if progress is not None:
            best = prepared.score(float(course.state.best[TOTAL])) if registers[FOUND] else None
            progress(int(registers[CHECKED]), best, prepared.score(course.bound()))


def _next_steps(steps: int, took_s: float, *, left_s: float) -> int:
    """How many steps to take at once after ``steps`` that took so long: twice as many at most.

    They shall take a slice, and no more than half of what is left, since some take longer than those before:
    so the last ones are taken one by one, and a time limit is passed by one step.
    """
    wanted_s = min(_SLICE_S, left_s / 2)
    return max(1, min(2 * steps, int(steps * wanted_s / max(took_s, _TICK_S))))


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
    course: Course,
    prepared: AffineMetric | ClassMetric,
    *,
    metric: Metric,
    proven: bool,
    started: float,
) -> Solution:
    registers, best, levels = course.state.registers, float(course.state.best[TOTAL]), course.best_levels()
    trace = course.state.trace[: registers[TRACED]]
    return Solution(
        transformation={
            ladder.name: ladder.lowest + level for ladder, level in zip(counts.ladders, levels, strict=True)
        },
        metric=metric.name,
        score=prepared.score(best),
        bound=prepared.score(best if proven else min(best, course.bound())),
        optimal=proven,
        lattice_size=counts.lattice_size,
        nodes_checked=int(registers[CHECKED]),
        classes=int(registers[CLASSES]),
        suppressed=int(registers[SUPPRESSED]),
        seconds=time.perf_counter() - started,
        trace=tuple(
            Improvement(int(nodes), prepared.score(float(total)), int(suppressed))
            for nodes, total, suppressed in np.asarray(trace)
        ),
    )
