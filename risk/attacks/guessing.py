"""Guessing a value from the released rows that agree with what is known of a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.distances.encoding import MOST_ATTRIBUTES, Scale
from anonymizer.distances.nearest import NOBODY, Index
from risk.attacks.answers import OwnRows, Sets, Values
from risk.attacks.code_sets import code_sets
from risk.attacks.intervals import clustered_share, paired_gain, unpaired_gain
from risk.attacks.marks import NOBODY_HELD_OUT, NOBODY_SHOWN
from risk.attacks.matching import Groups, banded, coded, groups, own_rows
from risk.attacks.votes import votes
from risk.comparison import Comparison
from risk.figures import Figure, not_estimated

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

TARGETS = 10_000
"""The most people a value is guessed for."""
BANDS = 10
"""The bands in which a number with many values is guessed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who is guessed right: ``right`` (shape (rows,), probabilities) of ``people``, and by the control.

    ``right_without`` is the control's: of the same rows without their people's rows in the release where
    ``other_people`` is None, else of the rows of those, who were held out. None where there is no control.
    """

    right: Floats
    people: Numbers
    right_without: Floats | None
    other_people: Numbers | None
    known: int

    def accuracy(self) -> Figure:
        what = f"share guessed right, {self.known} attributes known; {self._targets()} people"
        return (
            clustered_share(self.right, self.people, what) if len(self.right) else not_estimated(NOBODY_SHOWN)
        )

    def _targets(self) -> int:
        return len(np.unique(self.people))

    def control(self) -> Figure:
        if self.right_without is None:
            return not_estimated(NOBODY_HELD_OUT)
        groups_of = self.people if self.other_people is None else self.other_people
        return clustered_share(
            self.right_without, groups_of, "share guessed right where the person cannot matter"
        )

    def gain(self) -> Figure:
        what = (
            f"share guessed right above the share where the person cannot matter, {self.known} attributes "
            f"known; {self._targets()} people"
        )
        if self.right_without is None:
            return not_estimated(NOBODY_HELD_OUT)
        if self.other_people is None:
            return paired_gain(self.right, self.right_without, self.people, what)
        return unpaired_gain((self.right, self.people), (self.right_without, self.other_people), what)


def outcomes(
    comparison: Comparison, columns: Sequence[str], known: Sequence[str], rng: np.random.Generator
) -> dict[str, Outcome]:
    """Return who is guessed right in each of ``columns`` by the ``known`` ones, and by the control."""
    if not comparison.shown.any() or not comparison.released.height:
        nobody = Outcome(np.zeros(0), np.zeros(0, dtype=np.int64), None, None, len(known))
        return dict.fromkeys(columns, nobody)
    look_up = _LookUp.of(comparison, tuple(known), rng)
    return {column: look_up.outcome(column) for column in columns}


@dataclass(frozen=True, slots=True)
class _LookUp:
    """Where the attacker looks each target up.

    ``targets`` are rows of the original, ``held`` of the holdout. ``found`` has the class each target is
    looked up in, that of the nearest row where no row agrees, ``held_found`` likewise; ``instead`` the class
    of the nearest row of another person where none but the target's own agree, else -1.
    """

    comparison: Comparison
    known: tuple[str, ...]
    classes: Groups
    targets: Numbers
    held: Numbers
    found: Numbers
    held_found: Numbers
    instead: Numbers

    @classmethod
    def of(cls, comparison: Comparison, known: tuple[str, ...], rng: np.random.Generator) -> _LookUp:
        classes = groups(coded(comparison, known), known)
        targets = _drawn(comparison.people, comparison.shown, rng)
        held = np.zeros(0, dtype=np.int64)
        if comparison.table == "synthetic" and comparison.holdout_people is not None:
            everybody = np.ones(len(comparison.holdout_people), dtype=np.bool_)
            held = _drawn(comparison.holdout_people, everybody, rng)
        found = np.concatenate([classes.original[targets], classes.holdout[held]])
        lost = classes.released_sizes()[found] == 0
        asked = comparison.original[targets]
        if comparison.holdout is not None:
            asked = pl.concat([asked, comparison.holdout[held]])
        found[lost] = _nearest(comparison, known, classes, asked.filter(lost))
        members, others = found[: len(targets)], found[len(targets) :]
        instead = _instead(comparison, known, classes, targets)
        return cls(comparison, known, classes, targets, held, members, others, instead)

    def outcome(self, column: str) -> Outcome:
        kinds = {each.name: each.kind for each in self.comparison.attributes}
        answers = self._sets(column) if kinds[column] == "codes" else self._values(column)
        right, people = answers.found(self.found, self.targets), self.comparison.people[self.targets]
        if self.comparison.table == "anonymised":
            return Outcome(right, people, self._without(answers), None, len(self.known))
        if self.comparison.holdout_people is None or not len(self.held):
            return Outcome(right, people, None, None, len(self.known))
        wrong = answers.found(self.held_found, self.held, outside=True)
        return Outcome(right, people, wrong, self.comparison.holdout_people[self.held], len(self.known))

    def _values(self, column: str) -> Values:
        cells = coded(banded(self.comparison, bands=BANDS, only=(column,)), (column,))
        released, original, holdout = np.split(cells.cells[:, 0], np.cumsum(cells.sizes)[:2])
        cast = votes(self.classes.released, released, self.classes.count, cells.domain[0])
        return Values(cast, original, holdout)

    def _sets(self, column: str) -> Sets:
        released, original, holdout = code_sets(self.comparison, column)
        classes = released.spread(self.classes.released)
        return Sets(votes(classes, released.codes, self.classes.count, released.domain), original, holdout)

    def _without(self, answers: Values | Sets) -> Floats:
        """Each target's probability of being guessed right with the rows of its person taken out."""
        shown = np.flatnonzero(self.comparison.shown)
        own = OwnRows.of(self.classes.original, self.comparison.people, shown)
        return answers.without(np.where(self.instead < 0, self.found, self.instead), self.targets, own)


