"""Linkage: whose row is it, for an attacker whose knowledge of a person has a stated quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.distances.encoding import MOST_ATTRIBUTES, UNIT, Scale
from anonymizer.distances.nearest import NOBODY, Index
from risk.attacks.intervals import clustered_share
from risk.attacks.marks import NOBODY_HELD_OUT, NOBODY_SHOWN, marked
from risk.attacks.matching import coded, groups, own_rows
from risk.comparison import Comparison
from risk.figures import Figure, exact, not_estimated
from risk.results import Attack, Marked

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

TARGETS = 1000
"""The most people linked one by one; what is counted exactly is counted for everybody."""
CLAIM = 0.2
"""A row stands out that is nearer than this share of the distance of the second nearest."""
_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Quality:
    """How good the attacker's knowledge is: the shares of known cells that are ``missing`` and ``wrong``.

    A wrong cell has the value of another person, who is drawn. Both are drawn cell by cell.
    """

    missing: float = 0.0
    wrong: float = 0.0

    def __str__(self) -> str:
        return f"{self.missing:.0%} of cells missing, {self.wrong:.0%} wrong"


PERFECT = Quality()
POOR = Quality(missing=0.2, wrong=0.1)


def linkage(comparison: Comparison, rng: np.random.Generator, *, quality: Quality = POOR) -> Attack:
    """Return how often an attacker who knows a person's quasi-identifiers links the person to a row.

    *An anonymised table.* The figure is the probability of naming a row of the right person: the attacker
    takes one of the rows that agree best with what is known, one as likely as the other. It is averaged over
    everybody whose row is released. The headline is exact and for all quasi-identifiers known without error:
    of all stated qualities the best one; it equals the marketer's risk. The parts are the same with a share
    of cells missing and wrong (``quality``, sampled), with the first and the second half of the
    quasi-identifiers only (exact), and the ``largest`` probability of any person. An attacker is taken to
    know how values were recoded. The control is guessing a row: without the person's row there is no right
    one. Independent columns have nobody's row, so the floor is exactly 0.

    *A synthetic table* has no row of anybody. The figure is the share of people for whom a row *stands out*:
    the nearest row (by a mean of differences per quasi-identifier, a number's as a share of its range in the
    release) is at less than a fifth of the distance of the second nearest, so that an attacker claims the
    link. Of held-out people every such claim is false, and their share is the control: what is above it
    rests on the people in the data. The part ``right_claims`` is the share of claims that are about people in
    the data, as if as many had been held out: 50 % is guessing.
    """
    if not comparison.quasi_identifiers:
        return Attack("linkage", "linkability", Marked(not_estimated("nothing is known of anybody")))
    if not comparison.released.height:
        return Attack("linkage", "linkability", Marked(not_estimated("the release has no rows")))
    if not comparison.shown.any():
        return Attack("linkage", "linkability", Marked(not_estimated(NOBODY_SHOWN)))
    if comparison.table == "synthetic":
        return _of_synthetic(comparison, rng, quality)
    return _of_anonymised(comparison, rng, quality)


def _of_anonymised(comparison: Comparison, rng: np.random.Generator, quality: Quality) -> Attack:
    known = comparison.quasi_identifiers
    marks = marked(comparison, lambda scene, _: _named(scene, known), rng, control=_guessed)
    nobodys = exact(0.0, comparison.released.height, "no row of independent columns is anybody's")
    first, second = _halves(known)
    parts = {
        "poor_knowledge": Marked(_named_poorly(comparison, quality, rng)),
        "first_half": Marked(_named(comparison, first)),
        "second_half": Marked(_named(comparison, second)),
        "largest": Marked(_largest(comparison, known)),
    }
    headline = Marked(marks.figure, marks.control, nobodys, marks.ceiling, marks.bootstrap)
    return Attack("linkage", "linkability", headline, parts)


def _halves(known: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Every second quasi-identifier, and the others: two sources that know different things."""
    return known[::2], known[1::2] or known


