"""The Cone of Privacy: is a record nearer to somebody than the people around that one are?

After the AVATAR project (a cluster funded by the German Federal Ministry of Education and Research, 2022 to
2025). What counts as near follows the density: where records lie close together a near one says little about
anybody, on the outskirts it says much. It is a filter and a measure, never a proof: a record outside of every
cone may still tell about a person, and how often records pass tells an attacker about outliers
(arXiv 2312.05114), so shares stay in the house and the filter is no part of a differentially private release.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.distances.encoding import Scale
from anonymizer.distances.kernels import Cones
from anonymizer.distances.nearest import NOBODY, Index
from risk.attacks.neighbourhood import ASKED, NOT_MEASURED, measurable, some
from risk.baselines import independent
from risk.comparison import Attribute, Comparison
from risk.figures import Figure, not_estimated, share
from risk.results import Frontier

Bools = NDArray[np.bool_]
Longs = NDArray[np.int64]

NEIGHBOUR = 5
"""A person's cone reaches to a share of the distance of this nearest record of others."""
ALLOWED = Fraction(1, 20)
"""So many real records that had no part in a table may lie in a cone."""
MOST_ROWS = 15
"""People with more records have no part in finding the width, where nobody was held out."""
TOO_ALIKE = (
    f"more than {float(ALLOWED):.0%} of records outside the release are the same as somebody's in it whose "
    "neighbours are others; no cone is narrow enough to leave them out, and none flags anything"
)
MOST_TRIED = 20_000
"""So many real records at most are tried to find the width: a share of 5 % is then known to 0.3 %."""
MOST_REAL = 100_000
"""So many real records, about, have cones in the report."""
STRENGTHS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class Cone:
    """What a record must not lie in: nearer to a real one x than ``alpha`` times d₅(x).

    ``ratio`` is ``alpha`` as two whole numbers, so that no tie is decided by rounding. ``calibrated_on`` real
    records were outside the table, or taken as if they were.
    """

    index: Index
    reaches: Cones
    ratio: tuple[int, int]
    allowed: Fraction
    calibrated_on: int

    @property
    def alpha(self) -> float:
        return self.ratio[0] / self.ratio[1]

    def flags(self, records: pl.DataFrame) -> Bools:
        """Return which records lie in somebody's cone; bool (rows,), in their order.

        It is exact: every real record is asked about. A record where more than five real ones are the same
        is not flagged for being like them, for it tells about none of them alone. With an ``alpha`` of 0,
        where too many real records outside are copies of some inside, nothing is flagged.
        """
        asked = self.index.scale.encode(records)
        nobody = np.full(asked.rows, NOBODY, np.int64)
        found = self.index.narrowest(asked, nobody, self.reaches, below=self.ratio)
        return np.asarray((found != np.array(self.ratio)).any(axis=1))


def fit(
    real: pl.DataFrame,
    people: Longs,
    attributes: tuple[Attribute, ...],
    *,
    holdout: pl.DataFrame | None = None,
    allowed: Fraction = ALLOWED,
) -> Cone:
    """Return the cones around real records, as wide as ``allowed`` says.

    ``people`` int64 (rows of real,) are numbers from 0; d₅(x) is the distance to the fifth nearest record of
    other people, the largest possible one where there are fewer. ``alpha`` is the largest at which no more
    than a share ``allowed`` of ``holdout``, rows of people who are not in ``real``, is flagged. Without a
    holdout every real record is tried as if its person were in none: against the records of others, whose
    distances are those without that person. Of more than ``MOST_TRIED`` such rows as many are tried, at
    equal steps. Where nobody can be tried, ``alpha`` is 1, which flags more.

    Raises:
        ValueError: there is no real record, or more attributes than distances take.
    """
    scale = Scale.of(real, {each.name: each.kind for each in attributes})
    index = Index.of(real, scale, people)
    if holdout is None:
        rows_of = np.bincount(people)
        most = min(int(rows_of.max()), MOST_ROWS)
        tried = rows_of[people] <= most
        outside, own = real.filter(tried), people[tried]
    else:
        most, outside, own = 0, holdout, np.full(holdout.height, NOBODY, np.int64)
    reaches = index.cones(rank=NEIGHBOUR, spare=most)
    asked = _spread(outside.height, MOST_TRIED)
    ratios = index.narrowest(scale.encode(outside[asked]), own[asked], reaches)
    return Cone(index, reaches, _widest(ratios, allowed), allowed, len(asked))


