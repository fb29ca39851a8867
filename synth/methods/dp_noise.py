"""Where the noise of differential privacy comes from: the operating system's generator, never a seed.

Counts get discrete Gaussian noise from OpenDP, which draws it exactly, without floats. Choices are made by
the exponential mechanism of `anonymizer.private`, exact as well. Whoever could guess a seed could take the
noise off again, so none is passed in here.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from anonymizer.errors import ComponentMissing
from anonymizer.private.exponential_mechanism import Chance, SystemChance, choose
from synth.axes import Ints
from synth.methods.dp_accounting import Ledger, Overspent, choice_epsilon, scale_for


class Gaussian(Protocol):
    """Adds discrete Gaussian noise of a ``scale`` to counts that one person moves by ``rows`` in all."""

    def __call__(self, counts: Ints, *, scale: float, rows: int, rho: float) -> Ints:
        """Return the noisy counts, shape and dtype as ``counts``, at a cost of at most ``rho``."""
        ...


@dataclass(frozen=True, slots=True)
class Noise:
    """The two ways in which a method may look at the data; both pay from the ``ledger`` before they do.

    ``rows`` is how many rows one person has at most.
    """

    ledger: Ledger
    rows: int
    gaussian: Gaussian
    chance: Chance

    def counts(self, true: Ints, *, rho: float, purpose: str) -> Ints:
        """Return noisy counts of rows by cell, int64, shape as ``true``; cells have no row in common."""
        self.ledger.enter(purpose, rho)
        return self.gaussian(true, scale=scale_for(rho, self.rows), rows=self.rows, rho=rho)

    def choice(self, scores: Sequence[int], *, moved: int, rho: float, purpose: str) -> int:
        """Return the position of a high score; one row more or less moves none by more than ``moved``."""
        self.ledger.enter(purpose, rho)
        epsilon = Fraction(choice_epsilon(rho))
        return choose(scores, epsilon=epsilon, sensitivity=moved * self.rows, chance=self.chance)


def system_noise(ledger: Ledger, rows: int) -> Noise:
    """Return noise from the operating system's generator; raises ``ComponentMissing`` without OpenDP."""
    opendp()
    return Noise(ledger, rows, _discrete_gaussian, SystemChance())


def opendp() -> Any:
    """Return OpenDP's prelude; raises ``ComponentMissing`` where it is not installed."""
    try:
        import opendp.prelude as prelude
    except ImportError:
        raise ComponentMissing(
            "differentially private synthesis needs OpenDP", hint="pip install 'clinical-anon[dp]'"
        ) from None
    prelude.enable_features("contrib")
    return prelude


def _discrete_gaussian(counts: Ints, *, scale: float, rows: int, rho: float) -> Ints:
    """Noise by OpenDP, whose own statement of its cost is asked before it is used."""
    measurement = _measurement(scale)
    if measurement.map(float(rows)) > rho:
        raise Overspent("OpenDP states a higher cost")
    noisy = measurement(counts.ravel().tolist())
    return np.array(noisy, np.int64).reshape(counts.shape)


@lru_cache(maxsize=64)
def _measurement(scale: float) -> Any:
    dp = opendp()
    domain = dp.vector_domain(dp.atom_domain(T=dp.i64))
    return dp.m.make_gaussian(domain, dp.l2_distance(T=dp.f64), scale=scale)


def rows_kept(people: Ints, most: int) -> Ints:
    """Return the positions of at most ``most`` rows of each person, drawn from that person's alone; rising.

    The numbers that decide come from the operating system and not from any value: removing a person changes
    nothing about the rows of others. ``people`` is int64, shape (rows,).
    """
    numbers = np.frombuffer(secrets.token_bytes(8 * len(people)), dtype="<u8")
    order = np.lexsort((numbers, people))
    ranked = people[order]
    is_first = np.concatenate([np.ones(min(len(people), 1), np.bool_), ranked[1:] != ranked[:-1]])
    starts = np.flatnonzero(is_first)
    lengths = np.diff(np.append(starts, len(people)))
    rank = np.arange(len(people)) - np.repeat(starts, lengths)
    return np.sort(order[rank < most])
