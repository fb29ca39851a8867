"""Bands of a column of whole numbers, each of k people or more.

A value that k people share is a band by itself. What lies between two of those is cut into bands that end
half-way to their neighbours' values; where fewer than k people lie there, the nearer shared value stands for
them. What lies outside the k-th smallest and the k-th largest person's values is cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from synth.axes import Bools, Ints
from synth.coding.people import People, once

MOST = 1000
"""About how many bands a column may have; where k would make more, they hold more people each."""


@dataclass(frozen=True, slots=True)
class Bands:
    """Disjoint bands from ``low`` to ``high``, both included (int64, shape (bands,)), rising."""

    low: Ints
    high: Ints

    def __post_init__(self) -> None:
        for part in (self.low, self.high):
            part.setflags(write=False)

    def nearest(self, values: Ints) -> Ints:
        """The number of the band that each value lies in or nearest to; the lower one of two."""
        gaps = self.low[1:] - self.high[:-1]
        return np.searchsorted(self.high[:-1] + gaps // 2 + 1, values, side="right").astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Points:
    """What a person has of a column, once: ``values`` (rising) and whose they are."""

    values: Ints
    people: People

    @classmethod
    def of(cls, values: Ints, people: People) -> _Points:
        if people.is_single:
            order = np.argsort(values, kind="stable")
            return cls(values[order], people.ordered(order))
        distinct, at = np.unique(values, return_inverse=True)
        pairs = once(at * people.count + people.numbers)
        return cls(distinct[pairs // people.count], People(pairs % people.count, people.count, False))

    def where(self, rows: Bools) -> _Points:
        return _Points(self.values[rows], self.people.where(rows))


def learned(values: Ints, people: People, k: int, *, most: int = MOST) -> Bands:
    """Return the bands of the ``values`` (int64, shape (rows,)) of k ``people`` or more; of fewer, none."""
    if people.among(np.ones(len(values), bool)) < k:
        return Bands(np.empty(0, np.int64), np.empty(0, np.int64))
    points = _Points.of(values, people)
    distinct, at = np.unique(points.values, return_inverse=True)
    having = np.bincount(at)
    target = _target(having, k, most)
    is_atom = having >= target
    atoms = distinct[is_atom]
    run: Ints = np.cumsum(is_atom) - is_atom
    loose = points.where(~is_atom[at])
    runs: Ints = run[at][~is_atom[at]]
    inhabited = loose.people.having(runs, len(atoms) + 1) >= k
    between = _cut(loose.where(inhabited[runs]), runs[inhabited[runs]], atoms, k, target)
    low = np.r_[atoms, between.low]
    order = np.argsort(low, kind="stable")
    return Bands(low[order], np.r_[atoms, between.high][order])


def _target(having: Ints, k: int, most: int) -> int:
    """How many people a band is to hold: k if that makes no more than ``most`` bands."""
    atoms = having >= k
    bands = np.count_nonzero(atoms) + having[~atoms].sum() // k
    return k if bands <= most else max(k, int(-(-having.sum() // most)))


def _cut(points: _Points, runs: Ints, atoms: Ints, k: int, target: int) -> Bands:
    """The bands of points that lie in ``runs``, numbered by the count of atoms below."""
    if not len(runs):
        return Bands(runs.copy(), runs.copy())
    band = np.cumsum(_opened(points, runs, k, target, len(atoms))) - 1
    first = np.flatnonzero(np.r_[True, np.diff(band) != 0])
    last = np.r_[first[1:], len(band)] - 1
    values, run = points.values, runs[first]
    follows = np.r_[False, run[1:] == run[:-1]]
    middle = values[last[:-1]] + (values[first[1:]] - values[last[:-1]]) // 2
    low = np.where(follows, np.r_[0, middle + 1], _above(atoms, run, values[first]))
    high = np.where(np.r_[follows[1:], False], np.r_[middle, 0], _below(atoms, run, values[last]))
    if run[0] == 0:
        low[0] = _reached(points.where(band == 0), k, 1)
    if run[-1] == len(atoms):
        high[-1] = _reached(points.where(band == len(first) - 1), k, -1)
    if low[0] > high[0]:
        low[0] = high[0] = _centre(points.where(band == 0))
    return Bands(low, high)


def _above(atoms: Ints, run: Ints, first: Ints) -> Ints:
    """Half-way from the atom below each run to its first value."""
    return np.asarray(first - (first - np.r_[0, atoms][run] - 1) // 2)


def _below(atoms: Ints, run: Ints, last: Ints) -> Ints:
    """Half-way from each run's last value to the atom above."""
    return np.asarray(last + (np.r_[atoms, 0][run] - last - 1) // 2)


def _reached(points: _Points, k: int, sign: int) -> int:
    """Half-way from the value of the k-th person, from below or (``sign`` −1) above, to the next value."""
    values, numbers = points.values[::sign], points.people.numbers[::sign]
    _, first = np.unique(numbers, return_index=True)
    kth = int(values[np.sort(first)[k - 1]])
    further = values[sign * values > sign * kth]
    gap = abs(int(further[0]) - kth) if len(further) else 0
    return kth + sign * ((gap + 1) // 2)


def _centre(points: _Points) -> int:
    """Half-way between the two people in the middle, or from the one to the nearer neighbour."""
    _, first = np.unique(points.people.numbers, return_index=True)
    values = points.values[np.sort(first)].tolist()
    half = len(values) // 2
    lower, upper = values[(len(values) - 1) // 2], values[half]
    if lower < upper or len(values) < 3:
        return int(lower + (upper - lower) // 2)
    before, after = lower - values[half - 1], values[half + 1] - lower
    return int(lower - before // 2 if before <= after else lower + after // 2)


def _opened(points: _Points, runs: Ints, k: int, target: int, outermost: int) -> Bools:
    """Which points begin a band, shape (points,)."""
    opens = np.zeros(len(runs), bool)
    begins = np.flatnonzero(np.r_[True, np.diff(runs) != 0])
    ends = np.r_[begins[1:], len(runs)]
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        size = max(target, 2 * k) if runs[begin] == 0 else target
        opens[[begin, *_greedy(points.values[begin:end], begin, target, size)]] = True
    while len(closed := _too_few(points, opens, runs, k, outermost)):
        opens[closed] = False
    return opens


def _greedy(values: Ints, begin: int, target: int, size: int) -> Iterator[int]:
    """Where bands begin that hold ``target`` points or more, ``size`` the first one, ties together."""
    at = 0
    while at + size < len(values):
        at = int(np.searchsorted(values, values[at + size - 1], side="right"))
        if at < len(values):
            yield begin + at
        size = target


def _too_few(points: _Points, opens: Bools, runs: Ints, k: int, outermost: int) -> Ints:
    """The points whose bands are to be joined to the ones before, since one of the two has too few people.

    The outermost bands are cut off where k people reach, and need twice as many.
    """
    first = np.flatnonzero(opens)
    run = runs[first]
    needed = np.full(len(first) + 1, k)
    needed[0] *= 1 + (run[0] == 0)
    needed[len(first) - 1] = max(needed[len(first) - 1], k * (1 + (run[-1] == outermost)))
    lacks = np.append(points.people.having(np.cumsum(opens) - 1, len(first)), needed[-1]) < needed
    follows = np.r_[False, run[1:] == run[:-1], False]
    closed, joined = [], -1
    for i in np.flatnonzero(lacks & (follows | np.r_[follows[1:], False])).tolist():
        into = i + 1 if follows[i + 1] and (lacks[i + 1] or not follows[i]) else i
        if into - 1 > joined:
            closed.append(first[into])
            joined = into
    return np.array(closed, dtype=np.int64)
