"""The kernels of the search of lattices of any size, each beside a twin of a few lines of Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import inf, prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from anonymizer.measuring.class_metrics import prepare
from anonymizer.metrics import AverageClassSize, Discernibility, Metric
from anonymizer.search.anytime import boxes, insights
from anonymizer.search.anytime.boxes import DIVING, FREED, FRESH, GUARD, HELD, STACKED, Boxes, Terrain
from anonymizer.search.anytime.insights import Insights
from anonymizer.search.anytime.opening import Room, open_anytime
from tests.properties.definitions import Node, Task
from tests.properties.grounds import MOST_HEIGHT, Ground, flat, grounds, is_below, levels, nodes_of, word
from tests.properties.laws import law
from tests.properties.tasks import counts_of, tasks

# nodes --------------------------------------------------------------------------------------------


@law(200)
@given(st.lists(st.integers(0, 127), min_size=1, max_size=20), st.data())
def test_a_node_is_a_byte_per_column(node: list[int], data: st.DataObject) -> None:
    packed, j = word(node), data.draw(st.integers(0, len(node) - 1))
    assert [int(boxes.level_of(packed, column)) for column in range(len(node))] == node
    node[j] = data.draw(st.integers(0, 127))
    boxes.put_level(packed, j, node[j])
    assert packed.tolist() == word(node).tolist()
    assert not (packed & GUARD).any()


@law(300)
@given(st.lists(st.tuples(st.integers(0, 127), st.integers(-2, 2)), min_size=1, max_size=20))
def test_one_subtraction_tells_specialisations(steps: list[tuple[int, int]]) -> None:
    node = tuple(level for level, _ in steps)
    other = tuple(min(127, max(0, level + step)) for level, step in steps)
    assert boxes.lies_below(word(node), word(other)) == is_below(node, other)


@law(150)
@given(grounds(), st.data())
def test_what_is_known_from_the_start(ground: Ground, data: st.DataObject) -> None:
    node, terrain = data.draw(nodes_of(ground)), ground.terrain
    assert boxes.combined(terrain, terrain.terms, word(node)) == ground.total(terrain.terms, node)
    floors, place = terrain.floors, int(ground.total(terrain.guide, node) / 0.5)
    expected = floors[min(place, len(floors) - 1)] if len(floors) else -inf
    assert boxes.known_from_start(terrain, word(node)) == expected


@law(60)
@given(tasks(), st.sampled_from([Discernibility(), AverageClassSize()]))
def test_floors_in_steps_lie_below_the_metrics_own(task: Task, metric: Metric) -> None:
    counts = counts_of(task)
    prepared = prepare(counts, metric)
    terrain = open_anytime(counts, prepared, Room(1, 2, 1)).terrain
    for node in product(*(range(int(height) + 1) for height in terrain.heights)):
        guided = np.array([sum(terrain.guide[j, level] for j, level in enumerate(node))])
        assert boxes.known_from_start(terrain, word(node)) <= prepared.at_least(guided)[0]  # type: ignore[union-attr]


# heaps --------------------------------------------------------------------------------------------


@law(150)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=40))
def test_a_heap_gives_back_in_order(drawn: list[int]) -> None:
    heap, keys, length = np.zeros(len(drawn), np.int32), np.array(drawn, np.float64), 0
    for item in range(len(drawn)):
        boxes.push(heap, keys, item, item)
    given_back = []
    for length in range(len(drawn), 0, -1):
        given_back.append(int(boxes.pop(heap, keys, length)))
    assert sorted(given_back) == list(range(len(drawn)))
    assert [drawn[item] for item in given_back] == sorted(drawn)


# boxes --------------------------------------------------------------------------------------------


def opened(ground: Ground, size: int = 60, deep: int = 30) -> Boxes:
    """Room for boxes, of which the whole lattice is the one in place 0, open nowhere."""
    words = len(word(ground.heights))
    found = Boxes(
        low=np.zeros((size, words), np.uint64),
        high=np.zeros((size, words), np.uint64),
        bounds=np.full(size, -inf),
        down=np.zeros(size),
        up=np.zeros(size),
        heap=np.zeros(size, np.int32),
        stack=np.zeros(deep, np.int32),
        free=np.zeros(size, np.int32),
        registers=np.zeros(5, np.int64),
    )
    found.high[0] = word(ground.heights)
    found.registers[FRESH] = 1
    return found


def places(found: Boxes) -> list[int]:
    """The open boxes."""
    heap, stack = found.heap[: found.registers[HELD]], found.stack[: found.registers[STACKED]]
    return [*heap.tolist(), *stack.tolist()]


def members(found: Boxes, box: int, m: int) -> set[Node]:
    low, high = levels(found.low[box], m), levels(found.high[box], m)
    return set(product(*(range(a, b + 1) for a, b in zip(low, high, strict=True))))


@law(200)
@given(grounds(), st.data())
def test_a_cut_box_falls_into_disjoint_parts(ground: Ground, data: st.DataObject) -> None:
    found, top = opened(ground), data.draw(nodes_of(ground))
    low = data.draw(nodes_of(ground).filter(lambda node: is_below(node, top)))
    found.low[0], found.down[0], found.up[0] = word(low), 0.25, 0.5
    everything = members(found, 0, ground.m)
    boxes.cut(ground.terrain, found, 0, word(top), inf)
    below = members(found, 0, ground.m)
    parts = [members(found, box, ground.m) for box in places(found)]
    assert below == {node for node in everything if is_below(node, top)}
    assert sum(map(len, parts)) + len(below) == len(everything)
    assert set().union(below, *parts) == everything
    for box in places(found):
        known = ground.total(ground.terrain.terms, levels(found.low[box], ground.m)) + 0.75
        assert found.bounds[box] == max(known, boxes.known_from_start(ground.terrain, found.low[box]))


@law(200)
@given(grounds(), st.floats(0, 4), st.floats(-1, 4), st.data())
def test_what_lies_beyond_the_limit_is_left_out(
    ground: Ground, limit: float, bound: float, data: st.DataObject
) -> None:
    found, low = opened(ground), data.draw(nodes_of(ground))
    found.low[0], found.bounds[0], found.up[0] = word(low), bound, 0.25
    everything, terms = members(found, 0, ground.m), ground.terrain.terms
    boxes.admit(ground.terrain, found, 0, limit)
    within = {node for node in everything if ground.total(terms, node) + 0.25 <= limit}
    if places(found):
        assert within <= members(found, 0, ground.m)
        for j, level in enumerate(levels(found.high[0], ground.m)):
            raised = (*low[:j], level, *low[j + 1 :])
            assert level == low[j] or raised in within
    else:
        known = max(bound, boxes.known_from_start(ground.terrain, word(low)))
        assert found.registers[FREED] == 1
        assert not within or known > limit


def test_a_place_given_back_is_used_again() -> None:
    ground = Ground((1, 1), Terrain(*flat(2), np.zeros(0), np.array([0.0, 1.0]), False))
    found = opened(ground)
    boxes.cut(ground.terrain, found, 0, word((0, 0)), inf)
    assert sorted(places(found)) == [1, 2]
    smaller, larger = sorted(
        (boxes.take(found), boxes.take(found)), key=lambda b: int(found.low[b, 0]), reverse=True
    )
    assert (levels(found.low[smaller], 2), levels(found.low[larger], 2)) == ((0, 1), (1, 0))
    boxes.discard(found, smaller)
    boxes.cut(ground.terrain, found, larger, found.low[larger], inf)
    assert places(found) == [smaller]
    assert levels(found.low[smaller], 2) == levels(found.high[smaller], 2) == (1, 1)
    assert (found.registers[FRESH], found.registers[FREED]) == (3, 0)


def test_without_room_the_box_of_least_bound_is_gone_through_to_the_end() -> None:
    heights = (1, 1, 1)
    ground = Ground(heights, Terrain(*flat(3), np.zeros(0), np.array([0.0, 1.0]), False))
    found = opened(ground, size=24, deep=20)
    boxes.cut(ground.terrain, found, 0, word((0, 0, 0)), inf)
    for box, bound in zip(places(found), (0.5, 0.25, 0.75), strict=True):
        found.bounds[box] = bound
    held = places(found)
    for _ in held:
        boxes.pop(found.heap, found.bounds, found.registers[HELD])
        found.registers[HELD] -= 1
    for box in held:
        boxes.open_box(found, box)
    first = boxes.take(found)
    assert found.bounds[first] == 0.25
    assert not found.registers[DIVING]
    found.registers[FRESH] = 5
    boxes.open_box(found, first)
    first = boxes.take(found)
    assert found.registers[DIVING]
    boxes.open_box(found, first)
    assert found.registers[STACKED] == 1
    assert boxes.least_open(found) == 0.25
    assert boxes.take(found) == first
    found.registers[FRESH] = 4
    assert found.bounds[boxes.take(found)] == 0.5
    assert not found.registers[DIVING]


# insights -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a node tells."""

    node: Node
    ruled_out: bool
    terms: NDArray[np.float64]
    penalty: float
    floor: float

    def said(self, ground: Ground, node: Node, floor: float) -> float:
        """What it says of all nodes from one to its own: terms need not rise with the levels."""
        if self.ruled_out:
            return inf
        start = ground.total(ground.terrain.terms, node) + self.penalty + floor
        between = product(*(range(a, b + 1) for a, b in zip(node, self.node, strict=True)))
        return max(min(ground.total(self.terms, each) for each in between), start)


