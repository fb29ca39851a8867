"""The metrics of information loss that a search can keep small, as data; less is better in every one.

All of them count rows, weighted by nothing but the columns' weights. A metric is a figure about the input as
well: what it says stays in the house. ``anonymizer.measuring`` computes them.

Per-column metrics add up over the quasi-identifiers j with their weights w_j, whose sum is W: a mean takes
w_j / W, a sum m * w_j / W (so that the weights' mean is 1), a maximum w_j / max w.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Aggregate = Literal["geometric", "arithmetic", "sum", "max"]


@dataclass(frozen=True, slots=True)
class Loss:
    """The share of its domain that a cell covers, averaged over rows; a suppressed cell covers all of it.

    Iyengar, KDD 2002; normalised per column so that 0 is the input and 1 is all ``*``. ``gs`` balances
    suppression (0: costs nothing) and generalisation (1: costs nothing), as ARX does.
    """

    aggregate: Aggregate = "geometric"
    gs: Fraction = Fraction(1, 2)

    name = "loss"

    @property
    def generalisation_factor(self) -> Fraction:
        """What the share of a kept cell is multiplied with: 1 up to gs = 1/2, then falling to 0."""
        return min(Fraction(1), 2 * (1 - self.gs))

    @property
    def suppression_factor(self) -> Fraction:
        """The part of the way from its share to 1 that a suppressed cell goes: 0 rising to 1 at gs = 1/2."""
        return min(Fraction(1), 2 * self.gs)


@dataclass(frozen=True, slots=True)
class Precision:
    """The level reached over the hierarchy's height, averaged over rows (suppressed: 1) and columns.

    Sweeney, Int. J. Uncertainty, Fuzziness and Knowledge-Based Systems 10(5), 2002: one less her Prec.
    """

    name = "precision"


@dataclass(frozen=True, slots=True)
class Height:
    """The sum of all levels: Samarati, IEEE TKDE 13(6), 2001. It does not see suppression."""

    name = "height"


@dataclass(frozen=True, slots=True)
class Entropy:
    """Non-uniform entropy: the bits needed to tell every original cell from its generalised one.

    A row's cell costs -log2(count of its value / count of its label), over all rows. Unless ``monotonic``,
    the suppressed rows cost, too, the bits that tell their labels among them: De Waal and Willenborg,
    Netherlands Official Statistics 14, 1999; Gionis and Tassa, IEEE TKDE 21(2), 2009.
    """

    monotonic: bool = False

    name = "entropy"


@dataclass(frozen=True, slots=True)
class NormalisedEntropy:
    """Non-uniform entropy with suppression, each column's over what it is when all cells are ``*``."""

    name = "normalised-entropy"


@dataclass(frozen=True, slots=True)
class Discernibility:
    """How many rows each row can't be told from: |c| per row of a kept class c, n per suppressed row.

    Bayardo and Agrawal, ICDE 2005. ``monotonic``: every row counts its class, kept or not (LeFevre, DeWitt
    and Ramakrishnan, ICDE 2006).
    """

    monotonic: bool = False

    name = "discernibility"


@dataclass(frozen=True, slots=True)
class AverageClassSize:
    """Rows per kept class, where all suppressed rows are one class more.

    LeFevre, DeWitt and Ramakrishnan, ICDE 2006, not divided by k.
    """

    name = "average-class-size"


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """The number of tuples of the domain that a row may stand for, averaged over rows (suppressed: all).

    Nergiz and Clifton, Data & Knowledge Engineering 63(3), 2007; Goldberger and Tassa, Transactions on Data
    Privacy 3(2), 2010.
    """

    name = "ambiguity"


@dataclass(frozen=True, slots=True)
class KullbackLeibler:
    """The divergence, in bits, of the input's distribution from the one the release tells.

    Every class is taken as spread evenly over the tuples it covers, the suppressed rows over the whole
    domain: Kifer and Gehrke, SIGMOD 2006; Machanavajjhala et al., ACM TKDD 1(1), 2007.
    """

    name = "kl"


@dataclass(frozen=True, slots=True)
class Predictive:
    """The share of rows whose ``target`` is not the most frequent one of their class, or that are suppressed.

    Iyengar's classification metric, KDD 2002: the error of the best prediction of ``target`` from the
    released quasi-identifiers alone, on these rows. Missing is a value of its own. Chosen among task-aware
    measures because it reads as an error rate in [0, 1], and because generalising never lowers it, which
    proves bounds; measures of whole models (a tree's AUC, information gain per column) do neither.
    """

    target: str

    name = "predictive"


Metric = (
    Loss
    | Precision
    | Height
    | Entropy
    | NormalisedEntropy
    | Discernibility
    | AverageClassSize
    | Ambiguity
    | KullbackLeibler
    | Predictive
)
