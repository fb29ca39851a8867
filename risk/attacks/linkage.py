"""Linkage: whose row is it, for an attacker whose knowledge of a person has a stated quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.distances.encoding import UNIT, Scale
from anonymizer.distances.nearest import NOBODY, Index
from risk.attacks.intervals import clustered_share
from risk.attacks.marks import marked
from risk.attacks.matching import coded, groups, own_rows
from risk.comparison import Comparison
from risk.figures import Figure, exact, not_estimated
from risk.results import Attack, Marked

Numbers = NDArray[np.int64]
Floats = NDArray[np.float64]

TARGETS = 400
"""The most people linked one by one; what is counted exactly is counted for everybody."""
CLAIM = 0.5
"""A row stands out that is nearer than this share of the distance of the second nearest."""
_UNKNOWN = -1

NOBODY_HELD_OUT = "needs people who were held out"
NOBODY_SHOWN = "nobody's row is in the release"


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
    release) is at less than half the distance of the second nearest, so that an attacker claims the link. Of
    held-out people every such claim is false, and their share is the control: what is above it rests on the
    people in the data. The part ``right_claims`` is the share of claims that are about people in the data,
    as if as many had been held out: 50 % is guessing.
    """
    if not comparison.quasi_identifiers:
        return Attack("linkage", "linkability", Marked(not_estimated("nothing is known of anybody")))
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
    found = groups(coded(comparison), known)
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
    cells = coded(comparison)
    columns = cells.positions(comparison.quasi_identifiers)
    end = cells.sizes[0]
    classes, sizes = np.unique(cells.cells[:end, columns], axis=0, return_counts=True)
    inside = np.flatnonzero(comparison.shown)
    rows = cells.cells[end:][inside][:, columns]
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
    poor, marks = rng.spawn(2)
    headline = marked(
        comparison,
        lambda scene, draws: _claimed(scene, known, PERFECT, draws),
        marks,
        control=lambda scene, draws: _claimed_wrongly(scene, known, PERFECT, draws),
    )
    return Attack("linkage", "linkability", headline, _synthetic_parts(comparison, headline, quality, poor))


def _synthetic_parts(
    comparison: Comparison, headline: Marked, quality: Quality, rng: np.random.Generator
) -> dict[str, Marked]:
    known = comparison.quasi_identifiers
    first, second = _halves(known)
    asked = {
        "poor_knowledge": (known, quality),
        "first_half": (first, PERFECT),
        "second_half": (second, PERFECT),
    }
    parts = {
        name: Marked(_claimed(comparison, *how, rng), _claimed_wrongly(comparison, *how, rng))
        for name, how in asked.items()
    }
    return {**parts, "right_claims": Marked(_right(headline))}


def _right(headline: Marked) -> Figure:
    """How many claims are about people in the data, if as many were held out as are in the data."""
    claimed, wrong = headline.figure, headline.control
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


def _claimed(
    comparison: Comparison, known: Sequence[str], quality: Quality, rng: np.random.Generator
) -> Figure:
    shown = np.flatnonzero(comparison.shown)
    if not len(shown):
        return not_estimated(NOBODY_SHOWN)
    targets = shown[_one_row_each(comparison.people[shown], rng)]
    hits = _standing_out(comparison, known, _held(comparison.original, targets, known, quality, rng))
    return clustered_share(hits, comparison.people[targets], _claims(quality, len(known), len(targets)))


def _claimed_wrongly(
    comparison: Comparison, known: Sequence[str], quality: Quality, rng: np.random.Generator
) -> Figure:
    people = comparison.holdout_people
    if comparison.holdout is None or people is None or not len(people):
        return not_estimated(NOBODY_HELD_OUT)
    targets = _one_row_each(people, rng)
    hits = _standing_out(comparison, known, _held(comparison.holdout, targets, known, quality, rng))
    return clustered_share(hits, people[targets], _claims(quality, len(known), len(targets)))


def _claims(quality: Quality, known: int, targets: int) -> str:
    return (
        f"share of {targets} people for whom one released row stands out, {known} quasi-identifiers known, "
        f"{quality}"
    )


@dataclass(frozen=True, slots=True)
class _Knowledge:
    """What is known of each target, in the words of the release, and how many cells are ``missing``."""

    cells: pl.DataFrame
    missing: Numbers


def _held(
    frame: pl.DataFrame, targets: Numbers, known: Sequence[str], quality: Quality, rng: np.random.Generator
) -> _Knowledge:
    luck = rng.random((len(targets), len(known)))
    others = rng.integers(0, frame.height, luck.shape)
    columns = []
    for each, name in enumerate(known):
        wrong = pl.Series(luck[:, each] < quality.missing + quality.wrong)
        missing = pl.Series(luck[:, each] < quality.missing)
        value = frame[name].gather(others[:, each]).zip_with(wrong, frame[name].gather(targets))
        columns.append(
            pl.Series(name, [None], dtype=value.dtype)
            .extend_constant(None, len(targets) - 1)
            .zip_with(missing, value)
        )
    return _Knowledge(pl.DataFrame(columns), (luck < quality.missing).sum(axis=1))


def _standing_out(comparison: Comparison, known: Sequence[str], held: _Knowledge) -> Floats:
    """For whom one row is much nearer than every other; a missing cell says nothing about any row."""
    kinds = {each.name: each.kind for each in comparison.attributes if each.name in known}
    rows = comparison.released.select(known)
    scale = Scale.of(rows, kinds)
    index = Index.of(rows, scale, np.zeros(rows.height, dtype=np.int64))
    nobody = np.full(held.cells.height, NOBODY, dtype=np.int64)
    distances, _ = index.nearest(scale.encode(held.cells), nobody, k=2)
    apart = np.maximum(distances - held.missing[:, None] * UNIT, 0.0)
    return np.asarray(apart[:, 0] < CLAIM * apart[:, 1], dtype=np.float64)
