"""Latent normals under conditions: drawn one after the other, each within the parts that are allowed.

A row (a particle) carries the product of the probabilities of all that its normals were confined to; rows
drawn again by these weights follow the conditional distribution (Geweke 1991, Hajivassiliou and McFadden 1998
and Keane 1994 for the normals; Rubin 1988 for drawing again). That is exact but for the number of particles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from anonymizer.errors import SynthesisFailed
from synth.axes import Allowed, Bools, Floats, Ints
from synth.methods.copula_cells import Cells
from synth.methods.copula_scores import edges_of
from synth.methods.copula_splits import Split

_FURTHEST = 38.0
_FEWEST = 500
_ROUNDS = 20
_EACH = 2


@dataclass(frozen=True, slots=True)
class Condition:
    """What one axis may have: rows by code (float64, shape (codes,)), 0 for those it may not.

    ``splits`` are the axis's, ``open`` says for each of them which parts hold something, and ``share``
    (float64, shape (cells,)) how much of a cell's rows is allowed.
    """

    axis: int
    rows: Floats = field(repr=False)
    splits: Ints
    open: tuple[Bools, ...] = field(repr=False)
    share: Floats = field(repr=False)

    @property
    def likely(self) -> float:
        """The share of all rows that is allowed, if rows were drawn by this axis alone."""
        return float(self.rows.sum())


@dataclass(frozen=True, slots=True)
class Particles:
    """Innovations of the conditioned normals (rows, normals), the cells (rows, conditions) and weights."""

    innovations: Floats
    cells: Ints
    weights: Floats


def conditions(allowed: Allowed, cells: Sequence[Cells], splits: Sequence[Split]) -> tuple[Condition, ...]:
    """Return what the axes may have, the rarest first; an axis that may have everything is left out.

    Raises:
        SynthesisFailed: an axis may have nothing that the data have.
    """
    made = [
        _condition(axis, codes, cells[axis], splits)
        for axis, codes in sorted(allowed.items())
        if not codes.all()
    ]
    if any(not each.likely for each in made):
        raise SynthesisFailed("nothing of what is asked for is drawn by the model")
    return tuple(sorted(made, key=lambda each: each.likely))


def _condition(axis: int, codes: Bools, cells: Cells, splits: Sequence[Split]) -> Condition:
    rows = np.where(codes, cells.counts, 0).astype(np.float64)
    all_of, held = (np.bincount(cells.of_code, each, cells.size) for each in (cells.counts, rows))
    own = [number for number, split in enumerate(splits) if split.axis == axis]
    opened = tuple(np.array([held[part].any() for part in splits[number].parts]) for number in own)
    share = held / np.maximum(all_of, 1)
    return Condition(axis, rows / max(1, cells.counts.sum()), np.array(own, np.int64), opened, share)


def drawn(
    n: int, rng: np.random.Generator, root: Floats, asked: Sequence[Condition], splits: Sequence[Split]
) -> Particles:
    """Return ``n`` particles of equal weight; ``root`` is the lower root of the normals' correlations, those
    of the conditions first.

    Raises:
        SynthesisFailed: what is allowed together has no probability.
    """
    made = [_particles(max(n, _FEWEST), rng, root, asked, splits)]
    if np.ptp(made[0].weights) > 1e-12 * made[0].weights.max():
        while _effective(made) < _EACH * n and len(made) < _ROUNDS:
            made.append(_particles(max(n, _FEWEST), rng, root, asked, splits))
    weights = np.concatenate([each.weights for each in made])
    if not weights.any():
        raise SynthesisFailed("what is asked for is too rare to be drawn by the model")
    ends = np.cumsum(weights)
    at = np.searchsorted(ends, (np.arange(n) + rng.random()) / max(n, 1) * ends[-1], side="right")
    rows = rng.permutation(np.minimum(at, int(np.flatnonzero(weights)[-1])))
    innovations = np.concatenate([each.innovations for each in made])
    return Particles(innovations[rows], np.concatenate([each.cells for each in made])[rows], np.ones(n))


def _effective(made: Sequence[Particles]) -> float:
    """As many particles of equal weight would be as good (Kish 1965)."""
    weights = np.concatenate([each.weights for each in made])
    squares = float(np.square(weights).sum())
    return float(weights.sum()) ** 2 / squares if squares else 0.0


def _particles(
    n: int, rng: np.random.Generator, root: Floats, asked: Sequence[Condition], splits: Sequence[Split]
) -> Particles:
    made = Particles(
        rng.standard_normal((n, sum(len(each.splits) for each in asked))),
        np.zeros((n, len(asked)), np.int64),
        np.ones(n),
    )
    first = 0
    for column, each in enumerate(asked):
        _walk(made, column, rng, root[first:], _Walked(each, splits, first))
        first += len(each.splits)
        made.weights[:] *= each.share[made.cells[:, column]]
    return made


@dataclass(frozen=True, slots=True)
class _Walked:
    """A condition, all splits, and how many normals were drawn before those of the condition's axis."""

    condition: Condition
    splits: Sequence[Split]
    first: int


def _walk(made: Particles, column: int, rng: np.random.Generator, root: Floats, walked: _Walked) -> None:
    """Lets all particles go down an axis's splits, where they may, to a cell."""
    asked = walked.condition
    if not len(asked.splits):
        made.cells[:, column] = int(np.argmax(asked.share))
    comes = dict.fromkeys(asked.splits[:1].tolist(), np.arange(len(made.weights)))
    for row, (number, may) in enumerate(zip(asked.splits.tolist(), asked.open, strict=True)):
        if number not in comes or not may.any():
            continue
        rows, split, at = comes[number], walked.splits[number], walked.first + row
        mean = made.innovations[rows, :at] @ root[row, :at]
        innovation, part, probability = _confined(
            mean, float(root[row, at]), edges_of(split.shares), may, rng
        )
        made.innovations[rows, at] = innovation
        made.weights[rows] *= probability
        made.cells[rows, column] = np.array([each[0] for each in split.parts])[part]
        for which, below in enumerate(split.below):
            if below >= 0:
                comes[below] = rows[part == which]


def _confined(
    mean: Floats, deviation: float, edges: Floats, may: Bools, rng: np.random.Generator
) -> tuple[Floats, Ints, Floats]:
    """Innovations of normals within the open parts, the parts, and how likely those were together.

    Above the mean the upper tail is looked at: far out, the lower one is 1 to the last digit.
    """
    from scipy.special import ndtr, ndtri

    first = np.flatnonzero(may & ~np.concatenate([[False], may[:-1]]))
    last = np.flatnonzero(may & ~np.concatenate([may[1:], [False]]))
    low, high = ((edges[at] - mean[:, None]) / deviation for at in (first, last + 1))
    is_upper = low > 0
    low, high = np.where(is_upper, -high, low), np.where(is_upper, -low, high)
    below, above = ndtr(low), ndtr(high)
    ends = np.cumsum(above - below, axis=1)
    total = ends[:, -1]
    chosen = (ends <= (rng.random(len(mean)) * total)[:, None]).sum(axis=1)
    at = np.arange(len(mean)), np.minimum(chosen, len(first) - 1)
    within = ndtri(below[at] + rng.random(len(mean)) * (above[at] - below[at]))
    within = np.clip(np.clip(within, low[at], high[at]), -_FURTHEST, _FURTHEST)
    innovation = np.where(is_upper[at], -within, within)
    part = np.searchsorted(edges[1:-1], mean + deviation * innovation, side="right")
    return innovation, np.clip(part, first[at[1]], last[at[1]]), total
