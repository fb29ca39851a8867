"""All that a differentially private method learns of a table: noisy counts, and choices.

Whatever is made of ``Measurements`` costs nothing more (post-processing).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synth.axes import Coded, Ints
from synth.methods.dp_accounting import scale_for
from synth.methods.dp_bins import Bins, Coarseness, bins_for, projected
from synth.methods.dp_estimate import Measured
from synth.methods.dp_noise import Noise, rows_kept
from synth.methods.dp_selection import Binned, Grown, Plan, grown
from synth.methods.dp_tree import Tree

_AXIS_NOISES = 3.0
"""A code is told from noise where its noisy count is that many scales of the noise."""
_ORDERED_NOISES, _MOST_NEIGHBOURS = 30.0, 32
_UNORDERED_NOISES, _MOST_CODES = 8.0, 400
"""A bin holds at least that many scales of a clique's noise, and there are at most so many of an axis."""
_CELL_NOISES, _MOST_CELLS = 0.25, 20_000
"""A table's mean cell holds at least that many scales of its noise, and it has at most so many cells."""
_PARENTS = 4
"""How many parents a variable has at most."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How the budget is split: ``ones`` for single axes, ``choosing`` of cliques, the rest to count them."""

    ones: float = 0.2
    choosing: float = 0.1

    @property
    def measuring(self) -> float:
        """The share of counting cliques."""
        return 1.0 - self.ones - self.choosing


@dataclass(frozen=True, slots=True)
class Measurements:
    """The cliques of a ``tree`` over ``bins`` of codes, what was ``measured``, and the noisy ``total``.

    All of it may be told, the estimated number of rows as well.
    """

    tree: Tree
    bins: tuple[Bins, ...]
    measured: tuple[Measured, ...]
    total: float


def measure(
    coded: Coded, noise: Noise, *, target: int | None = None, shares: Shares | None = None
) -> Measurements:
    """Return what the ``noise`` lets be learned of the ``coded`` rows, of each person ``noise.rows`` at most.

    It costs the ledger's whole rho at most, and is private only where the noise is.
    """
    shares = shares or Shares()
    codes = coded.codes[rows_kept(coded.people, noise.rows)]
    own = shares.ones * noise.ledger.rho / len(coded.axes)
    ones = [
        noise.counts(np.bincount(codes[:, at], minlength=axis.size), rho=own, purpose="axis")
        for at, axis in enumerate(coded.axes)
    ]
    total = _total(ones)
    plan = _plan(noise, shares, len(coded.axes), total, target)
    spread = scale_for(own, noise.rows)
    least = _coarseness(plan, spread, total)
    bins = tuple(bins_for(axis, noisy, least) for axis, noisy in zip(coded.axes, ones, strict=True))
    binned = np.stack([each.of_code[codes[:, at]] for at, each in enumerate(bins)], axis=1)
    pooled = [projected(each.pooled(noisy), total) for each, noisy in zip(bins, ones, strict=True)]
    found = grown(Binned(binned, tuple(each.size for each in bins)), pooled, noise, plan)
    return Measurements(found.tree, bins, tuple(_measured(found, bins, ones, (spread, plan.scale))), total)


def _total(ones: Sequence[Ints]) -> float:
    """How many rows there are, by the noisy counts of all axes, each weighed by its precision; 1 or more."""
    weights = np.array([1 / len(each) for each in ones])
    sums = np.array([each.sum() for each in ones], np.float64)
    return max(1.0, float((weights * sums).sum() / weights.sum()))


def _plan(noise: Noise, shares: Shares, axes: int, total: float, target: int | None) -> Plan:
    """The budget of each step: there is one for every axis but the first, and one more to choose a root."""
    steps = max(1, axes - 1)
    choosing = shares.choosing * noise.ledger.rho / (steps + 1)
    measuring = shares.measuring * noise.ledger.rho / steps
    scale = scale_for(measuring, noise.rows)
    cells = min(_MOST_CELLS, max(4.0, total / scale / _CELL_NOISES))
    return Plan(_PARENTS, cells, choosing, measuring, scale, target)


def _coarseness(plan: Plan, spread: float, total: float) -> Coarseness:
    """Bins hold so many rows that a table of a few of them still shows more than noise."""
    noise = _AXIS_NOISES * spread
    ordered = max(noise, _ORDERED_NOISES * plan.scale, total / _MOST_NEIGHBOURS)
    unordered = max(noise, _UNORDERED_NOISES * plan.scale, total / _MOST_CODES)
    return Coarseness(ordered, unordered, noise)


def _measured(
    found: Grown, bins: Sequence[Bins], ones: Sequence[Ints], scales: tuple[float, float]
) -> list[Measured]:
    measured = []
    for number, clique in enumerate(found.tree):
        own = bins[clique.child]
        variance = own.widths.astype(np.float64) * scales[0] ** 2
        measured.append(Measured(number, own.pooled(ones[clique.child]), variance, is_child=True))
        if number in found.counts:
            counts = found.counts[number].astype(np.float64)
            measured.append(Measured(number, counts, np.full(counts.shape, scales[1] ** 2)))
    return measured
