"""Rolling equivalence classes up in the compiled search: packed tuples in, packed classes out.

The columns are packed into a few chunks, each tuple holding one 16-bit number per chunk; at a node, one table
lookup per chunk gives a part of the class's key. A class is represented by one of its tuples, so any node is
reached from the classes of any of its specialisations; the arena keeps those of evaluated nodes.

Shapes: n tuples, m columns, q chunks, L levels at most.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.compiled import kernel
from anonymizer.search.lattice import is_specialisation

Ints = NDArray[np.int64]

TABLES, NEXT, OUT = 0, 1, 2
"""What the arena's registers hold: tables held, where the ring goes on, where classes are made."""
BLOCK = 4
"""Chunks are looked up so many at a time."""
_DIRECT, _SMALL = 8, 4096
"""Keys are addressed directly while they take at most so many times the tuples, or so many at all."""


class Packing(NamedTuple):
    """How tuples are packed, and what each column's codes become at each level.

    ``chunk_starts`` (q + 1) are the chunks' places in ``lookup``; chunk c holds the columns
    ``order[column_starts[c]:column_starts[c + 1]]`` in mixed radix, the last one fastest. ``values`` (m) are
    the numbers of base codes, ``sizes`` (m, L) those of labels; ``labels`` holds the label codes of column j
    at level l from ``offsets[j] + l * values[j]``. ``halves`` is the block of ``BLOCK`` chunks from which
    a second key is needed so that keys of the widest node fit 62 bits; empty chunks fill the last block.
    """

    chunk_starts: Ints
    column_starts: Ints
    order: Ints
    values: Ints
    sizes: Ints
    offsets: Ints
    labels: NDArray[np.int32]
    halves: int


class Arena(NamedTuple):
    """The classes held: table t has ``lengths[t]`` classes from ``starts[t]``; table 0 is the base.

    Behind the base there is as much room for the classes being made, and then a ring of tables.

    Per class: ``words`` (chunks), ``rows``, ``marks`` (a bit per sensitive value held, one word per column),
    ``held`` (a count per sensitive value).
    """

    words: NDArray[np.uint16]
    rows: NDArray[np.int32]
    marks: NDArray[np.uint64]
    held: NDArray[np.int32]
    nodes: NDArray[np.uint64]
    starts: Ints
    lengths: Ints
    uses: Ints
    registers: Ints
    lookup: Ints
    per_chunk: Ints
    slots: NDArray[np.int32]
    class_of: NDArray[np.int32]
    members: NDArray[np.int32]
    keys: Ints
    more_keys: Ints


@kernel
def pack_words(packing, codes, words):  # type: ignore[no-untyped-def]
    """Write the packed tuples; ``codes`` int32 (n, m)."""
    order, values, tuples = packing.order, packing.values, len(codes)
    for c in range(len(packing.chunk_starts) - 1):
        words[:tuples, c] = 0
        for place in range(packing.column_starts[c], packing.column_starts[c + 1]):
            j, radix = np.uint64(order[place]), values[order[place]]
            for i in range(tuples):
                words[i, c] = words[i, c] * radix + codes[i, j]


@kernel
def mark_values(owner, item, known, marks):  # type: ignore[no-untyped-def]
    """Set each owner's bits of its items below ``known``."""
    marks[:] = 0
    for i in range(len(owner)):
        if item[i] < known:
            marks[owner[i]] |= np.uint64(1) << np.uint64(item[i])


@kernel
def spread_values(owner, item, number, held):  # type: ignore[no-untyped-def]
    """Write each owner's numbers under its items."""
    for i in range(len(owner)):
        held[owner[i], item[i]] = number[i]


@kernel
def fill_lookup(packing, levels, first, last, lookup):  # type: ignore[no-untyped-def]
    """Write what each number of the blocks ``first`` to before ``last`` adds to a key; the keys' space."""
    space = 1
    for chunk in range(first * BLOCK, last * BLOCK):
        space = _fill_chunk(packing, levels, chunk, lookup, space)
    return space


