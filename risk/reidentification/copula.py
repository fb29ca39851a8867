"""How likely a claimed match of a record is right, by a Gaussian copula fitted to the table.

The estimator of Rocher, Hendrickx and de Montjoye, "Estimating the success of re-identifications in
incomplete datasets using generative models", Nature Communications 10:3069, 2019. A record whose combination
of values has probability p shares it with a binomial number of the n - 1 others of a population; whoever
claims that it is about a person with that combination is right with probability xi = (1 - (1 - p)^n) / (n p),
and nobody else has it with probability (1 - p)^(n - 1).

What is chosen here: each column's shares are those of the table; categories without an order get the one in
which they go best with the first principal component of all columns; two sets of pairwise correlations are
fitted. For single records they have the greatest likelihood (polychoric, Olsson, Psychometrika 44, 1979). For
the mean over the population they give the mutual information that the table has, less what chance gives, as
the article matches it: that also tells of dependence which no order shows, and a population drawn from that
model is as unique as the real one more often (docs/risk.md); but single cells then lie in wrong places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from risk.figures import Figure, not_estimated
from risk.reidentification.normal_cells import Floats, Ints, cells, cuts, pair_cells
from risk.reidentification.subsets import codes

if TYPE_CHECKING:
    import polars as pl

RECORDS = 1000
"""Records whose own probability is computed, and people drawn from the model."""
ROWS = 20_000
"""Rows that correlations are fitted on."""
POINTS = 256
_BINS = 32
"""Categories are joined to so many for the fit of correlations alone."""
_ORDERED = 20
"""A column of numbers keeps their order if it has more distinct ones; fewer may be codes."""
_SHUFFLES = 5
_ROUNDS = 10
_SHRINK = 5
"""A category's place is drawn to the middle by as many rows."""
_SMALLEST_EIGENVALUE = 1e-4
_LARGEST_RHO = 0.99


@dataclass(frozen=True, slots=True)
class Correctness:
    """What the model says about a table of ``records`` people whose population has ``population``.

    ``rows`` (int64, shape (sampled,)) are the records of which ``correct`` (xi) and ``unique`` (float64, same
    shape) were computed. ``drawn_correct`` and ``drawn_unique`` are the same of people drawn from the model,
    whose means are the population's correctness and uniqueness.
    """

    records: int
    population: int
    rows: Ints
    correct: Floats
    unique: Floats
    drawn_correct: Floats
    drawn_unique: Floats

    def __post_init__(self) -> None:
        for name in ("rows", "correct", "unique", "drawn_correct", "drawn_unique"):
            getattr(self, name).setflags(write=False)


def correctness(
    frame: pl.DataFrame,
    columns: Sequence[str],
    population: int,
    *,
    rng: np.random.Generator,
    people: Ints | None = None,
) -> Correctness:
    """Return the model's answers for at most ``RECORDS`` records, and as many people of its own.

    The table is taken for a simple random sample of the population. ``people`` (shape (records,)) numbers who
    each record is about; of several only the first is looked at. Missing is a value like any other.

    Raises:
        ValueError: there are no records or columns, or the population is smaller than the table.
    """
    if people is not None:
        frame = frame[np.sort(np.unique(people, return_index=True)[1])]
    if not frame.height or not columns or population < frame.height:
        raise ValueError("a table has records and columns, and its population as many people")
    table = ordered(frame, columns)
    thresholds = [cuts(np.bincount(column) / len(column)) for column in table.T]
    fitted = table[np.sort(rng.permutation(len(table))[:ROWS])]
    likely, informed = correlations(fitted, rng)
    rows = np.sort(rng.permutation(len(table))[:RECORDS])
    own = cells(table[rows], thresholds, likely, points=POINTS, rng=rng)
    drawn = _drawn(RECORDS, thresholds, informed, rng)
    others = cells(drawn, thresholds, informed, points=POINTS, rng=rng)
    return Correctness(
        frame.height, population, rows, *_answers(own, population), *_answers(others, population)
    )


