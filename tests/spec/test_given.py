"""What is given holds in every drawn row, and rare conditions are drawn as well as common ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from anonymizer.errors import BadConfig, SynthesisFailed
from synth.recipe import Between, Constraint, Determines, Never, Order, Range, Wanted
from synth.rewriting.rules import rules
from synth.synthesis import Synthesiser, fit
from synth.variables import Training
from tests.constraint_scenes import Independent, recipe, table


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A method that knows no dependence, and draws what is allowed by dropping the rest."""
    monkeypatch.setattr("synth.synthesis.fitted", lambda recipe, coded, rng, report=None: Independent(coded))


def drawn(
    training: Training, given: Mapping[str, Wanted], *constraints: Constraint
) -> tuple[Synthesiser, pl.DataFrame]:
    rng = np.random.default_rng(7)
    synthesiser = fit(training, recipe(*constraints, given=given), rng)
    return synthesiser, synthesiser.sample(100, rng)


ICD = {
    "I48.1": ("I48", "I30-I52", "*"),
    "I48.2": ("I48", "I30-I52", "*"),
    "I10": ("I10", "I10-I15", "*"),
    "J18": ("J18", "J09-J18", "*"),
}
ROWS = 1000
DRAW = np.random.default_rng(0)
WARD = table(
    {
        "gender": ("string", list(DRAW.choice(["female", "male"], ROWS))),
        "diagnosis": ("string", list(DRAW.choice(["I48.1", "I48.2", "I10", "J18"], ROWS))),
        "age": ("integer", [int(age) for age in DRAW.integers(18, 99, ROWS)]),
        "crp": ("number", [float(each) for each in DRAW.exponential(30, ROWS).round(1)]),
        "died": ("boolean", [bool(each) for each in DRAW.random(ROWS) < 0.1]),
        "codes": ("list", [[["E11", "N18"], ["E11"], ["I10"], []][i] for i in DRAW.integers(0, 4, ROWS)]),
        "admission": ("date", [date(2024, 1, 1 + int(day)) for day in DRAW.integers(0, 31, ROWS)]),
        "seen": ("datetime", [datetime(2024, 1, 1, int(hour)) for hour in DRAW.integers(0, 24, ROWS)]),
    },
    k=5,
    coarser={"diagnosis": ICD},
)


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({"gender": "female"}, pl.col("gender") == "female"),
        ({"gender": ["female"]}, pl.col("gender") == "female"),
        ({"diagnosis": "I48.*"}, pl.col("diagnosis").str.starts_with("I48.")),
        ({"diagnosis": "I30-I52"}, pl.col("diagnosis").str.starts_with("I48")),
        ({"diagnosis": ["I48.1", "J*"]}, pl.col("diagnosis").is_in(["I48.1", "J18"])),
        ({"age": Between(60, 80)}, pl.col("age").is_between(60, 80)),
        ({"age": Between(None, 30)}, pl.col("age") <= 30),
        ({"age": 42}, pl.col("age") == 42),
        ({"crp": Between(3.3, 7.7)}, pl.col("crp").is_between(3.3, 7.7)),
        ({"died": True}, pl.col("died")),
        ({"codes": "E*"}, pl.col("codes").list.contains("E11")),
        ({"codes": "I10"}, pl.col("codes").list.contains("I10")),
        (
            {"admission": Between(date(2024, 1, 8), date(2024, 1, 9))},
            pl.col("admission").is_between(date(2024, 1, 8), date(2024, 1, 9)),
        ),
        ({"admission": "2024-01-08"}, pl.col("admission") == date(2024, 1, 8)),
        (
            {"seen": Between(datetime(2024, 1, 1, 20), date(2024, 1, 1))},
            pl.col("seen") >= datetime(2024, 1, 1, 20),
        ),
        ({"gender": "female", "diagnosis": "I48.*", "age": Between(60, 80)}, pl.col("gender") == "female"),
    ],
)
def test_every_drawn_row_is_as_given(given: dict[str, Wanted], holds: pl.Expr) -> None:
    _, frame = drawn(WARD, given)
    assert frame.height == 100
    assert frame.select(holds.all()).item() is True


def test_of_a_band_across_the_bound_the_part_that_lies_in_the_span_is_drawn() -> None:
    ages = [int(age) for age in np.random.default_rng(1).integers(0, 1000, 300)]
    training = table({"age": ("integer", ages)}, k=30)
    _, frame = drawn(training, {"age": Between(505, 530)})
    assert frame["age"].is_between(505, 530).all()
    assert frame["age"].n_unique() > 15


def test_what_is_missing_can_be_given() -> None:
    training = table(
        {"crp": ("number", [*[None] * 10, *map(float, range(30))]), "x": ("integer", [1] * 40)}, k=5
    )
    _, frame = drawn(training, {"crp": None})
    assert frame["crp"].null_count() == frame.height


def test_what_is_missing_is_in_no_span_and_is_not_drawn_to_be_dropped() -> None:
    training = table({"x": ("integer", [*[None] * 50, *[1] * 10, *[2] * 10])}, k=5)
    synthesiser, frame = drawn(training, {"x": Between(1, 1)})
    assert set(frame["x"]) == {1}
    assert synthesiser.told["rows_redrawn"] == 0


def test_a_rare_condition_is_drawn_without_dropping_rows_that_are_decoded() -> None:
    training = table({"text": ("string", [*["common"] * 2000, *["rare"] * 5])}, k=5)
    synthesiser, frame = drawn(training, {"text": "rare"})
    assert set(frame["text"]) == {"rare"}
    assert synthesiser.told["rows_redrawn"] == 0


