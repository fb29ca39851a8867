"""Laws of utility: equal tables differ in nothing, independent columns are the floor, intervals cover."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from risk.baselines import bootstrap, independent
from risk.comparison import Attribute, Comparison
from risk.figures import exact
from risk.results import Associations, Marked
from risk.utility.asked import Asked, Followed, Model
from risk.utility.assess import to_json, utility
from risk.utility.associations import associations
from risk.utility.pairing import Pairing, design, pairings
from risk.utility.propensity import Propensity, logistic_ratio, propensity
from risk.utility.sides import HALVES, HELD_OUT, encoded, sampled, sides
from risk.utility.two_sample import TwoSample, two_sample
from risk.utility.univariate import Univariate, univariate
from tests.utility_tables import compared, drawn

ROWS = 600


def of_columns(comparison: Comparison, seed: int = 0) -> Univariate:
    rng = np.random.default_rng(seed)
    return univariate(sides(comparison, rng), sides(comparison, rng, "labels"), rng)


def of_pairs(comparison: Comparison) -> Associations:
    rng = np.random.default_rng(0)
    return associations(sides(comparison, rng), rng)


def of_models(comparison: Comparison) -> tuple[Propensity, TwoSample]:
    rng = np.random.default_rng(0)
    words = sides(comparison, rng, "words")
    return propensity(words, rng), two_sample(words, rng)


def value(marked: Marked, mark: str = "figure") -> float:
    found = getattr(marked, mark).value
    assert found is not None
    return float(found)


def test_of_identical_tables_nothing_differs() -> None:
    table = drawn(ROWS, 1)
    found, pairs = of_columns(compared(table, table)), of_pairs(compared(table, table))
    for difference in found.differences:
        assert value(difference.total_variation) == 0
        assert difference.wasserstein is None or value(difference.wasserstein) == 0
        assert difference.coverage is None or difference.coverage.value == 1
    assert value(pairs.difference) == 0
    assert np.array_equal(pairs.original, pairs.released)


def test_the_order_of_rows_changes_nothing() -> None:
    original, released = drawn(ROWS, 1), drawn(ROWS, 2, shift=0.3)
    order = np.random.default_rng(4).permutation(ROWS)
    here, there = compared(original, released), compared(original[order], released[order[::-1]])
    for first, second in zip(of_columns(here).differences, of_columns(there).differences, strict=True):
        assert value(first.total_variation) == pytest.approx(value(second.total_variation))
        if first.wasserstein is not None and second.wasserstein is not None:
            assert value(first.wasserstein) == pytest.approx(value(second.wasserstein))
    assert value(of_pairs(here).difference) == pytest.approx(value(of_pairs(there).difference))


def test_both_sides_in_turn_have_the_same_distance() -> None:
    one, other = drawn(ROWS, 1), drawn(ROWS // 2, 2, shift=0.3)
    here, there = of_columns(compared(one, other)), of_columns(compared(other, one))
    assert value(here.total_variation) == pytest.approx(value(there.total_variation))


def test_independent_columns_are_at_the_floor_and_real_people_at_the_ceiling() -> None:
    original = drawn(ROWS, 1)
    shuffled = compared(original, independent(original, np.random.default_rng(5)))
    fresh = compared(original, drawn(ROWS, 2))
    assert value(of_pairs(shuffled).difference) == pytest.approx(
        value(of_pairs(shuffled).difference, "floor"), rel=0.2
    )
    assert value(of_pairs(fresh).difference) < 0.3 * value(of_pairs(fresh).difference, "floor")
    # no measure of one column tells them apart
    assert value(of_columns(shuffled).total_variation) == 0
    scores, told = of_models(shuffled)
    assert value(scores.tree) > 1.5
    assert told.accuracy.figure.low is not None
    assert told.accuracy.figure.low > 0.5
    # main effects alone are blind, which is why the tree is the headline; here there are interactions
    assert value(scores.logistic) > 5
    assert value(scores.tree, "floor") == pytest.approx(value(scores.tree), rel=0.3)


def test_of_a_fresh_sample_the_classifier_guesses() -> None:
    scores, told = of_models(compared(drawn(ROWS, 1), drawn(ROWS, 2)))
    assert value(told.accuracy) == pytest.approx(0.5, abs=0.05)
    assert value(told.auc) == pytest.approx(0.5, abs=0.06)
    assert value(scores.tree) == pytest.approx(1, abs=0.3)
    assert value(told.accuracy, "ceiling") == pytest.approx(0.5, abs=0.07)


def test_of_a_verbatim_copy_the_logistic_ratio_is_0_and_nobody_does_better_than_guessing() -> None:
    table = drawn(ROWS, 1)
    scores, told = of_models(compared(table, table))
    assert value(scores.logistic) == pytest.approx(0, abs=1e-6)
    assert value(told.accuracy) <= 0.5


def test_tables_apart_are_told_apart() -> None:
    scores, told = of_models(compared(drawn(ROWS, 1), drawn(ROWS, 2, shift=20)))
    assert value(told.accuracy) > 0.99
    assert value(told.auc) > 0.99
    assert value(scores.logistic) > 20
    assert value(scores.tree) > 2


def test_the_ratio_of_true_resamples_is_about_1_and_of_fresh_samples_its_reciprocal_share() -> None:
    """Snoke et al. 2018: a table drawn from the original's distribution has the ratio 1, here over 60 draws.

    Another sample of the same people as the original has 1 / (1 - c), 2 for equally many rows. The mean of 60
    ratios with k - 1 = 10 degrees of freedom has a standard error of 0.06 (0.12).
    """
    original = drawn(400, 1)
    rng = np.random.default_rng(7)
    ratios = {"resample": 1.0, "fresh": 2.0}
    for kind, expected in ratios.items():
        found = [ratio(original if kind == "resample" else drawn(400, 100 + i), kind, rng) for i in range(60)]
        assert np.mean(found) == pytest.approx(expected, abs=0.2 * expected), kind


def ratio(table: pl.DataFrame, kind: str, rng: np.random.Generator) -> float:
    """The pMSE ratio of a resample of the table, or of it beside another."""
    released = bootstrap(table, rng)
    original = table if kind == "resample" else drawn(400, int(rng.integers(10**6)))
    if kind == "fresh":
        released = table
    both = sides(compared(original, released), rng, "words")
    pairing = pairings(both, 10**6, rng, equal=False)["released"]
    cells = encoded(both, codes=5, labels=20)
    found = logistic_ratio(design(cells, pairing.rows, interactions_up_to=12), pairing)
    assert found.value is not None
    return found.value


def test_of_a_part_of_the_rows_the_ratio_of_a_resample_is_1_as_well() -> None:
    """The correction for comparing 200 of 800 rows; without it the ratio would be about 1.75."""
    original = drawn(800, 1)
    rng = np.random.default_rng(8)
    found = []
    for _ in range(60):
        both = sides(compared(original, bootstrap(original, rng)), rng, "words")
        pairing = pairings(both, 200, rng, equal=False)["released"]
        assert pairing.whole == (800, 800)
        cells = encoded(both, codes=5, labels=20)
        found.append(logistic_ratio(design(cells, pairing.rows, interactions_up_to=12), pairing).value)
    assert np.mean(np.array(found, np.float64)) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("rows_each", [1, 4])
def test_intervals_of_distances_cover_the_distance_to_the_whole_population(rows_each: int) -> None:
    """The release is fixed; the original is drawn anew 40 times, people with ``rows_each`` equal rows.

    Nine in ten must cover at least; that the triangle inequality makes them wide is the price.
    """
    population, released = drawn(20_000, 1), drawn(300, 2, shift=0.4)
    true = of_columns(compared(population, released))
    covered = {"total_variation": 0, "wasserstein": 0}
    for i in range(40):
        some = population[np.random.default_rng(i).integers(0, population.height, 60)]
        rows = pl.concat([some] * rows_each)
        found = of_columns(compared(rows, released, people=np.tile(np.arange(60), rows_each)), i)
        for name in covered:
            mine, whole = getattr(found, name), getattr(true, name)
            covered[name] += mine.figure.low <= value(whole) <= mine.figure.high
    assert min(covered.values()) >= 36


def test_the_interval_of_association_differences_covers() -> None:
    population, released = drawn(20_000, 1), drawn(300, 2)
    true = value(of_pairs(compared(population, released)).difference)
    covered = 0
    for i in range(20):
        some = population[np.random.default_rng(i).integers(0, population.height, 150)]
        figure = of_pairs(compared(some, released)).difference.figure
        assert figure.low is not None
        assert figure.high is not None
        covered += figure.low <= true <= figure.high
    assert covered >= 18


def test_the_fresh_sample_is_the_held_out_people_or_two_halves_of_whole_people() -> None:
    table, rng = drawn(40, 1), np.random.default_rng(0)
    people = np.repeat(np.arange(20), 2)
    halves = sides(compared(table, table, people=people), rng)
    assert halves.fresh == HALVES
    assert not set(people[halves.first]) & set(people[halves.second])
    assert len(halves.first) + len(halves.second) == 40
    others = sides(compared(table, table, holdout=drawn(9, 3)), rng)
    assert others.fresh == HELD_OUT
    assert others.frame[others.second].equals(drawn(9, 3))
    assert len(set(others.people)) == 49


def test_of_very_large_tables_a_sample_of_whole_people_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("risk.utility.sides.MOST_ROWS", 100)
    table = drawn(300, 1)
    people = np.tile(np.arange(150), 2)
    comparison = compared(table, drawn(130, 2), people=people, holdout=drawn(120, 3))
    part = sampled(comparison, np.random.default_rng(0))
    assert part.original.height == part.released.height == 100
    assert part.original.equals(part.base)
    assert np.bincount(part.people).tolist() == [2] * 50
    assert part.holdout is not None
    assert part.holdout.height == 100
    found = utility(comparison, rng=np.random.default_rng(0)).figures
    assert "on a sample" in found["total_variation"].method
    both = sides(part, np.random.default_rng(0))
    pairing = pairings(both, 50, np.random.default_rng(0), equal=False, drawn_from=300)
    assert {name: each.whole[0] for name, each in pairing.items()} == {
        "released": 300,
        "floor": 300,
        "ceiling": 100,
        "bootstrap": 100,
    }


def test_a_person_is_in_one_fold() -> None:
    """Were a person's equal rows on both sides of the folds, a model that remembers would look clever."""
    one = drawn(100, 1, related=False)
    rows = pl.concat([one] * 6)
    people = np.tile(np.arange(100), 6)
    found = of_models(compared(rows, drawn(600, 2, related=False), people=people))[1]
    assert value(found.accuracy) < 0.75
    assert "though people have several" in found.accuracy.figure.method