def figures(found: Correctness | None) -> dict[str, Figure]:
    """Return the figures by name: ``rocher_correctness_average`` and ``_max``, ``rocher_uniqueness``.

    The means' intervals tell how few people were drawn from the model, not how wrong it is; where not all
    records were looked at, the largest is known from below.
    """
    if found is None:
        lacking = not_estimated("needs the population's size (risk.population)")
        return dict.fromkeys(
            ("rocher_correctness_average", "rocher_correctness_max", "rocher_uniqueness"), lacking
        )
    sampled, largest = len(found.rows), float(found.correct.max())
    model = "model: Gaussian copula (Rocher et al. 2019)"
    told = f"{model}; probability that a claimed match is right, largest of {sampled} records"
    return {
        "rocher_correctness_average": _mean(
            found.drawn_correct, found, f"{model}; mean probability that a claimed match is right"
        ),
        "rocher_correctness_max": Figure(
            largest, largest, largest if sampled == found.records else 1.0, found.records, told
        ),
        "rocher_uniqueness": _mean(
            found.drawn_unique, found, f"{model}; share of people unique in the population"
        ),
    }


def ordered(frame: pl.DataFrame, columns: Sequence[str]) -> Ints:
    """Return the table as places 0, 1, … of categories in an order, shape (records, columns).

    Many distinct numbers keep their order. Other categories are ordered by the mean, over their records, of
    what the other columns say about the first principal component; that is repeated until it settles (rank-1
    optimal scaling, Gifi 1990).
    """
    coded = [_numbered(frame[name]) for name in columns]
    scores = [_standard(_middles(column)[column]) for column, _ in coded]
    free = [j for j, (_, has_order) in enumerate(coded) if not has_order]
    for _ in range(_ROUNDS if len(columns) > 1 else 0):
        _rescored(scores, [column for column, _ in coded], free)
    places = [_ranked(column, scores[j]) if j in free else column for j, (column, _) in enumerate(coded)]
    return np.stack(places, axis=1)


def _rescored(scores: list[Floats], table: Sequence[Ints], free: Sequence[int]) -> None:
    """Give each category of the ``free`` columns the mean of what the other columns say of its records."""
    # no matrix product: threads that wait for one another take longer than the sums
    products = np.array([[float((a * b).sum()) for b in scores] for a in scores])
    weights = np.linalg.eigh(products)[1][:, -1]
    component = np.sum([weight * score for weight, score in zip(weights, scores, strict=True)], axis=0)
    for j in free:
        component -= weights[j] * scores[j]
        mean = np.bincount(table[j], weights=component) / (np.bincount(table[j]) + _SHRINK)
        if np.ptp(mean) > 0:
            scores[j] = _standard(mean[table[j]])
        component += weights[j] * scores[j]


