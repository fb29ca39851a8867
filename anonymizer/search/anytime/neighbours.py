"""Looking for good nodes beside good nodes: evaluated nodes, and which to evaluate next to improve on them.

From the best evaluated node whose neighbours are unknown, all nodes one level up or down in one column are
evaluated; then from the best node again. So the search follows every slope, and where one ends it goes on
from the next best node instead of starting afresh. Nodes that suppress too many rows, or all, come last, and
those that suppress fewest first.

Shapes: m columns, w words, n nodes at most, s slots. All loops are compiled.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anonymizer.compiled import kernel
from anonymizer.search.anytime.boxes import Floats, Ints, Places, Words, level_of, pop, push, put_level

VISITED, WAITING, CENTRE, STEP = range(4)
"""What the registers of ``Nodes`` hold: evaluated nodes, those whose neighbours are unknown, the node whose
neighbours are evaluated now, and which of them is next."""
TOO_MANY = 1e30
"""Keys of nodes that are no answer are so many times the rows suppressed there; totals are smaller."""


class Nodes(NamedTuple):
    """Evaluated nodes: words (n, w) ``nodes`` and float64 (n) ``keys``, the least of which is the best.

    ``slots`` int32 (s) is a hash table of places in ``nodes``, plus 1. ``waiting`` int32 (n) is a heap of
    those whose neighbours are unknown. What there is no room for is forgotten.
    """

    nodes: Words
    keys: Floats
    slots: Places
    waiting: Places
    registers: Ints


@kernel
def slot_of(evaluated, node):  # type: ignore[no-untyped-def]
    """Where in ``slots`` a node stands, or would."""
    mixed = np.uint64(0)
    for w in range(len(node)):
        mixed = (mixed ^ node[w]) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    last = len(evaluated.slots) - 1
    slot = np.int64(mixed & np.uint64(last))
    while evaluated.slots[slot] and not _is(evaluated.nodes[evaluated.slots[slot] - 1], node):
        slot = (slot + 1) & last
    return slot


@kernel
def _is(one, other):  # type: ignore[no-untyped-def]
    different = np.uint64(0)
    for w in range(len(one)):
        different |= one[w] ^ other[w]
    return different == 0


@kernel
def is_evaluated(evaluated, node):  # type: ignore[no-untyped-def]
    """Whether a node was evaluated, as far as that is remembered."""
    return evaluated.slots[slot_of(evaluated, node)] > 0


@kernel
def enter(evaluated, node, key):  # type: ignore[no-untyped-def]
    """Note that a node was evaluated."""
    registers, slot = evaluated.registers, slot_of(evaluated, node)
    place = registers[VISITED]
    if evaluated.slots[slot] or place == len(evaluated.nodes):
        return
    evaluated.nodes[place], evaluated.keys[place] = node, key
    evaluated.slots[slot] = place + 1
    push(evaluated.waiting, evaluated.keys, registers[WAITING], place)
    registers[VISITED], registers[WAITING] = place + 1, registers[WAITING] + 1


@kernel
def next_neighbour(evaluated, heights, node):  # type: ignore[no-untyped-def]
    """Write the next neighbour to ``node``, evaluated or not; whether there is any."""
    registers = evaluated.registers
    while True:
        if registers[STEP] == 0:
            if registers[WAITING] == 0:
                return False
            registers[CENTRE] = pop(evaluated.waiting, evaluated.keys, registers[WAITING])
            registers[WAITING] -= 1
            registers[STEP] = 2 * len(heights)
        registers[STEP] -= 1
        centre, j = evaluated.nodes[registers[CENTRE]], registers[STEP] >> 1
        level = level_of(centre, j) + (-1 if registers[STEP] & 1 else 1)
        if 0 <= level <= heights[j]:
            node[:] = centre
            put_level(node, j, level)
            return True
