"""Local search over a partition: tuples move to where they cost less, change places, dear classes dissolve.

A step is made only where the total price falls and every class that lost a tuple still meets the needs (one
that gained keeps them): each state could be released, and the search ends. It finds no more than a local
optimum.

What goes over all tuples or classes takes the ``first`` one and pauses once ``Partition.looks`` is at least
``until``; its second result is the one to go on with. However often it pauses, it takes the same steps.

Shapes: n tuples, m columns, c classes.
"""

from __future__ import annotations

import numpy as np

from anonymizer.compiled import kernel
from anonymizer.recoding.near_kernels import Query, nearest
from anonymizer.recoding.partition_kernels import holds, is_possible, join, leave, paid, transfer, without

MOST_DISSOLVED = 2**10
"""The most tuples of a class that is dissolved: what that takes grows with their square, and has no pause."""


@kernel
def gains_of(tree, needs, members, partition, gains, first, until):  # type: ignore[no-untyped-def]
    """Write to ``gains`` int64 (n) what the class of each tuple saves where it leaves, -1 where it can't be
    spared; 0, and the next tuple."""
    levels = np.empty(len(tree.lowest), np.int8)
    for t in range(first, len(gains)):
        if partition.looks[0] >= until:
            return np.int64(0), t
        c, gains[t] = partition.class_of[t], -1
        if c >= 0 and partition.rows[c] - members.rows[t] >= needs.least[0]:
            left = partition.rows[c] - members.rows[t]
            gains[t] = paid(partition, c) - left * without(tree, members, partition, t, levels)
    return np.int64(0), len(gains)


@kernel
def place_all(tree, needs, members, partition, index, first, until):  # type: ignore[no-untyped-def]
    """Put every tuple that is in no class into the one where it costs least, if its levels allow any; 0, and
    the next tuple."""
    for t in range(first, len(members.rows)):
        if partition.looks[0] >= until:
            return np.int64(0), t
        if partition.class_of[t] < 0:
            c, _ = _target(tree, needs, members, partition, index, t, np.int64(2**62))
            if c < 0:
                continue
            join(tree, needs, members, partition, t, c)
            if not is_possible(partition, c):
                levels = np.empty(len(tree.lowest), np.int8)
                price = without(tree, members, partition, t, levels)
                leave(needs, members, partition, t, levels, price)
    return np.int64(0), len(members.rows)


@kernel
def _target(tree, needs, members, partition, index, tuple_, most):  # type: ignore[no-untyped-def]
    """The class that the tuple joins at the least rise of the total price below ``most``, and the rise."""
    levels = np.empty(len(tree.lowest), np.int8)
    levels[:] = tree.lowest
    query = Query(
        members.codes[tuple_],
        levels,
        members.rows[tuple_],
        np.int64(0),
        np.int64(partition.class_of[tuple_]),
        np.int64(-1),
        np.int64(0),
    )
    return nearest(tree, needs, members, partition, index, query, most)


@kernel
def move_all(tree, needs, members, partition, index, first, until):  # type: ignore[no-untyped-def]
    """Move every tuple that can be spared to the class where it costs least, once; what that saves, and the
    next tuple."""
    saved = np.int64(0)
    levels = np.empty(len(tree.lowest), np.int8)
    for t in range(first, len(members.rows)):
        if partition.looks[0] >= until:
            return saved, t
        c = partition.class_of[t]
        left = partition.rows[c] - members.rows[t]
        if c < 0 or left < needs.least[0] or partition.price[c] == 0:
            continue
        gain = paid(partition, c) - left * without(tree, members, partition, t, levels)
        target, rise = _target(tree, needs, members, partition, index, t, gain)
        if target < 0:
            continue
        transfer(tree, needs, members, partition, t, target)
        if holds(needs, partition, c):
            saved += gain - rise
        else:
            transfer(tree, needs, members, partition, t, c)
    return saved, len(members.rows)


