"""The criteria on sensitive columns as numbers for compiled code, refused where they would overflow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anonymizer.counting.counts import Counts
from anonymizer.counting.sensitive import Sensitive
from anonymizer.criteria import (
    BetaLikeness,
    Criterion,
    DeltaDisclosure,
    DistinctLDiversity,
    EntropyLDiversity,
    HistogramCriterion,
    KAnonymity,
    MaxRisk,
    RecursiveCLDiversity,
    TCloseness,
)
from anonymizer.errors import BadConfig
from anonymizer.judging import histogram_rows as rows
from anonymizer.judging.shares import delta_shares, likeness_shares

Numbers = NDArray[np.int64]
_Numbered = tuple[int, list[int]]
_LARGEST_PRODUCT = 2**62
_LARGEST_FACTOR = 2**31


class Layout(NamedTuple):
    """Criteria in flat arrays, as compiled code takes them: int64 (criteria), ``starts`` one longer.

    Criterion d is of ``kinds[d]``, its numbers are ``numbers[starts[d]:starts[d + 1]]``, and a class's people
    per value stand in its row from ``offsets[d]``, ``sizes[d]`` of them. Fewer people than ``least`` are not
    kept: the k of the criteria that ask for one.
    """

    kinds: Numbers
    offsets: Numbers
    sizes: Numbers
    starts: Numbers
    numbers: Numbers
    least: int


@dataclass(frozen=True, slots=True)
class Demands:
    """The criteria on sensitive columns.

    A class's row holds the people per code of each column in ``columns`` (names in order), one column's
    ``sizes`` entries behind the other's; ``layout`` is for such rows. ``parts`` has each column's criteria
    alone, for rows of that column.
    """

    columns: tuple[str, ...]
    sizes: tuple[int, ...]
    layout: Layout
    parts: tuple[Layout, ...]

    @classmethod
    def of(cls, counts: Counts, criteria: Sequence[Criterion]) -> Demands:
        """The histogram criteria among ``criteria``, and the k of k-anonymity and maximum risk.

        Raises:
            BadConfig: products that could reach 2^62, a distance the column has no order or hierarchy for.
        """
        asked: dict[str, list[HistogramCriterion]] = {}
        for criterion in criteria:
            if isinstance(criterion, HistogramCriterion):
                asked.setdefault(criterion.column, []).append(criterion)
        columns = tuple(sorted(asked))
        sizes = [counts.sensitive[name].size for name in columns]
        numbered = [[_demand(counts.sensitive[name], c) for c in asked[name]] for name in columns]
        least = max((c.k for c in criteria if isinstance(c, KAnonymity | MaxRisk)), default=1)
        return cls(
            columns,
            tuple(sizes),
            _layout(numbered, sizes, least),
            tuple(_layout([part], [size], least) for part, size in zip(numbered, sizes, strict=True)),
        )


def _layout(numbered: Sequence[Sequence[_Numbered]], sizes: Sequence[int], least: int) -> Layout:
    """One layout of the criteria of columns that stand side by side."""
    places = np.cumsum([0, *sizes])
    flat = [(c, demand) for c, demands in enumerate(numbered) for demand in demands]
    layout = Layout(
        np.array([kind for _, (kind, _) in flat], np.int64),
        np.array([places[c] for c, _ in flat], np.int64),
        np.array([sizes[c] for c, _ in flat], np.int64),
        np.cumsum([0, *(len(numbers) for _, (_, numbers) in flat)], dtype=np.int64),
        np.array([number for _, (_, numbers) in flat for number in numbers], np.int64),
        least,
    )
    for array in layout[:-1]:
        array.setflags(write=False)
    return layout


def _demand(column: Sensitive, criterion: HistogramCriterion) -> _Numbered:
    """A criterion's kind and numbers, as its row function's docstring lays them out."""
    match criterion:
        case DistinctLDiversity(_, least):
            return rows.DISTINCT, [column.known, least]
        case EntropyLDiversity(_, least):
            return rows.ENTROPY, [column.known, *_ratio(column, least, bound=_LARGEST_FACTOR)]
        case RecursiveCLDiversity(_, c, least):
            return rows.RECURSIVE, [column.known, least, *_ratio(column, c, bound=_most(column.people))]
        case TCloseness(_, _, t):
            return _closeness(column, criterion, t)
        case DeltaDisclosure(_, delta):
            return rows.SHARES, _shares(column, delta_shares(column.totals.tolist(), delta))
        case BetaLikeness(_, beta, enhanced):
            shares = likeness_shares(column.totals.tolist(), beta, enhanced=enhanced)
            return rows.SHARES, _shares(column, shares)


def _closeness(column: Sensitive, criterion: TCloseness, t: Fraction) -> _Numbered:
    totals, people = column.totals.tolist(), column.people
    if criterion.distance == "equal":
        kind, splits, needs = rows.EQUAL, 1, totals
    elif criterion.distance == "ordered":
        kind, splits, needs = rows.ORDERED, column.size - 1, np.cumsum(totals).tolist()
    else:
        kind, (splits, needs) = rows.HIERARCHICAL, _levels(column)
    top, bottom = _ratio(column, min(t, Fraction(1)), bound=_most(splits * people**2))
    return kind, [top, bottom, people, splits, *needs]


def _levels(column: Sensitive) -> tuple[int, list[int]]:
    """The levels below the top and, as ``_parts_hierarchical`` takes them, order and people per label."""
    if column.ancestors is None:
        raise BadConfig("hierarchical t-closeness needs a hierarchy", column=column.name)
    levels = column.ancestors
    # The coarsest level first: values under one label then lie side by side on every level.
    order = np.lexsort(levels)
    numbers = order.tolist()
    for labels in levels[:, order]:
        last = np.append(labels[1:] != labels[:-1], True)
        people = np.zeros(column.size, np.int64)
        people[last] = np.diff(np.cumsum(column.totals[order])[last], prepend=0)
        numbers += people.tolist()
    return len(levels), numbers


def _shares(column: Sensitive, shares: Sequence[tuple[Fraction, Fraction]]) -> list[int]:
    if column.people**2 >= _LARGEST_PRODUCT:
        raise BadConfig("too many people to compare shares exactly", column=column.name)
    return [
        number
        for low, high in shares
        for number in (low.numerator, low.denominator, high.numerator, high.denominator)
    ]


def _most(product: int) -> int:
    """The largest factor that keeps a product below 2^62."""
    return (_LARGEST_PRODUCT - 1) // max(product, 1)


def _ratio(column: Sensitive, limit: Fraction, *, bound: int) -> tuple[int, int]:
    """Numerator and denominator of a criterion's limit; raises ``BadConfig`` if either is over ``bound``."""
    if max(limit.numerator, limit.denominator) > bound:
        raise BadConfig(
            "the table is too large to decide this criterion exactly",
            column=column.name,
            hint="write its limit with fewer digits",
        )
    return limit.numerator, limit.denominator
