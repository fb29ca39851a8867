"""Every kernel that groups rows beside a twin of a few lines of Python, and what is made of them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from anonymizer.counting import grouping
from anonymizer.counting.counts import number_in_order
from anonymizer.counting.sensitive import encode_sensitive
from anonymizer.tables.table import Column, Role
from tests.properties import literal_criteria
from tests.properties.laws import law

SMALL = st.lists(st.integers(0, 5), max_size=12)


def int32(values: list[int]) -> NDArray[np.int32]:
    return np.array(values, np.int32)


@law(60)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 6)), max_size=12))
def test_append_digit(pairs: list[tuple[int, int]]) -> None:
    keys = np.array([key for key, _ in pairs], np.int64)
    grouping.append_digit(keys, int32([code for _, code in pairs]), 7)
    assert keys.tolist() == [key * 7 + code for key, code in pairs]


@law(60)
@given(SMALL)
def test_first_rows_and_renumber(drawn: list[int]) -> None:
    names = sorted(set(drawn))
    class_of = int32([names.index(code) for code in drawn])
    first = grouping.first_rows(class_of, len(names))
    assert first.tolist() == [drawn.index(name) for name in names]
    rank = int32(list(reversed(range(len(names)))))
    rows = grouping.renumber(class_of, rank)
    assert class_of.tolist() == [len(names) - 1 - names.index(code) for code in drawn]
    assert rows.tolist() == [drawn.count(name) for name in reversed(names)]


@law(60)
@given(st.lists(st.integers(-1, 5), max_size=12))
def test_sort_rows(codes: list[int]) -> None:
    expected = sorted((row for row, code in enumerate(codes) if code >= 0), key=codes.__getitem__)
    assert grouping.sort_rows(int32(codes), 6).tolist() == expected


@law(100)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(1, 9)), max_size=14), st.data())
def test_merge_numbers(drawn: list[tuple[int, int, int]], data: st.DataObject) -> None:
    pairs = sorted(drawn, key=lambda pair: pair[1])
    class_of = int32(data.draw(st.lists(st.integers(0, 2), min_size=6, max_size=6)))
    owner, item, number = (list(column) for column in zip(*pairs, strict=True)) if pairs else ([], [], [])
    found = grouping.merge_numbers(class_of, 3, int32(owner), int32(item), np.array(number, np.int64))
    expected: Counter[tuple[int, int]] = Counter()
    for o, i, n in pairs:
        expected[int(class_of[o]), i] += n
    assert (
        dict(zip(zip(*(x.tolist() for x in found[:2]), strict=True), found[2].tolist(), strict=True))
        == expected
    )
    assert found[1].tolist() == sorted(found[1].tolist())


@law(100)
@given(st.lists(st.integers(0, 2**61), max_size=14) | SMALL)
def test_keys_are_numbered_in_their_order(drawn: list[int]) -> None:
    keys, distinct = np.array(drawn, np.int64), sorted(set(drawn))
    number, first, rows = number_in_order(keys, max(drawn, default=0) + 1)
    assert number.tolist() == [distinct.index(key) for key in drawn]
    assert first.tolist() == [drawn.index(key) for key in distinct]
    assert rows.tolist() == [drawn.count(key) for key in distinct]


TEXT = st.sampled_from(["9", "10", "-2", "+3", "007", "7", None, "1"])
WORDS = st.sampled_from(["9", "10", "x", "", "ä", None])


@law(150)
@given(st.lists(TEXT, max_size=8) | st.lists(WORDS, max_size=8))
def test_sensitive_text_is_coded_in_natural_order(cells: list[str | None]) -> None:
    series = pl.Series("s", cells, dtype=pl.String)
    coded = encode_sensitive(series, Column("s", Role.SENSITIVE), ancestors=False)
    order = literal_criteria.in_order(list(set(cells)))
    assert coded.codes.tolist() == [order.index(cell) for cell in cells]
    assert (coded.size, coded.has_missing) == (len(order), None in cells)
    as_enum = series.cast(pl.Enum(sorted({cell for cell in cells if cell is not None}, reverse=True)))
    again = encode_sensitive(as_enum, Column("s", Role.SENSITIVE), ancestors=False)
    assert again.codes.tolist() == coded.codes.tolist()


@law(60)
@given(st.lists(st.integers(-3, 3) | st.none(), max_size=8))
def test_sensitive_numbers_are_coded_by_size(cells: list[int | None]) -> None:
    order = [*sorted({cell for cell in cells if cell is not None}), None]
    for series in (pl.Series("s", cells, dtype=pl.Int64), pl.Series("s", cells, dtype=pl.Float64)):
        coded = encode_sensitive(series, Column("s", Role.SENSITIVE), ancestors=False)
        assert coded.codes.tolist() == [order.index(cell) for cell in cells]
        assert coded.size == len(set(cells))
