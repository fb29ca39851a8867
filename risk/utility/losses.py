"""How much an anonymised table lost, by every metric of the search, from 0 (the input) to 1 (all ``*``).

``anonymizer.metrics`` says what each metric is and cites its source. Counts are put between the figure of the
input and that of a table of stars; nothing here is shared with the search's own arithmetic but the ladders,
so that one may be held against the other. How well a task can still be done no metric here tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log2

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.hierarchies.encoding import Ladder, encode
from anonymizer.recoding.recoding import numbered_labels
from anonymizer.tables.table import Table
from risk.figures import Figure, exact, not_estimated

Levels = NDArray[np.int8]
Shown = NDArray[np.bool_]
Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
_KEY_SPACE = 2**62
_LARGEST = 700.0
"""The logarithm of the largest domain whose tuples are counted in floats."""


@dataclass(frozen=True, slots=True)
class _Column:
    """One quasi-identifier of all input rows, released or not: ``code`` and ``level`` int64 (rows)."""

    ladder: Ladder
    code: Rows
    level: Rows

    @property
    def cover(self) -> Floats:
        """The leaves that each row's label covers."""
        return self.ladder.leaf_counts[self.level, self.code].astype(np.float64)

    @property
    def label(self) -> Rows:
        """A number for what each row's cell reads."""
        return np.asarray(numbered_labels(self.ladder)[self.level, self.code], dtype=np.int64)

    @property
    def value(self) -> Rows:
        """A number for what each row's cell reads at the lowest level."""
        return np.asarray(self.ladder.label_codes[0][self.code], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Release:
    """What became of the input's rows: ``classes`` and ``tuples`` int64 (rows) number what reads alike."""

    columns: tuple[_Column, ...]
    shown: Shown
    classes: Rows
    tuples: Rows

    @property
    def n(self) -> int:
        return len(self.shown)

    @property
    def suppressed(self) -> int:
        return int((~self.shown).sum())

    @property
    def weights(self) -> Floats:
        """The columns' weights, whose sum is 1."""
        weights = np.array([column.ladder.weight for column in self.columns], np.float64)
        return np.asarray(weights / weights.sum())


def loss(table: Table, levels: Mapping[str, int] | Levels, shown: Shown, metric: str) -> float:
    """Return what was lost by one metric of `losses`; see there."""
    return _METRICS[metric](_release(table, levels, shown))


def losses(
    table: Table, levels: Mapping[str, int] | Levels, shown: Shown, *, target: str | None = None
) -> dict[str, Figure]:
    """Return what was lost, by the metrics' names with underscores.

    ``table`` is the input. ``levels`` are the level of every quasi-identifier, or int8 (rows,
    quasi-identifiers) where rows differ in them, -1 where a row is suppressed; ``shown`` bool (rows) says
    which rows are released with their labels (rows of stars are not). ``target`` names the column of the
    metric `predictive`, which is not there without one. All figures are exact.

    Raises:
        ValueError: levels or ``shown`` have another number of rows than the table.
    """
    if not table.quasi_identifiers:
        return {}
    release = _release(table, levels, shown)
    if not release.n:
        return {name: not_estimated("the table holds no rows") for name in _METRICS}
    found = {name: _figure(of(release), release.n, name) for name, of in _METRICS.items()}
    if target is not None:
        found["predictive"] = _figure(_predictive(release, table.frame[target]), release.n, "predictive")
    return found


def _figure(value: float, n: int, name: str) -> Figure:
    return exact(float(min(1.0, max(0.0, value))), n, f"information loss by the metric {name}")


def _release(table: Table, levels: Mapping[str, int] | Levels, shown: Shown) -> _Release:
    quasi, n = table.quasi_identifiers, table.frame.height
    if isinstance(levels, Mapping):
        levels = np.tile(np.array([levels[column.name] for column in quasi], np.int8), (n, 1))
    if levels.shape != (n, len(quasi)) or shown.shape != (n,):
        raise ValueError("levels and shown must have the rows of the table")
    columns = []
    for column, level in zip(quasi, levels.T, strict=True):
        code, ladder = encode(table.frame[column.name], column)
        at = np.where(level < 0, ladder.top, level).astype(np.int64)
        columns.append(_Column(ladder, code.astype(np.int64), at))
    classes = _numbered([column.label for column in columns], n)
    tuples = _numbered([column.value for column in columns], n)
    return _Release(tuple(columns), shown, classes, tuples)


def _numbered(columns: list[Rows], n: int) -> Rows:
    """A number for every combination of the columns' numbers; int64 (rows)."""
    keys, space = np.zeros(n, np.int64), 1
    for column in columns:
        size = int(column.max(initial=0)) + 1
        if space * size >= _KEY_SPACE:
            keys = np.unique(keys, return_inverse=True)[1]
            space = n
        keys, space = keys * size + column, space * size
    return np.asarray(np.unique(keys, return_inverse=True)[1], dtype=np.int64)


def _loss(release: _Release) -> float:
    """Per column the mean share of the domain beyond one leaf, then the weighted geometric mean."""
    lost = [_share_lost(column, release.shown) for column in release.columns]
    return float(np.expm1(release.weights @ np.log1p(lost)))


def _share_lost(column: _Column, shown: Shown) -> float:
    leaves = column.ladder.leaves
    if leaves == 1:
        return 0.0
    return float(np.where(shown, (column.cover - 1) / (leaves - 1), 1.0).mean())


def _precision(release: _Release) -> float:
    paid = [
        np.where(release.shown, column.level / column.ladder.top, 1.0).mean() if column.ladder.top else 0.0
        for column in release.columns
    ]
    return float(release.weights @ np.array(paid))


def _height(release: _Release) -> float:
    """The levels' sum over that of all tops; suppressed rows count no more than the others."""
    tops = np.array([column.ladder.top for column in release.columns], np.float64)
    means = np.array([column.level.mean() for column in release.columns])
    whole = float(release.weights @ tops)
    return float(release.weights @ means) / whole if whole else 0.0


def _entropy(release: _Release) -> float:
    """All columns' bits lost over all that there are."""
    lost, most = _bits(release)
    whole = float(release.weights @ most)
    return float(release.weights @ lost) / whole if whole else 0.0


def _normalised_entropy(release: _Release) -> float:
    """The mean over the columns that have bits to lose."""
    lost, most = _bits(release)
    weights = np.where(most > 0, release.weights, 0.0)
    return float(weights @ (lost / np.where(most > 0, most, 1.0)) / (weights.sum() or 1.0))


def _bits(release: _Release) -> tuple[Floats, Floats]:
    """The bits that each column lost, and how many it has; float64 (columns)."""
    lost, most = [], []
    for column in release.columns:
        of_value = np.log2(_alike(column.value))
        hidden = column.label[~release.shown]
        among = float((log2(max(len(hidden), 1)) - np.log2(_alike(hidden))).sum())
        lost.append(float((np.log2(_covered_rows(column)) - of_value).sum()) + among)
        most.append(float((log2(release.n) - of_value).sum()))
    return np.array(lost), np.array(most)


def _alike(numbers: Rows) -> Floats:
    """How many rows have each row's number; float64 (rows)."""
    return np.bincount(numbers).astype(np.float64)[numbers] if len(numbers) else np.zeros(0)


def _covered_rows(column: _Column) -> Floats:
    """How many rows of the input have a value that each row's label covers; float64 (rows)."""
    codes = column.ladder.label_codes
    counts = [np.bincount(at, minlength=1)[at] for at in (level[column.code] for level in codes)]
    return np.stack(counts)[column.level, np.arange(len(column.code))].astype(np.float64)


def _discernibility(release: _Release) -> float:
    n, least = release.n, float(_alike(release.tuples).sum())
    pairs = float(_class_sizes(release).sum()) + n * release.suppressed
    return (pairs - least) / (n * n - least) if n * n > least else 0.0


def _class_sizes(release: _Release) -> Floats:
    """How many shown rows are in the class of each shown row."""
    return _alike(release.classes[release.shown])


def _average_class_size(release: _Release) -> float:
    n = release.n
    classes = len(np.unique(release.classes[release.shown])) + (release.suppressed > 0)
    least = n / len(np.unique(release.tuples))
    return (n / classes - least) / (n - least) if n > least else 0.0


def _ambiguity(release: _Release) -> float:
    """The mean over rows of (tuples of the domain covered - 1) / (tuples of the domain - 1)."""
    whole = _log_domain(release)
    if not whole:
        return 0.0
    areas = _log_areas(release)
    # Of a domain too large for floats a single tuple is no share.
    beyond = np.expm1(areas) / np.expm1(whole) if whole < _LARGEST else np.exp(areas - whole)
    return float(np.where(release.shown, beyond, 1.0).mean())


def _log_areas(release: _Release) -> Floats:
    """The logarithm of the number of tuples that each row's labels cover."""
    return np.asarray(sum(np.log(np.maximum(column.cover, 1)) for column in release.columns))


def _log_domain(release: _Release) -> float:
    return float(sum(np.log(max(column.ladder.leaves, 1)) for column in release.columns))


def _kl(release: _Release) -> float:
    """The divergence over that of a table of stars."""
    n, tuples = release.n, np.log(_alike(release.tuples) / release.n)
    told = np.full(n, np.log(max(release.suppressed, 1) / n) - _log_domain(release))
    told[release.shown] = np.log(_class_sizes(release) / n) - _log_areas(release)[release.shown]
    most = float(tuples.mean()) + _log_domain(release)
    return float((tuples - told).mean()) / most if most > 0 else 0.0


def _predictive(release: _Release, target: pl.Series) -> float:
    """The share of rows whose target is not the most frequent one of their class, or that are suppressed."""
    rows = pl.DataFrame({"class": release.classes, "target": target})
    held = rows.filter(pl.Series(release.shown))
    most = held.group_by("class", "target").len().group_by("class").agg(pl.col("len").max())
    return 1 - int(most["len"].sum()) / release.n


_METRICS: Mapping[str, Callable[[_Release], float]] = {
    "loss": _loss,
    "precision": _precision,
    "height": _height,
    "entropy": _entropy,
    "normalised_entropy": _normalised_entropy,
    "discernibility": _discernibility,
    "average_class_size": _average_class_size,
    "ambiguity": _ambiguity,
    "kl": _kl,
}
