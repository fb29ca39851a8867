"""Compiled loops that number and merge classes: arrays in, arrays out.

Shapes: n tuples or classes, m quasi-identifiers. ``codes`` is int32 (tuples, m); ``class_of`` int32 (n).
``label_codes`` are the ladders of all columns in one flat array; that of column j at its level starts at
``offsets[j]``.
"""

from __future__ import annotations

import numpy as np

from anonymizer.compiled import kernel


@kernel
def extend_keys(keys, codes, representatives, columns, label_codes, offsets, sizes):  # type: ignore[no-untyped-def]
    """Append the labels' codes of ``columns`` to each key, in mixed radix ``sizes``; ``keys`` int64 (n)."""
    # Unsigned indices throughout: signed ones are checked for counting from the end.
    for i in range(len(representatives)):
        row = codes[np.uint64(representatives[i])]
        key = keys[i]
        for c in range(len(columns)):
            code = row[np.uint64(columns[c])]
            key = key * sizes[c] + label_codes[np.uint64(offsets[c] + code)]
        keys[i] = key


@kernel
def number_small_keys(keys, space):  # type: ignore[no-untyped-def]
    """Class numbers of keys below ``space`` in order of first appearance, and how many: direct addressing."""
    class_of = np.empty(len(keys), np.int32)
    number = np.full(space, -1, np.int32)
    classes = 0
    for i in range(len(keys)):
        if number[keys[i]] < 0:
            number[keys[i]] = classes
            classes += 1
        class_of[i] = number[keys[i]]
    return class_of, classes


@kernel
def number_keys(keys):  # type: ignore[no-untyped-def]
    """Class numbers of any non-negative keys in order of first appearance, and how many: open addressing."""
    bits = 4
    while (1 << bits) < 2 * len(keys):
        bits += 1
    mask = (1 << bits) - 1
    slot_key = np.full(mask + 1, -1, np.int64)
    slot_class = np.empty(mask + 1, np.int32)
    class_of = np.empty(len(keys), np.int32)
    classes = 0
    for i in range(len(keys)):
        # Fibonacci hashing: the high bits of a product with 2^64 / golden ratio.
        slot = (np.uint64(keys[i]) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - bits)
        position = np.int64(slot)
        while slot_key[position] != -1 and slot_key[position] != keys[i]:
            position = (position + 1) & mask
        if slot_key[position] == -1:
            slot_key[position] = keys[i]
            slot_class[position] = classes
            classes += 1
        class_of[i] = slot_class[position]
    return class_of, classes


@kernel
def merge_rows(class_of, classes, rows, representatives):  # type: ignore[no-untyped-def]
    """Rows per class (int64) and each class's first representative (int32)."""
    total = np.zeros(classes, np.int64)
    first = np.full(classes, -1, np.int32)
    for i in range(len(class_of)):
        c = class_of[i]
        total[c] += rows[i]
        if first[c] < 0:
            first[c] = representatives[i]
    return total, first


@kernel
def merge_pairs(class_of, classes, owner, item):  # type: ignore[no-untyped-def]
    """Distinct (class, item) pairs in order of item, and the number of distinct items per class.

    Pairs come sorted by item, so a class has seen an item exactly if that was the last one it saw.
    """
    last = np.full(classes, -1, np.int32)
    distinct = np.zeros(classes, np.int64)
    merged_owner = np.empty(len(owner), np.int32)
    merged_item = np.empty(len(owner), np.int32)
    kept = 0
    for i in range(len(owner)):
        c = class_of[owner[i]]
        if last[c] != item[i]:
            last[c] = item[i]
            distinct[c] += 1
            merged_owner[kept] = c
            merged_item[kept] = item[i]
            kept += 1
    return merged_owner[:kept].copy(), merged_item[:kept].copy(), distinct


@kernel
def rows_per_code(codes, rows, total):  # type: ignore[no-untyped-def]
    """Add the tuples' rows to what their codes have in each column; ``total`` int64 (m, codes)."""
    for i in range(len(codes)):
        for j in range(codes.shape[1]):
            total[j, codes[i, j]] += rows[i]
