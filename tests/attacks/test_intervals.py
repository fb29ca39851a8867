"""Intervals over people: as wide as the people are few, not as the records are many."""

from __future__ import annotations

import numpy as np
import pytest

from risk.attacks.intervals import clustered_ratio, clustered_share, paired_gain, scaled, unpaired_gain
from risk.figures import Figure, bootstrapped, exact, wilson

RNG = np.random.default_rng(4)


def width(figure: Figure) -> float:
    assert figure.low is not None
    assert figure.high is not None
    return figure.high - figure.low


def test_the_interval_is_that_of_drawing_whole_people_one_by_one() -> None:
    """Against the plain bootstrap of figures.py; both have some noise of 400 draws."""
    people = np.repeat(np.arange(60), RNG.integers(1, 6, 60))
    hits = (RNG.random(60) < 0.3)[people].astype(float)
    fast = clustered_share(hits, people, "x")
    plain = bootstrapped(lambda rows: float(hits[rows].mean()), people, what="x")
    assert fast.value == plain.value
    assert fast.low == pytest.approx(plain.low, abs=0.04)
    assert fast.high == pytest.approx(plain.high, abs=0.04)


def test_rows_of_the_same_person_add_no_certainty() -> None:
    hits = (RNG.random(80) < 0.4).astype(float)
    once = clustered_share(hits, np.arange(80), "x")
    tenfold = clustered_share(np.repeat(hits, 10), np.repeat(np.arange(80), 10), "x")
    taken_apart = clustered_share(np.repeat(hits, 10), np.arange(800), "x")
    assert width(tenfold) == pytest.approx(width(once), rel=0.01)
    assert width(taken_apart) < 0.5 * width(once)


@pytest.mark.parametrize("hit", [0.0, 1.0])
def test_nobody_or_everybody_hit_has_wilsons_interval_of_the_people(hit: float) -> None:
    found = clustered_share(np.full(30, hit), np.repeat(np.arange(10), 3), "x")
    assert (found.low, found.high) == pytest.approx(wilson(10 * hit, 10))
    assert "Wilson" in found.method


def test_the_interval_of_a_share_covers_it_about_as_often_as_it_says() -> None:
    """Of 300 samples of 60 people with 3 rows each, whose share is 0.3."""
    covered = 0
    for _ in range(300):
        hits = np.repeat((RNG.random(60) < 0.3).astype(float), 3)
        found = clustered_share(hits, np.repeat(np.arange(60), 3), "x")
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.3 <= found.high
    assert 0.90 <= covered / 300 <= 0.99


def test_only_groups_that_tried_count() -> None:
    tries, hits = np.array([2.0, 0.0, 0.0, 1.0]), np.array([0.0, 0.0, 0.0, 0.0])
    found = clustered_ratio(hits, tries, np.arange(4), "x")
    assert found.n == 3
    assert found.high == pytest.approx(wilson(0, 2)[1])


def test_nothing_to_count_is_no_figure() -> None:
    none = np.zeros(0), np.zeros(0, dtype=np.int64)
    assert clustered_share(*none, "x").value is None
    assert paired_gain(none[0], none[0], none[1], "x").value is None
    assert unpaired_gain(none, (np.ones(3), np.arange(3)), "x").value is None


def test_a_paired_gain_is_surer_than_an_unpaired_one() -> None:
    first = (RNG.random(200) < 0.5).astype(float)
    second = np.where(RNG.random(200) < 0.05, 1 - first, first)
    people = np.arange(200)
    paired = paired_gain(first, second, people, "x")
    unpaired = unpaired_gain((first, people), (second, people), "x")
    assert paired.value == pytest.approx(unpaired.value)
    assert width(paired) < 0.5 * width(unpaired)


def test_a_count_among_fewer_people_is_scaled_and_stays_a_share() -> None:
    found = scaled(Figure(0.1, 0.05, 0.4, 20, "x"), 4.0)
    assert (found.value, found.low, found.high) == (0.4, 0.2, 1.0)
    assert scaled(exact(0.0, 3, "x"), 4.0).value == 0.0


@pytest.mark.parametrize(("better", "worse"), [(0.005, 0.0), (0.02, 0.01), (0.3, 0.3)])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_gain_of_few_people_is_covered_as_often_as_it_says(better: float, worse: float, rows: int) -> None:
    """Of 150 samples of 200 people; the plain bootstrap leaves out every second rare gain of 1 in 200."""
    draws, people = np.random.default_rng(8), np.repeat(np.arange(200), rows)
    covered = {"paired": 0, "unpaired": 0}
    for _ in range(150):
        luck, other = draws.random(200)[people], draws.random(200)[people]
        won, lost = luck < better, (luck >= better) & (luck < better + worse)
        gains = {
            "paired": paired_gain(won.astype(float), lost.astype(float), people, "x"),
            "unpaired": unpaired_gain(
                (won.astype(float), people), ((other < worse).astype(float), people), "x"
            ),
        }
        for name, found in gains.items():
            assert width(found) > 0.0
            assert found.low is not None
            assert found.high is not None
            covered[name] += found.low <= better - worse <= found.high
    assert min(covered.values()) >= 0.92 * 150


def test_no_gain_of_few_people_is_not_surely_none() -> None:
    """The bounds are Wilson's where only one side has hits, however they are spread over rows."""
    nothing, people = np.zeros(30), np.repeat(np.arange(10), 3)
    found = paired_gain(nothing, nothing, people, "x")
    end = wilson(0, 10)[1]
    assert (found.low, found.value, found.high) == (pytest.approx(-end), 0.0, pytest.approx(end))
    all_of_them = paired_gain(np.ones(30), nothing, people, "x")
    assert all_of_them.high == 1.0
    assert all_of_them.low is not None
    assert 0.5 < all_of_them.low < 1.0
