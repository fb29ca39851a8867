"""The generalisation lattice during a search: which nodes may still be the optimum, which to look at next.

A node is one unsigned 64-bit word: a field per column with its level above the lowest, and a guard bit over
each field, so that one subtraction tells whether a node is a specialisation of another. ``alive`` nodes come
with a lower bound of the metric's total. From one of them, the target, a chain leads to the top; on it, the
most general node that rules the target out is looked for (`walk`), since that one rules out most else
(predictive tagging on chains: Kohlmayer et al., "Flash", PASSAT 2012).

Shapes: m columns, L levels at most. All loops are compiled; ``Lattice`` holds arrays only, changed in place.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.compiled import kernel
from anonymizer.search.walk import (
    LOW,
    REGISTERS,
    Walk,
    answer,
    end,
    gentlest,
    is_settled,
    lengthen,
    place_to_look,
    set_out,
)

Words = NDArray[np.uint64]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

ALIVE, CHECKED, SETTLING, MIDDLE, FOUND, SUPPRESSED, CLASSES, HEIGHT, TRACED, WALK = range(10)
"""What the integers of ``registers`` hold; those of the walk begin at ``WALK``."""
TOTAL, SLACK, FRONTIER = 0, 1, 2
"""What ``best`` holds: the least total found, by how much totals may differ and count as equal, and what
guide terms combine to where walks ended lately."""
NONE = np.uint64(2**64 - 1)
"""No node: guard bits are never set in one."""
MOST_TRACED = 512


class Fields(NamedTuple):
    """How nodes are written: where each column's field begins, its bits, its step in an index, its top; (m).

    ``largest``: the columns' terms combine to the largest of them, not to their sum.
    """

    shifts: Words
    masks: Words
    strides: Ints
    heights: Ints
    guard: Words
    largest: bool


class Lattice(NamedTuple):
    """The state of a search.

    ``terms`` (m, L) are the columns' parts of the bound that holds from the start, ``guide`` (m, L) what
    levels are likely to cost. Of metrics that look at classes, an alive node's bound is kept in parts: what
    holds from the ``start``, and what was learned from its generalisations (``down``) and specialisations
    (``up``); of others these are empty.
    """

    fields: Fields
    terms: Floats
    guide: Floats
    nodes: Words
    bounds: Floats
    start: Floats
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
def level(fields, node, column):  # type: ignore[no-untyped-def]
    """A column's level above its lowest at ``node``."""
    return np.int64((node >> fields.shifts[column]) & fields.masks[column])


@kernel
def linear(fields, node):  # type: ignore[no-untyped-def]
    """The node's index in ``evaluated``."""
    index = 0
    for j in range(len(fields.shifts)):
        index += level(fields, node, j) * fields.strides[j]
    return index


@kernel
def height(fields, node):  # type: ignore[no-untyped-def]
    """The sum of the node's levels above the lowest."""
    total = 0
    for j in range(len(fields.shifts)):
        total += level(fields, node, j)
    return total


@kernel
def combined(fields, terms, node):  # type: ignore[no-untyped-def]
    """The sum of the columns' ``terms`` (m, L) at ``node``, or the largest of them."""
    total = 0.0
    for j in range(len(fields.shifts)):
        term = terms[j, (node >> fields.shifts[j]) & fields.masks[j]]
        if fields.largest:
            total = max(total, term)
        else:
            total += term
    return total


@kernel
def populate(lattice):  # type: ignore[no-untyped-def]
    """Make all nodes alive, with the bound that ``terms`` give."""
    columns = len(lattice.fields.shifts)
    digits, node = np.zeros(columns, np.int64), np.uint64(0)
    # sums[j]: the terms of the columns before j combined; columns change from right to left.
    sums, j = np.zeros(columns + 1), 0
    for i in range(len(lattice.nodes)):
        for column in range(j, columns):
            term = lattice.terms[column, digits[column]]
            sums[column + 1] = max(sums[column], term) if lattice.fields.largest else sums[column] + term
        lattice.nodes[i] = node
        lattice.bounds[i] = sums[columns]
        j = columns - 1
        while j >= 0 and digits[j] == lattice.fields.heights[j]:
            node -= np.uint64(digits[j]) << lattice.fields.shifts[j]
            digits[j] = 0
            j -= 1
        if j >= 0:
            digits[j] += 1
            node += np.uint64(1) << lattice.fields.shifts[j]
    lattice.registers[ALIVE] = len(lattice.nodes)


@kernel
def guided(lattice):  # type: ignore[no-untyped-def]
    """The alive nodes' ``guide`` terms combined; float64 (nodes)."""
    sums = np.empty(lattice.registers[ALIVE])
    for i in range(len(sums)):
        sums[i] = combined(lattice.fields, lattice.guide, lattice.nodes[i])
    return sums


