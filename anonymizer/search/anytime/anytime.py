"""The search of a lattice of any size: good nodes early, a bound at all times, the optimum in the end.

Two searches take turns. One improves the best node found, step by step beside the best evaluated nodes
(`neighbours`). The other raises the bound of all nodes: the open box of least bound (`boxes`) is cut by what
an evaluated node tells of its lowest node (`insights`). Where nothing told is enough, that node is the
target: on a chain from it to the top (`chains`), the most general node that lifts it far enough is looked
for (`walk`), since that one lifts most else. Far enough is part of the way from its bound to the best total
found: low aims are reached by nodes higher up, which cut off more. Without open boxes the best node is the
optimum.

What comes next depends on what was evaluated so far and on nothing else. All loops are compiled.
"""

from __future__ import annotations

from typing import NamedTuple

from anonymizer.compiled import kernel
from anonymizer.search.anytime.boxes import (
    DIVING,
    Boxes,
    Floats,
    Ints,
    Terrain,
    Words,
    admit,
    bound_of,
    combined,
    cut,
    discard,
    is_empty,
    known_from_start,
    least_open,
    level_of,
    take,
)
from anonymizer.search.anytime.chains import AIM, BEYOND, BOX, LESSON, TRIED, Chain, climb, end
from anonymizer.search.anytime.insights import Insights, choose, is_hopeless, remember, told, use
from anonymizer.search.anytime.neighbours import TOO_MANY, Nodes, enter, is_evaluated, next_neighbour
from anonymizer.search.lattice import CHECKED, TOTAL, ceiling, record
from anonymizer.search.walk import LOW, answer, is_settled, place_to_look

DONE, LOOK_UP, EVALUATE = range(3)
"""What ``advance`` says: nothing is left; nothing to evaluate has come up yet; there is something."""
PLACE, IMPROVED = range(2)
"""What ``turns`` holds: the node's place on the chain, and the evaluations up to the best node."""
_LIFT, _ENOUGH = 0.25, 0.5
"""The part of the way to the best total that targets are to be lifted, and how much of it is enough."""
_EAGER = 200
"""Until so many evaluations bring no improvement, three turns of four go to improving; then one of four."""
_MOST_LOOKED = 64
_ASIDE = -1


class Anytime(NamedTuple):
    """The state of a search; ``registers``, ``best`` and ``trace`` are as in ``lattice.Lattice``.

    Words (w): ``node`` is the one to evaluate, ``best_node`` the best one found.
    """

    terrain: Terrain
    boxes: Boxes
    insights: Insights
    evaluated: Nodes
    chain: Chain
    node: Words
    best_node: Words
    best: Floats
    registers: Ints
    turns: Ints
    trace: Floats


@kernel
def least_bound(search):  # type: ignore[no-untyped-def]
    """What no node's total falls below."""
    bound, box = min(search.best[TOTAL], least_open(search.boxes)), search.chain.registers[BOX]
    return bound if box < 0 else min(bound, search.boxes.bounds[box])


@kernel
def is_proven(search):  # type: ignore[no-untyped-def]
    """Whether no node is left that could be the optimum."""
    return search.chain.registers[BOX] < 0 and is_empty(search.boxes)


@kernel
def advance(search):  # type: ignore[no-untyped-def]
    """Write the next node to evaluate, beginning with the one that ``node`` holds from the start."""
    checked = search.registers[CHECKED]
    search.turns[PLACE] = _ASIDE
    if checked == 0:
        return EVALUATE
    is_eager = checked - search.turns[IMPROVED] < _EAGER
    if is_eager == (checked % 4 > 0) and _find_neighbour(search):
        return EVALUATE
    said = _lift(search)
    if said == LOOK_UP and _find_neighbour(search):
        return EVALUATE
    return said


@kernel
def _find_neighbour(search):  # type: ignore[no-untyped-def]
    """Whether a node beside a good one, now written to ``node``, is worth evaluating."""
    terrain, node, limit = search.terrain, search.node, ceiling(search)
    for _ in range(_MOST_LOOKED):
        if not next_neighbour(search.evaluated, terrain.heights, node):
            return False
        start = max(combined(terrain, terrain.terms, node), known_from_start(terrain, node))
        if start > limit or is_evaluated(search.evaluated, node):
            continue
        if not is_hopeless(terrain, search.insights, node, limit):
            return True
    return False


@kernel
def _lift(search):  # type: ignore[no-untyped-def]
    """Look for a node to evaluate that raises the bound, among so many boxes."""
    for _ in range(_MOST_LOOKED):
        if search.chain.registers[BOX] >= 0:
            if _find_on_chain(search):
                return EVALUATE
            _end_chain(search)
        elif is_empty(search.boxes):
            return DONE
        else:
            _look_at(search, take(search.boxes))
    return LOOK_UP


