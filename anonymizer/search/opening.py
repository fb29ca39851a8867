"""Opening a search: a table's counts, its criteria and its metric in the arrays the compiled loops want."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion, DistinctLDiversity, HistogramCriterion, KAnonymity, MaxRisk
from anonymizer.hierarchies.encoding import Ladder
from anonymizer.judging.demands import Demands
from anonymizer.measuring.affine import AffineMetric
from anonymizer.measuring.class_metrics import ClassMetric
from anonymizer.search.evaluation import Costs, Problem, Scratch, Standards, most_cover
from anonymizer.search.exploration import explore
from anonymizer.search.lattice import MOST_TRACED, NONE, Fields, Lattice, guided, populate
from anonymizer.search.rollup import BLOCK, Arena, Packing, mark_values, pack_words, spread_values

Words = NDArray[np.uint64]
Counted = NDArray[np.int32]
_CHUNKS = (256, 512, 1024, 2048, 4096)
"""How large a chunk's lookup may be: small if possible, since it is written anew for every node."""
_MOST_VALUES = 2**16
_KEY_SPACE = 2**62
_TABLES = 1024
_RING = 40
_RING_BYTES = 2**28
"""The ring holds so many times the base tuples, or takes so many bytes if that is less."""
_MOST_HELD = 2**27
_MARKED = 64
SLACK = 1e-11
"""By how much totals may differ and count as equal."""


def open_lattice(counts: Counts, metric: AffineMetric | ClassMetric) -> Lattice:
    """All transformations between the ladders' lowest and highest levels, with the metric's first bounds."""
    ladders = counts.ladders
    heights = np.array([ladder.highest - ladder.lowest for ladder in ladders], np.int64)
    size = counts.lattice_size
    # A column of one level needs no room, so any lattice that fits in memory fits 64 bits.
    widths = [int(top).bit_length() + 1 if top else 0 for top in heights]
    # The first column takes the highest bits, so that words are ordered as tuples of levels are.
    shifts = np.cumsum([0, *reversed(widths[1:])])[::-1].astype(np.int64)
    guard = sum(1 << (int(shift) + width - 1) for shift, width in zip(shifts, widths, strict=True) if width)
    base, guide = (metric.start(),) * 2 if isinstance(metric, AffineMetric) else (metric.base, metric.guide)
    parts = 0 if isinstance(metric, AffineMetric) else size
    lattice = Lattice(
        fields=Fields(
            shifts=shifts.astype(np.uint64),
            masks=np.array([(1 << int(top).bit_length()) - 1 for top in heights], np.uint64),
            strides=np.append(np.cumprod((heights + 1)[:0:-1])[::-1], 1).astype(np.int64),
            heights=heights,
            guard=np.array([guard], np.uint64),
            largest=isinstance(metric, AffineMetric) and metric.largest,
        ),
        terms=within(ladders, base),
        guide=within(ladders, guide),
        nodes=np.empty(size, np.uint64),
        bounds=np.empty(size),
        start=np.empty(parts),
        down=np.zeros(parts),
        up=np.zeros(parts),
        evaluated=np.zeros(size, np.uint8),
        chain=np.empty(int(heights.sum()) + 1, np.uint64),
        best_node=np.array([NONE], np.uint64),
        best=np.array([np.finfo(np.float64).max, SLACK, 0.0]),
        registers=np.zeros(16, np.int64),
        trace=np.zeros((MOST_TRACED, 3)),
    )
    populate(lattice)
    lattice.start[:] = lattice.bounds[:parts]
    if not isinstance(metric, AffineMetric):
        np.maximum(lattice.bounds, metric.at_least(guided(lattice)), out=lattice.bounds)
    return lattice


def within(ladders: Sequence[Ladder], terms: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The columns' terms from their lowest to their highest levels; float64 (m, L)."""
    levels_of = np.zeros((len(ladders), max(ladder.highest - ladder.lowest for ladder in ladders) + 1))
    for j, (ladder, row) in enumerate(zip(ladders, terms, strict=True)):
        levels = row[ladder.lowest : ladder.highest + 1]
        levels_of[j, : len(levels)] = levels
    return levels_of


def unpacked(lattice: Lattice, word: np.uint64) -> tuple[int, ...]:
    """The node's levels above the lowest, column by column."""
    return tuple(
        int(word) >> int(shift) & int(mask)
        for shift, mask in zip(lattice.fields.shifts, lattice.fields.masks, strict=True)
    )


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
        packing = _packing(counts)
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


def _packing(counts: Counts) -> Packing | None:
    """How tuples are packed; None where two keys are too few for the widest node."""
    ladders = counts.ladders
    values = [ladder.label_codes.shape[1] for ladder in ladders]
    chunks = _chunks(values)
    depth = max(len(ladder.labels) for ladder in ladders)
    sizes = np.ones((len(ladders), depth), np.int64)
    for j, ladder in enumerate(ladders):
        sizes[j, : len(ladder.labels)] = ladder.label_codes.max(axis=1) + 1
    widest = sizes.max(axis=1).tolist()
    halves = _halves(chunks, widest)
    rest = [_space(chunks, widest, block) for block in range(halves, len(chunks) // BLOCK)]
    if halves == 0 or prod(rest) > _KEY_SPACE:
        return None
    return Packing(
        chunk_starts=np.cumsum([0, *(prod(values[j] for j in chunk) for chunk in chunks)]),
        column_starts=np.cumsum([0, *map(len, chunks)]),
        order=np.array([j for chunk in chunks for j in chunk], np.int64),
        values=np.array(values, np.int64),
        sizes=sizes,
        offsets=np.cumsum([0, *(ladder.label_codes.size for ladder in ladders)])[:-1],
        labels=np.concatenate([ladder.label_codes.ravel() for ladder in ladders]),
        halves=halves,
    )


def _chunks(values: Sequence[int]) -> list[list[int]]:
    """Columns in chunks, in whole blocks: the smallest lookups among those that take the fewest blocks."""
    packed = [_first_fit(values, largest) for largest in _CHUNKS]
    fewest = min(-(-len(chunks) // BLOCK) for chunks in packed)
    chunks = next(chunks for chunks in packed if len(chunks) <= fewest * BLOCK)
    return chunks + [[] for _ in range(fewest * BLOCK - len(chunks))]


def _first_fit(values: Sequence[int], largest: int) -> list[list[int]]:
    """Columns in chunks whose lookup takes ``largest`` numbers at most, unless a column alone takes more."""
    chunks: list[list[int]] = []
    for j in sorted(range(len(values)), key=lambda column: -values[column]):
        fitting = (chunk for chunk in chunks if prod(values[i] for i in chunk) * values[j] <= largest)
        chunk = next(fitting, None)
        if chunk is None:
            chunks.append([j])
        else:
            chunk.append(j)
    return chunks


def _halves(chunks: Sequence[Sequence[int]], sizes: Sequence[int]) -> int:
    """How many blocks fit into one key."""
    space, blocks = 1, len(chunks) // BLOCK
    for block in range(blocks):
        space *= _space(chunks, sizes, block)
        if space > _KEY_SPACE:
            return block
    return blocks


def _space(chunks: Sequence[Sequence[int]], sizes: Sequence[int], block: int) -> int:
    return prod(sizes[j] for chunk in chunks[block * BLOCK : (block + 1) * BLOCK] for j in chunk)


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