@kernel
def ceiling(lattice):  # type: ignore[no-untyped-def]
    """Nodes whose bound lies above cannot be the optimum."""
    return lattice.best[TOTAL] + lattice.best[SLACK]


@kernel
def _walk_of(lattice):  # type: ignore[no-untyped-def]
    """The walk from the target to the top that is under way."""
    return Walk(lattice.registers[WALK : WALK + REGISTERS], lattice.best[FRONTIER : FRONTIER + 1])


@kernel
def advance(lattice):  # type: ignore[no-untyped-def]
    """The next node to evaluate, or ``NONE`` where the best one found is proven to be the optimum."""
    registers, walk = lattice.registers, _walk_of(lattice)
    while registers[ALIVE]:
        if not registers[SETTLING]:
            target = _most_promising(lattice)
            if target == NONE:
                return NONE
            _climb(lattice, walk, target)
        while not is_settled(walk):
            middle = place_to_look(walk)
            if not lattice.evaluated[linear(lattice.fields, lattice.chain[middle])]:
                registers[MIDDLE] = middle
                return lattice.chain[middle]
            # It was evaluated before and the target was still alive: it does not rule the target out.
            answer(walk, middle, False)
        registers[SETTLING] = 0
        node = lattice.chain[walk.registers[LOW]]
        end(walk, combined(lattice.fields, lattice.guide, node))
        if not lattice.evaluated[linear(lattice.fields, node)]:
            registers[MIDDLE] = -1
            return node
    return NONE


@kernel
def _most_promising(lattice):  # type: ignore[no-untyped-def]
    """The alive node of least bound; once there is a best node, the one whose bound is nearest to the mean.

    That one lies higher up, so that what rules it out rules more out, and is still far from certain.
    """
    alive, best, least, aim = lattice.registers[ALIVE], NONE, np.inf, 0.0
    if lattice.registers[FOUND]:
        aim = lattice.bounds[:alive].mean()
    for i in range(alive):
        away = abs(lattice.bounds[i] - aim) if lattice.registers[FOUND] else lattice.bounds[i]
        if away < least or best == NONE:
            best, least = lattice.nodes[i], away
    return best


@kernel
def _climb(lattice, walk, target):  # type: ignore[no-untyped-def]
    """Write the chain from the target to the top, and set out."""
    fields, node = lattice.fields, target
    levels = np.empty(len(fields.shifts), np.int64)
    for j in range(len(levels)):
        levels[j] = level(fields, target, j)
    lattice.chain[0] = target
    set_out(walk)
    while True:
        column = gentlest(fields.heights, lattice.guide, levels)
        if column < 0:
            break
        levels[column] += 1
        node += np.uint64(1) << fields.shifts[column]
        lattice.chain[lengthen(walk, combined(fields, lattice.guide, node))] = node
    lattice.registers[SETTLING] = 1


@kernel
def learn(lattice, node, ruled_out, terms, penalty, floor):  # type: ignore[no-untyped-def]
    """Put what an evaluated node tells into the bounds, and drop the nodes that cannot be the optimum.

    ``ruled_out``: no specialisation of ``node`` meets the criteria. Otherwise ``terms`` (m, L) combine to a
    bound of every specialisation's total, and ``penalty`` is what each costs beyond its own start and floor;
    ``floor`` is what each generalisation costs beyond its start.
    """
    registers, alive = lattice.registers, lattice.registers[ALIVE]
    nodes, bounds = lattice.nodes[:alive], lattice.bounds[:alive]
    if not ruled_out and _tells(lattice, node, terms):
        raise_specialisations(lattice.fields, nodes, bounds, node, terms)
    if len(lattice.start):
        _raise_by_parts(lattice, node, penalty, floor)
    stands = _drop(lattice, node, ruled_out)
    registers[CHECKED] += 1
    lattice.evaluated[linear(lattice.fields, node)] = 1
    answer(_walk_of(lattice), registers[MIDDLE], not stands)


@kernel
def _tells(lattice, node, terms):  # type: ignore[no-untyped-def]
    """Whether ``terms`` (m, L) say more of a specialisation of ``node`` than was known from the start."""
    for j in range(len(terms)):
        for here in range(level(lattice.fields, node, j) + 1):
            if terms[j, here] > lattice.terms[j, here]:
                return True
    return False


