"""The overlap of confidence intervals by hand, and regressions against published examples."""

from __future__ import annotations

import numpy as np
import pytest

from risk.results import Estimate
from risk.utility.asked import Model
from risk.utility.coefficients import fit_model, overlap
from tests.comparisons import synthetic


def interval(low: float, high: float) -> Estimate:
    return Estimate((low + high) / 2, low, high)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0, 4), (0, 4), 1),
        ((0, 4), (2, 6), 0.5),  # 2 of 4 of either
        ((0, 4), (1, 2), (1 / 4 + 1) / 2),  # one inside the other
        ((0, 2), (1, 9), (1 / 2 + 1 / 8) / 2),
        ((0, 4), (4, 6), 0),
        ((0, 4), (5, 6), 0),
        ((1, 1), (1, 1), 1),
        ((1, 1), (0, 4), (1 + 0) / 2),  # a point in an interval: all of the one, nothing of the other
    ],
)
def test_the_overlap_is_the_mean_of_both_shares(
    one: tuple[float, float], other: tuple[float, float], expected: float
) -> None:
    assert overlap(interval(*one), interval(*other)) == pytest.approx(expected)
    assert overlap(interval(*other), interval(*one)) == pytest.approx(expected)


def test_two_fresh_samples_overlap_by_seven_tenths() -> None:
    """Estimates of equal error lie √2 of it apart: the mean of max(0, 1 − |d| / (2 · 1.96)) by quadrature."""
    from scipy.stats import norm

    half = norm.ppf(0.975)
    distances = np.sqrt(2) * norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    found = np.mean([overlap(interval(-half, half), interval(d - half, d + half)) for d in distances])
    assert found == pytest.approx(0.713, abs=5e-4)


def test_a_linear_model_is_that_of_the_certified_example() -> None:
    """Longley, JASA 62 (1967), p. 819, with the certified values of NIST's Statistical Reference Datasets."""
    from statsmodels.datasets import longley

    data = longley.load_pandas().data
    terms = ("GNPDEFL", "GNP", "UNEMP", "ARMED", "POP", "YEAR")
    model = Model("jobs", "linear", "TOTEMP", terms)
    columns = {name: data[name].tolist() for name in ("TOTEMP", *terms)}
    found = fit_model(synthetic(columns), model, np.random.default_rng(1))

    certified = (
        ("GNPDEFL", 15.0618722713733, 84.9149257747669),
        ("GNP", -0.0358191792925910, 0.0334910077722432),
        ("UNEMP", -2.02022980381683, 0.488399681651699),
        ("ARMED", -1.03322686717359, 0.214274163161675),
        ("POP", -0.0511041056535807, 0.226073200069370),
        ("YEAR", 1829.15146461355, 455.478499142212),
    )
    quantile = 2.2621571628  # Student's t, 9 degrees of freedom
    for each, (term, value, error) in zip(found.coefficients, certified, strict=True):
        assert each.term == term
        assert each.original.value == pytest.approx(value, rel=1e-7)
        assert each.original.high - each.original.value == pytest.approx(quantile * error, rel=1e-7)
        assert each.released == each.original
        assert each.overlap.value == pytest.approx(1)


def test_a_logistic_model_is_that_of_the_textbook() -> None:
    """Spector and Mazzeo's data in Greene, Econometric Analysis (2003), table 21.1."""
    from statsmodels.datasets import spector

    data = spector.load_pandas().data
    columns = {name: data[name].tolist() for name in data.columns}
    model = Model("grade", "logistic", "GRADE", ("GPA", "TUCE", "PSI"))
    found = fit_model(synthetic(columns), model, np.random.default_rng(1)).coefficients

    assert [each.original.value for each in found] == pytest.approx([2.826, 0.095, 2.379], abs=5e-4)
    errors = [(each.original.high - each.original.low) / 2 / 1.959964 for each in found]
    assert errors == pytest.approx([1.263, 0.142, 1.065], abs=5e-4)