@kernel
def _fill_chunk(packing, levels, chunk, lookup, space):  # type: ignore[no-untyped-def]
    start = packing.chunk_starts[chunk]
    lookup[start] = 0
    filled = 1
    for place in range(packing.column_starts[chunk], packing.column_starts[chunk + 1]):
        j = packing.order[place]
        values = packing.values[j]
        begin = packing.offsets[j] + levels[j] * values
        labels = packing.labels[begin : begin + values]
        # In place from the back: number = coarser * values + code.
        for coarser in range(filled - 1, -1, -1):
            base = lookup[start + coarser]
            begin = start + coarser * values
            finer = lookup[begin : begin + values]
            for code in range(values):
                finer[code] = base + space * labels[code]
        filled *= values
        space *= packing.sizes[j, levels[j]]
    return space


@kernel
def smallest_source(arena, node, guard):  # type: ignore[no-untyped-def]
    """The table with the fewest classes among those of specialisations of ``node``."""
    best = 0
    for t in range(1, arena.registers[TABLES]):
        if arena.lengths[t] < arena.lengths[best] and is_specialisation(arena.nodes[t], node, guard):
            best = t
    return best


@kernel
def roll_up(packing, arena, source, levels):  # type: ignore[no-untyped-def]
    """The number of classes at ``levels``, which are written behind the base tuples."""
    blocks = (len(packing.chunk_starts) - 1) // BLOCK
    first = fill_lookup(packing, levels, 0, packing.halves, arena.lookup)
    second = fill_lookup(packing, levels, packing.halves, blocks, arena.lookup)
    begin, tuples = arena.starts[source], arena.lengths[source]
    words, keys, more_keys = (
        arena.words[begin : begin + tuples],
        arena.keys[:tuples],
        arena.more_keys[:tuples],
    )
    keys[:] = 0
    for block in range(packing.halves):
        add_keys(words, block, packing.chunk_starts, arena.lookup, keys)
    if second == 1 and first <= max(_DIRECT * tuples, _SMALL):
        classes = number_directly(keys, arena.slots[:first], arena.class_of, arena.members)
    else:
        more_keys[:] = 0
        for block in range(packing.halves, blocks):
            add_keys(words, block, packing.chunk_starts, arena.lookup, more_keys)
        classes = number_by_hash(keys, more_keys, arena.slots, arena.class_of, arena.members)
    merge(arena, begin, tuples, classes)
    return classes


@kernel
def add_keys(words, block, starts, lookup, keys):  # type: ignore[no-untyped-def]
    """Add to each tuple's key what the four chunks of a block give it."""
    # Unsigned indices throughout: signed ones are checked for counting from the end.
    c = block * BLOCK
    a0, a1 = np.uint64(starts[c]), np.uint64(starts[c + 1])
    a2, a3 = np.uint64(starts[c + 2]), np.uint64(starts[c + 3])
    for i in range(len(words)):
        keys[i] += (
            lookup[a0 + np.uint64(words[i, c])]
            + lookup[a1 + np.uint64(words[i, c + 1])]
            + lookup[a2 + np.uint64(words[i, c + 2])]
            + lookup[a3 + np.uint64(words[i, c + 3])]
        )


@kernel
def number_directly(keys, slots, class_of, members):  # type: ignore[no-untyped-def]
    """Each key's class and a member of each class, keys addressing ``slots``; how many classes there are."""
    slots[:] = -1
    classes = 0
    for i in range(len(keys)):
        owner = slots[np.uint64(keys[i])]
        if owner < 0:
            owner = classes
            slots[np.uint64(keys[i])] = owner
            members[np.uint64(classes)] = i
            classes += 1
        class_of[i] = owner
    return classes


@kernel
def number_by_hash(keys, more_keys, slots, class_of, members):  # type: ignore[no-untyped-def]
    """As ``number_directly``, for pairs of keys of any size: open addressing."""
    bits = 4
    while (1 << bits) < 2 * len(keys):
        bits += 1
    mask, shift, classes = np.uint64((1 << bits) - 1), np.uint64(64 - bits), 0
    slots[: 1 << bits] = -1
    for i in range(len(keys)):
        key, more = keys[i], more_keys[i]
        # Fibonacci hashing: the high bits of a product with 2^64 / golden ratio.
        mixed = np.uint64(key) ^ (np.uint64(more) * np.uint64(0xD6E8FEB86659FD93))
        position = (mixed * np.uint64(0x9E3779B97F4A7C15)) >> shift
        owner = slots[position]
        while owner >= 0:
            member = np.uint64(members[np.uint64(owner)])
            if keys[member] == key and more_keys[member] == more:
                break
            position = (position + np.uint64(1)) & mask
            owner = slots[position]
        if owner < 0:
            owner = classes
            slots[position] = owner
            members[np.uint64(classes)] = i
            classes += 1
        class_of[i] = owner
    return classes


