"""The compiled search: from node to node without leaving compiled code."""

from __future__ import annotations

from anonymizer.compiled import kernel
from anonymizer.search.evaluation import assess
from anonymizer.search.lattice import CHECKED, NONE, advance, improve, learn, level
from anonymizer.search.rollup import keep, replace_base, roll_up, smallest_source
from anonymizer.search.stones import OFTEN, RAISED, SMALL_TABLE, meet, midway, pays


@kernel
def explore(lattice, problem, most_nodes):  # type: ignore[no-untyped-def]
    """Evaluate up to ``most_nodes`` nodes; whether the best one found is now proven to be the optimum."""
    for _ in range(most_nodes):
        node = advance(lattice)
        if node == NONE:
            return True
        if lattice.registers[CHECKED] % RAISED == RAISED - 1:
            _raise_base(lattice, problem)
        _evaluate(lattice, problem, node)
    return False


@kernel
def _evaluate(lattice, problem, node):  # type: ignore[no-untyped-def]
    """Remember ``node`` if it is the best, and learn from it."""
    arena, guard = problem.arena, lattice.fields.guard[0]
    source = smallest_source(arena, node, guard)
    if _lay_stone(lattice, problem, node, source):
        source = smallest_source(arena, node, guard)
    set_levels(lattice.fields, problem.lowest, problem.scratch.levels, node)
    found = assess(problem, source)
    if found.suppressed <= problem.standards.limit:
        improve(lattice, node, found.total, found.suppressed, found.kept)
    if 2 * found.classes <= arena.lengths[source]:
        keep(arena, node, found.classes)
    learn(lattice, node, found.lost > problem.standards.limit, problem.scratch.terms, 0.0, 0.0)


@kernel
def set_levels(fields, lowest, levels, node):  # type: ignore[no-untyped-def]
    for j in range(len(lowest)):
        levels[j] = lowest[j] + level(fields, node, j)


@kernel
def _lay_stone(lattice, problem, node, source):  # type: ignore[no-untyped-def]
    """Roll up halfway to ``node`` if the source is large and often used; whether there is a new table."""
    arena = problem.arena
    arena.uses[source] += 1
    if arena.lengths[source] < SMALL_TABLE or arena.uses[source] % OFTEN:
        return False
    stone = midway(lattice, arena.nodes[source], node)
    if stone == arena.nodes[source] or stone == node:
        return False
    set_levels(lattice.fields, problem.lowest, problem.scratch.levels, stone)
    classes = roll_up(problem.packing, arena, source, problem.scratch.levels)
    if not pays(classes, arena.lengths[source]):
        return False
    keep(arena, stone, classes)
    return True


@kernel
def _raise_base(lattice, problem):  # type: ignore[no-untyped-def]
    """Roll the base up to the meet of the alive nodes."""
    node, arena = meet(lattice), problem.arena
    if node == arena.nodes[0]:
        return
    set_levels(lattice.fields, problem.lowest, problem.scratch.levels, node)
    source = smallest_source(arena, node, lattice.fields.guard[0])
    replace_base(arena, node, roll_up(problem.packing, arena, source, problem.scratch.levels))