@kernel
def _find_on_chain(search):  # type: ignore[no-untyped-def]
    """Whether a node of the chain, now written to ``node``, is to be evaluated."""
    chain, registers = search.chain, search.chain.registers
    while not is_settled(chain.walk):
        place = place_to_look(chain.walk)
        if not is_evaluated(search.evaluated, chain.nodes[place]):
            search.node[:] = chain.nodes[place]
            search.turns[PLACE] = place
            return True
        # What it tells does not lift the target, or was forgotten.
        answer(chain.walk, place, False)
    if chain.walk.registers[LOW] > 0 or registers[TRIED]:
        return False
    registers[TRIED] = 1
    search.node[:] = chain.nodes[0]
    return not is_evaluated(search.evaluated, search.node)


@kernel
def _end_chain(search):  # type: ignore[no-untyped-def]
    """Cut the target's box by what was found, at least the target off."""
    if search.chain.registers[TRIED]:
        box = end(search.terrain, search.chain)
        cut(search.terrain, search.boxes, box, search.chain.nodes[0], ceiling(search))
        discard(search.boxes, box)
    else:
        _look_at(search, end(search.terrain, search.chain))


@kernel
def _look_at(search, box):  # type: ignore[no-untyped-def]
    """Cut a box by what is told of it, or else make its lowest node the target."""
    terrain, boxes, insights, limit = search.terrain, search.boxes, search.insights, ceiling(search)
    low, bound = boxes.low[box], boxes.bounds[box]
    if bound > limit:
        discard(boxes, box)
        return
    aim = limit if boxes.registers[DIVING] else bound + _LIFT * (limit - bound)
    choice = choose(terrain, insights, low, boxes.high[box], bound + _ENOUGH * (aim - bound))
    boxes.up[box] = max(boxes.up[box], choice.floor)
    boxes.bounds[box] = max(bound_of(terrain, boxes, box), choice.whole)
    if boxes.bounds[box] > bound:
        admit(terrain, boxes, box, limit)
    elif choice.insight >= 0:
        use(insights, choice.insight)
        cut(terrain, boxes, box, insights.nodes[choice.insight], limit)
        boxes.down[box] = max(boxes.down[box], insights.penalties[choice.insight])
        boxes.bounds[box] = max(bound, choice.value)
        admit(terrain, boxes, box, limit)
    elif is_evaluated(search.evaluated, low):
        cut(terrain, boxes, box, low, limit)
        discard(boxes, box)
    else:
        climb(terrain, search.chain, low, box)
        search.chain.numbers[AIM], search.chain.numbers[BEYOND] = aim, choice.floor


@kernel
def learn(search, found, ruled_out, lesson):  # type: ignore[no-untyped-def]
    """Take in what the evaluated ``node`` is and tells.

    ``found``: its total, infinite beyond the suppression limit, the rows suppressed and the classes kept.
    ``ruled_out``: no specialisation meets the criteria. ``lesson``: terms, penalty and floor, as
    ``Insights`` has them.
    """
    node, (total, suppressed, kept) = search.node, found
    tall, comes_first = _height(search, node), _comes_first(search, node)
    is_answer = total < TOO_MANY and kept > 0
    if is_answer and record(search, found, tall, comes_first):
        search.best_node[:] = node
        search.turns[IMPROVED] = search.registers[CHECKED]
    search.registers[CHECKED] += 1
    enter(search.evaluated, node, total if is_answer else TOO_MANY * (1 + suppressed))
    chain = search.chain
    if chain.registers[BOX] >= 0 and chain.registers[LESSON] >= 0:
        # It is needed when the chain ends, and must not make room.
        use(search.insights, chain.registers[LESSON])
    place = remember(search.insights, node, ruled_out, lesson)
    if search.turns[PLACE] >= 0:
        said = told(search.terrain, search.insights, place, chain.nodes[0], chain.numbers[BEYOND])
        answer(chain.walk, search.turns[PLACE], said > chain.numbers[AIM])
        if said > chain.numbers[AIM]:
            chain.registers[LESSON] = place


@kernel
def _height(search, node):  # type: ignore[no-untyped-def]
    """The sum of the node's levels above the lowest."""
    total = 0
    for j in range(len(search.terrain.heights)):
        total += level_of(node, j)
    return total


@kernel
def _comes_first(search, node):  # type: ignore[no-untyped-def]
    """Whether a node's levels come before those of the best node, column by column."""
    for j in range(len(search.terrain.heights)):
        ours, theirs = level_of(node, j), level_of(search.best_node, j)
        if ours != theirs:
            return ours < theirs
    return False