def test_of_few_rows_nothing_is_claimed() -> None:
    found = of_models(compared(drawn(20, 1), drawn(20, 2)))[1]
    assert found.accuracy.figure.value is None
    assert found.accuracy.figure.high is None
    assert "50 rows" in found.accuracy.figure.method


def test_of_fewer_than_50_rows_a_side_there_is_no_propensity_score() -> None:
    for rows in ((49, 300), (300, 49)):
        found = of_models(compared(drawn(rows[0], 1), drawn(rows[1], 2)))[0]
        for mark in (found.tree, found.logistic):
            assert mark.figure.high is None
            assert "50 rows" in mark.figure.method


@pytest.mark.parametrize("value", [1e39, -1e39, 1e300, 1.7e308, 5e-324, 2.0**70, float("inf"), float("nan")])
def test_no_number_is_too_large_or_too_small_to_compare(value: float) -> None:
    """One strange number among 120, all others of which differ by little; the tables stay alike."""
    original = drawn(160, 1).with_columns(
        x=pl.when(pl.int_range(pl.len()) % 40 == 0).then(pl.lit(value)).otherwise(pl.col("x"))
    )
    original = original.with_columns(y=pl.when(pl.col("y") > 0).then(pl.col("x")).otherwise(-pl.col("x")))
    asked = Asked(("x", "a"), (Model("m", "linear", "x", ("y",)), Model("n", "linear", "y", ("x", "a"))))
    people = np.arange(160)
    for kind in ("anonymised", "synthetic"):
        table = replace(compared(original, original, people=people, holdout=original), table=kind)
        found = utility(table, asked=asked, rng=np.random.default_rng(1)).figures
        assert found["association_difference"].value == 0
        assert found["total_variation.x"].value == found["wasserstein.x"].value == 0
        for name in ("pmse_ratio", "pmse_ratio.logistic", "two_sample"):
            assert found[name].value is not None, name
        assert all(figure.value is None or np.isfinite(figure.value) for figure in found.values())


