"""Laws of the analyses a user names: a copy says what the original says, and noise says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from risk.figures import Figure
from risk.utility.analyses import analyse
from risk.utility.asked import Asked, Followed, Model
from risk.utility.coefficients import fit_model
from risk.utility.learners import LEARNERS
from risk.utility.prediction import area_under_curve, predictions, r_squared
from risk.utility.survival import marked_gap, survival
from tests.comparisons import anonymised, synthetic

MODELS = (
    Model("cost", "linear", "cost", ("age", "sex")),
    Model("dead", "logistic", "dead", ("age", "sex"), positive="yes"),
    Model("stay", "cox", "dead", ("age", "sex"), time="days", positive="yes"),
)
CURVES = Followed("days", "dead", by="sex", positive="yes")
ASKED = Asked(("dead", "cost"), MODELS, (CURVES,))


def patients(seed: int, rows: int = 400) -> dict[str, Any]:
    """People whose death, cost and stay depend on their age and sex."""
    draw = np.random.default_rng(seed)
    age, sex = draw.integers(20, 90, rows), draw.choice(["f", "m"], rows)
    dead = draw.random(rows) < 1 / (1 + np.exp(-(age - 60) / 8 - (sex == "m")))
    return {
        "age": age.astype(float).tolist(),
        "sex": sex.tolist(),
        "dead": np.where(dead, "yes", "no").tolist(),
        "cost": (age * 10 + draw.normal(0, 50, rows)).tolist(),
        "days": np.ceil(draw.exponential(20 - age / 6)).tolist(),
        "codes": [["I50", "E11"] if each else ["I50"] for each in dead ^ (draw.random(rows) < 0.4)],
    }


def value(figure: Figure | None) -> float:
    assert figure is not None
    assert figure.value is not None, figure.method
    return figure.value


def banded(columns: Mapping[str, Any], width: int) -> dict[str, Any]:
    lows = [int(age) // width * width for age in columns["age"]]
    return {**columns, "age": [f"[{low}, {low + width - 1}]" for low in lows]}


PATIENTS = patients(1)


def test_a_copy_gives_the_same_models_and_curves() -> None:
    found = analyse(synthetic(PATIENTS), ASKED, np.random.default_rng(1))

    assert [value(each.overlap) for each in found.coefficients] == [1] * len(found.coefficients)
    assert all(each.released == each.original for each in found.coefficients)
    assert [value(each.largest_gap) for each in found.survival] == [0]
    for name, mark in found.models.items():
        assert value(mark.figure) == 1, name
        assert value(mark.floor) < value(mark.ceiling) < 1, name


def test_an_unchanged_table_lets_learners_learn_the_same() -> None:
    for target in ("dead", "cost"):
        for each in predictions(anonymised(PATIENTS, PATIENTS), target, np.random.default_rng(1)):
            assert each.released.value == each.real.value
            assert (each.released.low, each.released.high) == (each.real.low, each.real.high)
            assert value(each.released) > value(each.floor) + 0.15
            assert (each.released.low or 0) < value(each.released) < (each.released.high or 0)


def test_coarser_bands_leave_less() -> None:
    fine, coarse = (
        [
            *(value(each.released) for each in predictions(table, "cost", np.random.default_rng(1))),
            *(value(fit_model(table, model, np.random.default_rng(1)).overlap.figure) for model in MODELS),
        ]
        for table in (anonymised(PATIENTS, banded(PATIENTS, width)) for width in (5, 40))
    )
    assert all(one > other for one, other in zip(fine, coarse, strict=True)), (fine, coarse)


def test_independent_columns_are_at_the_floor() -> None:
    """What is learned from noise may rank people well or badly by luck, so that the floor is a mean."""
    draw = np.random.default_rng(5)
    noise = {name: [column[i] for i in draw.permutation(len(column))] for name, column in PATIENTS.items()}
    table = synthetic(PATIENTS, noise, holdout=patients(2))
    for each in predictions(table, "dead", np.random.default_rng(1)):
        assert value(each.released) < 0.75 < 0.85 < value(each.real)
        assert value(each.floor) == pytest.approx(0.5, abs=0.2)
    age, sex = fit_model(table, MODELS[0], draw).coefficients
    assert (age.overlap.value, age.term, sex.term) == (0, "age", "sex: m")


def test_a_synthetic_table_is_tested_on_people_who_were_held_out() -> None:
    table = synthetic(PATIENTS, patients(3), holdout=patients(2))
    for each in predictions(table, "dead", np.random.default_rng(1)):
        assert value(each.released) == pytest.approx(value(each.real), abs=0.08)
        assert each.released.n == 400
        assert "held out" in each.released.method


def test_without_held_out_people_there_is_no_figure_of_a_synthetic_table() -> None:
    for each in predictions(synthetic(PATIENTS), "dead", np.random.default_rng(1)):
        assert (each.released.value, each.released.high, each.floor) == (None, None, None)
        assert "held out" in each.released.method
        assert value(each.real) > 0.7


def test_a_person_of_many_rows_is_never_predicted_by_their_own_rows() -> None:
    """A learner that has seen the person would know the target of every row."""
    draw = np.random.default_rng(8)
    people = np.repeat(np.arange(40), 25)
    mark, target = draw.random(40), draw.choice(["yes", "no"], 40)
    columns = {"mark": mark[people].tolist(), "target": target[people].tolist()}
    for each in predictions(
        anonymised(columns, columns, people=people.tolist()), "target", np.random.default_rng(1)
    ):
        assert abs(value(each.real) - 0.5) < 0.3, each.learner
    alone = anonymised(columns, columns)
    forest = predictions(alone, "target", np.random.default_rng(1))[1]
    assert value(forest.real) > 0.9


def test_a_generalised_target_is_told_by_its_word() -> None:
    """The release knows the ward's group alone: it tells the groups apart, and not the wards in one."""
    draw = np.random.default_rng(4)
    ward = draw.choice(["a", "b", "c"], 600)
    lab = np.where(ward == "a", 0.0, np.where(ward == "b", 5.0, 10.0)) + draw.normal(0, 1, 600)
    base = {"ward": ward.tolist(), "lab": lab.tolist()}
    words = {**base, "ward": ["medicine" if each == "a" else "surgery" for each in ward]}
    linear, *_ = predictions(anonymised(base, words), "ward", np.random.default_rng(1))
    assert value(linear.real) > 0.9
    assert 0.6 < value(linear.released) < value(linear.real)


