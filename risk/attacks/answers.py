"""What a class answers about a person's value, or codes, and whether it is right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk.attacks.code_sets import CodeSets
from risk.attacks.votes import Votes, chance_without, chances, chances_of_sets

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OwnRows:
    """The released rows of each person in each class.

    ``people`` (shape (rows of the original,)) are numbered 0, 1, …; ``rows`` are those released, ascending,
    ``keys`` (same shape) class · ``count`` + person of each of them; ``order`` sorts ``keys`` into
    ``ordered``.
    """

    people: Numbers
    count: int
    rows: Numbers
    keys: Numbers
    order: Numbers
    ordered: Numbers

    @classmethod
    def of(cls, classes: Numbers, people: Numbers, rows: Numbers) -> OwnRows:
        """``classes`` and ``people`` are those of all rows of the original."""
        _, dense = np.unique(people, return_inverse=True)
        count = int(dense.max(initial=-1)) + 1
        keys = classes[rows] * count + dense[rows]
        order = np.argsort(keys, kind="stable")
        return cls(np.asarray(dense, dtype=np.int64), count, rows, keys, order, keys[order])

    def counted(self, classes: Numbers, rows: Numbers) -> Numbers:
        """Return how many rows the person of each row has in the class beside it."""
        return _counted(self.ordered, classes * self.count + self.people[rows])

    def alike(self, classes: Numbers, rows: Numbers, values: Numbers) -> Numbers:
        """Return how many of them have the row's value; ``values`` are those of all rows of the original."""
        domain = int(values.max(initial=0)) + 1
        keys = np.sort(self.keys * domain + values[self.rows])
        return _counted(keys, (classes * self.count + self.people[rows]) * domain + values[rows])

    def itself(self, classes: Numbers, rows: Numbers) -> NDArray[np.bool_]:
        """Return whether each row is released, and is in the class beside it."""
        places = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        found = self.rows[places] == rows
        alike = self.keys[places] == classes * self.count + self.people[rows]
        return np.asarray(found & alike)

    def of_row(self, number: int, row: int) -> Numbers:
        """Return all rows of the person of one row in the class of that number."""
        key = number * self.count + self.people[row]
        first, last = np.searchsorted(self.ordered, [key, key + 1])
        return self.rows[self.order[first:last]]


@dataclass(frozen=True, slots=True)
class Values:
    """The most frequent value is answered. ``original`` and ``holdout`` have each row's value."""

    cast: Votes
    original: Numbers
    holdout: Numbers

    def found(self, classes: Numbers, rows: Numbers, *, outside: bool = False) -> Floats:
        """Return the probability of the right answer of each row's class."""
        values = (self.holdout if outside else self.original)[rows]
        return chances(self.cast, classes, values, np.zeros_like(values))

    def without(self, classes: Numbers, rows: Numbers, own: OwnRows) -> Floats:
        """Return the same with the rows of each row's person taken out."""
        of_class, of_value = own.counted(classes, rows), own.alike(classes, rows, self.original)
        right = chances(self.cast, classes, self.original[rows], of_value)
        for each in np.flatnonzero(of_class != of_value):
            number, row = int(classes[each]), int(rows[each])
            held, taken = self.original[[row]], self.original[own.of_row(number, row)]
            right[each] = chance_without(self.cast, number, held, taken)
        return right


@dataclass(frozen=True, slots=True)
class Sets:
    """The most frequent code is answered, and right where the person has it."""

    cast: Votes
    original: CodeSets
    holdout: CodeSets

    def found(self, classes: Numbers, rows: Numbers, *, outside: bool = False) -> Floats:
        """Return the probability of the right answer of each row's class."""
        sets = self.holdout if outside else self.original
        return chances_of_sets(self.cast, classes, sets.take(rows))

    def without(self, classes: Numbers, rows: Numbers, own: OwnRows) -> Floats:
        """Return the same with the rows of each row's person taken out."""
        of_class = own.counted(classes, rows)
        itself = (of_class == 1) & own.itself(classes, rows)
        right = chances_of_sets(self.cast, classes, self.original.take(rows))
        right[itself] = chances_of_sets(
            self.cast, classes[itself], self.original.take(rows[itself]), without=True
        )
        for each in np.flatnonzero((of_class > 0) & ~itself):
            number, row = int(classes[each]), int(rows[each])
            taken = self.original.take(own.of_row(number, row)).codes
            right[each] = chance_without(self.cast, number, self.original.of(row), taken)
        return right


def _counted(ordered: Numbers, asked: Numbers) -> Numbers:
    """How often each of the numbers ``asked`` for is among the ``ordered`` ones."""
    first, last = (np.searchsorted(ordered, asked, side=side) for side in ("left", "right"))
    return np.asarray(last - first, dtype=np.int64)
