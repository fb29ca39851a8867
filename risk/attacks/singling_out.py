"""Singling out: who is alone with a combination of values, and does the release tell so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from risk.attacks.intervals import clustered_ratio, clustered_share, scaled
from risk.attacks.marks import marked
from risk.attacks.matching import Coded, Groups, banded, coded, groups, people_in
from risk.comparison import Comparison
from risk.figures import Figure, exact, not_estimated
from risk.results import Attack, Marked

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

LARGEST = 3
"""The most attributes of a predicate."""
NOBODY_HELD_OUT = "needs people who were held out"
NOBODY_SHOWN = "nobody's row is in the release"

_REPLICATED = (
    "share of the data's records that are unique in their quasi-identifiers and unique in the release"
)
_ALL = "all_attributes"


def replicated_uniques(comparison: Comparison, rng: np.random.Generator) -> Attack:
    """Return repU: the share of records alone with their quasi-identifiers in the data and in the release.

    Raab, Nowok and Dibben, "Practical privacy metrics for synthetic data" (arXiv 2406.16826, 2024), as
    synthpop 1.9 has it: the records q with d(q) = 1 and s(q) = 1, of all records of the data. The data are
    those shown, or trained on. The control of a synthetic table counts held-out people as if each alone were
    added to the data: alone there, and alone in the release. That of an anonymised table takes the person's
    row out, and nobody is left to be found: exactly 0. It does not say that a match is the person: a
    synthetic row may be alone with a combination by chance, which is what the control is for.
    """
    return Attack("rep_u", "singling-out", marked(comparison, _rep_u, rng, control=_rep_u_without))


def predicates(comparison: Comparison, rng: np.random.Generator, *, largest: int = LARGEST) -> Attack:
    """Return how often a predicate made from the release holds for exactly one person in the data.

    A predicate is a combination of values of 1 to ``largest`` attributes that exactly one released row has,
    numbers told by bands of the release (an extreme one has a band of its own): predicate singling out
    (Cohen and Nissim, PNAS 117 (2020), p. 8344), with predicates as simple as these. The headline's
    predicates are about quasi-identifiers, which are what a person can be recognised by; the part
    ``all_attributes`` uses every column, as somebody may who knows more.

    The control of a synthetic table counts the predicates that hold for one held-out person and for nobody
    in the data, in as many held-out people as the data have: what happens by chance. In an anonymised table
    it is exactly 0: without the person's row the predicate would not have been made. Cohen and Nissim's
    baseline, a predicate's weight times the people, is at most 37 %; a rate above it needs no control.
    """

    def measured(scene: Comparison, _: np.random.Generator) -> Figure:
        return _isolating(scene, _trials(scene, _known(scene), largest))

    def without(scene: Comparison, _: np.random.Generator) -> Figure:
        return _by_chance(scene, lambda: _trials(scene, _known(scene), largest))

    marks = marked(comparison, measured, rng, control=without)
    return Attack("singling_out", "singling-out", marks, {_ALL: _with_everything(comparison, largest)})


def _with_everything(comparison: Comparison, largest: int) -> Marked:
    trials = _trials(comparison, tuple(each.name for each in comparison.attributes), largest)
    return Marked(_isolating(comparison, trials), _by_chance(comparison, lambda: trials))


def _rep_u(comparison: Comparison, _: np.random.Generator) -> Figure:
    shown = comparison.shown
    if not shown.any():
        return not_estimated(NOBODY_SHOWN)
    found = groups(coded(comparison), comparison.quasi_identifiers)
    alone = _alone(found.original[shown], found.count)
    hits = alone[found.original[shown]] & (found.released_sizes() == 1)[found.original[shown]]
    if comparison.table == "anonymised":
        return exact(float(hits.mean()), len(hits), _REPLICATED)
    return clustered_share(hits.astype(np.float64), comparison.people[shown], _REPLICATED)


def _rep_u_without(comparison: Comparison, _: np.random.Generator) -> Figure:
    if comparison.table == "anonymised":
        return exact(0.0, int(comparison.shown.sum()), "the person's own row is taken out of the release")
    if comparison.holdout_people is None or not len(comparison.holdout_people):
        return not_estimated(NOBODY_HELD_OUT)
    found = groups(coded(comparison), comparison.quasi_identifiers)
    members = np.bincount(found.original[comparison.shown], minlength=found.count)
    once = (members == 0) & (found.released_sizes() == 1)
    what = "the same of held-out people, each as if added to the data"
    return clustered_share(once[found.holdout].astype(np.float64), comparison.holdout_people, what)


def _alone(members: Numbers, count: int) -> NDArray[np.bool_]:
    """Which groups have exactly one row: repU is about records, as published."""
    return np.asarray(np.bincount(members, minlength=count) == 1)


@dataclass(frozen=True, slots=True)
class _Trials:
    """What became of the predicates made from each attacker's row: how many, and how many hold for one."""

    largest: int
    made: Floats
    isolating: Floats
    by_chance: Floats

    @property
    def attackers(self) -> Numbers:
        return np.arange(len(self.made))


