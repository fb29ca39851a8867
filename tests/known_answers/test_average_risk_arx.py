"""Average risk on Adult beside the reference system (ARX 3.9; golden/arx.json and its ``corrections``)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from anonymizer.counting.classes import Classes, Ladders, base_classes, roll_up
from anonymizer.counting.counts import Counts, count
from anonymizer.criteria import AverageRisk, KAnonymity
from anonymizer.judging.judgement import judge
from anonymizer.judging.sample_criteria import least_suppressed, suppressed_classes
from anonymizer.search.search import search
from tests.conftest import needs_shared
from tests.known_answers.arx import document, loss_answers

pytestmark = needs_shared
CRITERIA = (AverageRisk(Fraction("0.1")),)


def reference() -> dict[str, object]:
    """The one case with a criterion of the sample."""
    return next(dict(case) for case in document()["cases"] if case["name"] == "adult9_avgrisk01_s2_loss")


@pytest.fixture(scope="module")
def counts() -> Counts:
    table = next(answer for answer in loss_answers() if answer.name == "adult9_k5_s2_loss").table
    return count(table, CRITERIA)


def at(counts: Counts, node: tuple[int, ...]) -> Classes:
    return roll_up(counts, Ladders.of(counts), base_classes(counts), node)


def test_as_few_of_the_smallest_classes_go_as_the_reference_suppresses(counts: Counts) -> None:
    """29,978 records in 2,997 classes keep the limit; 184 of 1,612 singletons are suppressed."""
    case = reference()
    classes = at(counts, tuple(case["optimum"]))  # type: ignore[arg-type]
    suppressed = suppressed_classes(counts, classes, judge(counts, classes, CRITERIA).broken, CRITERIA)
    kept = classes.rows[~suppressed]

    assert (len(kept), int(kept.sum())) == (case["classes"], case["records"]) == (2997, 29978)
    assert int(classes.rows[suppressed].sum()) == case["suppressed"] == 184
    assert set(classes.rows[suppressed].tolist()) == {1}
    assert int((classes.rows == 1).sum()) == 1612
    # one class fewer would not do
    assert 10 * len(kept) <= kept.sum() < 10 * (len(kept) + 1) - 1


def test_the_search_finds_the_references_optimum(counts: Counts) -> None:
    """The score differs by which singletons go: the reference breaks such ties by its record index."""
    case = reference()
    solution = search(counts, CRITERIA, Fraction("0.02"))
    assert list(solution.transformation.values()) == case["optimum"]
    assert (solution.classes, solution.suppressed) == (2997, 184)
    assert solution.score == pytest.approx(float(str(case["score"])), abs=2e-4)
    assert solution.optimal


def test_the_fewest_suppressed_never_fall_from_a_node_to_its_specialisations(counts: Counts) -> None:
    node = (1, 4, 1, 2, 3, 2, 2, 2, 1)
    criteria = (*CRITERIA, KAnonymity(2))
    draw = np.random.default_rng(20261122)
    for _ in range(12):
        general, least = node, -1
        while any(general):
            found = least_suppressed(counts, at(counts, general), criteria)
            assert found >= least
            least = found
            j = int(draw.choice([j for j, level in enumerate(general) if level]))
            general = (*general[:j], general[j] - 1, *general[j + 1 :])
