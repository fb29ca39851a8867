"""How each column's distribution differs: total variation, Wasserstein distance, categories that are left.

The distances are metrics, which gives them an interval: a resample of the original's people is as far from
the original as the original is from the people it is a sample of, and by the triangle inequality the distance
to the release is off by no more than that. Independent columns keep every column's own distribution, so that
their figure (the floor) is the release's: a measure of one column can't tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.figures import CONFIDENCE, Figure, exact, not_estimated
from risk.results import Difference, Marked
from risk.utility.reading import SUPPRESSED
from risk.utility.sides import Rows, Sides, numbered, scaled

BINS = 10
RESAMPLES = 100
Floats = NDArray[np.float64]
FLOOR = "independent columns keep each column's own distribution: the same figure"


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column's distinct ``values``, rising, and ``at`` which each row is, len(values) where missing."""

    at: Rows
    values: Floats


@dataclass(frozen=True, slots=True)
class Cells:
    """A column's cells of all rows in ``Sides``, as what is counted.

    ``cell`` int64 (mentions) is the category, the bin or the code, the last one of ``size`` missing; ``row``
    the rows of the mentions, None where every row has one. ``numbers`` are None for categories. ``starred``
    is the cell of values that only starred rows have: lost, but nobody knows as how many labels.
    """

    name: str
    cell: Rows
    size: int
    row: Rows | None = None
    numbers: Numbers | None = None
    starred: int | None = None


@dataclass(frozen=True, slots=True)
class Univariate:
    """The columns' differences, and the means over columns."""

    differences: tuple[Difference, ...]
    total_variation: Marked
    wasserstein: Marked | None
    coverage: Figure


def univariate(values: Sides, labels: Sides, rng: np.random.Generator) -> Univariate:
    """Return how the distribution of every column differs between original and release.

    ``values`` and ``labels`` are told so (see ``reading.aligned``). ``total_variation`` is half the sum of
    the differences of the categories' shares, missing being one, so that a coarser label costs nothing and a
    suppressed cell does; a number is taken in ten bins with equally many cells of both tables, and of codes
    each one's share of all codes is compared. ``wasserstein`` is the area between the distribution functions
    of the true numbers and of those read from the release, over the pooled range. Both are in [0, 1], 0 for
    the same distribution. They do not tell how columns go together.
    """
    cells = [_cells(series, labels) for series in labels.frame.iter_columns()]
    numbers = {
        name: _numbers(scaled(values.frame[name].to_numpy()))
        for name, dtype in values.frame.schema.items()
        if dtype == pl.Float64
    }
    varied = _marked(labels, [_variation(each, labels) for each in cells], rng, _VARIATION)
    moved = _marked(values, [_wasserstein(each, values) for each in numbers.values()], rng, _WASSERSTEIN)
    by_name = dict(zip(numbers, moved, strict=False))
    coverages = [_coverage(each, labels) for each in cells]
    differences = tuple(
        Difference(each.name, mark, by_name.get(each.name), None if found is None else _shown(*found))
        for each, mark, found in zip(cells, varied, coverages, strict=False)
    )
    every = [found for found in coverages if found is not None]
    together = (sum(shown for shown, _ in every), sum(had for _, had in every))
    return Univariate(differences, varied[-1], moved[-1] if numbers else None, _shown(*together))


_VARIATION = "total variation distance"
_WASSERSTEIN = "Wasserstein-1 distance over the pooled range"
Distance = Callable[[Rows, Rows], float]
Drawn = Callable[[Floats], float]


@dataclass(frozen=True, slots=True)
class _Measure:
    """A column's distance between two sets of rows, and of the original from itself with weighted rows."""

    between: Distance
    resampled: Drawn


