"""Laws of the lattice during a search: no bound lies above what it bounds, and nothing better is dropped."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from anonymizer.counting.counts import count
from anonymizer.criteria import Criterion
from anonymizer.errors import CriteriaNotMet
from anonymizer.search.lattice import CHECKED, TOTAL, least_bound
from anonymizer.search.search import Effort, search
from tests.properties.definitions import Task
from tests.properties.definitions_population import World
from tests.properties.explorers import PATHS, Opened, Question, assessments
from tests.properties.laws import law
from tests.properties.tasks import tasks
from tests.properties.test_optimum import BY_COLUMN, LIMITS, METRICS, is_compiled, question
from tests.properties.worlds import CRITERIA, worlds

ROUNDING = 1e-9


def every_step_is_admissible(asked: Question, path: str) -> None:
    """Whether, node by node, bounds stay below the true totals and what is dropped is no better."""
    opened = Opened.of(asked, path)
    truth = {node: found.total for node, found in assessments(asked).items()}
    slack = ROUNDING * max(1.0, *(abs(total) for total in truth.values() if total < np.inf), 0.0)
    alive, steps = opened.alive(), 0
    assert alive.keys() == truth.keys()
    while True:
        assert all(bound <= truth[node] + slack for node, bound in alive.items())
        assert least_bound(opened.lattice) <= min(truth.values()) + slack
        ended, left = opened.step(), opened.alive()
        steps += not ended
        assert opened.lattice.registers[CHECKED] == steps
        assert left.keys() <= alive.keys()
        best = float(opened.lattice.best[TOTAL])
        assert all(truth[node] >= best - slack for node in alive.keys() - left.keys())
        if ended:
            event(f"nodes evaluated: {'all' if steps == len(truth) else 'some'}")
            assert not left
            return
        alive = left


@pytest.mark.parametrize("metric", BY_COLUMN)
@law(16)
@given(task=tasks(every=True, repeated=False), data=st.data())
def test_no_bound_of_the_compiled_search_lies_above_the_total(
    metric: str, task: Task, data: st.DataObject
) -> None:
    asked = question(task, data.draw(METRICS[metric]))
    assert is_compiled(asked)
    every_step_is_admissible(asked, data.draw(st.sampled_from(["compiled", "crowded"])))


@pytest.mark.parametrize("metric", METRICS)
@law(10)
@given(task=tasks(every=True), data=st.data())
def test_no_bound_of_the_general_search_lies_above_the_total(
    metric: str, task: Task, data: st.DataObject
) -> None:
    every_step_is_admissible(question(task, data.draw(METRICS[metric])), "general")


@law(60)
@given(worlds(), CRITERIA, st.sampled_from(sorted(METRICS)).flatmap(METRICS.__getitem__), LIMITS)
def test_no_bound_lies_above_the_total_under_criteria_of_a_population_and_the_whole_release(
    world: World, criteria: list[Criterion], spec: object, limit: Fraction
) -> None:
    asked = Question(count(world.table, criteria, also=["q0"]), criteria, limit, spec)  # type: ignore[arg-type]
    every_step_is_admissible(asked, "general")


@law(60)
@given(tasks(every=True), st.sampled_from(sorted(METRICS)).flatmap(METRICS.__getitem__), st.data())
def test_a_search_that_stops_early_tells_how_much_better_the_optimum_can_be(
    task: Task, spec: object, data: st.DataObject
) -> None:
    asked = question(task, spec)  # type: ignore[arg-type]
    whole = asked.solution()
    assume(whole)
    assert whole is not None
    for path in PATHS if is_compiled(asked) else ["general"]:
        most = data.draw(st.integers(1, whole.nodes_checked + 1))
        found, again = (asked.solution(path, max_nodes=most) for _ in range(2))
        assert found == again
        if found is None:
            continue
        near = ROUNDING * max(1.0, abs(whole.score))
        assert found.nodes_checked <= most
        assert found.bound - near <= whole.score <= found.score + near
        assert found.optimal or found.nodes_checked == most
        event(f"optimal: {found.optimal}")


@law(40)
@given(tasks(every=True), st.sampled_from(sorted(METRICS)).flatmap(METRICS.__getitem__))
def test_the_first_nodes_are_the_same_however_many_may_follow(task: Task, spec: object) -> None:
    asked = question(task, spec)  # type: ignore[arg-type]
    whole = asked.solution()
    assume(whole)
    assert whole is not None
    assert asked.solution(max_nodes=whole.nodes_checked) == whole
    assert asked.solution(max_nodes=whole.nodes_checked + 7) == whole
    traced = whole.trace
    for improvement in traced[:3]:
        cut = asked.solution(max_nodes=improvement.nodes_checked)
        assert cut is not None
        assert cut.trace == tuple(t for t in traced if t.nodes_checked <= improvement.nodes_checked)
        assert cut.score == improvement.score


@law(40)
@given(tasks(every=True), st.sampled_from(sorted(METRICS)).flatmap(METRICS.__getitem__))
def test_what_is_told_on_the_way_holds(task: Task, spec: object) -> None:
    """The best so far gets better only, the bound stays below the optimum; out of time, both stand."""
    asked, told = question(task, spec), list[tuple[int, float | None, float]]()  # type: ignore[arg-type]
    whole = asked.solution()
    assume(whole)
    assert whole is not None

    def progress(nodes: int, best: float | None, bound: float) -> None:
        told.append((nodes, best, bound))

    goal, near = (asked.counts, task.criteria, task.limit), ROUNDING * max(1.0, abs(whole.score))
    search(*goal, metric=asked.metric, progress=progress)
    assert [nodes for nodes, _, _ in told] == sorted(nodes for nodes, _, _ in told)
    scores = [best for _, best, _ in told if best is not None]
    assert scores == sorted(scores, reverse=True)
    assert all(score >= whole.score - near for score in scores)
    assert all(bound <= whole.score + near for _, _, bound in told)
    try:
        late = search(*goal, metric=asked.metric, effort=Effort(time_limit_s=0.0))
    except CriteriaNotMet:
        return
    assert late.bound - near <= whole.score <= late.score + near
    assert late.optimal == (late.nodes_checked == whole.nodes_checked)
