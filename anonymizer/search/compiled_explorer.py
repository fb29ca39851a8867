"""Evaluating nodes compiled, from node to node: a table, its criteria and its metric in arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion, DistinctLDiversity, HistogramCriterion, KAnonymity, MaxRisk
from anonymizer.judging.demands import Demands
from anonymizer.measuring.affine import AffineMetric
from anonymizer.measuring.class_metrics import ClassMetric
from anonymizer.search.evaluation import Costs, Problem, Scratch, Standards, most_cover
from anonymizer.search.exploration import explore
from anonymizer.search.lattice import Lattice
from anonymizer.search.packing import pack
from anonymizer.search.rollup import Arena, Packing, mark_values, pack_words, spread_values

_MOST_VALUES = 2**16
_TABLES = 1024
_RING = 40
_RING_BYTES = 2**28
"""The ring holds so many times the base tuples, or takes so many bytes if that is less."""
_MOST_HELD = 2**27
_MARKED = 64


@dataclass(frozen=True, slots=True)
class Compiled:
    """An explorer that runs compiled from node to node.

    For criteria that a class's size, its values or its frequencies decide, affine metrics, and tables in
    which every row is a person.
    """

    problem: Problem

    @classmethod
    def of(
        cls,
        counts: Counts,
        criteria: Sequence[Criterion],
        limit: int,
        metric: AffineMetric | ClassMetric,
    ) -> Compiled | None:
        """The explorer for a table's counts, at most ``limit`` rows suppressed; None where it is none."""
        if not isinstance(metric, AffineMetric) or not _is_compiled(counts, criteria):
            return None
        marked = _marked(counts, criteria)
        demands = Demands.of(counts, [c for c in criteria if c not in marked])
        if sum(demands.sizes) * counts.n_tuples * 4 > _MOST_HELD:
            return None
        packing = pack(counts.ladders)
        if packing is None:
            return None
        m, depth = packing.sizes.shape
        scratch = Scratch(
            suppressed=np.empty(counts.n_tuples, np.int64),
            lost=np.empty(counts.n_tuples, np.int64),
            per_code=np.empty((m, int(packing.values.max())), np.int64),
            terms=np.empty((m, depth)),
            levels=np.empty(m, np.int64),
        )
        return cls(
            Problem(
                packing=packing,
                arena=_arena(packing, counts, [c.column for c in marked], demands),
                costs=_costs(metric, packing),
                standards=Standards(
                    max((c.k for c in criteria if isinstance(c, KAnonymity | MaxRisk)), default=1),
                    np.array([c.l for c in marked], np.int64),
                    limit,
                ),
                layout=demands.layout,
                lowest=np.array([ladder.lowest for ladder in counts.ladders], np.int64),
                scratch=scratch,
            )
        )

    def explore(self, lattice: Lattice, most_nodes: int) -> bool:
        """Evaluate up to so many nodes; whether there are none left that can be the optimum."""
        return bool(explore(lattice, self.problem, most_nodes))


def _is_compiled(counts: Counts, criteria: Sequence[Criterion]) -> bool:
    ours = all(isinstance(c, KAnonymity | MaxRisk | HistogramCriterion) for c in criteria)
    plain = counts.people is None and counts.population is None and counts.n_rows < 2**31
    small = all(ladder.label_codes.shape[1] <= _MOST_VALUES for ladder in counts.ladders)
    return ours and plain and small and counts.n_tuples > 0


def _marked(counts: Counts, criteria: Sequence[Criterion]) -> list[DistinctLDiversity]:
    """The criteria that a bit per value decides."""
    return [
        c
        for c in criteria
        if isinstance(c, DistinctLDiversity) and counts.sensitive[c.column].known <= _MARKED
    ]


def _arena(packing: Packing, counts: Counts, marked: Sequence[str], demands: Demands) -> Arena:
    """An arena that holds the base tuples."""
    tuples, chunks = counts.n_tuples, len(packing.chunk_starts) - 1
    width = sum(demands.sizes)
    entry_bytes = 2 * chunks + 4 + 8 * len(marked) + 4 * width
    capacity = 2 * tuples + max(tuples, min(_RING * tuples + 65536, _RING_BYTES // entry_bytes))
    arena = Arena(
        words=np.empty((capacity, chunks), np.uint16),
        rows=np.empty(capacity, np.int32),
        marks=np.empty((capacity, len(marked)), np.uint64),
        held=np.empty((capacity, width), np.int32),
        nodes=np.zeros(_TABLES, np.uint64),
        starts=np.zeros(_TABLES, np.int64),
        lengths=np.zeros(_TABLES, np.int64),
        uses=np.zeros(_TABLES, np.int64),
        registers=np.array([1, 2 * tuples, tuples], np.int64),
        lookup=np.empty(packing.chunk_starts[-1], np.int64),
        per_chunk=np.empty(packing.chunk_starts[-1], np.int64),
        slots=np.empty(max(8 * tuples, 4096), np.int32),
        class_of=np.empty(tuples, np.int32),
        members=np.empty(tuples, np.int32),
        keys=np.empty(tuples, np.int64),
        more_keys=np.empty(tuples, np.int64),
    )
    pack_words(packing, counts.codes, arena.words)
    arena.rows[:tuples] = counts.rows
    for s, name in enumerate(marked):
        held = counts.sensitive[name].held
        mark_values(held.owner, held.item, counts.sensitive[name].known, arena.marks[:tuples, s])
    arena.held[:tuples] = 0
    for name, size, start in zip(demands.columns, demands.sizes, _starts(demands.sizes), strict=True):
        held = counts.sensitive[name].held
        spread_values(held.owner, held.item, held.number, arena.held[:tuples, start : start + size])
    arena.lengths[0] = tuples
    return arena


def _starts(sizes: Sequence[int]) -> list[int]:
    return [sum(sizes[:i]) for i in range(len(sizes))]


def _costs(metric: AffineMetric, packing: Packing) -> Costs:
    m, depth = packing.sizes.shape
    base = np.zeros((m, depth))
    for j, row in enumerate(metric.base):
        base[j, : len(row)] = row
    depths = np.array([len(row) for row in metric.base], np.int64)
    places = np.cumsum([0, *(depths**2 * packing.values)])
    return Costs(
        base=base,
        alpha=metric.alpha,
        beta=metric.beta,
        weights=metric.weight,
        logarithmic=metric.logarithmic,
        largest=metric.largest,
        cover=metric.flat_cover,
        most=most_cover(packing, metric.flat_cover, depths, places),
        most_offsets=places[:-1],
        depths=depths,
    )
