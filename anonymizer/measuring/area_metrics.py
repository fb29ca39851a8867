"""Class metrics by area: how many tuples of the domain the labels of a class cover together.

The law that ``base``, ``floor`` and ``penalty`` keep is stated in ``anonymizer.measuring.class_metrics``.
Areas are held as logarithms, since products of domains exceed any number type.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, log1p

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting import kernels
from anonymizer.counting.classes import Classes, Ladders, number_classes
from anonymizer.counting.counts import Counts
from anonymizer.errors import BadConfig
from anonymizer.hierarchies.encoding import Counts64
from anonymizer.measuring import metric_kernels
from anonymizer.measuring.affine import Floats, value_rows

Broken = NDArray[np.bool_]
_LARGEST_DOMAIN = 1380.0
"""The logarithm of the largest domain whose root's sums are floats."""


@dataclass(frozen=True, slots=True)
class Areas:
    """The logarithms of areas: ``cover`` float64 of each label, in the layout of ``Ladders.leaf_counts``.

    ``domain`` is that of the whole domain; ``means`` hold each column's mean over rows by level, float64
    (levels): their sum is the mean logarithm of the rows' areas at a node.
    """

    ladders: Ladders
    cover: Floats
    domain: float
    means: tuple[Floats, ...]

    @classmethod
    def of(cls, counts: Counts) -> Areas:
        """The areas of a table's hierarchies."""
        ladders, n = Ladders.of(counts), counts.n_rows or 1
        logs = [np.log(np.maximum(ladder.leaf_counts, 1)) for ladder in counts.ladders]
        means = tuple(each @ rows / n for each, rows in zip(logs, value_rows(counts), strict=True))
        domain = sum(log(max(ladder.leaves, 1)) for ladder in counts.ladders)
        return cls(ladders, np.concatenate([each.ravel() for each in logs]), domain, means)

    def at(self, counts: Counts, classes: Classes) -> Floats:
        """The logarithm of each class's area; float64 (classes)."""
        areas: Floats = metric_kernels.log_areas(
            classes.representatives, counts.codes, self.cover, self.ladders.offsets(classes.node)
        )
        return areas


@dataclass(frozen=True, slots=True)
class LogArea:
    """Ambiguity, by the natural logarithm of the rows' mean area.

    ``shares`` float64 are covers over the root of their column's leaves, in the layout of
    ``Ladders.leaf_counts``: their products stay within a float's range where areas would not.
    """

    areas: Areas
    shares: Floats

    @classmethod
    def of(cls, counts: Counts) -> LogArea:
        """The working form for a table's counts.

        Raises:
            BadConfig: a domain of more than 10^600 tuples.
        """
        areas = Areas.of(counts)
        if areas.domain > _LARGEST_DOMAIN:
            raise BadConfig("the domain is too large for the metric ambiguity")
        shares = [ladder.leaf_counts / np.sqrt(max(ladder.leaves, 1)) for ladder in counts.ladders]
        return cls(areas, np.concatenate([each.ravel() for each in shares]))

    @property
    def base(self) -> tuple[Floats, ...]:
        """The means of the logarithms, which are no more than the logarithm of the mean (Jensen)."""
        return self.areas.means

    @property
    def guide(self) -> tuple[Floats, ...]:
        """The base."""
        return self.base

    def at_least(self, guided: Floats) -> Floats:
        """The base."""
        return guided

    def total(self, counts: Counts, classes: Classes, broken: Broken) -> float:
        """The logarithm of the mean area, the domain's for suppressed rows."""
        kept, added = self._sums(counts, classes, np.where(broken, classes.rows, 0))
        n = int(classes.rows.sum())
        return log((kept + added) / n) + self.areas.domain / 2 if n else 0.0

    def floor(self, counts: Counts, classes: Classes) -> float:
        """0: what a specialisation's areas say is less than the base says."""
        return 0.0

    def penalty(self, counts: Counts, classes: Classes, lost: Counts64) -> float:
        """By how much the lost rows raise the logarithm.

        log(F + P) = log F + log(1 + P / F), F the areas' sum and P what suppression adds to it: in a
        specialisation F is no larger than here, and each lost row adds at least what it adds here.
        """
        if not lost.any():
            return 0.0
        everyone, added = self._sums(counts, classes, lost)
        return max(0.0, log1p(added / everyone))

    def score(self, total: float) -> float:
        """The mean area."""
        return float(np.exp(total))

    def _sums(self, counts: Counts, classes: Classes, suppressed: Counts64) -> tuple[float, float]:
        """The sum of all rows' areas and what suppressing some adds, over the root of the domain."""
        everyone, own = metric_kernels.area_sums(
            classes.rows,
            suppressed,
            classes.representatives,
            counts.codes,
            self.shares,
            self.areas.ladders.offsets(classes.node),
        )
        return float(everyone), int(suppressed.sum()) * exp(self.areas.domain / 2) - float(own)


