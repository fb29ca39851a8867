"""The kernels that walk through lattices of any size, each beside a twin of a few lines of Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.counting.classes import Ladders, base_classes, roll_up
from anonymizer.metrics import Loss
from anonymizer.search import walk as walks
from anonymizer.search.anytime import chains, neighbours
from anonymizer.search.anytime import exploration as anytime_exploration
from anonymizer.search.anytime.boxes import Terrain
from anonymizer.search.anytime.chains import BOX, TRIED, Chain
from anonymizer.search.anytime.neighbours import CENTRE, WAITING, Nodes
from anonymizer.search.anytime.opening import open_anytime
from anonymizer.search.compiled_explorer import Compiled
from anonymizer.search.courses import OverBoxes
from anonymizer.search.rollup import TABLES
from anonymizer.search.walk import HIGH, LOW, REGISTERS, Walk
from tests.properties.definitions import Node, Task
from tests.properties.explorers import Question
from tests.properties.grounds import Ground, flat, grounds, levels, nodes_of, word
from tests.properties.laws import law
from tests.properties.tasks import counts_of, tasks

# neighbours ---------------------------------------------------------------------------------------


def nobody(ground: Ground, size: int) -> Nodes:
    words = len(word(ground.heights))
    return Nodes(
        nodes=np.zeros((size, words), np.uint64),
        keys=np.zeros(size),
        slots=np.zeros(2 << size.bit_length(), np.int32),
        waiting=np.zeros(size, np.int32),
        registers=np.zeros(4, np.int64),
    )


@law(150)
@given(grounds(), st.data())
def test_evaluated_nodes_are_known_and_the_best_ones_neighbours_come_first(
    ground: Ground, data: st.DataObject
) -> None:
    drawn = data.draw(st.lists(nodes_of(ground), min_size=1, max_size=8, unique=True))
    size = data.draw(st.sampled_from([len(drawn), 8]))
    evaluated = nobody(ground, size)
    for key, node in enumerate(reversed(drawn)):
        neighbours.enter(evaluated, word(node), float(-key))
        neighbours.enter(evaluated, word(node), -99.0)
    for node in data.draw(st.lists(nodes_of(ground), max_size=8)):
        assert neighbours.is_evaluated(evaluated, word(node)) == (node in drawn)
    expected = [
        (node, (*node[:j], level, *node[j + 1 :]))
        for node in drawn
        for j in range(ground.m - 1, -1, -1)
        for level in (node[j] - 1, node[j] + 1)
        if 0 <= level <= ground.heights[j]
    ]
    seen, node = [], np.zeros_like(word(ground.heights))
    while neighbours.next_neighbour(evaluated, ground.terrain.heights, node):
        centre = evaluated.nodes[evaluated.registers[CENTRE]]
        seen.append((levels(centre, ground.m), levels(node, ground.m)))
    assert seen == expected
    assert evaluated.registers[WAITING] == 0


def test_what_there_is_no_room_for_is_forgotten() -> None:
    ground = Ground((5,), Terrain(*flat(1), np.zeros(0), np.array([0.0, 1.0]), False))
    evaluated = nobody(ground, 2)
    for level in range(4):
        neighbours.enter(evaluated, word((level,)), 0.0)
    assert [bool(neighbours.is_evaluated(evaluated, word((level,)))) for level in range(4)] == [1, 1, 0, 0]


# chains -------------------------------------------------------------------------------------------


def chain_of(ground: Ground, target: Node, box: int = 7, frontier: float = 0.0) -> Chain:
    words, steps = len(word(ground.heights)), sum(ground.heights)
    walk = Walk(np.full(REGISTERS, 9, np.int64), np.array([frontier]))
    chain = Chain(np.zeros((steps + 1, words), np.uint64), walk, np.zeros(3, np.int64), np.zeros(2))
    chains.climb(ground.terrain, chain, word(target), box)
    return chain


@law(150)
@given(grounds(), st.data())
def test_a_chain_climbs_where_the_guide_rises_least(ground: Ground, data: st.DataObject) -> None:
    target = data.draw(nodes_of(ground))
    chain, node, expected = chain_of(ground, target), list(target), [target]
    while node != list(ground.heights):
        rises = [
            (ground.terrain.guide[j, node[j] + 1] - ground.terrain.guide[j, node[j]], j)
            for j in range(ground.m)
            if node[j] < ground.heights[j]
        ]
        node[min(rises)[1]] += 1
        expected.append(tuple(node))
    assert [levels(each, ground.m) for each in chain.nodes[: len(expected)]] == expected
    assert chain.walk.registers[HIGH] == len(expected) - 1


@law(200)
@given(grounds(), st.floats(-1, 9), st.data())
def test_a_walk_on_a_chain_ends_at_the_highest_place_that_lifts_the_target(
    ground: Ground, frontier: float, data: st.DataObject
) -> None:
    target = data.draw(nodes_of(ground))
    chain = chain_of(ground, target, frontier=frontier)
    highest = data.draw(st.integers(0, sum(ground.heights) - sum(target)))
    looked = places_looked(chain.walk, highest)
    costs = [ground.total(ground.terrain.guide, levels(each, ground.m)) for each in chain.nodes]
    if looked:
        steps = range(1, sum(ground.heights) - sum(target) + 1)
        assert looked[0] == next((place for place in steps if costs[place] >= frontier), steps[-1])
    assert (chains.end(ground.terrain, chain), chain.registers[BOX]) == (7, -1)
    assert chain.walk.frontier[0] == pytest.approx(frontier + 0.3 * (costs[highest] - frontier))
    assert (chain.registers[TRIED], chain.registers[chains.LESSON]) == (0, -1)


def places_looked(walk: Walk, highest: int) -> list[int]:
    """The places that a walk looks at, if those up to ``highest`` do what is wanted."""
    looked = []
    while not walks.is_settled(walk):
        place = int(walks.place_to_look(walk))
        assert walk.registers[LOW] < place <= walk.registers[HIGH]
        looked.append(place)
        walks.answer(walk, place, place <= highest)
    assert walk.registers[LOW] == highest
    assert len(set(looked)) == len(looked)
    return looked


@law(200)
@given(st.integers(1, 200), st.data())
def test_a_walk_finds_its_way_in_growing_steps_and_then_by_halves(length: int, data: st.DataObject) -> None:
    walk = Walk(np.zeros(REGISTERS, np.int64), np.array([data.draw(st.integers(-5, length + 5))], float))
    walks.set_out(walk)
    assert [walks.lengthen(walk, place) for place in range(1, length + 1)] == [*range(1, length + 1)]
    highest = data.draw(st.integers(0, length))
    looked = places_looked(walk, highest)
    assert looked[0] == min(max(1, int(walk.frontier[0])), length)
    # One look at the start, so many steps that double, as many halves of the last step.
    assert len(looked) <= 2 + 2 * (abs(highest - looked[0]) + 1).bit_length()


# tables -------------------------------------------------------------------------------------------


@law(60)
@given(tasks(most_rows=30), st.integers(1, 80))
def test_every_table_holds_the_classes_of_its_tickets_node(task: Task, steps: int) -> None:
    counts = counts_of(task)
    asked = Question(counts, task.criteria, task.limit, Loss())
    explorer = asked.explorer("crowded")
    if not isinstance(explorer, Compiled):
        return
    searched = OverBoxes.of(open_anytime(counts, asked.prepared), explorer)
    searched.explore(steps)
    arena, tickets = explorer.problem.arena, searched.tickets
    assert tickets
    lowest = [ladder.lowest for ladder in counts.ladders]
    for t in range(1, int(arena.registers[TABLES])):
        above = levels(tickets.nodes[arena.nodes[t]], len(lowest))
        node = tuple(low + level for low, level in zip(lowest, above, strict=True))
        classes = roll_up(counts, Ladders.of(counts), base_classes(counts), node)
        begin, length = int(arena.starts[t]), int(arena.lengths[t])
        assert sorted(arena.rows[begin : begin + length].tolist()) == sorted(classes.rows.tolist())
        source = anytime_exploration.smallest_source(arena, tickets, word(above))
        assert arena.lengths[source] <= length