def _known(comparison: Comparison) -> tuple[str, ...]:
    return comparison.quasi_identifiers or tuple(each.name for each in comparison.attributes)


def _isolating(comparison: Comparison, trials: _Trials) -> Figure:
    rows = comparison.released.height
    if not trials.made.sum():
        return exact(
            0.0, rows, f"no combination of up to {trials.largest} attributes is unique in the release"
        )
    what = (
        f"share of predicates (values of up to {trials.largest} attributes that one released row has) that "
        f"hold for exactly one person; {round(trials.made.sum())} predicates"
    )
    return clustered_ratio(trials.isolating, trials.made, trials.attackers, what)


def _by_chance(comparison: Comparison, trials_of: Callable[[], _Trials]) -> Figure:
    if comparison.table == "anonymised":
        return exact(0.0, int(comparison.shown.sum()), "without the person's row there is no such predicate")
    if comparison.holdout_people is None or not len(comparison.holdout_people):
        return not_estimated(NOBODY_HELD_OUT)
    trials = trials_of()
    if not trials.made.sum():
        return exact(0.0, comparison.released.height, "no predicate could be made")
    ratio = len(np.unique(comparison.people[_data(comparison)])) / len(np.unique(comparison.holdout_people))
    what = "the same predicates holding for one held-out person and nobody in the data, for as many people"
    return scaled(clustered_ratio(trials.by_chance, trials.made, trials.attackers, what), ratio)


def _data(comparison: Comparison) -> NDArray[np.bool_]:
    """The rows a predicate is to single out from: all that were anonymised, or that the model has seen."""
    everybody = np.ones(len(comparison.people), dtype=np.bool_)
    return comparison.shown if comparison.table == "synthetic" else everybody


def _trials(comparison: Comparison, columns: Sequence[str], largest: int) -> _Trials:
    rows = comparison.released.height
    made, isolating, by_chance = (np.zeros(rows) for _ in range(3))
    cells, inside = coded(banded(comparison)), _data(comparison)
    for found in _all_groups(cells, columns, largest):
        own = (found.released_sizes() == 1)[found.released]
        mine = found.released[own]
        members = _people_of(mine, found.original[inside], comparison.people[inside], found.count)
        outside = _people_of(mine, found.holdout, comparison.holdout_people, found.count)
        made[own] += 1
        isolating[own] += members == 1
        by_chance[own] += np.where(members == 0, outside, 0)
    return _Trials(largest, made, isolating, by_chance)


def _all_groups(cells: Coded, columns: Sequence[str], largest: int) -> Iterator[Groups]:
    for size in range(1, min(largest, len(columns)) + 1):
        for subset in combinations(columns, size):
            yield groups(cells, subset)


def _people_of(wanted: Numbers, members: Numbers, people: Numbers | None, count: int) -> Numbers:
    """How many different people each of the ``wanted`` groups has."""
    if people is None or not len(people):
        return np.zeros(len(wanted), dtype=np.int64)
    asked = np.zeros(count, dtype=np.bool_)
    asked[wanted] = True
    rows = asked[members]
    return people_in(members[rows], people[rows], count)[wanted]
