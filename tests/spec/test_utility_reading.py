"""How a released column is read for analysis.

released     base       read
[40, 44]     43         42         the middle of a band
[90, *)      97         90         the closed bound of an open band
1962-Q2      1962-05-31 the middle day of the quarter
A*           A1         A*         a category
*            A1         missing
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from risk.comparison import Attribute, Comparison, Kind
from risk.utility.reading import Told, aligned, day_of, held_out, number_of, read, readings, tabular


def compared(kind: Kind, base: pl.Series, words: pl.Series, released: pl.Series) -> Comparison:
    """One column, its released labels and the original in the same words."""
    rows = len(base)
    frames = (pl.DataFrame({"c": series}) for series in (released, words, base))
    attribute = Attribute("c", kind, is_quasi_identifier=True, is_sensitive=False)
    return Comparison("anonymised", (attribute,), *frames, np.arange(rows), np.ones(rows, np.bool_))


@pytest.mark.parametrize(
    ("label", "number"),
    [
        ("43", 43),
        ("-1.5", -1.5),
        ("[40, 44]", 42),
        ("[-4, 0]", -2),
        ("[90, *)", 90),
        ("(*, 17]", 17),
        ("[10-20)", 15),
        ("20-39", 29.5),
        (">=80", 80),
        ("<18", 18),
        ("80+", 80),
        ("*", None),
        ("middle-aged", None),
        ("2020-01-01", None),
    ],
)
def test_a_band_is_its_midpoint_and_an_open_one_its_bound(label: str, number: float | None) -> None:
    assert number_of(label) == number


@pytest.mark.parametrize(
    ("label", "first", "last"),
    [
        ("1962-05-31", "1962-05-31", "1962-05-31"),
        ("1962-05", "1962-05-01", "1962-05-31"),
        ("1962-Q2", "1962-04-01", "1962-06-30"),
        ("1962", "1962-01-01", "1962-12-31"),
        ("[1960, 1964]", "1960-01-01", "1964-12-31"),
    ],
)
def test_a_period_is_its_middle_day(label: str, first: str, last: str) -> None:
    days = [(date.fromisoformat(day) - date(1970, 1, 1)).days for day in (first, last)]
    assert day_of(label) == sum(days) / 2


@pytest.mark.parametrize("label", ["1962-13", "1962-02-30", "0000", "*", "may 1962", "62"])
def test_what_is_no_date_is_not_read_as_one(label: str) -> None:
    assert day_of(label) is None


def test_true_numbers_stand_beside_midpoints_and_suppressed_cells_are_missing() -> None:
    base = pl.Series([43.0, 97.0, 17.0])
    words = pl.Series(["[40, 44]", "[90, *)", "*"])
    comparison = compared("category", base, words, words)
    assert readings(comparison) == {"c": "number"}
    ways: tuple[Told, ...] = ("values", "labels", "words")
    assert {told: [frame["c"].to_list() for frame in aligned(comparison, told)] for told in ways} == {
        "values": [[43, 97, 17], [42, 90, None]],
        "labels": [[42, 90, 17], [42, 90, None]],
        "words": [[42, 90, None], [42, 90, None]],
    }


def test_categories_are_compared_in_the_releases_words_but_a_suppressed_cell_is_lost() -> None:
    """A starred A1 is written as other rows write it; nobody knows what B2 would have been called."""
    words = pl.Series(["A*", "*", "*", None])
    comparison = compared("category", pl.Series(["A1", "A1", "B2", None]), words, words)
    original, released = aligned(comparison)
    assert original["c"].to_list() == ["A*", "A*", "*", None]
    assert released["c"].to_list() == ["A*", None, None, None]
    assert aligned(comparison, "words")[0]["c"].to_list() == ["A*", None, None, None]


def test_a_starred_category_that_is_released_as_it_is_stays_what_it_was() -> None:
    words = pl.Series(["A", "*"])
    original, _ = aligned(compared("category", pl.Series(["A", "B"]), words, words))
    assert original["c"].to_list() == ["A", "B"]


@pytest.mark.parametrize(
    ("base", "released", "reading"),
    [
        (["1", "2"], ["1", "2"], "category"),
        (["18", "23"], ["[15, 19]", "[20, 24]"], "number"),
        (["18", "23"], ["young", "young"], "category"),
        (["1962-05-31", "1970"], ["1962", "1970"], "date"),
        (["1962-05-31", "unknown"], ["1962", "*"], "category"),
        (["x", "y"], ["[15, 19]", "*"], "category"),
    ],
)
def test_text_is_numbers_only_where_the_release_has_bands_of_them(
    base: list[str], released: list[str], reading: str
) -> None:
    words = pl.Series(released)
    assert readings(compared("category", pl.Series(base), words, words)) == {"c": reading}


def test_a_wholly_suppressed_column_is_missing() -> None:
    words = pl.Series(["*", "*"])
    original, released = aligned(compared("category", pl.Series([1.0, 2.0]), words, words))
    assert original["c"].to_list() == [1.0, 2.0]
    assert released["c"].to_list() == [None, None]


def test_a_list_is_its_size_and_its_most_frequent_codes_by_people() -> None:
    lists = pl.Series([["b", "a"], ["b", "*"], ["c", "c"], ["c"], None], dtype=pl.List(pl.String))
    comparison = compared("codes", lists, lists, lists)
    frames = aligned(comparison)
    people = np.array([0, 1, 2, 2, 3])
    expanded = tabular(frames, people, codes=2)[0]
    # two people have b, one has a, and one has c in two rows: the tie of a and c goes by the alphabet
    assert expanded.columns == ["c (number)", "c: b", "c: a"]
    assert expanded["c (number)"].to_list() == [2, 1, 1, 1, None]
    assert expanded["c: b"].to_list() == [1, 1, 0, 0, None]


def test_held_out_people_are_read_alike() -> None:
    words = pl.Series(["[40, 44]", "[90, *)"])
    comparison = compared("category", pl.Series([43.0, 97.0]), words, words)
    assert held_out(comparison) is None
    with_others = Comparison(
        "anonymised",
        comparison.attributes,
        comparison.released,
        comparison.original,
        comparison.base,
        comparison.people,
        comparison.shown,
        pl.DataFrame({"c": ["[20, 24]"]}),
        np.array([0]),
    )
    found = held_out(with_others)
    assert found is not None
    assert found["c"].to_list() == [22]


def test_nothing_is_read_from_nothing() -> None:
    assert read(pl.Series("c", [], dtype=pl.String), "number").dtype == pl.Float64
    assert read(pl.Series("c", [None, None], dtype=pl.String), "date").to_list() == [None, None]
