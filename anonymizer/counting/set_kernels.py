"""Compiled counting of code sets: which combinations of codes too few people of a class share.

Shapes: ``first`` int64 (classes + 1) delimits the sets of each class and ``starts`` int64 (sets + 1) the
codes of each set, which are int32, distinct and rising. ``person`` int32 (sets) does not fall within a class.
An itemset is a key: its codes' numbers in the class as digits of a number in base ``base``.
"""

from __future__ import annotations

import numpy as np

from anonymizer.compiled import kernel

EMPTY = -1


@kernel
def mark_rare(first, starts, codes, person, k, m, most_codes):  # type: ignore[no-untyped-def]
    """Which sets hold an itemset of up to ``m`` codes that fewer than ``k`` people of their class share.

    bool (sets). Itemsets grow by one code at a time; a class that has a rare one is not searched further, so
    every class that has any gets a mark, but not every such set.
    """
    marked = np.zeros(len(starts) - 1, np.bool_)
    number = np.full(most_codes, EMPTY, np.int32)
    for c in range(len(first) - 1):
        base = _number_codes(first, starts, codes, c, number, np.zeros(0, np.bool_))
        for size in range(1, m + 1):
            keys, support = _count(first, starts, codes, person, c, size, base, number)
            if _mark(first, starts, codes, c, size, base, number, keys, support, k, marked):
                break
        _forget_codes(first, starts, codes, c, number)
    return marked


@kernel
def choose_removed(first, starts, codes, person, k, m, most_codes):  # type: ignore[no-untyped-def]
    """The codes to take out of each class, so that no itemset of up to ``m`` codes stays rare: (class, code).

    Two int32 arrays, sorted. Codes that are rare themselves go first; then, for each size of itemset, the
    code that hits the most rare itemsets per person who loses it, again and again until none is left (the
    greedy set cover of Chvatal, Mathematics of Operations Research 4(3), 1979). Ties: fewer people, then the
    lesser code.
    """
    removed_class = np.empty(len(codes), np.int32)
    removed_code = np.empty(len(codes), np.int32)
    total = 0
    number = np.full(most_codes, EMPTY, np.int32)
    removed = np.zeros(most_codes, np.bool_)
    for c in range(len(first) - 1):
        begin = total
        for size in range(1, m + 1):
            base = _number_codes(first, starts, codes, c, number, removed)
            own = _own_codes(first, starts, codes, c, base, number)
            keys, support = _count(first, starts, codes, person, c, 1, base, number)
            holders = np.zeros(base, np.int64)
            for slot in range(len(keys)):
                if keys[slot] != EMPTY:
                    holders[keys[slot]] = support[slot]
            if size > 1:
                keys, support = _count(first, starts, codes, person, c, size, base, number)
            _forget_codes(first, starts, codes, c, number)
            hit = _cover(_rare_itemsets(keys, support, size, base, k), holders)
            for local in range(base):
                if hit[local]:
                    removed[own[local]] = True
                    removed_class[total], removed_code[total] = c, own[local]
                    total += 1
        removed_code[begin:total] = np.sort(removed_code[begin:total])
        for i in range(begin, total):
            removed[removed_code[i]] = False
    return removed_class[:total].copy(), removed_code[:total].copy()


@kernel
def _number_codes(first, starts, codes, c, number, removed):  # type: ignore[no-untyped-def]
    """Give each code of a class that is not ``removed`` its ``number``, rising; how many there are."""
    present = np.unique(codes[starts[first[c]] : starts[first[c + 1]]])
    base = 0
    for code in present:
        if len(removed) == 0 or not removed[code]:
            number[code] = base
            base += 1
    return base


@kernel
def _own_codes(first, starts, codes, c, base, number):  # type: ignore[no-untyped-def]
    """The code behind each number of a class; int32 (base)."""
    own = np.empty(base, np.int32)
    for i in range(starts[first[c]], starts[first[c + 1]]):
        if number[codes[i]] != EMPTY:
            own[number[codes[i]]] = codes[i]
    return own


@kernel
def _forget_codes(first, starts, codes, c, number):  # type: ignore[no-untyped-def]
    for i in range(starts[first[c]], starts[first[c + 1]]):
        number[codes[i]] = EMPTY


@kernel
def _numbers(starts, codes, s, number):  # type: ignore[no-untyped-def]
    """The numbers of a set's codes, those without one left out."""
    held = np.empty(starts[s + 1] - starts[s], np.int64)
    count = 0
    for i in range(starts[s], starts[s + 1]):
        if number[codes[i]] != EMPTY:
            held[count] = number[codes[i]]
            count += 1
    return held[:count]


@kernel
def _first_places(size):  # type: ignore[no-untyped-def]
    return np.arange(size)


@kernel
def _next_places(places, among):  # type: ignore[no-untyped-def]
    """Step to the next choice of rising places below ``among``; whether there was one."""
    size = len(places)
    at = size - 1
    while at >= 0 and places[at] == among - size + at:
        at -= 1
    if at < 0:
        return False
    places[at] += 1
    for later in range(at + 1, size):
        places[later] = places[later - 1] + 1
    return True


