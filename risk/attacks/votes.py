"""What the rows of a class say about a value: the guess of the majority, with and without somebody's rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from risk.attacks.code_sets import CodeSets

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Votes:
    """How many rows of each class have each value.

    ``keys`` (int64, sorted) are class · ``domain`` + value of those that occur, ``rows`` how many rows they
    have. By class (shape (classes,)): the ``most`` rows of one value and how many values have so many, the
    most rows below that (``next``) and how many values have those; 0 where there are none.
    """

    domain: int
    keys: Numbers
    rows: Numbers
    most: Numbers
    most_values: Numbers
    next: Numbers
    next_values: Numbers

    def of(self, classes: Numbers, values: Numbers) -> Numbers:
        """Return how many rows of its class have each value."""
        asked = classes * self.domain + values
        if not len(self.keys):
            return np.zeros_like(asked)
        place = np.minimum(np.searchsorted(self.keys, asked), len(self.keys) - 1)
        return np.where(self.keys[place] == asked, self.rows[place], 0)

    def of_class(self, number: int) -> tuple[Numbers, Numbers]:
        """Return the values that occur in a class and their rows."""
        ends = np.searchsorted(self.keys, [number * self.domain, (number + 1) * self.domain])
        part = slice(int(ends[0]), int(ends[1]))
        return self.keys[part] - number * self.domain, self.rows[part]


def votes(classes: Numbers, values: Numbers, count: int, domain: int) -> Votes:
    """Return the votes of rows in ``count`` classes for values 0 to ``domain`` - 1."""
    keys, rows = np.unique(classes * domain + values, return_counts=True)
    of = keys // domain
    most = _largest(of, rows, count)
    further = _largest(of, np.where(rows < most[of], rows, 0), count)
    return Votes(
        domain,
        keys,
        rows,
        most,
        np.bincount(of[rows == most[of]], minlength=count),
        further,
        np.bincount(of[rows == further[of]], minlength=count) * (further > 0),
    )


def _largest(of: Numbers, rows: Numbers, count: int) -> Numbers:
    """The largest of ``rows`` by class; ``of`` is sorted."""
    largest = np.zeros(count, dtype=np.int64)
    present, starts = np.unique(of, return_index=True)
    largest[present] = np.maximum.reduceat(rows, starts)
    return largest


def chances(cast: Votes, classes: Numbers, values: Numbers, taken: Numbers) -> Floats:
    """Return the probability that the majority of a class, drawn among equals, is the given value.

    ``taken`` rows of that value are taken out of the class before; 0 where no row is left to say anything.
    """
    rows = cast.of(classes, values)
    left = np.maximum(rows - taken, 0)
    most, most_values = cast.most[classes], cast.most_values[classes]
    alone = (rows == most) & (most_values == 1)
    others = np.where(alone, cast.next[classes], most)
    rivals = np.where(alone, cast.next_values[classes], most_values - ((rows == most) & (rows > 0)))
    wins = np.where(left > others, 1.0, np.where(left == others, 1.0 / (rivals + 1.0), 0.0))
    return np.where(left > 0, wins, 0.0)


def chance_without(cast: Votes, number: int, held: Numbers, own: Numbers) -> float:
    """Return the probability that the majority of one class is among the values ``held``, without own rows.

    ``own`` are the values of the rows that are taken out, as far as they are there; 0 where no row is left to
    say anything.
    """
    values, rows = cast.of_class(number)
    left = rows.copy()
    for taken in own:
        left[np.searchsorted(values, taken) : np.searchsorted(values, taken, side="right")] -= 1
    best = values[left == left.max(initial=0)] if left.max(initial=0) > 0 else values[:0]
    return len(np.intersect1d(best, held)) / len(best) if len(best) else 0.0


def chances_of_sets(cast: Votes, classes: Numbers, sets: CodeSets, *, without: bool = False) -> Floats:
    """Return the probability that a class's most frequent code, drawn among equals, is in the row's set.

    ``classes`` has one class for each set. ``without`` the row itself, which is in the class: where all the
    most frequent codes are its own, they fall by one row, and other codes that had one row less draw level.
    """
    of = sets.spread(classes)
    rows = cast.of(of, sets.codes)
    tops = np.add.reduceat((rows == cast.most[of]) & (rows > 0), sets.starts[:-1]) if len(classes) else rows
    most, most_values = cast.most[classes], cast.most_values[classes]
    if not without:
        return np.divide(tops, most_values, out=np.zeros(len(classes)), where=most_values > 0)
    level = (cast.next[of] == cast.most[of] - 1) & (rows == cast.next[of]) & (rows > 0)
    own_next = np.add.reduceat(level, sets.starts[:-1]) if len(classes) else rows
    rivals = np.where(cast.next[classes] == most - 1, cast.next_values[classes], 0) - own_next
    wins = (tops == most_values) & (most > 1)
    return np.divide(tops, tops + rivals, out=np.zeros(len(classes)), where=wins)
