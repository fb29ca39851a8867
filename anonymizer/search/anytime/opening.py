"""Opening a search of a lattice of any size: the arrays that its compiled loops want."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anonymizer.counting.counts import Counts
from anonymizer.errors import ComponentMissing
from anonymizer.measuring.affine import AffineMetric
from anonymizer.measuring.class_metrics import ClassMetric
from anonymizer.search.anytime.anytime import Anytime
from anonymizer.search.anytime.boxes import (
    FRESH,
    HELD,
    MOST_LEVELS,
    Boxes,
    Floats,
    Terrain,
    bound_of,
    put_level,
)
from anonymizer.search.anytime.chains import BOX, LESSON, Chain
from anonymizer.search.anytime.exploration import Tickets
from anonymizer.search.anytime.insights import Insights
from anonymizer.search.anytime.neighbours import Nodes
from anonymizer.search.lattice import MOST_TRACED
from anonymizer.search.opening import SLACK, within
from anonymizer.search.rollup import Arena
from anonymizer.search.walk import REGISTERS, Walk

_STEPS = 4096


@dataclass(frozen=True, slots=True)
class Room:
    """How many open boxes, insights (at least two) and evaluated nodes are held; memory comes as they do.

    Less room never makes a search wrong, nor keeps it from its end.
    """

    boxes: int = 2**20
    insights: int = 2**12
    nodes: int = 2**20


ROOM = Room()


def open_anytime(counts: Counts, metric: AffineMetric | ClassMetric, room: Room = ROOM) -> Anytime:
    """A search of all transformations between the ladders' lowest and highest levels, with one open box.

    Raises:
        ComponentMissing: a column has too many levels.
    """
    terrain = _terrain(counts, metric)
    heights = terrain.heights
    words = -(-len(heights) // 8)
    top = np.zeros(words, np.uint64)
    for j, height in enumerate(heights):
        put_level(top, j, height)
    search = Anytime(
        terrain=terrain,
        boxes=_boxes(terrain, room.boxes, words),
        insights=Insights(
            nodes=np.zeros((room.insights, words), np.uint64),
            ruled_out=np.zeros(room.insights, np.uint8),
            terms=np.zeros((room.insights, *terrain.terms.shape)),
            penalties=np.zeros(room.insights),
            floors=np.zeros(room.insights),
            used=np.zeros(room.insights, np.int64),
            registers=np.zeros(2, np.int64),
        ),
        evaluated=Nodes(
            nodes=np.zeros((room.nodes, words), np.uint64),
            keys=np.zeros(room.nodes),
            slots=np.zeros(2 << room.nodes.bit_length(), np.int32),
            waiting=np.zeros(room.nodes, np.int32),
            registers=np.zeros(4, np.int64),
        ),
        chain=Chain(
            nodes=np.zeros((int(heights.sum()) + 1, words), np.uint64),
            walk=Walk(np.zeros(REGISTERS, np.int64), np.zeros(1)),
            registers=np.zeros(3, np.int64),
            numbers=np.zeros(2),
        ),
        node=top,
        best_node=np.zeros(words, np.uint64),
        best=np.array([np.finfo(np.float64).max, SLACK]),
        registers=np.zeros(16, np.int64),
        turns=np.zeros(2, np.int64),
        trace=np.zeros((MOST_TRACED, 3)),
    )
    search.chain.registers[BOX] = search.chain.registers[LESSON] = -1
    search.boxes.high[0] = top
    search.boxes.bounds[0] = -np.inf
    search.boxes.bounds[0] = bound_of(terrain, search.boxes, 0)
    search.boxes.registers[HELD] = search.boxes.registers[FRESH] = 1
    return search


def open_tickets(search: Anytime, arena: Arena) -> Tickets:
    """Tickets for the tables of an arena."""
    return Tickets(np.zeros((2 * len(arena.nodes), len(search.node)), np.uint64), np.zeros(1, np.int64))


def _boxes(terrain: Terrain, asked: int, words: int) -> Boxes:
    m, steps = len(terrain.heights), int(terrain.heights.sum())
    # Going through a box to the end leaves m parts at a time, each smaller by a step at least.
    deep = (m + 1) * (steps + 2)
    size = asked + deep
    return Boxes(
        low=np.zeros((size, words), np.uint64),
        high=np.zeros((size, words), np.uint64),
        bounds=np.zeros(size),
        down=np.zeros(size),
        up=np.zeros(size),
        heap=np.zeros(size, np.int32),
        stack=np.zeros(deep, np.int32),
        free=np.zeros(size, np.int32),
        registers=np.zeros(5, np.int64),
    )


def _terrain(counts: Counts, metric: AffineMetric | ClassMetric) -> Terrain:
    ladders = counts.ladders
    for ladder in ladders:
        if ladder.highest - ladder.lowest >= MOST_LEVELS:
            refused = ComponentMissing(f"more than {MOST_LEVELS} levels are beyond strategy: anytime")
            raise refused.about(ladder.name)
    base, guide = (metric.start(),) * 2 if isinstance(metric, AffineMetric) else (metric.base, metric.guide)
    terms, guides = within(ladders, base), within(ladders, guide)
    floors, scale = np.zeros(0), np.array([0.0, 1.0])
    if not isinstance(metric, AffineMetric) and not np.array_equal(terms, guides):
        floors, scale = _floors(metric, guides, [ladder.highest - ladder.lowest for ladder in ladders])
    return Terrain(
        heights=np.array([ladder.highest - ladder.lowest for ladder in ladders], np.int64),
        terms=terms,
        guide=guides,
        floors=floors,
        scale=scale,
        largest=isinstance(metric, AffineMetric) and metric.largest,
    )


def _floors(metric: ClassMetric, guide: Floats, heights: list[int]) -> tuple[Floats, Floats]:
    """Bounds of totals by the sum of guide terms, as ``Terrain`` has them: ``at_least`` in steps."""
    columns = [row[: height + 1] for row, height in zip(guide, heights, strict=True)]
    least, most = sum(row.min() for row in columns), sum(row.max() for row in columns)
    step = max((most - least) / _STEPS, np.finfo(np.float64).tiny)
    # A little before each step, for the rounding of the quotient that leads to it.
    return metric.at_least(least + step * (np.arange(_STEPS + 1) - 0.01)), np.array([least, step])