def _drawn(people: Numbers, among: NDArray[np.bool_], rng: np.random.Generator) -> Numbers:
    """All rows ``among`` which at most ``TARGETS`` people are drawn, in the order of rows."""
    drawn = rng.permutation(np.unique(people[among]))[:TARGETS]
    return np.flatnonzero(among & np.isin(people, drawn))


def _nearest(comparison: Comparison, known: Sequence[str], classes: Groups, asked: pl.DataFrame) -> Numbers:
    """The class of the released row nearest to each row of ``asked``."""
    nobodys = np.zeros(comparison.released.height, dtype=np.int64)
    people = np.full(asked.height, NOBODY, dtype=np.int64)
    rows = _nearest_rows(comparison, known, (comparison.released, nobodys), (asked, people))
    return classes.released[rows]


def _instead(comparison: Comparison, known: Sequence[str], classes: Groups, targets: Numbers) -> Numbers:
    """The class of the nearest released row of another person, where only the target's own agree; else -1."""
    instead = np.full(len(targets), -1, dtype=np.int64)
    if comparison.table == "synthetic":
        return instead
    shown = np.flatnonzero(comparison.shown)
    members = classes.original[shown]
    alone = own_rows(members, comparison.people[shown]) >= classes.released_sizes()[members]
    lost = alone[np.searchsorted(shown, targets)]
    source = comparison.original[shown], comparison.people[shown]
    asked = comparison.original[targets].filter(lost), comparison.people[targets][lost]
    instead[lost] = members[_nearest_rows(comparison, known, source, asked)]
    return instead


def _nearest_rows(
    comparison: Comparison,
    known: Sequence[str],
    source: tuple[pl.DataFrame, Numbers],
    asked: tuple[pl.DataFrame, Numbers],
) -> Numbers:
    """The row of ``source`` nearest to each one ``asked`` that is not its person's, each with its people."""
    if not asked[0].height or not known:
        return np.zeros(asked[0].height, dtype=np.int64)
    known = known[:MOST_ATTRIBUTES]
    kinds = {each.name: each.kind for each in comparison.attributes if each.name in known}
    scale = Scale.of(source[0].select(known), kinds)
    index = Index.of(source[0].select(known), scale, source[1])
    _, rows = index.nearest(scale.encode(asked[0].select(known)), asked[1])
    return np.maximum(rows[:, 0], 0)
