"""The privacy criteria a release must meet, as data: search and verifier each count them on their own.

Limits that decide ties (t, c, l of entropy, risks) are exact fractions.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, exp, expm1, lgamma, log
from typing import Literal

Distance = Literal["equal", "ordered", "hierarchical"]
MOST_CODES_KNOWN = 4
"""What an attacker of (k, k^m) is taken to know at most: combinations of more codes are too many to count."""
SIGNIFICANCE = 0.05
"""Of the test that stands for k-map where the population is unknown."""


@dataclass(frozen=True, slots=True)
class KAnonymity:
    """Every equivalence class holds at least ``k`` distinct people.

    Sweeney, Int. J. Uncertainty, Fuzziness and Knowledge-Based Systems 10(5), 2002.
    """

    k: int

    name = "k-anonymity"


@dataclass(frozen=True, slots=True)
class MaxRisk:
    """Nobody's re-identification risk, one over the people of the class, exceeds ``limit``.

    The prosecutor risk; EMA Policy 0070 asks for 0.09.
    """

    limit: Fraction

    name = "maximum risk"

    @property
    def k(self) -> int:
        """The smallest class whose risk keeps the limit."""
        return ceil(1 / self.limit)


@dataclass(frozen=True, slots=True)
class KMap:
    """Every class matches at least ``k`` people of the population.

    Sweeney, "Computational disclosure control", PhD thesis, MIT 2001. Without a population table the
    population is unknown but for ``sampling_fraction``: El Emam and Dankar, JAMIA 15(5), 2008.
    """

    k: int
    sampling_fraction: Fraction | None = None

    name = "k-map"

    @property
    def smallest_class(self) -> int | None:
        """The smallest class of the data that is evidence of ``k`` people; ``None`` where those are counted.

        El Emam and Dankar's estimator D4: of k people of the population the data hold a Poisson number with
        mean k times the sampling fraction, truncated at zero. The class must have so many that k people would
        give as many with a probability of 0.05 at most; k in the data are k in the population anyway. The
        data are taken for a random sample.
        """
        if self.sampling_fraction is None:
            return None
        mean = float(self.k * self.sampling_fraction)
        below, size = 0.0, 1
        while size < self.k and below < (1 - SIGNIFICANCE) * -expm1(-mean):
            below += exp(size * log(mean) - mean - lgamma(size + 1))
            size += 1
        return size


@dataclass(frozen=True, slots=True)
class KMAnonymity:
    """Any ``m`` codes of the set-valued ``column`` plus the quasi-identifiers match at least ``k`` people.

    (k, k^m)-anonymity: Poulis, Loukides, Gkoulalas-Divanis and Skiadopoulos, ECML PKDD 2013. Codes are
    compared as they are released, and each row of a person is a set of its own: nobody can tell which rows
    belong together. Where ``repair`` is true, a class that breaks it does not go: its rarest codes do.
    """

    column: str
    k: int
    m: int
    repair: bool = False

    name = "(k, k^m)-anonymity"


@dataclass(frozen=True, slots=True)
class DistinctLDiversity:
    """Every class holds at least ``l`` distinct base values of ``column``; missing is none of them.

    Machanavajjhala et al., ACM TKDD 1(1), 2007.
    """

    column: str
    l: int  # noqa: E741 - the literature's name

    name = "distinct l-diversity"


@dataclass(frozen=True, slots=True)
class EntropyLDiversity:
    """The entropy of ``column`` in every class is at least ln ``l``; missing is no value.

    Machanavajjhala et al., ACM TKDD 1(1), 2007, definition 4.1.
    """

    column: str
    l: Fraction  # noqa: E741 - the literature's name

    name = "entropy l-diversity"


@dataclass(frozen=True, slots=True)
class RecursiveCLDiversity:
    """In every class r_1 < c (r_l + ... + r_m), r_i the frequencies of ``column`` in falling order.

    Machanavajjhala et al., ACM TKDD 1(1), 2007, definition 4.2; missing is no value.
    """

    column: str
    c: Fraction
    l: int  # noqa: E741 - the literature's name

    name = "recursive (c, l)-diversity"


@dataclass(frozen=True, slots=True)
class TCloseness:
    """The distribution of ``column`` in every class lies within ``t`` of the whole input's; missing counts.

    Li, Li and Venkatasubramanian, ICDE 2007: earth mover's distance with equal, ordered or hierarchical
    ground distance.
    """

    column: str
    distance: Distance
    t: Fraction

    name = "t-closeness"


@dataclass(frozen=True, slots=True)
class DeltaDisclosure:
    """|ln(p / q)| < ``delta`` for every value's share p in a class and q in the whole input.

    Brickell and Shmatikov, KDD 2008.
    """

    column: str
    delta: Fraction

    name = "delta-disclosure privacy"


@dataclass(frozen=True, slots=True)
class BetaLikeness:
    """(p - q) / q <= ``beta`` for every value more frequent in a class than in the input.

    Cao and Karras, PVLDB 5(11), 2012; ``enhanced``: min(beta, -ln q) in place of beta.
    """

    column: str
    beta: Fraction
    enhanced: bool = True

    name = "beta-likeness"


@dataclass(frozen=True, slots=True)
class DeltaPresence:
    """Whoever of the population fits a class is in the data with a share from ``lower`` to ``upper``.

    Nergiz, Atzori and Clifton, SIGMOD 2007.
    """

    lower: Fraction
    upper: Fraction

    name = "delta-presence"


@dataclass(frozen=True, slots=True)
class AverageRisk:
    """The people released stand in classes whose mean risk, classes over people, is at most ``limit``.

    A criterion of the release as a whole: the smallest classes are suppressed until it holds.
    """

    limit: Fraction

    name = "average risk"


@dataclass(frozen=True, slots=True)
class SampleUniqueness:
    """At most the share ``limit`` of the people released are alone in their class."""

    limit: Fraction

    name = "sample uniqueness"


@dataclass(frozen=True, slots=True)
class PopulationUniqueness:
    """At most the share ``limit`` of the people released are estimated to be unique in the population.

    The population is known by ``sampling_fraction`` only; estimators: Dankar et al., BMC Medical Informatics
    and Decision Making 12:66, 2012.
    """

    limit: Fraction
    sampling_fraction: Fraction

    name = "population uniqueness"


HistogramCriterion = (
    DistinctLDiversity
    | EntropyLDiversity
    | RecursiveCLDiversity
    | TCloseness
    | DeltaDisclosure
    | BetaLikeness
)
"""Criteria about a sensitive column's distribution in each class."""

ClassCriterion = KAnonymity | MaxRisk | KMap | KMAnonymity | DeltaPresence | HistogramCriterion
"""Criteria that each class holds or breaks by itself: a class that breaks one is suppressed."""

SampleCriterion = AverageRisk | SampleUniqueness | PopulationUniqueness
"""Criteria of the release as a whole: the smallest classes are suppressed first, as few as needed."""

Criterion = ClassCriterion | SampleCriterion


def plainest(criterion: Criterion) -> Criterion:
    """The criterion as k-anonymity, where a class's people are all that the search must look at."""
    match criterion:
        case MaxRisk() | KMAnonymity(repair=True):
            return KAnonymity(criterion.k)
        case KMap() if criterion.smallest_class is not None:
            return KAnonymity(criterion.smallest_class)
    return criterion


def in_every_class(criterion: Criterion) -> Criterion:
    """The criterion, or one about single classes that is enough for one about the release as a whole.

    If nobody's risk exceeds a limit, their mean does not; without anybody alone in a class the estimates of
    people unique in the population are 0.
    """
    match criterion:
        case AverageRisk(limit):
            return MaxRisk(limit)
        case SampleUniqueness() | PopulationUniqueness():
            return KAnonymity(2)
    return criterion
