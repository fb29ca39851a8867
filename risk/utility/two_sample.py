"""How often a classifier tells a released row from an original one: 50 % is guessing.

The classifier two-sample test (Lopez-Paz and Oquab, ICLR 2017): equally many rows of both tables, a
gradient-boosted model, predictions for rows it was not trained on. All rows of a person are predicted
together. Of a verbatim copy the accuracy may fall below one half: a model that remembers a row predicts its
twin of the other table wrongly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from risk.figures import Figure, not_estimated, share
from risk.results import Marked
from risk.utility.pairing import Pairing, ordinal, pairings
from risk.utility.sides import Encoded, Sides, encoded
from risk.utility.threads import one_thread

ROWS = 10_000
FOLDS = 5
ITERATIONS = 50
CODES = 20
LABELS = 50
_LEAST_ROWS = 50
_TWINS = (
    "below one half, which is not guessing: what was learned of some rows is wrong of others, as of a copy's "
    "or of few rows"
)
_Z = 1.96
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TwoSample:
    """The classifier's accuracy and the area under its ROC curve."""

    accuracy: Marked
    auc: Marked


def two_sample(both: Sides, rng: np.random.Generator) -> TwoSample:
    """Return how well a classifier tells the tables apart, 0.5 not at all, 1 every row.

    ``both`` should be in the release's words. What this classifier does not find another one may.
    """
    cells = encoded(both, codes=CODES, labels=LABELS)
    with one_thread():
        found = {
            name: _told_apart(cells, both, pairing, rng)
            for name, pairing in pairings(both, ROWS, rng, equal=True).items()
            if name != "bootstrap"
        }
    accuracies, aucs = ({name: pair[i] for name, pair in found.items()} for i in (0, 1))
    return TwoSample(_marked(accuracies), _marked(aucs))


def _told_apart(
    cells: Encoded, both: Sides, pairing: Pairing, rng: np.random.Generator
) -> tuple[Figure, Figure]:
    n = len(pairing.first)
    if n < _LEAST_ROWS or not cells.names:
        nothing = not_estimated(f"needs {_LEAST_ROWS} rows of each table", n)
        return nothing, nothing
    scores = _predicted(cells, pairing, _folds(both, pairing, rng))
    return accuracy(scores, pairing), area(scores, pairing)


def accuracy(scores: Floats, pairing: Pairing) -> Figure:
    """Return the share of rows (scores, float64) predicted rightly; a score of just 0.5 is half right."""
    right = np.where(scores == 0.5, 0.5, (scores > 0.5) == pairing.labels)
    what = f"gradient boosting, {FOLDS} folds, {pairing.told}"
    found = share(round(right.sum()), len(scores), what)
    if found.high is not None and found.high < 0.5:
        return replace(found, method=f"{found.method}; {_TWINS}")
    return found


def area(scores: Floats, pairing: Pairing) -> Figure:
    """Return the AUC of scores with the interval of Hanley and McNeil, Radiology 143 (1982), p. 29."""
    from scipy.stats import rankdata

    n = len(pairing.first)
    auc = float((rankdata(scores)[n:].sum() - n * (n + 1) / 2) / n**2)
    twice, squared = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = (auc * (1 - auc) + (n - 1) * (twice - auc**2 + squared - auc**2)) / n**2
    half = _Z * sqrt(max(0.0, variance))
    what = f"area under the ROC curve, {pairing.told}; interval, 95 %, by Hanley and McNeil"
    return Figure(auc, max(0.0, auc - half), min(1.0, auc + half), 2 * n, what)


def _folds(both: Sides, pairing: Pairing, rng: np.random.Generator) -> NDArray[np.int64]:
    """Which fold each row is in: that of its person, where it has one."""
    rows, people = pairing.rows, both.people
    fold_of_person = rng.integers(0, FOLDS, int(people.max(initial=-1)) + 1)
    folds = rng.integers(0, FOLDS, len(rows))
    real = rows < len(people)
    folds[real] = fold_of_person[people[rows[real]]]
    return folds


def _predicted(cells: Encoded, pairing: Pairing, folds: NDArray[np.int64]) -> Floats:
    from sklearn.ensemble import HistGradientBoostingClassifier

    features, labels = ordinal(cells, pairing.rows), pairing.labels
    kinds = [name in cells.categories for name in cells.names]
    scores = np.full(len(labels), 0.5)
    for fold in range(FOLDS):
        tested = folds == fold
        if not tested.any() or len(np.unique(labels[~tested])) < 2:
            continue
        model = HistGradientBoostingClassifier(
            max_iter=ITERATIONS, categorical_features=kinds, early_stopping=False, random_state=0
        )
        model.fit(features[~tested], labels[~tested])
        scores[tested] = model.predict_proba(features[tested])[:, 1]
    return scores


def _marked(found: dict[str, Figure]) -> Marked:
    return Marked(found["released"], floor=found["floor"], ceiling=found["ceiling"])
