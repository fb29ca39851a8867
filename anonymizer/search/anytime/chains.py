"""Chains from a target node to the top, and bisection on them: compiled code.

A chain climbs one level of one column at a time. The nodes that lift the target far enough are its lower
part, as a rule; the highest of them is looked for, beginning where chains ended lately.

Shapes: m columns, w words, h nodes of a chain at most.
"""

from __future__ import annotations

from typing import NamedTuple

from anonymizer.compiled import kernel
from anonymizer.search.anytime.boxes import Floats, Ints, Words, combined, level_of, put_level

BOX, TRIED, LOW, HIGH, UPS, DOWNS, LESSON = range(7)
"""What a chain's registers hold: the box of the target, below 0 without one; whether the target itself was
tried; the highest place known to lift the target and the highest one that may; how many did and did not; and
where what that place tells is held, below 0 without one."""
AIM, BEYOND, FRONTIER = range(3)
"""What its numbers are: the bound that the target is to be lifted above, what it costs beyond its start, and
the guide terms that nodes combine to where chains ended lately."""
_LONGEST_STEP = 32
_RECENT = 0.3


class Chain(NamedTuple):
    """A chain: words (h, w) ``nodes`` from the target in place 0 to the top, and numbers about it."""

    nodes: Words
    registers: Ints
    numbers: Floats


@kernel
def climb(terrain, chain, target, box):  # type: ignore[no-untyped-def]
    """Write a chain from ``target``, the lowest node of ``box``, to the top, where the guide rises least."""
    node, length = target.copy(), 0
    chain.nodes[0] = node
    while True:
        step = _gentlest(terrain, node)
        if step < 0:
            break
        put_level(node, step, level_of(node, step) + 1)
        length += 1
        chain.nodes[length] = node
    registers = chain.registers
    registers[BOX], registers[LOW], registers[HIGH] = box, 0, length
    registers[TRIED] = registers[UPS] = registers[DOWNS] = 0
    registers[LESSON] = -1


@kernel
def _gentlest(terrain, node):  # type: ignore[no-untyped-def]
    """The column whose next level costs least more; below 0 at the top."""
    step, least = -1, 0.0
    for j in range(len(terrain.heights)):
        here = level_of(node, j)
        if here < terrain.heights[j]:
            rise = terrain.guide[j, here + 1] - terrain.guide[j, here]
            if step < 0 or rise < least:
                step, least = j, rise
    return step


@kernel
def place_to_look(terrain, chain):  # type: ignore[no-untyped-def]
    """A place above ``LOW``: where chains ended lately, on from there in growing steps, then halfway."""
    registers = chain.registers
    low, high, ups, downs = registers[LOW], registers[HIGH], registers[UPS], registers[DOWNS]
    if ups == 0 and downs == 0:
        place, frontier = low + 1, chain.numbers[FRONTIER]
        while place < high and combined(terrain, terrain.guide, chain.nodes[place]) < frontier:
            place += 1
        return place
    if downs == 0:
        return min(low + (1 << min(ups - 1, _LONGEST_STEP)), high)
    if ups == 0:
        return max(high + 1 - (1 << min(downs - 1, _LONGEST_STEP)), low + 1)
    return (low + high + 1) // 2


@kernel
def answer(chain, place, is_lifted):  # type: ignore[no-untyped-def]
    """Go on above a place that lifts the target, below one that does not."""
    registers = chain.registers
    if is_lifted:
        registers[LOW] = place
        registers[UPS] += 1
    else:
        registers[HIGH] = place - 1
        registers[DOWNS] += 1


@kernel
def end(terrain, chain):  # type: ignore[no-untyped-def]
    """The target's box, which the chain lets go of."""
    ended = combined(terrain, terrain.guide, chain.nodes[chain.registers[LOW]])
    chain.numbers[FRONTIER] += _RECENT * (ended - chain.numbers[FRONTIER])
    box = chain.registers[BOX]
    chain.registers[BOX] = -1
    return box
