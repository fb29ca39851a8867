"""How many people of a population are unique in it, estimated from the class sizes of a random sample.

Four things are needed of the sample: its size n, the number u of its classes, the numbers s_j of classes of
j people, and the sampling fraction f = n / N. The estimators and the rule that chooses among them are those
of Dankar, El Emam, Neisa and Roffey, "Estimating the re-identification risk of clinical data sets", BMC
Medical Informatics and Decision Making 12:66, 2012. They assume simple random sampling; a clinic's patients
are no such sample, so a figure is a model's answer and no promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import exp, lgamma, log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Model = Literal["none", "pitman", "zayatz", "snb"]

SMALL_FRACTION = Fraction(1, 10)
"""Up to this sampling fraction the rule takes Pitman's model."""
_ALMOST_ONE = 1 - 1e-9
_SMALL_ALPHA = 1e-3
"""Below it digamma functions cancel each other out, and sums are added term by term."""
_LARGEST_THETA = 1e12
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Sample:
    """Class sizes of a sample: ``size[i]`` people in each of ``count[i]`` classes, sizes rising; int64."""

    size: NDArray[np.int64]
    count: NDArray[np.int64]
    fraction: Fraction

    def __post_init__(self) -> None:
        self.size.setflags(write=False)
        self.count.setflags(write=False)
        if not 0 < self.fraction <= 1:
            raise ValueError("a sampling fraction lies above 0 and does not exceed 1")

    @classmethod
    def of(cls, people: NDArray[np.int64], fraction: Fraction) -> Sample:
        """The sample whose classes hold ``people``, int64 (classes), each at least one."""
        size, count = np.unique(people, return_counts=True)
        return cls(size.astype(np.int64), count.astype(np.int64), fraction)

    @property
    def people(self) -> int:
        return int(self.size @ self.count)

    @property
    def classes(self) -> int:
        return int(self.count.sum())

    @property
    def population(self) -> int:
        """The people of the population, N = floor(n / f)."""
        return int(self.people / self.fraction)

    def classes_of(self, size: int) -> int:
        """How many classes hold exactly ``size`` people."""
        return int(self.count[self.size == size].sum())


@dataclass(frozen=True, slots=True)
class Estimate:
    """The people estimated to be unique in the population, and the model that says so."""

    uniques: float
    population: int
    model: Model

    @property
    def share(self) -> float:
        """Their share of the population, which is also the expected share among the sample's people."""
        return self.uniques / self.population if self.population else 0.0

    def keeps(self, limit: Fraction) -> bool:
        """Whether the share is at most ``limit``; what rounding alone may have added does not count."""
        return self.share <= float(limit) + _ROUNDING


def estimate(sample: Sample) -> Estimate:
    """The estimate by the rule of Dankar et al.; without people unique in the sample there are none.

    Up to a sampling fraction of a tenth it is Pitman's, beyond it the lesser of Zayatz' and SNB's; where a
    model has no solution, Zayatz'.
    """
    if not sample.classes_of(1):
        return Estimate(0.0, sample.population, "none")
    by_zayatz = Estimate(zayatz(sample), sample.population, "zayatz")
    if sample.fraction <= SMALL_FRACTION:
        uniques = pitman(sample)
        return by_zayatz if uniques is None else Estimate(uniques, sample.population, "pitman")
    uniques = slide_negative_binomial(sample)
    if uniques is None or by_zayatz.uniques < uniques:
        return by_zayatz
    return Estimate(uniques, sample.population, "snb")


def zayatz(sample: Sample) -> float:
    """Zayatz' estimate: s_1 P(F = 1 | f = 1) N / n, by Bayes' rule with the sample's own size distribution.

    "Estimation of the number of unique population elements using a sample", Bureau of the Census, 1991. Of a
    class of j people one comes into the sample with hypergeometric probability.
    """
    alone = sample.classes_of(1) * _drawn_once(sample, 1)
    any_size = sum(
        int(count) * _drawn_once(sample, int(size))
        for size, count in zip(sample.size, sample.count, strict=True)
    )
    posterior = alone / any_size if alone else 0.0
    return sample.classes_of(1) * posterior * sample.population / sample.people


def pitman(sample: Sample) -> float | None:
    """Pitman's estimate: Gamma(theta + 1) / Gamma(theta + alpha) N^alpha; ``None`` without a solution.

    Hoshino, "Applying Pitman's sampling formula to microdata disclosure risk assessment", Journal of Official
    Statistics 17(4), 2001.
    """
    fitted = pitman_parameters(sample)
    if fitted is None:
        return None
    theta, alpha = fitted
    uniques = exp(lgamma(theta + 1) - lgamma(theta + alpha) + alpha * log(sample.population))
    return uniques if uniques <= sample.population else None


def pitman_parameters(sample: Sample) -> tuple[float, float] | None:
    """The most likely theta > -alpha and 0 <= alpha < 1 of Pitman's model; ``None`` where there are none."""
    from scipy.optimize import brentq

    if not 1 < sample.classes < sample.people or _theta(sample, _ALMOST_ONE) is None:
        return None

    def slope(alpha: float) -> float:
        theta = _theta(sample, alpha)
        return float("inf") if theta is None else _slope_in_alpha(sample, theta, alpha)

    alpha = float(brentq(slope, 0.0, _ALMOST_ONE)) if slope(0.0) > 0 else 0.0
    theta = _theta(sample, alpha)
    return None if theta is None else (theta, alpha)