@kernel
def raise_specialisations(fields, nodes, bounds, node, terms):  # type: ignore[no-untyped-def]
    """Raise the bounds of the specialisations of ``node`` among ``nodes`` to what ``terms`` combine to."""
    # Nodes are in order, so that neighbours differ in their last columns only: sums[j] combines those before
    # column j of the node seen last. Nothing is called in the loop: it would count references every time.
    shifts, masks, guard = fields.shifts, fields.masks, fields.guard[0]
    columns, one = np.uint64(len(shifts)), np.uint64(1)
    sums, last = np.zeros(len(shifts) + 1), NONE
    for i in range(len(nodes)):
        other = nodes[i]
        if not is_specialisation(other, node, guard):
            continue
        j, change, last = columns, other ^ last, other
        while j > 0 and change >> shifts[j - one]:
            j -= one
        while j < columns:
            term = terms[j, (other >> shifts[j]) & masks[j]]
            sums[j + one] = max(sums[j], term) if fields.largest else sums[j] + term
            j += one
        bounds[i] = max(bounds[i], sums[columns])


@kernel
def _raise_by_parts(lattice, node, penalty, floor):  # type: ignore[no-untyped-def]
    """Put what is known of the specialisations and generalisations of ``node`` into their bounds."""
    guard, nodes, bounds = lattice.fields.guard[0], lattice.nodes, lattice.bounds
    start, down, up = lattice.start, lattice.down, lattice.up
    for i in range(lattice.registers[ALIVE]):
        if is_specialisation(nodes[i], node, guard):
            down[i] = max(down[i], penalty)
        if is_specialisation(node, nodes[i], guard):
            up[i] = max(up[i], floor)
        bounds[i] = max(bounds[i], start[i] + down[i] + up[i])


@kernel
def _drop(lattice, node, ruled_out):  # type: ignore[no-untyped-def]
    """Drop ``node``, its specialisations if ruled out, all above the ceiling; whether the target stays."""
    guard, limit, target, kept = lattice.fields.guard[0], ceiling(lattice), lattice.chain[0], 0
    nodes, bounds, by_parts = lattice.nodes, lattice.bounds, len(lattice.start) > 0
    start, down, up, stands = lattice.start, lattice.down, lattice.up, False
    for i in range(lattice.registers[ALIVE]):
        other, bound = nodes[i], bounds[i]
        if bound > limit or other == node or (ruled_out and is_specialisation(other, node, guard)):
            continue
        nodes[kept], bounds[kept] = other, bound
        if by_parts:
            start[kept], down[kept], up[kept] = start[i], down[i], up[i]
        stands |= other == target
        kept += 1
    lattice.registers[ALIVE] = kept
    return stands


@kernel
def least_bound(lattice):  # type: ignore[no-untyped-def]
    """What no node that may still be the optimum falls below."""
    bound = lattice.best[TOTAL]
    for i in range(lattice.registers[ALIVE]):
        bound = min(bound, lattice.bounds[i])
    return bound


@kernel
def improve(lattice, node, total, suppressed, classes):  # type: ignore[no-untyped-def]
    """Remember ``node`` if it is the best so far."""
    # Fields are laid out so that the first column is the most significant one.
    comes_first = node < lattice.best_node[0]
    if record(lattice, (total, suppressed, classes), height(lattice.fields, node), comes_first):
        lattice.best_node[0] = node


@kernel
def record(lattice, found, tall, comes_first):  # type: ignore[no-untyped-def]
    """Whether a node is the best so far, which is noted then; ``found``: total, rows suppressed, classes.

    Best is the least total, then fewest suppressed rows, then lowest levels, whose sum is ``tall``, then the
    lexicographic order: whether it ``comes_first`` of the two. A node that keeps no class is no answer.
    """
    (total, suppressed, classes), registers, best = found, lattice.registers, lattice.best
    if classes == 0 or (registers[FOUND] and not _is_better(lattice, found, tall, comes_first)):
        return False
    registers[FOUND], registers[SUPPRESSED], registers[CLASSES] = 1, suppressed, classes
    registers[HEIGHT] = tall
    best[TOTAL] = total
    row = min(registers[TRACED], MOST_TRACED - 1)
    lattice.trace[row, 0], lattice.trace[row, 1] = registers[CHECKED] + 1, total
    lattice.trace[row, 2] = suppressed
    registers[TRACED] = row + 1
    return True


@kernel
def _is_better(lattice, found, tall, comes_first):  # type: ignore[no-untyped-def]
    (total, suppressed, _), registers, slack = found, lattice.registers, lattice.best[SLACK]
    ours, theirs = np.rint(total / slack), np.rint(lattice.best[TOTAL] / slack)
    if ours != theirs:
        return ours < theirs
    if suppressed != registers[SUPPRESSED]:
        return suppressed < registers[SUPPRESSED]
    if tall != registers[HEIGHT]:
        return tall < registers[HEIGHT]
    return comes_first
