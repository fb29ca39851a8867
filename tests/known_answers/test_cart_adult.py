"""Trees on Adult (Kohavi 1996; 30,162 complete records, nine columns), four fifths of it learned from."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from synth.axes import Axis, Coded
from synth.methods.cart import fit
from tests.conftest import SHARED, needs_shared
from tests.synthetic_axes import apart, shares

pytestmark = needs_shared
LEARNED = 24_129
SALARY, AGE = 8, 1


@pytest.fixture(scope="module")
def halves() -> tuple[Coded, np.ndarray, np.ndarray]:
    """What is learned from, who is held out, and what is drawn: all in codes."""
    frame = pl.read_csv(SHARED / "data" / "adult" / "adult.csv", separator=";", infer_schema=False)
    values = [frame[name].unique().sort() for name in frame.columns]
    codes = np.column_stack([each.search_sorted(frame[each.name]) for each in values]).astype(np.int32)
    axes = tuple(
        Axis(each.name, len(each), each.cast(pl.Float64, strict=False).to_numpy(), each.name == "age")
        for each in values
    )
    order = np.random.default_rng(1).permutation(len(codes))
    learned, held_out = codes[order[:LEARNED]], codes[order[LEARNED:]]
    table = Coded(learned, axes, np.arange(LEARNED))
    return table, held_out, fit(table, np.random.default_rng(1)).sample(LEARNED, np.random.default_rng(2))


def area(learned: np.ndarray, asked: np.ndarray) -> float:
    """The area under the ROC curve of salaries told by gradient boosting."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    learner = HistGradientBoostingClassifier(
        max_iter=60, early_stopping=False, categorical_features=[0, *range(2, 8)], random_state=1
    )
    learner.fit(learned[:, :SALARY], learned[:, SALARY])
    return float(roc_auc_score(asked[:, SALARY], learner.predict_proba(asked[:, :SALARY])[:, 1]))


def test_salaries_are_told_nearly_as_well_as_from_real_people(
    halves: tuple[Coded, np.ndarray, np.ndarray],
) -> None:
    """Trained on real people .890; what the issue asks for is 98 % of that."""
    table, held_out, drawn = halves
    assert area(drawn, held_out) > 0.985 * area(table.codes, held_out)


def test_copies_are_no_more_than_among_people_held_out(halves: tuple[Coded, np.ndarray, np.ndarray]) -> None:
    table, held_out, drawn = halves
    known = {row.tobytes() for row in table.codes}
    copied, control = (np.mean([row.tobytes() in known for row in rows]) for rows in (drawn, held_out))
    assert copied < control + 2 * np.sqrt(control * (1 - control) / len(held_out))


def test_every_pair_of_columns_is_near_that_of_the_people(
    halves: tuple[Coded, np.ndarray, np.ndarray],
) -> None:
    """As far as people held out are, and a little further."""
    table, held_out, drawn = halves
    sizes = [axis.size for axis in table.axes]
    for one in range(9):
        for other in range(one):
            pair, cells = [one, other], (sizes[one], sizes[other])
            real = shares(table.codes[:, pair], *cells)
            assert (
                apart(real, shares(drawn[:, pair], *cells))
                < apart(real, shares(held_out[:, pair], *cells)) + 0.04
            )
