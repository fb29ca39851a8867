"""Who agrees with whom: rows of a release, of its people and of held-out people under common numbers.

A missing value agrees with a missing value only, sets of codes agree where they hold the same codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.attacks.code_sets import distinct, set_numbers
from risk.comparison import Comparison

Numbers = NDArray[np.int64]

_LARGEST_KEY = 2**62
_DIRECT = 2**21
"""Up to so many possible combinations their numbers are used as they are, above they are made dense."""
_LONGEST_DOMAIN = 20
"""Numbers with more different values than this are told apart by bands."""


@dataclass(frozen=True, slots=True)
class Coded:
    """Every cell as a number: equal numbers in a column are equal values.

    ``cells`` (int64, shape (rows, columns)) has the rows of the release, then of the original, then of the
    holdout; ``sizes`` how many they are; ``domain`` how many different values each column has.
    """

    columns: tuple[str, ...]
    cells: Numbers
    sizes: tuple[int, int, int]
    domain: tuple[int, ...]

    def positions(self, columns: Sequence[str]) -> list[int]:
        return [self.columns.index(column) for column in columns]


@dataclass(frozen=True, slots=True)
class Groups:
    """The number of the group each row is in, 0 to ``count`` - 1: rows that agree in some columns.

    ``holdout`` is empty where nobody was held out.
    """

    released: Numbers
    original: Numbers
    holdout: Numbers
    count: int

    def released_sizes(self) -> Numbers:
        """Return the number of released rows in each group, of shape (count,)."""
        return np.bincount(self.released, minlength=self.count)


def coded(comparison: Comparison, columns: Sequence[str] | None = None) -> Coded:
    """Return the cells of release, original and holdout as numbers; of all columns where none are named."""
    frames = [comparison.released, comparison.original]
    if comparison.holdout is not None:
        frames.append(comparison.holdout)
    names = tuple(comparison.released.columns) if columns is None else tuple(columns)
    numbered = [_numbered([frame[column] for frame in frames]) for column in names]
    heights = [frame.height for frame in frames] + [0]
    return Coded(
        names,
        np.stack(numbered, axis=1) if names else np.zeros((sum(heights), 0), dtype=np.int64),
        (heights[0], heights[1], heights[2]),
        tuple(int(column.max(initial=-1)) + 1 for column in numbered),
    )


def groups(cells: Coded, columns: Sequence[str]) -> Groups:
    """Return the groups of rows that agree in all of ``columns``; one group where there are none."""
    numbers, count = _combined(cells, cells.positions(columns))
    ends = np.cumsum(cells.sizes)
    return Groups(numbers[: ends[0]], numbers[ends[0] : ends[1]], numbers[ends[1] :], count)


def people_in(members: Numbers, people: Numbers, count: int) -> Numbers:
    """Return how many different people each of ``count`` groups has; ``members`` are the groups of rows."""
    _, dense = np.unique(people, return_inverse=True)
    persons = int(dense.max(initial=-1)) + 1
    if persons == len(people):
        return np.bincount(members, minlength=count)
    pairs = distinct(members * persons + dense)
    return np.bincount(pairs // max(persons, 1), minlength=count)


def own_rows(members: Numbers, people: Numbers) -> Numbers:
    """Return for each row how many rows of the same person its group has, itself among them."""
    distinct_people, dense = np.unique(people, return_inverse=True)
    if len(distinct_people) == len(people):
        return np.ones(len(people), dtype=np.int64)
    pairs = members * (int(dense.max(initial=-1)) + 1) + dense
    _, position, count = np.unique(pairs, return_inverse=True, return_counts=True)
    return np.asarray(count[position], dtype=np.int64)


def banded(
    comparison: Comparison, *, bands: int = _LONGEST_DOMAIN, only: Sequence[str] | None = None
) -> Comparison:
    """Return the comparison with long number columns told by band, as an attacker may cut them.

    The cuts are quantiles of the release, which the attacker has, and the middles between the two smallest
    and the two largest values: an extreme value has a band of its own.
    """
    for attribute in comparison.attributes:
        if attribute.kind != "number" or (only is not None and attribute.name not in only):
            continue
        values = comparison.released[attribute.name].drop_nulls()
        if values.n_unique() > _LONGEST_DOMAIN:
            comparison = _in_bands(comparison, attribute.name, _cuts(values, bands))
    return comparison


def as_texts(codes: pl.Series) -> pl.Series:
    """Return each set of codes as one text, equal for equal sets; null where it is missing."""
    # Ten times as fast as to sort inside the lists.
    cells = pl.DataFrame({"codes": codes}).with_row_index("row")
    members = cells.explode("codes").drop_nulls().unique().sort("row", "codes")
    texts = members.group_by("row", maintain_order=True).agg(pl.col("codes").str.join("\x1f").alias("text"))
    joined = cells.join(texts, on="row", how="left", maintain_order="left")
    missing = pl.col("codes").is_null()
    return joined.select(pl.when(~missing).then(pl.col("text").fill_null("")).alias(codes.name))[codes.name]


def _numbered(parts: Sequence[pl.Series]) -> Numbers:
    """The values of one column in several frames as common numbers; the last one is for missing values."""
    if any(isinstance(part.dtype, pl.List) for part in parts):
        numbers = set_numbers(parts)
    else:
        whole = pl.concat([_comparable(part) for part in parts])
        text = whole.dtype == pl.String
        ranked = whole.cast(pl.Categorical).to_physical() if text else whole.rank("dense")
        numbers = ranked.cast(pl.Int64).fill_null(-1).to_numpy()
    known = numbers[numbers >= 0]
    first, missing = int(known.min(initial=0)), int(known.max(initial=-1)) + 1
    shifted = np.where(numbers < 0, missing, numbers) - first
    # The numbers of categories may come from all that the process has seen, far apart from one another.
    return shifted if missing - first <= 2 * len(shifted) else _dense(shifted)[0]


def _comparable(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Null:
        return column.cast(pl.String)
    return column + 0.0 if column.dtype.is_float() else column


def _combined(cells: Coded, positions: Sequence[int]) -> tuple[Numbers, int]:
    """The number of each row's combination of values, and how many numbers there are."""
    key, size = np.zeros(len(cells.cells), dtype=np.int64), 1
    for position in positions:
        if size * cells.domain[position] >= _LARGEST_KEY:
            key, size = _dense(key)
        key = key * cells.domain[position] + cells.cells[:, position]
        size *= cells.domain[position]
    return (key, size) if size <= _DIRECT else _dense(key)


def _dense(key: Numbers) -> tuple[Numbers, int]:
    values, numbers = np.unique(key, return_inverse=True)
    return np.asarray(numbers, dtype=np.int64), len(values)


def _cuts(values: pl.Series, bands: int) -> NDArray[np.float64]:
    known = np.unique(values.to_numpy())
    inner = np.quantile(values.to_numpy(), np.arange(1, bands) / bands)
    ends = [(known[0] + known[1]) / 2, (known[-2] + known[-1]) / 2]
    return np.unique(np.concatenate([inner, ends]))


def _in_bands(comparison: Comparison, name: str, cuts: NDArray[np.float64]) -> Comparison:
    def told(frame: pl.DataFrame) -> pl.DataFrame:
        column = frame[name]
        numbers = np.searchsorted(cuts, column.fill_null(0.0).to_numpy(), side="right")
        whole = pl.Series(name, numbers.astype(np.float64))
        missing = pl.Series(name, [None], dtype=pl.Float64)
        return frame.with_columns(whole.zip_with(column.is_not_null(), missing))

    held = None if comparison.holdout is None else told(comparison.holdout)
    return replace(
        comparison, released=told(comparison.released), original=told(comparison.original), holdout=held
    )
