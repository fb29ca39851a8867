"""Inference: what is guessed about a person because the person is in the data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from risk.attacks.guessing import outcomes
from risk.attacks.inference import attribute_inference, disclosive_and_correct
from risk.baselines import independent
from risk.comparison import Attribute, Comparison
from risk.figures import Figure
from risk.results import Attack
from tests.attack_scenes import anonymised, data, population, synthetic


def inferred(scene: Comparison) -> Attack:
    return attribute_inference(scene, np.random.default_rng(3))


def certain(scene: Comparison) -> Attack:
    return disclosive_and_correct(scene, np.random.default_rng(3))


def number(figure: Figure | None) -> float:
    assert figure is not None
    assert figure.value is not None
    return figure.value


def test_a_copy_gives_a_value_away_and_its_gain_is_the_ceiling() -> None:
    found = inferred(synthetic(data()))
    assert number(found.headline.figure) > 0.5
    assert found.headline.figure.low is not None
    assert found.headline.figure.low > 0.5
    assert number(found.headline.ceiling) == pytest.approx(number(found.headline.figure), abs=0.05)
    assert number(found.parts["diagnosis.accuracy"].figure) > 0.9


@pytest.mark.parametrize("honest", ["fresh people", "independent columns"])
def test_a_table_that_knows_nobody_gives_no_gain(honest: str) -> None:
    """Fresh people tell what age says of a diagnosis: that is guessed, and is no gain."""
    released = (
        independent(data(), np.random.default_rng(1))
        if honest == "independent columns"
        else population(400, 2)
    )
    found = inferred(synthetic(released))
    for name in ("diagnosis", "lab", "diagnosis.all_else", "lab.all_else"):
        gain = found.parts[name].figure
        assert abs(number(gain)) < 0.1
        assert gain.low is not None
        assert gain.low < 0.03


def test_an_over_fitted_generator_that_repeats_rows_with_noise_is_found() -> None:
    noise = np.random.default_rng(5).normal(0.0, 0.05, 400)
    repeated = data().with_columns(pl.col("age") + noise)
    gain = inferred(synthetic(repeated)).parts["diagnosis"].figure
    assert gain.low is not None
    assert gain.low > 0.3


def test_in_large_classes_a_person_hardly_matters() -> None:
    """2-anonymous is enough to look at: the classes of 400 people by sex have 200 rows."""
    gain = number(inferred(anonymised(data(), width=200)).parts["diagnosis"].figure)
    assert 0.0 <= gain < 0.03


def test_alone_in_a_class_the_value_is_gained_altogether() -> None:
    """Twenty people of different ages; without the person's row the nearest row is asked."""
    base = data(20).with_columns(
        pl.Series("age", np.arange(20) * 4.0), pl.Series("diagnosis", [f"own{each}" for each in range(20)])
    )
    found = inferred(anonymised(base, width=1))
    assert number(found.parts["diagnosis"].figure) == 1.0
    assert number(found.parts["diagnosis.accuracy"].control) == 0.0
    assert number(found.parts["diagnosis"].floor) == 0.0


def test_a_class_with_one_sensitive_value_is_told_and_is_no_gain_of_its_members() -> None:
    """Ten people in a class with one diagnosis: certain, and as certain without any one of them."""
    base = pl.concat([data(1)] * 10)
    scene = anonymised(base, width=200)
    disco = certain(scene).parts["diagnosis"]
    assert number(disco.figure) == number(disco.control) == 1.0
    assert number(inferred(scene).parts["diagnosis"].figure) == 0.0


def test_one_class_with_one_value_among_others_is_the_share_of_its_people() -> None:
    mixed = data(40).with_columns(pl.lit("f").alias("sex"))
    alike = data(10).with_columns(pl.lit("m").alias("sex"), pl.lit("HIV").alias("diagnosis"))
    found = certain(anonymised(pl.concat([mixed, alike]), width=200)).parts["diagnosis"]
    assert number(found.figure) == 0.2
    assert found.figure.is_exact


def test_a_person_with_several_rows_is_taken_out_with_all_of_them() -> None:
    """Three rows of one person outvote two others; without the person the others are asked."""
    base = pl.concat([data(1)] * 5).with_columns(pl.Series("diagnosis", ["a", "a", "a", "b", "b"]))
    scene = anonymised(base, width=200, people=[0, 0, 0, 1, 2])
    accuracy = inferred(scene).parts["diagnosis.accuracy"]
    assert number(accuracy.figure) == 0.6
    assert number(accuracy.control) == 0.0


