"""The search by one explorer or another, step by step or whole, and what its arena holds in plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from unittest import mock

import numpy as np
import pytest
from numpy.typing import NDArray

from anonymizer.counting.classes import Classes, Ladders, Node, base_classes, roll_up
from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion, DistinctLDiversity, HistogramCriterion
from anonymizer.errors import CriteriaNotMet
from anonymizer.judging.judgement import judge
from anonymizer.judging.sample_criteria import suppressed_classes
from anonymizer.measuring.affine import AffineMetric
from anonymizer.measuring.class_metrics import ClassMetric, prepare
from anonymizer.metrics import Loss, Metric
from anonymizer.search.compiled_explorer import Compiled
from anonymizer.search.evaluation import Problem
from anonymizer.search.general_explorer import General
from anonymizer.search.lattice import ALIVE, Lattice
from anonymizer.search.opening import open_lattice, unpacked
from anonymizer.search.rollup import OUT, TABLES, Arena
from anonymizer.search.search import Effort, Explorer, search, suppression_allowance
from anonymizer.search.solution import Solution

Rows = NDArray[np.int64]
MOST_MARKED = 64
"""Distinct values of more than so many are counted one by one, and marked by bits below."""
_COMPILED = Compiled.of


def crowded(explorer: Compiled, *, ring: int | None = None, tables: int = 4) -> Compiled:
    """An explorer that holds few tables, in a ring as small as a search can do with."""
    arena = explorer.problem.arena
    tuples = int(arena.registers[OUT])
    entries = 2 * tuples + (3 * tuples // 4 + 1 if ring is None else ring)
    smaller = arena._replace(
        words=arena.words[:entries].copy(),
        rows=arena.rows[:entries].copy(),
        marks=arena.marks[:entries].copy(),
        held=arena.held[:entries].copy(),
        nodes=arena.nodes[:tables].copy(),
        starts=arena.starts[:tables].copy(),
        lengths=arena.lengths[:tables].copy(),
        uses=arena.uses[:tables].copy(),
    )
    return Compiled(explorer.problem._replace(arena=smaller))


def _no_explorer(*_: object) -> None:
    return None


def _crowded_of(
    counts: Counts, criteria: Sequence[Criterion], limit: int, metric: AffineMetric | ClassMetric
) -> Compiled | None:
    explorer = _COMPILED(counts, criteria, limit, metric)
    return explorer and crowded(explorer)


Of = Callable[..., Compiled | None]
PATHS: dict[str, Of] = {"compiled": _COMPILED, "general": _no_explorer, "crowded": _crowded_of}
"""How the compiled explorer is made, by the path that a search then takes."""


@contextmanager
def only(path: str) -> Iterator[None]:
    """Searches take this path where they can."""
    with mock.patch.object(Compiled, "of", PATHS[path]):
        yield


@dataclass(frozen=True, slots=True)
class Question:
    """What a search is asked."""

    counts: Counts
    criteria: Sequence[Criterion]
    limit: Fraction
    metric: Metric = Loss()  # noqa: RUF009 - frozen

    @property
    def prepared(self) -> AffineMetric | ClassMetric:
        """The metric's working form."""
        return prepare(self.counts, self.metric)

    @property
    def allowance(self) -> int:
        """The most rows that may be suppressed."""
        return suppression_allowance(self.limit, self.counts.n_rows)

    def explorer(self, path: str) -> Explorer:
        """An explorer of this path."""
        asked = (self.counts, self.criteria, self.allowance, self.prepared)
        return PATHS[path](*asked) or General.of(*asked)

    def solution(self, path: str = "compiled", *, max_nodes: int | None = None) -> Solution | None:
        """The search's answer but for the clock; ``None`` where it finds nothing."""
        with only(path):
            try:
                found = search(
                    self.counts,
                    self.criteria,
                    self.limit,
                    metric=self.metric,
                    effort=Effort(max_nodes=max_nodes),
                )
            except CriteriaNotMet:
                return None
        return replace(found, seconds=0.0)

    def answer(self, path: str = "compiled") -> Solution | None:
        """The solution but for how the search got there."""
        found = self.solution(path)
        return found and replace(found, nodes_checked=0, trace=())


