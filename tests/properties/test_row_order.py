"""Released rows stand in an order that the rows alone decide, and the verifier sees any other."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.tables.row_order import in_order
from release.verifying.rows import is_sorted
from tests.properties.laws import law

Row = tuple[Any, ...]
SCHEMA = {
    "text": pl.String(),
    "category": pl.Enum(["b", "unused", "a"]),
    "number": pl.Float64(),
    "truth": pl.Boolean(),
    "codes": pl.List(pl.String()),
}
CODES = st.lists(st.sampled_from(["a", "b", "a b"]), max_size=2)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["", "a", "A", "ä", "aa", None]),
        st.sampled_from(["a", "b", None]),
        st.sampled_from([-1.5, 0.0, float("inf"), None]),
        st.sampled_from([True, False, None]),
        st.none() | CODES,
    ),
    max_size=8,
)


def place(row: Row) -> list[tuple[bool, Any]]:
    """Where a row stands: column by column, missing first, lists by their joined text."""
    cells = [*row[:-1], None if row[-1] is None else " ".join(row[-1])]
    return [(cell is not None, 0 if cell is None else cell) for cell in cells]


def frame_of(rows: list[Row]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@law(150)
@given(ROWS)
def test_rows_stand_in_the_order_of_all_their_columns(rows: list[Row]) -> None:
    ordered = in_order(frame_of(rows))
    assert [place(row) for row in ordered.rows()] == sorted(map(place, rows))
    assert is_sorted(ordered.cast({"category": pl.String}))


@law(150)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_rows_own_order_leaves_no_trace(rows: list[Row], chance: random.Random) -> None:
    """Also where different lists have the same joined text."""
    shuffled = chance.sample(rows, len(rows))
    assert in_order(frame_of(shuffled)).equals(in_order(frame_of(rows)))


@law(150)
@given(ROWS)
def test_the_verifier_takes_no_other_order(rows: list[Row]) -> None:
    places = [place(row) for row in rows]
    assert is_sorted(frame_of(rows).cast({"category": pl.String})) == (places == sorted(places))


def test_more_columns_than_an_integer_has_room_for() -> None:
    draw = random.Random(7)
    rows = [tuple(draw.choice("abcdefgh") for _ in range(40)) for _ in range(200)]
    frame = pl.DataFrame(rows, orient="row")
    assert in_order(frame).rows() == sorted(rows)
