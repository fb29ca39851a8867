"""Rows of two tables that a model tells apart, as features and labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk.utility.sides import Encoded, Rows, Sides, scaled, some

Floats = NDArray[np.float64]
COMPARED = ("released", "floor", "ceiling", "bootstrap")


@dataclass(frozen=True, slots=True)
class Pairing:
    """Rows of ``Sides.frame``: ``first`` of the original (or of one real sample), ``second`` of the other.

    ``whole`` says how many rows the two tables have that these were drawn from, ``are_people`` whether each
    row of real people is a person of its own.
    """

    first: Rows
    second: Rows
    whole: tuple[int, int]
    are_people: bool = True

    @property
    def rows(self) -> Rows:
        return np.concatenate([self.first, self.second])

    @property
    def told(self) -> str:
        """How many rows are compared, and as what."""
        taken = "" if self.are_people else ", taken as independent though people have several"
        return f"{len(self.first)} + {len(self.second)} rows{taken}"

    @property
    def labels(self) -> NDArray[np.bool_]:
        """True where a row is of the second table."""
        return np.arange(len(self.first) + len(self.second)) >= len(self.first)


def pairings(
    both: Sides, most: int, rng: np.random.Generator, *, equal: bool, drawn_from: int = 0
) -> dict[str, Pairing]:
    """Return what is compared for a figure and its marks, by ``COMPARED``, at most ``most`` rows a side.

    ``equal`` takes equally many rows of both. ``drawn_from`` says of how many rows the original is a sample.
    """
    people = both.people[both.original]
    n = int(people.max(initial=-1)) + 1
    drawn = np.bincount(rng.integers(0, n, n), minlength=n)[people]
    are_people = bool((np.bincount(people) <= 1).all())
    tables = (
        (both.original, both.released),
        (both.original, both.shuffled),
        (both.first, both.second),
        (both.original, np.repeat(both.original, drawn)),
    )
    found = {}
    for name, (first, second) in zip(COMPARED, tables, strict=True):
        at_most = min(most, len(first), len(second)) if equal else most
        is_sample = name in ("released", "floor")
        whole = (max(len(first), drawn_from) if is_sample else len(first), len(second))
        rows = (some(first, at_most, rng), some(second, at_most, rng))
        found[name] = Pairing(*rows, whole, are_people)
    return found


def ordinal(cells: Encoded, rows: Rows) -> Floats:
    """Return the columns as features of a tree: float64 (rows, columns), categories by their numbers.

    Missing is 0. Labels are numbered from 1, and numbers are told by their rank among these rows: to a tree
    their order is all there is, and its library has no room for large ones.
    """
    columns = []
    for name, column in cells.take(rows).items():
        values = column.astype(np.float64)
        if name in cells.categories:
            columns.append(values + 1)
        else:
            ranks = np.unique(values, return_inverse=True)[1] + 1
            columns.append(np.where(np.isnan(values), 0, ranks).astype(np.float64))
    return np.column_stack(columns) if columns else np.zeros((len(rows), 0))


def design(cells: Encoded, rows: Rows, *, interactions_up_to: int) -> Floats:
    """Return the columns as regressors without an intercept: float64 (rows, regressors).

    Numbers are standardised, a missing one is 0 and marked by an indicator; categories are indicators of all
    labels but one. With at most ``interactions_up_to`` of them come the products of all pairs.
    """
    columns: list[Floats] = []
    for name, column in cells.take(rows).items():
        size = cells.categories.get(name)
        columns += _standardised(column) if size is None else _indicators(column, size)
    varied = [column for column in columns if np.ptp(column) > 0]
    if len(varied) <= interactions_up_to:
        varied += [a * b for i, a in enumerate(varied) for b in varied[:i]]
    return np.column_stack(varied) if varied else np.zeros((len(rows), 0))


def _standardised(column: NDArray[np.generic]) -> list[Floats]:
    values = column.astype(np.float64)
    missing = np.isnan(values)
    if missing.all():
        return []
    values = scaled(values)
    centre, spread = float(values[~missing].mean()), float(values[~missing].std())
    filled = np.where(missing, 0.0, (values - centre) / (spread or 1.0))
    return [filled, missing.astype(np.float64)]


def _indicators(column: NDArray[np.generic], size: int) -> list[Floats]:
    codes = column.astype(np.int64)
    return [(codes == code).astype(np.float64) for code in (*range(1, size), -1)]
