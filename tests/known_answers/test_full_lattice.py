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

import pytest

from anonymizer.classes import Ladders, Node, base_classes, roll_up
from anonymizer.counts import Counts, count
from anonymizer.criteria import KAnonymity
from anonymizer.judging import judge
from anonymizer.loss import score
from anonymizer.search import evaluate, open_lattice, search
from tests.conftest import SHARED, needs_shared
from tests.known_answers.arx import loss_answers

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


def test_every_node_is_evaluated_as_in_the_file() -> None:
    lattice = open_lattice(counts(), CRITERIA, Fraction(1))
    wrong = []
    for row in full_lattice():
        evaluation = evaluate(lattice, row.node)
        counted = evaluation.classes, evaluation.suppressed
        if counted != (row.kept, row.suppressed) or abs(score(evaluation.total) - row.loss) > 1e-9:
            wrong.append(row)
    assert not wrong


def test_rolling_up_from_node_to_node_gives_the_files_classes() -> None:
    ladders = Ladders.of(counts())
    # at[j]: the classes of the last node whose levels after column j are all 0, the next one's specialisation
    at = [base_classes(counts())] * len(counts().ladders)
    wrong = []
    for row in full_lattice():
        last = max((j for j, level in enumerate(row.node) if level), default=0)
        classes = roll_up(counts(), ladders, at[last], row.node)
        at[last:] = [classes] * (len(at) - last)
        broken = judge(counts(), classes, CRITERIA).broken
        found = len(classes), len(classes) - int(broken.sum()), int(classes.rows[broken].sum())
        if found != (row.classes, row.kept, row.suppressed):
            wrong.append(row)
    assert not wrong


@pytest.mark.parametrize("percent", [0, 1, 2, 3, 5, 10, 50, 100])
def test_the_search_finds_the_least_loss_of_the_file(percent: int) -> None:
    allowed = [row for row in full_lattice() if row.suppressed * 100 <= percent * counts().n_rows]
    best = min(allowed, key=lambda row: row.rank)
    solution = search(counts(), CRITERIA, Fraction(percent, 100))
    assert tuple(solution.transformation.values()) == best.node
    assert solution.score == pytest.approx(best.loss, abs=1e-9, rel=0)
    assert (solution.classes, solution.suppressed) == (best.kept, best.suppressed)
