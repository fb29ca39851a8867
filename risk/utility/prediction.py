"""What learners trained on the release know about real people, beside learners trained on real data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.baselines import independent
from risk.comparison import Comparison
from risk.figures import Figure, bootstrapped, not_estimated
from risk.results import Prediction
from risk.utility.formula import Unfit
from risk.utility.learners import LEARNERS, Measure, features, trained
from risk.utility.reading import read, readings
from risk.utility.sides import scaled
from risk.utility.threads import one_thread

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

MOST_ROWS = 12_000
"""Rows of as many people as fit are drawn; every one of them is predicted once."""
MOST_CLASSES = 5
FEWEST_ROWS = 20
FEWEST_OF_A_CLASS = 5
_REPLICATES = 200
_MANY = 3_000
_SHUFFLES, _ROWS_OF_FLOOR = 5, 2_000
UNSEEN = "needs people who were held out: a synthetic table's model has seen all others"


@dataclass(frozen=True, slots=True)
class _Round:
    """Rows to learn from and the rows ``at`` which what is learned is tested, in the same words."""

    train: pl.DataFrame
    test: pl.DataFrame
    at: Rows


@dataclass(frozen=True, slots=True)
class _Exam:
    """The rows that are predicted: their true target and their people (shape (rows,)).

    ``truth`` is a class number or a number, NaN where it is not told; ``words`` names for each class the word
    that the release has for it. ``classes`` are the true ones.
    """

    target: str
    measure: Measure
    truth: Floats
    people: Rows
    classes: tuple[str, ...] = ()
    words: tuple[str | None, ...] = ()


def predictions(comparison: Comparison, target: str, rng: np.random.Generator) -> tuple[Prediction, ...]:
    """Return how well each learner predicts ``target`` for real people it has not seen.

    All other columns are features. Of an anonymised table the people are dealt into parts: a part is
    predicted by what is learned from the other parts' people, from their released rows (in the release's
    words, against the true target) or from their real ones. A synthetic table is tested on the people who
    were held out. The floor is learned from the release with independent columns, several times. The measure
    is the area under the ROC curve (of several classes, the mean over the most frequent ones, each against
    all others) or the R² of a number; its interval is over the people tested, with the learners as they are.
    """
    try:
        with one_thread():
            return _predictions(_prepared(comparison, target), target, rng)
    except Unfit as reason:
        none = not_estimated(str(reason))
        return tuple(Prediction(target, learner, "auc", none, none) for learner in LEARNERS)


@dataclass(frozen=True, slots=True)
class _Material:
    """All rows as they are analysed: numbers, words and lists; ``words`` are the original's rows in those of
    the release."""

    comparison: Comparison
    truth: pl.DataFrame
    words: pl.DataFrame
    released: pl.DataFrame
    holdout: pl.DataFrame | None = None


def _prepared(comparison: Comparison, target: str) -> _Material:
    if target not in comparison.released.columns:
        raise Unfit(f"{target} is not in the release")
    ways = readings(comparison)
    if ways[target] == "codes":
        raise Unfit(f"{target} holds lists of codes")

    values = read(comparison.base[target], ways[target]).drop_nulls()
    is_class = values.dtype.is_float() and values.n_unique() <= 2

    def as_analysed(frame: pl.DataFrame) -> pl.DataFrame:
        columns = pl.DataFrame([read(frame[name], way) for name, way in ways.items()])
        return columns.with_columns(pl.col(target).cast(pl.String)) if is_class else columns

    given = (comparison.base, comparison.original, comparison.released, comparison.holdout)
    truth, words, released, *holdout = _scaled([as_analysed(each) for each in given if each is not None])
    return _Material(comparison, truth, words, released, *holdout)


def _scaled(frames: Sequence[pl.DataFrame]) -> list[pl.DataFrame]:
    """The frames with each column of numbers on one scale: learners have no room for very large ones."""
    ends = np.cumsum([frame.height for frame in frames])[:-1]
    made = list(frames)
    for name in (name for name, dtype in frames[0].schema.items() if dtype == pl.Float64):
        pooled = np.concatenate([frame[name].fill_null(np.nan).to_numpy() for frame in frames])
        columns = [pl.Series(name, part).fill_nan(None) for part in np.split(scaled(pooled), ends)]
        made = [frame.with_columns(column) for frame, column in zip(made, columns, strict=True)]
    return made


def _predictions(material: _Material, target: str, rng: np.random.Generator) -> tuple[Prediction, ...]:
    deal, mix = rng.spawn(2)
    if material.comparison.table == "synthetic" and material.holdout is not None:
        exam, real, released = _held_out(material, target, deal)
        how = "people who were held out"
    else:
        exam, real, released = _in_parts(material, target, deal)
        how = "people dealt into parts, each predicted by the others"
    floors = _shuffled(released[0], mix) if released else []
    results = []
    for learner in LEARNERS:
        results.append(
            Prediction(
                target,
                learner,
                exam.measure,
                _figure(exam, learner, released, how) if released else not_estimated(UNSEEN),
                _figure(replace(exam, words=exam.classes), learner, real, how),
                _floor(exam, learner, floors) if floors else None,
            )
        )
    return tuple(results)


def _held_out(
    material: _Material, target: str, rng: np.random.Generator
) -> tuple[_Exam, list[_Round], list[_Round]]:
    """The held-out people, for learners of the original and of the release with equally many rows."""
    assert material.holdout is not None
    assert material.comparison.holdout_people is not None
    rows = rng.permutation(material.holdout.height)[:MOST_ROWS]
    test = material.holdout[rows]
    exam = _exam(target, test[target], test[target], material.comparison.holdout_people[rows])
    seen = material.truth.filter(material.comparison.shown)
    most = min(MOST_ROWS, seen.height, material.released.height)
    trains = [frame[rng.permutation(frame.height)[:most]] for frame in (seen, material.released)]
    at = np.arange(test.height)
    real, released = ([_Round(train, test, at)] for train in trains)
    return exam, real, released


def _in_parts(
    material: _Material, target: str, rng: np.random.Generator
) -> tuple[_Exam, list[_Round], list[_Round]]:
    """The people themselves; nothing is learned from a synthetic table, whose model has seen them."""
    people, shown = material.comparison.people, material.comparison.shown
    rows, part = _dealt(people, rng)
    truth, words = material.truth[rows], material.words[rows]
    exam = _exam(target, truth[target], words[target], people[rows])
    real, released = [], []
    for each in np.unique(part):
        at, others = np.flatnonzero(part == each), np.flatnonzero(part != each)
        real.append(_Round(truth[others], truth[at], at))
        released.append(_Round(words[others[shown[rows][others]]], words[at], at))
    return exam, real, released if material.comparison.table == "anonymised" else []


def _dealt(people: Rows, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """The rows of people who are drawn, and the part each row belongs to: all of a person's to one."""
    _, person, counts = np.unique(people, return_inverse=True, return_counts=True)
    order = rng.permutation(len(counts))
    order = order[: max(1, int(np.searchsorted(np.cumsum(counts[order]), MOST_ROWS, side="right")))]
    part = np.full(len(counts), -1)
    part[order] = np.arange(len(order)) % (3 if len(people) > _MANY else 5)
    rows = np.flatnonzero(part[person] >= 0)
    return rows, part[person][rows]


