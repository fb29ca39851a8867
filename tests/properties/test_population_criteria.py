"""Laws of the criteria about a population, about code sets and about the release as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.counting.classes import Ladders, base_classes, roll_up
from anonymizer.counting.counts import Counts, count
from anonymizer.criteria import (
    Criterion,
    KAnonymity,
    KMAnonymity,
    KMap,
    MaxRisk,
    SampleCriterion,
    in_every_class,
)
from anonymizer.errors import CriteriaNotMet
from anonymizer.judging.judgement import judge
from anonymizer.judging.sample_criteria import hold, least_suppressed, suppressed_classes
from anonymizer.metrics import Discernibility, Loss, Metric, Precision
from anonymizer.search.search import search
from anonymizer.transforming.transformation import suppressed_tuples, transform
from release.verifying.promise import Promise
from release.verifying.verify import verify
from tests.properties.definitions import Node
from tests.properties.definitions_population import CODES, World, meets
from tests.properties.worlds import CLASS_CRITERIA, CRITERIA, SAMPLE_CRITERIA, worlds
from tests.small_release import staged

THOROUGH = settings(max_examples=120, deadline=None)


def suppressed_rows(world: World, counts: Counts, criteria: Sequence[Criterion], node: Node) -> set[int]:
    removed = suppressed_tuples(counts, criteria, node)
    return set(np.flatnonzero(removed[counts.tuple_of_row]).tolist())


def kept(classes: dict[object, list[int]]) -> set[int]:
    return {row for members in classes.values() for row in members}


@THOROUGH
@given(worlds(), CRITERIA)
def test_a_class_is_released_exactly_if_the_definitions_say_so(
    world: World, criteria: list[Criterion]
) -> None:
    counts = count(world.table, criteria)
    everyone = set(range(len(world.rows)))
    for node in world.nodes:
        released = kept(world.released(node, criteria))  # type: ignore[arg-type]
        assert suppressed_rows(world, counts, criteria, node) == everyone - released


@THOROUGH
@given(worlds(), st.lists(CLASS_CRITERIA, min_size=1, max_size=2))
def test_what_counts_as_lost_is_suppressed_in_every_specialisation(
    world: World, criteria: list[Criterion]
) -> None:
    counts = count(world.table, criteria)
    ladders, base = Ladders.of(counts), base_classes(counts)
    kept_at = {node: kept(world.passing(node, criteria)) for node in world.nodes}  # type: ignore[arg-type]
    for node in world.nodes:
        classes = roll_up(counts, ladders, base, node)
        judgement = judge(counts, classes, criteria)
        rows = {world.key(world.rows[members[0]], node): members for members in world.classes(node).values()}
        by_class = [
            _rows_of(world, counts, classes.representatives[c], node, rows) for c in range(len(classes))
        ]
        for finer in world.nodes:
            if all(f <= n for f, n in zip(finer, node, strict=True)):
                for members, lost in zip(by_class, judgement.lost, strict=True):
                    assert len(set(members) - kept_at[finer]) >= lost


def _rows_of(
    world: World, counts: Counts, tuple_: int, node: Node, rows: dict[object, list[int]]
) -> list[int]:
    labels = tuple(
        ladder.labels[level][counts.codes[tuple_, j]]
        for j, (ladder, level) in enumerate(zip(counts.ladders, node, strict=True))
    )
    return rows.get(labels, [])


@THOROUGH
@given(worlds(), CRITERIA)
def test_the_fewest_suppressed_bound_every_specialisation(world: World, criteria: list[Criterion]) -> None:
    counts = count(world.table, criteria)
    ladders, base = Ladders.of(counts), base_classes(counts)
    rows = len(world.rows)
    suppressed = {n: rows - len(kept(world.released(n, criteria))) for n in world.nodes}  # type: ignore[arg-type]
    for node in world.nodes:
        least = least_suppressed(counts, roll_up(counts, ladders, base, node), criteria)
        for finer in world.nodes:
            if all(f <= n for f, n in zip(finer, node, strict=True)):
                assert suppressed[finer] >= least


@settings(max_examples=60, deadline=None)
@given(worlds(), CRITERIA, st.sampled_from(["0", "0.25", "0.5", "1"]))
def test_the_search_finds_the_best_of_all_transformations(
    world: World, criteria: list[Criterion], limit: str
) -> None:
    counts = count(world.table, criteria)
    ladders, base = Ladders.of(counts), base_classes(counts)
    allowed = []
    for node in world.nodes:
        classes = roll_up(counts, ladders, base, node)
        broken = suppressed_classes(counts, classes, judge(counts, classes, criteria).broken, criteria)
        suppressed = int(classes.rows[broken].sum())
        if suppressed <= Fraction(limit) * len(world.rows) and not broken.all():
            allowed.append((_precision_lost(world, node, suppressed), suppressed, sum(node), node))
    try:
        solution = search(counts, criteria, Fraction(limit), metric=Precision())
    except CriteriaNotMet:
        assert all(len(world.rows) == suppressed for _, suppressed, _, _ in allowed)
        return
    best = min(allowed)
    assert tuple(solution.transformation.values()) == best[3]
    assert solution.score == pytest.approx(float(best[0]), abs=1e-12)


def _precision_lost(world: World, node: Node, suppressed: int) -> Fraction:
    """The mean height of all cells, suppressed ones at the top."""
    rows = len(world.rows)
    heights = [
        (Fraction(level, domain.top) * (rows - suppressed) + suppressed) / rows if domain.top else Fraction(0)
        for level, domain in zip(node, world.domains, strict=True)
    ]
    return sum(heights, Fraction(0)) / len(heights)


@settings(max_examples=60, deadline=None)
@given(worlds(), st.integers(1, 3), st.sampled_from([Loss(), Precision(), Discernibility()]))
def test_a_population_that_asks_for_nothing_changes_nothing(world: World, k: int, metric: Metric) -> None:
    """Tuples that only the population has count nowhere: not in the loss, nor as classes."""
    solutions = []
    for criteria in ([KAnonymity(k)], [KAnonymity(k), KMap(1)]):
        try:
            found = search(count(world.table, criteria), criteria, Fraction(1, 3), metric=metric)
            solutions.append((found.transformation, found.score, found.classes, found.suppressed))
        except CriteriaNotMet:
            solutions.append((None, 0.0, 0, 0))
    (node, score, *others), (again, score_again, *others_again) = solutions
    assert (node, others) == (again, others_again)
    # One of them runs compiled, the other does not: sums may differ in their last bit.
    assert score == pytest.approx(score_again, abs=1e-12)


@THOROUGH
@given(
    worlds(),
    CRITERIA,
    st.sampled_from(["0.25", "0.5", "1"]),
    st.sampled_from(["drop", "star"]),
    st.sampled_from([None, 1, 2, 3]),
)
def test_what_the_search_finds_the_verifier_accepts(
    world: World,
    criteria: list[Criterion],
    limit: str,
    suppressed: Literal["drop", "star"],
    repaired: int | None,
) -> None:
    if repaired is not None:
        criteria = [c for c in criteria if not isinstance(c, KMAnonymity)]
        criteria.append(KMAnonymity(CODES, 2, repaired, repair=True))
    counts = count(world.table, criteria)
    try:
        solution = search(counts, criteria, Fraction(limit))
    except CriteriaNotMet:
        return
    done = transform(world.table, counts, solution, criteria, suppressed=suppressed)
    promise = Promise(
        world.table,
        "t",
        ("csv", "parquet"),
        solution.transformation,
        tuple(criteria),
        Fraction(limit),
        suppressed,
        removed_codes=done.removed_codes,
    )
    with TemporaryDirectory() as folder, staged(Path(folder), promise, done.frame) as stage:
        verified = verify(stage.staging, promise)
    assert verified.suppressed == solution.suppressed


@THOROUGH
@given(SAMPLE_CRITERIA, st.lists(st.integers(1, 30), max_size=20))
def test_what_a_recoding_asks_of_every_class_is_enough_for_the_whole_release(
    criterion: SampleCriterion, sizes: list[int]
) -> None:
    enough = in_every_class(criterion)
    assert isinstance(enough, KAnonymity | MaxRisk)
    large = [size for size in sizes if size >= enough.k]
    assert meets(large, criterion)
    assert hold(np.array(large, np.int64), [criterion])
