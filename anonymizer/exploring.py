"""Evaluating nodes for any criterion and any metric, one at a time."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anonymizer.affine import AffineMetric
from anonymizer.class_metrics import ClassMetric
from anonymizer.classes import Classes, Ladders, Node, base_classes, roll_up
from anonymizer.counts import Counts
from anonymizer.criteria import Criterion
from anonymizer.demands import Demands
from anonymizer.judging import judge
from anonymizer.lattice import NONE, Lattice, advance, improve, learn
from anonymizer.opening import unpacked, within
from anonymizer.sample_criteria import least_suppressed, of_the_sample, suppressed_classes

_CACHED_TABLES = 64


class Tables:
    """Classes of evaluated nodes that others can be rolled up from: small to large, the base last."""

    def __init__(self, base: Classes) -> None:
        self._held = [base]
        self._nodes = np.array([base.node])

    def source_for(self, node: Node) -> Classes:
        """The smallest classes held of a specialisation of ``node``."""
        return self._held[int((self._nodes <= node).all(axis=1).argmax())]

    def keep(self, classes: Classes) -> None:
        """Hold these classes too; beyond the limit the largest but the base make room."""
        *others, base = self._held
        insort(others, classes, key=len)
        self._held = [*others[:_CACHED_TABLES], base]
        self._nodes = np.array([each.node for each in self._held])


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
            self._evaluate(lattice, np.uint64(word))
        return False

    def _evaluate(self, lattice: Lattice, word: np.uint64) -> None:
        classes = self._classes(lattice, word)
        judgement = judge(self.counts, classes, self.criteria, demands=self.demands)
        broken, least = judgement.broken, int(judgement.lost.sum())
        if of_the_sample(self.criteria):
            broken = suppressed_classes(self.counts, classes, broken, self.criteria)
            least = max(least, least_suppressed(self.counts, classes, self.criteria))
        suppressed = int(classes.rows[broken].sum())
        if suppressed <= self.limit:
            kept = len(classes) - int(broken.sum())
            improve(lattice, word, self._total(classes, broken), suppressed, kept)
        if least > self.limit:
            learn(lattice, word, True, lattice.terms, 0.0, 0.0)
        else:
            learn(lattice, word, False, *self._lesson(lattice, classes, judgement.lost))

    def _classes(self, lattice: Lattice, word: np.uint64) -> Classes:
        levels = unpacked(lattice, word)
        node = tuple(low.lowest + level for low, level in zip(self.counts.ladders, levels, strict=True))
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
        self, lattice: Lattice, classes: Classes, lost: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], float, float]:
        """Terms, penalty and floor, as ``lattice.learn`` takes them."""
        if isinstance(self.metric, AffineMetric):
            least = self.metric.least_terms(self.counts, self.ladders, classes, lost)
            return within(self.counts.ladders, least), 0.0, 0.0
        penalty = self.metric.penalty(self.counts, classes, lost)
        return lattice.terms, penalty, self.metric.floor(self.counts, classes)
