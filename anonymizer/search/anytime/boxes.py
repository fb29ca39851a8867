"""The parts of a lattice that may still hold the optimum, as boxes: no array of the lattice's size exists.

A box holds the nodes between its ``low`` and its ``high``, both included. The open boxes are disjoint, hold
every node that may still be the optimum, and each comes with a lower bound of the totals in it. What lies
below a node is cut off a box in one piece, and the rest falls into at most one box per column.

A node is a row of unsigned 64-bit words: a byte per column with its level above the lowest, so that one
subtraction per eight columns tells whether a node is a specialisation of another.

Shapes: m columns, w words, L levels at most, n boxes at most. All loops are compiled; the tuples hold arrays
only, changed in place.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.compiled import kernel

Words = NDArray[np.uint64]
Places = NDArray[np.int32]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

MOST_LEVELS = 128
"""A byte's top bit is the guard."""
GUARD = np.uint64(0x8080808080808080)
HELD, STACKED, FREED, FRESH, DIVING = range(5)
"""What the registers of ``Boxes`` hold: boxes in the heap and on the stack, places given back, the first
place never used, and whether one box is gone through to the end."""


class Terrain(NamedTuple):
    """What is known of the lattice before any node is evaluated.

    ``heights`` int64 (m); ``terms`` float64 (m, L) combine to a bound of a node's total; ``guide`` (m, L) are
    what levels are likely to cost. ``floors`` are bounds by the sum of a node's guide terms, from
    ``scale[0]`` on in steps of ``scale[1]``; there are none where the guide tells nothing.
    """

    heights: Ints
    terms: Floats
    guide: Floats
    floors: Floats
    scale: Floats
    largest: bool


class Boxes(NamedTuple):
    """The open boxes: words (n, w) ``low`` and ``high``; float64 (n) ``bounds``, ``down`` and ``up``.

    ``down`` is a part of the bound that the nodes' generalisations tell, ``up`` one that their
    specialisations tell; both are beyond what ``terms`` say. ``heap`` int32 (n) has the box of least bound in
    front. Where there is no room for more boxes, that one is gone through to the end first: ``stack`` int32
    holds its parts, and is long enough for any. ``free`` int32 (n) are places given back.
    """

    low: Words
    high: Words
    bounds: Floats
    down: Floats
    up: Floats
    heap: Places
    stack: Places
    free: Places
    registers: Ints


@kernel
def level_of(node, column):  # type: ignore[no-untyped-def]
    """A column's level above its lowest at ``node``."""
    return np.int64((node[column >> 3] >> np.uint64((column & 7) << 3)) & np.uint64(0x7F))


@kernel
def put_level(node, column, level):  # type: ignore[no-untyped-def]
    """Change a column's level at ``node``."""
    shift = np.uint64((column & 7) << 3)
    node[column >> 3] &= ~(np.uint64(0x7F) << shift)
    node[column >> 3] |= np.uint64(level) << shift


@kernel
def lies_below(node, other):  # type: ignore[no-untyped-def]
    """Whether ``node`` is a specialisation of ``other``, or the same."""
    borrowed = GUARD
    for w in range(len(node)):
        borrowed &= (other[w] | GUARD) - node[w]
    return borrowed == GUARD


@kernel
def combined(terrain, terms, node):  # type: ignore[no-untyped-def]
    """The sum of the columns' ``terms`` (m, L) at ``node``, or the largest of them."""
    total = 0.0
    for j in range(len(terrain.heights)):
        term = terms[j, level_of(node, j)]
        if terrain.largest:
            total = max(total, term)
        else:
            total += term
    return total


@kernel
def known_from_start(terrain, node):  # type: ignore[no-untyped-def]
    """A bound of the node's total by what its guide terms add up to; below all totals without floors."""
    if len(terrain.floors) == 0:
        return -np.inf
    place = np.int64((combined(terrain, terrain.guide, node) - terrain.scale[0]) / terrain.scale[1])
    return terrain.floors[min(max(place, 0), len(terrain.floors) - 1)]


@kernel
def push(heap, keys, length, item):  # type: ignore[no-untyped-def]
    """Put an item into a heap of ``length`` items, that of the least key in front."""
    place, key = length, keys[item]
    while place > 0:
        parent = (place - 1) >> 1
        if keys[heap[parent]] <= key:
            break
        heap[place] = heap[parent]
        place = parent
    heap[place] = item


@kernel
def pop(heap, keys, length):  # type: ignore[no-untyped-def]
    """The item in front, taken out of a heap of ``length`` items."""
    front, last = heap[0], heap[length - 1]
    place, key = 0, keys[last]
    while True:
        child = 2 * place + 1
        if child >= length - 1:
            break
        if child + 1 < length - 1 and keys[heap[child + 1]] < keys[heap[child]]:
            child += 1
        if keys[heap[child]] >= key:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = last
    return front