def slide_negative_binomial(sample: Sample) -> float | None:
    """The SNB model's estimate K beta^alpha; ``None`` where no alpha and beta give the sample's s_1 and s_2.

    Chen and Keller-McNulty, "Estimation of identification disclosure risk in microdata", Journal of Official
    Statistics 14(1), 1998: one person less than a class of the population holds follows a negative binomial
    distribution. Its expectations of s_1 and s_2 are set equal to what the sample shows. For each beta their
    ratio leaves one alpha, so one equation in beta remains; of several solutions the first one is taken.
    """
    from scipy.optimize import brentq

    s1, s2, classes = sample.classes_of(1), sample.classes_of(2), population_classes(sample)
    if not s1 or not s2 or classes is None:
        return None

    def surplus(odds: float) -> float:
        beta = 1 / (1 + exp(-odds))
        return _expected_ones(sample, classes, _alpha(sample, s2 / s1, beta), beta) - s1

    grid = np.linspace(-15, 15, 121).tolist()
    signs = [surplus(odds) > 0 for odds in grid]
    for low, high, before, after in zip(grid, grid[1:], signs, signs[1:], strict=False):
        if before != after:
            beta = 1 / (1 + exp(-float(brentq(surplus, low, high))))
            uniques = float(classes * beta ** _alpha(sample, s2 / s1, beta))
            return uniques if uniques <= sample.population else None
    return None


def population_classes(sample: Sample) -> float | None:
    """How many classes the population has: Shlosser's estimator as modified by Haas and Stokes.

    "Estimating the number of classes in a finite population", J. Am. Stat. Assoc. 93(444), 1998; ``None``
    where it is not defined, as for a sample that is the whole population.
    """
    q, size, count = float(sample.fraction), sample.size.astype(float), sample.count
    unseen = (1 - q) ** size
    seen_once = float(count @ (size * q * (1 - q) ** (size - 1)))
    twice_thinned = float(count @ (size * q**2 * (1 - q**2) ** (size - 1)))
    rest = float(count @ (unseen * ((1 + q) ** size - 1)))
    if not seen_once or not rest:
        return None
    return (
        sample.classes
        + sample.classes_of(1) * twice_thinned / rest * (float(count @ unseen) / seen_once) ** 2
    )


def _drawn_once(sample: Sample, size: int) -> float:
    """P(f = 1 | F = size): exactly one of a class's people is drawn, without replacement."""
    others = sample.population - size
    if sample.people - 1 > others or size > sample.population:
        return 0.0
    ways = log(size) + _log_choose(others, sample.people - 1)
    return exp(ways - _log_choose(sample.population, sample.people))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)


def _theta(sample: Sample, alpha: float) -> float | None:
    """The most likely theta of Pitman's model for an alpha; ``None`` where it is beyond all bounds."""
    from scipy.optimize import brentq
    from scipy.special import digamma

    def slope(theta: float) -> float:
        drawn = float(digamma(theta + sample.people) - digamma(theta + 1))
        return _reciprocals(theta, alpha, sample.classes) - drawn

    high = 1.0
    while slope(high) > 0:
        high *= 4
        if high > _LARGEST_THETA:
            return None
    return float(brentq(slope, -alpha + 1e-9, high))


def _reciprocals(theta: float, alpha: float, classes: int) -> float:
    """The sum of 1 / (theta + i alpha) over 0 < i < classes."""
    from scipy.special import digamma

    if alpha < _SMALL_ALPHA:
        return float((1 / (theta + alpha * np.arange(1, classes))).sum())
    return float(digamma(theta / alpha + classes) - digamma(theta / alpha + 1)) / alpha


def _slope_in_alpha(sample: Sample, theta: float, alpha: float) -> float:
    """The derivative of the log-likelihood of Pitman's model in alpha."""
    from scipy.special import digamma

    if alpha < _SMALL_ALPHA:
        number = np.arange(1, sample.classes)
        founding = float((number / (theta + alpha * number)).sum())
    else:
        founding = (sample.classes - 1 - theta * _reciprocals(theta, alpha, sample.classes)) / alpha
    return founding - float(sample.count @ (digamma(sample.size - alpha) - digamma(1 - alpha)))


def _alpha(sample: Sample, ratio: float, beta: float) -> float:
    """SNB's alpha for which E(s_2) / E(s_1) is ``ratio``: the positive root of a quadratic."""
    thinned = (1 - float(sample.fraction)) * (1 - beta)
    kept = 1 - thinned
    scale = float(sample.fraction) * (1 - beta) / (2 * kept)
    a, b, c = scale * thinned, scale * (1 + kept) - ratio * thinned, -ratio * kept
    if not a:
        return -c / b
    root = float(np.sqrt(b * b - 4 * a * c))
    return (root - b) / (2 * a) if b < 0 else -2 * c / (b + root)


def _expected_ones(sample: Sample, classes: float, alpha: float, beta: float) -> float:
    """E(s_1) of the SNB model in a Bernoulli sample."""
    fraction = float(sample.fraction)
    thinned = (1 - fraction) * (1 - beta)
    kept = 1 - thinned
    return float(classes * fraction * (beta / kept) ** alpha * (1 + alpha * thinned / kept))
