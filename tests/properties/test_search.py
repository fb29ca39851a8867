"""Laws of the search: it finds what trying every transformation finds, whatever the order of the rows."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from anonymizer.counting.counts import count
from anonymizer.criteria import Criterion
from anonymizer.errors import CriteriaNotMet
from anonymizer.metrics import Metric
from anonymizer.search.search import search
from anonymizer.search.solution import Solution
from tests.properties.definitions import Definitions, Task
from tests.properties.definitions_population import World
from tests.properties.explorers import Question
from tests.properties.laws import law
from tests.properties.tasks import counts_of, tasks
from tests.properties.test_optimum import LIMITS, METRICS, question
from tests.properties.worlds import CRITERIA, worlds

ANY_METRIC = st.sampled_from(sorted(METRICS)).flatmap(METRICS.__getitem__)


def found(task: Task) -> Solution:
    return search(counts_of(task), task.criteria, task.limit)


def same_as_brute_force(task: Task) -> None:
    definitions = Definitions.of(task)
    best = definitions.optimum()
    event("solvable" if best else "criteria cannot be met")
    if best is None:
        with pytest.raises(CriteriaNotMet):
            found(task)
        return
    solution = found(task)
    event(f"nodes evaluated: {'all' if solution.nodes_checked == solution.lattice_size else 'some'}")
    assert tuple(solution.transformation.values()) == best.node
    assert tuple(solution.transformation) == tuple(f"q{j}" for j in range(len(task.domains)))
    assert (solution.classes, solution.suppressed) == (len(best.kept), best.suppressed)
    assert solution.score == pytest.approx(definitions.score(best), abs=1e-9)
    assert (solution.optimal, solution.metric) == (True, "loss")
    assert solution.lattice_size == prod(
        high - low + 1 for low, high in zip(task.lowest, task.highest, strict=True)
    )
    assert 1 <= solution.nodes_checked <= solution.lattice_size


@law(300)
@given(tasks())
def test_the_search_finds_what_trying_every_transformation_finds(task: Task) -> None:
    same_as_brute_force(task)


@law(150)
@given(tasks(repeated=True))
def test_the_search_counts_distinct_people_where_they_have_several_rows(task: Task) -> None:
    same_as_brute_force(task)


@law(60)
@given(tasks(most_rows=40))
def test_the_search_is_right_on_larger_tables(task: Task) -> None:
    same_as_brute_force(task)


@law(100)
@given(tasks(every=True), ANY_METRIC, st.data())
def test_permuting_the_rows_changes_nothing(task: Task, spec: Metric, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(task.rows))))
    permuted = replace(
        task,
        rows=tuple(task.rows[i] for i in order),
        people=tuple(task.people[i] for i in order),
        sensitive={name: tuple(cells[i] for i in order) for name, cells in task.sensitive.items()},
    )
    assert question(permuted, spec).solution() == question(task, spec).solution()


@law(60)
@given(worlds(), CRITERIA, ANY_METRIC, LIMITS, st.data())
def test_nor_does_it_where_the_smallest_classes_go_first(
    world: World, criteria: list[Criterion], spec: Metric, limit: Fraction, data: st.DataObject
) -> None:
    """Which of the smallest classes are suppressed depends on their labels, not on where they stand."""
    order = data.draw(st.permutations(range(len(world.rows))))
    permuted = replace(
        world,
        rows=tuple(world.rows[i] for i in order),
        people=tuple(world.people[i] for i in order),
        sets=tuple(world.sets[i] for i in order),
        population=tuple(data.draw(st.permutations(world.population))),
    )
    first, second = (
        Question(count(each.table, criteria, also=["q0"]), criteria, limit, spec).solution()
        for each in (world, permuted)
    )
    assert first == second


@law(60)
@given(tasks())
def test_a_higher_suppression_limit_never_costs_more(task: Task) -> None:
    definitions = Definitions.of(task)
    scores = []
    for limit in sorted({task.limit, (1 + task.limit) / 2}):
        try:
            scores.append(found(replace(task, limit=limit)).score)
        except CriteriaNotMet:
            assert not scores or definitions.optimum() is None
    assert scores == sorted(scores, reverse=True)