def _probabilities(comparison: Comparison, known: Sequence[str]) -> Floats:
    """Each released person's row's probability of being linked rightly, of shape (shown rows,)."""
    shown = comparison.shown
    found = groups(coded(comparison, known), known)
    members = found.original[shown]
    rows = found.released_sizes()[members]
    own = own_rows(members, comparison.people[shown])
    return np.minimum(1.0, np.divide(own, rows, out=np.zeros(len(own)), where=rows > 0))


def _named(comparison: Comparison, known: Sequence[str]) -> Figure:
    if not comparison.shown.any():
        return not_estimated(NOBODY_SHOWN)
    chances = _probabilities(comparison, known)
    what = f"mean probability of naming a row of the right person, {len(known)} quasi-identifiers known"
    return exact(float(chances.mean()), len(chances), what)


def _largest(comparison: Comparison, known: Sequence[str]) -> Figure:
    if not comparison.shown.any():
        return not_estimated(NOBODY_SHOWN)
    chances = _probabilities(comparison, known)
    return exact(
        float(chances.max()), len(chances), "largest probability of naming a row of the right person"
    )


def _guessed(comparison: Comparison, _: np.random.Generator) -> Figure:
    if not comparison.shown.any():
        return not_estimated(NOBODY_SHOWN)
    people = comparison.people[comparison.shown]
    rows = own_rows(np.zeros(len(people), dtype=np.int64), people)
    return exact(float(rows.mean()) / len(people), len(people), "guessing any released row")


def _named_poorly(comparison: Comparison, quality: Quality, rng: np.random.Generator) -> Figure:
    """The probability of naming the right row when what is known is partly missing or wrong."""
    if not comparison.shown.any():
        return not_estimated(NOBODY_SHOWN)
    cells = coded(comparison, comparison.quasi_identifiers)
    end = cells.sizes[0]
    classes, sizes = np.unique(cells.cells[:end], axis=0, return_counts=True)
    inside = np.flatnonzero(comparison.shown)
    rows = cells.cells[end:][inside]
    targets = _one_row_each(comparison.people[inside], rng)
    aims = _spoiled(rows[targets], rows, quality, rng)
    people = comparison.people[inside]
    hits = np.array(
        [
            _chance(aim, classes, sizes, rows[people == people[target]])
            for aim, target in zip(aims, targets, strict=True)
        ]
    )
    what = f"the same with {quality}; {len(targets)} of {len(np.unique(people))} people"
    return clustered_share(hits, people[targets], what)


def _chance(aim: Numbers, classes: Numbers, sizes: Numbers, own: Numbers) -> float:
    """The share of the best agreeing rows that are the target's own."""
    agreement = (classes == aim).sum(axis=1)
    best = agreement.max()
    mine = ((own == aim).sum(axis=1) == best).sum()
    return float(min(1.0, mine / sizes[agreement == best].sum()))


def _one_row_each(people: Numbers, rng: np.random.Generator) -> Numbers:
    """The first row of each of at most ``TARGETS`` people who are drawn."""
    _, first = np.unique(people, return_index=True)
    return np.sort(rng.permutation(first)[:TARGETS])


def _spoiled(aims: Numbers, pool: Numbers, quality: Quality, rng: np.random.Generator) -> Numbers:
    """What the attacker holds for the values of ``aims``: missing and wrong cells as the quality says."""
    luck = rng.random(aims.shape)
    others = np.stack([rng.choice(pool[:, each], len(aims)) for each in range(pool.shape[1])], axis=1)
    wrong = np.where(luck < quality.missing + quality.wrong, others, aims)
    return np.where(luck < quality.missing, _UNKNOWN, wrong)


def _of_synthetic(comparison: Comparison, rng: np.random.Generator, quality: Quality) -> Attack:
    known = comparison.quasi_identifiers
    here, poor, halves, draws = rng.spawn(4)
    links = _Links.of(comparison, known)
    found = links.asked(PERFECT, here)

    def claimed(scene: Comparison, luck: np.random.Generator) -> Figure:
        return found.figure if scene is comparison else _Links.of(scene, known).asked(PERFECT, luck).figure

    marks = marked(comparison, claimed, draws, control=lambda _, __: found.control or _no_control())
    parts = {"poor_knowledge": links.asked(quality, poor), "right_claims": Marked(_right(found))}
    for name, half in zip(("first_half", "second_half"), _halves(known), strict=True):
        parts[name] = _Links.of(comparison, half).asked(PERFECT, halves)
    return Attack("linkage", "linkability", marks, parts)


