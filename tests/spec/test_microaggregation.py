"""Microaggregation: which numbers become which means, and which stay missing."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.tables.row_order import in_order
from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming import microaggregation
from anonymizer.transforming.microaggregation import (
    NO_GROUP,
    Microaggregation,
    group_means,
    microaggregate,
    positioned,
)

Cell = int | float | str | None


def table(subject: Sequence[str] | None = None, **columns: Sequence[Cell]) -> Table:
    """A table of sensitive columns, of one row per person unless people are named."""
    people = {} if subject is None else {"id": subject}
    frame = pl.DataFrame({**people, **columns}, strict=False)
    roles = [Column("id", Role.IDENTIFIER)] if people else []
    roles += [Column(name, Role.SENSITIVE, sensitive=True) for name in columns]
    return Table(frame, tuple(roles), "id" if people else None)


def everything(source: Table) -> pl.DataFrame:
    """A release that suppresses and changes nothing."""
    return in_order(source.frame.select(column.name for column in source.released))


def averaged(source: Table, *columns: str, k: int = 2) -> pl.DataFrame:
    return microaggregate(source, everything(positioned(source)), [Microaggregation(columns, k)])[0]


def test_numbers_become_the_mean_of_their_group() -> None:
    released = averaged(table(crp=[1.0, 2.0, 10.0, 12.0, 90.0, 100.0]), "crp")
    assert released["crp"].to_list() == [1.5, 1.5, 11.0, 11.0, 95.0, 95.0]


def test_integers_are_rounded_to_the_nearest_and_halves_to_the_even_one() -> None:
    released = averaged(table(age=[1, 2, 10, 13, 91, 92]), "age")
    # 1.5 and 11.5 are halfway: to 2 and 12; 91.5 to 92
    assert released["age"].to_list() == [2, 2, 12, 12, 92, 92]
    assert released["age"].dtype == pl.Int64


def test_columns_are_grouped_together_on_equal_terms() -> None:
    """In metres and grams the same: each column counts by its own spread."""
    small = table(x=[0.0, 0.1, 5.0, 5.1], y=[1000.0, 1010.0, 2000.0, 2010.0])
    released = averaged(small, "x", "y")
    assert released.rows() == [(0.05, 1005.0), (0.05, 1005.0), (5.05, 2005.0), (5.05, 2005.0)]
    in_other_units = table(x=[x * 1e6 for x in (0.0, 0.1, 5.0, 5.1)], y=[1.0, 1.01, 2.0, 2.01])
    assert averaged(in_other_units, "x", "y")["x"].n_unique() == 2


def test_missing_stays_missing_and_counts_for_no_mean() -> None:
    released = averaged(table(crp=[1.0, None, 3.0, None]), "crp")
    assert released["crp"].to_list() == [None, None, 2.0, 2.0]


def test_people_who_lack_different_numbers_are_grouped_apart() -> None:
    released = averaged(table(x=[1.0, 2.0, None, None, 3.0], y=[1.0, 2.0, 8.0, 9.0, 3.0]), "x", "y")
    assert set(released.rows()) == {(None, 8.5), (2.0, 2.0)}


def test_where_too_few_lack_the_same_their_numbers_become_missing() -> None:
    """One person without x: y alone would stand there for one person."""
    released = averaged(table(x=[1.0, 2.0, 3.0, None], y=[1.0, 2.0, 3.0, 77.0]), "x", "y")
    assert released.rows() == [(None, None), (2.0, 2.0), (2.0, 2.0), (2.0, 2.0)]


def test_a_group_is_of_people_and_each_of_them_counts_once() -> None:
    """A has three rows: k = 2 needs somebody else, and the mean is that of two people's means."""
    source = table(["A", "A", "A", "B", "C", "D"], crp=[1.0, 2.0, 3.0, 4.0, 50.0, 60.0])
    released = averaged(source, "crp")
    assert released["crp"].to_list() == [3.0, 3.0, 3.0, 3.0, 55.0, 55.0]


