"""The compiled search of a lattice of any size: from node to node without leaving compiled code.

The arena's tables are known by tickets in place of their nodes, which may take more than one word.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anonymizer.compiled import kernel
from anonymizer.search.anytime.anytime import DONE, EVALUATE, advance, learn
from anonymizer.search.anytime.boxes import Ints, Words, level_of, lies_below
from anonymizer.search.evaluation import assess
from anonymizer.search.rollup import TABLES, keep


class Tickets(NamedTuple):
    """Words (t, w) ``nodes`` by ticket, more than an arena has tables; ``given`` int64 (1) is the last."""

    nodes: Words
    given: Ints


@kernel
def explore(search, problem, tickets, most_steps):  # type: ignore[no-untyped-def]
    """Evaluate up to ``most_steps`` nodes; whether the best one found is now proven to be the optimum."""
    for _ in range(most_steps):
        said = advance(search)
        if said == DONE:
            return True
        if said == EVALUATE:
            _evaluate(search, problem, tickets)
    return False


@kernel
def _evaluate(search, problem, tickets):  # type: ignore[no-untyped-def]
    arena, terms = problem.arena, problem.scratch.terms
    source = smallest_source(arena, tickets, search.node)
    for j in range(len(problem.lowest)):
        problem.scratch.levels[j] = problem.lowest[j] + level_of(search.node, j)
    found = assess(problem, source)
    if 2 * found.classes <= arena.lengths[source]:
        keep_as(arena, tickets, search.node, found.classes)
    ruled_out = found.lost > problem.standards.limit
    learn(search, (found.total, found.suppressed, found.kept), ruled_out, (terms, 0.0, 0.0))


@kernel
def smallest_source(arena, tickets, node):  # type: ignore[no-untyped-def]
    """The table with the fewest classes among those of specialisations of ``node``; 0 is the base."""
    best = 0
    for t in range(1, arena.registers[TABLES]):
        if arena.lengths[t] < arena.lengths[best] and lies_below(tickets.nodes[arena.nodes[t]], node):
            best = t
    return best


@kernel
def keep_as(arena, tickets, node, classes):  # type: ignore[no-untyped-def]
    """Hold the classes just made, under a ticket that no other table has."""
    ticket = _next_ticket(tickets)
    while _is_held(arena, ticket):
        ticket = _next_ticket(tickets)
    tickets.nodes[ticket] = node
    keep(arena, ticket, classes)


@kernel
def _next_ticket(tickets):  # type: ignore[no-untyped-def]
    tickets.given[0] += 1
    return np.uint64(tickets.given[0] % len(tickets.nodes))


@kernel
def _is_held(arena, ticket):  # type: ignore[no-untyped-def]
    is_held = False
    for t in range(1, arena.registers[TABLES]):
        is_held |= arena.nodes[t] == ticket
    return is_held
