"""Chains from the target of a box to the top: compiled code.

Shapes: m columns, w words, h nodes of a chain at most.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anonymizer.compiled import kernel
from anonymizer.search import walk as walks
from anonymizer.search.anytime.boxes import Floats, Ints, Words, combined, level_of, put_level
from anonymizer.search.walk import LOW, Walk, gentlest, lengthen, set_out

BOX, TRIED, LESSON = range(3)
"""What a chain's registers hold: the box of the target, below 0 without one; whether the target itself was
tried; where what the highest place that lifts it tells is held, below 0 without one."""
AIM, BEYOND = range(2)
"""What its numbers are: the bound that the target is to be lifted above, and its cost beyond its start."""


class Chain(NamedTuple):
    """A chain: words (h, w) ``nodes`` from the target in place 0 to the top, and numbers about it."""

    nodes: Words
    walk: Walk
    registers: Ints
    numbers: Floats


@kernel
def climb(terrain, chain, target, box):  # type: ignore[no-untyped-def]
    """Write a chain from ``target``, the lowest node of ``box``, to the top."""
    node, levels = target.copy(), np.empty(len(terrain.heights), np.int64)
    for j in range(len(levels)):
        levels[j] = level_of(target, j)
    chain.nodes[0] = target
    set_out(chain.walk)
    while True:
        column = gentlest(terrain.heights, terrain.guide, levels)
        if column < 0:
            break
        levels[column] += 1
        put_level(node, column, levels[column])
        chain.nodes[lengthen(chain.walk, combined(terrain, terrain.guide, node))] = node
    chain.registers[BOX], chain.registers[TRIED], chain.registers[LESSON] = box, 0, -1


@kernel
def end(terrain, chain):  # type: ignore[no-untyped-def]
    """The target's box, which the chain lets go of."""
    walks.end(chain.walk, combined(terrain, terrain.guide, chain.nodes[chain.walk.registers[LOW]]))
    box = chain.registers[BOX]
    chain.registers[BOX] = -1
    return box
