"""Differentially private synthesis: noisy marginals, and the graphical model that agrees with them best.

(epsilon, delta)-differential privacy from the rows to the model, and so of whatever is drawn from it. Take
any two tables that differ by one person, with all of that person's rows, and any set of models: the one table
gives a model of that set at most e^epsilon times as often as the other, plus delta. What it costs is counted
in zCDP and converted (`dp_accounting`, with sources).

1. Of every person at most ``rows_per_person`` = c rows are kept, at random among that person's. One person
   then moves any table of counts by at most c, in the L1 and in the L2 norm.
2. Every axis is counted with noise. Of these counts come an estimate of how many rows there are, and bins of
   codes that can be told apart from noise.
3. A tree of cliques is grown (`dp_selection`), each chosen by the exponential mechanism and then counted with
   noise.
4. A graphical model is fitted to all noisy counts (`dp_estimate`); it costs nothing more.

What the axes are must not depend on the rows: they come from a declared domain (`synth.coding.declared`). How
many rows to draw must be told by whoever asks, or be ``rows``, the noisy estimate. The seed decides what is
drawn from the model; it decides nothing about the noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anonymizer.errors import BadConfig, SynthesisFailed
from synth.axes import Allowed, Axis, Coded, Codes, Floats, Ints
from synth.methods.dp_accounting import Demand, Ledger, scale_for
from synth.methods.dp_bins import Bins, Coarseness, bins_for, projected
from synth.methods.dp_estimate import Measured, fitted
from synth.methods.dp_noise import Noise, rows_kept, system_noise
from synth.methods.dp_selection import Binned, Grown, Plan, grown
from synth.methods.dp_tree import Tree, conditionals, sampled

_BLOCK = 100_000
_AXIS_NOISES = 3.0
"""A code is told from noise where its noisy count is that many scales of the noise."""
_ORDERED_NOISES, _MOST_NEIGHBOURS = 30.0, 32
_UNORDERED_NOISES, _MOST_CODES = 8.0, 400
"""A bin holds at least that many scales of a clique's noise, and there are at most so many of an axis."""
_CELL_NOISES, _MOST_CELLS = 0.25, 20_000
"""A table's mean cell holds at least that many scales of its noise, and it has at most so many cells."""
_PARENTS, _PARENTS_OF_MANY, _MANY_AXES = 3, 2, 24
"""How many parents a variable has at most, and if there are many axes."""


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
class DpMarginals:
    """A fitted model: a tree of ``bins`` of codes and its log ``potentials``.

    ``rows`` is the noisy estimate of how many rows it was fitted to; ``epsilon`` and ``delta`` bound what was
    spent. All of it may be told.
    """

    tree: Tree
    bins: tuple[Bins, ...]
    potentials: tuple[Floats, ...]
    rows: int
    epsilon: float
    delta: float

    def __post_init__(self) -> None:
        for table in self.potentials:
            table.setflags(write=False)

    def sample(self, n: int, rng: np.random.Generator, allowed: Allowed | None = None) -> Codes:
        """Return ``n`` rows, int32, shape (n, axes), drawn exactly from the model given what is ``allowed``.

        Raises:
            SynthesisFailed: the model holds what is allowed for impossible.
        """
        shares = [each.shares for each in self.bins]
        for axis, codes in (allowed or {}).items():
            shares[axis] = np.where(codes, shares[axis], 0.0)
        logs = conditionals(self.tree, self._restricted(shares))
        roots = (table for clique, table in zip(self.tree, logs, strict=True) if not clique.parents)
        if not all(np.isfinite(table).any() for table in roots):
            raise SynthesisFailed("nothing that is allowed occurs in the noisy model", hint="ask for less")
        places = [_places(bins, own) for bins, own in zip(self.bins, shares, strict=True)]
        drawn = np.empty((n, len(self.bins)), np.int32)
        for start in range(0, n, _BLOCK):
            block = sampled(self.tree, logs, min(_BLOCK, n - start), rng)
            for axis, place in enumerate(places):
                drawn[start : start + _BLOCK, axis] = place.codes(block[:, axis], rng)
        return drawn

    def _restricted(self, shares: Sequence[Floats]) -> list[Floats]:
        """The potentials, and what is left of each bin."""
        with np.errstate(divide="ignore"):
            left = [np.log(bins.pooled(own)) for bins, own in zip(self.bins, shares, strict=True)]
        return [table + left[clique.child] for clique, table in zip(self.tree, self.potentials, strict=True)]