@kernel
def _key(held, places, base):  # type: ignore[no-untyped-def]
    key = 0
    for place in places:
        key = key * base + held[place]
    return key


@kernel
def _slot(keys, key):  # type: ignore[no-untyped-def]
    """Where a key stands in the table, or would."""
    mask = len(keys) - 1
    # Fibonacci hashing; the product's high half, folded down to the table's size.
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)
    slot = np.int64((mixed >> np.uint64(32)) & np.uint64(mask))
    while keys[slot] != EMPTY and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot


@kernel
def _count(first, starts, codes, person, c, size, base, number):  # type: ignore[no-untyped-def]
    """Each itemset of ``size`` codes in a class and how many people share it: open addressing."""
    keys = np.full(64, EMPTY, np.int64)
    support = np.zeros(64, np.int64)
    last = np.empty(64, np.int32)
    filled = 0
    for s in range(first[c], first[c + 1]):
        held = _numbers(starts, codes, s, number)
        places = _first_places(size)
        more = len(held) >= size
        while more:
            if 2 * filled >= len(keys):
                keys, support, last = _grown(keys, support, last)
            slot = _slot(keys, _key(held, places, base))
            if keys[slot] == EMPTY:
                keys[slot] = _key(held, places, base)
                filled += 1
                support[slot], last[slot] = 1, person[s]
            elif last[slot] != person[s]:
                support[slot] += 1
                last[slot] = person[s]
            more = _next_places(places, len(held))
    return keys, support


@kernel
def _grown(keys, support, last):  # type: ignore[no-untyped-def]
    """The same table with four times the room."""
    more_keys = np.full(4 * len(keys), EMPTY, np.int64)
    more_support = np.zeros(4 * len(keys), np.int64)
    more_last = np.empty(4 * len(keys), np.int32)
    for old in range(len(keys)):
        if keys[old] != EMPTY:
            slot = _slot(more_keys, keys[old])
            more_keys[slot], more_support[slot], more_last[slot] = keys[old], support[old], last[old]
    return more_keys, more_support, more_last


@kernel
def _mark(first, starts, codes, c, size, base, number, keys, support, k, marked):  # type: ignore[no-untyped-def]
    """Mark the sets of a class with a counted itemset of fewer than ``k`` people; whether there is one."""
    least = k
    for slot in range(len(keys)):
        if keys[slot] != EMPTY:
            least = min(least, support[slot])
    if least >= k:
        return False
    for s in range(first[c], first[c + 1]):
        held = _numbers(starts, codes, s, number)
        places = _first_places(size)
        more = len(held) >= size
        while more and not marked[s]:
            marked[s] = support[_slot(keys, _key(held, places, base))] < k
            more = _next_places(places, len(held))
    return True


@kernel
def _rare_itemsets(keys, support, size, base, k):  # type: ignore[no-untyped-def]
    """The numbers in each itemset that fewer than ``k`` people share; int64 (itemsets, size)."""
    rare = 0
    for slot in range(len(keys)):
        if keys[slot] != EMPTY and support[slot] < k:
            rare += 1
    itemsets = np.empty((rare, size), np.int64)
    rare = 0
    for slot in range(len(keys)):
        if keys[slot] != EMPTY and support[slot] < k:
            key = keys[slot]
            for digit in range(size - 1, -1, -1):
                itemsets[rare, digit] = key % base
                key //= base
            rare += 1
    return itemsets


@kernel
def _cover(itemsets, holders):  # type: ignore[no-untyped-def]
    """Which numbers to take so that every itemset loses one, by greed; bool (numbers)."""
    hits = np.zeros(len(holders), np.int64)
    for i in range(len(itemsets)):
        for number in itemsets[i]:
            hits[number] += 1
    begin = np.zeros(len(holders) + 1, np.int64)
    begin[1:] = np.cumsum(hits)
    of_number = np.empty(begin[-1], np.int64)
    free = begin[:-1].copy()
    for i in range(len(itemsets)):
        for number in itemsets[i]:
            of_number[free[number]] = i
            free[number] += 1
    taken = np.zeros(len(holders), np.bool_)
    alive = np.ones(len(itemsets), np.bool_)
    best = _best(hits, holders)
    while hits[best] > 0 if len(hits) else False:
        taken[best] = True
        for place in range(begin[best], begin[best + 1]):
            i = of_number[place]
            if alive[i]:
                alive[i] = False
                for number in itemsets[i]:
                    hits[number] -= 1
        best = _best(hits, holders)
    return taken


@kernel
def _best(hits, holders):  # type: ignore[no-untyped-def]
    """The number with the most hits per holder, then the fewest holders, then the least number."""
    best = 0
    for number in range(1, len(hits)):
        here, there = hits[number] * holders[best], hits[best] * holders[number]
        if here > there or (here == there and holders[number] < holders[best]):
            best = number
    return best