def _exam(target: str, truth: pl.Series, words: pl.Series, people: Rows) -> _Exam:
    """What is asked of whom; raises ``Unfit`` where there is too little to ask."""
    told = truth.drop_nulls()
    if len(told) < FEWEST_ROWS:
        raise Unfit(f"only {len(told)} people to test on tell {target}")
    if truth.dtype.is_float():
        if told.n_unique() < 2:
            raise Unfit(f"{target} has one value")
        return _Exam(target, "r2", truth.fill_null(np.nan).to_numpy(), people)
    counts = told.rename("value").value_counts(name="rows").sort(["rows", "value"], descending=[True, False])
    enough = (pl.col("rows") >= FEWEST_OF_A_CLASS) & (pl.col("rows") <= len(told) - FEWEST_OF_A_CLASS)
    classes = counts.filter(enough)["value"].head(MOST_CLASSES).to_list()
    if not classes:
        raise Unfit(f"{target} has no two values that {FEWEST_OF_A_CLASS} people have")
    classes = [max(classes)] if counts.height == 2 else classes
    codes = np.full(len(truth), float(len(classes)))
    for code, value in enumerate(classes):
        codes[(truth == value).fill_null(False).to_numpy()] = code
    codes[truth.is_null().to_numpy()] = np.nan
    return _Exam(
        target, "auc", codes, people, tuple(classes), tuple(_word(truth, words, each) for each in classes)
    )


def _word(truth: pl.Series, words: pl.Series, value: str) -> str | None:
    """What the release mostly writes for a value; None where it tells nothing of it."""
    written = words.filter((truth == value).fill_null(False)).drop_nulls()
    counts = (
        written.rename("value").value_counts(name="rows").sort(["rows", "value"], descending=[True, False])
    )
    return counts["value"][0] if counts.height else None


