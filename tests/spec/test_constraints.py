"""Constraints: every drawn row keeps them, whatever the method has learned."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import polars as pl
import pytest

from anonymizer.errors import BadConfig, BadInput, SynthesisFailed
from synth.recipe import Between, Combinations, Constraint, Determines, Never, Order, Range
from synth.rewriting.rewriting import rewritten, spans_cut
from synth.synthesis import Synthesiser, fit
from synth.variables import Training
from tests.constraint_scenes import ExactCoding, Independent, recipe, table


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coding that keeps every value, and a method that knows no dependence."""
    monkeypatch.setattr("synth.synthesis._coding", ExactCoding.of)
    monkeypatch.setattr("synth.synthesis.fitted", lambda recipe, coded, rng, report=None: Independent(coded))


def drawn(training: Training, *constraints: Constraint, n: int = 200) -> tuple[Synthesiser, pl.DataFrame]:
    rng = np.random.default_rng(7)
    synthesiser = fit(training, recipe(*constraints), rng)
    return synthesiser, synthesiser.sample(n, rng)


STAYS = table(
    {
        "admission": ("date", [date(2024, 1, day) for day in (1, 9, 20, 28)] + [None, date(2024, 1, 3)]),
        "discharge": ("date", [date(2024, 1, day) for day in (4, 9, 22, 31)] + [date(2024, 1, 2), None]),
    }
)


def test_a_method_that_knows_no_order_breaks_it() -> None:
    _, frame = drawn(STAYS)
    assert (frame["admission"] > frame["discharge"]).sum() > 0


def test_an_order_holds_by_construction_and_only_ends_that_few_reach_are_drawn_anew() -> None:
    synthesiser, frame = drawn(STAYS, Order(("admission", "discharge")))
    assert (frame["admission"] > frame["discharge"]).sum() == 0
    latest = STAYS.frame["discharge"].drop_nulls().sort(descending=True)
    assert frame["discharge"].max() <= latest[STAYS.k - 1]
    assert synthesiser.told["rows_redrawn"] < frame.height / 10


def test_an_order_keeps_what_is_missing_and_what_follows_on_it() -> None:
    _, frame = drawn(STAYS, Order(("admission", "discharge")))
    alone = frame.filter(pl.col("admission").is_null())["discharge"].drop_nulls()
    assert set(alone) == {date(2024, 1, 2)}
    assert frame.filter(pl.col("admission").is_not_null())["discharge"].null_count() > 0


def test_rewriting_an_order_and_back_gives_the_same_table() -> None:
    changed, rewriting = rewritten(STAYS, [Order(("admission", "discharge"))])
    assert changed.frame["discharge added"].to_list() == [3, 0, 2, 3, None, None]
    assert rewriting.undone(changed.frame).equals(STAYS.frame)


def test_an_order_of_three_columns_holds_between_any_two() -> None:
    times = [[datetime(2024, 1, 1, hour, minute) for minute in (0, 30, 10)] for hour in (1, 5, 9)]
    training = table(
        {
            "begun": ("datetime", times[0]),
            "seen": ("datetime", [None, *times[1][1:]]),
            "ended": ("datetime", times[2]),
        }
    )
    _, frame = drawn(training, Order(("begun", "seen", "ended")))
    assert not any(
        frame.select((pl.col(first) > pl.col(second)).any()).item()
        for first, second in [("begun", "seen"), ("seen", "ended"), ("begun", "ended")]
    )
    assert {each.minute % 10 for each in frame["ended"]} == {0}


def test_numbers_are_put_back_with_as_many_decimals_as_they_had() -> None:
    training = table({"low": ("number", [0.1, 0.7, 1.1]), "high": ("number", [0.3, 0.9, 1.3])})
    _, frame = drawn(training, Order(("low", "high")))
    assert (frame["high"].round(1) == frame["high"]).all()


def test_rounding_never_takes_a_sum_below_what_it_was_added_to() -> None:
    training = table({"low": ("number", [0.24, 0.2]), "high": ("number", [0.3, 0.2])})
    synthesiser, frame = drawn(training, Order(("low", "high")))
    assert set(frame.rows()) == {(0.24, 0.3), (0.24, 0.24), (0.2, 0.3), (0.2, 0.2)}
    assert synthesiser.told["rows_redrawn"] == 0


