"""The propensity score's mean squared error, over what it is where both tables have one distribution.

A model predicts whether a row is released; pMSE is the mean squared distance of its predictions from the
share c of released rows (Snoke, Raab, Nowok, Dibben and Slavkovic, JRSS A 181 (2018), p. 663). Of the
original and a table drawn from the original's distribution a logistic regression with k coefficients has
E[pMSE] = (k - 1) (1 - c)^2 c / N (their equation for the null): the ratio is then about 1, of a verbatim copy
0. A fresh sample of real people, which does not rest on the original's people, has about 1 / (1 - c).

Where only some of the n original rows are compared, n1 with n2 released ones, the share of the variance that
lies in the original's rows counts for 1/n1 - 1/n instead of nothing: E[pMSE] = (k - 1) c (1 - c) / N times
(1/n1 + 1/n2 - 1/n) / (1/n1 + 1/n2), which is the equation above for n1 = n.

Main effects alone can't tell independent columns from the release. So the headline is a classification tree,
whose null is what it finds with the labels permuted.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from risk.figures import Figure, not_estimated
from risk.results import Marked
from risk.utility.pairing import Pairing, design, ordinal, pairings
from risk.utility.sides import Encoded, Sides, encoded
from risk.utility.threads import one_thread

ROWS = 20_000
TREE_ROWS = 10_000
CODES = 20
LABELS = 20
FEW = 12
"""With more regressors than this there are no interactions."""
PERMUTATIONS = 10
LEAF = 50
LEAST_ROWS = 50
_FEW_ROWS = f"needs {LEAST_ROWS} rows of each table"
_PENALTY = 1e-6
_Z = 1.96
Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Propensity:
    """The pMSE ratio of a tree, which is the headline, and that of a logistic regression."""

    tree: Marked
    logistic: Marked


def propensity(both: Sides, rng: np.random.Generator, *, drawn_from: int = 0) -> Propensity:
    """Return the pMSE ratios; 1 means that both tables may be of one distribution.

    ``both`` should be in the release's words: otherwise every band tells a released row from an original one.
    ``drawn_from`` says of how many original rows those in ``both`` are a sample, 0 of themselves. A ratio
    above 1 grows with the number of rows: those of tables of different sizes do not compare.
    """
    cells = encoded(both, codes=CODES, labels=LABELS)
    with one_thread():
        trees = _tree_ratios(cells, pairings(both, TREE_ROWS, rng, equal=False), rng)
        models = {
            name: logistic_ratio(design(cells, pairing.rows, interactions_up_to=FEW), pairing)
            for name, pairing in pairings(both, ROWS, rng, equal=False, drawn_from=drawn_from).items()
        }
    return Propensity(_marked(trees), _marked(models))


def pmse(predicted: Floats, released: Labels) -> float:
    """Return the mean squared distance of predictions (rows,) from the share of released rows."""
    return float(np.square(predicted - released.mean()).mean())


def expected_pmse(rank: int, pairing: Pairing) -> float:
    """Return E[pMSE] of a logistic regression of this rank, the intercept included, under the null."""
    n1, n2 = len(pairing.first), len(pairing.second)
    c = n2 / (n1 + n2)
    apart = 1 / n1 + 1 / n2
    return (rank - 1) * c * (1 - c) / (n1 + n2) * (apart - 1 / pairing.whole[0]) / apart


def logistic_ratio(regressors: Floats, pairing: Pairing) -> Figure:
    """Return the pMSE ratio of a logistic regression on regressors (rows, regressors).

    Under the null (k - 1) times the ratio has a chi-squared distribution of k - 1 degrees; otherwise a
    non-central one, whose variance makes the interval. Rows are taken as independent.
    """
    n = len(pairing.first) + len(pairing.second)
    if min(len(pairing.first), len(pairing.second)) < LEAST_ROWS:
        return not_estimated(_FEW_ROWS, n)
    rank = int(np.linalg.matrix_rank(np.cov(regressors, rowvar=False))) + 1 if regressors.shape[1] else 1
    if rank == 1:
        return not_estimated("no column varies", n)
    ratio = pmse(_fitted(regressors, pairing.labels), pairing.labels) / expected_pmse(rank, pairing)
    beyond = max(0.0, (rank - 1) * (ratio - 1))
    half = _Z * sqrt(2 * (rank - 1 + 2 * beyond)) / (rank - 1)
    what = f"logistic regression with {rank - 1} regressors on {pairing.told}, over its expectation"
    interval = "interval, 95 %, of a non-central chi-squared"
    return Figure(ratio, max(0.0, ratio - half), ratio + half, n, f"{what}; {interval}")


def tree_ratio(features: Floats, pairing: Pairing, nulls: Floats) -> Figure:
    """Return the pMSE ratio of a classification tree on features (rows, columns).

    ``nulls`` are what ``permuted`` found, whose mean is the denominator. Their spread makes the interval: it
    is that of a ratio of 1, and too narrow for a large one.
    """
    n = len(features)
    if min(len(pairing.first), len(pairing.second)) < LEAST_ROWS:
        return not_estimated(_FEW_ROWS, n)
    if not len(nulls) or not nulls.mean():
        return not_estimated("needs more rows, and columns, for a tree to be grown", n)
    ratio = float(_tree_pmse(features, pairing.labels) / nulls.mean())
    half = _Z * float(nulls.std(ddof=1) / nulls.mean()) * sqrt(1 + 1 / len(nulls))
    what = f"classification tree on {pairing.told}, over the mean of {len(nulls)} permutations"
    interval = "interval, 95 %, of the permutations' spread"
    return Figure(ratio, max(0.0, ratio - half), ratio + half, n, f"{what}; {interval}")


def permuted(features: Floats, pairing: Pairing, rng: np.random.Generator) -> Floats:
    """Return the pMSE of trees with the labels permuted: float64, empty where there is nothing to learn."""
    labels = pairing.labels
    if not (len(pairing.first) and len(pairing.second) and features.shape[1]):
        return np.zeros(0)
    return np.array([_tree_pmse(features, rng.permutation(labels)) for _ in range(PERMUTATIONS)])


def _tree_ratios(
    cells: Encoded, compared: Mapping[str, Pairing], rng: np.random.Generator
) -> dict[str, Figure]:
    """The ratios by what is compared; tables of the same sizes share one null, which their size makes."""
    nulls: dict[tuple[int, int], Floats] = {}
    found = {}
    for name, pairing in compared.items():
        features, size = ordinal(cells, pairing.rows), (len(pairing.first), len(pairing.second))
        if size not in nulls:
            nulls[size] = permuted(features, pairing, rng)
        found[name] = tree_ratio(features, pairing, nulls[size])
    return found


def _tree_pmse(features: Floats, labels: Labels) -> float:
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(min_samples_leaf=LEAF, random_state=0).fit(features, labels)
    return pmse(tree.predict_proba(features)[:, 1], labels)


def _fitted(regressors: Floats, labels: Labels) -> Floats:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # Tables that a regressor tells apart have no finite maximum; the predictions are near it anyway.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(C=1 / _PENALTY, solver="newton-cholesky", max_iter=50)
        fitted: Floats = model.fit(regressors, labels).predict_proba(regressors)[:, 1]
    return fitted


def _marked(found: dict[str, Figure]) -> Marked:
    return Marked(
        found["released"], floor=found["floor"], ceiling=found["ceiling"], bootstrap=found["bootstrap"]
    )
