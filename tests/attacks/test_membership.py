"""Membership inference finds what a generator memorised, and finds nothing where there is nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from risk.attacks.claims import claims
from risk.attacks.membership import AUC, ISOLATED, TPR, Trial, measured, membership
from risk.attacks.scores import isolation, scores
from risk.attacks.shadows import SHADOWS, _halves, _ratio
from risk.baselines import bootstrap, independent, verbatim
from risk.comparison import Attribute, Comparison
from risk.results import Attack
from tests.attacks.membership_scenes import (
    HELD_OUT,
    PEOPLE,
    attributes,
    memorised,
    patients,
    synthetic,
)


def drawn(seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame, np.random.Generator]:
    rng = np.random.default_rng(seed)
    everybody = patients(PEOPLE + HELD_OUT, rng)
    return everybody[:PEOPLE], everybody[PEOPLE:], rng


def attacked(comparison: Comparison) -> Attack:
    return membership(comparison, np.random.default_rng(7))


def test_a_verbatim_copy_gives_everybody_away() -> None:
    trained, held_out, _ = drawn()
    attack = attacked(synthetic(verbatim(trained), trained, held_out))
    for marked in (attack.headline, *attack.parts.values()):
        assert marked.figure.value > 0.99
        assert marked.figure.value == marked.ceiling.value


def test_noisy_copies_of_half_the_people_are_found_above_the_control() -> None:
    trained, held_out, rng = drawn()
    released = memorised(trained, rng.permutation(PEOPLE)[: PEOPLE // 2], rng, noise=0.01)
    attack = attacked(synthetic(released, trained, held_out))
    assert attack.headline.figure.low > 0.1
    assert 0.3 < attack.headline.figure.value <= 0.55
    assert attack.headline.control.value == 0.01
    assert 0.7 < attack.parts[AUC].figure.value < 0.8


def test_a_generator_that_keeps_margins_only_is_at_the_floor() -> None:
    trained, held_out, rng = drawn()
    attack = attacked(synthetic(independent(trained, rng), trained, held_out))
    assert attack.headline.figure.low <= 0.01 <= attack.headline.figure.high < 0.03
    assert attack.parts[AUC].figure.low <= 0.5 <= attack.parts[AUC].figure.high
    assert abs(attack.headline.floor.value - 0.01) < 0.01


def test_fresh_people_of_the_same_kind_give_nobody_away() -> None:
    trained, held_out, rng = drawn(3)
    attack = attacked(synthetic(patients(PEOPLE, rng), trained, held_out))
    assert attack.headline.figure.low <= 0.01 <= attack.headline.figure.high < 0.03
    assert attack.parts[ISOLATED].figure.low <= attack.parts[ISOLATED].control.high


def test_memorised_outliers_are_found_among_the_most_isolated() -> None:
    trained, held_out, rng = drawn()
    numbers = np.arange(PEOPLE)
    away = isolation(trained, numbers, among=trained, others=numbers, attributes=attributes(trained))
    outliers = np.argsort(-away)[: PEOPLE // 20]
    attack = attacked(synthetic(memorised(trained, outliers, rng), trained, held_out))
    assert attack.parts[ISOLATED].figure.low > 0.8
    assert attack.parts[ISOLATED].control.value < 0.2
    assert attack.headline.figure.value < 0.1, "the average hides them"


def test_one_memorised_outlier_is_claimed() -> None:
    """Somebody unlike anybody else: no score of a control comes near."""
    trained, held_out, rng = drawn()
    outlier = pl.DataFrame({"age": [117.3], "bmi": [61.2], "sex": ["f"], "clinic": ["h"], "stage": ["early"]})
    released = pl.concat([independent(trained, rng)[1:], outlier])
    asked = pl.concat([outlier, held_out[1200:]])
    found = scores(released, held_out[:1200], asked, attributes(trained))
    for name in ("nearest record", "calibrated nearest record"):
        assert claims(found[name][:1], found[name][1:], 0.01)[0] == 1
    without = scores(independent(trained, rng), held_out[:1200], asked, attributes(trained))
    assert claims(without["nearest record"][:1], without["nearest record"][1:], 0.01)[0] == 0


def test_without_people_held_out_there_is_no_figure() -> None:
    trained, _, _ = drawn()
    attack = attacked(synthetic(trained, trained, None))
    assert attack.headline.figure.value is None
    assert "held out" in attack.headline.figure.method


def test_too_few_controls_are_named_with_the_number_that_is_needed() -> None:
    trained, held_out, _ = drawn()
    attack = attacked(synthetic(trained, trained, held_out[:1000]))
    assert attack.headline.figure.value is None
    assert "needs 1,000 controls, and there are 500" in attack.headline.figure.method
    assert attack.parts[AUC].figure.value == 1


def test_the_same_generator_gives_the_same_figures() -> None:
    trained, held_out, rng = drawn()
    comparison = synthetic(bootstrap(trained, rng), trained, held_out)
    assert attacked(comparison) == attacked(comparison)


def test_a_person_with_several_rows_is_one_target() -> None:
    """Ten rows each make 240 people: too few, however many rows."""
    trained, held_out, _ = drawn()
    comparison = synthetic(trained, trained, held_out)
    clustered = replace(comparison, people=np.arange(PEOPLE) // 10, holdout_people=np.arange(HELD_OUT) // 10)
    found = attacked(clustered)
    assert "there are 120" in found.headline.figure.method
    assert found.parts[AUC].figure.n == 160 + 120


def banded(trained: pl.DataFrame, k: int) -> Comparison:
    """Ages and body mass in bands, everything else but the sensitive column taken out."""
    words = trained.with_columns(
        (pl.col("age") // 40 * 40).cast(pl.String),
        (pl.col("bmi") // 20 * 20).cast(pl.String),
        clinic=pl.lit("*"),
    )
    known = words.columns[:-1]
    shown = (words.select(n=pl.len().over(known))["n"] >= k).to_numpy()
    columns = tuple(Attribute(n, "category", n in known, n not in known) for n in words.columns)
    rows = np.arange(trained.height)
    return Comparison("anonymised", columns, words.filter(pl.Series(shown)), words, trained, rows, shown)


def test_a_coarse_anonymised_table_is_the_same_without_a_person() -> None:
    """Every row has many equals, sensitive value and all: taking one out changes no score."""
    trained, _, _ = drawn()
    attack = attacked(banded(trained, 100))
    assert attack.headline.figure.value == pytest.approx(0.01, abs=0.005)
    assert attack.headline.floor.value == 0.01
    assert attack.headline.ceiling.value > 0.9, "of a verbatim copy one can tell"


def test_an_anonymised_table_with_a_unique_sensitive_value_gives_its_person_away() -> None:
    trained, _, rng = drawn()
    coarse = banded(trained, 5)
    unique = pl.Series("stage", [str(n) for n in rng.permutation(PEOPLE)])
    shown = pl.Series(coarse.shown)
    words = coarse.original.with_columns(unique)
    exposed = replace(
        coarse, released=words.filter(shown), original=words, base=coarse.base.with_columns(unique)
    )
    attack = attacked(exposed)
    assert attack.parts["membership_tpr_1.all_columns_known"].figure.value == 1
    assert attack.headline.figure.value == pytest.approx(0.01, abs=0.005), "nobody's label is rare"


def copying(rows: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """A generator that releases half of what it was fitted to, moved a little, and shuffles the rest."""
    return memorised(rows, rng.permutation(rows.height)[: rows.height // 2], rng, noise=0.02)


def test_shadow_models_of_a_copying_generator_find_its_members() -> None:
    trained, held_out, rng = drawn()
    comparison = synthetic(copying(trained, rng), trained, held_out)
    attack = membership(
        comparison, np.random.default_rng(7), refit=lambda rows, _, again: copying(rows, again)
    )
    assert attack.headline.figure.low > 0.1


def test_a_shadow_score_is_the_likelihood_ratio_of_with_and_without() -> None:
    """Four shadows with the target at 3, 5 and without at 0, 2: variance 2 in all, two degrees of freedom."""
    found = np.array([3.0, 5.0, 0.0, 2.0])[:, None, None]
    inside = np.array([True, True, False, False])[:, None]
    for observed in (4.0, 1.0, 2.5):
        expected = ((observed - 1) ** 2 - (observed - 4) ** 2) / (2 * 2)
        assert _ratio(np.array([[observed]]), found, inside)[0, 0] == pytest.approx(expected)


def test_a_person_is_in_one_shadow_of_each_pair_with_all_rows() -> None:
    people = np.array([0, 0, 1, 2, 2, 2, 7, 8])
    shadows = _halves(people, np.random.default_rng(1))
    assert len(shadows) == SHADOWS
    for first, second in zip(shadows[::2], shadows[1::2], strict=True):
        assert (first != second).all()
        assert all(len(set(first[people == person])) == 1 for person in people)


@pytest.mark.parametrize(("people", "held_out", "rows"), [(1, 12, 1), (8, 12, 3), (40, 40, 40), (3, 0, 3)])
def test_tables_of_a_few_rows_are_no_error_and_no_figure(people: int, held_out: int, rows: int) -> None:
    everybody = patients(people + held_out + rows, np.random.default_rng(1))
    trained, others, released = everybody[:people], everybody[people : people + held_out], everybody[-rows:]
    comparison = synthetic(released, trained, others)
    found = membership(comparison, np.random.default_rng(7), refit=lambda fitted, *_: fitted)
    assert found.headline.figure.value is None
    assert attacked(banded(trained, 1)).headline.figure.value is None


def noise(seed: int, attackers: int = 12) -> Trial:
    """Scores that have nothing to do with membership, many of them equal."""
    rng = np.random.default_rng(seed)
    count = 3_060
    number = np.arange(count)
    found = {
        str(i): rng.normal(0, 1, count) if i % 2 else rng.poisson(0.3, count) * 1.0 for i in range(attackers)
    }
    everybody = np.ones(count, np.bool_)
    return Trial(found, number, number % 2 == 0, number % 3 != 0, everybody, number % 20 < 2)


def test_the_best_of_many_attackers_is_no_luckier_than_one_on_other_people() -> None:
    """The intervals of pure noise hold the truth about as often as they say, though 12 attackers tried."""
    figures = [measured(noise(seed)) for seed in range(25)]
    for name, truth in ((TPR, 0.01), (ISOLATED, 0.01), (AUC, 0.5)):
        held = np.mean([figure[name].low <= truth <= figure[name].high for figure in figures])
        assert held >= 0.84, name
        mean = np.mean([figure[name].value for figure in figures])
        assert abs(mean - truth) < (0.003 if name != AUC else 0.01), name


def test_the_best_on_the_same_people_would_have_been_luckier() -> None:
    """What the halves are for: with everybody on both sides the mean of noise is above its truth."""
    means = []
    for seed in range(10):
        trial = noise(seed)
        on_all = [
            claims(found[trial.members], found[~trial.members], 0.01).mean()
            for found in trial.scores.values()
        ]
        means.append(max(on_all))
    assert np.mean(means) > 0.0125