def test_how_many_decimals_there_are_is_not_decided_by_fewer_than_k_people() -> None:
    highs = [0.3, 0.9, 1.3, 1.0012]
    training = table({"low": ("number", [0.1, 0.7, 1.1, 1.0]), "high": ("number", highs)}, k=2)
    _, frame = drawn(training, Order(("low", "high")))
    assert (frame["high"].round(1) == frame["high"]).all()


def test_a_value_that_falls_is_not_learned_from_and_counted() -> None:
    training = table({"first": ("integer", [1, 2, 9]), "then": ("integer", [2, 3, 4])})
    synthesiser, frame = drawn(training, Order(("first", "then")))
    assert synthesiser.told["cells_breaking_order"] == 1
    assert frame["then"].null_count() > 0


def test_orders_that_share_columns_all_hold() -> None:
    numbers = np.random.default_rng(1).integers(0, 9, size=(40, 3)).cumsum(axis=1)
    training = table({name: ("integer", list(numbers[:, at])) for at, name in enumerate("abc")})
    _, frame = drawn(training, Order(("a", "b")), Order(("b", "c")))
    assert ((frame["a"] <= frame["b"]) & (frame["b"] <= frame["c"])).all()
    # Only sums beyond what k people reach are drawn again.
    assert frame["c"].max() <= sorted(numbers[:, 2], reverse=True)[training.k - 1]  # type: ignore[operator]


def test_a_sum_beyond_the_bounds_of_its_column_is_drawn_anew() -> None:
    training = table({"a": ("integer", [0, 60, 90]), "b": ("integer", [90, 61, 91])})
    bounded = Training(
        training.frame,
        (training.variables[0], type(training.variables[1])("b", "integer", high=100)),
        training.people,
        k=1,
    )
    synthesiser, frame = drawn(bounded, Order(("a", "b")))
    assert frame["b"].max() == 91
    assert synthesiser.told["rows_redrawn"] != 0


def test_a_range_is_kept_and_what_lies_outside_is_not_learned_from() -> None:
    training = table({"crp": ("number", [-1.0, 5.0, 80.0, 500.0, None])})
    synthesiser, frame = drawn(training, Range("crp", Between(0, 300)))
    assert set(frame["crp"].drop_nulls()) == {5.0, 80.0}
    assert synthesiser.told["cells_outside_range"] == 2
    assert synthesiser.told["rows_redrawn"] == 0


def test_a_range_that_most_of_a_column_breaks_ends_the_run_with_the_column_and_no_value() -> None:
    training = table({"crp": ("number", [5.0, 80.0, 12.0, 9500.0, None])})
    with pytest.raises(SynthesisFailed, match=r"'crp'.*more than half.*unit") as refused:
        drawn(training, Range("crp", Between(9000, 9900)))
    assert "9" not in str(refused.value)


def test_ranges_of_one_column_count_together() -> None:
    training = table({"crp": ("number", [1.0, 2.0, 3.0, 4.0])})
    assert drawn(training, Range("crp", Between(2, None)))[0].told["cells_outside_range"] == 1
    with pytest.raises(SynthesisFailed, match="more than half"):
        drawn(training, Range("crp", Between(2, None)), Range("crp", Between(None, 2)))


def test_a_range_bounds_what_a_number_can_be() -> None:
    training, _ = spans_cut(table({"crp": ("number", [1.0])}), [Range("crp", Between(0, 300))])
    assert (training.variables[0].low, training.variables[0].high) == (0.0, 300.0)


def test_a_range_of_days_includes_its_last_day() -> None:
    moments = [datetime(2024, 1, 31, 23, 59), datetime(2024, 2, 1)]
    training = table({"at": ("datetime", moments)})
    _, frame = drawn(training, Range("at", Between(date(2024, 1, 1), date(2024, 1, 31))))
    assert set(frame["at"].drop_nulls()) == {moments[0]}


PLACES = table(
    {
        "plz": ("string", [*["04103"] * 5, *["04105"] * 4, "04107", *["01067"] * 3, "99999"]),
        "ags": ("string", [*["14713"] * 5, *["14713"] * 4, "14713", *["14612"] * 3, "16051"]),
    },
    k=3,
)


