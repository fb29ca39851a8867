"""Measures of utility by hand on small tables, and beside scipy's, statsmodels' and scikit-learn's."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from risk.utility.associations import apart, cramers_v, matrix
from risk.utility.pairing import Pairing, design
from risk.utility.propensity import expected_pmse, logistic_ratio, pmse
from risk.utility.sides import Encoded, sides
from risk.utility.two_sample import area
from risk.utility.univariate import Univariate, univariate
from tests.utility_tables import compared, drawn


def measured(original: pl.DataFrame, released: pl.DataFrame) -> Univariate:
    comparison = compared(original, released)
    rng = np.random.default_rng(0)
    return univariate(sides(comparison, rng), sides(comparison, rng, "labels"), rng)


def test_total_variation_is_half_the_sum_of_differences() -> None:
    """Original a a b b, release a c c missing: |1/2 - 1/4| + |1/2 - 0| + |0 - 1/2| + |0 - 1/4|, over 2."""
    original = pl.DataFrame({"c": ["a", "a", "b", "b"]})
    found = measured(original, pl.DataFrame({"c": ["a", "c", "c", None]}))
    difference = found.differences[0]
    assert difference.total_variation.figure.value == pytest.approx(0.75)
    assert difference.wasserstein is None
    assert difference.coverage is not None
    assert difference.coverage.value == 0.5


def test_total_variation_of_codes_compares_their_shares() -> None:
    """Of four codes x x y z, and of two codes x y: |1/2 - 1/2| + |1/4 - 1/2| + |1/4 - 0|, over 2."""
    kind = {"c": pl.List(pl.String)}
    original = pl.DataFrame({"c": [["x"], ["x", "y"], ["z"], None]}, schema=kind)
    found = measured(original, pl.DataFrame({"c": [["x"], ["y"], [], None]}, schema=kind))
    assert found.differences[0].total_variation.figure.value == pytest.approx(0.25)
    assert found.coverage.value == pytest.approx(2 / 3)


def test_wasserstein_by_hand_and_beside_scipy() -> None:
    """Everybody is moved by 1 within a range of 4 (0 to 4)."""
    from scipy.stats import wasserstein_distance

    original, released = pl.DataFrame({"x": [0.0, 1.0, 3.0]}), pl.DataFrame({"x": [1.0, 2.0, 4.0]})
    found = measured(original, released).differences[0].wasserstein
    assert found is not None
    assert found.figure.value == pytest.approx(1 / 4)
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=80), rng.exponential(size=57)
    reference = wasserstein_distance(first, second) / np.ptp(np.concatenate([first, second]))
    drawn_ = measured(pl.DataFrame({"x": first}), pl.DataFrame({"x": second})).differences[0].wasserstein
    assert drawn_ is not None
    assert drawn_.figure.value == pytest.approx(reference)


def test_cramers_v_by_hand() -> None:
    """20 and 20 on the diagonal of two by two: phi² = 1, less 1/39, over (2 - 1/39) - 1: the root of 38/38.

    Independent counts 10, 10, 10, 10 have phi² = 0, which the correction leaves at 0.
    """
    assert cramers_v(np.diag([20, 20])) == pytest.approx(1)
    assert cramers_v(np.full((2, 2), 10)) == 0
    # 15, 5, 5, 15: phi² = 1/4, corrected 1/4 - 1/39, over 38/39
    expected = sqrt((1 / 4 - 1 / 39) / (38 / 39))
    assert cramers_v(np.array([[15, 5], [5, 15]])) == pytest.approx(expected)


def test_cramers_v_beside_scipys_chi_squared() -> None:
    """Bergsma, J. Korean Stat. Soc. 42 (2013), p. 324, on scipy's statistic; empty columns are none."""
    from scipy.stats import chi2_contingency

    table = np.random.default_rng(5).integers(1, 30, (4, 6))
    n, (r, c) = table.sum(), table.shape
    phi = max(0, chi2_contingency(table, correction=False).statistic / n - (r - 1) * (c - 1) / (n - 1))
    sides_ = [side - (side - 1) ** 2 / (n - 1) for side in (r, c)]
    reference = sqrt(phi / (min(sides_) - 1))
    assert cramers_v(table) == pytest.approx(reference)
    assert cramers_v(np.insert(table, 2, 0, axis=1)) == pytest.approx(reference)


