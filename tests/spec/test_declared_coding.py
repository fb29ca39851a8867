"""A table as codes and back by a declared domain alone."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from anonymizer.errors import BadConfig
from synth.coding import declared
from synth.recipe import Between, Declared
from synth.variables import Variable

SEX = Variable("sex", "string")
CODE = Variable("main", "string", {"I48.0": ("I48", "IX"), "I48.1": ("I48", "IX"), "E11.9": ("E11", "IV")})
AGE = Variable("age", "integer")
CRP = Variable("crp", "number")
DAY = Variable("day", "date")
SEEN = Variable("seen", "datetime")
DEAD = Variable("dead", "boolean")
ALSO = Variable("also", "list", CODE.coarser)


def cells(variable: Variable, values: list[object], dtype: pl.DataType | type[pl.DataType]) -> pl.DataFrame:
    return pl.DataFrame({variable.name: pl.Series(values, dtype=dtype)})


def test_text_outside_the_domain_is_missing() -> None:
    codec = declared.codec([SEX], {"sex": Declared(("m", "f"))})
    codes = codec.encode(cells(SEX, ["f", "m", "x", None], pl.String))
    assert codes[:, 0].tolist() == [0, 1, 2, 2]
    drawn = codec.decode(codes, np.random.default_rng(0))
    assert drawn["sex"].to_list() == ["f", "m", None, None]
    assert dict(codec.merged) == {"sex": 0}


def test_a_code_becomes_the_nearest_coarser_one_that_is_declared() -> None:
    codec = declared.codec([CODE], {"main": Declared(("I48", "E11.9", "IV"))})
    codes = codec.encode(cells(CODE, ["I48.0", "I48.1", "E11.9", "Z99"], pl.String))
    drawn = codec.decode(codes, np.random.default_rng(0))["main"].to_list()
    assert drawn == ["I48", "I48", "E11.9", None]


def test_codes_that_belong_together_are_groups() -> None:
    codec = declared.codec([CODE], {"main": Declared(("I48.0", "I48.1", "E11.9"), coarser=CODE.coarser)})
    (axis,) = codec.axes
    assert axis.size == 4
    by_stem = axis.groups[0].tolist()
    # In their order as text: E11.9, I48.0, I48.1, missing.
    assert by_stem[1] == by_stem[2]
    assert len(set(by_stem)) == 3


def test_what_is_known_of_values_in_the_data_alone_changes_no_axis_and_no_condition() -> None:
    """Above which values something is known, and in what order, may tell which values the data have."""
    domain = {"main": Declared(("E11.9", "I48", "I48.1"), coarser={"I48.1": ("I48", "IX"), "I48": ("IX",)})}
    seen = Variable("main", "string", CODE.coarser, {"E11.9": 1.0, "I48": 2.0})
    codecs = [declared.codec([each], domain) for each in (seen, Variable("main", "string"))]
    first, second = (codec.axes[0] for codec in codecs)
    assert not first.is_ordered
    assert np.array_equal(first.positions, second.positions, equal_nan=True)
    assert [each.tolist() for each in first.groups] == [each.tolist() for each in second.groups]
    for wanted in ("IX", "I48", "I4*"):
        one, other = (codec.matching("main", wanted)[0].tolist() for codec in codecs)
        assert one == other
    with pytest.raises(BadConfig):
        codecs[0].matching("main", "IV")
    # A finer value of a row finds its own label all the same: that follows from the row alone.
    assert codecs[0].encode(cells(CODE, ["I48.0"], pl.String)).tolist() == [[1]]


def test_numbers_fall_into_bands_of_equal_width_and_come_back_from_anywhere_in_them() -> None:
    codec = declared.codec([AGE], {"age": Declared(span=Between(0, 99), bands=10)})
    codes = codec.encode(cells(AGE, [0, 9, 10, 99, 100, -1, None], pl.Int64))
    assert codes[:, 0].tolist() == [0, 0, 1, 9, 10, 10, 10]
    many = codec.decode(np.full((5_000, 1), 3, np.int32), np.random.default_rng(0))["age"]
    assert sorted(many.unique().to_list()) == list(range(30, 40))
    assert many.value_counts()["count"].min() > 400


def test_a_number_has_digits_by_the_width_of_the_bands_alone() -> None:
    codec = declared.codec([CRP], {"crp": Declared(span=Between(0, 300), bands=30)})
    codes = codec.encode(cells(CRP, [0.0, 9.9, 150.0, 300.0, 300.2, float("inf"), None], pl.Float64))
    assert codes[:, 0].tolist() == [0, 0, 15, 29, 30, 30, 30]
    drawn = codec.decode(codes, np.random.default_rng(0))["crp"].drop_nulls()
    assert (drawn == drawn.round(1)).all()


def test_an_open_end_is_the_columns_public_bound() -> None:
    bounded = Variable("crp", "number", low=0.0, high=500.0)
    codec = declared.codec([bounded], {"crp": Declared(span=Between(None, None), bands=5)})
    assert codec.encode(cells(CRP, [0.0, 499.9, 501.0], pl.Float64))[:, 0].tolist() == [0, 4, 5]
    with pytest.raises(BadConfig, match="two ends"):
        declared.codec([CRP], {"crp": Declared(span=Between(0, None))})


def test_numbers_can_be_declared_one_by_one() -> None:
    codec = declared.codec([AGE], {"age": Declared(("3", "5", "4"))})
    assert codec.encode(cells(AGE, [3, 4, 5, 6, None], pl.Int64))[:, 0].tolist() == [0, 1, 2, 3, 3]
    assert codec.decode(np.array([[1]], np.int32), np.random.default_rng(0))["age"].to_list() == [4]


def test_days_and_moments_reach_to_the_end_of_the_last_day() -> None:
    year = Declared(span=Between(date(2024, 1, 1), date(2024, 12, 31)), bands=12)
    codec = declared.codec([DAY, SEEN], {"day": year, "seen": year})
    frame = pl.DataFrame(
        {
            "day": [date(2024, 1, 1), date(2024, 12, 31), date(2025, 1, 1)],
            "seen": [datetime(2024, 1, 1), datetime(2024, 12, 31, 23, 59), datetime(2025, 1, 1)],
        },
        schema={"day": pl.Date, "seen": pl.Datetime("us")},
    )
    assert codec.encode(frame).tolist() == [[0, 0], [11, 11], [12, 12]]
    drawn = codec.decode(codec.encode(frame), np.random.default_rng(0))
    assert drawn.schema == frame.schema
    assert drawn["day"][1].month == 12


def test_lists_hold_declared_codes_alone() -> None:
    codec = declared.codec([ALSO], {"also": Declared(("I48", "E11.9"))})
    frame = cells(ALSO, [["I48.1", "Z99"], ["E11.9", "I48.0"], [], None], pl.List(pl.String))
    drawn = codec.decode(codec.encode(frame), np.random.default_rng(0))["also"]
    assert drawn.to_list() == [["I48"], ["E11.9", "I48"], [], None]
    assert codec.spans == ((0, 1, 2),)
    with pytest.raises(BadConfig, match="41 times"):
        declared.codec([ALSO], {"also": Declared(tuple(f"A{number}" for number in range(41)))})


def test_truth_values_need_no_declaration() -> None:
    codec = declared.codec([DEAD], {})
    frame = cells(DEAD, [True, False, None], pl.Boolean)
    assert codec.decode(codec.encode(frame), np.random.default_rng(0)).equals(frame)


@pytest.mark.parametrize(
    ("variable", "domain"),
    [
        (SEX, {}),
        (SEX, {"sex": Declared()}),
        (SEX, {"sex": Declared(span=Between(0, 9))}),
        (AGE, {"age": Declared(("old",))}),
        (AGE, {"age": Declared(span=Between(0, 9), bands=0)}),
        (AGE, {"age": Declared(span=Between(date(2024, 1, 1), date(2024, 1, 2)))}),
        (SEX, {"sex": Declared(("f",)), "age": Declared(span=Between(0, 9))}),
    ],
)
def test_a_domain_that_cannot_be_is_refused(variable: Variable, domain: dict[str, Declared]) -> None:
    with pytest.raises(BadConfig):
        declared.codec([variable], domain)


def test_conditions_pick_codes_of_the_domain() -> None:
    domain = {"age": Declared(span=Between(0, 99), bands=10), "main": Declared(("I48.0", "I48.1", "E11.9"))}
    codec = declared.codec([AGE, CODE], domain)
    (ages,) = codec.matching("age", Between(20, 39)).values()
    assert np.flatnonzero(ages).tolist() == [2, 3]
    (codes,) = codec.matching("main", "I48.*").values()
    assert np.flatnonzero(codes).tolist() == [1, 2]
    with pytest.raises(BadConfig):
        codec.matching("age", Between(21, 28))
