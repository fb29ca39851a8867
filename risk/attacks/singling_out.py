"""Singling out: who is alone with a combination of values, and does the release tell so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from risk.attacks.intervals import clustered_ratio, clustered_share, scaled
from risk.attacks.marks import NOBODY_HELD_OUT, NOBODY_SHOWN, marked
from risk.attacks.matching import Groups, banded, coded, groups, own_rows, people_in
from risk.comparison import Comparison
from risk.figures import SEED, Figure, exact, not_estimated, share
from risk.results import Attack, Marked

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]

LARGEST = 3
"""The most attributes of a predicate."""
COMBINATIONS = 1000
"""The most combinations of attributes that are asked for; where there are more, so many are drawn."""

_REPLICATED = (
    "share of the data's records that are unique in their quasi-identifiers and unique in the release"
)
_REPLICATED_PEOPLE = (
    "share of the data's records whose person is alone with the quasi-identifiers in the data and in the "
    "release"
)
_ALL = "all_attributes"
_PEOPLE = "people"


def replicated_uniques(comparison: Comparison, rng: np.random.Generator) -> Attack:
    """Return repU: the share of records alone with their quasi-identifiers in the data and in the release.

    Raab, Nowok and Dibben, "Practical privacy metrics for synthetic data" (arXiv 2406.16826, 2024), as
    synthpop 1.9 has it: the records q with d(q) = 1 and s(q) = 1, of all records of the data. The data are
    those shown, or trained on. In an anonymised table d and s count people: who is alone with two rows is
    alone. The control of a synthetic table counts held-out people as if each alone were
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
    predicates are about quasi-identifiers, which are what a person can be recognised by. The part
    ``all_attributes`` uses every column, as somebody may who knows more; ``people`` is the share of people
    whom some predicate of the headline isolates: in an anonymised table a predicate can only fail where rows
    were suppressed, so that its headline says little more than whether there is one. There it is also made
    from a combination that several released rows have which are all of one person. Where there are more than
    ``COMBINATIONS`` combinations of attributes, some are drawn, and the figures have no upper end.

    The control of a synthetic table counts the predicates that hold for one held-out person and for nobody
    in the data, in as many held-out people as the data have: what happens by chance. In an anonymised table
    it is exactly 0: without the person's row the predicate would not have been made. Cohen and Nissim's
    baseline, a predicate's weight times the people, is at most 37 %; a rate above it needs no control.
    """

    def measured(scene: Comparison, _: np.random.Generator) -> Figure:
        return _of_what_is_known(scene, _isolating(scene, _trials(scene, _known(scene), largest)))

    def without(scene: Comparison, _: np.random.Generator) -> Figure:
        return _by_chance(scene, lambda: _trials(scene, _known(scene), largest))

    marks = marked(comparison, measured, rng, control=without)
    parts = {_ALL: _with_everything(comparison, largest), _PEOPLE: _people_isolated(comparison, largest)}
    return Attack("singling_out", "singling-out", marks, parts)


def _with_everything(comparison: Comparison, largest: int) -> Marked:
    trials = _trials(comparison, tuple(each.name for each in comparison.attributes), largest)
    return Marked(_isolating(comparison, trials), _by_chance(comparison, lambda: trials))


def _people_isolated(comparison: Comparison, largest: int) -> Marked:
    trials = _trials(comparison, _known(comparison), largest)
    kind = "quasi-identifiers" if comparison.quasi_identifiers else "attributes"
    what = f"share of people whom a predicate of up to {largest} {kind} isolates"
    figure = _share_of_people(trials.isolated, comparison.people[_data(comparison)], what)
    if comparison.table == "anonymised":
        counted = figure if figure.value is None else exact(figure.value, figure.n, what)
        return Marked(
            trials.bounded(counted),
            exact(0.0, figure.n, "without the person's row there is no such predicate"),
        )
    if comparison.holdout_people is None or not len(comparison.holdout_people):
        return Marked(trials.bounded(figure), not_estimated(NOBODY_HELD_OUT))
    return Marked(
        trials.bounded(figure), _share_of_people(trials.isolated_outside, comparison.holdout_people, what)
    )


def _share_of_people(isolated: NDArray[np.bool_], people: Numbers, what: str) -> Figure:
    return share(len(np.unique(people[isolated])), len(np.unique(people)), what)


def _rep_u(comparison: Comparison, _: np.random.Generator) -> Figure:
    shown = comparison.shown
    if not shown.any():
        return not_estimated(NOBODY_SHOWN)
    found = groups(coded(comparison, comparison.quasi_identifiers), comparison.quasi_identifiers)
    members, people = found.original[shown], comparison.people[shown]
    if comparison.table == "anonymised":
        alone = people_in(members, people, found.count) == 1
    else:
        alone = np.bincount(members, minlength=found.count) == 1
    hits = (alone & (_behind(found, _owners(comparison, found)) == 1))[members]
    if comparison.table == "anonymised":
        return exact(float(hits.mean()), len(hits), _REPLICATED_PEOPLE)
    return clustered_share(hits.astype(np.float64), people, _REPLICATED)


def _rep_u_without(comparison: Comparison, _: np.random.Generator) -> Figure:
    if comparison.table == "anonymised":
        return exact(0.0, int(comparison.shown.sum()), "the person's own row is taken out of the release")
    if comparison.holdout_people is None or not len(comparison.holdout_people):
        return not_estimated(NOBODY_HELD_OUT)
    found = groups(coded(comparison, comparison.quasi_identifiers), comparison.quasi_identifiers)
    members = np.bincount(found.original[comparison.shown], minlength=found.count)
    once = (members == 0) & (found.released_sizes() == 1)
    what = "the same of held-out people, each as if added to the data"
    return clustered_share(once[found.holdout].astype(np.float64), comparison.holdout_people, what)


def _owners(comparison: Comparison, alike: Groups) -> Numbers:
    """The person of each released row, or a number of its own where it is nobody's: of shape (rows,).

    ``alike`` are rows that agree in every column of interest. Among them persons are told in any order, which
    changes no count of the people who agree in some of the columns.
    """
    owners = np.arange(len(alike.released))
    members = alike.original[comparison.shown]
    if comparison.table == "synthetic" or not np.array_equal(np.sort(members), np.sort(alike.released)):
        return owners
    shown = np.argsort(members, kind="stable")
    owners[np.argsort(alike.released, kind="stable")] = comparison.people[comparison.shown][shown]
    return owners


def _behind(found: Groups, owners: Numbers) -> Numbers:
    """How many of the ``owners`` of released rows each group has."""
    return people_in(found.released, owners, found.count)


@dataclass(frozen=True, slots=True)
class _Trials:
    """What became of the predicates made from each released row.

    How many there are (``made``, shape (released rows,)) and how many hold for one person of the data; a
    predicate that several rows of one person make is made by each of them in equal parts. ``attackers`` (same
    shape) says whose row it is: rows of one person are not independent.
    ``by_chance`` (shape (held-out rows,)) counts the predicates that hold for a held-out row's person and for
    nobody in the data, in equal parts for a person's rows. ``isolated`` says which rows of the data,
    ``isolated_outside`` which of the holdout, are those of the only person a predicate holds for. ``asked``
    of ``possible`` combinations of attributes were asked for.
    """

    largest: int
    attackers: Numbers
    made: Floats
    isolating: Floats
    by_chance: Floats
    isolated: NDArray[np.bool_]
    isolated_outside: NDArray[np.bool_]
    asked: int
    possible: int

    def bounded(self, figure: Figure) -> Figure:
        """Return what is known of all combinations: a lower bound where some of them were not asked for."""
        if self.asked >= self.possible or figure.low is None:
            return figure
        why = (
            f"lower end only: {self.asked:,} of {self.possible:,} combinations of attributes were asked for, "
            "and the others may tell more"
        )
        return Figure(None, figure.low, None, figure.n, f"{figure.method.removeprefix('exact: ')}; {why}")


def _known(comparison: Comparison) -> tuple[str, ...]:
    return comparison.quasi_identifiers or tuple(each.name for each in comparison.attributes)


def _of_what_is_known(comparison: Comparison, figure: Figure) -> Figure:
    """Return the figure with a method that names the quasi-identifiers, where these alone are known."""
    if not comparison.quasi_identifiers:
        return figure
    return replace(figure, method=figure.method.replace("attributes", "quasi-identifiers"))


def _isolating(comparison: Comparison, trials: _Trials) -> Figure:
    if not trials.made.sum():
        what = f"no combination of up to {trials.largest} attributes is unique in the release"
        return trials.bounded(exact(0.0, comparison.released.height, what))
    what = (
        f"share of predicates (values of up to {trials.largest} attributes that one released row has, or the "
        f"rows of one person) that hold for exactly one person; {round(trials.made.sum())} predicates of "
        f"{trials.asked:,} combinations of attributes"
    )
    return trials.bounded(clustered_ratio(trials.isolating, trials.made, trials.attackers, what))


def _by_chance(comparison: Comparison, trials_of: Callable[[], _Trials]) -> Figure:
    if comparison.table == "anonymised":
        return exact(0.0, int(comparison.shown.sum()), "without the person's row there is no such predicate")
    if comparison.holdout_people is None or not len(comparison.holdout_people):
        return not_estimated(NOBODY_HELD_OUT)
    trials = trials_of()
    if not trials.made.sum():
        return exact(0.0, comparison.released.height, "no predicate could be made")
    people = comparison.holdout_people
    ratio = len(np.unique(comparison.people[_data(comparison)])) / len(np.unique(people))
    tries = np.full(len(people), trials.made.sum() / len(people))
    what = "the same predicates holding for one held-out person and nobody in the data, for as many people"
    return scaled(clustered_ratio(trials.by_chance, tries, people, what), ratio)


def _data(comparison: Comparison) -> NDArray[np.bool_]:
    """The rows a predicate is to single out from: all that were anonymised, or that the model has seen."""
    everybody = np.ones(len(comparison.people), dtype=np.bool_)
    return comparison.shown if comparison.table == "synthetic" else everybody


def _trials(comparison: Comparison, columns: Sequence[str], largest: int) -> _Trials:
    rows, people = comparison.released.height, comparison.holdout_people
    made, isolating, by_chance = (
        np.zeros(rows),
        np.zeros(rows),
        np.zeros(0 if people is None else len(people)),
    )
    cells, inside = coded(banded(comparison, only=columns), columns), _data(comparison)
    isolated, outside = np.zeros(int(inside.sum()), np.bool_), np.zeros(cells.sizes[2], np.bool_)
    everything, subsets = groups(cells, columns), _Subsets(tuple(columns), largest)
    owners, drawn = _owners(comparison, everything), subsets.drawn()
    if not (_behind(everything, owners) == 1).any():
        # Who is not alone with all the values is not alone with some of them: all combinations are answered.
        drawn = ()
    for found in (groups(cells, subset) for subset in drawn):
        once = _behind(found, owners) == 1
        members = _people_of(once, found.original[inside], comparison.people[inside])
        others = _people_of(once, found.holdout, people)
        own = once[found.released]
        mine = found.released[own]
        parts = 1.0 / found.released_sizes()[mine]
        made[own] += parts
        isolating[own] += (members == 1)[mine] * parts
        if people is not None:
            by_chance += (once & (members == 0))[found.holdout] / own_rows(found.holdout, people)
        isolated |= (once & (members == 1))[found.original[inside]]
        outside |= (once & (members == 0) & (others == 1))[found.holdout]
    asked = len(drawn) or subsets.count
    return _Trials(largest, owners, made, isolating, by_chance, isolated, outside, asked, subsets.count)


@dataclass(frozen=True, slots=True)
class _Subsets:
    """All combinations of 1 to ``largest`` of the ``columns``."""

    columns: tuple[str, ...]
    largest: int

    @property
    def sizes(self) -> range:
        return range(1, min(self.largest, len(self.columns)) + 1)

    @property
    def count(self) -> int:
        return sum(comb(len(self.columns), size) for size in self.sizes)

    def drawn(self) -> Sequence[tuple[str, ...]]:
        """Return them, or some of them where they are too many: the same ones for the same columns."""
        every = chain.from_iterable(combinations(self.columns, size) for size in self.sizes)
        if self.count <= COMBINATIONS:
            return tuple(every)
        chosen = set(np.random.default_rng(SEED).permutation(self.count)[:COMBINATIONS].tolist())
        return tuple(subset for place, subset in enumerate(every) if place in chosen)


def _people_of(asked: NDArray[np.bool_], members: Numbers, people: Numbers | None) -> Numbers:
    """How many different people each group has that is ``asked`` for; 0 for the others."""
    if people is None or not len(people):
        return np.zeros(len(asked), dtype=np.int64)
    rows = asked[members]
    return people_in(members[rows], people[rows], len(asked))
