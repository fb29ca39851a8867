"""Dictionary encoding: a quasi-identifier's values become codes, its hierarchy a table of codes per level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.errors import AnonError, BadConfig
from anonymizer.hierarchies.hierarchy import SUPPRESSED, Hierarchy

Codes = NDArray[np.int32]
Counts64 = NDArray[np.int64]
MOST_LEAVES = 2**62
"""Leaves are counted in 64 bits, and sums of a few of them must not overflow."""


class Generalisable(Protocol):
    """What a column's ladder depends on beside its values; ``tables.table.Column`` says what each means."""

    @property
    def name(self) -> str: ...

    @property
    def hierarchy(self) -> Hierarchy | None: ...

    @property
    def min_level(self) -> int: ...

    @property
    def max_level(self) -> int | None: ...

    @property
    def weight(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Ladder:
    """One quasi-identifier's values and what they become, from base level to the top.

    ``labels[level][code]`` is what a value's cell holds in the release (``None``: missing).
    ``label_codes`` and ``leaf_counts`` have shape (levels, values): the label's code and the number of the
    domain's ``leaves`` it covers. Missing is the last code and one leaf more.
    """

    name: str
    labels: tuple[tuple[str | None, ...], ...]
    label_codes: Codes
    leaf_counts: Counts64
    leaves: int
    lowest: int
    highest: int
    weight: float

    def __post_init__(self) -> None:
        self.label_codes.setflags(write=False)
        self.leaf_counts.setflags(write=False)

    @property
    def top(self) -> int:
        return len(self.labels) - 1


def encode(series: pl.Series, column: Generalisable) -> tuple[Codes, Ladder]:
    """The base-level codes of a String series (missing is the last code) and the column's ladder.

    Codes follow the values' sorted order, so they depend on the set of values and not on the rows' order.

    Raises:
        BadInput: values outside the hierarchy (column and count).
        BadConfig: ``min_level`` or ``max_level`` outside the hierarchy, or one of ``MOST_LEAVES`` or more.
    """
    values = series.unique().drop_nulls().sort()
    codes = series.cast(pl.Enum(values)).to_physical().cast(pl.Int32)
    missing = codes.null_count() > 0
    ladder = build_ladder(column, values.to_list(), missing=missing)
    return codes.fill_null(len(values)).to_numpy(), ladder


def build_ladder(column: Generalisable, values: Sequence[str], *, missing: bool) -> Ladder:
    """The ladder of a column over its sorted distinct ``values``; raises as ``encode`` does."""
    if column.hierarchy is None:
        raise BadConfig("a quasi-identifier needs a hierarchy", column=column.name)
    labels, counts, leaves = level_labels(column.hierarchy, values, missing=missing, column=column.name)
    if leaves >= MOST_LEAVES:
        raise BadConfig("the hierarchy has too many leaves to count: 2**62 or more", column=column.name)
    dictionary = [
        {label: code for code, label in enumerate(sorted(set(level), key=_missing_last))} for level in labels
    ]
    label_codes = np.array(
        [[dictionary[i][label] for label in level] for i, level in enumerate(labels)], dtype=np.int32
    )
    top = len(labels) - 1
    lowest, highest = column.min_level, top if column.max_level is None else column.max_level
    if not 0 <= lowest <= highest <= top:
        raise BadConfig(f"levels must lie between 0 and {top}", column=column.name)
    return Ladder(
        column.name, labels, label_codes, np.array(counts, np.int64), leaves, lowest, highest, column.weight
    )


def level_labels(
    hierarchy: Hierarchy, values: Sequence[str], *, missing: bool, column: str
) -> tuple[tuple[tuple[str | None, ...], ...], list[list[int]], int]:
    """Labels and leaf counts per level with the missing leaf in last place, and the number of leaves.

    Missing stays missing (``None``) below the top and becomes ``*`` there.
    """
    try:
        generalised = hierarchy.generalise(values)
    except AnonError as error:
        raise error.about(column) from None
    if not missing:
        counts = [list(level) for level in generalised.leaf_counts]
        return tuple(tuple(level) for level in generalised.labels), counts, hierarchy.leaves
    leaves, top = hierarchy.leaves + 1, len(generalised.labels) - 1
    labels = tuple((*level, SUPPRESSED if i == top else None) for i, level in enumerate(generalised.labels))
    counts = [[*level, 1] for level in generalised.leaf_counts]
    counts[top] = [leaves] * (len(values) + 1)
    return labels, counts, leaves


def _missing_last(label: str | None) -> tuple[bool, str]:
    return label is None, label or ""