def _marked(both: Sides, measures: Sequence[_Measure], rng: np.random.Generator, what: str) -> list[Marked]:
    """The measures' marks by column, and last those of their mean over the columns that have values."""
    people = both.people[both.original]
    drawn = np.array([[each.resampled(w) for each in measures] for w in _resamples(people, rng)])
    original = both.original
    pairs = ((original, both.released), (both.first, both.second), (original, both.shuffled))
    found = np.array([[each.between(*pair) for pair in pairs] for each in measures])
    has = np.array([not np.isnan(each).any() for each in found], np.bool_)
    marks = [
        _mark(both, found[j], drawn[:, j], what) if has[j] else _nothing(both, what) for j in range(len(has))
    ]
    if not has.any():
        return [*marks, _nothing(both, what)]
    mean = f"mean over columns of the {what}"
    return [*marks, _mark(both, found[has].mean(axis=0), drawn[:, has].mean(axis=1), mean)]


def _mark(both: Sides, found: Floats, off: Floats, what: str) -> Marked:
    figure = within(float(found[0]), off, len(both.original), what)
    ceiling = Figure(float(found[1]), None, None, len(both.second), f"{both.fresh}; drawn once, no interval")
    copy = Figure(float(off.mean()), *_middle(off), len(both.original), "rows of people drawn again")
    floor = exact(float(found[2]), len(both.shuffled), FLOOR)
    return Marked(figure, floor=floor, ceiling=ceiling, bootstrap=copy)


def within(value: float, off: Floats, n: int, what: str) -> Figure:
    """Return a distance with the interval that the triangle inequality gives, cut to [0, 1].

    ``off`` (resamples,) are distances of resamples of the original from itself.
    """
    most = float(np.quantile(off, CONFIDENCE))
    low, high = max(0.0, value - most), min(1.0, value + most)
    how = "interval, 95 %: as far as the original is from resamples of its people"
    return Figure(value, low, high, n, f"{what}; {how}")