def test_a_merged_label_is_given_only_if_all_that_it_stands_for_is() -> None:
    cells = ["I48.1", "I48.1", "I48.2", "I48.2", "I10", *["J18"] * 8]
    training = table({"diagnosis": ("string", cells)}, k=4, coarser={"diagnosis": ICD})
    _, frame = drawn(training, {"diagnosis": "I48.*"})
    assert set(frame["diagnosis"]) == {"I48"}
    with pytest.raises(BadConfig, match="diagnosis"):
        drawn(training, {"diagnosis": "I48.1"})


def test_bands_in_words_are_given_by_a_span_if_they_lie_inside() -> None:
    bands = {"[60, 69]": 60.0, "[70, 79]": 70.0, "[80, 89]": 80.0}
    training = table({"age": ("string", list(bands) * 5)}, k=5)
    variable = type(training.variables[0])("age", "string", order=bands)
    banded = Training(training.frame, (variable,), training.people, k=5)
    _, frame = drawn(banded, {"age": Between(60, 85)})
    assert set(frame["age"]) == {"[60, 69]", "[70, 79]"}


def test_bands_in_words_are_not_given_by_days() -> None:
    training = table({"age": ("string", ["[60, 69]"] * 5)}, k=5)
    variable = type(training.variables[0])("age", "string", order={"[60, 69]": 60.0})
    banded = Training(training.frame, (variable,), training.people, k=5)
    with pytest.raises(BadConfig, match="numbers"):
        drawn(banded, {"age": Between(date(2024, 1, 1), None)})
    with pytest.raises(BadConfig, match="range"):
        drawn(banded, {}, Range("age", Between(60, 70)))


def test_a_row_is_kept_only_if_it_is_as_given_for_certain() -> None:
    rows = table({"diagnosis": ("string", ["I48.1", "I48", "*", None])}, coarser={"diagnosis": ICD})
    assert rules(rows.variables, {"diagnosis": "I48.1"}, ()).hold(rows.frame).tolist() == [True] + [False] * 3
    assert (
        rules(rows.variables, {"diagnosis": "I48.*"}, ()).hold(rows.frame).tolist()
        == [True] * 2 + [False] * 2
    )


PLACES = table(
    {
        "plz": ("string", ["04103", "04105", "01067"] * 5),
        "ags": ("string", ["14713", "14713", "14612"] * 5),
    },
    k=5,
)


def test_a_condition_on_a_column_that_another_determines() -> None:
    _, frame = drawn(PLACES, {"ags": "147*"}, Determines("plz", "ags"))
    assert set(frame.rows()) == {("04103", "14713"), ("04105", "14713")}


def test_conditions_on_columns_that_belong_together_can_contradict_one_another() -> None:
    with pytest.raises(SynthesisFailed, match="together"):
        drawn(PLACES, {"ags": "14713", "plz": "01067"}, Determines("plz", "ags"))


def test_a_condition_on_the_later_column_of_an_order() -> None:
    days = [date(2024, 1, day) for day in range(1, 29)]
    training = table({"from": ("date", days), "to": ("date", days)}, k=2)
    given: dict[str, Wanted] = {"to": Between(date(2024, 1, 10), date(2024, 1, 12))}
    _, frame = drawn(training, given, Order(("from", "to")))
    assert frame["to"].is_between(date(2024, 1, 10), date(2024, 1, 12)).all()


def test_a_rare_condition_on_the_later_column_of_an_order_is_drawn() -> None:
    days = [date(2000, 1, 1) + timedelta(days=each) for each in range(4000)]
    training = table({"from": ("date", days), "to": ("date", days)}, k=2)
    asked = Between(days[2000], days[2001])
    synthesiser, frame = drawn(training, {"to": asked}, Order(("from", "to")))
    assert frame["to"].is_between(days[2000], days[2001]).all()
    assert synthesiser.tally.drawn < 5_000


@pytest.mark.parametrize(
    ("given", "constraint"),
    [
        ({"gender": "male", "diagnosis": "I10"}, Never({"gender": "male"}, {"diagnosis": "I*"})),
        ({"age": Between(60, 80)}, Range("age", Between(0, 40))),
    ],
)
def test_a_condition_that_contradicts_a_constraint_ends_the_run(
    given: dict[str, Wanted], constraint: Constraint
) -> None:
    with pytest.raises(SynthesisFailed):
        drawn(WARD, given, constraint)


@pytest.mark.parametrize(
    ("given", "about"),
    [
        ({"nothing": 1}, "nothing"),
        ({"gender": "divers"}, "gender"),
        ({"gender": 1}, "gender"),
        ({"gender": Between(1, 2)}, "gender"),
        ({"age": "old"}, "age"),
        ({"age": True}, "age"),
        ({"age": Between(200, 300)}, "age"),
        ({"age": Between(date(2024, 1, 1), None)}, "age"),
        ({"admission": "2024-01-*"}, "admission"),
        ({"admission": datetime(2024, 1, 1)}, "admission"),
        ({"died": "yes"}, "died"),
        ({"codes": "Z*"}, "codes"),
    ],
)
def test_a_condition_that_nothing_meets_is_refused_by_the_name_of_its_column(
    given: dict[str, Wanted], about: str
) -> None:
    with pytest.raises(BadConfig, match=about):
        drawn(WARD, given)
