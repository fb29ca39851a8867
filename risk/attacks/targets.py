"""Whom a membership attack is tried on: people of the data, others, and who is most isolated among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anonymizer.distances.nearest import NOBODY
from risk.attacks.marks import ceiling
from risk.attacks.scores import isolation
from risk.comparison import Comparison

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

POOL = 10_000
"""As many people are looked at for the most isolated ones, of the data and of others."""
CHOSEN_ON, REPORTED_ON = 1_500, 3_000
"""As many people, of the data and of others, the attack is chosen and reported on, and all isolated ones."""
AMONG = 20_000
"""Among as many records a person's isolation is measured."""
REFERENCE = 10_000
"""As many records of others the attacker holds."""
ISOLATED = 0.05
"""The share of people who are the most isolated ones."""


@dataclass(frozen=True, slots=True)
class Targets:
    """One record each of the people an attack is tried on; all arrays have shape (targets,).

    ``members`` are in the data, the others were held out. ``rows`` are those of the original, of the holdout
    for the others. On the ``reported`` ones the attack is reported, on the rest it is chosen. The ``drawn``
    ones are a random sample; the ``isolated`` ones may stand beside it.
    """

    rows: Ints
    members: Bools
    reported: Bools
    drawn: Bools
    isolated: Bools

    def __post_init__(self) -> None:
        for name in self.__slots__:
            array = getattr(self, name).copy()
            array.setflags(write=False)
            object.__setattr__(self, name, array)


def targets_of(comparison: Comparison, others: Ints, rng: np.random.Generator) -> Targets:
    """Return whom to attack: people of the data and, of the holdout, those of the rows ``others``.

    ``others`` int64 may be empty. The isolated people are the 5 % of the members with the largest distance to
    their 5th nearest record of other people, in true values, and those of the others who are as far away.
    """
    shown = np.flatnonzero(comparison.shown)
    pool = shown[_one_each(comparison.people[shown], rng)][:POOL]
    held = others[_one_each(_people_of(comparison, others), rng)][:POOL]
    among = rng.permutation(shown)[:AMONG]
    isolated = np.zeros(len(pool) + len(held), np.bool_)
    isolated[: len(pool)], reach = _most_isolated(comparison, pool, among)
    isolated[len(pool) :] = _as_isolated(comparison, held, among, reach)
    half = [_halves(len(each)) for each in (pool, held)]
    reported, drawn = (np.concatenate(each) for each in zip(*half, strict=True))
    kept = drawn | isolated
    members = np.arange(len(kept)) < len(pool)
    rows = np.concatenate([pool, held])
    return Targets(rows[kept], members[kept], reported[kept], drawn[kept], isolated[kept])


def split(comparison: Comparison, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return which rows of the holdout are the attacker's reference, of a quarter of them, and the rest."""
    assert comparison.holdout_people is not None
    found = np.unique(comparison.holdout_people)
    known = rng.permutation(found)[: len(found) // 4]
    of_reference = np.isin(comparison.holdout_people, known)
    return rng.permutation(np.flatnonzero(of_reference))[:REFERENCE], np.flatnonzero(~of_reference)


def _people_of(comparison: Comparison, others: Ints) -> Ints:
    return others if comparison.holdout_people is None else comparison.holdout_people[others]


def _one_each(people: Ints, rng: np.random.Generator) -> Ints:
    """A random record of each person, in random order."""
    order = rng.permutation(len(people))
    _, first = np.unique(people[order], return_index=True)
    return np.asarray(order[rng.permutation(first)])


def _halves(count: int) -> tuple[Bools, Bools]:
    """Who is reported on, two of three, and who is in the random sample of either part."""
    number = np.arange(count)
    reported = number % 3 != 0
    within = np.where(reported, number - number // 3 - 1, number // 3)
    return reported, within < np.where(reported, REPORTED_ON, CHOSEN_ON)


def _most_isolated(comparison: Comparison, rows: Ints, among: Ints) -> tuple[Bools, float]:
    """Which of the rows are the most isolated in true values, and the least distance of theirs."""
    if not len(rows):
        return np.zeros(0, np.bool_), np.inf
    true = ceiling(comparison)
    away = isolation(
        true.base[rows],
        true.people[rows],
        among=true.base[among],
        others=true.people[among],
        attributes=true.attributes,
    )
    farthest = np.argsort(-away, kind="stable")[: max(1, round(ISOLATED * len(rows)))]
    return np.isin(np.arange(len(rows)), farthest), float(away[farthest[-1]])


def _as_isolated(comparison: Comparison, held: Ints, among: Ints, reach: float) -> Bools:
    """Which people of the holdout are as far from the records as the most isolated members."""
    if not len(held):
        return np.zeros(0, np.bool_)
    assert comparison.holdout is not None
    away = isolation(
        comparison.holdout[held],
        np.full(len(held), NOBODY, np.int64),
        among=comparison.original[among],
        others=comparison.people[among],
        attributes=comparison.attributes,
    )
    return away >= reach
