"""Linkage: how often a person's row is named, and whose rows stand out in a synthetic table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from risk.attacks.linkage import PERFECT, Quality, linkage
from risk.baselines import independent
from risk.comparison import Comparison
from risk.figures import Figure
from risk.results import Attack, Marked
from tests.attack_scenes import anonymised, data, population, synthetic


def linked(scene: Comparison, quality: Quality = PERFECT) -> Attack:
    return linkage(scene, np.random.default_rng(3), quality=quality)


def number(figure: Figure | None) -> float:
    assert figure is not None
    assert figure.value is not None
    return figure.value


def above(marks: Marked) -> float:
    return number(marks.figure) - number(marks.control)


def test_in_classes_of_four_a_person_is_named_one_time_in_four() -> None:
    base = pl.concat([data(10)] * 4)
    found = linked(anonymised(base, width=1))
    assert number(found.headline.figure) == 0.25
    assert found.headline.figure.is_exact
    assert number(found.parts["largest"].figure) == 0.25
    assert number(found.headline.control) == 1 / 40
    assert number(found.headline.floor) == 0.0


def test_the_ceiling_of_an_anonymised_table_is_a_copy_in_true_values() -> None:
    """Everybody is alone with the true values, nobody with the words of the release."""
    found = linked(anonymised(data(), width=200)).headline
    assert number(found.figure) < 0.02
    assert number(found.ceiling) > 0.8


def test_knowledge_of_poorer_quality_links_less() -> None:
    scene = anonymised(data(), width=5)
    chances = [
        number(linked(scene, quality).parts["poor_knowledge"].figure)
        for quality in (PERFECT, Quality(missing=0.3), Quality(missing=0.3, wrong=0.5))
    ]
    assert chances[0] == pytest.approx(number(linked(scene).headline.figure), rel=1e-9)
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > chances[2]


def test_all_cells_missing_link_as_well_as_guessing() -> None:
    scene = anonymised(data(), width=5)
    nothing = linked(scene, Quality(missing=1.0)).parts["poor_knowledge"].figure
    assert number(nothing) == pytest.approx(1 / 400)


def test_the_rows_of_one_person_are_all_right() -> None:
    base = pl.concat([data(20).with_columns(pl.Series("age", np.arange(20.0)))] * 2)
    mine = anonymised(base, width=1, people=[*range(20), *range(20)])
    assert number(linked(mine).headline.figure) == 1.0
    assert number(linked(mine).headline.control) == 2 / 40


def test_a_copy_of_the_data_lets_rows_stand_out_far_above_held_out_people() -> None:
    found = linked(synthetic(data()))
    assert above(found.headline) > 0.4
    assert number(found.parts["right_claims"].figure) > 0.7
    assert number(found.headline.ceiling) == number(found.headline.figure)


def test_an_over_fitted_generator_that_repeats_rows_with_noise_is_found() -> None:
    noise = np.random.default_rng(5).normal(0.0, 0.05, 400)
    repeated = data().with_columns(pl.col("age") + noise)
    assert above(linked(synthetic(repeated)).headline) > 0.3


@pytest.mark.parametrize("honest", ["fresh people", "independent columns"])
def test_a_table_that_knows_nobody_links_as_many_held_out_people(honest: str) -> None:
    released = (
        independent(data(), np.random.default_rng(1))
        if honest == "independent columns"
        else population(400, 2)
    )
    found = linked(synthetic(released))
    for marks in (found.headline, found.parts["first_half"], found.parts["poor_knowledge"]):
        assert abs(above(marks)) < 0.08
    right = found.parts["right_claims"].figure
    assert right.low is not None
    assert right.high is not None
    assert right.low < 0.5 < right.high


def test_without_a_holdout_nothing_is_said_about_false_claims() -> None:
    found = linked(replace(synthetic(data()), holdout=None, holdout_people=None))
    for figure in (found.headline.control, found.parts["right_claims"].figure):
        assert figure is not None
        assert figure.value is None
        assert "held out" in figure.method


def test_a_release_without_rows_or_without_quasi_identifiers_has_no_figure() -> None:
    empty = linked(synthetic(data()[:0]))
    unknown = linked(
        replace(
            synthetic(data()),
            attributes=tuple(
                replace(each, is_quasi_identifier=False) for each in synthetic(data()).attributes
            ),
        )
    )
    assert empty.headline.figure.value is None
    assert unknown.headline.figure.value is None