def correlations(table: Ints, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return two correlation matrices: the likeliest ones, and those with the table's mutual information."""
    joined = [_joined(column) for column in table.T]
    likely, informed = np.eye(table.shape[1]), np.eye(table.shape[1])
    for i, first in enumerate(joined):
        for j, second in enumerate(joined[:i]):
            rho, matched = _pair(first, second, rng)
            likely[i, j] = likely[j, i] = rho
            informed[i, j] = informed[j, i] = matched
    return _proper(likely), _proper(informed)


def _answers(probability: Floats, population: int) -> tuple[Floats, Floats]:
    """xi and the probability of being unique, for cells of ``probability``."""
    log_others = np.log1p(-np.minimum(probability, 1 - 1e-15))
    correct = -np.expm1(population * log_others) / (population * probability)
    return np.minimum(correct, 1.0), np.exp((population - 1) * log_others)


def _mean(values: Floats, found: Correctness, told: str) -> Figure:
    mean, error = float(values.mean()), 1.96 * float(values.std()) / len(values) ** 0.5
    method = f"{told}, by {len(values)} people drawn from it; interval of the drawing, 95 %"
    return Figure(mean, max(0.0, mean - error), min(1.0, mean + error), found.records, method)


def _drawn(count: int, thresholds: Sequence[Floats], correlation: Floats, rng: np.random.Generator) -> Ints:
    """The categories of people drawn from the model, shape (count, columns)."""
    normal = rng.standard_normal((count, len(thresholds))) @ np.linalg.cholesky(correlation).T
    places = [np.searchsorted(cut[1:-1], normal[:, j]) for j, cut in enumerate(thresholds)]
    return np.stack(places, axis=1).astype(np.int64)


def _numbered(series: pl.Series) -> tuple[Ints, bool]:
    """A column's categories, and whether their numbers are an order."""
    import polars as pl

    if not isinstance(series.dtype, pl.List):
        numbers = series.cast(pl.Float64, strict=False)
        if numbers.null_count() == series.null_count() and numbers.n_unique() > _ORDERED:
            return _in_order(numbers), True
    return codes(series), False


def _in_order(numbers: pl.Series) -> Ints:
    """The places of numbers in their order, missing ones first."""
    import polars as pl

    rank = numbers.rank("dense").cast(pl.Int64).fill_null(0).to_numpy()
    return np.unique(rank, return_inverse=True)[1].astype(np.int64)


def _middles(column: Ints) -> Floats:
    count = np.bincount(column)
    return np.asarray((np.cumsum(count) - count / 2) / len(column))


def _standard(values: Floats) -> Floats:
    spread = values.std()
    return np.asarray((values - values.mean()) / spread if spread > 0 else values * 0.0)


def _ranked(column: Ints, scores: Floats) -> Ints:
    """The categories numbered by their score; equal scores keep their order."""
    by_category = np.zeros(int(column.max()) + 1)
    by_category[column] = scores
    place = np.empty(len(by_category), dtype=np.int64)
    place[np.argsort(by_category, kind="stable")] = np.arange(len(by_category))
    return place[column]


def _joined(column: Ints) -> Ints:
    """Neighbouring categories joined to at most ``_BINS`` of about equal frequency."""
    if column.max() < _BINS:
        return np.unique(column, return_inverse=True)[1].astype(np.int64)
    bins = (_middles(column) * _BINS).astype(np.int64)
    return np.unique(bins[column], return_inverse=True)[1].astype(np.int64)


def _pair(first: Ints, second: Ints, rng: np.random.Generator) -> tuple[float, float]:
    """The likeliest correlation of two columns, and one of the same sign with their mutual information."""
    from scipy.optimize import minimize_scalar

    counts = _counts(first, second)
    if 1 in counts.shape:
        return 0.0, 0.0
    rows, columns = (cuts(counts.sum(axis=axis) / len(first)) for axis in (1, 0))

    def unlikely(z: float) -> float:
        return -float((counts * np.log(pair_cells(float(np.tanh(z)), rows, columns))).sum())

    bound = float(np.arctanh(_LARGEST_RHO))
    rho = float(np.tanh(minimize_scalar(unlikely, bounds=(-bound, bound), method="bounded").x))
    by_chance = [_information(_counts(first, rng.permutation(second))) for _ in range(_SHUFFLES)]
    target = _information(counts) - float(np.mean(by_chance))
    return rho, (1.0 if rho >= 0 else -1.0) * _matching(target, rows, columns)


def _matching(target: float, rows: Floats, columns: Floats) -> float:
    """The correlation, 0 or more, of which two columns have ``target`` mutual information."""
    from scipy.optimize import brentq

    def surplus(rho: float) -> float:
        return _information(pair_cells(rho, rows, columns)) - target

    if surplus(0.0) >= 0:
        return 0.0
    if surplus(_LARGEST_RHO) <= 0:
        return _LARGEST_RHO
    return float(brentq(surplus, 0.0, _LARGEST_RHO, xtol=1e-3))


def _counts(first: Ints, second: Ints) -> Floats:
    height, width = int(first.max()) + 1, int(second.max()) + 1
    counts = np.bincount(first * width + second, minlength=height * width)
    return counts.reshape(height, width).astype(np.float64)


def _information(counts: Floats) -> float:
    """The mutual information of a table of counts or probabilities, in nats."""
    share = counts / counts.sum()
    independent = share.sum(axis=1, keepdims=True) * share.sum(axis=0, keepdims=True)
    held = share > 0
    return float((share[held] * np.log(share[held] / independent[held])).sum())


def _proper(matrix: Floats) -> Floats:
    """The matrix with its negative eigenvalues raised, as a correlation matrix again."""
    values, vectors = np.linalg.eigh(matrix)
    raised = (vectors * np.maximum(values, _SMALLEST_EIGENVALUE)) @ vectors.T
    scale = np.sqrt(np.diag(raised))
    return np.asarray(raised / scale / scale[:, None])
