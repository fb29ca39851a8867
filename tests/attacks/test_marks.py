"""The scenes between which a figure stands."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from risk.attacks.marks import bootstrap, ceiling, floor, marked
from risk.comparison import Comparison
from risk.figures import Figure, exact
from tests.attack_scenes import anonymised, data, synthetic


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


SCENES = [anonymised(data(60), width=20), synthetic(data(60).sort("age"), rows=60)]


@pytest.mark.parametrize("scene", SCENES)
def test_the_floor_keeps_margins_and_no_row(scene: Comparison) -> None:
    found = floor(scene, rng())
    for column in scene.released.columns:
        assert sorted(found.released[column].to_list()) == sorted(scene.released[column].to_list())
    assert not found.released.equals(scene.released)
    assert_frame_equal(found.original, scene.original)


@pytest.mark.parametrize("scene", SCENES)
def test_the_ceiling_shows_everybody_as_they_are(scene: Comparison) -> None:
    found = ceiling(scene)
    assert_frame_equal(found.released, scene.base)
    assert_frame_equal(found.original, scene.base)
    assert found.shown.all()


def test_the_true_values_of_an_anonymised_table_are_compared_as_what_they_are() -> None:
    scene = SCENES[0]
    assert {each.name: each.kind for each in scene.attributes}["age"] == "category"
    assert {each.name: each.kind for each in ceiling(scene).attributes}["age"] == "number"


def test_the_bootstrap_of_an_anonymised_table_knows_whose_its_rows_are() -> None:
    scene = SCENES[0]
    found = bootstrap(scene, rng())
    assert found.released.height == scene.base.height
    assert_frame_equal(found.released, found.original.filter(found.shown))
    assert set(found.people) == set(scene.people)
    undrawn = set(found.people[~found.shown])
    assert undrawn
    assert not undrawn & set(found.people[found.shown])


def test_a_synthetic_table_copies_those_it_was_trained_on_only() -> None:
    scene = SCENES[1]
    few = Comparison(
        "synthetic",
        scene.attributes,
        scene.released,
        scene.original,
        scene.base,
        scene.people,
        np.arange(60) < 20,
        scene.holdout,
        scene.holdout_people,
    )
    assert_frame_equal(ceiling(few).released, scene.original[:20])
    drawn = bootstrap(few, rng()).released
    assert drawn.height == 20
    assert drawn.join(scene.original[:20], on=scene.original.columns, how="anti").is_empty()


def test_an_attack_is_measured_in_every_scene_and_its_control_on_the_release() -> None:
    def height(scene: Comparison, _: np.random.Generator) -> Figure:
        return exact(float(scene.released["age"].n_unique()), scene.released.height, "ages")

    scene = SCENES[0]
    found = marked(scene, height, rng(), control=lambda _, __: exact(0.0, 1, "nobody"))
    ages = scene.base["age"].n_unique()
    assert found.figure == found.floor == height(scene, rng())
    assert found.ceiling is not None
    assert found.ceiling.value == ages
    assert found.bootstrap is not None
    assert found.bootstrap.value is not None
    assert scene.released["age"].n_unique() < found.bootstrap.value < ages
    assert found.control is not None
    assert found.control.value == 0.0


def test_the_figure_does_not_depend_on_the_marks() -> None:
    def drawn(_: Comparison, luck: np.random.Generator) -> Figure:
        return exact(float(luck.random()), 1, "luck")

    with_control = marked(SCENES[0], drawn, rng(), control=drawn)
    assert marked(SCENES[0], drawn, rng()).figure == with_control.figure
    assert with_control.control != with_control.figure
    assert (
        pl.Series([each.value for each in (with_control.figure, with_control.floor) if each]).n_unique() == 2
    )
