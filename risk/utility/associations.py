"""How the columns go together, pair by pair, in the original and in the release.

Every association is in [0, 1] and counts the rows that have both cells: two categories by Cramér's V with the
correction for its bias (Bergsma, Journal of the Korean Statistical Society 42 (2013), p. 323), a category and
a number by the correlation ratio (the root of the share of variance between categories), two numbers by the
absolute rank correlation (Spearman). A column that does not vary goes with no other. What involves three
columns at once is not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk.figures import Figure, not_estimated
from risk.results import Associations, Marked
from risk.utility.sides import Encoded, Rows, Sides, encoded, scaled
from risk.utility.threads import one_thread
from risk.utility.univariate import within

MOST_CATEGORIES = 50
CODES = 5
RESAMPLES = 50
RESAMPLED_PEOPLE = 5000
_ROUNDING = 1e-12
Floats = NDArray[np.float64]
Columns = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """Columns as they are counted: ``codes`` int64 from 1, 0 where missing, and the ``place`` of numbers.

    ``ranks`` and ``values`` float64 (numbers, rows) are centred, values over their deviation; 0 where they
    are not ``present`` (0, 1).
    """

    codes: Mapping[str, Rows]
    place: Mapping[str, int]
    ranks: Floats
    values: Floats
    present: Floats


def associations(both: Sides, rng: np.random.Generator) -> Associations:
    """Return the associations of all pairs of columns and how much they differ.

    Of a list of codes its size and the five most frequent codes are columns; of a category the 50 most
    frequent labels are told apart. The interval is as ``univariate`` has it, from resamples of at most 5,000
    people, narrowed by the root of the number of people.
    """
    cells = encoded(both, codes=CODES, labels=MOST_CATEGORIES)
    with one_thread():
        original, found = matrix(cells.take(both.original)), matrix(cells.take(both.released))
        floor = matrix(cells.take(both.shuffled))
        fresh = (matrix(cells.take(both.first)), matrix(cells.take(both.second)))
        off = _off(cells, both, original, rng)
    pairs = len(cells.names) * (len(cells.names) - 1) // 2
    marked = _marked(both, (apart(original, found), apart(original, floor), apart(*fresh)), off)
    return Associations(cells.names, original, found, marked if pairs else _one_column())


def apart(first: Floats, second: Floats) -> float:
    """Return the mean absolute difference over pairs of columns, 0 where there is no pair.

    What sums in another order of rows differ by is no difference.
    """
    above = np.triu_indices(len(first), 1)
    off = np.abs(first - second)[above]
    return float(np.where(off < _ROUNDING, 0.0, off).mean()) if len(off) else 0.0


def matrix(columns: Columns) -> Floats:
    """Return the associations of columns: float64 (columns, columns), symmetric, 1 on the diagonal.

    Numbers are float64, NaN where missing; categories integers, -1 where missing.
    """
    prepared = _prepared(columns)
    numbers = _rank_correlations(prepared.ranks, prepared.present)
    found, names = np.eye(len(columns)), list(columns)
    for i, first in enumerate(names):
        for j, second in enumerate(names[:i]):
            at, other = prepared.place.get(first), prepared.place.get(second)
            if at is not None and other is not None:
                found[i, j] = numbers[at, other]
            else:
                found[i, j] = _of_category(prepared, first, second)
            found[j, i] = found[i, j]
    return found


def _of_category(prepared: _Prepared, first: str, second: str) -> float:
    """The association of two columns of which one is a category at least."""
    for category, number in ((first, second), (second, first)):
        at = prepared.place.get(number)
        if at is not None:
            return _correlation_ratio(prepared.codes[category], prepared.values[at], prepared.present[at])
    return cramers_v(_crossed(prepared.codes[first], prepared.codes[second]))


def cramers_v(table: NDArray[np.int64]) -> float:
    """Return the bias-corrected Cramér's V of a table of counts, shape (rows, columns); 0 without pairs."""
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    n, (r, c) = float(table.sum()), table.shape
    if n < 2 or min(r, c) < 2:
        return 0.0
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi = float((np.square(table - expected) / expected).sum()) / n
    corrected = max(0.0, phi - (r - 1) * (c - 1) / (n - 1))
    least = min(side - (side - 1) ** 2 / (n - 1) for side in (r, c)) - 1
    return min(1.0, float(np.sqrt(corrected / least))) if least > 0 else 0.0