def _no_control() -> Figure:
    return not_estimated(NOBODY_HELD_OUT)


def _right(found: Marked) -> Figure:
    """How many claims are about people in the data, if as many were held out as are in the data."""
    claimed, wrong = found.figure, found.control
    if wrong is None or wrong.value is None or claimed.value is None:
        return not_estimated(NOBODY_HELD_OUT)
    if not claimed.value + wrong.value:
        return not_estimated("no row stands out for anybody", claimed.n)
    assert None not in (claimed.low, claimed.high, wrong.low, wrong.high)
    ends = ((claimed.low, wrong.high), (claimed.high, wrong.low))
    low, high = (right / (right + false) if right + false else 0.5 for right, false in ends)  # type: ignore[operator]
    what = "claims that are about people in the data, one to one with held-out people"
    return Figure(
        claimed.value / (claimed.value + wrong.value), low, high, claimed.n, f"{what}; from both intervals"
    )


@dataclass(frozen=True, slots=True)
class _Links:
    """A release in which the nearest rows of a person are looked up by what is ``known``."""

    comparison: Comparison
    known: tuple[str, ...]
    scale: Scale
    index: Index

    @classmethod
    def of(cls, comparison: Comparison, known: Sequence[str]) -> _Links:
        known = known[:MOST_ATTRIBUTES]
        kinds = {each.name: each.kind for each in comparison.attributes if each.name in known}
        rows = comparison.released.select(known)
        scale = Scale.of(rows, kinds)
        return cls(comparison, tuple(known), scale, Index.of(rows, scale, np.zeros(rows.height, np.int64)))

    def asked(self, quality: Quality, rng: np.random.Generator) -> Marked:
        """The share of people for whom a row stands out: of those in the data, and of held-out ones."""
        people, holdout = self.comparison.people, self.comparison.holdout_people
        shown = np.flatnonzero(self.comparison.shown)
        if not len(shown):
            return Marked(not_estimated(NOBODY_SHOWN), _no_control())
        targets = shown[_one_row_each(people[shown], rng)]
        figure = self._claimed(self.comparison.original, targets, people[targets], quality, rng)
        if self.comparison.holdout is None or holdout is None or not len(holdout):
            return Marked(figure, _no_control())
        held = _one_row_each(holdout, rng)
        return Marked(figure, self._claimed(self.comparison.holdout, held, holdout[held], quality, rng))

    def _claimed(
        self, frame: pl.DataFrame, rows: Numbers, people: Numbers, quality: Quality, rng: np.random.Generator
    ) -> Figure:
        """For how many one row is much nearer than every other; a missing cell says nothing about any row."""
        luck = rng.random((len(rows), len(self.known)))
        others = rng.integers(0, frame.height, luck.shape)
        cells = pl.DataFrame(
            _with_errors(frame[name], rows, others[:, each], luck[:, each], quality)
            for each, name in enumerate(self.known)
        )
        nobody = np.full(len(rows), NOBODY, dtype=np.int64)
        distances, _ = self.index.nearest(self.scale.encode(cells), nobody, k=2)
        missing = (luck < quality.missing).sum(axis=1)
        apart = np.maximum(distances - missing[:, None] * UNIT, 0.0)
        hits = np.asarray(apart[:, 0] < CLAIM * apart[:, 1], dtype=np.float64)
        what = (
            f"share of {len(rows)} people for whom one released row stands out, {len(self.known)} "
            f"quasi-identifiers known, {quality}"
        )
        return clustered_share(hits, people, what)


def _with_errors(
    values: pl.Series, rows: Numbers, others: Numbers, luck: Floats, quality: Quality
) -> pl.Series:
    """What the attacker holds for the values in ``rows``: nothing, or that of another row, as luck has it."""
    source = np.where(luck < quality.missing + quality.wrong, others, rows)
    missing = pl.Series(luck < quality.missing)
    return pl.select(
        pl.when(missing).then(None).otherwise(values.gather(source)).alias(values.name)
    ).to_series()
