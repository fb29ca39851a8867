"""What evaluated nodes tell of others, held to be asked later: compiled code.

An insight of a node holds for all its specialisations: none of them meets the criteria, or their totals have
bounds. Only so many are held; one that has not been of use for longest makes room. Losing it costs no more
than looking again.

Shapes: m columns, w words, L levels at most, n insights at most.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.compiled import kernel
from anonymizer.search.anytime.boxes import GUARD, Floats, Ints, Words, combined, level_of, lies_below

KNOWN, CLOCK = range(2)
"""What the registers of ``Insights`` hold: how many there are, and how often any was of use."""


class Insights(NamedTuple):
    """Words (n, w) ``nodes``, and what each tells.

    ``ruled_out`` uint8 (n): no specialisation meets the criteria. Else ``terms`` float64 (n, m, L) combine to
    a bound of a specialisation's total, and of all totals between it and the node; ``penalties`` (n) is what
    each specialisation costs beyond what is known from the start, and ``floors`` (n) what each generalisation
    does. ``used`` int64 (n): when it was of use last.
    """

    nodes: Words
    ruled_out: NDArray[np.uint8]
    terms: Floats
    penalties: Floats
    floors: Floats
    used: Ints
    registers: Ints


class Choice(NamedTuple):
    """The insight to cut a box by, below 0 for none, and the ``value`` it gives what is below its node.

    ``whole`` is the most that an insight says of the whole box, ``floor`` what specialisations of all of it
    do.
    """

    insight: int
    value: float
    whole: float
    floor: float


@kernel
def remember(insights, node, ruled_out, lesson):  # type: ignore[no-untyped-def]
    """The place where what ``node`` tells is held now; ``lesson`` are terms, penalty and floor."""
    registers = insights.registers
    place = registers[KNOWN]
    if place < len(insights.nodes):
        registers[KNOWN] += 1
    else:
        place = np.argmin(insights.used)
    terms, penalty, floor = lesson
    insights.nodes[place] = node
    insights.ruled_out[place] = ruled_out
    insights.terms[place] = terms[:, : insights.terms.shape[2]]
    _level_off(insights.terms[place], node)
    insights.penalties[place], insights.floors[place] = penalty, floor
    use(insights, place)
    return place


@kernel
def _level_off(terms, node):  # type: ignore[no-untyped-def]
    """Lower ``terms`` (m, L) to the least of the levels from each one up to that of ``node``.

    A bound may fall from a level to the next. What is said of a box's lowest node has to hold for all of it.
    """
    for j in range(len(terms)):
        for here in range(level_of(node, j) - 1, -1, -1):
            terms[j, here] = min(terms[j, here], terms[j, here + 1])


@kernel
def use(insights, place):  # type: ignore[no-untyped-def]
    """Note that an insight was of use."""
    insights.registers[CLOCK] += 1
    insights.used[place] = insights.registers[CLOCK]


@kernel
def told(terrain, insights, place, node, floor):  # type: ignore[no-untyped-def]
    """What an insight says of a specialisation of its node that costs ``floor`` beyond its start."""
    if insights.ruled_out[place]:
        return np.inf
    start = combined(terrain, terrain.terms, node) + insights.penalties[place] + floor
    return max(combined(terrain, insights.terms[place], node), start)


@kernel
def is_hopeless(terrain, insights, node, limit):  # type: ignore[no-untyped-def]
    """Whether an insight says that ``node`` lies beyond ``limit``."""
    for i in range(insights.registers[KNOWN]):
        if lies_below(node, insights.nodes[i]) and told(terrain, insights, i, node, 0.0) > limit:
            return True
    return False


@kernel
def choose(terrain, insights, low, high, need):  # type: ignore[no-untyped-def]
    """The ``Choice`` for a box: of those that say more than ``need``, the one with fewest parts."""
    chosen, value, whole, floor, fewest = -1, 0.0, -np.inf, 0.0, len(terrain.heights) + 1
    for i in range(insights.registers[KNOWN]):
        if lies_below(insights.nodes[i], low):
            floor = max(floor, insights.floors[i])
    for i in range(insights.registers[KNOWN]):
        if not lies_below(low, insights.nodes[i]):
            continue
        said, parts = told(terrain, insights, i, low, floor), _parts(insights.nodes[i], high)
        if parts == 0 and said > whole:
            whole = said
            use(insights, i)
        if said > need and (parts < fewest or (parts == fewest and said > value)):
            chosen, value, fewest = i, said, parts
    return Choice(chosen, value, whole, floor)


@kernel
def _parts(top, high):  # type: ignore[no-untyped-def]
    """Into how many boxes what is not below ``top`` falls: the columns where ``high`` is higher."""
    parts = 0
    for w in range(len(top)):
        higher = ~((top[w] | GUARD) - high[w]) & GUARD
        while higher:
            higher &= higher - np.uint64(1)
            parts += 1
    return parts