def nearly(solution: Solution | None) -> object:
    """What equals a solution but for the last digits of its figures."""
    if solution is None:
        return None
    score, bound = (pytest.approx(x, abs=1e-10, rel=1e-11) for x in (solution.score, solution.bound))
    return replace(solution, score=score, bound=bound)


@dataclass(frozen=True, slots=True)
class Assessed:
    """A node judged as the general path does.

    ``total`` is infinite beyond the suppression limit, and where no class is kept: that is no release.
    """

    classes: Classes
    broken: NDArray[np.bool_]
    lost: NDArray[np.int64]
    suppressed: int
    total: float


def assessments(question: Question) -> dict[Node, Assessed]:
    """Every node of the lattice, each rolled up from the distinct tuples; levels are absolute."""
    counts, metric = question.counts, question.prepared
    ladders, base = Ladders.of(counts), base_classes(counts)
    found = {}
    for node in np.ndindex(*(ladder.highest - ladder.lowest + 1 for ladder in counts.ladders)):
        levels = tuple(low.lowest + level for low, level in zip(counts.ladders, node, strict=True))
        classes = roll_up(counts, ladders, base, levels)
        judgement = judge(counts, classes, question.criteria)
        broken = suppressed_classes(counts, classes, judgement.broken, question.criteria)
        rows = np.where(broken, classes.rows, 0)
        total, suppressed = np.inf, int(rows.sum())
        if suppressed <= question.allowance and not broken.all():
            total = _total(counts, ladders, metric, classes, broken)
        found[levels] = Assessed(classes, broken, judgement.lost, suppressed, total)
    return found


def _total(
    counts: Counts,
    ladders: Ladders,
    metric: AffineMetric | ClassMetric,
    classes: Classes,
    broken: NDArray[np.bool_],
) -> float:
    if not isinstance(metric, AffineMetric):
        return metric.total(counts, classes, broken)
    rows = np.where(broken, classes.rows, 0)
    cover = metric.suppressed_cover(counts, ladders, classes, rows)
    return metric.total(classes.node, cover, int(rows.sum()))


@dataclass(frozen=True, slots=True)
class Opened:
    """A search that is explored step by step."""

    question: Question
    lattice: Lattice
    explorer: Explorer

    @classmethod
    def of(cls, question: Question, path: str) -> Opened:
        """A search that has evaluated nothing yet."""
        lattice = open_lattice(question.counts, question.prepared)
        return cls(question, lattice, question.explorer(path))

    def step(self) -> bool:
        """Evaluate one node; whether there are none left."""
        return self.explorer.explore(self.lattice, 1)

    def levels(self, word: np.uint64) -> Node:
        """A word's levels from the hierarchies' bottom."""
        ladders = self.question.counts.ladders
        above = unpacked(self.lattice, word)
        return tuple(ladder.lowest + level for ladder, level in zip(ladders, above, strict=True))

    def word(self, node: Node) -> np.uint64:
        """A node's word."""
        ladders = self.question.counts.ladders
        parts = zip(node, ladders, self.lattice.fields.shifts.tolist(), strict=True)
        return np.uint64(sum((level - ladder.lowest) << shift for level, ladder, shift in parts))

    def alive(self) -> dict[Node, float]:
        """The bounds of the nodes that may still be the optimum."""
        count = int(self.lattice.registers[ALIVE])
        bounds = self.lattice.bounds[:count].tolist()
        return {self.levels(w): b for w, b in zip(self.lattice.nodes[:count], bounds, strict=True)}


