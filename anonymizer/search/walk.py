"""Walks along a chain of the lattice, from a target to the top: compiled code.

A chain climbs one level of one column at a time, where the guide rises least. Of its nodes a lower part does
to the target what is wanted of them, as a rule: it rules the target out, or lifts its bound far enough. The
highest of them is looked for, since that one does it to most other nodes too: first where walks ended lately,
from there in growing steps, then halfway.

How nodes are written is left to whoever walks: here they are places on the chain, the target in place 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.compiled import kernel

LOW, HIGH, UPS, DOWNS, FIRST = range(5)
"""What the registers of a walk hold: the highest place known to do and the highest one that may; how many did
and did not; the lowest place as far up as walks ended lately, 0 where there is none."""
REGISTERS = 5
_LONGEST_STEP = 32
_RECENT = 0.3


class Walk(NamedTuple):
    """A walk: ``registers`` int64 (5), and in ``frontier`` float64 (1) how far up walks ended lately.

    How far up a node is, its guide terms tell, combined.
    """

    registers: NDArray[np.int64]
    frontier: NDArray[np.float64]


@kernel
def gentlest(heights, guide, levels):  # type: ignore[no-untyped-def]
    """The column whose next level raises ``guide`` (m, L) least, from ``levels``; below 0 at the top."""
    column, least = -1, np.inf
    for j in range(len(heights)):
        here = levels[j]
        if here < heights[j]:
            rise = guide[j, here + 1] - guide[j, here]
            if rise < least or column < 0:
                column, least = j, rise
    return column


@kernel
def set_out(walk):  # type: ignore[no-untyped-def]
    """Begin a chain that is only its target as yet."""
    walk.registers[:] = 0


@kernel
def lengthen(walk, guided):  # type: ignore[no-untyped-def]
    """The place of one more node on top of the chain; its guide terms combine to ``guided``."""
    registers = walk.registers
    registers[HIGH] += 1
    if registers[FIRST] == 0 and guided >= walk.frontier[0]:
        registers[FIRST] = registers[HIGH]
    return registers[HIGH]


@kernel
def is_settled(walk):  # type: ignore[no-untyped-def]
    """Whether the highest place that does is known: it is ``LOW``."""
    return walk.registers[LOW] >= walk.registers[HIGH]


@kernel
def place_to_look(walk):  # type: ignore[no-untyped-def]
    """A place above ``LOW`` and not above ``HIGH``."""
    registers = walk.registers
    low, high, ups, downs = registers[LOW], registers[HIGH], registers[UPS], registers[DOWNS]
    if ups == 0 and downs == 0:
        return registers[FIRST] if registers[FIRST] else high
    if downs == 0:
        return min(low + (1 << min(ups - 1, _LONGEST_STEP)), high)
    if ups == 0:
        return max(high + 1 - (1 << min(downs - 1, _LONGEST_STEP)), low + 1)
    return (low + high + 1) // 2


@kernel
def answer(walk, place, does):  # type: ignore[no-untyped-def]
    """Go on above a place that does what is wanted, below one that does not."""
    registers = walk.registers
    if does:
        registers[LOW] = place
        registers[UPS] += 1
    else:
        registers[HIGH] = place - 1
        registers[DOWNS] += 1


@kernel
def end(walk, guided):  # type: ignore[no-untyped-def]
    """Remember how far up a walk ended: the guide terms of the node found combine to ``guided``."""
    walk.frontier[0] += _RECENT * (guided - walk.frontier[0])
