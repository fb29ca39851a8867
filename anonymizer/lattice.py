"""The generalisation lattice during a search: which nodes may still be the optimum, which to look at next.

A node is one unsigned 64-bit word: a field per column with its level above the lowest, and a guard bit over
each field, so that one subtraction tells whether a node is a specialisation of another. ``alive`` nodes come
with a lower bound of the metric's total. The next target is the alive node of least bound; on a chain from it
to the top, bisection finds the most general node that rules it out, since that one rules out most else
(predictive tagging on chains: Kohlmayer et al., "Flash", PASSAT 2012).

Shapes: m columns, L levels at most. All loops are compiled; ``Lattice`` holds arrays only, changed in place.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.compiled import kernel

Words = NDArray[np.uint64]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

ALIVE, CHECKED, SETTLING, LOW, HIGH, MIDDLE, PROBES, FOUND, SUPPRESSED, CLASSES, HEIGHT, TRACED = range(12)
"""What the integers of ``registers`` hold."""
TOTAL, SLACK, FRONTIER = 0, 1, 2
"""What ``best`` holds: the least total found, by how much totals may differ and count as equal, and what
guide terms combine to where chains stopped being ruled out lately."""
NONE = np.uint64(2**64 - 1)
"""No node: guard bits are never set in one."""
MOST_TRACED = 512
_SAMPLE = 128


class Lattice(NamedTuple):
    """The state of a search.

    ``shifts``, ``masks``, ``strides``, ``heights`` (m) describe each column's field. ``terms`` (m, L) are
    the columns' parts of the bound that holds from the start, ``guide`` (m, L) what levels are likely to
    cost. ``down`` is the part of an alive node's bound learned from its generalisations, ``up`` that from its
    specialisations.
    """

    shifts: Words
    masks: Words
    strides: Ints
    heights: Ints
    guard: Words
    terms: Floats
    guide: Floats
    largest: bool
    nodes: Words
    start: Floats
    bounds: Floats
    down: Floats
    up: Floats
    evaluated: NDArray[np.uint8]
    chain: Words
    best_node: Words
    best: Floats
    registers: Ints
    trace: Floats


@kernel
def is_specialisation(node, other, guard):  # type: ignore[no-untyped-def]
    """Whether ``node`` generalises no column further than ``other`` does."""
    return ((other | guard) - node) & guard == guard


@kernel
def level(lattice, node, column):  # type: ignore[no-untyped-def]
    """A column's level above its lowest at ``node``."""
    return np.int64((node >> lattice.shifts[column]) & lattice.masks[column])


@kernel
def linear(lattice, node):  # type: ignore[no-untyped-def]
    """The node's index in ``evaluated``."""
    index = 0
    for j in range(len(lattice.shifts)):
        index += level(lattice, node, j) * lattice.strides[j]
    return index


@kernel
def height(lattice, node):  # type: ignore[no-untyped-def]
    """The sum of the node's levels above the lowest."""
    total = 0
    for j in range(len(lattice.shifts)):
        total += level(lattice, node, j)
    return total


@kernel
def combined(lattice, terms, node):  # type: ignore[no-untyped-def]
    """The sum of the columns' ``terms`` (m, L) at ``node``, or the largest of them."""
    total = 0.0
    for j in range(len(lattice.shifts)):
        term = terms[j, (node >> lattice.shifts[j]) & lattice.masks[j]]
        if lattice.largest:
            total = max(total, term)
        else:
            total += term
    return total


@kernel
def populate(lattice):  # type: ignore[no-untyped-def]
    """Make all nodes alive, with the bound that ``terms`` give."""
    columns = len(lattice.shifts)
    digits = np.zeros(columns, np.int64)
    for i in range(len(lattice.nodes)):
        node = np.uint64(0)
        for j in range(columns):
            node |= np.uint64(digits[j]) << lattice.shifts[j]
        lattice.nodes[i] = node
        lattice.start[i] = combined(lattice, lattice.terms, node)
        lattice.bounds[i] = lattice.start[i]
        j = columns - 1
        while j >= 0 and digits[j] == lattice.heights[j]:
            digits[j] = 0
            j -= 1
        if j >= 0:
            digits[j] += 1
    lattice.registers[ALIVE] = len(lattice.nodes)


