"""Kaplan–Meier estimates against published worked examples.

The data are the remissions of 42 children with leukaemia, in weeks (Freireich et al., Blood 21 (1963),
p. 699). The estimates of the children who were given 6-mercaptopurine stand in Klein and Moeschberger,
Survival Analysis (2003), table 4.1; the bands on the log(−log) scale are those that SAS (conftype=loglog) and
Stata print for these data, the Cox model's coefficient with Efron's ties is that of R's survival package for
the same data (MASS::gehan): 1.572 with standard error 0.412.
"""

from __future__ import annotations

import numpy as np
import pytest

from risk.results import Survival
from risk.utility.asked import Followed, Model
from risk.utility.coefficients import fit_model
from risk.utility.survival import gap, product_limit, survival
from tests.comparisons import synthetic

TREATED = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
RELAPSED = [1] * 9 + [0] * 12
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
TRIAL = {
    "weeks": [*TREATED, *PLACEBO],
    "relapse": ["yes" if each else "no" for each in [*RELAPSED, *[1] * 21]],
    "group": ["6-MP"] * 21 + ["placebo"] * 21,
}


def test_the_estimate_is_that_of_the_textbook() -> None:
    found = product_limit(np.array(TREATED, dtype=float), np.array(RELAPSED) == 1)

    assert found.times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert found.survival == pytest.approx([0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482], abs=5e-5)
    assert found.low == pytest.approx([0.6197, 0.5631, 0.5032, 0.4316, 0.3675, 0.2678, 0.1881], abs=5e-5)
    assert found.high == pytest.approx([0.9516, 0.9228, 0.8894, 0.8491, 0.8049, 0.7468, 0.6801], abs=5e-5)
    assert found.last == 35


def test_the_estimate_is_that_of_a_library() -> None:
    from statsmodels.duration.survfunc import SurvfuncRight

    draw = np.random.default_rng(3)
    times, events = np.ceil(draw.exponential(9, 400)), draw.random(400) < 0.6
    theirs = SurvfuncRight(times, events.astype(float))
    ours = product_limit(times, events)

    assert ours.survival == pytest.approx(theirs.surv_prob[np.isin(theirs.surv_times, ours.times)])
    # their standard errors are of the plain scale: S·√Greenwood, which ours are made from
    some = ours.survival > 0
    error = theirs.surv_prob_se[np.isin(theirs.surv_times, ours.times)][some]
    value = ours.survival[some]
    half = 1.959963984540054 * error / (value * np.abs(np.log(value)))
    assert ours.low[some] == pytest.approx(np.exp(-np.exp(np.log(-np.log(value)) + half)))
    assert ours.high[some] == pytest.approx(np.exp(-np.exp(np.log(-np.log(value)) - half)))


def test_where_nobody_censored_stays_the_estimate_is_the_share_that_is_left() -> None:
    found = product_limit(np.array(PLACEBO, dtype=float), np.ones(21, dtype=bool))
    assert found.survival[:4] == pytest.approx([19 / 21, 17 / 21, 16 / 21, 14 / 21])
    assert found.survival[-1] == 0
    assert (found.low[-1], found.high[-1]) == (0, found.high[-2])


def test_the_gap_is_the_largest_distance_while_ten_are_at_risk_in_both() -> None:
    treated = product_limit(np.array(TREATED, dtype=float), np.array(RELAPSED) == 1)
    placebo = product_limit(np.array(PLACEBO, dtype=float), np.ones(21, dtype=bool))
    # 10 of the treated are at risk until week 17, 12 of the others at week 8 and 8 at week 11
    assert (treated.firm, placebo.firm) == (17, 8)
    # at week 5: all of the treated, 12 of 21 of the others
    assert gap(treated, placebo) == gap(placebo, treated) == pytest.approx(1 - 12 / 21)
    assert gap(treated, product_limit(np.arange(9.0), np.ones(9, dtype=bool))) is None


def test_both_tables_are_drawn_by_group() -> None:
    found = survival(synthetic(TRIAL), Followed("weeks", "relapse", by="group", positive="yes"))
    assert isinstance(found, Survival)
    assert [(each.group, each.source, each.people, each.events) for each in found.curves] == [
        ("6-MP", "original", 21, 9),
        ("6-MP", "released", 21, 9),
        ("placebo", "original", 21, 21),
        ("placebo", "released", 21, 21),
    ]
    assert found.curves[0].times.tolist() == [0, 6, 7, 10, 13, 16, 22, 23, 35]
    assert found.curves[0].survival[-2:] == pytest.approx([0.4482, 0.4482], abs=5e-5)
    assert found.largest_gap.value == 0


def test_the_cox_model_is_the_published_one() -> None:
    model = Model("trial", "cox", "relapse", ("group",), time="weeks", positive="yes")
    [found] = fit_model(synthetic(TRIAL), model, np.random.default_rng(1)).coefficients

    # of two equally frequent values the first is compared with
    assert found.term == "group: placebo"
    assert found.original.value == pytest.approx(1.5721, abs=5e-4)
    assert (found.original.high - found.original.low) / 2 / 1.959964 == pytest.approx(0.4124, abs=5e-4)
    assert found.overlap.value == pytest.approx(1)
