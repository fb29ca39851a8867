"""The compiled loops on a table small enough to follow by hand; their laws are in tests/properties.

tuple  sex  age      rows      Codes are positions in a column's dictionary. At the
-----  ---  ---      ----      node (0, 1) sex is kept (2 labels) and ages 0 and 1
0      0    0        2         share the label 0, while age 2 has the label 1.
1      0    1        1
2      1    1        4
3      1    2        1
"""

from __future__ import annotations

import numpy as np

from anonymizer.counting import kernels
from anonymizer.measuring import metric_kernels
from anonymizer.search.rollup import Packing, fill_lookup, pack_words

CODES = np.array([[0, 0], [0, 1], [1, 1], [1, 2]], np.int32)
ROWS = np.array([2, 1, 4, 1], np.int64)
EVERYONE = np.arange(4, dtype=np.int32)
# The ladders of both columns, level after level: sex 0, sex 1, age 0, age 1.
LABEL_CODES = np.array([0, 1, 0, 0, 0, 1, 2, 0, 0, 1], np.int32)
LEAF_COUNTS = np.array([1, 1, 2, 2, 1, 1, 1, 5, 5, 3], np.int64)
OFFSETS = np.array([0, 7], np.int64)
CLASS_OF = np.array([0, 0, 1, 2], np.int32)


def test_keys_are_the_labels_in_mixed_radix() -> None:
    keys = np.zeros(4, np.int64)
    columns, sizes = np.array([0, 1], np.int64), np.array([2, 2], np.int64)
    kernels.extend_keys(keys, CODES, EVERYONE, columns, LABEL_CODES, OFFSETS, sizes)
    assert keys.tolist() == [0b00, 0b00, 0b10, 0b11]


def test_classes_are_numbered_as_they_appear() -> None:
    keys = np.array([7, 7, 2, 900, 2], np.int64)
    for class_of, classes in (kernels.number_small_keys(keys, 901), kernels.number_keys(keys)):
        assert class_of.tolist() == [0, 0, 1, 2, 1]
        assert classes == 3


def test_rows_add_up_and_the_first_tuple_represents_its_class() -> None:
    total, first = kernels.merge_rows(CLASS_OF, 3, ROWS, EVERYONE)
    assert total.tolist() == [3, 4, 1]
    assert first.tolist() == [0, 2, 3]


def test_a_person_in_two_merged_tuples_is_one_person() -> None:
    """Person 1 stands behind tuples 0, 1 and 3, person 2 behind 2: class 0 holds person 1 once."""
    owner, item = np.array([0, 1, 3, 2], np.int32), np.array([1, 1, 1, 2], np.int32)
    merged_owner, merged_item, distinct = kernels.merge_pairs(CLASS_OF, 3, owner, item)
    assert merged_owner.tolist() == [0, 2, 1]
    assert merged_item.tolist() == [1, 1, 2]
    assert distinct.tolist() == [1, 1, 1]


def test_suppressed_rows_cover_the_leaves_of_their_labels() -> None:
    """Classes 0 (3 rows of sex 1 leaf, age 5) and 2 (1 row of sex 1 leaf, age 3) are suppressed."""
    suppressed, first = np.array([3, 0, 1], np.int64), np.array([0, 2, 3], np.int32)
    total = metric_kernels.covered(suppressed, first, CODES, LEAF_COUNTS, OFFSETS)
    assert total.tolist() == [3 * 1 + 1 * 1, 3 * 5 + 1 * 3]


def test_no_finer_label_covers_more_than_this_one_or_than_its_levels_largest() -> None:
    """Caps: sex 1 then 2 leaves, age 1 then 5; at their own level the rows cover 5 and 3 as above."""
    lost, first = np.array([3, 0, 1], np.int64), np.array([0, 2, 3], np.int32)
    caps = np.array([[1, 2], [1, 5]], np.int64)
    total = metric_kernels.capped(lost, first, CODES, LEAF_COUNTS, OFFSETS, caps)
    assert total.tolist() == [[4, 4], [4, 3 * 5 + 1 * 3]]


# One chunk holds both columns, age fastest; three empty ones fill the block.
PACKING = Packing(
    chunk_starts=np.array([0, 6, 7, 8, 9]),
    column_starts=np.array([0, 2, 2, 2, 2]),
    order=np.array([0, 1]),
    values=np.array([2, 3]),
    sizes=np.array([[2, 1], [3, 2]]),
    offsets=np.array([0, 4]),
    labels=LABEL_CODES,
    halves=1,
)


def test_a_tuple_is_packed_into_one_number_per_chunk() -> None:
    words = np.full((4, 4), 9, np.uint16)
    pack_words(PACKING, CODES, words)
    assert words.tolist() == [[0, 0, 0, 0], [1, 0, 0, 0], [4, 0, 0, 0], [5, 0, 0, 0]]


def test_a_number_is_looked_up_once_for_all_the_columns_it_packs() -> None:
    """At (0, 1) a key is sex + 2 * age label, for (0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)."""
    lookup = np.full(9, 7, np.int64)
    space = fill_lookup(PACKING, np.array([0, 1]), 0, 1, lookup)
    assert space == 2 * 2
    assert lookup.tolist() == [0, 0, 2, 1, 1, 3, 0, 0, 0]


def test_nothing_is_numbered_in_a_table_without_rows() -> None:
    empty = np.zeros(0, np.int64)
    for class_of, classes in (kernels.number_small_keys(empty, 1), kernels.number_keys(empty)):
        assert (class_of.tolist(), classes) == ([], 0)