def test_only_released_rows_are_averaged() -> None:
    source = table(crp=[1.0, 3.0, 1000.0, 5.0, 7.0])
    without_outlier = everything(positioned(source)).filter(pl.col("crp") < 100)
    released, (grouping,) = microaggregate(source, without_outlier, [Microaggregation(("crp",), 2)])
    assert released["crp"].to_list() == [2.0, 2.0, 6.0, 6.0]
    assert grouping.group_of_row[2] == NO_GROUP
    assert sorted(np.bincount(grouping.group_of_row[[0, 1, 3, 4]])) == [2, 2]


def test_a_mean_is_rounded_once_from_the_exact_fraction() -> None:
    """0.1 three times is 0.1: the float sum, divided by three, is another number."""
    tenth = group_means(pl.Series("x", [0.1] * 3), np.arange(3), np.zeros(3, np.int64))
    assert tenth.to_list() == [0.1] * 3
    large = group_means(pl.Series("x", [1e308] * 3), np.arange(3), np.zeros(3, np.int64))
    assert large.to_list() == [1e308] * 3
    exact = group_means(pl.Series("x", [2**62, 2**62 - 1]), np.arange(2), np.zeros(2, np.int64))
    assert exact.to_list() == [2**62] * 2  # 2^62 - 1/2, halfway to the even one


def test_a_constant_column_and_huge_numbers_are_no_trouble() -> None:
    released = averaged(table(x=[5.0] * 6, y=[1e308, 1e308, -1e308, -1e308, 0.0, 1.0]), "x", "y")
    assert released["x"].to_list() == [5.0] * 6
    assert released["y"].to_list() == [-1e308, -1e308, 0.5, 0.5, 1e308, 1e308]


def test_a_release_without_rows_or_without_numbers_has_no_groups() -> None:
    source = table(x=[1.0, 2.0])
    nobody = positioned(source).frame.clear()
    released, (grouping,) = microaggregate(source, nobody, [Microaggregation(("x",), 2)])
    assert released.is_empty()
    assert grouping.group_of_row.tolist() == [NO_GROUP, NO_GROUP]
    nothing = Table(pl.DataFrame({"x": [None, None]}, schema={"x": pl.Float64}), table(x=[1.0]).columns, None)
    assert averaged(nothing, "x")["x"].to_list() == [None, None]


def test_a_column_called_row_is_not_mistaken_for_the_position() -> None:
    released = averaged(table(row=[9, 8, 7, 6], row_=[1, 1, 2, 2]), "row")
    assert released.rows() == [(6, 2), (6, 2), (8, 1), (8, 1)]


def test_many_people_are_halved_before_they_are_grouped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microaggregation, "LARGEST_BLOCK", 8)
    source = table(x=[float(n * 7 % 40) for n in range(40)], y=[float(n) for n in range(40)])
    released, (grouping,) = microaggregate(
        source, everything(positioned(source)), [Microaggregation(("x", "y"), 2)]
    )
    sizes = np.bincount(grouping.group_of_row)
    assert sizes.min() >= 2
    assert sizes.max() <= 3
    assert released.select(pl.struct("x", "y").n_unique()).item() == len(sizes)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("ABCDEFGH"),
            st.one_of(st.none(), st.integers(-5, 5)),
            st.one_of(st.none(), st.integers(0, 3).map(float)),
        ),
        min_size=1,
        max_size=16,
    ),
    st.randoms(),
    st.booleans(),
)
def test_the_inputs_order_changes_nothing(
    rows: list[tuple[str, int | None, float | None]], draw, many
) -> None:  # type: ignore[no-untyped-def]
    def released(order: list[tuple[str, int | None, float | None]]) -> pl.DataFrame:
        people, x, y = zip(*order, strict=True)
        source = table(people if many else None, x=x, y=y)
        typed = source.frame.with_columns(pl.col("x").cast(pl.Int64), pl.col("y").cast(pl.Float64))
        return averaged(Table(typed, source.columns, source.subject), "x", "y", k=3)

    shuffled = draw.sample(rows, len(rows))
    assert released(rows).equals(released(shuffled))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=20))
def test_the_sum_stays_but_for_rounding(numbers: list[float]) -> None:
    """Each group keeps its sum: a mean of the whole column is what it was."""
    released = averaged(table(x=numbers), "x", k=3)["x"].to_list()
    ours, before = sum(map(Fraction, released)), sum(map(Fraction, numbers))
    assert abs(ours - before) <= Fraction(len(numbers)) * Fraction(1, 10**6)
