"""Evaluating nodes for any criterion and any metric, one at a time."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting.classes import Classes, Ladders, Node, base_classes, roll_up
from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion
from anonymizer.judging.demands import Demands
from anonymizer.judging.judgement import judge
from anonymizer.judging.sample_criteria import least_suppressed, of_the_sample, suppressed_classes
from anonymizer.measuring.affine import AffineMetric
from anonymizer.measuring.class_metrics import ClassMetric
from anonymizer.search.lattice import CHECKED, NONE, Lattice, advance, improve, learn
from anonymizer.search.opening import packed, unpacked, within
from anonymizer.search.stones import OFTEN, RAISED, SMALL_TABLE, meet, midway, pays

_CACHED_TABLES = 64


class Tables:
    """Classes of nodes that others can be rolled up from: small to large, the base last."""

    def __init__(self, base: Classes) -> None:
        self._held = [base]
        self._nodes = np.array([base.node])
        self._uses: Counter[Node] = Counter()

    def source_for(self, node: Node) -> Classes:
        """The smallest classes held of a specialisation of ``node``."""
        return self._held[int((self._nodes <= node).all(axis=1).argmax())]

    def is_worn(self, classes: Classes) -> bool:
        """Whether these classes, which are used now, are many and were used often: a stone would be."""
        self._uses[classes.node] += 1
        return len(classes) >= SMALL_TABLE and self._uses[classes.node] % OFTEN == 0

    def keep(self, classes: Classes) -> None:
        """Hold these classes too; beyond the limit the largest but the base make room."""
        *others, base = self._held
        insort(others, classes, key=len)
        self._hold([*others[:_CACHED_TABLES], base])

    def raise_base(self, classes: Classes) -> None:
        """Put these classes in the base's place: nothing below them is asked for any more."""
        others = [each for each in self._held[:-1] if _lies_below(classes.node, each.node)]
        self._hold([*others, classes])

    def _hold(self, tables: list[Classes]) -> None:
        self._held, self._nodes = tables, np.array([each.node for each in tables])


def _lies_below(node: Node, other: Node) -> bool:
    return all(a <= b for a, b in zip(node, other, strict=True))


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a node is, and what it tells: see ``lattice.learn``.

    ``total`` is infinite beyond the suppression limit; ``kept`` counts the classes that are not suppressed.
    """

    total: float
    suppressed: int
    kept: int
    ruled_out: bool
    terms: NDArray[np.float64]
    penalty: float
    floor: float


@dataclass(frozen=True, slots=True)
class General:
    """An explorer for every criterion and metric."""

    counts: Counts
    criteria: Sequence[Criterion]
    demands: Demands
    limit: int
    metric: AffineMetric | ClassMetric
    ladders: Ladders
    tables: Tables

    @classmethod
    def of(
        cls,
        counts: Counts,
        criteria: Sequence[Criterion],
        limit: int,
        metric: AffineMetric | ClassMetric,
    ) -> General:
        """The explorer for a table's counts, with at most ``limit`` rows suppressed."""
        demands, tables = Demands.of(counts, criteria), Tables(base_classes(counts))
        return cls(counts, criteria, demands, limit, metric, Ladders.of(counts), tables)

    def explore(self, lattice: Lattice, most_nodes: int) -> bool:
        """Evaluate up to so many nodes; whether there are none left that can be the optimum."""
        for _ in range(most_nodes):
            word = advance(lattice)
            if word == NONE:
                return True
            if lattice.registers[CHECKED] % RAISED == RAISED - 1:
                self._raise_base(lattice)
            self._lay_stone(lattice, np.uint64(word))
            self._evaluate(lattice, np.uint64(word))
        return False

    def _raise_base(self, lattice: Lattice) -> None:
        node = self._node(unpacked(lattice, np.uint64(meet(lattice))))
        source = self.tables.source_for(node)
        if source.node != node:
            self.tables.raise_base(roll_up(self.counts, self.ladders, source, node))

    def _lay_stone(self, lattice: Lattice, word: np.uint64) -> None:
        """Roll up halfway to a node if its source is large and often used."""
        source = self.tables.source_for(self._node(unpacked(lattice, word)))
        if not self.tables.is_worn(source):
            return
        levels = [max(0, at - each.lowest) for at, each in zip(source.node, self.counts.ladders, strict=True)]
        below = packed(lattice, levels)
        stone = np.uint64(midway(lattice, below, word))
        if stone in (below, word):
            return
        classes = roll_up(self.counts, self.ladders, source, self._node(unpacked(lattice, stone)))
        if pays(len(classes), len(source)):
            self.tables.keep(classes)

    def _node(self, levels: Node) -> Node:
        """The node at ``levels`` above the lowest."""
        return tuple(low.lowest + level for low, level in zip(self.counts.ladders, levels, strict=True))

    def _evaluate(self, lattice: Lattice, word: np.uint64) -> None:
        found = self.assess(unpacked(lattice, word), lattice.terms)
        if found.suppressed <= self.limit:
            improve(lattice, word, found.total, found.suppressed, found.kept)
        learn(lattice, word, found.ruled_out, found.terms, found.penalty, found.floor)

    def assess(self, levels: Node, start: NDArray[np.float64]) -> Assessment:
        """The node at ``levels`` above the lowest; ``start`` are the terms that bound totals anyway."""
        classes = self._classes(levels)
        judgement = judge(self.counts, classes, self.criteria, demands=self.demands)
        broken, least = judgement.broken, int(judgement.lost.sum())
        if of_the_sample(self.criteria):
            broken = suppressed_classes(self.counts, classes, broken, self.criteria)
            least = max(least, least_suppressed(self.counts, classes, self.criteria))
        suppressed = int(classes.rows[broken].sum())
        total = self._total(classes, broken) if suppressed <= self.limit else np.inf
        kept = len(classes) - int(broken.sum())
        if least > self.limit:
            return Assessment(total, suppressed, kept, True, start, 0.0, 0.0)
        lesson = self._lesson(classes, judgement.lost, start)
        return Assessment(total, suppressed, kept, False, *lesson)

    def _classes(self, levels: Node) -> Classes:
        node = self._node(levels)
        source = self.tables.source_for(node)
        classes = roll_up(self.counts, self.ladders, source, node)
        if 2 * len(classes) <= len(source):
            self.tables.keep(classes)
        return classes

    def _total(self, classes: Classes, broken: NDArray[np.bool_]) -> float:
        if not isinstance(self.metric, AffineMetric):
            return self.metric.total(self.counts, classes, broken)
        rows = np.where(broken, classes.rows, 0)
        cover = self.metric.suppressed_cover(self.counts, self.ladders, classes, rows)
        return self.metric.total(classes.node, cover, int(rows.sum()))

    def _lesson(
        self, classes: Classes, lost: NDArray[np.int64], start: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float, float]:
        """Terms, penalty and floor, as ``lattice.learn`` takes them."""
        if isinstance(self.metric, AffineMetric):
            least = self.metric.least_terms(self.counts, self.ladders, classes, lost)
            return within(self.counts.ladders, least), 0.0, 0.0
        penalty = self.metric.penalty(self.counts, classes, lost)
        return start, penalty, self.metric.floor(self.counts, classes)
