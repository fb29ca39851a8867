"""A partition of tuples into classes that each show their least box: compiled code.

Shapes: n tuples, m columns, c classes; d demands for distinct values, V values of all of them side by side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.compiled import kernel
from anonymizer.recoding.box_kernels import FAR, box_price, widen

Ints = NDArray[np.int64]
Codes = NDArray[np.int32]


class Members(NamedTuple):
    """The tuples: base ``codes`` int32 (n, m), ``rows`` int64 (n), and the sensitive values they hold:
    ``item`` int32 at i from ``begin[t]`` to before ``begin[t + 1]``."""

    codes: Codes
    rows: Ints
    begin: Ints
    item: Codes


class Needs(NamedTuple):
    """What a class must hold: ``least`` rows, each a person, and ``different[x]`` values of demand x, to
    which value v belongs where ``demand_of[v]`` is x. All int64, (1), (d), (V)."""

    least: Ints
    different: Ints
    demand_of: Ints


class Partition(NamedTuple):
    """Who is in which class, and what the classes show; changed in place.

    ``class_of`` int32 (n), -1 in none; a class's tuples are a list from ``first`` int32 (c) by ``following``
    int32 (n), -1 at its end. ``rows`` int64 (c) are 0 for a class that is no more. Every member shows the
    labels of ``levels`` int8 (c, m) and pays ``price`` int64 (c) per row. ``held`` int32 (c, V) counts the
    tuples that hold a value, ``distinct`` int64 (c, d) the values held by any. ``looks`` int64 (1) counts the
    cells that were looked at so far: the measure of the work.
    """

    class_of: Codes
    first: Codes
    following: Codes
    rows: Ints
    levels: NDArray[np.int8]
    price: Ints
    held: Codes
    distinct: Ints
    looks: Ints


@kernel
def holds(needs, partition, c):  # type: ignore[no-untyped-def]
    """Whether class c meets the needs, or is no more."""
    if partition.rows[c] == 0:
        return True
    for x in range(len(needs.different)):
        if partition.distinct[c, x] < needs.different[x]:
            return False
    return partition.rows[c] >= needs.least[0]


@kernel
def without(tree, members, partition, tuple_, levels):  # type: ignore[no-untyped-def]
    """The price of a row in the tuple's class without it; its box is written to ``levels``.

    Where the tuple is alone, 0: nobody is left to pay.
    """
    first, other, looks = -1, partition.first[partition.class_of[tuple_]], 0
    levels[:] = tree.lowest
    while other >= 0:
        looks += len(levels)
        if other != tuple_:
            if first < 0:
                first = other
            else:
                widen(tree, levels, members.codes[first], members.codes[other])
        other = partition.following[other]
    partition.looks[0] += looks
    return box_price(tree, members.codes[first], levels) if first >= 0 else np.int64(0)


@kernel
def leave(needs, members, partition, tuple_, levels, price):  # type: ignore[no-untyped-def]
    """Take a tuple out of its class, whose box then has ``levels`` and ``price``, as ``without`` says."""
    c, following = partition.class_of[tuple_], partition.following
    if partition.first[c] == tuple_:
        partition.first[c] = following[tuple_]
    else:
        before = partition.first[c]
        while following[before] != tuple_:
            before = following[before]
        following[before] = following[tuple_]
    partition.class_of[tuple_] = -1
    partition.rows[c] -= members.rows[tuple_]
    partition.levels[c] = levels
    partition.price[c] = price
    for i in range(members.begin[tuple_], members.begin[tuple_ + 1]):
        v = members.item[i]
        partition.held[c, v] -= 1
        partition.distinct[c, needs.demand_of[v]] -= partition.held[c, v] == 0


@kernel
def join(tree, needs, members, partition, tuple_, c):  # type: ignore[no-untyped-def]
    """Put a tuple that is in no class into class c, whose box widens."""
    first = partition.first[c]
    if first < 0:
        partition.first[c], partition.following[tuple_] = tuple_, -1
        partition.levels[c] = tree.lowest
    else:
        widen(tree, partition.levels[c], members.codes[first], members.codes[tuple_])
        partition.following[tuple_] = partition.following[first]
        partition.following[first] = tuple_
    partition.class_of[tuple_] = c
    partition.rows[c] += members.rows[tuple_]
    partition.price[c] = box_price(tree, members.codes[tuple_], partition.levels[c])
    for i in range(members.begin[tuple_], members.begin[tuple_ + 1]):
        v = members.item[i]
        partition.distinct[c, needs.demand_of[v]] += partition.held[c, v] == 0
        partition.held[c, v] += 1


@kernel
def transfer(tree, needs, members, partition, tuple_, c):  # type: ignore[no-untyped-def]
    """Move a tuple from its class to class c."""
    levels = np.empty(len(tree.lowest), np.int8)
    price = without(tree, members, partition, tuple_, levels)
    leave(needs, members, partition, tuple_, levels, price)
    join(tree, needs, members, partition, tuple_, c)


@kernel
def paid(partition, c):  # type: ignore[no-untyped-def]
    """What all rows of class c pay."""
    return partition.rows[c] * partition.price[c]


@kernel
def fill(tree, needs, members, partition, class_of):  # type: ignore[no-untyped-def]
    """Put every tuple into its class of ``class_of`` int32 (n), those of -1 into none."""
    for t in range(len(class_of)):
        if class_of[t] >= 0:
            join(tree, needs, members, partition, t, class_of[t])


@kernel
def is_possible(partition, c):  # type: ignore[no-untyped-def]
    """Whether class c's levels are allowed."""
    return partition.price[c] < FAR
