"""Analyses that the data do not allow: no figure, a reason without any cell's value, never an error."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from risk.figures import Figure
from risk.utility.analyses import analyse
from risk.utility.asked import Asked, Followed, Model
from risk.utility.coefficients import fit_model
from tests.comparisons import anonymised, synthetic
from tests.conftest import ROOT

CANARY = "canary-7"
ROWS = 60


def columns(**changed: Any) -> dict[str, Any]:
    draw = np.random.default_rng(3)
    made = {
        "number": draw.normal(0, 1, ROWS).tolist(),
        "other": draw.normal(0, 1, ROWS).tolist(),
        "two": draw.choice(["a", CANARY], ROWS).tolist(),
        "three": draw.choice(["a", "b", CANARY], ROWS).tolist(),
        "codes": [["I50"], ["E11", "I50"]] * (ROWS // 2),
        "time": np.ceil(draw.exponential(9, ROWS)).tolist(),
    }
    return made | changed


def linear(outcome: str = "number", *terms: str) -> Asked:
    return Asked(models=(Model("m", "linear", outcome, terms or ("other",)),))


def logistic(outcome: str = "two", *terms: str, positive: str | None = "a") -> Asked:
    return Asked(models=(Model("m", "logistic", outcome, terms or ("other",), positive=positive),))


def cox(outcome: str = "two", time: str = "time", *terms: str) -> Asked:
    return Asked(models=(Model("m", "cox", outcome, terms or ("other",), time=time, positive="a"),))


def curves(
    time: str = "time", event: str = "two", by: str | None = None, positive: str | None = "a"
) -> Asked:
    return Asked(survival=(Followed(time, event, by, positive),))


def target(name: str) -> Asked:
    return Asked(targets=(name,))


SEPARATED = columns(two=["a" if each < 0 else CANARY for each in columns()["other"]])
MISSING = columns(number=[None] * ROWS, two=[None] * ROWS)
CONSTANT = columns(number=[1.0] * ROWS, two=[CANARY] * ROWS)
TWINS = columns(twin=[2 * each for each in columns()["other"]])
ALONE = {name: values[:1] for name, values in columns().items()}
EMPTY_TERM = columns(other=[None] * ROWS)


@pytest.mark.parametrize(
    ("data", "asked", "reason"),
    [
        (columns(), target("absent"), "absent is not in the release"),
        (columns(), target("codes"), "lists of codes"),
        (CONSTANT, target("number"), "number has no two values"),
        (CONSTANT, target("two"), "two has no two values"),
        (MISSING, target("number"), "only 0 people"),
        (ALONE, target("number"), "only 1 people"),
        (columns(), linear("absent"), "absent is not in the release"),
        (columns(), linear("two"), "two holds no numbers"),
        (columns(), linear("number", "codes"), "codes holds lists of codes"),
        (MISSING, linear(), "number has no value"),
        (CONSTANT, linear(), "does not vary"),
        (ALONE, linear(), "does not vary"),
        (EMPTY_TERM, linear(), "other has no value"),
        (CONSTANT, linear("other", "number"), "no term varies"),
        (TWINS, linear("number", "other", "twin"), "determine one another"),
        (columns(), logistic("three", positive=None), "name the event of three with `positive:`"),
        (columns(), logistic(positive=None), "name the event of two with `positive:`"),
        (columns(), logistic(positive="c"), "no cell of two in the original is what `positive:` names"),
        (CONSTANT, logistic(), "only one outcome"),
        (MISSING, logistic(), "only one outcome"),
        (SEPARATED, logistic(), "on the original: no fit: the terms seem to separate the outcome"),
        (TWINS, logistic("two", "other", "twin"), "determine one another"),
        (columns(), cox(time="two"), "two holds no numbers"),
        (columns(time=[None] * ROWS), cox(), "time has no value"),
        (columns(), curves(time="absent"), "absent is not in the release"),
        (columns(), curves(event="three", positive=None), "name the event of three with `positive:`"),
        (columns(), curves(positive=None), "name the event of two with `positive:`"),
        (columns(), curves(by="codes"), "lists of codes"),
        (columns(time=[-1.0] * ROWS), curves(), "no group has 10 people"),
        (ALONE, curves(), "only one outcome"),
    ],
)
def test_there_is_no_figure_and_the_reason_is_told(data: dict[str, Any], asked: Asked, reason: str) -> None:
    found = analyse(synthetic(data, holdout=data), asked, np.random.default_rng(1))
    figures = [figure for name, figure in found.figures.items() if not name.endswith((".floor", ".ceiling"))]
    assert figures
    for figure in figures:
        assert figure == Figure(None, None, None, figure.n, figure.method)
        assert figure.method.startswith("not estimated")
        assert reason in figure.method
    assert not any(CANARY in figure.method for figure in found.figures.values())
    if asked.models or asked.survival:
        # what was named stays named, with its reason
        assert [mark.figure.method for mark in found.marks.values()] == [each.method for each in figures]
    for each in found.survival:
        assert reason in each.largest_gap.method


def test_which_value_is_the_event_is_said_and_never_guessed() -> None:
    """Of `ja` and `nein` the last in the alphabet would be the wrong one."""
    draw = np.random.default_rng(5)
    died = draw.random(200) < 0.3
    data = {
        "time": np.ceil(draw.exponential(9, 200)).tolist(),
        "words": np.where(died, "ja", "nein").tolist(),
        "bits": died.astype(float).tolist(),
        "truth": np.where(died, "True", "False").tolist(),
    }
    table = synthetic(data)
    asked = Asked(
        survival=(
            Followed("time", "words", positive="ja"),
            Followed("time", "bits"),
            Followed("time", "truth"),
            Followed("time", "words"),
        )
    )
    *told, guessed = analyse(table, asked, np.random.default_rng(1)).survival
    assert {curve.events for each in told for curve in each.curves} == {int(died.sum())}
    assert "the event is words = ja" in told[0].largest_gap.method
    assert "the event is bits = 1 or true" in told[1].largest_gap.method
    assert not guessed.curves
    assert "`positive:`" in guessed.largest_gap.method


@pytest.mark.parametrize("asked", [linear(), logistic(), cox(), curves(), target("two"), target("number")])
def test_a_release_that_tells_nothing_has_no_figure_either(asked: Asked) -> None:
    stars = {
        name: [[] if name == "codes" else "*"] * ROWS if name in ("two", "three", "codes") else [None] * ROWS
        for name in columns()
    }
    found = analyse(anonymised(columns(), typed(stars)), asked, np.random.default_rng(1))
    [*released] = [figure for name, figure in found.figures.items() if not name.endswith((".real", ".floor"))]
    assert released
    assert {figure.value for figure in released} == {None}
    assert all(figure.method.startswith("not estimated") for figure in released)


@pytest.mark.parametrize("asked", [linear(), logistic(), cox(), curves(), target("two"), target("number")])
def test_an_empty_release_has_no_figure(asked: Asked) -> None:
    table = anonymised(columns(), columns(), shown=[False] * ROWS)
    found = analyse(table, asked, np.random.default_rng(1)).figures
    released = [each for name, each in found.items() if not name.endswith((".real", ".floor", ".ceiling"))]
    assert {figure.value for figure in released} == {None}


def test_what_only_the_release_separates_has_an_original_estimate_and_a_reason() -> None:
    table = synthetic(columns(), SEPARATED)
    found = fit_model(table, logistic().models[0], np.random.default_rng(1))
    [each] = found.coefficients
    assert each.original.low < each.original.value < each.original.high
    assert each.released is None
    assert "on the release: no fit: the terms seem to separate the outcome" in each.overlap.method
    assert found.overlap.figure.value is None


def test_a_value_that_the_release_lost_leaves_bounds_alone() -> None:
    draw = np.random.default_rng(2)
    group = draw.choice(["x", "y", "z"], 300, p=[0.5, 0.3, 0.2])
    base = {"group": group.tolist(), "number": draw.normal(0, 1, 300).tolist()}
    lost = {**base, "group": ["*" if each == "z" else each for each in group]}
    found = fit_model(anonymised(base, lost), Model("m", "linear", "number", ("group",)), draw)

    assert [each.term for each in found.coefficients] == ["group: y", "group: z"]
    assert found.coefficients[1].released is None
    figure = found.overlap.figure
    assert figure.value is None
    assert figure.low is not None
    assert figure.high == pytest.approx(figure.low + 0.5)


def typed(table: dict[str, Any]) -> dict[str, Any]:
    """Columns without any value that keep their types."""
    import polars as pl

    types = {"codes": pl.List(pl.String), "two": pl.String, "three": pl.String}
    return {name: pl.Series(values, dtype=types.get(name, pl.Float64)) for name, values in table.items()}


UNQUIET = """
from tests.faults.test_analyses_that_cannot_be import SEPARATED, logistic
from risk.utility.analyses import analyse
from tests.comparisons import synthetic
import numpy as np
analyse(synthetic(SEPARATED), logistic(), np.random.default_rng(1))
"""


def test_the_first_fit_of_a_process_says_nothing_of_its_own() -> None:
    """statsmodels sets filters of warnings when it is imported, before those of whoever imports it."""
    run = subprocess.run(
        [sys.executable, "-c", UNQUIET], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stderr == ""