def columns_counted(question: Question) -> tuple[list[str], list[str]]:
    """The sensitive columns that the compiled path marks by bits, and those it counts."""
    marked, counted = [], set()
    for criterion in question.criteria:
        if isinstance(criterion, HistogramCriterion):
            known = question.counts.sensitive[criterion.column].known
            if isinstance(criterion, DistinctLDiversity) and known <= MOST_MARKED:
                marked.append(criterion.column)
            else:
                counted.add(criterion.column)
    return marked, sorted(counted)


def base_entries(question: Question) -> Rows:
    """What stands behind each distinct tuple: rows, a bit per value, people per value; int64 (tuples, …)."""
    counts = question.counts
    marked, counted = columns_counted(question)
    parts = [counts.rows.reshape(-1, 1)]
    for name in marked:
        held, bits = counts.sensitive[name].held, np.zeros((counts.n_tuples, 1), np.int64)
        for owner, item in zip(held.owner.tolist(), held.item.tolist(), strict=True):
            if item < counts.sensitive[name].known:
                bits[owner] |= np.int64(np.uint64(1 << item).astype(np.int64))
        parts.append(bits)
    for name in counted:
        column = counts.sensitive[name]
        people = np.zeros((counts.n_tuples, column.size), np.int64)
        assert column.held.number is not None
        people[column.held.owner, column.held.item] = column.held.number
        parts.append(people)
    return np.hstack(parts)


def grouped(question: Question, codes: Rows, entries: Rows, node: Node) -> Rows:
    """The classes of tuples at a node, in order of their labels: labels, rows, bits, people; int64."""
    ladders, marks = question.counts.ladders, len(columns_counted(question)[0])
    labels = np.stack(
        [
            ladder.label_codes[level][codes[:, j]]
            for j, (ladder, level) in enumerate(zip(ladders, node, strict=True))
        ],
        axis=1,
    )
    keys, class_of = np.unique(labels, axis=0, return_inverse=True)
    merged = np.zeros((len(keys), entries.shape[1]), np.int64)
    np.add.at(merged, class_of.ravel(), entries)
    bits = np.zeros((len(keys), marks), np.int64)
    np.bitwise_or.at(bits, class_of.ravel(), entries[:, 1 : 1 + marks])
    merged[:, 1 : 1 + marks] = bits
    return np.hstack([keys, merged])


def arena_codes(problem: Problem, words: NDArray[np.uint16]) -> Rows:
    """The base codes of packed tuples; int64 (tuples, m)."""
    packing = problem.packing
    codes = np.zeros((len(words), len(packing.values)), np.int64)
    for chunk in range(words.shape[1]):
        number = words[:, chunk].astype(np.int64)
        for place in range(packing.column_starts[chunk + 1] - 1, packing.column_starts[chunk] - 1, -1):
            number, codes[:, packing.order[place]] = np.divmod(number, packing.values[packing.order[place]])
        assert not number.any()
    return codes


def arena_entries(arena: Arena, begin: int, end: int) -> Rows:
    """Rows, bits and people of the arena's entries, as ``base_entries`` has them."""
    parts = (
        arena.rows[begin:end].reshape(-1, 1),
        arena.marks[begin:end].view(np.int64),
        arena.held[begin:end],
    )
    return np.hstack([part.astype(np.int64) for part in parts])


def held_at(question: Question, problem: Problem, part: slice, node: Node) -> Rows:
    """A part of the arena as classes at a node, as ``grouped`` has them."""
    codes = arena_codes(problem, problem.arena.words[part])
    return grouped(question, codes, arena_entries(problem.arena, part.start, part.stop), node)


def tables(arena: Arena) -> list[tuple[np.uint64, slice]]:
    """The arena's tables: their node's word and their place."""
    return [
        (arena.nodes[t], slice(int(arena.starts[t]), int(arena.starts[t] + arena.lengths[t])))
        for t in range(int(arena.registers[TABLES]))
    ]
