"""How a table becomes codes and what comes back: a manual in small tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from anonymizer.errors import BadConfig
from release.files.tables import DTYPES
from synth.coding.codec import Codec
from synth.recipe import Between, Wanted
from synth.variables import Training, Variable

ICD = {
    code: (code[:3], "I30-I52" if code[0] == "I" else "O85-O92", "*") for code in ("I48.0", "I48.1", "O85.0")
} | {"I50.1": ("I50", "I30-I52", "*")}


def table(k: int, cells: Sequence[Any], *, people: Sequence[int] | None = None, **told: Any) -> Training:
    """One column ``x`` with the given cells, one person each unless told."""
    variable = Variable("x", **told)
    dtype = None if isinstance(cells, pl.Series) else DTYPES[variable.type]
    whose = range(len(cells)) if people is None else people
    series = pl.Series("x", cells, dtype=dtype)
    return Training(pl.DataFrame([series]), (variable,), np.array(whose, dtype=np.int64), k)


def back(codec: Codec, codes: Sequence[int] | np.ndarray[Any, Any], seed: int = 1) -> list[Any]:
    column = np.array(codes, dtype=np.int32).reshape(len(codes), -1)
    return codec.decode(column, np.random.default_rng(seed))["x"].to_list()


def labels(training: Training) -> list[Any]:
    codec = Codec.of(training)
    return back(codec, range(codec.axes[0].size))


def recoded(training: Training) -> list[Any]:
    """What becomes of each cell."""
    codec = Codec.of(training)
    return back(codec, codec.encode(training.frame))


def test_categories_that_k_people_have_stay_and_are_sorted_as_text() -> None:
    training = table(2, ["b", "a", "b", "a"], type="string")
    assert labels(training) == ["a", "b"]
    assert recoded(training) == ["b", "a", "b", "a"]


def test_people_are_counted_and_not_rows() -> None:
    cells = ["a", "a", "b", "b", "c", "c"]
    training = table(2, cells, people=[0, 1, 2, 3, 4, 4], type="string")
    assert labels(training) == ["a", "b"]


def test_rare_categories_meet_at_their_nearest_coarser_label() -> None:
    cells = ["I48.0", "I48.1", "I50.1", "I50.1"]
    training = table(2, cells, type="string", coarser=ICD)
    assert recoded(training) == ["I48", "I48", "I50.1", "I50.1"]
    assert Codec.of(training).merged == {"x": 2}


def test_what_no_label_unites_becomes_a_star_and_too_few_of_those_the_most_frequent() -> None:
    assert recoded(table(2, ["a", "a", "b", "c"], type="string")) == ["a", "a", "*", "*"]
    assert recoded(table(2, ["a", "a", "b"], type="string")) == ["a", "a", "a"]


def test_rare_categories_join_a_label_that_is_a_value_too() -> None:
    cells = ["I48", "I48", "I48.0", "O85.0", "*", "*"]
    training = table(2, cells, type="string", coarser=ICD)
    assert recoded(training) == ["I48", "I48", "I48", "*", "*", "*"]


def test_missing_is_a_code_of_its_own_if_k_people_have_it() -> None:
    assert recoded(table(2, ["a", "a", None, None], type="string")) == ["a", "a", None, None]
    assert recoded(table(2, ["a", "a", None], type="string")) == ["a", "a", "a"]


@pytest.mark.parametrize("type_", DTYPES)
def test_where_nothing_is_shared_everything_is_missing(type_: str) -> None:
    assert recoded(table(2, [None, None, None], type=type_)) == [None, None, None]


def test_categories_with_an_order_lie_on_an_axis() -> None:
    order = {"low": 1.0, "mid": 2.0, "high": 3.0, "highest": 5.0}
    coarser = {"high": ("up",), "highest": ("up",)}
    cells = ["low", "low", "mid", "mid", "high", "highest", None, None]
    axis = Codec.of(table(2, cells, type="string", order=order, coarser=coarser)).axes[0]
    assert axis.is_ordered
    assert axis.positions.tolist()[:3] == [1.0, 2.0, 4.0]
    assert np.isnan(axis.positions[3])


def test_groups_of_codes_come_from_the_coarser_levels() -> None:
    cells = ["I48.0", "I48.0", "I48.1", "I48.1", "I50.1", "I50.1", "O85.0", "O85.0", None, None]
    axis = Codec.of(table(2, cells, type="string", coarser=ICD)).axes[0]
    assert [groups.tolist() for groups in axis.groups] == [[0, 0, 1, 2, 3], [0, 0, 0, 1, 2]]


def test_truth_values_come_back_as_truth_values() -> None:
    assert recoded(table(2, [True, True, False, False], type="boolean")) == [True, True, False, False]
    assert recoded(table(2, [True, True, False], type="boolean")) == [True, True, True]
    in_words = table(2, pl.Series(["true", "TRUE", "false", "0"]), type="boolean")
    assert recoded(in_words) == [True, True, False, False]


def test_a_number_that_k_people_share_comes_back_exactly() -> None:
    cells = [1.25, 1.25, 3.5, 3.5, 7.0, 7.0]
    assert recoded(table(2, cells, type="number")) == cells


def test_other_numbers_become_bands_that_end_half_way_between_values() -> None:
    codec = Codec.of(table(2, [0, 10, 20, 30, 40, 50, 60, 70], type="integer"))
    first, last = back(codec, [0] * 500), back(codec, [codec.axes[0].size - 1] * 500)
    # The second smallest and largest value are what two people reach, half-way to the next: 15 and 55.
    assert (min(first), max(first)) == (15, 35)
    assert (min(last), max(last)) == (36, 55)


def test_an_outlier_is_cut_to_what_k_people_reach() -> None:
    cells = [*range(40), 1_000_000]
    drawn = recoded(table(2, cells, type="integer"))
    assert max(drawn) <= 39


def test_numbers_have_the_decimals_of_those_learned_from() -> None:
    rng = np.random.default_rng(0)
    cells = [*np.round(rng.normal(20, 5, 500), 1), 3.14159]
    drawn = recoded(table(5, cells, type="number"))
    assert all(round(cell, 1) == cell for cell in drawn)


def test_tiny_and_huge_numbers_keep_their_digits() -> None:
    rng = np.random.default_rng(0)
    for scale in (1e-12, 1e200):
        cells = rng.normal(5, 0.1, 200) * scale
        drawn = np.array(recoded(table(2, cells.tolist(), type="number")))
        assert np.allclose(drawn, cells, rtol=0.2)
        assert len(set(drawn.tolist())) > 100


def test_public_bounds_are_kept() -> None:
    drawn = recoded(table(2, [-5.5, -5.5, 1.0, 2.0, 3.0, 99.0, 99.0], type="number", low=0, high=50))
    assert (min(drawn), max(drawn)) == (0.0, 50.0)


def test_days_before_1970_come_back_as_days() -> None:
    cells = [date(1899, 12, 31), date(1899, 12, 31), date(1969, 12, 31), date(1969, 12, 31)]
    assert recoded(table(2, cells, type="date")) == cells
    in_words = table(2, pl.Series([f"{cell}" for cell in cells]), type="date")
    assert recoded(in_words) == cells


def test_a_partial_date_is_missing() -> None:
    in_words = pl.Series(["1999-01-02", "1999-01-02", "1999-01", "1999", "in May"])
    assert recoded(table(2, in_words, type="date")) == [date(1999, 1, 2)] * 2 + [None] * 3


def test_moments_are_as_fine_as_those_learned_from() -> None:
    cells = [datetime(1960, 1, 1) + timedelta(minutes=7 * i) for i in range(100)]
    drawn = recoded(table(2, cells, type="datetime"))
    assert all(isinstance(cell, datetime) and cell.second == cell.microsecond == 0 for cell in drawn)
    in_words = pl.Series(["2020-01-01T10:00:00Z", "2020-01-01T12:00:00+02:00", "2020-01-01 10:00"])
    assert recoded(table(2, in_words, type="datetime")) == [datetime(2020, 1, 1, 10)] * 3


def test_there_are_at_most_about_a_thousand_bands() -> None:
    rng = np.random.default_rng(0)
    assert Codec.of(table(2, rng.normal(size=20_000).tolist(), type="number")).axes[0].size <= 1000
    sevens = (rng.integers(0, 3000, 20_000) * 7).tolist()
    assert Codec.of(table(2, sevens, type="integer")).axes[0].size <= 2000


def test_infinite_numbers_are_the_farthest_finite_one_and_nan_is_missing() -> None:
    cells = [1.0, 1.0, 5.0, 5.0, float("inf"), float("-inf"), float("nan"), None]
    assert recoded(table(2, cells, type="number")) == [1.0, 1.0, 5.0, 5.0, 5.0, 1.0, None, None]


def test_a_list_has_an_axis_for_each_frequent_code_and_one_for_how_many_others() -> None:
    cells = [["I10", "E11"], ["I10"], [], [], ["E11", "E11"], None, None]
    codec = Codec.of(table(2, cells, type="list"))
    assert [axis.name for axis in codec.axes] == ["x[E11]", "x[I10]", "x[]"]
    assert codec.spans == ((0, 1, 2),)
    codes = codec.encode(pl.DataFrame({"x": cells}))
    assert codes.tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1]]
    assert back(codec, codes) == [["E11", "I10"], ["I10"], [], [], ["E11"], None, None]


def test_other_codes_of_a_list_are_drawn_by_their_frequency() -> None:
    frequent = [[f"F{i:02}"] for i in range(40) for _ in range(9)]
    others = [["X"]] * 6 + [["Y"]] * 3 + [["alone"]]
    codec = Codec.of(table(3, frequent + others, type="list"))
    drawn = [cell for row in back(codec, [[0] * 40 + [1]] * 3000) for cell in row]
    assert {*drawn} == {"X", "Y"}
    assert drawn.count("X") / len(drawn) == pytest.approx(2 / 3, abs=0.03)


def test_rare_codes_of_a_list_meet_at_a_coarser_one_or_are_dropped() -> None:
    cells = [["I48.0", "Z99"], ["I48.1"], ["O85.0"], [], []]
    assert recoded(table(2, cells, type="list", coarser=ICD)) == [["I48"], ["I48"], [], [], []]


def test_what_was_never_learned_goes_to_what_is_nearest() -> None:
    codec = Codec.of(table(2, ["I48", "I48", "a", "a", "a"], type="string", coarser=ICD))
    assert back(codec, codec.encode(pl.DataFrame({"x": ["I48.1", "b", None]}))) == ["I48", "a", "a"]
    codec = Codec.of(table(2, [10, 10, 20, 20], type="integer"))
    assert back(codec, codec.encode(pl.DataFrame({"x": [-99, 14, 15, 16, 2**62]}))) == [10, 10, 10, 20, 20]
    assert back(codec, codec.encode(pl.DataFrame({"x": ["11.0", "19", "?"]}))) == [10, 20, 20]


NUMBERS = [10, 10, 20, 20, 30, 40, 50, 60, 70, 70, None, None]


@pytest.mark.parametrize(
    ("told", "cells", "wanted", "found"),
    [
        ({"type": "string"}, ["a", "a", "b", "b", None, None], "a", {"a"}),
        ({"type": "string"}, ["a", "a", "b", "b", None, None], ["a", "b"], {"a", "b"}),
        ({"type": "string"}, ["a", "a", "b", "b", None, None], None, {None}),
        ({"type": "string"}, ["I48.0", "I48.0", "I48", "I50", "I48", "I50"], "I48.*", {"I48.0"}),
        ({"type": "string"}, ["I48.0", "I48.0", "I48", "I50", "I48", "I50"], "I48*", {"I48.0", "I48"}),
        ({"type": "string", "coarser": ICD}, ["I48.0", "I48.1", "I50.1", "I50.1"], "I48.*", {"I48"}),
        ({"type": "string", "coarser": ICD}, ["I48.0", "I50.1", "O85.0", "O85.0"], "I30-I52", {"I30-I52"}),
        ({"type": "boolean"}, [True, True, False, False], True, {True}),
        ({"type": "integer"}, NUMBERS, 20, {20}),
        ({"type": "integer"}, NUMBERS, Between(15, 25), {20}),
        ({"type": "integer"}, NUMBERS, Between(None, 20), {10, 20}),
        ({"type": "integer"}, NUMBERS, Between(61, None), {70}),
        ({"type": "number"}, [0.5, 0.5, 1.5, 1.5], Between(1), {1.5}),
        ({"type": "date"}, [date(2020, 1, 1)] * 2 + [date(2021, 1, 1)] * 2, "2020-01-01", {date(2020, 1, 1)}),
        (
            {"type": "datetime"},
            [datetime(2020, 1, 1, 8)] * 2 + [datetime(2021, 1, 1)] * 2,
            Between(None, date(2020, 1, 1)),
            {datetime(2020, 1, 1, 8)},
        ),
    ],
)
def test_conditions_allow_the_codes_that_are_as_asked_for_certain(
    told: Mapping[str, Any], cells: Sequence[Any], wanted: Wanted, found: set[Any]
) -> None:
    codec = Codec.of(table(2, cells, **told))
    allowed = codec.matching("x", wanted)
    assert {*back(codec, np.flatnonzero(allowed[0]))} == found


def test_a_band_is_allowed_only_if_all_of_it_is_asked_for() -> None:
    codec = Codec.of(table(2, [*range(0, 1000, 10)], type="integer"))
    allowed = codec.matching("x", Between(200, 700))[0]
    drawn = back(codec, np.repeat(np.flatnonzero(allowed), 50))
    assert 200 <= min(drawn) < 230
    assert 670 < max(drawn) <= 700


def test_a_list_can_be_asked_for_one_of_its_frequent_codes() -> None:
    cells = [["I48.0", "I10"], ["I48.0"], ["I10"], ["I48.1"], ["I48.1"], ["I48.1"], [], None, None]
    codec = Codec.of(table(2, cells, type="list"))
    names = [axis.name for axis in codec.axes]
    allowed = codec.matching("x", "I48.*")
    assert {names[axis]: mask.tolist() for axis, mask in allowed.items()} == {
        "x[I48.1]": [False, True],
        "x[]": [True, False],
    }
    assert codec.matching("x", None)[names.index("x[]")].tolist() == [False, True]


def test_a_code_that_hardly_a_list_lacks_is_in_all_of_them() -> None:
    cells = [["Z00", "I10"], ["Z00", "I10"], ["Z00"], ["Z00"], [], None, None]
    codec = Codec.of(table(2, cells, type="list"))
    assert [axis.name for axis in codec.axes] == ["x[I10]", "x[]"]
    assert back(codec, [[0, 0], [1, 0], [0, 1]]) == [["Z00"], ["I10", "Z00"], None]
    assert {axis: mask.tolist() for axis, mask in codec.matching("x", "Z00").items()} == {1: [True, False]}


def test_lists_in_words_are_codes_between_blanks() -> None:
    cells = pl.Series(["I10 E11", "E11", "I10", "", None, None])
    assert recoded(table(2, cells, type="list")) == [["E11", "I10"], ["E11"], ["I10"], [], None, None]


@pytest.mark.parametrize(
    ("told", "cells", "wanted"),
    [
        ({"type": "string"}, ["a", "a", "b"], "b"),
        ({"type": "string"}, ["a", "a"], None),
        ({"type": "integer"}, [1, 1, 2, 2], 3),
        ({"type": "integer"}, [1, 2, 3, 4, 5, 6], Between(3, 3)),
        ({"type": "list"}, [["a"], ["a"], ["b"]], "b"),
        ({"type": "string"}, ["a", "a"], 5),
        ({"type": "integer"}, [1, 1], "1"),
    ],
)
def test_what_nobody_or_too_few_have_cannot_be_asked_for(
    told: Mapping[str, Any], cells: Sequence[Any], wanted: Wanted
) -> None:
    with pytest.raises(BadConfig, match="column 'x'"):
        Codec.of(table(2, cells, **told)).matching("x", wanted)
