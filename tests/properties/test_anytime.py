"""Laws of the search of lattices of any size: exact in the end, and bounded from both sides before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import inf
from unittest import mock

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from anonymizer.counting.counts import count, group
from anonymizer.criteria import Criterion, KAnonymity
from anonymizer.errors import CriteriaNotMet
from anonymizer.metrics import Loss, Metric
from anonymizer.search import search as searching
from anonymizer.search.anytime.anytime import Anytime
from anonymizer.search.anytime.opening import ROOM, Room, open_anytime
from anonymizer.search.courses import OverBoxes
from anonymizer.search.lattice import CHECKED, CLASSES, FOUND, SUPPRESSED, TOTAL
from anonymizer.search.search import Effort, search
from anonymizer.search.solution import Solution
from benchmarks.generated import CASES
from tests.properties.brute_force import Best, Everything
from tests.properties.definitions import Node, Task
from tests.properties.definitions_population import World
from tests.properties.explorers import PATHS, Question
from tests.properties.laws import law
from tests.properties.tasks import table_of, tasks
from tests.properties.test_optimum import LIMITS, METRICS
from tests.properties.worlds import CRITERIA, worlds

ROUNDING = 1e-9
NARROW = Room(boxes=1, insights=2, nodes=3)
ANY_METRIC = st.sampled_from(sorted(METRICS)).flatmap(METRICS.__getitem__)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search has found so far; ``best`` is ``None`` where it found nothing."""

    best: tuple[Node, float, int, int] | None
    bound: float
    nodes: int
    is_proven: bool


def question(task: Task, metric: Metric) -> Question:
    return Question(count(table_of(task), task.criteria, also=["q0"]), task.criteria, task.limit, metric)


def course(asked: Question, room: Room = ROOM, path: str = "compiled") -> OverBoxes:
    return OverBoxes.of(open_anytime(asked.counts, asked.prepared, room), asked.explorer(path))


def found(asked: Question, searched: OverBoxes) -> Found:
    registers, prepared = searched.state.registers, asked.prepared
    lowest = [ladder.lowest for ladder in asked.counts.ladders]
    levels = tuple(low + level for low, level in zip(lowest, searched.best_levels(), strict=True))
    score = prepared.score(float(searched.state.best[TOTAL])) if registers[FOUND] else 0.0
    best = (levels, score, int(registers[CLASSES]), int(registers[SUPPRESSED]))
    return Found(
        best if registers[FOUND] else None,
        prepared.score(searched.bound()) if registers[FOUND] or not searched.is_proven() else inf,
        int(registers[CHECKED]),
        searched.is_proven(),
    )


def to_the_end(asked: Question, room: Room = ROOM, path: str = "compiled") -> Found:
    searched, most = course(asked, room, path), 40 * asked.counts.lattice_size + 1000
    assert searched.explore(most), "no end in sight"
    return found(asked, searched)


def is_the_optimum(asked: Question, answer: Found, best: Best | None) -> None:
    event("solvable" if best else "criteria cannot be met")
    assert answer.is_proven
    assert (answer.best is None) == (best is None)
    if answer.best and best:
        node, score, classes, suppressed = answer.best
        assert (node, classes, suppressed) == (best.node, best.classes, best.suppressed)
        assert score == pytest.approx(best.score, abs=ROUNDING, rel=ROUNDING)


# the end ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS)
@law(30)
@given(task=tasks(every=True), data=st.data())
def test_without_open_boxes_the_best_node_is_the_optimum(
    metric: str, task: Task, data: st.DataObject
) -> None:
    spec = data.draw(METRICS[metric])
    asked, best = question(task, spec), Everything.of(task).best(spec, task.limit)
    for path in PATHS:
        is_the_optimum(asked, to_the_end(asked, path=path), best)


@law(80)
@given(worlds(), CRITERIA, ANY_METRIC, LIMITS)
def test_so_it_is_under_criteria_about_a_population_code_sets_and_the_whole_release(
    world: World, criteria: list[Criterion], spec: Metric, limit: Fraction
) -> None:
    asked = Question(count(world.table, criteria, also=["q0"]), criteria, limit, spec)
    is_the_optimum(asked, to_the_end(asked), Everything.of_world(world, criteria).best(spec, limit))


@law(120)
@given(tasks(every=True), ANY_METRIC)
def test_room_for_next_to_nothing_makes_no_search_wrong_or_endless(task: Task, spec: Metric) -> None:
    asked = question(task, spec)
    is_the_optimum(asked, to_the_end(asked, NARROW), Everything.of(task).best(spec, task.limit))


@law(60)
@given(tasks(every=True), ANY_METRIC)
def test_both_searches_give_the_same_answer(task: Task, spec: Metric) -> None:
    asked = question(task, spec)
    one, other = answer(asked, Effort()), answer(asked, Effort(anytime=True))
    if one is None or other is None:
        assert one is other
        return
    same = {"nodes_checked": 0, "trace": (), "seconds": 0.0, "score": 0.0, "bound": 0.0}
    assert replace(one, **same) == replace(other, **same)
    assert other.score == pytest.approx(one.score, abs=1e-10, rel=1e-11)
    assert other.bound == other.score
    assert 1 <= other.nodes_checked <= asked.counts.lattice_size


def answer(asked: Question, effort: Effort) -> Solution | None:
    try:
        return search(asked.counts, asked.criteria, asked.limit, metric=asked.metric, effort=effort)
    except CriteriaNotMet:
        return None