@kernel
def guided(lattice):  # type: ignore[no-untyped-def]
    """The alive nodes' ``guide`` terms combined; float64 (nodes)."""
    sums = np.empty(lattice.registers[ALIVE])
    for i in range(len(sums)):
        sums[i] = combined(lattice, lattice.guide, lattice.nodes[i])
    return sums


@kernel
def ceiling(lattice):  # type: ignore[no-untyped-def]
    """Nodes whose bound lies above cannot be the optimum."""
    return lattice.best[TOTAL] + lattice.best[SLACK]


@kernel
def advance(lattice):  # type: ignore[no-untyped-def]
    """The next node to evaluate, or ``NONE`` where the best one found is proven to be the optimum."""
    registers = lattice.registers
    while registers[ALIVE]:
        if not registers[SETTLING]:
            target = _most_promising(lattice)
            if target == NONE:
                return NONE
            _climb(lattice, target)
        while registers[LOW] < registers[HIGH]:
            middle = _next_probe(lattice)
            if not lattice.evaluated[linear(lattice, lattice.chain[middle])]:
                registers[MIDDLE] = middle
                return lattice.chain[middle]
            # It was evaluated before and the target is still alive: it does not rule the target out.
            registers[HIGH] = middle - 1
        registers[SETTLING] = 0
        node = lattice.chain[registers[LOW]]
        lattice.best[FRONTIER] += 0.3 * (combined(lattice, lattice.guide, node) - lattice.best[FRONTIER])
        if not lattice.evaluated[linear(lattice, node)]:
            registers[MIDDLE] = -1
            return node
    return NONE


@kernel
def _next_probe(lattice):  # type: ignore[no-untyped-def]
    """Where to look above ``LOW``: first where chains ended lately, then beside it, then halfway."""
    registers = lattice.registers
    low, high = registers[LOW], registers[HIGH]
    registers[PROBES] += 1
    if registers[PROBES] == 1:
        place = low + 1
        while (
            place < high and combined(lattice, lattice.guide, lattice.chain[place]) < lattice.best[FRONTIER]
        ):
            place += 1
        return place
    if registers[PROBES] == 2:
        return low + 1 if low == registers[MIDDLE] else high
    return (low + high + 1) // 2


@kernel
def _most_promising(lattice):  # type: ignore[no-untyped-def]
    best, bound = NONE, ceiling(lattice)
    for i in range(lattice.registers[ALIVE]):
        if lattice.bounds[i] < bound or (best == NONE and lattice.bounds[i] == bound):
            best, bound = lattice.nodes[i], lattice.bounds[i]
    return best


@kernel
def _climb(lattice, target):  # type: ignore[no-untyped-def]
    """A chain from the target to the top, one step at a time where the column's guide grows least."""
    node, length = target, 0
    lattice.chain[0] = node
    while True:
        step, least = -1, np.inf
        for j in range(len(lattice.shifts)):
            here = level(lattice, node, j)
            if here < lattice.heights[j]:
                rise = lattice.guide[j, here + 1] - lattice.guide[j, here]
                if rise < least or step < 0:
                    step, least = j, rise
        if step < 0:
            break
        node += np.uint64(1) << lattice.shifts[step]
        length += 1
        lattice.chain[length] = node
    lattice.registers[SETTLING], lattice.registers[PROBES] = 1, 0
    lattice.registers[LOW], lattice.registers[HIGH] = 0, length