def _spread(rows: int, most: int) -> Longs:
    """The places of at most so many rows, at equal steps."""
    return np.arange(rows) if rows <= most else np.linspace(0, rows - 1, most).astype(np.int64)


def _widest(ratios: NDArray[np.float64], allowed: Fraction) -> tuple[int, int]:
    """The largest width below which at most a share ``allowed`` of the ratios lies."""
    # The quotients of whole numbers below 2²⁴ are told apart, and found equal, by floating point rightly.
    quotients = np.divide(
        ratios[:, 0], ratios[:, 1], out=np.full(len(ratios), np.inf), where=ratios[:, 1] > 0
    )
    order = np.argsort(quotients, kind="stable")
    place = int(allowed * len(ratios))
    if place >= len(order) or not np.isfinite(quotients[order[place]]):
        return 1, 1
    numerator, denominator = (int(number) for number in ratios[order[place]])
    lowest = Fraction(numerator, denominator)
    return lowest.numerator, lowest.denominator


def frontier(comparison: Comparison, rng: np.random.Generator, *, asked: int = ASKED) -> Frontier:
    """Return which share of the released records the cone flags, and of altered copies of the original.

    The cones are those of the records that are in the release, in its words, or that its model was trained
    on. A copy is altered by giving each cell, with probability ``strength``, another record's value of that
    column. The ends are the marks: strength 0 is a verbatim copy, strength 1 has independent columns. Each
    share is of at most ``asked`` records drawn at random, against all real ones; of more than ``MOST_REAL``
    only people drawn at random are among them, and copies of the others are not seen. An anonymised table's
    rows are real rows in its words: many of them lie in cones by design.
    """
    if not measurable(comparison):
        nothing = np.zeros(0)
        return Frontier(0.0, float(ALLOWED), not_estimated(NOT_MEASURED), nothing, nothing)
    drawn, sampled, *each = rng.spawn(2 + len(STRENGTHS))
    rows = _some_people(comparison, sampled)
    real, people = comparison.original[rows], comparison.people[rows]
    held = comparison.holdout if comparison.holdout is not None and comparison.holdout.height else None
    cone = fit(real, people, comparison.attributes, holdout=held)
    flagged = [
        float(cone.flags(some(altered(real, strength, its), its, most=asked)).mean())
        for strength, its in zip(STRENGTHS, each, strict=True)
    ]
    return Frontier(
        cone.alpha,
        float(cone.allowed),
        _released(cone, some(comparison.released, drawn, most=asked), comparison),
        np.array(STRENGTHS),
        np.array(flagged),
    )


def _some_people(comparison: Comparison, rng: np.random.Generator) -> Longs:
    """The rows that are in the release, of as many people at most as have about ``MOST_REAL`` of them."""
    rows = np.flatnonzero(comparison.shown)
    if len(rows) <= MOST_REAL:
        return rows
    everybody = np.unique(comparison.people[rows])
    number = max(1, len(everybody) * MOST_REAL // len(rows))
    return rows[np.isin(comparison.people[rows], rng.choice(everybody, number, replace=False))]


def _released(cone: Cone, records: pl.DataFrame, comparison: Comparison) -> Figure:
    if not cone.ratio[0]:
        return not_estimated(TOO_ALIKE, records.height)
    what = (
        f"share of {records.height} of {comparison.released.height} released records in the cone of one of "
        f"{len(cone.index.order)} of {int(comparison.shown.sum())} real ones; its width of {cone.alpha:.3f} "
        f"from {cone.calibrated_on} real records that were outside, or taken as if"
    )
    return share(int(cone.flags(records).sum()), records.height, what)


def altered(frame: pl.DataFrame, strength: float, rng: np.random.Generator) -> pl.DataFrame:
    """Return ``frame`` with each cell, with probability ``strength``, replaced by a draw of its column."""
    drawn = independent(frame, rng)
    kept = (pl.Series(rng.random(frame.height) >= strength) for _ in frame.columns)
    return frame.select(
        frame[name].zip_with(its, drawn[name]) for name, its in zip(frame.columns, kept, strict=True)
    )
