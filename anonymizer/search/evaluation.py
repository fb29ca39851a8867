"""Evaluating a node in the compiled search: who is suppressed, what that costs, what it tells of others.

Shapes: m columns, L levels at most, s sensitive columns counted by marks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.compiled import kernel
from anonymizer.judging.demands import Layout
from anonymizer.judging.histogram_rows import lose_rows
from anonymizer.search.rollup import BLOCK, OUT, Arena, Packing, roll_up

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Costs(NamedTuple):
    """An affine metric in arrays.

    At level l column j costs x = max(0, base[j, l] + alpha[j] * suppressed rows - beta[j] * what these rows
    cover), weighted as ``weights[j] * x`` or ``weights[j] * log1p(x)``. ``cover`` has the layout of
    ``Packing.labels``. ``most`` holds, from ``most_offsets[j] + (here * depths[j] + l) * values[j]``, the
    most that a value's label at level ``here`` leaves any of its values to cover at level l.
    """

    base: Floats
    alpha: Floats
    beta: Floats
    weights: Floats
    logarithmic: bool
    largest: bool
    cover: Ints
    most: Ints
    most_offsets: Ints
    depths: Ints


class Standards(NamedTuple):
    """What every class must hold: ``k`` people, ``least[s]`` marks, and ``limit`` rows suppressed at most."""

    k: int
    least: Ints
    limit: int


class Scratch(NamedTuple):
    """Room for one evaluation: rows suppressed and lost per class, rows per code, terms, levels."""

    suppressed: Ints
    lost: Ints
    per_code: Ints
    terms: Floats
    levels: Ints


class Problem(NamedTuple):
    """All that evaluating nodes needs; ``lowest`` int64 (m) are the columns' least levels."""

    packing: Packing
    arena: Arena
    costs: Costs
    standards: Standards
    layout: Layout
    lowest: Ints
    scratch: Scratch


class Finding(NamedTuple):
    """What a node's classes are: ``kept`` and all of them, rows suppressed, rows lost below, and the total.

    ``total`` is infinite where more rows are suppressed than allowed. Where fewer are lost, the scratch's
    ``terms`` bound the columns' parts of the total at every specialisation.
    """

    kept: int
    classes: int
    suppressed: int
    lost: int
    total: float


@kernel
def most_cover(packing, cover, depths, places):  # type: ignore[no-untyped-def]
    """``Costs.most``; int64."""
    most = np.zeros(places[-1], np.int64)
    best = np.zeros(packing.values.max(), np.int64)
    for j in range(len(depths)):
        values = packing.values[j]
        for here in range(depths[j]):
            labels = packing.offsets[j] + here * values
            for finer in range(here + 1):
                best[:] = 0
                covers = packing.offsets[j] + finer * values
                for code in range(values):
                    label = packing.labels[labels + code]
                    best[label] = max(best[label], cover[covers + code])
                out = places[j] + (here * depths[j] + finer) * values
                for code in range(values):
                    most[out + code] = best[packing.labels[labels + code]]
    return most


@kernel
def term(costs, column, x):  # type: ignore[no-untyped-def]
    """A column's weighted part of the total."""
    x = max(x, 0.0)
    return costs.weights[column] * (np.log1p(x) if costs.logarithmic else x)


