"""Quality as ARX 3.9 measures it (golden/arx.json), and recoding of Adult beside ARX's local recoding."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any

import pytest

from anonymizer.counting.counts import Counts, count
from anonymizer.criteria import KAnonymity
from anonymizer.metrics import Loss
from anonymizer.recoding.local_recoding import recode_locally
from anonymizer.recoding.mondrian import recode_multidimensionally
from anonymizer.recoding.quality import quality
from anonymizer.recoding.recoding import Recoding, holds
from anonymizer.search.search import search
from anonymizer.transforming.transformation import suppressed_tuples
from tests.conftest import needs_shared
from tests.known_answers.arx import document, loss_answers

pytestmark = needs_shared


@lru_cache(maxsize=1)
def adult() -> Counts:
    answer = next(each for each in loss_answers() if each.name == "adult9_k5_s0_loss")
    return count(answer.table, [KAnonymity(5)])


def case(name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in document()["cases"] if each["name"] == name)
    return found


def at_node(levels: list[int], k: int) -> Recoding:
    """Global recoding with every class below k suppressed."""
    return Recoding.uniform(tuple(levels), suppressed_tuples(adult(), [KAnonymity(k)], tuple(levels)))


def local(gs: str, k: int = 5) -> dict[str, Any]:
    return case(f"adult9_k{k}_localrecoding_optimizeIterativeFast_gs{gs}")


@pytest.mark.parametrize("name", ["adult9_k5_s0_loss", "adult9_k5_s2_loss"])
def test_granularity_of_an_optimum_is_the_references(name: str) -> None:
    golden = case(name)
    found, expected = quality(adult(), at_node(golden["optimum"], 5)), golden["quality"]
    assert found.suppressed == golden["suppressed"]
    assert found.loss == pytest.approx(float(golden["score"]), abs=1e-8)
    assert found.granularity_arx == pytest.approx(expected["granularity_mean"], abs=1e-8)
    for column, figures in expected["per_attribute"].items():
        assert found.granularities[column] == pytest.approx(figures["granularity"], abs=1e-8)


def test_entropy_of_an_optimum_is_the_references() -> None:
    """Without suppressed rows: ARX compares those among themselves alone, we with everybody."""
    golden = case("adult9_k5_s0_loss")
    found, expected = quality(adult(), at_node(golden["optimum"], 5)), golden["quality"]
    assert found.entropy_arx == pytest.approx(expected["non_uniform_entropy_mean"], abs=1e-8)
    for column, figures in expected["per_attribute"].items():
        assert found.entropies[column] == pytest.approx(figures["entropy"], abs=1e-8)


@pytest.mark.parametrize("gs", ["0.0", "0.5"])
def test_the_optimum_that_arx_recodes_from_has_the_references_quality(gs: str) -> None:
    golden = local(gs)
    found = quality(adult(), at_node(golden["global_optimum"], 5))
    assert found.granularity_arx == pytest.approx(golden["global_quality"]["granularity_mean"], abs=1e-8)
    assert found.classes == golden["global_classes"]["classes"]


@pytest.mark.parametrize("way", ["optimizeIterative", "optimizeIterativeFast"])
@pytest.mark.parametrize("gs", ["0.0", "0.5"])
@pytest.mark.parametrize("k", [2, 5])
def test_the_optimum_that_arx_recodes_from_is_found(way: str, gs: str, k: int) -> None:
    golden = case(f"adult9_k{k}_localrecoding_{way}_gs{gs}")
    solution = search(adult(), [KAnonymity(k)], Fraction(1), metric=Loss(gs=Fraction(gs)))
    assert solution.optimal
    assert list(solution.transformation.values()) == golden["global_optimum"]
    figures = golden["global_classes"]
    assert (solution.classes, solution.suppressed) == (figures["classes"], figures["suppressed"])


@pytest.mark.parametrize("k", [2, 5])
def test_local_recoding_keeps_more_than_arx(k: int) -> None:
    """No row is suppressed; more is kept by the plain mean over columns, and by ARX's own mean."""
    criteria, golden = [KAnonymity(k)], local("0.0", k)["local_quality"]
    start = at_node(case("adult9_k5_s0_loss")["optimum"], k)
    recoding = recode_locally(adult(), criteria, start)
    found = quality(adult(), recoding)
    assert holds(adult(), recoding, criteria)
    assert found.suppressed == 0
    columns = golden["per_attribute"].values()
    assert found.granularity > sum(column["granularity"] for column in columns) / len(columns) + 0.009
    assert found.granularity_arx > golden["granularity_mean"] + 0.009
    assert found.granularity >= 0.95


def test_mondrian_keeps_adult_without_suppression() -> None:
    recoding = recode_multidimensionally(adult(), [KAnonymity(5)], 0)
    assert holds(adult(), recoding, [KAnonymity(5)])
    assert quality(adult(), recoding).granularity == pytest.approx(0.9243, abs=5e-5)
