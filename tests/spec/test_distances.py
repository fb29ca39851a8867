"""How far apart two records are, attribute by attribute, in shares of the largest distance.

            age   sex   codes
reference   0     f     A, B
            50    m     B, C, D
            100   m     (missing)
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from anonymizer.distances.encoding import UNIT, Kind, Scale
from anonymizer.distances.nearest import NOBODY, Index

REFERENCE = pl.DataFrame(
    {"age": [0.0, 50.0, 100.0], "sex": ["f", "m", "m"], "codes": [["A", "B"], ["B", "C", "D"], None]}
)
KINDS: dict[str, Kind] = {"age": "number", "sex": "category", "codes": "codes"}
RANGE = 98.0
"""The gap between the 1 % and the 99 % quantile of 0, 50 and 100: between 1 and 99."""


def away(column: str, query: object, row: int, reference: pl.DataFrame = REFERENCE) -> float:
    """The distance of one value from one of the reference's."""
    scale = Scale.of(reference.select(column), {column: KINDS[column]})
    schema = {column: reference.schema[column]}
    index = Index.of(reference.select(column), scale, np.arange(reference.height))
    # Everybody but the row's person is left out one by one: the row is all that is left.
    others = Index.of(reference.select(column)[[row]], scale, np.array([0]))
    found, _ = others.nearest(
        scale.encode(pl.DataFrame({column: [query]}, schema=schema)), np.array([NOBODY])
    )
    return float(found[0, 0]) / index.farthest


@pytest.mark.parametrize(
    ("age", "row", "distance"),
    [
        (0.0, 0, 0.0),
        (9.8, 0, 0.1),
        (50.0, 0, 50 / RANGE),
        (100.0, 0, 1.0),  # no more than 1
        (-1e12, 0, 1.0),
        (None, 0, 1.0),
    ],
)
def test_numbers_differ_by_their_gap_over_the_range(age: float | None, row: int, distance: float) -> None:
    assert away("age", age, row) == pytest.approx(distance, abs=1 / UNIT)


@pytest.mark.parametrize(("sex", "row", "distance"), [("f", 0, 0), ("f", 1, 1), ("d", 1, 1), (None, 1, 1)])
def test_categories_are_the_same_or_not(sex: str | None, row: int, distance: int) -> None:
    assert away("sex", sex, row) == distance


@pytest.mark.parametrize(
    ("codes", "row", "distance"),
    [
        (["B", "A"], 0, 0.0),
        (["A", "A"], 0, 1 / 2),
        (["A", "B", "E"], 0, 1 / 3),
        (["B", "E", "F"], 1, 4 / 5),
        (["E"], 1, 1.0),
        ([], 1, 1.0),
        (None, 1, 1.0),
        (None, 2, 0.0),
        ([], 2, 1.0),
    ],
)
def test_code_sets_are_apart_by_what_they_do_not_share(
    codes: list[str] | None, row: int, distance: float
) -> None:
    assert away("codes", codes, row) == pytest.approx(distance, abs=1 / UNIT)


def test_missing_is_like_missing() -> None:
    gaps = pl.DataFrame(
        {"age": [None, 1.0, 2.0], "sex": [None, "f", "m"]}, schema_overrides={"age": pl.Float64}
    )
    assert away("age", None, 0, gaps) == away("sex", None, 0, gaps) == 0
    assert away("age", 1.0, 0, gaps) == away("sex", "f", 0, gaps) == 1


def test_a_record_is_as_far_as_its_attributes_are_in_the_mean() -> None:
    scale = Scale.of(REFERENCE, KINDS)
    index = Index.of(REFERENCE, scale, np.array([7, 8, 9]))
    query = scale.encode(pl.DataFrame({"age": [9.8], "sex": ["m"], "codes": [["A"]]}))
    found, rows = index.nearest(query, np.array([NOBODY]), k=4)
    # From the rows: .1 + 1 + 1/2, about .4 + 0 + 1, and about .9 + 0 + 1; and there is no fourth one.
    expected = [(40.2 / RANGE + 1) / 3, (0.1 + 1 + 0.5) / 3, (90.2 / RANGE + 1) / 3]
    assert found[0, :3] / index.farthest == pytest.approx(expected, abs=1 / UNIT)
    assert rows.tolist() == [[1, 0, 2, -1]]
    assert np.isinf(found[0, 3])
    assert index.nearest(query, np.array([8]), k=1)[1].tolist() == [[0]]


def test_one_wild_value_does_not_make_all_others_alike() -> None:
    ages = pl.DataFrame({"age": [*map(float, range(1000)), 1e9]})
    assert away("age", 500.0, 400, ages) == pytest.approx(100 / 980, abs=1e-3)
    assert away("age", 1e9, 999, ages) == 1
    assert away("age", 1e308, 999, ages) == away("age", float("-inf"), 0, ages) == 1
    tiny = pl.DataFrame({"age": [0.0, 1e-9]})
    assert away("age", 1e308, 1, tiny) == 1


def test_a_column_of_one_value_tells_it_from_all_others() -> None:
    constant = pl.DataFrame({"age": [5.0, 5.0]})
    assert away("age", 5.0, 0, constant) == 0
    assert away("age", 5.1, 0, constant) == away("age", None, 0, constant) == 1
    missing = pl.DataFrame({"age": pl.Series([None, None], dtype=pl.Float64)})
    assert away("age", None, 0, missing) == 0
    assert away("age", 1.0, 0, missing) == 1


def test_what_cannot_be_measured_is_refused() -> None:
    for kinds in ({}, {f"c{i}": "number" for i in range(257)}):
        with pytest.raises(ValueError, match="attributes"):
            Scale.of(REFERENCE, kinds)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="rows"):
        Index.of(REFERENCE.clear(), Scale.of(REFERENCE, KINDS), np.zeros(0, np.int64))


def test_leaves_hold_every_row_once_and_identical_rows_are_cut_too() -> None:
    alike = pl.DataFrame({"sex": ["f"] * 700, "codes": [["A"]] * 700})
    scale = Scale.of(alike, {"sex": "category", "codes": "codes"})
    index = Index.of(alike, scale, np.arange(700))
    assert sorted(index.order.tolist()) == list(range(700))
    assert (np.diff(index.boxes.starts) <= 128).all()
    found, rows = index.nearest(scale.encode(alike), np.arange(700), k=2)
    assert not found.any()
    assert not (rows == np.arange(700)[:, None]).any()
