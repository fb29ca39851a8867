"""Every one of the 12,960 transformations of Adult against a brute force that was made elsewhere.

Source: golden/adult9_k5_full_lattice.csv, k = 5, nine quasi-identifiers: classes, kept classes, suppressed
records and loss of every node.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import expm1

import numpy as np
import pytest

from anonymizer.counting.classes import Ladders, Node, base_classes, roll_up
from anonymizer.counting.counts import Counts, count
from anonymizer.criteria import KAnonymity
from anonymizer.judging.judgement import judge
from anonymizer.measuring.affine import AffineMetric
from anonymizer.metrics import Loss
from anonymizer.search.compiled_explorer import Compiled
from anonymizer.search.evaluation import assess
from anonymizer.search.rollup import TABLES, Arena, keep
from tests.conftest import SHARED, needs_shared
from tests.known_answers.arx import loss_answers
from tests.properties.explorers import Opened, Question

FILE = SHARED / "golden" / "adult9_k5_full_lattice.csv"
CRITERIA = (KAnonymity(5),)
pytestmark = needs_shared


@dataclass(frozen=True, slots=True)
class Row:
    """What the file says about a node."""

    node: Node
    classes: int
    kept: int
    suppressed: int
    loss: float

    @property
    def rank(self) -> tuple[float, int, int, Node]:
        # The file's decimals end at the fifteenth: what differs less is a tie.
        return round(self.loss, 11), self.suppressed, sum(self.node), self.node

    def costs(self, total: float) -> bool:
        """Whether a search's total is this loss."""
        return abs(expm1(total) - self.loss) <= 1e-9


@cache
def full_lattice() -> tuple[Row, ...]:
    with FILE.open(encoding="utf-8") as file:
        next(file)
        return tuple(_rows(csv.reader(file, delimiter=";")))


def _rows(lines: Iterator[list[str]]) -> Iterator[Row]:
    for node, classes, kept, suppressed, loss in lines:
        yield Row(tuple(map(int, node.split(","))), int(classes), int(kept), int(suppressed), float(loss))


@cache
def counts() -> Counts:
    adult9 = next(answer for answer in loss_answers() if answer.name == "adult9_k5_s2_loss")
    return count(adult9.table, CRITERIA)


def test_the_file_holds_every_node_once() -> None:
    sizes = [ladder.top + 1 for ladder in counts().ladders]
    assert len({row.node for row in full_lattice()}) == len(full_lattice()) == 12_960
    assert [max(levels) + 1 for levels in zip(*(row.node for row in full_lattice()), strict=True)] == sizes


def sources(arena: Arena, word: np.uint64, guard: np.uint64) -> list[int]:
    """The tables that a node can be rolled up from, the smallest first."""
    held = int(arena.registers[TABLES])
    below = np.flatnonzero(((word | guard) - arena.nodes[:held]) & guard == guard)
    return below[np.argsort(arena.lengths[below])].tolist()


@pytest.mark.parametrize("room", ["plenty", "little"])
def test_the_compiled_search_evaluates_every_node_as_in_the_file(room: str) -> None:
    """From the smallest table at hand, from the base and from others; with little room few are at hand."""
    everything = Question(counts(), CRITERIA, Fraction(1))
    explorer = everything.explorer("compiled" if room == "plenty" else "crowded")
    assert isinstance(explorer, Compiled)
    opened, problem, wrong = Opened.of(everything, "compiled"), explorer.problem, []
    guard, draw = opened.lattice.fields.guard[0], np.random.default_rng(20261122)
    for i in draw.permutation(len(full_lattice()))[:: 1 if room == "plenty" else 3].tolist():
        row = full_lattice()[i]
        word = opened.word(row.node)
        below = sources(problem.arena, word, guard)
        source = below[0] if i % 3 else int(draw.choice(below))
        problem.scratch.levels[:] = row.node
        found = assess(problem, source)
        counted = found.classes, found.kept, found.suppressed
        if counted != (row.classes, row.kept, row.suppressed) or not row.costs(found.total):
            wrong.append(row)
        if 2 * found.classes <= problem.arena.lengths[source]:
            keep(problem.arena, word, found.classes)
    assert not wrong


def test_the_general_search_evaluates_every_node_as_in_the_file() -> None:
    """From node to node: at[j] are the last classes whose levels after column j are all 0."""
    ladders, metric = Ladders.of(counts()), AffineMetric.of(counts(), Loss())
    at = [base_classes(counts())] * len(counts().ladders)
    wrong = []
    for row in full_lattice():
        last = max((j for j, level in enumerate(row.node) if level), default=0)
        classes = roll_up(counts(), ladders, at[last], row.node)
        at[last:] = [classes] * (len(at) - last)
        broken = judge(counts(), classes, CRITERIA).broken
        rows = np.where(broken, classes.rows, 0)
        cover = metric.suppressed_cover(counts(), ladders, classes, rows)
        counted = len(classes), len(classes) - int(broken.sum()), int(rows.sum())
        total = metric.total(row.node, cover, int(rows.sum()))
        if counted != (row.classes, row.kept, row.suppressed) or not row.costs(total):
            wrong.append(row)
    assert not wrong


@pytest.mark.parametrize("path", ["compiled", "crowded", "general"])
@pytest.mark.parametrize("percent", [0, 1, 2, 3, 5, 10, 50, 100])
def test_the_search_finds_the_least_loss_of_the_file(percent: int, path: str) -> None:
    allowed = [row for row in full_lattice() if row.suppressed * 100 <= percent * counts().n_rows]
    best = min(allowed, key=lambda row: row.rank)
    solution = Question(counts(), CRITERIA, Fraction(percent, 100)).solution(path)
    assert solution is not None
    assert tuple(solution.transformation.values()) == best.node
    assert solution.score == pytest.approx(best.loss, abs=1e-9, rel=0)
    assert (solution.classes, solution.suppressed) == (best.kept, best.suppressed)
    assert (solution.optimal, solution.bound) == (True, solution.score)