def test_people_with_several_rows_have_none_in_independent_columns_and_that_is_no_trouble() -> None:
    people = [number // 3 for number in range(60)]
    for scene in (
        anonymised(data(60), width=40, people=people),
        of_codes(anonymised(data(60), width=40, people=people)),
    ):
        for marks in inferred(scene).parts.values():
            assert marks.floor is None or marks.floor.value is not None


def test_without_a_holdout_there_is_no_gain_and_it_is_not_zero() -> None:
    scene = replace(synthetic(data()), holdout=None, holdout_people=None)
    for figure in (inferred(scene).headline.figure, certain(scene).headline.control):
        assert figure is not None
        assert figure.value is None
        assert "held out" in figure.method
    assert number(inferred(scene).parts["diagnosis.accuracy"].figure) > 0.9


def test_what_the_attacker_knows_is_not_guessed() -> None:
    scene = synthetic(data())
    known = tuple(replace(each, is_quasi_identifier=True) for each in scene.attributes)
    for attack in (inferred, certain):
        assert attack(replace(scene, attributes=known)).headline.figure.value is None


def coded(frame: pl.DataFrame) -> pl.DataFrame:
    """The diagnosis as a set: one code that everybody has, and a rare one."""
    rare = pl.format("c{}", pl.col("lab").round(1))
    return frame.with_columns(pl.concat_list(pl.lit("common"), rare).alias("diagnosis"))


def of_codes(scene: Comparison) -> Comparison:
    sets = tuple(
        replace(each, kind="codes") if each.name == "diagnosis" else each for each in scene.attributes
    )
    assert scene.holdout is None or scene.table == "synthetic"
    frames = {name: coded(getattr(scene, name)) for name in ("released", "original", "base")}
    held = None if scene.holdout is None else coded(scene.holdout)
    return replace(scene, attributes=sets, holdout=held, **frames)


def test_of_a_set_of_codes_the_most_frequent_one_is_guessed() -> None:
    """Everybody has it, so it is guessed of everybody, and is nobody's gain."""
    found = inferred(of_codes(synthetic(population(400, 2))))
    assert number(found.parts["diagnosis.accuracy"].figure) > 0.5
    assert abs(number(found.parts["diagnosis"].figure)) < 0.06


def test_without_a_common_code_a_memorised_set_is_a_gain() -> None:
    scene = of_codes(synthetic(data()))
    rare = pl.col("diagnosis").list.slice(1, 1)
    assert scene.holdout is not None
    frames = {
        name: getattr(scene, name).with_columns(rare) for name in ("released", "original", "base", "holdout")
    }
    gain = inferred(replace(scene, **frames)).parts["diagnosis"].figure
    assert gain.low is not None
    assert gain.low > 0.5


def test_a_code_that_a_whole_class_shares_is_certain_though_their_sets_differ() -> None:
    found = certain(of_codes(anonymised(data(40), width=200))).parts["diagnosis"]
    assert number(found.figure) == number(found.control) == 1.0


def test_a_column_without_values_is_no_trouble() -> None:
    empty = synthetic(data())
    nothing = pl.lit(None, dtype=pl.Float64).alias("lab")
    assert empty.holdout is not None
    scene = replace(
        empty,
        released=empty.released.with_columns(nothing),
        original=empty.original.with_columns(nothing),
        holdout=empty.holdout.with_columns(nothing),
    )
    assert number(inferred(scene).parts["lab"].figure) == 0.0


def test_the_same_seed_gives_the_same_figures() -> None:
    scene = synthetic(population(400, 2))
    assert inferred(scene) == inferred(scene)


def test_an_empty_release_tells_nothing() -> None:
    for scene in (synthetic(data()[:0]), of_codes(synthetic(data()[:0]))):
        assert number(certain(scene).headline.figure) == 0.0
        assert inferred(scene).headline.figure.value is None


def of_two_columns(place: list[str], **sensitive: list[str]) -> Comparison:
    """An anonymised table of one quasi-identifier and some sensitive columns, everybody with one row."""
    words = pl.DataFrame({"place": place, **sensitive})
    attributes = tuple(
        Attribute(name, "category", is_quasi_identifier=name == "place", is_sensitive=name != "place")
        for name in words.columns
    )
    people, shown = np.arange(words.height), np.ones(words.height, dtype=bool)
    return Comparison("anonymised", attributes, words, words, words, people, shown)


def test_the_headline_is_the_column_that_tells_of_most_people_whatever_its_control() -> None:
    """All are ill: that is told of everybody, and without any one of them; the other column of one person."""
    scene = of_two_columns([*"aaab"], one=[*"xyxz"], everybody=["ill"] * 4)
    found = certain(scene)
    assert (number(found.parts["one"].figure), number(found.parts["one"].control)) == (0.25, 0.0)
    assert number(found.parts["everybody"].control) == 0.75
    assert found.headline == found.parts["everybody"]
    assert number(found.headline.figure) == 1.0


def test_the_headline_is_the_gain_with_the_largest_upper_end() -> None:
    scene = of_two_columns(list("aabbccddee"), calm=["x"] * 10, told=[*"xyxyxyxyxy"])
    found = inferred(scene)
    ends = {name: found.parts[name].figure.high for name in ("calm", "told")}
    assert found.headline == found.parts[max(ends, key=lambda name: ends[name] or 0.0)]
    assert ends["calm"] is not None
    assert ends["calm"] > 0.0  # no interval of width 0


def test_without_a_person_the_nearest_class_has_none_of_the_persons_rows() -> None:
    """Person 0 is alone in (a, x), and the nearest row of another is in (a, y), where person 0 is as well."""
    rows = [("a", "x", "s1"), ("a", "y", "s1"), ("a", "y", "s2"), ("b", "z", "s2"), ("b", "z", "s2")]
    for sets in (False, True):
        words = pl.DataFrame(rows, schema=["q1", "q2", "s"], orient="row")
        words = words.with_columns(pl.concat_list("s")) if sets else words
        attributes = tuple(
            Attribute(
                name,
                "codes" if sets and name == "s" else "category",
                is_quasi_identifier=name != "s",
                is_sensitive=name == "s",
            )
            for name in words.columns
        )
        people, shown = np.array([0, 0, 1, 2, 3]), np.ones(5, dtype=bool)
        scene = Comparison("anonymised", attributes, words, words, words, people, shown)
        found = outcomes(scene, ("s",), ("q1", "q2"), np.random.default_rng(0))["s"]
        assert found.right_without is not None
        assert found.right_without.tolist() == [0.0, 0.0, 0.0, 1.0, 1.0]
