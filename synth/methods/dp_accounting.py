"""What a differentially private method may spend, in zero-concentrated differential privacy (zCDP).

Neighbours are tables that differ by one person, with all of that person's rows. A mechanism is rho-zCDP if
the Rényi divergence of order alpha between what it does on neighbours is at most rho alpha, for every
alpha > 1 (Bun and Steinke, "Concentrated differential privacy", TCC 2016).

- Parts that are rho_1- and rho_2-zCDP, the second chosen in view of what the first gave, are together
  (rho_1 + rho_2)-zCDP (Bun and Steinke, composition).
- Discrete Gaussian noise of scale s on counts that one person moves by c in the L2 norm is c² / (2 s²)-zCDP
  (Canonne, Kamath and Steinke, "The discrete Gaussian for differential privacy", NeurIPS 2020,
  arXiv:2004.00010).
- The exponential mechanism at epsilon is epsilon² / 8-zCDP: its privacy losses lie in a range of epsilon
  (Durfee and Rogers, NeurIPS 2019; Cesar and Rogers, "Bounding, concentrating, and truncating", ALT 2021).
- What is rho-zCDP is (epsilon, delta)-differentially private for every delta from
  exp((alpha - 1)(alpha rho - epsilon)) (1 - 1 / alpha)^alpha / (alpha - 1) on, whatever alpha > 1 is taken
  (Canonne, Kamath and Steinke, conversion of Rényi divergences).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, log1p, sqrt

from anonymizer.errors import BadConfig

_SAFE = 1 - 1e-9
"""More than the errors of all floats here together."""
_STEPS = 100


@dataclass(frozen=True, slots=True)
class Demand:
    """``epsilon`` and ``delta`` of the whole, and how many rows of one person take part at most.

    Raises:
        BadConfig: no finite positive epsilon, a delta that is not between 0 and 1, or less than one row.
    """

    epsilon: float
    delta: float
    rows_per_person: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.epsilon < float("inf"):
            raise BadConfig("epsilon must be a positive number")
        if not 0 < self.delta < 1:
            raise BadConfig("delta must lie between 0 and 1")
        if self.rows_per_person < 1:
            raise BadConfig("rows_per_person must be 1 or more")

    @property
    def rho(self) -> float:
        """All that may be spent."""
        return rho_for(self.epsilon, self.delta)


class Overspent(Exception):
    """More was asked for than is left: a fault of the program, which must not release anything."""


class Ledger:
    """What of a budget ``rho`` is left; every mechanism enters its cost before it looks at the data."""

    def __init__(self, rho: float) -> None:
        self.rho = rho
        self.entries: list[tuple[str, float]] = []

    @property
    def spent(self) -> float:
        """All entries together."""
        return sum(cost for _, cost in self.entries)

    def enter(self, purpose: str, cost: float) -> None:
        """Note a cost; raises ``Overspent`` where it exceeds what is left."""
        if not cost > 0 or self.spent + cost > self.rho * (1 + 1e-12):
            raise Overspent(purpose)
        self.entries.append((purpose, cost))


def delta_for(epsilon: float, rho: float) -> float:
    """The least delta that is known for rho-zCDP at ``epsilon``, with its best alpha found to some digits.

    Any alpha gives a true statement, so how well it is found decides only how tight this is.
    """
    low, high = 1e-6, max(10.0, 10 * (epsilon / rho + 1))
    for _ in range(_STEPS):
        left, right = high - (high - low) * 0.618, low + (high - low) * 0.618
        if _log_delta(epsilon, rho, left) < _log_delta(epsilon, rho, right):
            high = right
        else:
            low = left
    return exp(min(0.0, _log_delta(epsilon, rho, (low + high) / 2)))


def _log_delta(epsilon: float, rho: float, beyond: float) -> float:
    """The logarithm of delta for alpha = 1 + ``beyond``."""
    alpha = 1 + beyond
    return beyond * (alpha * rho - epsilon) + alpha * log1p(-1 / alpha) - log(beyond)


def rho_for(epsilon: float, delta: float) -> float:
    """The largest rho up to ``epsilon``, rounded down, that is (epsilon, delta)-differentially private."""
    low, high = 0.0, epsilon
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if middle > 0 and delta_for(epsilon, middle) <= delta:
            low = middle
        else:
            high = middle
    return low * _SAFE


def scale_for(rho: float, rows: int) -> float:
    """The least scale of noise that is rho-zCDP on counts that one person moves by ``rows`` at most."""
    return rows / sqrt(2 * rho) / _SAFE


def choice_epsilon(rho: float) -> float:
    """The largest epsilon of an exponential mechanism that is rho-zCDP."""
    return sqrt(8 * rho) * _SAFE
