"""The codes of every axis in a few cells, and how many rows each pair of cells has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synth.axes import Axis, Bools, Coded, Codes, Floats, Ints

MOST_CELLS = 100
MOST_OF_ALL = 4_000
_FEWEST_CELLS = 8


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one axis: ``of_code`` (int64, shape (codes,)) and the rows of each code, ``counts``.

    The cells of an axis that ``is_ordered`` rise with its positions. Codes without a position have cells of
    their own, which are ``apart``, bool (cells,).
    """

    of_code: Ints
    counts: Ints
    apart: Bools
    is_ordered: bool

    @property
    def size(self) -> int:
        """How many cells there are."""
        return len(self.apart)


def cells_of(coded: Coded) -> tuple[Cells, ...]:
    """Return the cells of each axis, few enough for one table of all pairs of them."""
    sizes = np.array([axis.size for axis in coded.axes])
    most = MOST_CELLS
    while np.minimum(sizes, most).sum() > MOST_OF_ALL and most > _FEWEST_CELLS:
        most -= 4
    return tuple(_cells(axis, coded.codes[:, j], most) for j, axis in enumerate(coded.axes))


def starts_of(cells: Sequence[Cells]) -> Ints:
    """Return where each axis's cells start among all cells, and where the last ends."""
    return np.concatenate([[0], np.cumsum([each.size for each in cells])]).astype(np.int64)


def tables(coded: Coded, cells: Sequence[Cells]) -> Floats:
    """Return the rows by pair of cells: float64, symmetric, the axes' cells one after the other."""
    starts = starts_of(cells)
    found = np.zeros((starts[-1], starts[-1]))
    columns = [each.of_code[coded.codes[:, j]] for j, each in enumerate(cells)]
    for i, first in enumerate(cells):
        for j, second in enumerate(cells[: i + 1]):
            at = columns[i] * second.size + columns[j]
            counted = np.bincount(at, minlength=first.size * second.size).reshape(first.size, second.size)
            rows, others = slice(starts[i], starts[i + 1]), slice(starts[j], starts[j + 1])
            found[rows, others], found[others, rows] = counted, counted.T
    return found


def _cells(axis: Axis, codes: Codes, most: int) -> Cells:
    counts = np.bincount(codes, minlength=axis.size).astype(np.int64)
    if axis.is_ordered:
        return _ordered(axis, counts, most)
    of_code = np.arange(axis.size) if axis.size <= most else _pooled(axis, counts, most)
    return Cells(of_code, counts, np.zeros(int(of_code.max(initial=-1)) + 1, np.bool_), False)


def _ordered(axis: Axis, counts: Ints, most: int) -> Cells:
    """Codes by position, neighbours pooled to about equally many rows, and after them the others."""
    has = np.isfinite(axis.positions)
    order = np.flatnonzero(has)[np.argsort(axis.positions[has], kind="stable")]
    place = np.arange(len(order))
    if len(order) > most:
        middle = np.cumsum(counts[order]) - counts[order] / 2
        place = np.floor(middle * most / max(1, int(counts[order].sum()))).astype(np.int64)
        place = np.unique(np.minimum(place, most - 1), return_inverse=True)[1]
    of_code = np.zeros(axis.size, np.int64)
    of_code[order] = place
    cells = int(place.max(initial=-1)) + 1
    of_code[~has] = cells + np.minimum(np.arange(int((~has).sum())), most - 1)
    apart = np.arange(int(of_code.max(initial=-1)) + 1) >= cells
    return Cells(of_code, counts, apart, True)


def _pooled(axis: Axis, counts: Ints, most: int) -> Ints:
    """The most frequent codes by themselves, the others by the finest groups that are few enough."""
    of_code = np.full(axis.size, -1, np.int64)
    frequent = np.argsort(-counts, kind="stable")[: most // 2]
    of_code[frequent] = np.arange(len(frequent))
    rest = np.flatnonzero(of_code < 0)
    group = np.zeros(len(rest), np.int64)
    for groups in axis.groups:
        found, numbered = np.unique(groups[rest], return_inverse=True)
        if len(found) <= most // 2:
            group = numbered
            break
    of_code[rest] = len(frequent) + group
    return of_code
