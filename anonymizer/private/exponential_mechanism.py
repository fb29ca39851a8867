"""The exponential mechanism, drawn exactly: no float decides anything.

McSherry and Talwar, FOCS 2007: choosing i with probability proportional to exp(epsilon score_i / (2 s)) is
epsilon-differentially private where one person changes no score by more than s. In floats the probabilities
differ from that, which an attacker can use (Ilvento, CCS 2020). So a candidate is drawn uniformly and kept
with probability exp(-epsilon (best - score) / (2 s)), by coins whose probabilities are fractions: Canonne,
Kamath and Steinke, "The discrete Gaussian for differential privacy", NeurIPS 2020, algorithm 1.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol


class Chance(Protocol):
    """Where random decisions come from."""

    def below(self, count: int) -> int:
        """An integer from 0 to ``count`` - 1, each equally likely."""
        ...

    def coin(self, probability: Fraction) -> bool:
        """True with exactly this ``probability``."""
        ...


class SystemChance:
    """The operating system's generator: never a seed, which could be guessed."""

    def below(self, count: int) -> int:
        """An integer from 0 to ``count`` - 1, each equally likely."""
        return secrets.randbelow(count)

    def coin(self, probability: Fraction) -> bool:
        """True with exactly this ``probability``."""
        return secrets.randbelow(probability.denominator) < probability.numerator


def choose(scores: Sequence[int], *, epsilon: Fraction, sensitivity: int, chance: Chance) -> int:
    """The chosen score's position, with a probability proportional to exp(epsilon score / (2 sensitivity)).

    It takes at most ``len(scores)`` rounds on average. How long it takes depends on the scores: time is a
    side channel that this does not close.
    """
    best, rate = max(scores), epsilon / (2 * sensitivity)
    while True:
        position = chance.below(len(scores))
        if _keep(rate * (best - scores[position]), chance):
            return position


def _keep(exponent: Fraction, chance: Chance) -> bool:
    """True with probability exp(-``exponent``), which is not negative."""
    whole = exponent.numerator // exponent.denominator
    for _ in range(whole):
        if not _keep_within_one(Fraction(1), chance):
            return False
    return _keep_within_one(exponent - whole, chance)


def _keep_within_one(exponent: Fraction, chance: Chance) -> bool:
    """True with probability exp(-``exponent``) for an ``exponent`` from 0 to 1.

    The first k whose coin of probability exponent / k fails is odd with probability
    1 - x + x^2 / 2! - … = exp(-x).
    """
    k = 1
    while chance.coin(exponent / k):
        k += 1
    return k % 2 == 1
