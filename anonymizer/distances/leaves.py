"""A reference table cut into leaves of like rows, each in a box that no row of it lies outside of.

A tree by halving (Friedman, Bentley and Finkel, ACM TOMS 3 (1977), p. 209): a node is cut in the column whose
values differ most, numbers at their median, categories into the commonest and the rest, or in two halves
where none has a quarter of the rows. Sets of codes are not cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anonymizer.distances.encoding import UNIT, Encoded, Floats32, Longs

LEAF_ROWS = 128
_SAMPLE = 128


@dataclass(frozen=True, slots=True)
class Leaves:
    """``order`` int64 (rows,) brings rows into leaves, leaf i those from ``starts[i]`` to ``starts[i + 1]``.

    ``low`` and ``high`` float32 (number columns, leaves) are its box; ``present`` int64 (category columns,
    leaves) has a bit for each of its categories, of which several share one.
    """

    order: Longs
    starts: Longs
    low: Floats32
    high: Floats32
    present: Longs


def leaves_of(reference: Encoded) -> Leaves:
    """Return the leaves of a reference that has rows."""
    parts: list[Longs] = []
    waiting = [np.arange(reference.rows)]
    while waiting:
        rows = waiting.pop()
        if len(rows) <= LEAF_ROWS:
            parts.append(rows)
        else:
            waiting.extend(_halves(reference, rows))
    order = np.concatenate(parts)
    starts = np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)
    bits = np.left_shift(np.uint64(1), (reference.categories.astype(np.int64) % 64).astype(np.uint64))
    return Leaves(
        order,
        starts,
        np.minimum.reduceat(reference.numbers[:, order], starts[:-1], axis=1),
        np.maximum.reduceat(reference.numbers[:, order], starts[:-1], axis=1),
        np.bitwise_or.reduceat(bits[:, order], starts[:-1], axis=1).view(np.int64),
    )


def _halves(reference: Encoded, rows: Longs) -> tuple[Longs, Longs]:
    """The two parts of a node; neither is empty."""
    sample = rows[np.linspace(0, len(rows) - 1, min(len(rows), _SAMPLE)).astype(np.int64)]
    other = np.roll(sample, len(sample) // 2 + 1)
    gaps = np.abs(reference.numbers[:, sample] - reference.numbers[:, other])
    differ = reference.categories[:, sample] != reference.categories[:, other]
    spread = np.concatenate([np.minimum(gaps, UNIT).mean(1), UNIT * differ.mean(1)])
    for column in np.argsort(-spread, kind="stable"):
        left = _left(reference, rows, int(column))
        if 0 < left.sum() < len(rows):
            return rows[left], rows[~left]
    middle = len(rows) // 2
    return rows[:middle], rows[middle:]


def _left(reference: Encoded, rows: Longs, column: int) -> NDArray[np.bool_]:
    if column < len(reference.numbers):
        values = reference.numbers[column, rows]
        middle = np.partition(values, len(values) // 2)[len(values) // 2]
        return np.asarray(values < middle if (values < middle).any() else values <= middle)
    values = reference.categories[column - len(reference.numbers), rows]
    found, counts = np.unique(values, return_counts=True)
    largest = np.argmax(counts)
    if 4 * counts[largest] >= len(rows):
        return np.asarray(values == found[largest])
    return np.asarray(values < found[np.searchsorted(np.cumsum(counts), len(rows) // 2)])
