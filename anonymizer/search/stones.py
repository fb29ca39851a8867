"""Nodes to roll tables up to that nobody asked for, since others are reached sooner from there."""

from __future__ import annotations

import numpy as np

from anonymizer.compiled import kernel
from anonymizer.search.lattice import ALIVE, is_specialisation

RAISED = 16
"""How many nodes are evaluated before the base is rolled up again."""
SMALL_TABLE, OFTEN = 1024, 3
"""A table of more classes, used as a source so many times, gets a table between it and what is asked for."""
_SAMPLE_SIZE = 128


@kernel
def pays(classes, source):  # type: ignore[no-untyped-def]
    """Whether a table of so many ``classes`` is worth holding beside that of its ``source``."""
    return 4 * classes <= 3 * source


@kernel
def meet(lattice):  # type: ignore[no-untyped-def]
    """The most general node below all alive nodes and the chain: all that is left to look at lies above."""
    node = np.uint64(0)
    for j in range(len(lattice.fields.shifts)):
        shift = lattice.fields.shifts[j]
        lowest = (lattice.chain[0] >> shift) & lattice.fields.masks[j]
        for i in range(lattice.registers[ALIVE]):
            lowest = min(lowest, (lattice.nodes[i] >> shift) & lattice.fields.masks[j])
        node |= lowest << shift
    return node


@kernel
def midway(lattice, low, high):  # type: ignore[no-untyped-def]
    """A node between ``low`` and ``high`` that many of the alive nodes above ``low`` generalise still.

    Column by column it goes up where most of them do, while they are an eighth.
    """
    fields, guard, one = lattice.fields, lattice.fields.guard[0], np.uint64(1)
    shifts, masks = fields.shifts, fields.masks
    above = _sample(lattice, low)
    node, count, least = low, len(above), (len(above) + 7) // 8
    while True:
        best, most = -1, least - 1
        for j in range(len(shifts)):
            if (node >> shifts[j]) & masks[j] < (high >> shifts[j]) & masks[j]:
                stepping = 0
                for i in range(count):
                    stepping += (above[i] >> shifts[j]) & masks[j] > (node >> shifts[j]) & masks[j]
                if stepping > most:
                    best, most = j, stepping
        if best < 0:
            return node
        node += one << shifts[best]
        kept = 0
        for i in range(count):
            if is_specialisation(node, above[i], guard):
                above[kept] = above[i]
                kept += 1
        count = kept


@kernel
def _sample(lattice, node):  # type: ignore[no-untyped-def]
    """Alive nodes that generalise ``node``, of a sample of them."""
    guard, nodes, alive = lattice.fields.guard[0], lattice.nodes, lattice.registers[ALIVE]
    step, count = 1 + alive // _SAMPLE_SIZE, 0
    above = np.empty(alive // step + 1, np.uint64)
    for i in range(0, alive, step):
        if is_specialisation(node, nodes[i], guard):
            above[count] = nodes[i]
            count += 1
    return above[:count]