@kernel
def learn(lattice, node, ruled_out, terms, penalty, floor):  # type: ignore[no-untyped-def]
    """Put what an evaluated node tells into the bounds, and drop the nodes that cannot be the optimum.

    ``ruled_out``: no specialisation of ``node`` meets the criteria. Otherwise ``terms`` (m, L) combine to a
    bound of every specialisation's total, and ``penalty`` is what each costs beyond its own start and floor;
    ``floor`` is what each generalisation costs beyond its start.
    """
    guard, limit, kept = lattice.guard[0], ceiling(lattice), 0
    nodes, bounds, target, stands = lattice.nodes, lattice.bounds, lattice.chain[0], False
    for i in range(lattice.registers[ALIVE]):
        other, bound = nodes[i], bounds[i]
        down, up = lattice.down[i], lattice.up[i]
        if is_specialisation(other, node, guard):
            if ruled_out or other == node:
                continue
            bound = max(bound, combined(lattice, terms, other))
            down = max(down, penalty)
        if is_specialisation(node, other, guard):
            up = max(up, floor)
        bound = max(bound, lattice.start[i] + down + up)
        if bound <= limit:
            nodes[kept], bounds[kept], lattice.start[kept] = other, bound, lattice.start[i]
            lattice.down[kept], lattice.up[kept] = down, up
            stands = stands or other == target
            kept += 1
    registers = lattice.registers
    registers[ALIVE] = kept
    registers[CHECKED] += 1
    lattice.evaluated[linear(lattice, node)] = 1
    # Go on above the evaluated node of the chain if it ruled the target out, else below it.
    if stands:
        registers[HIGH] = registers[MIDDLE] - 1
    else:
        registers[LOW] = registers[MIDDLE]


@kernel
def midway(lattice, low, high):  # type: ignore[no-untyped-def]
    """A node between ``low`` and ``high`` that half of the alive nodes above ``low`` generalise still.

    Column by column it goes up where most of them do.
    """
    node, covered = low, _above(lattice, low)
    least = (covered + 7) // 8
    while True:
        best, most = -1, least - 1
        for j in range(len(lattice.shifts)):
            if level(lattice, node, j) < level(lattice, high, j):
                count = _above(lattice, node + (np.uint64(1) << lattice.shifts[j]))
                if count > most:
                    best, most = j, count
        if best < 0:
            return node
        node += np.uint64(1) << lattice.shifts[best]


@kernel
def _above(lattice, node):  # type: ignore[no-untyped-def]
    """How many alive nodes of a sample generalise ``node``."""
    guard, count = lattice.guard[0], 0
    for i in range(0, lattice.registers[ALIVE], 1 + lattice.registers[ALIVE] // _SAMPLE):
        count += is_specialisation(node, lattice.nodes[i], guard)
    return count


@kernel
def least_bound(lattice):  # type: ignore[no-untyped-def]
    """What no node that may still be the optimum falls below."""
    bound = lattice.best[TOTAL]
    for i in range(lattice.registers[ALIVE]):
        bound = min(bound, lattice.bounds[i])
    return bound


@kernel
def meet(lattice):  # type: ignore[no-untyped-def]
    """The most general node below all alive nodes and the chain: all that is left to look at lies above."""
    node = np.uint64(0)
    for j in range(len(lattice.shifts)):
        shift = lattice.shifts[j]
        lowest = (lattice.chain[0] >> shift) & lattice.masks[j]
        for i in range(lattice.registers[ALIVE]):
            lowest = min(lowest, (lattice.nodes[i] >> shift) & lattice.masks[j])
        node |= lowest << shift
    return node


@kernel
def improve(lattice, node, total, suppressed, classes):  # type: ignore[no-untyped-def]
    """Remember ``node`` if it is the best so far.

    Best is the least total, then fewest suppressed rows, then lowest levels, then the lexicographic order.
    """
    registers, best = lattice.registers, lattice.best
    if registers[FOUND] and not _is_better(lattice, node, total, suppressed):
        return
    registers[FOUND], registers[SUPPRESSED], registers[CLASSES] = 1, suppressed, classes
    registers[HEIGHT] = height(lattice, node)
    best[TOTAL] = total
    lattice.best_node[0] = node
    row = min(registers[TRACED], MOST_TRACED - 1)
    lattice.trace[row, 0], lattice.trace[row, 1] = registers[CHECKED] + 1, total
    lattice.trace[row, 2] = suppressed
    registers[TRACED] = row + 1


@kernel
def _is_better(lattice, node, total, suppressed):  # type: ignore[no-untyped-def]
    registers, slack = lattice.registers, lattice.best[SLACK]
    ours, theirs = np.rint(total / slack), np.rint(lattice.best[TOTAL] / slack)
    if ours != theirs:
        return ours < theirs
    if suppressed != registers[SUPPRESSED]:
        return suppressed < registers[SUPPRESSED]
    tall = height(lattice, node)
    if tall != registers[HEIGHT]:
        return tall < registers[HEIGHT]
    # Fields are laid out so that the first column is the most significant one.
    return node < lattice.best_node[0]
