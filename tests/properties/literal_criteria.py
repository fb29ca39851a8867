"""Every criterion on a sensitive column as its paper words it: dictionaries, fractions, whole numbers.

``held`` and ``whole`` are how many people have each value, in a class and in the whole input; missing is
``None``, which is no value to diversity and one like any other to what compares with the input.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from math import prod

from anonymizer.criteria import (
    BetaLikeness,
    DeltaDisclosure,
    DistinctLDiversity,
    EntropyLDiversity,
    HistogramCriterion,
    RecursiveCLDiversity,
    TCloseness,
)

Value = str | None
People = Mapping[Value, int]
Path = Callable[[Value], Sequence[Value]]
"""A value's labels from level 0 to the top."""


def holds(criterion: HistogramCriterion, held: People, whole: People, path: Path) -> bool:
    """Whether a class of these people meets the criterion."""
    falling = sorted((n for value, n in held.items() if value is not None and n), reverse=True)
    match criterion:
        case DistinctLDiversity(_, least):
            return len(falling) >= least
        case EntropyLDiversity(_, least):
            return has_entropy(falling, least)
        case RecursiveCLDiversity(_, c, least):
            return bool(falling) and falling[0] < c * sum(falling[least - 1 :])
        case TCloseness(_, distance, t):
            return distances(path)[distance](shares(held, whole), shares(whole, whole)) <= t
        case DeltaDisclosure(_, delta):
            return all(log_ratio_within(held.get(v, 0), held, m, whole, delta) for v, m in whole.items())
        case BetaLikeness(_, beta, enhanced):
            p, q = shares(held, whole), shares(whole, whole)
            gains = {value: (p[value] - q[value]) / q[value] for value in whole if p[value] > q[value]}
            return all(g <= beta and (not enhanced or within_log(g, q[v])) for v, g in gains.items())


def has_entropy(frequencies: Sequence[int], least: Fraction) -> bool:
    """-sum p ln p >= ln l, both sides as powers of e^N: prod (N / n)^n >= l^N."""
    total = sum(frequencies)
    return bool(total) and prod(Fraction(total, n) ** n for n in frequencies) >= least**total


def shares(held: People, whole: People) -> dict[Value, Fraction]:
    """The share of each of the input's values."""
    return {value: Fraction(held.get(value, 0), sum(held.values())) for value in whole}


Shares = Mapping[Value, Fraction]


def distances(path: Path) -> dict[str, Callable[[Shares, Shares], Fraction]]:
    """The earth mover's distances of Li, Li and Venkatasubramanian (ICDE 2007, section 4)."""
    return {
        "equal": lambda p, q: sum((abs(p[v] - q[v]) for v in q), Fraction(0)) / 2,
        "ordered": _ordered,
        "hierarchical": lambda p, q: _hierarchical(p, q, path),
    }


def in_order(values: Sequence[Value]) -> list[Value]:
    """Whole numbers by size where all values are, other text by its letters; missing last."""
    known = [value for value in values if value is not None]
    numbers = all(value.lstrip("+-").isdigit() for value in known)
    return [*sorted(known, key=(lambda v: (int(v), v)) if numbers else str), *[None][: None in values]]


def _ordered(p: Shares, q: Shares) -> Fraction:
    extra, moved = Fraction(0), Fraction(0)
    for value in in_order(list(q)):
        extra += p[value] - q[value]
        moved += abs(extra)
    return moved / max(len(q) - 1, 1)


def _hierarchical(p: Shares, q: Shares, path: Path) -> Fraction:
    """The cost of every inner node: its height over the root's, times the lesser of surplus and lack."""
    extra: dict[tuple[Value, ...], Fraction] = {}
    for value in q:
        leaf = tuple(path(value))
        extra[leaf] = extra.get(leaf, Fraction(0)) + p[value] - q[value]
    height, cost = len(next(iter(extra), ())) - 1, Fraction(0)
    for level in range(1, height + 1):
        children, extra = extra, {}
        for node, surplus in children.items():
            extra[node[1:]] = extra.get(node[1:], Fraction(0)) + surplus
        for node in extra:
            below = [surplus for child, surplus in children.items() if child[1:] == node]
            surplus = sum((each for each in below if each > 0), Fraction(0))
            cost += Fraction(level, height) * min(surplus, surplus - sum(below))
    return cost


def log_ratio_within(n: int, held: People, m: int, whole: People, delta: Fraction) -> bool:
    """|ln(p / q)| < delta; of nobody the logarithm is infinite."""
    if n == 0:
        return False
    ratio = Fraction(n * sum(whole.values()), m * sum(held.values()))
    with localcontext(prec=80):
        return abs(_decimal(ratio).ln()) < _decimal(delta)


def within_log(gain: Fraction, q: Fraction) -> bool:
    with localcontext(prec=80):
        return _decimal(gain) <= -_decimal(q).ln()


def _decimal(fraction: Fraction) -> Decimal:
    return Decimal(fraction.numerator) / Decimal(fraction.denominator)