def _prepared(columns: Columns) -> _Prepared:
    from scipy.stats import rankdata

    names = [name for name, column in columns.items() if column.dtype.kind == "f"]
    rows = len(next(iter(columns.values()), ()))
    ranks, values, present = np.zeros((3, len(names), rows))
    for i, name in enumerate(names):
        column = columns[name].astype(np.float64)
        has = ~np.isnan(column)
        if has.any():
            present[i], column = has, scaled(column)
            # Centred, so that sums of squares keep their digits.
            ranks[i, has] = rankdata(column[has]) - (has.sum() + 1) / 2
            values[i, has] = (column[has] - column[has].mean()) / (column[has].std() or 1.0)
    codes = {name: column.astype(np.int64) + 1 for name, column in columns.items() if name not in names}
    return _Prepared(codes, {name: i for i, name in enumerate(names)}, ranks, values, present)


def _rank_correlations(ranks: Floats, present: Floats) -> Floats:
    """The absolute correlation of the ranks over the rows that have both; float64 (numbers, numbers)."""
    n = np.maximum(present @ present.T, 1)
    sums, squares = ranks @ present.T, np.square(ranks) @ present.T
    covariance = ranks @ ranks.T - sums * sums.T / n
    variance = np.maximum(squares - sums**2 / n, 0)
    product = np.sqrt(variance * variance.T)
    enough = product > 1e-9 * np.maximum(n, 1) ** 2
    return np.asarray(np.where(enough, np.minimum(np.abs(covariance) / np.where(enough, product, 1), 1), 0))


def _correlation_ratio(codes: Rows, values: Floats, present: Floats) -> float:
    counts = np.bincount(codes, present)[1:]
    sums, squares = np.bincount(codes, values)[1:], np.bincount(codes, values**2)[1:]
    n = counts.sum()
    if not n:
        return 0.0
    outside = sums.sum() ** 2 / n
    between = float((sums**2 / np.maximum(counts, 1)).sum() - outside)
    whole = float(squares.sum() - outside)
    return float(np.sqrt(min(1.0, max(0.0, between) / whole))) if whole > 1e-12 * n else 0.0


def _crossed(first: Rows, second: Rows) -> NDArray[np.int64]:
    """How many rows hold each pair of codes, missing ones left out."""
    width = int(second.max(initial=0)) + 1
    height = int(first.max(initial=0)) + 1
    table = np.bincount(first * width + second, minlength=height * width)
    return np.asarray(table.reshape(height, width)[1:, 1:], dtype=np.int64)


def _off(cells: Encoded, both: Sides, original: Floats, rng: np.random.Generator) -> Floats:
    """How far resamples of the original's people are from the original; float64 (resamples,)."""
    people = both.people[both.original]
    order, number = np.argsort(people, kind="stable"), int(people.max(initial=-1)) + 1
    ends = np.cumsum(np.bincount(people, minlength=number))
    drawn_people = min(number, RESAMPLED_PEOPLE)
    off = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(0, number, drawn_people)
        sizes = ends[drawn] - np.where(drawn > 0, ends[drawn - 1], 0)
        within_person = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows = order[np.repeat(ends[drawn] - sizes, sizes) + within_person]
        off.append(apart(matrix(cells.take(both.original[rows])), original))
    return np.asarray(np.array(off) * np.sqrt(drawn_people / number))


def _marked(both: Sides, found: tuple[float, float, float], off: Floats) -> Marked:
    value, floor, fresh = found
    n = len(both.original)
    return Marked(
        within(value, off, n, "mean absolute difference of the associations over pairs of columns"),
        floor=Figure(floor, None, None, len(both.released), "independent columns, shuffled once"),
        ceiling=Figure(fresh, None, None, len(both.second), f"{both.fresh}; drawn once, no interval"),
        bootstrap=Figure(float(off.mean()), None, None, n, "mean over resamples of people"),
    )


def _one_column() -> Marked:
    return Marked(not_estimated("associations need two columns"))