def test_the_same_table_in_another_order_is_no_difference_of_associations() -> None:
    table = drawn(ROWS, 1).with_columns(z=pl.col("x") * 1e6 + pl.col("y") / 3)
    order = np.random.default_rng(3).permutation(ROWS)
    assert of_pairs(compared(table, table[order])).difference.figure.value == 0


def test_rows_whose_people_nobody_knows_are_not_told_apart() -> None:
    """Of an anonymised table that wrote its rows anew a model meets people on both sides and learns less."""
    original = drawn(200, 1)
    table = replace(compared(original, original.with_columns(x=pl.col("x").round(0))), table="anonymised")
    found = utility(table, rng=np.random.default_rng(1))
    for name in ("pmse_ratio", "pmse_ratio.logistic", "two_sample", "two_sample.auc"):
        assert found.figures[name].high is None
        assert "whose the released rows are" in found.figures[name].method


def test_a_copy_that_a_classifier_learns_the_wrong_way_round_is_not_called_guessing() -> None:
    rows = pl.DataFrame({"x": np.arange(400.0)})
    told = of_models(compared(rows, rows))[1].accuracy.figure
    assert told.high is not None
    assert told.high < 0.5
    assert "not guessing" in told.method


def test_what_a_user_named_has_a_reason_even_without_rows() -> None:
    table = drawn(30, 1)
    asked = Asked(("a",), (Model("m", "linear", "x", ("y",)),), (Followed("x", "a", positive="yes"),))
    for original, released in (
        (table, table.clear()),
        (table.clear(), table),
        (table.clear(), table.clear()),
    ):
        found = utility(compared(original, released), asked=asked, rng=np.random.default_rng(0))
        assert found.marks.keys() == {"overlap.m", "survival.x.a"}
        assert {mark.figure.value for mark in found.marks.values()} == {None}
        assert found.survival[0].largest_gap.method.startswith("not estimated")
        assert found.predictions


