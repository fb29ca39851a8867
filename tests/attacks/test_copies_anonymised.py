"""What an anonymised table shows of one single person as it is, beside the same once that person is out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from risk.attacks.closest import closest_records
from risk.attacks.cone import frontier
from risk.attacks.copies import copies, exact_copies, same_values
from risk.attacks.extremes import copied_extremes, copied_rare
from risk.comparison import Attribute, Comparison
from risk.figures import Figure
from tests.copy_scenes import ATTRIBUTES, patients

# person  age  sex  stage   age as released   shown
# 0       31   f    I       30-39             yes      generalised: not as it is
# 1       35   f    I       30-39             yes
# 2       107  m    IV      107               yes      as it is, and of one person: told
# 3       58   m    II      58                yes      as it is, but person 4 has the same
# 4       58   m    II      58                yes
# 5       60   *    III     60                no       suppressed
# 2       107  m    IV      107               yes      the same person again
BASE = pl.DataFrame(
    {
        "age": [31.0, 35.0, 107.0, 58.0, 58.0, 60.0, 107.0],
        "sex": ["f", "f", "m", "m", "m", "f", "m"],
        "stage": ["I", "I", "IV", "II", "II", "III", "IV"],
    }
)
WORDS = BASE.with_columns(
    age=pl.Series(["30-39", "30-39", "107", "58", "58", "60", "107"]),
    sex=pl.Series(["f", "f", "m", "m", "m", "*", "m"]),
)
PEOPLE, SHOWN = np.array([0, 1, 2, 3, 4, 5, 2]), np.array([True] * 5 + [False, True])
SCENE = Comparison(
    "anonymised",
    (
        Attribute("age", "category", True, False),
        Attribute("sex", "category", True, False),
        Attribute("stage", "category", False, True),
    ),
    WORDS.filter(SHOWN).sort(pl.all()),
    WORDS,
    BASE,
    PEOPLE,
    SHOWN,
)


def draws() -> np.random.Generator:
    return np.random.default_rng(3)


def known(figure: Figure | None) -> float:
    assert figure is not None
    assert figure.is_exact
    assert figure.value is not None
    return figure.value


def test_only_a_row_of_one_single_person_that_is_shown_as_it_is_counts() -> None:
    (found,) = copies(SCENE, draws())
    assert found.name == "copies_exact"
    assert known(found.headline.figure) == 2 / 6
    assert known(found.headline.control) == 0
    # Everything unchanged: the rows of persons 0, 1, 2 (twice) and 5 are each one person's.
    assert known(found.headline.ceiling) == 5 / 7


def test_generalising_or_suppressing_one_cell_is_enough() -> None:
    for column, word in (("age", "100+"), ("sex", "*"), ("stage", "III-IV")):
        hidden = pl.when(pl.col("stage") == "IV").then(pl.lit(word)).otherwise(column).alias(column)
        words = SCENE.original.with_columns(hidden)
        scene = replace(SCENE, original=words, released=words.filter(SHOWN))
        assert known(exact_copies(scene, draws()).headline.figure) == 0


def test_another_person_s_row_that_reads_the_same_is_the_control() -> None:
    """Person 1's true stage is another one, but the row was written as person 0's is."""
    base = BASE.with_columns(stage=pl.Series(["I", "II", "IV", "II", "II", "III", "IV"]))
    words = base.with_columns(
        age=pl.Series(["31", "31", "107", "58", "58", "60", "107"]), stage=WORDS["stage"]
    )
    scene = replace(SCENE, base=base, original=words, released=words.filter(SHOWN))
    found = exact_copies(scene, draws()).headline
    assert known(found.figure) == 4 / 6
    assert known(found.control) == 1 / 6


def test_a_suppressed_row_that_reads_like_a_released_one_is_not_told() -> None:
    """Person 5 is not in the release; person 1 is written there with the values that person 5 has."""
    words = BASE.with_columns(
        age=pl.Series(["30-39", "60", "107", "58", "58", "60", "107"]),
        stage=pl.Series(["I", "III", "IV", "II", "II", "III", "IV"]),
    )
    scene = replace(SCENE, original=words, released=words.filter(SHOWN))
    assert known(exact_copies(scene, draws()).headline.figure) == 2 / 6


def test_words_that_say_the_value_itself() -> None:
    numbers = pl.Series([34.0, 34.0, 34.5, None, None, 34.0])
    assert same_values(pl.Series(["34", "30-39", "34.5", None, "*", None]), numbers).tolist() == (
        [True, False, True, True, False, False]
    )
    codes = pl.Series([["A", "B"], ["A"], [], None], dtype=pl.List(pl.String))
    words = pl.Series([["B", "A"], ["A", "C"], None, None], dtype=pl.List(pl.String))
    assert same_values(words, codes).tolist() == [True, False, False, True]
    assert same_values(pl.Series(["x", None]), pl.Series(["x", "y"])).tolist() == [True, False]


def test_extremes_and_rare_values_that_are_shown() -> None:
    extremes, rare = copied_extremes(SCENE, draws()), copied_rare(SCENE, draws())
    # The ends of age: 31 is in a band, 107 is shown, and only because of person 2.
    assert known(extremes.parts["age"].figure) == 1 / 2
    assert known(extremes.parts["age"].control) == 0
    # Everything here is rare; stage II is still shown when person 3 or person 4 is out, so are sex f and m
    # and stage I. Stage III is nobody's who is in the release.
    assert known(rare.parts["stage"].figure) == known(rare.parts["sex"].figure) == 1
    assert rare.parts["stage"].figure.n == 3
    assert known(rare.parts["stage"].control) == 2 / 3
    assert known(rare.headline.figure) == 1
    assert known(rare.headline.control) == 4 / 5


def test_a_value_of_five_people_is_not_rare() -> None:
    rows = 5
    base = pl.DataFrame({"age": [90.0] * rows, "stage": ["IV"] * rows})
    attributes = (Attribute("age", "number", True, False), Attribute("stage", "category", False, True))
    everybody = np.ones(rows, np.bool_)
    scene = Comparison("anonymised", attributes, base, base, base, np.arange(rows), everybody)
    assert known(copied_extremes(scene, draws()).headline.figure) == 0
    assert copied_rare(scene, draws()).headline.figure.n == 0
    four = replace(scene, people=np.array([0, 1, 2, 3, 3]))
    assert known(copied_rare(four, draws()).headline.figure) == 1
    assert known(copied_extremes(four, draws()).headline.figure) == 1


@pytest.mark.parametrize("with_own", [True, False])
def test_the_cone_and_the_closest_record_take_words_as_they_are(with_own: bool) -> None:
    base = patients(200, 4)
    words = base.with_columns(age=(pl.col("age") // 20).cast(pl.String), weight=pl.lit("*"))
    attributes = tuple(
        replace(each, kind="category") if each.name in ("age", "weight") else each for each in ATTRIBUTES
    )
    people = np.arange(200)
    shown = people % 10 > 0 if with_own else np.ones(200, np.bool_)
    released = words.filter(shown)
    scene = Comparison("anonymised", attributes, released, words, base, people, shown)
    closest = closest_records(scene, draws())
    assert closest.headline.figure.value == 0
    assert closest.headline.control is not None
    assert closest.headline.control.value is not None
    assert closest.headline.control.value > 0
    found = frontier(scene, draws())
    assert found.released.value == pytest.approx(found.flagged[0])


def test_rare_codes_of_sets_are_counted_by_people_with_and_without_one_of_them() -> None:
    """HIV is in two people's sets and E11 twice in those of one, who has two rows; I10 is in everybody's."""
    sets = [["I10", "HIV"], ["HIV", "I10"], ["I10", "E11"], ["E11", "I10"], ["I10"], ["I10"], ["I10"], None]
    codes = pl.DataFrame({"codes": sets}, schema={"codes": pl.List(pl.String)})
    attribute = Attribute("codes", "codes", is_quasi_identifier=False, is_sensitive=True)
    people = np.array([0, 1, 2, 2, 3, 4, 5, 6])
    scene = Comparison("anonymised", (attribute,), codes, codes, codes, people, np.ones(8, dtype=bool))
    found = copied_rare(scene, draws()).headline
    assert found.figure == replace(found.figure, value=1.0, low=1.0, high=1.0, n=2)
    assert found.control is not None
    assert found.control.value == 0.5
