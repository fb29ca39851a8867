"""Classes kept and records suppressed at the reference system's optimum (ARX 3.9; golden/arx.json)."""

from __future__ import annotations

from functools import lru_cache

import pytest

from anonymizer.counting.classes import Ladders, base_classes, roll_up
from anonymizer.counting.counts import Counts, count
from anonymizer.criteria import TCloseness
from anonymizer.judging.judgement import judge
from tests.conftest import needs_shared
from tests.known_answers.arx import Answer, sensitive_answers

ANSWERS = sensitive_answers()
pytestmark = needs_shared
EXACTLY = {"adult8_k5_entropyl3_s5_loss": (262, 1_174), "adult8_k5_entropyl3_s100_loss": (329, 2_036)}
"""ARX refuses exactly uniform classes; its `corrections` say what the exact rule gives."""


@lru_cache(maxsize=1)
def counts(answer: Answer) -> Counts:
    return count(answer.table, answer.criteria)


def test_every_kind_of_criterion_on_a_sensitive_column_is_there() -> None:
    criteria = [criterion for answer in ANSWERS for criterion in answer.criteria]
    assert len(ANSWERS) == 34
    assert {criterion.name for criterion in criteria} == {
        "k-anonymity",
        "distinct l-diversity",
        "entropy l-diversity",
        "recursive (c, l)-diversity",
        "t-closeness",
    }
    assert {c.distance for c in criteria if isinstance(c, TCloseness)} == {"equal", "ordered", "hierarchical"}


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: answer.name)
def test_the_same_classes_are_kept(answer: Answer) -> None:
    table = counts(answer)
    classes = roll_up(table, Ladders.of(table), base_classes(table), answer.optimum)
    judgement = judge(table, classes, answer.criteria)
    kept = int((~judgement.broken).sum()), int(classes.rows[judgement.broken].sum())
    assert kept == EXACTLY.get(answer.name, (answer.classes, answer.suppressed))
    assert (judgement.lost <= classes.rows * judgement.broken).all()
