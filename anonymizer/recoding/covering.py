"""Covering a table by classes of lattice nodes: a first partition for local recoding.

Each class lies at some node, and the cheapest are made first from the tuples that are in none yet. It is
greedy, as set covers are: what comes last finds few companions left.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting.counts import Counts
from anonymizer.hierarchies.encoding import Codes, Ladder
from anonymizer.recoding.box_kernels import ROW, Tree
from anonymizer.recoding.cover_kernels import Ground, Nodes, cover
from anonymizer.recoding.partition_kernels import Members, Needs

Ints = NDArray[np.int64]
MOST_NODES = 2**15
MOST_VISITS = 2**28
"""How many tuples are looked at, each at many nodes: some seconds' work."""
_STEP = ROW // 200
_WORD = 2**16
"""How many entries the numbers of one word take, over all levels of its columns, unless one column does."""
_KEY_SPACE = 2**62


def covered(counts: Counts, tree: Tree, members: Members, needs: Needs) -> tuple[Codes, int] | None:
    """The class of each tuple, int32 (tuples), -1 where it is in none, and the number of classes.

    ``None`` where the lattice is too large to look at every node.
    """
    ladders = counts.ladders
    space = prod(max(ladder.label_codes.shape[1], 1) for ladder in ladders)
    if counts.lattice_size > MOST_NODES or space >= _KEY_SPACE:
        return None
    levels = np.array(list(product(*(range(each.lowest, each.highest + 1) for each in ladders))), np.int64)
    marginals, cheapest = _marginal_prices(counts, tree, levels)
    levels = levels[np.argsort(marginals, kind="stable")]
    due = cheapest[np.argsort(marginals, kind="stable")]
    words, nodes = _numbered(counts, tree, levels, due)
    room = np.zeros(len(needs.demand_of) + 1, np.int64)
    class_of, classes = cover(nodes, Ground(words, tree.prices, members, needs, room), _STEP, MOST_VISITS)
    return class_of, int(classes)


def _marginal_prices(counts: Counts, tree: Tree, levels: Ints) -> tuple[Ints, Ints]:
    """What all rows pay at each node, and the least that any row pays there; int64 (nodes)."""
    total, least = np.zeros(len(levels), np.int64), np.zeros(len(levels), np.int64)
    for j, ladder in enumerate(counts.ladders):
        begin, shape = int(tree.offsets[j]), ladder.label_codes.shape
        prices = tree.prices[begin : begin + ladder.label_codes.size].reshape(shape)
        rows = np.zeros(len(ladder.labels[0]), np.int64)
        np.add.at(rows, counts.codes[:, j], counts.rows)
        total += (prices @ rows)[levels[:, j]]
        least += prices[:, rows > 0].min(axis=1)[levels[:, j]]
    return total, least


def _numbered(counts: Counts, tree: Tree, levels: Ints, due: Ints) -> tuple[Codes, Nodes]:
    """Every tuple's words, int32 (tuples, words), and the nodes that read them."""
    groups = _grouped(counts.ladders)
    words = np.empty((counts.n_tuples, len(groups)), np.int32)
    starts, sizes = (np.empty((len(levels), len(groups)), np.int64) for _ in range(2))
    table: list[Codes] = []
    for x, columns in enumerate(groups):
        ladders = [counts.ladders[j] for j in columns]
        shape = tuple(ladder.label_codes.shape[1] for ladder in ladders)
        words[:, x] = np.ravel_multi_index(tuple(counts.codes[:, j] for j in columns), shape)
        steps = tuple(ladder.highest - ladder.lowest + 1 for ladder in ladders)
        above = tuple(levels[:, j] - counts.ladders[j].lowest for j in columns)
        combination = np.ravel_multi_index(above, steps)
        begin = sum(map(len, table)) + prod(shape) * np.arange(prod(steps))
        numbers, space = _word_numbers(ladders)
        starts[:, x], sizes[:, x] = begin[combination], space[combination]
        table += numbers
    return words, Nodes(np.concatenate(table), starts, sizes, tree.offsets + levels * tree.values, due)


def _word_numbers(ladders: Sequence[Ladder]) -> tuple[list[Codes], Ints]:
    """What each value of a word is at each combination of its columns' levels, and how many there are."""
    numbers, spaces = [], []
    for levels in product(*(range(ladder.lowest, ladder.highest + 1) for ladder in ladders)):
        number, space = np.zeros(1, np.int64), 1
        for ladder, level in zip(ladders, levels, strict=True):
            labels = ladder.label_codes[level]
            size = int(labels.max()) + 1
            number = (number[:, np.newaxis] * size + labels).ravel()
            space *= size
        numbers.append(number.astype(np.int32))
        spaces.append(space)
    return numbers, np.array(spaces, np.int64)


def _grouped(ladders: Sequence[Ladder]) -> list[list[int]]:
    """The columns of each word, those with few values and levels together."""
    entries = [each.label_codes.shape[1] * (each.highest - each.lowest + 1) for each in ladders]
    groups: list[list[int]] = []
    for j in sorted(range(len(ladders)), key=lambda column: entries[column]):
        if groups and prod(entries[i] for i in groups[-1]) * entries[j] <= _WORD:
            groups[-1].append(j)
        else:
            groups.append([j])
    return groups