def test_a_dependency_holds_in_every_row() -> None:
    _, without = drawn(PLACES)
    assert without.group_by("plz").agg(pl.col("ags").n_unique())["ags"].max() != 1
    _, frame = drawn(PLACES, Determines("plz", "ags"))
    assert set(frame.rows()) <= set(PLACES.frame.rows()) | {("*", "*")}


def test_a_rare_combination_is_learned_as_the_most_frequent_that_shares_a_value() -> None:
    changed, rewriting = rewritten(PLACES, [Determines("plz", "ags")])
    back = rewriting.undone(changed.frame)
    assert back.rows()[9] == ("04103", "14713")
    assert rewriting.rare == 2


def test_sharing_more_values_counts_before_being_more_frequent() -> None:
    rows = [("a", "b", "c")] * 3 + [("a", "y", "z")] * 9 + [("a", "b", "x")]
    cells = {name: ("string", [row[at] for row in rows]) for at, name in enumerate(["one", "two", "three"])}
    training = table(cells, k=3)  # type: ignore[arg-type]
    changed, rewriting = rewritten(training, [Combinations(("one", "two", "three"))])
    assert rewriting.undone(changed.frame).rows()[-1] == ("a", "b", "c")


def test_a_rare_combination_that_shares_no_value_tells_nothing() -> None:
    changed, rewriting = rewritten(PLACES, [Combinations(("plz", "ags"))])
    assert rewriting.undone(changed.frame).rows()[-1] == ("*", "*")


def test_of_a_rare_pair_what_is_determined_stays_if_k_people_have_it() -> None:
    places = [*["04103"] * 3, "99996", "99997", "99998", "10115"]
    districts = [*["14713"] * 3, *["16051"] * 3, "11000"]
    training = table({"plz": ("string", places), "ags": ("string", districts)}, k=3)
    changed, rewriting = rewritten(training, [Determines("plz", "ags")])
    back = rewriting.undone(changed.frame)
    assert back.rows() == [("04103", "14713")] * 3 + [("*", "16051")] * 3 + [("*", "*")]
    assert set(drawn(training, Determines("plz", "ags"))[1].rows()) <= set(back.rows())


def test_only_combinations_of_k_people_are_drawn() -> None:
    _, frame = drawn(PLACES, Combinations(("plz", "ags")))
    had = {("04103", "14713"), ("04105", "14713"), ("01067", "14612")}
    assert set(frame.rows()) <= had | {("*", "*")}


def test_one_persons_many_rows_are_one_persons_combination() -> None:
    training = Training(PLACES.frame, PLACES.variables, np.array([0] * 5 + list(range(1, 10))), k=3)
    _, frame = drawn(training, Combinations(("plz", "ags")))
    assert "04103" not in set(frame["plz"])


def test_a_dependency_that_the_data_break_is_refused_with_the_column_and_a_count() -> None:
    training = table({"plz": ("string", ["1", "1", "2"]), "ags": ("string", ["secret", "b", None])})
    with pytest.raises(BadInput, match=r"'plz'.*1 time") as refused:
        drawn(training, Determines("plz", "ags"))
    assert "secret" not in str(refused.value)


def test_a_dependency_of_numbers_leaves_missing_what_tells_nothing() -> None:
    training = table(
        {"ward": ("integer", [1, 1, 2, 2, 3]), "beds": ("integer", [9, 9, 8, 8, 7])},
        k=2,
    )
    changed, rewriting = rewritten(training, [Determines("ward", "beds")])
    assert rewriting.undone(changed.frame).rows() == [(1, 9), (1, 9), (2, 8), (2, 8), (None, None)]


def test_columns_may_have_any_names() -> None:
    names = ["label", "people", "number of people", "size", "shared"]
    training = table({name: ("string", ["a", "a", "b"]) for name in names}, k=2)
    _, frame = drawn(training, Combinations(tuple(names)), Determines("label", "size"))
    assert set(frame.rows()) == {("a",) * 5, ("*",) * 5}