@kernel
def merge(arena, begin, tuples, classes):  # type: ignore[no-untyped-def]
    """Write the classes behind the base tuples: a member's words, and what all members hold."""
    out, class_of, members = arena.registers[OUT], arena.class_of[:tuples], arena.members[:classes]
    merge_words(arena.words[begin : begin + tuples], members, arena.words[out : out + classes])
    merge_rows(arena.rows[begin : begin + tuples], class_of, arena.rows[out : out + classes])
    if arena.marks.shape[1]:
        merge_marks(arena.marks[begin : begin + tuples], class_of, arena.marks[out : out + classes])
    if arena.held.shape[1]:
        merge_held(arena.held[begin : begin + tuples], class_of, arena.held[out : out + classes])


@kernel
def merge_words(words, members, merged):  # type: ignore[no-untyped-def]
    """Each class's words are those of one member."""
    for c in range(len(members)):
        member = np.uint64(members[c])
        for chunk in range(words.shape[1]):
            merged[c, chunk] = words[member, chunk]


@kernel
def merge_rows(rows, class_of, merged):  # type: ignore[no-untyped-def]
    """The rows of each class."""
    merged[:] = 0
    for i in range(len(rows)):
        merged[np.uint64(class_of[i])] += rows[i]


@kernel
def merge_marks(marks, class_of, merged):  # type: ignore[no-untyped-def]
    """The marks that any tuple of a class has."""
    merged[:] = 0
    for s in range(marks.shape[1]):
        for i in range(len(marks)):
            merged[np.uint64(class_of[i]), s] |= marks[i, s]


@kernel
def merge_held(held, class_of, merged):  # type: ignore[no-untyped-def]
    """The people of each class per value."""
    merged[:] = 0
    for i in range(len(held)):
        c = np.uint64(class_of[i])
        for v in range(held.shape[1]):
            merged[c, v] += held[i, v]


@kernel
def move(entries, source, target, count):  # type: ignore[no-untyped-def]
    """Copy ``count`` entries from ``source`` to ``target``, which do not overlap."""
    width = entries.size // len(entries)
    flat = entries.reshape(entries.size)
    for i in range(count * width):
        flat[target * width + i] = flat[source * width + i]


@kernel
def replace_base(arena, node, classes):  # type: ignore[no-untyped-def]
    """Put the classes just made in the base's place: nothing below them is asked for any more."""
    out = arena.registers[OUT]
    move(arena.words, out, 0, classes)
    move(arena.rows, out, 0, classes)
    move(arena.marks, out, 0, classes)
    move(arena.held, out, 0, classes)
    arena.nodes[0], arena.lengths[0] = node, classes


@kernel
def keep(arena, node, classes):  # type: ignore[no-untyped-def]
    """Hold the classes just made in the ring, in place of the tables held there the longest."""
    first, registers = 2 * arena.registers[OUT], arena.registers
    begin = registers[NEXT]
    if begin + classes > len(arena.rows):
        begin = first
    end = begin + classes
    _forget(arena, begin, end)
    if registers[TABLES] == len(arena.nodes):
        _forget(arena, arena.starts[1], arena.starts[1] + 1)
    out, t = registers[OUT], registers[TABLES]
    move(arena.words, out, begin, classes)
    move(arena.rows, out, begin, classes)
    move(arena.marks, out, begin, classes)
    move(arena.held, out, begin, classes)
    arena.nodes[t], arena.starts[t], arena.lengths[t], arena.uses[t] = node, begin, classes, 0
    registers[TABLES], registers[NEXT] = t + 1, end


@kernel
def _forget(arena, begin, end):  # type: ignore[no-untyped-def]
    """Drop the tables that hold an entry between ``begin`` and ``end``."""
    kept = 1
    for t in range(1, arena.registers[TABLES]):
        start, length = arena.starts[t], arena.lengths[t]
        if start + length <= begin or start >= end:
            arena.nodes[kept], arena.starts[kept], arena.lengths[kept] = arena.nodes[t], start, length
            arena.uses[kept] = arena.uses[t]
            kept += 1
    arena.registers[TABLES] = kept
