"""Compiled loops that group rows: arrays in, arrays out."""

from __future__ import annotations

import numpy as np

from anonymizer.compiled import kernel


@kernel
def append_digit(keys, codes, size):  # type: ignore[no-untyped-def]
    """Append ``codes`` int32 to ``keys`` int64 (rows), in radix ``size``."""
    for i in range(len(keys)):
        keys[i] = keys[i] * size + codes[i]


@kernel
def first_rows(class_of, classes):  # type: ignore[no-untyped-def]
    """Each class's first row; int32 (classes)."""
    first = np.full(classes, -1, np.int32)
    for i in range(len(class_of) - 1, -1, -1):
        first[class_of[i]] = i
    return first


@kernel
def gather(codes, rows, taken):  # type: ignore[no-untyped-def]
    """Write the codes of ``rows`` to ``taken``."""
    for i in range(len(rows)):
        taken[i] = codes[rows[i]]


@kernel
def renumber(class_of, rank):  # type: ignore[no-untyped-def]
    """Replace each class number by its rank, in place, and count the rows of each; int64 (classes)."""
    rows = np.zeros(len(rank), np.int64)
    for i in range(len(class_of)):
        class_of[i] = rank[class_of[i]]
        rows[class_of[i]] += 1
    return rows


@kernel
def sort_rows(codes, size):  # type: ignore[no-untyped-def]
    """The rows in order of their codes below ``size``, equal ones in place; negative codes are left out."""
    start = np.zeros(size + 1, np.int64)
    for i in range(len(codes)):
        if codes[i] >= 0:
            start[codes[i] + 1] += 1
    for code in range(size):
        start[code + 1] += start[code]
    order = np.empty(start[size], np.int32)
    for i in range(len(codes)):
        if codes[i] >= 0:
            order[start[codes[i]]] = i
            start[codes[i]] += 1
    return order


@kernel
def merge_numbers(class_of, classes, owner, item, number):  # type: ignore[no-untyped-def]
    """Distinct (class, item) pairs in order of item, with the sum of their numbers; all int32 but that.

    Pairs come sorted by item, so a class has seen an item exactly if that was the last one it saw.
    """
    last = np.full(classes, -1, np.int32)
    merged_owner = np.empty(len(owner), np.int32)
    merged_item = np.empty(len(owner), np.int32)
    merged_number = np.empty(len(owner), np.int64)
    kept = 0
    for i in range(len(owner)):
        c = class_of[owner[i]]
        place = last[c]
        if place >= 0 and merged_item[place] == item[i]:
            merged_number[place] += number[i]
            continue
        last[c] = kept
        merged_owner[kept] = c
        merged_item[kept] = item[i]
        merged_number[kept] = number[i]
        kept += 1
    return merged_owner[:kept].copy(), merged_item[:kept].copy(), merged_number[:kept].copy()