# before the end -----------------------------------------------------------------------------------


def every_step(asked: Question, room: Room = ROOM) -> Sequence[Found]:
    """What is found after every evaluation."""
    searched, steps = course(asked, room), []
    for _ in range(40 * asked.counts.lattice_size):
        is_done = searched.explore(1)
        steps.append(found(asked, searched))
        if is_done:
            break
    return steps


@law(100)
@given(tasks(every=True), ANY_METRIC, st.sampled_from([ROOM, NARROW]))
def test_the_optimum_always_lies_between_the_bound_and_the_best_score(
    task: Task, spec: Metric, room: Room
) -> None:
    asked, best = question(task, spec), Everything.of(task).best(spec, task.limit)
    for step in every_step(asked, room):
        if best is None:
            assert step.best is None
        else:
            slack = ROUNDING * max(1.0, abs(best.score))
            assert step.bound <= best.score + slack
            assert step.best is None or step.best[1] >= best.score - slack
        assert step.best is None or not step.is_proven or step.bound == step.best[1]


@law(100)
@given(tasks(), ANY_METRIC)
def test_more_nodes_never_make_the_score_or_the_bound_worse(task: Task, spec: Metric) -> None:
    steps = every_step(question(task, spec))
    for before, after in pairwise(steps):
        assert after.nodes >= before.nodes
        assert after.bound >= before.bound - ROUNDING * max(1.0, abs(before.bound))
        assert before.best is None or (after.best and after.best[1] <= before.best[1] + ROUNDING)


@law(40)
@given(tasks(most_rows=30), st.integers(1, 30))
def test_a_number_of_nodes_gives_one_answer_however_it_is_reached(task: Task, nodes: int) -> None:
    asked = question(task, Loss())
    limited = [answer(asked, Effort(max_nodes=nodes, anytime=True)) for _ in range(2)]
    in_steps = course(asked)
    while in_steps.state.registers[CHECKED] < nodes and not in_steps.explore(1):
        pass
    registers = in_steps.state.registers
    for each in limited:
        assert (each is None) == (not registers[FOUND])
        if each:
            assert each.nodes_checked == registers[CHECKED] <= nodes
            assert each.score == pytest.approx(asked.prepared.score(float(in_steps.state.best[TOTAL])))
            assert replace(each, seconds=0.0) == replace(limited[0] or each, seconds=0.0)


@law(40)
@given(tasks(most_rows=30), st.integers(1, 60))
def test_either_path_evaluates_the_same_nodes(task: Task, nodes: int) -> None:
    asked = question(task, Loss())
    searched = {path: course(asked, path=path) for path in PATHS}
    for each in searched.values():
        each.explore(nodes)
    answers = [found(asked, each) for each in searched.values()]
    assert len({each.nodes for each in answers}) == 1
    assert len({each.best and each.best[0] for each in answers}) == 1
    assert answers[0].bound == pytest.approx(answers[1].bound, abs=ROUNDING)


# the clock ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Clocked:
    """A search whose steps take so long, the last for ever, by a clock of its own."""

    course: OverBoxes
    steps_s: list[float]
    now_s: float
    last_s: float = 0.0

    @property
    def state(self) -> Anytime:
        return self.course.state  # type: ignore[return-value]

    def explore(self, most_steps: int) -> bool:
        for _ in range(most_steps):
            self.last_s = self.steps_s.pop(0) if len(self.steps_s) > 1 else self.steps_s[0]
            self.now_s += self.last_s
        return False

    def is_proven(self) -> bool:
        return False

    def bound(self) -> float:
        return 0.0

    def best_levels(self) -> Node:
        return self.course.best_levels()


@law(100)
@given(tasks(most_rows=3), st.floats(1e-3, 0.5), st.floats(0.01, 5), st.floats(0, 1))
def test_a_time_limit_is_passed_by_one_step(
    task: Task, step_s: float, limit_s: float, opening_s: float
) -> None:
    """Also where steps become slower, twice as slow on the way; what opening the search took counts."""
    steps_s = [step_s * (1 + i / 1000) for i in range(1000)]
    clocked = Clocked(course(question(task, Loss()), NARROW), steps_s, opening_s)
    with mock.patch.object(searching, "time", mock.Mock(perf_counter=lambda: clocked.now_s)):
        effort = Effort(time_limit_s=limit_s, anytime=True)
        prepared = question(task, Loss()).prepared
        assert not searching._explore(clocked, prepared, effort=effort, progress=None, started=0.0)
    assert limit_s <= clocked.now_s <= max(limit_s, opening_s) + clocked.last_s + ROUNDING


@pytest.mark.parametrize(("name", "nodes"), [("ten-million", 10**7), ("ten-trillion", 10**13)])
def test_lattices_that_no_memory_holds_are_searched(name: str, nodes: int) -> None:
    """The same answer for the same budget, and a better one with a closer bound for a larger."""
    counts, criteria = group(CASES[name].encoded(2_000)), [KAnonymity(5)]

    def found(most: int) -> Solution:
        effort = Effort(max_nodes=most, anytime=True)
        return replace(search(counts, criteria, Fraction(1), effort=effort), seconds=0.0)

    some, more = found(100), found(1_000)
    assert found(100) == some
    assert some.lattice_size == nodes
    assert not more.optimal
    assert some.bound <= more.bound <= more.score <= some.score < 1