def fit(
    coded: Coded,
    rng: np.random.Generator,
    *,
    epsilon: float,
    delta: float,
    rows_per_person: int = 1,
    target: int | str | None = None,
) -> DpMarginals:
    """Return a model of the ``coded`` rows that is (``epsilon``, ``delta``)-differentially private.

    ``target`` is the axis, by number or name, that was named beforehand as what others are to predict: each
    clique then holds it. ``rng`` is not used: the noise comes from the operating system.

    Raises:
        BadConfig: epsilon, delta or rows per person make no sense, or there is no such target.
        ComponentMissing: OpenDP is not installed.
        SynthesisFailed: there are no axes.
    """
    demand = Demand(epsilon, delta, rows_per_person)
    named = _number(coded.axes, target)
    return fit_with(coded, demand, system_noise(Ledger(demand.rho), rows_per_person), target=named)


def fit_with(
    coded: Coded, demand: Demand, noise: Noise, *, target: int | None = None, shares: Shares | None = None
) -> DpMarginals:
    """Return what ``fit`` does, with noise from elsewhere: private only where that noise is."""
    if not coded.axes:
        raise SynthesisFailed("there is no column to learn from")
    shares = shares or Shares()
    codes = coded.codes[rows_kept(coded.people, demand.rows_per_person)]
    own = shares.ones * noise.ledger.rho / len(coded.axes)
    ones = [
        noise.counts(np.bincount(codes[:, at], minlength=axis.size), rho=own, purpose="axis")
        for at, axis in enumerate(coded.axes)
    ]
    total = _total(ones)
    plan = _plan(noise, shares, len(coded.axes), total, target)
    spread = scale_for(own, noise.rows)
    bins = tuple(
        bins_for(axis, noisy, total, _coarseness(plan, spread, total))
        for axis, noisy in zip(coded.axes, ones, strict=True)
    )
    binned = np.stack([each.of_code[codes[:, at]] for at, each in enumerate(bins)], axis=1)
    rows = Binned(binned, tuple(each.size for each in bins))
    pooled = [projected(each.pooled(noisy), total) for each, noisy in zip(bins, ones, strict=True)]
    found = grown(rows, pooled, noise, plan)
    measured = _measured(found, bins, ones, (spread, plan.scale))
    potentials = fitted(found.tree, rows.sizes, measured, total)
    return DpMarginals(found.tree, bins, tuple(potentials), round(total), demand.epsilon, demand.delta)


def _number(axes: Sequence[Axis], target: int | str | None) -> int | None:
    if isinstance(target, str):
        numbers = [number for number, axis in enumerate(axes) if axis.name == target]
        if not numbers:
            raise BadConfig("the target is not a column that can be one", column=target)
        return numbers[0]
    return target


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
    parents = _PARENTS if axes <= _MANY_AXES else _PARENTS_OF_MANY
    return Plan(parents, cells, choosing, measuring, scale, target)


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


@dataclass(frozen=True, slots=True)
class _Places:
    """Codes in the order of their bins, and how much of all bins, each of which is 1, lies up to each."""

    of_place: Ints
    upto: Floats

    def codes(self, bins: Ints, rng: np.random.Generator) -> Ints:
        """A code of each of the drawn ``bins``, int64, shape (rows,)."""
        at = np.minimum(bins + rng.random(len(bins)), np.nextafter(bins + 1.0, 0))
        found: Ints = self.of_place[np.searchsorted(self.upto, at, side="right")]
        return found


def _places(bins: Bins, shares: Floats) -> _Places:
    """Summed bin by bin, so that a code without a share has exactly none."""
    order = np.argsort(bins.of_code, kind="stable")
    upto = bins.of_code[order].astype(np.float64)
    ends = np.cumsum(bins.widths)
    for begin, end in zip(ends - bins.widths, ends, strict=True):
        parts = shares[order[begin:end]]
        if parts.any():
            upto[begin:end] += np.cumsum(parts) / parts.sum()
            upto[begin + np.flatnonzero(parts)[-1] : end] = bins.of_code[order[begin]] + 1
    return _Places(order, upto)
