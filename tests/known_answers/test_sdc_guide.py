"""Individual risk, SUDA and DIS-SUDA on the example of the SDC Practice Guide.

Benschop, Machingauta and Welch, "Statistical Disclosure Control: A Practice Guide" (World Bank / IHSN; read
in its source, measure_risk.rst): table 4.1 (sample frequencies, population frequencies, risk, computed with
sdcMicro) and table 4.5 (SUDA and DIS-SUDA scores).
"""

from __future__ import annotations

from fractions import Fraction
from math import factorial

import numpy as np
import polars as pl
import pytest

from risk.reidentification.population import expected_risk
from risk.reidentification.special_uniques import dis, dis_scores, figures, special_uniques, weights

COLUMNS = ("residence", "gender", "education", "labour")
PEOPLE = [
    ("Urban", "Female", "Secondary incomplete", "Employed"),
    ("Urban", "Female", "Secondary incomplete", "Employed"),
    ("Urban", "Female", "Primary incomplete", "Non-LF"),
    ("Urban", "Male", "Secondary complete", "Employed"),
    ("Rural", "Female", "Secondary complete", "Unemployed"),
    ("Urban", "Male", "Secondary complete", "Employed"),
    ("Urban", "Female", "Primary complete", "Non-LF"),
    ("Urban", "Male", "Post-secondary", "Unemployed"),
    ("Urban", "Female", "Secondary incomplete", "Non-LF"),
    ("Urban", "Female", "Secondary incomplete", "Non-LF"),
]
TABLE = pl.DataFrame(PEOPLE, schema=COLUMNS, orient="row")

INDIVIDUAL_RISK = [
    (2, 360, 0.0054),
    (1, 215, 0.0251),
    (2, 152, 0.0126),
    (1, 186, 0.0282),
    (1, 180, 0.0290),
    (2, 262, 0.0074),
]
"""Table 4.1: the people of a class, those of the population by their weights, and the risk."""

SUDA = [0, 0, 6, 0, 12, 0, 6, 10, 0, 0]
DIS_SUDA = [0, 0, 0.0051, 0, 0.0107, 0, 0.0051, 0.0088, 0, 0]
"""Table 4.5; the guide's own remark is that its DIS-SUDA column needs comparing: see below."""


@pytest.mark.parametrize(("people", "population", "risk"), INDIVIDUAL_RISK)
def test_the_individual_risk_is_the_guide_s(people: int, population: int, risk: float) -> None:
    found = expected_risk(np.array([people]), people / population)
    assert found[0] == pytest.approx(risk, abs=5e-5)


def test_the_mean_of_the_individual_risks_is_the_guide_s() -> None:
    """ "The global risk in the example data … is 0.01582"."""
    frequencies = [2, 2, 1, 2, 1, 2, 1, 1, 2, 2]
    population = [360, 360, 215, 152, 186, 152, 180, 215, 262, 262]
    risks = [
        expected_risk(np.array([f]), f / whole)[0] for f, whole in zip(frequencies, population, strict=True)
    ]
    assert np.mean(risks) == pytest.approx(0.01582, abs=5e-6)


def test_the_suda_scores_are_the_guide_s() -> None:
    """The fifth record has {Rural} with 3 · 2 · 1 and three MSUs of two columns with 2 · 1 each."""
    found = special_uniques(TABLE, COLUMNS)
    assert weights(4, 3).tolist() == [6, 2, 1]
    assert found.by_size[4].tolist() == [1, 3, 0]
    assert found.scores.tolist() == SUDA
    assert figures(found)["special_uniques_share"].value == 0.4


def test_the_dis_suda_scores_are_the_guide_s() -> None:
    """The guide's column follows from the weights that sdcMicro had at the time, not from its SUDA column.

    For an MSU of k of n columns they were (2^(n-k) - 1) k! (n-k)! / n!; the sampling fraction is 0.01.
    """
    found = special_uniques(TABLE, COLUMNS)
    old = [(2 ** (4 - k) - 1) * factorial(k) * factorial(4 - k) / factorial(4) for k in (1, 2, 3)]
    file = dis(found, Fraction(1, 100))
    scores = dis_scores(found.by_size @ np.array(old), file, columns=4, alone=found.alone)
    assert (found.alone, found.in_pairs) == (4, 6)
    assert scores == pytest.approx(DIS_SUDA, abs=5e-5)


def test_the_contributions_are_sdcmicro_s() -> None:
    """sdcMicro's own test (tests/testthat/test_suda2.R): 50, 37.5 and 37.5 % for three records."""
    table = pl.DataFrame({"a": [2, 1, 1], "b": [0, 3, 0], "c": [0, 6, 0]}).cast(pl.String)
    found = special_uniques(table, ["a", "b", "c"])
    assert found.contributions.tolist() == [0.5, 0.375, 0.375]
