"""Covering tuples by classes of lattice nodes, the cheapest classes first: compiled code.

Shapes: n tuples, m columns, q nodes of the lattice, w words per tuple.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.compiled import kernel
from anonymizer.recoding.partition_kernels import Members, Needs

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]
_NEVER = np.int64(2**62)


class Nodes(NamedTuple):
    """Nodes of the lattice, and how a tuple's class there is told.

    A few columns' codes make one word, and at a node each word one number: word x of value v adds
    ``table[starts[node, x] + v]`` int32 to the key, in mixed radix ``sizes[node, x]``; both int64 (q, w).
    ``offsets`` int64 (q, m) is where each column's level begins in ``Tree.prices``. ``due`` int64 (q) is the
    price from which the node is to be looked at; it is changed in place.
    """

    table: Codes
    starts: Ints
    sizes: Ints
    offsets: Ints
    due: Ints


class Pool(NamedTuple):
    """The tuples that are in no class yet, and room to group them.

    ``tuples`` int32 and ``words`` int32 (n, w) in place; ``slot`` int32 (n) of each, and per slot its key,
    its rows, its class, and its tuples as a list by ``following``.
    """

    tuples: Codes
    words: Codes
    slot: Codes
    key: Ints
    rows: Ints
    found: Codes
    first: Codes
    following: Codes


class Ground(NamedTuple):
    """What is to be covered: each tuple's ``words`` int32 (n, w), ``Tree.prices``, the tuples, what a class
    needs, and room to count different values: int64, one more than there are values."""

    words: Codes
    prices: Ints
    members: Members
    needs: Needs
    room: Ints


@kernel
def cover(nodes, ground, step, most_visits):  # type: ignore[no-untyped-def]
    """The class of each tuple, int32 (n), -1 where it is in none; and the number of classes.

    At each limit of price, raised in multiples of ``step``, the nodes that are due are looked at in order:
    the tuples without a class are grouped there, and a group that meets the needs and whose rows pay no more
    than the limit becomes a class. The cheapest one left makes the node due again. It ends when nothing is
    due, or after ``most_visits`` tuples were looked at.
    """
    class_of = np.full(len(ground.words), -1, np.int32)
    pool = _pool(ground.words)
    left, classes, visits, limit = len(class_of), 0, 0, np.int64(0)
    while left > 0 and limit < _NEVER:
        ahead = _NEVER
        for node in range(len(nodes.due)):
            if nodes.due[node] <= limit:
                visits += left
                if visits > most_visits:
                    return class_of, classes
                _group(nodes, pool, node, left, ground.members.rows)
                left, classes, nodes.due[node] = _take(
                    nodes, ground, pool, class_of, node, left, classes, limit
                )
            ahead = min(ahead, nodes.due[node])
        limit = ahead if ahead == _NEVER else (ahead + step - 1) // step * step
    return class_of, classes


@kernel
def _pool(words):  # type: ignore[no-untyped-def]
    n, slots = len(words), 16
    while slots < 2 * n:
        slots *= 2
    return Pool(
        np.arange(n).astype(np.int32),
        words.copy(),
        np.empty(n, np.int32),
        np.full(slots, -1, np.int64),
        np.zeros(slots, np.int64),
        np.empty(slots, np.int32),
        np.empty(slots, np.int32),
        np.empty(n, np.int32),
    )


@kernel
def _group(nodes, pool, node, left, rows):  # type: ignore[no-untyped-def]
    """Put the first ``left`` tuples of the pool into slots by their class at the node, and count its rows."""
    bits = 4
    while (1 << bits) < 2 * left:
        bits += 1
    mask = (1 << bits) - 1
    starts, sizes, table = nodes.starts[node], nodes.sizes[node], nodes.table
    tuples, words, slot, taken, held, found, first, following = pool
    width = words.shape[1]
    for i in range(left):
        key = np.int64(0)
        for x in range(width):
            key = key * sizes[x] + table[starts[x] + words[i, x]]
        # Fibonacci hashing: the high bits of a product with 2^64 / golden ratio.
        place = np.int64((np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - bits))
        while taken[place] != -1 and taken[place] != key:
            place = (place + 1) & mask
        if taken[place] == -1:
            taken[place], held[place], found[place], first[place] = key, 0, -1, -1
        held[place] += rows[tuples[i]]
        slot[i], following[i] = place, first[place]
        first[place] = i


@kernel
def _take(nodes, ground, pool, class_of, node, left, classes, limit):  # type: ignore[no-untyped-def]
    """Make classes of the groups that meet the needs and whose rows pay at most ``limit``.

    What is left of the pool, the number of classes, and what a row pays in the cheapest group left over.
    """
    tuples, words, slot, taken, held, found, _, _ = pool
    kept, due, width, least = 0, _NEVER, words.shape[1], ground.needs.least[0]
    codes, prices = ground.members.codes, ground.prices
    for i in range(left):
        place, t = slot[i], tuples[i]
        if held[place] >= least and found[place] == -1:
            price = np.int64(0)
            for j in range(nodes.offsets.shape[1]):
                price += prices[nodes.offsets[node, j] + codes[t, j]]
            found[place] = -2
            if price > limit:
                due = min(due, price)
            elif _is_diverse(ground, pool, place):
                found[place] = classes
                classes += 1
    for i in range(left):
        place, t = slot[i], tuples[i]
        taken[place] = -1
        if held[place] >= least and found[place] >= 0:
            class_of[t] = found[place]
            continue
        tuples[kept] = t
        for x in range(width):
            words[kept, x] = words[i, x]
        kept += 1
    return kept, classes, due


@kernel
def _is_diverse(ground, pool, place):  # type: ignore[no-untyped-def]
    """Whether the tuples of a slot hold enough different values of every demand."""
    members, needs, seen = ground.members, ground.needs, ground.room
    if len(needs.different) == 0:
        return True
    missing = needs.different.copy()
    seen[-1] += 1
    i = pool.first[place]
    while i >= 0:
        t = pool.tuples[i]
        for x in range(members.begin[t], members.begin[t + 1]):
            v = members.item[x]
            if seen[v] != seen[-1]:
                seen[v] = seen[-1]
                missing[needs.demand_of[v]] -= 1
        i = pool.following[i]
    return missing.max() <= 0