@dataclass(frozen=True, slots=True)
class Divergence:
    """Kullback-Leibler divergence in nats: its total is the mean over rows of log p - log q.

    p is the share of the row's level-0 tuple; q is (rows of its class / n) / area, and for the s suppressed
    rows (s / n) / domain. ``base`` is the mean logarithm of the areas, less the input's entropy and
    ``excess``: by how much classes may cover more than the domain (partial dates and short codes are leaves
    of their own).
    """

    areas: Areas
    base: tuple[Floats, ...]
    n: int
    entropy: float
    excess: float

    @classmethod
    def of(cls, counts: Counts) -> Divergence:
        """The working form for a table's counts."""
        areas, n = Areas.of(counts), counts.n_rows or 1
        everyone = np.arange(counts.n_tuples, dtype=np.int32)
        class_of, number = number_classes(counts, areas.ladders, everyone, (0,) * len(counts.ladders))
        rows, _ = kernels.merge_rows(class_of, number, counts.rows, everyone)
        entropy, excess = float(rows @ _log_shares(rows, n)) / n, _excess(counts)
        first, *others = areas.means
        return cls(areas, (first - entropy - excess, *others), n, entropy, excess)

    @property
    def guide(self) -> tuple[Floats, ...]:
        """The base."""
        return self.base

    def at_least(self, guided: Floats) -> Floats:
        """The base."""
        return guided

    def total(self, counts: Counts, classes: Classes, broken: Broken) -> float:
        """The divergence."""
        rows = np.where(broken, 0, classes.rows)
        told = float(rows @ (self.areas.at(counts, classes) + _log_shares(classes.rows, self.n))) / self.n
        return told + self._among_suppressed(int(classes.rows.sum() - rows.sum())) - self.entropy

    def floor(self, counts: Counts, classes: Classes) -> float:
        """0: what a specialisation's classes say is less than the base and a penalty say."""
        return 0.0

    def penalty(self, counts: Counts, classes: Classes, lost: Counts64) -> float:
        """The larger of the classes' entropy and of what the rows cost at least, kept or suppressed.

        Without suppression the total is base + excess + entropy of the classes, which are as fine or finer in
        a specialisation, and spreading rows over the domain takes back no more than the excess (log-sum
        inequality). For the other bound see ``_least``.
        """
        shares = _log_shares(classes.rows, self.n)
        least = self._least(shares, self.areas.at(counts, classes), classes.rows, lost)
        return max(0.0, float(classes.rows @ shares) / self.n, least + self.excess)

    def score(self, total: float) -> float:
        """The divergence in bits."""
        return float(total / np.log(2))

    def _among_suppressed(self, s: int) -> float:
        """What s suppressed rows cost: s / n log(n domain / s)."""
        return s / self.n * (self.areas.domain + log(self.n / s)) if s else 0.0

    def _least(self, shares: Floats, areas: Floats, rows: Counts64, lost: Counts64) -> float:
        """The least that the rows of a specialisation cost beyond the mean logarithm of its areas.

        f(s), the cost of s suppressed rows, is concave with f'(s) >= (log domain - 1) / n: so f(s) is at
        least f(lost) and (log domain - 1) / n for each further one. A kept row costs log(n / class) + log
        area. Its class and its area are no larger than here, and the lost rows' areas are taken off the mean.
        """
        others = np.minimum(shares, self.areas.domain - 1 - areas)
        beyond = float((rows - lost) @ others - lost @ areas) / self.n
        return beyond + self._among_suppressed(int(lost.sum()))


def _log_shares(rows: Counts64, n: int) -> Floats:
    """log(n / rows), 0 where there are no rows; float64, the shape of ``rows``."""
    return np.asarray(np.log(n / np.maximum(rows, 1)) * (rows > 0))


def _excess(counts: Counts) -> float:
    """The most by which the labels at a node may together cover more than the domain; a logarithm."""
    excess = 0.0
    for ladder in counts.ladders:
        covered = [_covered(*level) for level in zip(ladder.label_codes, ladder.leaf_counts, strict=True)]
        excess += max(0.0, log(max(*covered, 1) / max(ladder.leaves, 1)))
    return excess


def _covered(labels: NDArray[np.int32], leaves: Counts64) -> int:
    """The leaves that a level's distinct labels cover together."""
    _, first = np.unique(labels, return_index=True)
    return sum(leaves[first].tolist())