def _figure(exam: _Exam, learner: str, rounds: Sequence[_Round], how: str) -> Figure:
    """How well a learner does on the rows whose target is known."""
    try:
        scores = _scores(exam, learner, rounds)
    except Unfit as reason:
        return not_estimated(str(reason), len(exam.truth))
    told = np.flatnonzero(np.isfinite(exam.truth))
    learned = max(each.train.height for each in rounds)
    quality = _quality(exam, scores)
    return bootstrapped(
        lambda rows: quality(told[rows]),
        exam.people[told],
        what=f"{_WHAT[exam.measure]} on {how}; learned from {learned} rows",
        replicates=_REPLICATES,
    )


def _quality(exam: _Exam, scores: Floats) -> Callable[[Rows], float]:
    """How good the scores of some rows are, all of which tell the target."""
    if exam.measure == "r2":
        return lambda rows: r_squared(exam.truth[rows], scores[rows, 0])
    ranks = [np.unique(scores[:, code], return_inverse=True)[1] for code in range(len(exam.classes))]
    return lambda rows: float(
        np.mean([area_under_curve(rank[rows], exam.truth[rows] == code) for code, rank in enumerate(ranks)])
    )


def _shuffled(first: _Round, rng: np.random.Generator) -> list[_Round]:
    """The same test after learning from independent columns; a few rows of them are as good as many."""
    train = first.train[rng.permutation(first.train.height)[:_ROWS_OF_FLOOR]]
    return [replace(first, train=independent(train, rng)) for _ in range(_SHUFFLES)]


def _floor(exam: _Exam, learner: str, rounds: Sequence[_Round]) -> Figure:
    """The mean over shuffles: where one column alone ranks people, noise ranks them well or badly by luck."""
    at = rounds[0].at[np.isfinite(exam.truth[rounds[0].at])]
    try:
        values = [_quality(exam, _scores(exam, learner, [each]))(at) for each in rounds]
    except Unfit as reason:
        return not_estimated(str(reason), len(at))
    what = f"{_WHAT[exam.measure]}, learned from independent columns; mean, lowest and highest of {_SHUFFLES}"
    return Figure(float(np.mean(values)), min(values), max(values), len(at), what)


_WHAT = {
    "auc": "area under the ROC curve (of several classes the mean of the most frequent against all others)",
    "r2": "R²",
}


def _scores(exam: _Exam, learner: str, rounds: Sequence[_Round]) -> Floats:
    """What is predicted of each row: shape (rows, classes), or (rows, 1) of a number."""
    scores = np.zeros((len(exam.truth), max(1, len(exam.classes))))
    for each in rounds:
        train = each.train.filter(pl.col(exam.target).is_not_null())
        y, columns = _targets(exam, train[exam.target])
        if len(np.unique(y)) < 2:
            raise Unfit(f"the rows to learn from tell at most one value of {exam.target}")
        known = train.drop(exam.target)
        encoding = features(known)
        predict = trained(learner, exam.measure, encoding.of(known), y)
        predicted = predict(encoding.of(each.test.drop(exam.target)))
        for column, code in columns:
            scores[each.at, column] = predicted[:, code]
    return scores


def _targets(exam: _Exam, told: pl.Series) -> tuple[NDArray[np.float64], list[tuple[int, int]]]:
    """What is learned, as numbers, and for each column of the scores the column of the prediction."""
    if exam.measure == "r2":
        return told.to_numpy(), [(0, 0)]
    words = sorted({word for word in exam.words if word is not None})
    y = np.full(len(told), float(len(words)))
    for code, word in enumerate(words):
        y[(told == word).to_numpy()] = code
    present = np.unique(y).tolist()
    places = {word: present.index(code) for code, word in enumerate(words) if code in present}
    return y, [(n, places[word]) for n, word in enumerate(exam.words) if word in places]


def area_under_curve(ranks: Rows, positive: NDArray[np.bool_]) -> float:
    """Return how often a positive row ranks above another, ties counted half; 0.5 where one kind is missing.

    ``ranks`` are numbers 0, 1, …, the higher the surer.
    """
    size = int(ranks.max(initial=0)) + 1
    ours = np.bincount(ranks[positive], minlength=size)
    others = np.bincount(ranks[~positive], minlength=size)
    pairs = ours.sum() * others.sum()
    below = np.cumsum(others) - others
    return float((ours * (below + others / 2)).sum() / pairs) if pairs else 0.5


def r_squared(truth: Floats, predicted: Floats) -> float:
    """Return the share of the variance that is explained: 1 all, 0 none, less where a mean does better."""
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - predicted) ** 2).sum()) / spread if spread else 0.0