@kernel
def bits_set(word):  # type: ignore[no-untyped-def]
    """How many bits of a 64-bit word are set."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def _judge(arena, standards, layout, classes, suppressed, lost):  # type: ignore[no-untyped-def]
    """Fill in the rows ``suppressed`` per class and those ``lost`` in all specialisations; both sums."""
    begin = arena.registers[OUT]
    rows, marks, least = arena.rows[begin : begin + classes], arena.marks[begin:], standards.least
    for c in range(classes):
        lost[c] = rows[c] if rows[c] < standards.k else 0
    for s in range(len(least)):
        for c in range(classes):
            if bits_set(marks[c, s]) < least[s]:
                lost[c] = rows[c]
    if arena.held.shape[1]:
        lose_rows(layout, arena.held[begin : begin + classes], rows, lost[:classes])
    all_suppressed, all_lost = 0, 0
    for c in range(classes):
        suppressed[c] = rows[c] if lost[c] > 0 else 0
        all_suppressed += suppressed[c]
        all_lost += lost[c]
    return all_suppressed, all_lost


@kernel
def spread_block(words, block, starts, rows, per_chunk):  # type: ignore[no-untyped-def]
    """Add the rows of each class to the numbers that its tuple has in the chunks of a block."""
    c = block * BLOCK
    a0, a1 = np.uint64(starts[c]), np.uint64(starts[c + 1])
    a2, a3 = np.uint64(starts[c + 2]), np.uint64(starts[c + 3])
    for i in range(len(words)):
        if rows[i]:
            per_chunk[a0 + np.uint64(words[i, c])] += rows[i]
            per_chunk[a1 + np.uint64(words[i, c + 1])] += rows[i]
            per_chunk[a2 + np.uint64(words[i, c + 2])] += rows[i]
            per_chunk[a3 + np.uint64(words[i, c + 3])] += rows[i]


@kernel
def _spread(packing, arena, classes, rows, per_code):  # type: ignore[no-untyped-def]
    """``rows`` of the classes just made, summed per column and code of their tuples; int64 (m, values)."""
    starts, begin, per_chunk = packing.chunk_starts, arena.registers[OUT], arena.per_chunk
    chunks = len(starts) - 1
    per_chunk[: starts[chunks]] = 0
    for block in range(chunks // BLOCK):
        spread_block(arena.words[begin : begin + classes], block, starts, rows, per_chunk)
    per_code[:, :] = 0
    for chunk in range(chunks):
        for place in range(starts[chunk], starts[chunk + 1]):
            if per_chunk[place]:
                number = place - starts[chunk]
                for spot in range(packing.column_starts[chunk + 1] - 1, packing.column_starts[chunk] - 1, -1):
                    j = packing.order[spot]
                    per_code[j, number % packing.values[j]] += per_chunk[place]
                    number //= packing.values[j]


@kernel
def _total(packing, costs, levels, suppressed, per_code):  # type: ignore[no-untyped-def]
    """The metric's total where the rows in ``per_code`` are suppressed, ``suppressed`` in all."""
    total = 0.0
    for j in range(len(levels)):
        covered, labels = 0, packing.offsets[j] + levels[j] * packing.values[j]
        for code in range(packing.values[j]):
            if per_code[j, code]:
                covered += per_code[j, code] * costs.cover[labels + code]
        x = costs.base[j, levels[j]] + costs.alpha[j] * suppressed - costs.beta[j] * covered
        total = max(total, term(costs, j, x)) if costs.largest else total + term(costs, j, x)
    return total


@kernel
def _terms(packing, costs, lowest, levels, lost, per_code, terms):  # type: ignore[no-untyped-def]
    """Per column and level, what its term is at least where the rows in ``per_code`` are suppressed."""
    for j in range(len(levels)):
        values = packing.values[j]
        for finer in range(lowest[j], levels[j] + 1):
            covered = 0
            most = costs.most_offsets[j] + (levels[j] * costs.depths[j] + finer) * values
            for code in range(values):
                if per_code[j, code]:
                    covered += per_code[j, code] * costs.most[most + code]
            x = costs.base[j, finer] + costs.alpha[j] * lost - costs.beta[j] * covered
            terms[j, finer - lowest[j]] = term(costs, j, x)


@kernel
def assess(problem, source):  # type: ignore[no-untyped-def]
    """The ``Finding`` at the levels in the scratch, rolled up from the arena's table ``source``."""
    packing, arena, costs, standards = problem.packing, problem.arena, problem.costs, problem.standards
    suppressed, lost, per_code = problem.scratch.suppressed, problem.scratch.lost, problem.scratch.per_code
    levels, total = problem.scratch.levels, np.inf
    classes = roll_up(packing, arena, source, levels)
    all_suppressed, all_lost = _judge(arena, standards, problem.layout, classes, suppressed, lost)
    if all_lost <= standards.limit:
        _spread(packing, arena, classes, suppressed, per_code)
        if all_suppressed <= standards.limit:
            total = _total(packing, costs, levels, all_suppressed, per_code)
        if all_lost < all_suppressed:
            _spread(packing, arena, classes, lost, per_code)
        _terms(packing, costs, problem.lowest, levels, all_lost, per_code, problem.scratch.terms)
    kept = 0
    for c in range(classes):
        kept += suppressed[c] == 0
    return Finding(kept, classes, all_suppressed, all_lost, total)
