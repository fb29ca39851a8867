"""Minimal sample uniques and the separation of column sets are what counting every set by hand gives."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from itertools import combinations
from math import prod

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.reidentification.separation import separations
from risk.reidentification.special_uniques import dis, dis_scores, figures, special_uniques, weights

CELLS = st.sampled_from(["a", "b", "c", "", None])
Row = tuple[str | None, ...]
TABLES = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=16)
)


def frame(rows: list[Row]) -> pl.DataFrame:
    names = [f"c{place}" for place in range(len(rows[0]))]
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def literal(rows: list[Row], largest: int, owners: list[int]) -> list[list[tuple[int, ...]]]:
    """The minimal sample uniques of each row: sets of places."""
    width = len(rows[0])

    def alone(row: int, places: tuple[int, ...]) -> bool:
        own = [rows[row][i] for i in places]
        return all(
            owners[other] == owners[row] or [rows[other][i] for i in places] != own
            for other in range(len(rows))
        )

    found: list[list[tuple[int, ...]]] = []
    for row in range(len(rows)):
        minimal: list[tuple[int, ...]] = []
        for size in range(1, largest + 1):
            for places in combinations(range(width), size):
                if alone(row, places) and not any(set(less) < set(places) for less in minimal):
                    minimal.append(places)
        found.append(minimal)
    return found


@settings(max_examples=80)
@given(TABLES, st.integers(1, 5), st.data())
def test_every_minimal_sample_unique_is_found(rows: list[Row], largest: int, data: st.DataObject) -> None:
    table, width = frame(rows), len(rows[0])
    owners = data.draw(st.lists(st.integers(0, 9), min_size=len(rows), max_size=len(rows)))
    largest = min(largest, width)
    expected = literal(rows, largest, owners)
    found = special_uniques(table, table.columns, largest=largest, people=np.array(owners))
    by_size = [[sum(len(each) == k for each in own) for k in range(1, largest + 1)] for own in expected]
    assert found.by_size.tolist() == by_size
    weight = {
        k: prod(width - i for i in range(k, min(largest, width - 1) + 1)) for k in range(1, largest + 1)
    }
    scores = [sum(weight[len(each)] for each in own) for own in expected]
    assert found.scores.tolist() == scores
    for place in range(width):
        own = sum(weight[len(each)] for minimal in expected for each in minimal if place in each)
        assert found.contributions[place] == pytest.approx(own / sum(scores) if sum(scores) else 0.0)
    share = figures(found)["special_uniques_share"]
    assert share.value == sum(map(bool, expected)) / len(rows)


@given(TABLES)
def test_alone_and_in_pairs_count_whole_records(rows: list[Row]) -> None:
    table = frame(rows)
    found = special_uniques(table, table.columns)
    assert found.alone == sum(rows.count(row) == 1 for row in rows)
    assert found.in_pairs == sum(rows.count(row) == 2 for row in rows)


def test_dis_is_the_share_of_right_matches_among_unique_ones() -> None:
    """Skinner and Elliot: with 10 alone and 5 pairs in a tenth, 0.1 · 10 / (0.1 · 10 + 2 · 0.9 · 5)."""
    rows: list[Row] = [(f"u{i}",) for i in range(10)] + [(f"p{i // 2}",) for i in range(10)]
    found = special_uniques(frame(rows), ["c0"])
    assert dis(found, Fraction(1, 10)) == pytest.approx(1 / 10)
    assert dis(found, Fraction(1)) == 1.0


def test_dis_is_right_on_average_for_samples_of_a_population() -> None:
    """Classes of 1 to 6 people: a match with somebody alone in the sample is right that often."""
    rng = np.random.default_rng(7)
    population = np.repeat(np.arange(30_000), rng.integers(1, 7, 30_000))
    sampled = population[rng.random(len(population)) < 0.2]
    value, count = np.unique(sampled, return_counts=True)
    of_population = np.bincount(population)[value]
    # a population's person who matches one record alone is that person with probability 1 / F
    truth = (count == 1).sum() / of_population[count == 1].sum()
    table = pl.DataFrame({"c": sampled.astype(str)})
    assert dis(special_uniques(table, ["c"]), Fraction(1, 5)) == pytest.approx(truth, rel=0.05)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.floats(0.01, 0.99), st.integers(2, 12))
def test_more_score_is_more_risk_and_none_is_none(scores: list[int], file: float, columns: int) -> None:
    found = dis_scores(scores, file, columns=columns, alone=len(scores))
    assert np.all((found >= 0) & (found <= 1))
    assert np.all((found == 0) == (np.array(scores) == 0))
    order = np.argsort(scores)
    assert np.all(np.diff(found[order]) >= 0)


def test_without_a_sampling_fraction_intrusion_is_not_estimated() -> None:
    found = figures(special_uniques(frame([("a", "b"), ("a", "c")]), ["c0", "c1"]))
    assert found["dis"].value is None
    assert "risk.population" in found["dis"].method
    assert weights(2, 2).tolist() == [1, 1]


def test_nobody_s_table_has_no_figure() -> None:
    found = special_uniques(frame([("a", "b")]).clear(), ["c0", "c1"])
    assert found.records == 0
    assert figures(found)["special_uniques_share"].value is None
    assert separations(frame([("a", "b")]).clear(), ["c0"]) == ()


@settings(max_examples=60)
@given(TABLES)
def test_distinction_and_separation_are_counted_over_records_and_pairs(rows: list[Row]) -> None:
    table = frame(rows)
    found = {each.columns: each for each in separations(table, table.columns)}
    sets = [names for size in (1, 2, 3) for names in combinations(table.columns, size)]
    assert set(found) == set(sets)
    for names in sets:
        own = [tuple(row[int(name[1:])] for name in names) for row in rows]
        apart = [a != b for a, b in combinations(own, 2)]
        assert found[names].distinction == Fraction(len(set(own)), len(own))
        assert found[names].separation == (Fraction(sum(apart), len(apart)) if apart else 1)
        assert found[names].unique == sum(own.count(each) == 1 for each in own)
    ratios = [each.distinct for each in separations(table, table.columns)]
    assert ratios == sorted(ratios, reverse=True)


def test_the_example_of_motwani_and_xu() -> None:
    """Their table 1: age is a 0.6-distinct and 0.8-separation, {age, state} a 1-distinct quasi-identifier."""
    table = pl.DataFrame(
        {
            "age": ["20", "30", "40", "20", "40"],
            "gender": ["F", "F", "F", "M", "M"],
            "state": ["CA", "CA", "TX", "NY", "CA"],
        }
    )
    found = {each.columns: each for each in separations(table, table.columns)}
    assert found[("age",)].distinction == Fraction(6, 10)
    assert found[("age",)].separation == Fraction(8, 10)
    groups: dict[tuple[str, ...], int] = defaultdict(int)
    for row in table.select("age", "gender").rows():
        groups[row] += 1
    assert found[("age", "gender")].distinction == Fraction(len(groups), 5)