def test_the_matrix_beside_scipy() -> None:
    from scipy.stats import f_oneway, spearmanr

    rng = np.random.default_rng(8)
    x, codes = rng.normal(size=200), rng.integers(0, 4, 200).astype(np.int32)
    y = np.round(x + codes + rng.normal(size=200))
    found = matrix({"x": x, "y": y, "c": codes, "one": np.zeros(200)})
    assert found[0, 1] == pytest.approx(abs(spearmanr(x, y).statistic))
    f = f_oneway(*(y[codes == code] for code in range(4))).statistic
    assert found[1, 2] == pytest.approx(sqrt(3 * f / (3 * f + 196)))
    assert found[3].tolist() == [0, 0, 0, 1]
    assert (found == found.T).all()


def test_associations_count_the_rows_that_have_both_cells() -> None:
    rng = np.random.default_rng(9)
    x, y = rng.normal(size=(2, 100))
    codes = rng.integers(0, 3, 100).astype(np.int32)
    both = np.arange(100) >= 30
    held = {"x": np.where(both, x, np.nan), "c": np.where(both, codes, -1).astype(np.int32)}
    found = matrix({**held, "y": y})
    alone = matrix({"x": x[30:], "c": codes[30:], "y": y[30:]})
    assert found[1] == pytest.approx(alone[1], abs=1e-9)
    assert found[0, 1] == pytest.approx(alone[0, 1], abs=1e-9)


def test_the_difference_of_matrices_is_the_mean_over_pairs() -> None:
    first, second = np.eye(3), np.eye(3)
    second[0, 1] = second[1, 0] = 0.6
    assert apart(first, second) == pytest.approx(0.2)


def test_pmse_by_hand() -> None:
    """Predictions 1 and 0 for one released row of two: (1/2)² each. Of one half each: 0."""
    labels = np.array([True, False])
    assert pmse(np.array([1.0, 0.0]), labels) == 0.25
    assert pmse(np.array([0.5, 0.5]), labels) == 0


def pairing(first: int, second: int, whole: int | None = None) -> Pairing:
    rows = np.arange(first + second)
    return Pairing(rows[:first], rows[first:], (whole or first, second))


def test_the_expectation_is_the_papers() -> None:
    """(k - 1) (1 - c)² c / N: for k = 3 and 300 of 400 rows released 2 · 1/16 · 3/4 / 400."""
    assert expected_pmse(3, pairing(100, 300)) == pytest.approx(2 / 16 * 3 / 4 / 400)
    # of a vanishing part of the original both samples are as good as independent: c (1 - c) (k - 1) / N
    assert expected_pmse(3, pairing(100, 100, 10**9)) == pytest.approx(2 / 4 / 200, rel=1e-6)


def test_the_logistic_ratio_beside_statsmodels() -> None:
    from statsmodels.api import Logit, add_constant

    original, released = drawn(300, 1), drawn(200, 2, shift=0.5)
    cells = encoded_numbers(original, released)
    compared_ = pairing(300, 200)
    x = design(cells, compared_.rows, interactions_up_to=12)
    fitted = Logit(compared_.labels, add_constant(x)).fit(disp=0).predict()
    reference = pmse(fitted, compared_.labels) / expected_pmse(x.shape[1] + 1, compared_)
    assert x.shape[1] == 3
    assert logistic_ratio(x, compared_).value == pytest.approx(reference, rel=1e-3)


def encoded_numbers(original: pl.DataFrame, released: pl.DataFrame) -> Encoded:
    """Both tables' columns x and y as arrays."""
    together = pl.concat([original, released])
    columns: dict[str, NDArray[Any]] = {name: together[name].to_numpy() for name in ("x", "y")}
    return Encoded(columns, {})


def test_the_area_under_the_curve_beside_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score

    scores = np.round(np.random.default_rng(2).normal(size=60) + np.repeat([0, 1], 30), 1)
    found = area(scores, pairing(30, 30))
    assert found.value == pytest.approx(roc_auc_score(np.repeat([0, 1], 30), scores))
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