@st.composite
def lessons(draw: st.DrawFn, ground: Ground) -> Lesson:
    shape = (ground.m, MOST_HEIGHT + 1)
    raised = draw(st.lists(st.integers(0, 8), min_size=prod(shape), max_size=prod(shape)))
    terms = ground.terrain.terms + np.reshape(raised, shape) / 16
    few = st.sampled_from([0.0, 0.25, 0.5])
    return Lesson(draw(nodes_of(ground)), draw(st.integers(0, 4)) == 0, terms, draw(few), draw(few))


def held(ground: Ground, told: Sequence[Lesson], most: int) -> Insights:
    words = len(word(ground.heights))
    found = Insights(
        nodes=np.zeros((most, words), np.uint64),
        ruled_out=np.zeros(most, np.uint8),
        terms=np.zeros((most, ground.m, MOST_HEIGHT + 1)),
        penalties=np.zeros(most),
        floors=np.zeros(most),
        used=np.zeros(most, np.int64),
        registers=np.zeros(2, np.int64),
    )
    for each in told:
        insights.remember(found, word(each.node), each.ruled_out, (each.terms, each.penalty, each.floor))
    return found


@law(200)
@given(grounds().flatmap(lambda g: st.tuples(st.just(g), st.lists(lessons(g), max_size=6))), st.data())
def test_the_insight_that_says_enough_with_fewest_parts_is_chosen(
    drawn: tuple[Ground, list[Lesson]], data: st.DataObject
) -> None:
    ground, told = drawn
    high = data.draw(nodes_of(ground))
    low = data.draw(nodes_of(ground).filter(lambda node: is_below(node, high)))
    need = data.draw(st.floats(0, 4))
    choice = insights.choose(ground.terrain, held(ground, told, 6), word(low), word(high), need)
    floor = max([0.0, *(each.floor for each in told if is_below(each.node, low))])
    above = [each for each in told if is_below(low, each.node)]
    parts = {id(e): sum(a < b for a, b in zip(e.node, high, strict=True)) for e in above}
    enough = [e for e in above if e.said(ground, low, floor) > need]
    assert choice.floor == floor
    assert choice.whole == max([-inf, *(e.said(ground, low, floor) for e in above if not parts[id(e)])])
    assert (choice.insight < 0) == (not enough)
    if enough:
        fewest = min(parts[id(e)] for e in enough)
        assert parts[id(told[choice.insight])] == fewest
        assert choice.value == max(e.said(ground, low, floor) for e in enough if parts[id(e)] == fewest)


@law(100)
@given(grounds().flatmap(lambda g: st.tuples(st.just(g), st.lists(lessons(g), max_size=6))), st.data())
def test_a_node_is_hopeless_if_an_insight_says_so(
    drawn: tuple[Ground, list[Lesson]], data: st.DataObject
) -> None:
    (ground, told), limit = drawn, data.draw(st.floats(0, 4))
    node = data.draw(nodes_of(ground))
    expected = any(is_below(node, e.node) and e.said(ground, node, 0.0) > limit for e in told)
    assert insights.is_hopeless(ground.terrain, held(ground, told, 6), word(node), limit) == expected


def test_the_insight_that_was_of_use_the_longest_ago_makes_room() -> None:
    ground = Ground((1,), Terrain(*flat(1), np.zeros(0), np.array([0.0, 1.0]), False))
    told = [Lesson((i % 2,), False, np.zeros((1, MOST_HEIGHT + 1)), i / 8, 0.0) for i in range(3)]
    found = held(ground, told, 3)
    insights.use(found, 0)
    insights.remember(found, word((1,)), True, (told[0].terms, 0.0, 0.0))
    assert found.penalties.tolist() == [0.0, 0.0, 0.25]
    assert found.ruled_out.tolist() == [0, 1, 0]