@kernel
def dissolve_all(tree, needs, members, partition, index, first, until):  # type: ignore[no-untyped-def]
    """Dissolve every class whose tuples cost less in other classes; what that saves, and the next class."""
    saved = np.int64(0)
    room = np.empty(MOST_DISSOLVED, np.int32)
    for c in range(first, len(partition.rows)):
        if partition.looks[0] >= until:
            return saved, c
        if partition.rows[c] > 0 and partition.price[c] > 0:
            count = _dissolvable(tree, needs, members, partition, index, c, room)
            if count:
                saved += _dissolve(tree, needs, members, partition, index, c, room[:count])
    return saved, len(partition.rows)


@kernel
def _dissolvable(tree, needs, members, partition, index, c, room):  # type: ignore[no-untyped-def]
    """How many tuples class c has, written to ``room``; 0 where they cost more elsewhere, each by
    itself, or there is no room for them."""
    left, count, t = paid(partition, c), 0, partition.first[c]
    while t >= 0:
        if count == len(room):
            return 0
        # Looking no further than twice what it pays now finds nearly all, in less time.
        most = min(left, 2 * members.rows[t] * partition.price[c])
        _, rise = _target(tree, needs, members, partition, index, t, most)
        left -= rise
        if left <= 0:
            return 0
        room[count] = t
        count += 1
        t = partition.following[t]
    return count


@kernel
def _dissolve(tree, needs, members, partition, index, c, tuples):  # type: ignore[no-untyped-def]
    """Move all ``tuples`` of class c one after the other, or none where it does not pay; what that saves."""
    budget, spent, moved = paid(partition, c), np.int64(0), 0
    while moved < len(tuples):
        t = tuples[moved]
        target, rise = _target(tree, needs, members, partition, index, t, budget - spent)
        if target < 0:
            break
        transfer(tree, needs, members, partition, t, target)
        spent += rise
        moved += 1
    if moved == len(tuples):
        return budget - spent
    for i in range(moved):
        transfer(tree, needs, members, partition, tuples[i], c)
    return np.int64(0)


@kernel
def swap_all(tree, needs, members, partition, index, spare, first, until):  # type: ignore[no-untyped-def]
    """Move tuples out of classes that can't spare them, and fill up with others; what that saves, and the
    next tuple.

    ``spare`` is the index of the tuples that their classes can spare.
    """
    saved = np.int64(0)
    levels = np.empty(len(tree.lowest), np.int8)
    for t in range(first, len(members.rows)):
        if partition.looks[0] >= until:
            return saved, t
        c = partition.class_of[t]
        left = partition.rows[c] - members.rows[t]
        if c < 0 or left >= needs.least[0] or left == 0 or partition.price[c] == 0:
            continue
        price = without(tree, members, partition, t, levels)
        gain, lacking = paid(partition, c) - left * price, needs.least[0] - left
        # Who fills up pays about that price. Half of it is looked at as spent: a fourth of the time is saved.
        target, rise = _target(tree, needs, members, partition, index, t, gain - lacking * price // 2)
        if target < 0:
            continue
        one = partition.first[c] if partition.first[c] != t else partition.following[t]
        query = Query(members.codes[one], levels, left, price, np.int64(c), np.int64(target), lacking)
        other, _ = nearest(tree, needs, members, partition, spare, query, gain - rise)
        if other >= 0:
            saved += _swap(tree, needs, members, partition, t, target, other)
    return saved, len(members.rows)


@kernel
def _swap(tree, needs, members, partition, tuple_, target, other):  # type: ignore[no-untyped-def]
    """Move a tuple to class ``target`` and another one into its place if that pays; what it saves."""
    c, source = partition.class_of[tuple_], partition.class_of[other]
    before = paid(partition, c) + paid(partition, target) + paid(partition, source)
    transfer(tree, needs, members, partition, other, c)
    transfer(tree, needs, members, partition, tuple_, target)
    after = paid(partition, c) + paid(partition, target) + paid(partition, source)
    if after < before and holds(needs, partition, c) and holds(needs, partition, source):
        return before - after
    transfer(tree, needs, members, partition, tuple_, c)
    transfer(tree, needs, members, partition, other, source)
    return np.int64(0)