PATIENTS = table(
    {
        "gender": ("string", ["male", "female", "male", "female", "*", None] * 3),
        "diagnosis": ("string", ["I48.1", "O80", "J18", "O10-O16", "XV", "*"] * 3),
        "codes": ("list", [["O80", "Z37"], ["I10"], None, [], ["O10"], ["J18"]] * 3),
    },
    coarser={
        "diagnosis": {
            "O80": ("O80-O84", "XV", "*"),
            "O10": ("O10-O16", "XV", "*"),
            "I48.1": ("I30-I52", "IX", "*"),
            "J18": ("J09-J18", "X", "*"),
        }
    },
)


def test_a_forbidden_combination_is_never_drawn() -> None:
    _, without = drawn(PATIENTS)
    assert without.filter(pl.col("gender") == "male", pl.col("diagnosis") == "O80").height > 0
    synthesiser, frame = drawn(PATIENTS, Never({"gender": "male"}, {"diagnosis": "O*"}))
    men = frame.filter(pl.col("gender") == "male")
    assert set(men["diagnosis"]) == {"I48.1", "J18", "*"}
    assert synthesiser.told["rows_redrawn"] != 0


def test_a_coarser_label_that_may_stand_for_what_is_forbidden_is_forbidden_too() -> None:
    _, frame = drawn(PATIENTS, Never({"gender": "male"}, {"diagnosis": "O80"}))
    men = frame.filter(pl.col("gender") == "male")
    assert set(men["diagnosis"]) == {"I48.1", "J18", "*", "O10-O16"}


def test_a_value_of_which_a_coarser_label_is_forbidden_is_forbidden() -> None:
    _, frame = drawn(PATIENTS, Never({"gender": "male"}, {"diagnosis": "XV"}))
    assert set(frame.filter(pl.col("gender") == "male")["diagnosis"]) == {"I48.1", "J18", "*"}


def test_a_list_that_holds_a_forbidden_code_is_forbidden() -> None:
    _, frame = drawn(PATIENTS, Never({"gender": ["male", "*"]}, {"codes": "O*"}))
    told = frame.filter(pl.col("gender").is_in(["male", "*"]))
    assert not any(code.startswith("O") for codes in told["codes"].drop_nulls() for code in codes)


def test_what_is_missing_can_be_forbidden() -> None:
    _, frame = drawn(PATIENTS, Never({"gender": "female"}, {"codes": None}))
    assert frame.filter(pl.col("gender") == "female")["codes"].null_count() == 0


@pytest.mark.parametrize(
    ("constraint", "about"),
    [
        (Order(("admission", "nothing")), "nothing"),
        (Order(("admission", "text")), "text"),
        (Order(("admission", "number")), "number"),
        (Range("text", Between(1, 2)), "text"),
        (Range("number", Between(date(2024, 1, 1), None)), "number"),
        (Range("admission", Between(1, 2)), "admission"),
        (Range("number", Between(2, 1)), "number"),
        (Determines("text", "nothing"), "nothing"),
        (Combinations(("text", "codes")), "codes"),
        (Never({"text": 3}, {"number": 1}), "text"),
        (Never({"text": "a"}, {"nothing": 1}), "nothing"),
    ],
)
def test_a_constraint_that_the_columns_cannot_have_is_refused(constraint: Constraint, about: str) -> None:
    training = table(
        {
            "admission": ("date", [date(2024, 1, 1)]),
            "text": ("string", ["a"]),
            "number": ("number", [1.0]),
            "codes": ("list", [["a"]]),
        }
    )
    with pytest.raises(BadConfig, match=about):
        drawn(training, constraint)


@pytest.mark.parametrize("columns", [("text",), ("text", "text")])
def test_columns_are_kept_together_or_in_order_each_once(columns: tuple[str, ...]) -> None:
    training = table({"text": ("string", ["a"])})
    with pytest.raises(BadConfig):
        drawn(training, Combinations(columns))
    with pytest.raises(BadConfig):
        drawn(training, Order(columns))


def test_what_can_never_be_drawn_ends_the_run_without_a_figure() -> None:
    training = table({"text": ("string", ["a", "a"])})
    with pytest.raises(SynthesisFailed, match="too rare") as refused:
        drawn(training, Never({"text": "a"}, {"text": "a"}))
    assert not any(each.isdigit() for each in str(refused.value))
