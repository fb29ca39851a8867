"""Uniqueness on sets of columns is what counting every combination by hand gives."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.reidentification.subsets import uniqueness

CELLS = st.sampled_from(["a", "b", "c", "", None])
TABLES = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=30)
)


def frame(rows: list[tuple[str | None, ...]]) -> pl.DataFrame:
    """The rows under the names c0, c1, …"""
    names = [f"c{place}" for place in range(len(rows[0]))]
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


@settings(max_examples=60, deadline=None)
@given(TABLES, st.booleans())
def test_every_set_is_counted_and_counted_right(rows: list[tuple[str | None, ...]], apart: bool) -> None:
    table = frame(rows)
    alternatives = [("c0", "c1")] if apart else []
    expected = {}
    varied = [name for name in table.columns if table[name].n_unique() > 1]
    for size in (1, 2, 3):
        for names in combinations(varied, size):
            if not apart or not {"c0", "c1"} <= set(names):
                times = Counter(zip(*(table[name] for name in names), strict=True))
                expected[names] = sum(count == 1 for count in times.values())
    found = uniqueness(table, table.columns, alternatives)
    assert {subset.columns: subset.unique for subset in found.subsets} == expected
    assert all(subset.share == subset.unique / len(rows) for subset in found.subsets)
    assert [s.unique for s in found.subsets] == sorted((s.unique for s in found.subsets), reverse=True)
    assert {*found.columns, *found.constant} == {*table.columns}


@settings(max_examples=30, deadline=None)
@given(TABLES, st.integers(1, 600))
def test_a_bound_on_the_work_keeps_the_figures_of_the_sets_it_keeps(
    rows: list[tuple[str | None, ...]], cells: int
) -> None:
    table = frame(rows)
    everything = {s.columns: s.unique for s in uniqueness(table, table.columns).subsets}
    found = uniqueness(table, table.columns, cells_at_most=cells)
    assert {s.columns: s.unique for s in found.subsets}.items() <= everything.items()
    assert list(found.columns_by_size) == sorted(found.columns_by_size, reverse=True)


def test_lists_of_codes_numbers_and_days_are_values_like_any_other() -> None:
    table = pl.DataFrame(
        {
            "codes": [["I50", "J18"], ["I50", "J18"], [], None],
            "age": [50, 50, 50, 51],
            "day": pl.Series(["2024-01-01"] * 3 + ["2024-01-02"]).str.to_date(),
        }
    )
    counted = {subset.columns: subset.unique for subset in uniqueness(table, table.columns).subsets}
    assert counted[("codes",)] == 2
    assert counted[("age",)] == counted[("day",)] == counted[("age", "day")] == 1


def test_where_there_are_too_many_sets_those_of_the_revealing_columns_are_counted() -> None:
    table = pl.DataFrame({"id": range(8), "half": [0, 1] * 4, "one": [0] * 7 + [1]})
    found = uniqueness(table, table.columns, cells_at_most=8)
    assert found.columns_by_size == (1,)
    assert found.subsets[0].columns == ("id",)


@settings(max_examples=60, deadline=None)
@given(TABLES, st.data())
def test_with_several_rows_of_a_person_people_are_counted(
    rows: list[tuple[str | None, ...]], data: st.DataObject
) -> None:
    """A person is alone on a set where some of their combinations is nobody else's."""
    table = frame(rows)
    owners = data.draw(st.lists(st.integers(0, 6), min_size=len(rows), max_size=len(rows)))
    found = uniqueness(table, table.columns, people=pl.Series([f"P{owner}" for owner in owners]))
    assert found.people == len(set(owners))
    for subset in found.subsets:
        having: dict[tuple[str | None, ...], set[int]] = {}
        for owner, row in zip(owners, table.select(subset.columns).rows(), strict=True):
            having.setdefault(row, set()).add(owner)
        alone = {owner for several in having.values() if len(several) == 1 for owner in several}
        assert (subset.unique, subset.share) == (len(alone), len(alone) / len(set(owners)))


def test_where_everybody_has_one_row_people_are_rows() -> None:
    table = pl.DataFrame({"a": ["x", "y", "y"], "b": ["1", "2", "2"]})
    assert uniqueness(table, ["a", "b"], people=pl.Series(["p", "q", "r"])) == uniqueness(table, ["a", "b"])