def test_rows_compared_are_drawn_from_both_tables() -> None:
    both = sides(compared(drawn(300, 1), drawn(200, 2)), np.random.default_rng(0))
    found = pairings(both, 150, np.random.default_rng(0), equal=True)
    assert {name: (len(p.first), len(p.second)) for name, p in found.items()} == dict.fromkeys(
        found, (150, 150)
    )
    released: Pairing = found["released"]
    assert released.whole == (300, 200)
    assert set(released.first) <= set(both.original)
    assert set(released.second) <= set(both.released)
    assert not released.labels[:150].any()
    assert released.labels[150:].all()


def test_everything_together_is_the_same_every_time() -> None:
    comparison = compared(drawn(200, 1), drawn(200, 2))
    asked = Asked(models=(Model("both", "linear", "x", ("y",)),))
    first, second = (
        utility(comparison, asked=asked, losses={"loss": exact(0.3, 200, "")}, rng=np.random.default_rng(1))
        for _ in range(2)
    )
    told = json.loads(to_json({"synthetic": first}))
    assert told == json.loads(to_json({"synthetic": second}))
    assert {
        "synthetic.total_variation",
        "synthetic.total_variation.a",
        "synthetic.wasserstein.x",
        "synthetic.coverage",
        "synthetic.association_difference",
        "synthetic.pmse_ratio",
        "synthetic.pmse_ratio.logistic",
        "synthetic.two_sample",
        "synthetic.overlap.both",
        "synthetic.loss.loss",
    } <= told.keys()
    assert all(entry.keys() == {"value", "low", "high", "n", "method"} for entry in told.values())
    assert first.losses["loss"].value == 0.3
    assert first.marks["association_difference"].floor is not None
    assert first.coefficients[0].model == "both"


def test_no_cell_is_in_the_figures() -> None:
    original = drawn(120, 1).with_columns(a=pl.lit("Kevin") + pl.col("a"))
    found = to_json({"synthetic": utility(compared(original, original), rng=np.random.default_rng(1))})
    assert "Kevin" not in found


def test_without_rows_there_are_no_figures() -> None:
    table = drawn(30, 1)
    empty = table.clear()
    for original, released in ((table, empty), (empty, table), (empty, empty)):
        found = utility(compared(original, released), rng=np.random.default_rng(0))
        assert {figure.value for figure in found.figures.values()} == {None}
        assert found.figures.keys() >= {"total_variation", "pmse_ratio"}


def test_columns_without_values_on_one_side_say_so() -> None:
    original = drawn(120, 1)
    released = original.with_columns(x=pl.lit(None, pl.Float64), a=pl.lit(None, pl.String))
    found = utility(compared(original, released), rng=np.random.default_rng(0))
    assert found.figures["total_variation.x"].value == 1
    assert found.figures["wasserstein.x"].value is None
    assert found.figures["wasserstein"].value == 0
    assert found.figures["coverage.a"].value == 0
    assert found.figures["two_sample"].value == 1


def test_one_constant_column_of_codes_is_compared() -> None:
    attributes = (Attribute("codes", "codes", False, True),)
    lists = pl.DataFrame({"codes": [["x"]] * 60}, schema={"codes": pl.List(pl.String)})
    comparison = Comparison(
        "synthetic", attributes, lists, lists, lists, np.arange(60), np.ones(60, np.bool_)
    )
    found = utility(comparison, rng=np.random.default_rng(0))
    assert found.figures["total_variation"].value == 0
    assert found.figures["pmse_ratio.logistic"].value is None
    assert found.figures["pmse_ratio"].value is None
