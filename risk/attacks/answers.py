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
    """The rows of each row's person in the same class: those of ``rows[order[starts[p]:starts[p + 1]]]``.

    ``pairs`` has the number p of each row's class and person.
    """

    rows: Numbers
    pairs: Numbers
    order: Numbers
    starts: Numbers

    @classmethod
    def of(cls, classes: Numbers, people: Numbers, rows: Numbers) -> OwnRows:
        """``rows`` are the places, ascending, of the rows whose classes and people are given."""
        pairs = _pairs(classes, people)
        starts = np.concatenate([[0], np.cumsum(np.bincount(pairs))])
        return cls(rows, pairs, np.argsort(pairs, kind="stable"), starts)

    def places(self, rows: Numbers) -> Numbers:
        return np.searchsorted(self.rows, rows)

    def of_row(self, row: int) -> Numbers:
        """Return the places of all rows of the person of one row in its class, that row among them."""
        pair = self.pairs[np.searchsorted(self.rows, row)]
        return self.rows[self.order[self.starts[pair] : self.starts[pair + 1]]]


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
        values, places = self.original[own.rows], own.places(rows)
        alike = _pairs(own.pairs, values)
        of_class, of_value = np.bincount(own.pairs)[own.pairs][places], np.bincount(alike)[alike][places]
        right = chances(self.cast, classes, self.original[rows], of_value)
        for each in np.flatnonzero(of_class != of_value):
            held, taken = self.original[rows[[each]]], self.original[own.of_row(int(rows[each]))]
            right[each] = chance_without(self.cast, int(classes[each]), held, taken)
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
        right = chances_of_sets(self.cast, classes, self.original.take(rows), without=True)
        several = np.bincount(own.pairs)[own.pairs][own.places(rows)] > 1
        for each in np.flatnonzero(several):
            taken = self.original.take(own.of_row(int(rows[each]))).codes
            held = self.original.of(int(rows[each]))
            right[each] = chance_without(self.cast, int(classes[each]), held, taken)
        return right


def _pairs(first: Numbers, second: Numbers) -> Numbers:
    """A dense number of each row's pair of numbers."""
    _, dense = np.unique(first * (int(second.max(initial=0)) + 1) + second, return_inverse=True)
    return np.asarray(dense, dtype=np.int64)