def _middle(off: Floats) -> tuple[float, float]:
    low, high = np.quantile(off, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def _nothing(both: Sides, what: str) -> Marked:
    return Marked(not_estimated(f"{what}: one side has no values", len(both.original)))


def _resamples(people: Rows, rng: np.random.Generator) -> Iterator[Floats]:
    """How often each row's person is drawn, in every resample; float64 (rows)."""
    number = int(people.max(initial=-1)) + 1
    for _ in range(RESAMPLES if number else 0):
        yield np.bincount(rng.integers(0, number, number), minlength=number)[people].astype(np.float64)


def _cells(series: pl.Series, both: Sides) -> Cells:
    if series.dtype == pl.List:
        mentions = pl.DataFrame({"row": pl.int_range(len(series), eager=True), "code": series})
        mentions = mentions.explode("code", empty_as_null=True).drop_nulls()
        codes, size = numbered(mentions["code"])
        return Cells(series.name, codes.astype(np.int64), size + 1, mentions["row"].to_numpy())
    if series.dtype == pl.String:
        codes, size = numbered(series)
        cell = np.where(codes < 0, size, codes).astype(np.int64)
        stars = np.unique(cell[(series == SUPPRESSED).fill_null(value=False).to_numpy()])
        return Cells(series.name, cell, size + 1, starred=int(stars[0]) if len(stars) else None)
    return _binned(series.name, scaled(series.to_numpy()), both)


def _numbers(column: Floats) -> Numbers:
    present = ~np.isnan(column)
    values, numbered_ = np.unique(column[present], return_inverse=True)
    at = np.full(len(column), len(values), np.int64)
    at[present] = numbered_
    return Numbers(at, values)


def _binned(name: str, column: Floats, both: Sides) -> Cells:
    """A number's cells: bins with equally many of both tables' values, as far as values are not the same."""
    numbers = _numbers(column)
    edges = np.unique(np.quantile(_pooled(column, both), np.arange(1, BINS) / BINS))
    bins = np.append(np.searchsorted(edges, numbers.values, side="right"), len(edges) + 1)
    return Cells(name, bins[numbers.at], len(edges) + 2, numbers=numbers)


def _pooled(values: Floats, both: Sides) -> Floats:
    pooled = values[np.concatenate([both.original, both.released])]
    pooled = pooled[~np.isnan(pooled)]
    return pooled if len(pooled) else np.zeros(1)


def _variation(cells: Cells, both: Sides) -> _Measure:
    own, row = cells.cell[: len(both.original)], None
    if cells.row is not None:
        row = cells.row[cells.row < len(both.original)]
        own = cells.cell[: len(row)]
    original = _shares(_counted(own, cells.size))

    def resampled(weights: Floats) -> float:
        counted = _counted(own, cells.size, weights if row is None else weights[row])
        return _apart(_shares(counted), original)

    def between(first: Rows, second: Rows) -> float:
        return _apart(_shares(_held(cells, first)), _shares(_held(cells, second)))

    return _Measure(between, resampled)


def _apart(first: Floats, second: Floats) -> float:
    return float(np.abs(first - second).sum() / 2)


def _counted(cell: Rows, size: int, weights: Floats | None = None) -> Floats:
    return np.bincount(cell, weights, minlength=size).astype(np.float64)


def _held(cells: Cells, rows: Rows) -> Floats:
    """How often each cell is in the rows."""
    if cells.row is None:
        return _counted(cells.cell[rows], cells.size)
    chosen = np.zeros(max(rows.max(initial=0), cells.row.max(initial=0)) + 1, np.bool_)
    chosen[rows] = True
    return _counted(cells.cell[chosen[cells.row]], cells.size)


def _shares(counts: Floats) -> Floats:
    """Shares of the whole; of nothing everything is missing."""
    total = counts.sum()
    if total:
        return np.asarray(counts / total)
    return np.asarray(np.eye(1, len(counts), len(counts) - 1)[0])


def _wasserstein(numbers: Numbers, both: Sides) -> _Measure:
    at, size = numbers.at, len(numbers.values) + 1
    compared = _counted(at[np.concatenate([both.original, both.released])], size)[:-1]
    pooled = numbers.values[compared > 0]
    gaps = np.diff(numbers.values) / ((pooled[-1] - pooled[0] if len(pooled) else 0.0) or 1.0)
    own = at[both.original]
    original = _counted(own, size)[:-1]

    def resampled(weights: Floats) -> float:
        return _area(_counted(own, size, weights)[:-1], original, gaps)

    def between(first: Rows, second: Rows) -> float:
        return _area(_counted(at[first], size)[:-1], _counted(at[second], size)[:-1], gaps)

    return _Measure(between, resampled)


def _area(first: Floats, second: Floats, gaps: Floats) -> float:
    """The area between two distribution functions; NaN where one is of nothing."""
    if not (first.any() and second.any()):
        return float("nan")
    steps = np.cumsum(first / first.sum() - second / second.sum())
    return float(np.abs(steps[:-1]) @ gaps)


def _coverage(cells: Cells, both: Sides) -> tuple[int, int] | None:
    """How many of the original's categories the release shows, and how many there are; None for numbers."""
    if cells.numbers is not None:
        return None
    had, shown = (_held(cells, rows)[:-1] > 0 for rows in (both.original, both.released))
    if cells.starred is not None:
        had[cells.starred] = False
    return int((had & shown).sum()), int(had.sum())


def _shown(shown: int, had: int) -> Figure:
    if not had:
        return not_estimated("the original has no categories")
    return exact(shown / had, had, "categories of the original that the release shows")


def by_name(found: Univariate) -> Mapping[str, Figure]:
    """Return the figures by the names of ``utility.json``."""
    figures = {"total_variation": found.total_variation.figure, "coverage": found.coverage}
    if found.wasserstein is not None:
        figures["wasserstein"] = found.wasserstein.figure
    for each in found.differences:
        figures[f"total_variation.{each.column}"] = each.total_variation.figure
        if each.wasserstein is not None:
            figures[f"wasserstein.{each.column}"] = each.wasserstein.figure
        if each.coverage is not None:
            figures[f"coverage.{each.column}"] = each.coverage
    return figures
