"""Optimum, score, classes and suppressed records of the reference system (ARX 3.9; golden/arx.json)."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import prod

import pytest

from anonymizer.counts import Counts, count
from anonymizer.search import search
from tests.conftest import needs_shared
from tests.known_answers.arx import Answer, loss_answers

ANSWERS = loss_answers()
pytestmark = needs_shared


@lru_cache(maxsize=1)
def counts(answer: Answer) -> Counts:
    return count(answer.table, answer.criteria)


def test_all_25_configurations_are_there() -> None:
    assert len(ANSWERS) == 25
    assert {answer.dataset for answer in ANSWERS} == {"adult", "diabetes"}
    assert {answer.limit for answer in ANSWERS} == {Fraction(n, 100) for n in (0, 2, 5, 100)}
    assert {type(c).__name__ for a in ANSWERS for c in a.criteria} == {"KAnonymity", "DistinctLDiversity"}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_the_search_finds_the_references_optimum(answer: Answer) -> None:
    solution = search(counts(answer), answer.criteria, answer.limit)
    assert solution.transformation == dict(zip(answer.quasi_identifiers, answer.optimum, strict=True))
    assert solution.score == pytest.approx(answer.score, abs=1e-8, rel=0)
    assert (solution.classes, solution.suppressed) == (answer.classes, answer.suppressed)
    assert solution.optimal
    assert solution.lattice_size == prod(ladder.top + 1 for ladder in counts(answer).ladders)
    # A search that lost its bounds would still be right, and no longer a branch and bound.
    assert solution.nodes_checked < answer.nodes_checked
