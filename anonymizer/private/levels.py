"""Generalisation levels chosen by the exponential mechanism, at a price of ``epsilon_search``.

The score of a transformation is what the release can be expected to keep: the sum over its classes of
h(n) w, with n people in the class and w the share of the domain's detail that the class's labels keep (1
minus the weighted mean share of the leaves covered), h(n) = min(n, s max(0, n - t + 1)).

SafePub's granularity counts the people of classes of at least k, so one person who makes a class reach k
moves its score by k. Here a class enters on a ramp of slope s instead of all at once: h is the lesser of two
functions of which one person moves the first by 1 and the second by at most s, and w lies between 0 and 1, so
one person, who is in one class of each transformation, moves any score by at most s. t = ceil(k / beta) is
the size from which on k people can be expected to be drawn; s = ceil(sqrt(t)) weighs noise against the ramp.

The scores look at all people and not, as in SafePub, at the sample: then choosing and releasing use
independent randomness, and the budgets add up by sequential composition (Dwork and Roth 2014, theorem 3.16).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt, prod

import numpy as np
from numpy.typing import NDArray

from anonymizer.errors import BadConfig
from anonymizer.hierarchies.encoding import encode
from anonymizer.private.differential_privacy import Sampling
from anonymizer.private.exponential_mechanism import Chance, choose
from anonymizer.tables.table import Table

UNIT = 2**20
"""A label's kept detail is a whole number of these parts, rounded down: scores are integers."""
MOST_CANDIDATES = 50_000
_KEY_SPACE = 2**62
Ints = NDArray[np.int64]
Node = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Ramp:
    """h(n) = min(n, ``slope`` max(0, n - ``threshold`` + 1)); ``slope`` is also its sensitivity."""

    threshold: int
    slope: int

    def __call__(self, people: Ints) -> Ints:
        beyond = np.maximum(0, people - (self.threshold - 1))
        return np.asarray(np.minimum(people, self.slope * beyond))


def ramp_for(sampling: Sampling) -> Ramp:
    """The ramp at the class size of which k people can be expected to be drawn."""
    threshold = -(-sampling.k // sampling.beta)
    return Ramp(threshold, isqrt(threshold - 1) + 1)


def choose_levels(table: Table, sampling: Sampling, *, epsilon: Fraction, chance: Chance) -> dict[str, int]:
    """The level of each quasi-identifier, chosen among all transformations between their bounds.

    Every row of ``table`` is another person.

    Raises:
        BadConfig: more transformations than are scored one by one; their number depends on the config alone.
        BadInput: values outside a hierarchy.
    """
    ladders = _ladders(table)
    candidates = prod(len(ladder.levels) for ladder in ladders)
    if candidates > MOST_CANDIDATES:
        raise BadConfig(
            f"epsilon_search can choose among at most {MOST_CANDIDATES:,} transformations",
            count=candidates,
            hint="bring min_level and max_level closer together",
        )
    ramp = ramp_for(sampling)
    found = _scores(ladders, ramp)
    # In a fixed order: the position is all that randomness decides.
    nodes = sorted(found)
    sensitivity = ramp.slope * UNIT
    position = choose(
        [found[node] for node in nodes], epsilon=epsilon, sensitivity=sensitivity, chance=chance
    )
    return {ladder.name: level for ladder, level in zip(ladders, nodes[position], strict=True)}


def scores(table: Table, ramp: Ramp) -> dict[Node, int]:
    """The score of every transformation in parts of 1 / ``UNIT`` of a person; one row is one person."""
    return _scores(_ladders(table), ramp)


@dataclass(frozen=True, slots=True)
class _Ladder:
    """One quasi-identifier's values: ``codes`` (rows), and what a code becomes at each level.

    ``label_codes`` and ``detail`` have the shape (levels, values); ``detail`` is what the label keeps, times
    the column's share of all weights.
    """

    name: str
    levels: range
    codes: Ints
    label_codes: NDArray[np.int32]
    detail: Ints


@dataclass(frozen=True, slots=True)
class _Classes:
    """Distinct tuples of codes (classes, columns), what their generalised columns keep, and their people."""

    codes: Ints
    detail: Ints
    people: Ints


def _scores(ladders: Sequence[_Ladder], ramp: Ramp) -> dict[Node, int]:
    codes = np.stack([ladder.codes for ladder in ladders], axis=1)
    everyone = _Classes(codes, np.zeros(len(codes), np.int64), np.ones(len(codes), np.int64))
    sizes = [ladder.label_codes.shape[1] for ladder in ladders]
    walk = _walk(_merged(everyone, sizes), ladders, sizes)
    return {node: int((ramp(classes.people) * classes.detail).sum()) for node, classes in walk}


def _ladders(table: Table) -> list[_Ladder]:
    columns = table.quasi_identifiers
    all_weights = sum((Fraction(column.weight) for column in columns), Fraction(0))
    ladders = []
    for column in columns:
        codes, ladder = encode(table.frame[column.name], column)
        assert column.hierarchy is not None  # encode sees to it
        # Missing is always a leaf here: whether the table has missing cells is the data's, not the domain's.
        leaves = column.hierarchy.leaves + 1
        share = Fraction(column.weight) / all_weights
        kept = [
            [int(share * UNIT * (leaves - int(n)) / leaves) for n in level] for level in ladder.leaf_counts
        ]
        kept[-1] = [0] * len(kept[-1])
        levels = range(ladder.lowest, ladder.highest + 1)
        detail = np.array(kept, np.int64)
        ladders.append(_Ladder(column.name, levels, codes.astype(np.int64), ladder.label_codes, detail))
    return ladders


def _walk(
    classes: _Classes, ladders: Sequence[_Ladder], sizes: Sequence[int], column: int = 0
) -> Iterator[tuple[Node, _Classes]]:
    """Every transformation of the columns from ``column`` on, with its classes.

    A class is named by one of its members' base codes, so that the next level is reached from this one.
    """
    if column == len(ladders):
        yield (), classes
        return
    ladder = ladders[column]
    for level in ladder.levels:
        _, first, label = np.unique(ladder.label_codes[level], return_index=True, return_inverse=True)
        codes = classes.codes.copy()
        codes[:, column] = first[label][codes[:, column]]
        classes = _merged(_Classes(codes, classes.detail, classes.people), sizes)
        detail = classes.detail + ladder.detail[level][classes.codes[:, column]]
        generalised = _Classes(classes.codes, detail, classes.people)
        for levels, leaf in _walk(generalised, ladders, sizes, column + 1):
            yield (level, *levels), leaf


def _merged(classes: _Classes, sizes: Sequence[int]) -> _Classes:
    """Equal tuples as one class with the people of all; what they keep is the same for equal tuples."""
    keys = _keys(classes.codes, sizes)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate([np.ones(min(len(keys), 1), np.bool_), keys[1:] != keys[:-1]]))
    first = order[starts]
    people = np.add.reduceat(classes.people[order], starts) if len(starts) else classes.people
    return _Classes(classes.codes[first], classes.detail[first], people)


def _keys(codes: Ints, sizes: Sequence[int]) -> Ints:
    """One integer per tuple, equal exactly where all codes are."""
    if prod(sizes) <= _KEY_SPACE:
        return codes @ np.array([prod(sizes[column + 1 :]) for column in range(len(sizes))], np.int64)
    keys, space = np.zeros(len(codes), np.int64), 1
    for column, size in enumerate(sizes):
        if space * size > _KEY_SPACE:
            distinct, keys = np.unique(keys, return_inverse=True)
            space = len(distinct)
        keys = keys * size + codes[:, column]
        space *= size
    return keys
