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
from synth.axes import Allowed, Axis, Coded, Codes, Floats
from synth.methods.dp_accounting import Demand, Ledger
from synth.methods.dp_bins import Bins, places
from synth.methods.dp_estimate import fitted
from synth.methods.dp_measuring import Measurements, measure
from synth.methods.dp_noise import system_noise
from synth.methods.dp_tree import Tree, conditionals, sampled

_BLOCK = 100_000


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
        within = [places(bins, own) for bins, own in zip(self.bins, shares, strict=True)]
        drawn = np.empty((n, len(self.bins)), np.int32)
        for start in range(0, n, _BLOCK):
            block = sampled(self.tree, logs, min(_BLOCK, n - start), rng)
            for axis, place in enumerate(within):
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
    if not coded.axes:
        raise SynthesisFailed("there is no column to learn from")
    noise = system_noise(Ledger(demand.rho), rows_per_person)
    return modelled(measure(coded, noise, target=named), demand)


def modelled(found: Measurements, demand: Demand) -> DpMarginals:
    """Return the model that agrees best with what was measured."""
    sizes = [bins.size for bins in found.bins]
    potentials = fitted(found.tree, sizes, found.measured, found.total)
    return DpMarginals(
        found.tree, found.bins, tuple(potentials), round(found.total), demand.epsilon, demand.delta
    )


def _number(axes: Sequence[Axis], target: int | str | None) -> int | None:
    if isinstance(target, str):
        numbers = [number for number, axis in enumerate(axes) if axis.name == target]
        if not numbers:
            raise BadConfig("the target is not a column that can be one", column=target)
        return numbers[0]
    return target
