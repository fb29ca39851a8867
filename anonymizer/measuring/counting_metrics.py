"""Class metrics that are whole numbers of rows, pairs or classes: their totals and bounds are exact.

The law that ``base``, ``floor`` and ``penalty`` keep is stated in ``anonymizer.measuring.class_metrics``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting import kernels
from anonymizer.counting.classes import Classes, Ladders, Node, number_classes
from anonymizer.counting.counts import Counts
from anonymizer.hierarchies.encoding import Codes, Counts64
from anonymizer.measuring import metric_kernels
from anonymizer.measuring.affine import Floats, at_node, entropies, highest_entropy, nothing

Broken = NDArray[np.bool_]
_ROUNDED = 1e-12
"""More than the relative error of a bound that was computed by logarithms."""


@dataclass(frozen=True, slots=True)
class PairCount:
    """Discernibility: the ordered pairs of rows that can't be told apart.

    ``base`` counts the pairs that differ in one column alone, by the level that joins them; ``guide`` is
    ln(n^2) less the columns' entropies.
    """

    base: tuple[Floats, ...]
    guide: tuple[Floats, ...]
    n: int
    monotonic: bool

    @classmethod
    def of(cls, counts: Counts, *, monotonic: bool) -> PairCount:
        """The working form for a table's counts."""
        return cls(_joined_pairs(counts), _log_pairs(counts), counts.n_rows, monotonic)

    def at_least(self, guided: Floats) -> Floats:
        """The pairs that any classes make whose labels have these entropies.

        n^2 E[p] >= n^2 exp(E[ln p]) for the share p of a row's class, and the entropy -E[ln p] of the classes
        is at most the sum of their columns' entropies.
        """
        return np.asarray(np.exp(guided) * (1 - _ROUNDED))

    def total(self, counts: Counts, classes: Classes, broken: Broken) -> float:
        """Per row the size of its class, or all rows where it is suppressed (unless ``monotonic``)."""
        rows = classes.rows
        return float(rows @ (rows if self.monotonic else np.where(broken, self.n, rows)))

    def floor(self, counts: Counts, classes: Classes) -> float:
        """The pairs within classes, less those in this node's base.

        Classes only merge, so a generalisation joins all these pairs, and suppression adds some. A pair that
        the generalisation's base adds differs in one column alone and is not joined here: none counts twice.
        """
        return float(classes.rows @ classes.rows) - at_node(self.base, classes.node)

    def penalty(self, counts: Counts, classes: Classes, lost: Counts64) -> float:
        """For every row lost, the rows outside its class.

        A lost row counts all n rows instead of its class's, and in a specialisation its class is no larger
        than here.
        """
        return 0.0 if self.monotonic else float(lost @ (self.n - classes.rows))

    def score(self, total: float) -> float:
        """The pairs: ARX and the literature do not normalise them."""
        return total


@dataclass(frozen=True, slots=True)
class ClassCount:
    """Average class size, by how many classes fewer than ``most`` there are: the distinct tuples of rows.

    ``guide`` is less the logarithm of the columns' labels.
    """

    base: tuple[Floats, ...]
    guide: tuple[Floats, ...]
    n: int
    most: int

    @classmethod
    def of(cls, counts: Counts) -> ClassCount:
        """The working form for a table's counts."""
        labels = [[len(set(level)) for level in ladder.labels] for ladder in counts.ladders]
        guide = tuple(-np.log(np.maximum(levels, 1)) for levels in labels)
        return cls(nothing(counts), guide, counts.n_rows, int((counts.rows > 0).sum()))

    def at_least(self, guided: Floats) -> Floats:
        """``most`` less the classes that the labels could make."""
        combinations = np.exp(np.minimum(-guided, 700.0)) * (1 + _ROUNDED)
        return np.asarray(np.maximum(self.most - combinations, 0.0))

    def total(self, counts: Counts, classes: Classes, broken: Broken) -> float:
        """``most`` less the classes, of which the suppressed rows make one."""
        suppressed = broken & (classes.rows > 0)
        kept = int((classes.rows > 0).sum()) - int(suppressed.sum())
        return float(self.most - kept - bool(suppressed.any()))

    def floor(self, counts: Counts, classes: Classes) -> float:
        """``most`` less the classes here.

        Classes only merge, so a generalisation has no more of them; suppressing some makes them one.
        """
        return float(self.most - int((classes.rows > 0).sum()))

    def penalty(self, counts: Counts, classes: Classes, lost: Counts64) -> float:
        """The classes with lost rows, less one.

        In a specialisation each of them holds a suppressed class at least, and all those count as one.
        """
        return float(max(0, int((lost > 0).sum()) - 1))

    def score(self, total: float) -> float:
        """Rows over classes; 0 for a table without rows."""
        return self.n / (self.most - total) if self.n else 0.0