@kernel
def is_empty(boxes):  # type: ignore[no-untyped-def]
    """Whether no box is open."""
    return boxes.registers[HELD] == 0 and boxes.registers[STACKED] == 0


@kernel
def least_open(boxes):  # type: ignore[no-untyped-def]
    """The least bound of all open boxes; infinite without any."""
    bound = boxes.bounds[boxes.heap[0]] if boxes.registers[HELD] else np.inf
    for place in range(boxes.registers[STACKED]):
        bound = min(bound, boxes.bounds[boxes.stack[place]])
    return bound


@kernel
def take(boxes):  # type: ignore[no-untyped-def]
    """The box to look at next, no longer open: that of least bound, or else the last on the stack."""
    registers = boxes.registers
    if registers[STACKED]:
        registers[STACKED] -= 1
        return boxes.stack[registers[STACKED]]
    box = pop(boxes.heap, boxes.bounds, registers[HELD])
    registers[HELD] -= 1
    held = registers[FRESH] - registers[FREED]
    registers[DIVING] = held + len(boxes.stack) > len(boxes.low)
    return box


@kernel
def open_box(boxes, box):  # type: ignore[no-untyped-def]
    """Put a box among the open ones."""
    registers = boxes.registers
    if registers[DIVING]:
        boxes.stack[registers[STACKED]] = box
        registers[STACKED] += 1
    else:
        push(boxes.heap, boxes.bounds, registers[HELD], box)
        registers[HELD] += 1


@kernel
def discard(boxes, box):  # type: ignore[no-untyped-def]
    """Give a box's place back."""
    boxes.free[boxes.registers[FREED]] = box
    boxes.registers[FREED] += 1


@kernel
def _copied(boxes, box):  # type: ignore[no-untyped-def]
    registers = boxes.registers
    if registers[FREED]:
        registers[FREED] -= 1
        copy = boxes.free[registers[FREED]]
    else:
        copy = np.int32(registers[FRESH])
        registers[FRESH] += 1
    boxes.low[copy], boxes.high[copy], boxes.bounds[copy] = boxes.low[box], boxes.high[box], boxes.bounds[box]
    boxes.down[copy], boxes.up[copy] = boxes.down[box], boxes.up[box]
    return copy


@kernel
def bound_of(terrain, boxes, box):  # type: ignore[no-untyped-def]
    """The box's bound with what is known of its lowest node."""
    low = boxes.low[box]
    bound = combined(terrain, terrain.terms, low) + boxes.down[box] + boxes.up[box]
    return max(boxes.bounds[box], max(bound, known_from_start(terrain, low)))


@kernel
def admit(terrain, boxes, box, limit):  # type: ignore[no-untyped-def]
    """Put a box among the open ones, without its highest nodes beyond ``limit``; discard it if all are."""
    boxes.bounds[box] = bound_of(terrain, boxes, box)
    if boxes.bounds[box] > limit:
        discard(boxes, box)
        return
    low, high, terms = boxes.low[box], boxes.high[box], terrain.terms
    base, beyond = combined(terrain, terms, low), boxes.down[box] + boxes.up[box]
    for j in range(len(terrain.heights)):
        here, level = level_of(low, j), level_of(high, j)
        others = base if terrain.largest else base - terms[j, here]
        while level > here:
            raised = max(others, terms[j, level]) if terrain.largest else others + terms[j, level]
            if raised + beyond <= limit:
                break
            level -= 1
        put_level(high, j, level)
    open_box(boxes, box)


@kernel
def cut(terrain, boxes, box, top, limit):  # type: ignore[no-untyped-def]
    """Cut a box that is not open: the parts not below ``top`` are admitted, the box becomes what is below.

    One part per column holds the nodes above ``top`` there, and below it in the columns before. The first
    part is the largest, so columns come in falling order of what it costs to leave ``top`` by them.
    """
    m = len(terrain.heights)
    rises = np.full(m, -np.inf)
    for j in range(m):
        here, edge = level_of(boxes.low[box], j), level_of(top, j)
        if edge < level_of(boxes.high[box], j):
            rises[j] = terrain.guide[j, edge + 1] - terrain.guide[j, here]
    while True:
        j = int(np.argmax(rises))
        if rises[j] == -np.inf:
            return
        rises[j] = -np.inf
        part = _copied(boxes, box)
        put_level(boxes.low[part], j, level_of(top, j) + 1)
        admit(terrain, boxes, part, limit)
        put_level(boxes.high[box], j, level_of(top, j))
