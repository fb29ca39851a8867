"""Three learners of different kinds, and the features they learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.figures import SEED

Floats = NDArray[np.float64]
Measure = Literal["auc", "r2"]
Predict = Callable[[Floats], Floats]

MOST_VALUES = 20
"""A category is told by its most frequent values, a list by its most frequent codes; the rest are one."""
FEWEST_ROWS = 5
_FURTHEST = 1e6
LEARNERS = ("linear", "random_forest", "gradient_boosting")


@dataclass(frozen=True, slots=True)
class Features:
    """How columns become features, decided by the rows that are learned from.

    ``numbers`` have their middle and spread, ``values`` the most frequent values of categories and ``codes``
    those of lists.
    """

    numbers: Mapping[str, tuple[float, float]]
    values: Mapping[str, Sequence[str]]
    codes: Mapping[str, Sequence[str]]

    def of(self, frame: pl.DataFrame) -> Floats:
        """Return the features of ``frame``: shape (rows, features), standardised, without NaN."""
        columns: list[pl.Expr] = []
        for name, (middle, spread) in self.numbers.items():
            standard = (pl.col(name).fill_null(middle) - middle) / spread
            # A row to be predicted may lie further out than the library has numbers for.
            columns.append(standard.clip(-_FURTHEST, _FURTHEST).alias(f"{name} 0"))
            columns.append(pl.col(name).is_null().alias(f"{name} 1"))
        for name, values in self.values.items():
            columns += [
                (pl.col(name) == value).fill_null(False).alias(f"{name} {n}")
                for n, value in enumerate(values)
            ]
            columns.append(pl.col(name).is_null().alias(f"{name} -1"))
        for name, values in self.codes.items():
            told = pl.col(name)
            columns += [
                told.list.contains(pl.lit(value)).fill_null(False).alias(f"{name} {n}")
                for n, value in enumerate(values)
            ]
            columns.append(told.list.len().fill_null(0).alias(f"{name} -1"))
        if not columns:
            return np.zeros((frame.height, 1))
        return frame.select(columns).cast(pl.Float64).to_numpy()


def features(train: pl.DataFrame) -> Features:
    """Return the features that ``train`` (Float64, String, List(String)) lets a learner use."""
    numbers, values, codes = {}, {}, {}
    for name, dtype in train.schema.items():
        column = train[name]
        if dtype == pl.Float64:
            told = column.drop_nulls().to_numpy()
            if len(told):
                numbers[name] = float(np.median(told)), float(np.std(told)) or 1.0
        elif dtype == pl.List:
            codes[name] = _frequent(column.explode(empty_as_null=True))
        else:
            values[name] = _frequent(column)
    return Features(numbers, values, codes)


def _frequent(column: pl.Series) -> list[str]:
    counts = column.rename("value").drop_nulls().value_counts(name="rows")
    counts = counts.filter(pl.col("rows") >= FEWEST_ROWS).sort(["rows", "value"], descending=[True, False])
    return list(counts["value"].head(MOST_VALUES))


def trained(learner: str, measure: Measure, x: Floats, y: NDArray[Any]) -> Predict:
    """Return what a ``learner`` trained on features ``x`` and targets ``y`` predicts.

    Classes are numbers 0, 1, … in ``y``; the prediction of rows then has shape (rows, classes in ``y``), in
    ascending order. A number's has shape (rows, 1). The same rows give the same learner.
    """
    return _classifier(learner, x, y) if measure == "auc" else _regressor(learner, x, y)


_FOREST = {"n_estimators": 40, "min_samples_leaf": 10, "random_state": SEED}
_BOOSTED = {"n_estimators": 60, "subsample": 0.5, "max_features": "sqrt", "random_state": SEED}
"""Learners of one thread: the sums of several come in another order every time."""


def _classifier(learner: str, x: Floats, y: NDArray[Any]) -> Predict:
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    made = {
        "linear": lambda: OneVsRestClassifier(LogisticRegression(solver="liblinear")),
        "random_forest": lambda: RandomForestClassifier(**_FOREST),
        "gradient_boosting": lambda: GradientBoostingClassifier(**_BOOSTED),
    }[learner]()
    fitted = _quietly(made, x, y)
    return lambda rows: np.asarray(fitted.predict_proba(rows), dtype=np.float64)


def _regressor(learner: str, x: Floats, y: NDArray[Any]) -> Predict:
    from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
    from sklearn.linear_model import Ridge

    made = {
        "linear": lambda: Ridge(),
        "random_forest": lambda: RandomForestRegressor(**_FOREST, max_features="sqrt"),
        "gradient_boosting": lambda: GradientBoostingRegressor(**_BOOSTED),
    }[learner]()
    fitted = _quietly(made, x, y)
    return lambda rows: np.asarray(fitted.predict(rows), dtype=np.float64)[:, None]


def _quietly(made: Any, x: Floats, y: NDArray[Any]) -> Any:
    """The learner after it has learned; one that stops early is as good as it got."""
    import warnings

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return made.fit(x, y)