@dataclass(frozen=True, slots=True)
class Misprediction:
    """Iyengar's classification metric, by the number of rows it penalises; ``target`` has ``values`` values.

    ``guide`` are the columns' entropies: what is lost of them can't predict anything.
    """

    base: tuple[Floats, ...]
    guide: tuple[Floats, ...]
    n: int
    target: str
    values: int

    @classmethod
    def of(cls, counts: Counts, target: str) -> Misprediction:
        """The working form for a table's counts, which hold ``target`` by rows."""
        return cls(
            nothing(counts), tuple(entropies(counts)), counts.n_rows, target, counts.by_row[target].size
        )

    def at_least(self, guided: Floats) -> Floats:
        """0: the columns by themselves say nothing of what they predict together."""
        return np.zeros_like(guided)

    def total(self, counts: Counts, classes: Classes, broken: Broken) -> float:
        """The rows that are suppressed, or whose target is not one of the most frequent ones of the class."""
        return float(self.n - self._majorities(classes)[~broken].sum())

    def floor(self, counts: Counts, classes: Classes) -> float:
        """The rows whose target is a minority's, where nothing is suppressed.

        The majority of merged classes is no larger than their majorities together, and a suppressed class has
        none.
        """
        return float(self.n - self._majorities(classes).sum())

    def penalty(self, counts: Counts, classes: Classes, lost: Counts64) -> float:
        """Per class with lost rows, the least that the majorities among any such rows are together.

        A specialisation suppresses parts of the class with at least these rows. Their majorities together are
        at least the share of one value in those rows, and at least what is lost of the class's majority.
        """
        left = self._majorities(classes) - (classes.rows - lost)
        share = -(-lost // max(self.values, 1))
        return float(np.maximum(left, share)[lost > 0].sum())

    def score(self, total: float) -> float:
        """The share of rows, in [0, 1]."""
        return total / self.n if self.n else 0.0

    def _majorities(self, classes: Classes) -> Counts64:
        """The largest frequency of a target in each class; int64 (classes)."""
        held = classes.by_row[self.target]
        most: Counts64 = metric_kernels.majorities(held.owner, held.number, len(classes))
        return most


def _log_pairs(counts: Counts) -> tuple[Floats, ...]:
    """Per column and level, less the entropy of its labels in nats; the first column adds ln(n^2)."""
    n = counts.n_rows
    if not n:
        return nothing(counts)
    terms = []
    for j, lost in enumerate(entropies(counts)):
        kept = np.maximum(highest_entropy(counts, j) - lost, 0.0) * np.log(2) / n
        terms.append((0.0 if j else 2 * np.log(n)) - kept)
    return tuple(terms)


def _joined_pairs(counts: Counts) -> tuple[Floats, ...]:
    """Per column and level, the ordered pairs of rows joined when this column alone is raised to the level.

    All other columns stand at their lowest. The first column's terms include the pairs joined from the start.
    """
    ladders = Ladders.of(counts)
    lowest = tuple(ladder.lowest for ladder in counts.ladders)
    everyone = np.arange(counts.n_tuples, dtype=np.int32)
    start = _raised(counts, ladders, (everyone, counts.rows), lowest)
    least = float(start[1] @ start[1])
    terms = []
    for j, ladder in enumerate(counts.ladders):
        pairs, raised = np.zeros(ladder.top + 1), start
        for level in range(ladder.lowest + 1, ladder.highest + 1):
            raised = _raised(counts, ladders, raised, (*lowest[:j], level, *lowest[j + 1 :]))
            pairs[level] = float(raised[1] @ raised[1]) - least
        terms.append(pairs if j else pairs + least)
    return tuple(terms)


def _raised(
    counts: Counts, ladders: Ladders, source: tuple[Codes, Counts64], node: Node
) -> tuple[Codes, Counts64]:
    """Representatives and rows of the classes at ``node``, from those of a specialisation."""
    class_of, number = number_classes(counts, ladders, source[0], node)
    rows, representatives = kernels.merge_rows(class_of, number, source[1], source[0])
    return representatives, rows