def test_the_same_run_again_gives_the_same_figures() -> None:
    first, again = (analyse(synthetic(PATIENTS), ASKED, np.random.default_rng(7)) for _ in range(2))
    assert first.figures == again.figures


def test_figures_have_the_names_of_the_file() -> None:
    found = analyse(synthetic(PATIENTS), ASKED, np.random.default_rng(7)).figures
    expected = {
        f"predict.{t}.{name}.{side}"
        for t in ASKED.targets
        for name in LEARNERS
        for side in ("released", "real")
    }
    expected |= {f"overlap.{model.name}{mark}" for model in MODELS for mark in ("", ".floor", ".ceiling")}
    expected |= {f"survival.days.dead.sex{mark}" for mark in ("", ".floor", ".ceiling")}
    assert set(found) == expected


def test_a_gap_is_between_its_marks() -> None:
    def lives(seed: int) -> dict[str, Any]:
        draw = np.random.default_rng(seed)
        sex = draw.choice(["f", "m"], 600)
        days = np.ceil(draw.exponential(np.where(sex == "f", 60, 10)))
        return {"sex": sex, "days": days, "dead": draw.choice(["no", "yes"], 600, p=[0.2, 0.8])}

    found = marked_gap(synthetic(lives(1), lives(2)), CURVES, np.random.default_rng(1))
    assert 0 < value(found.figure) < 0.15
    assert 0 < value(found.ceiling) < 0.2
    assert value(found.floor) > 0.25


def test_groups_of_few_people_have_no_curve() -> None:
    few = {**PATIENTS, "sex": ["x"] * 4 + ["y"] * 5 + list(PATIENTS["sex"][9:])}
    found = survival(synthetic(few), CURVES)
    assert {curve.group for curve in found.curves} == {"f", "m", "y"}
    assert "2 groups have fewer" in found.largest_gap.method
    by_one = synthetic(few, people=[0] * 9 + list(range(1, 392)))
    # their rows are many, and of one person
    assert {curve.group for curve in survival(by_one, CURVES).curves if curve.source == "original"} == {
        "f",
        "m",
    }


def test_the_area_is_that_of_all_pairs() -> None:
    draw = np.random.default_rng(2)
    for _ in range(50):
        ranks, positive = draw.integers(0, 6, 12), draw.random(12) < 0.5
        pairs = [(a > b) + (a == b) / 2 for a in ranks[positive] for b in ranks[~positive]]
        expected = np.mean(pairs) if pairs else 0.5
        assert area_under_curve(ranks, positive) == pytest.approx(expected)


def test_the_share_of_variance_is_one_for_the_truth_and_none_for_the_mean() -> None:
    truth = np.array([1.0, 2.0, 6.0])
    assert r_squared(truth, truth) == 1
    assert r_squared(truth, np.full(3, 3.0)) == 0
    assert r_squared(truth, np.full(3, 9.0)) < 0
    assert r_squared(np.ones(3), truth) == 0


def test_classes_of_times_leave_a_cox_model_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(6)
    x = draw.normal(0, 1, 3000)
    lives = {"x": x, "days": draw.exponential(np.exp(-x / 2)), "dead": draw.choice(["no", "yes"], 3000)}
    model = Model("m", "cox", "dead", ("x",), time="days", positive="yes")
    [classed] = fit_model(synthetic(lives), model, draw).coefficients
    monkeypatch.setattr("risk.utility.coefficients.MOST_TIMES", 10_000)
    [whole] = fit_model(synthetic(lives), model, draw).coefficients
    assert classed.original != whole.original
    assert classed.original.value == pytest.approx(whole.original.value, rel=2e-3)
    assert classed.original.high == pytest.approx(whole.original.high, rel=2e-3)


def test_times_before_the_start_are_left_out() -> None:
    model = Model("m", "cox", "dead", ("age",), time="days", positive="yes")
    wrong = {**PATIENTS, "days": [-1.0, *PATIENTS["days"][1:]]}
    missing = {**PATIENTS, "days": [None, *PATIENTS["days"][1:]]}
    first, second = (
        fit_model(synthetic(each), model, np.random.default_rng(1)).coefficients for each in (wrong, missing)
    )
    assert first == second
    assert first != fit_model(synthetic(PATIENTS), model, np.random.default_rng(1)).coefficients
