"""The metrics, word for word over single rows: dictionaries, and fractions wherever a metric is rational."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from anonymizer.metrics import (
    Ambiguity,
    AverageClassSize,
    Discernibility,
    Entropy,
    Height,
    KullbackLeibler,
    Loss,
    Metric,
    NormalisedEntropy,
    Precision,
    Predictive,
)
from tests.properties.definitions import Definitions, Outcome, Value


@dataclass(frozen=True, slots=True)
class Release:
    """A node's outcome, with what each row shows: ``shown`` rows by class, ``hidden`` rows."""

    definitions: Definitions
    outcome: Outcome

    @property
    def n(self) -> int:
        return len(self.definitions.task.rows)

    @property
    def columns(self) -> range:
        return range(len(self.definitions.task.domains))

    @property
    def hidden(self) -> set[int]:
        return {row for rows in self.outcome.broken.values() for row in rows}

    @property
    def classes(self) -> list[tuple[int, ...]]:
        return [*self.outcome.kept.values(), *self.outcome.broken.values()]

    def label(self, row: int, column: int, level: int | None = None) -> Value:
        """A row's label at the node, or at another level."""
        level = self.outcome.node[column] if level is None else level
        return self.definitions.cells[column][self.definitions.task.rows[row][column], level][0]

    def leaves(self, row: int, column: int) -> int:
        """The leaves that a row's cell covers; all of them where it is suppressed."""
        if row in self.hidden:
            return self.definitions.leaves[column]
        value = self.definitions.task.rows[row][column]
        return int(self.definitions.cells[column][value, self.outcome.node[column]][1] or 0)

    def area(self, row: int) -> int:
        """The tuples of the domain that a row may stand for."""
        return math.prod(self.leaves(row, j) for j in self.columns)


def score(release: Release, metric: Metric, target: Sequence[Value] = ()) -> float:
    """A metric's value at a node; ``target`` holds the cells to be predicted."""
    match metric:
        case Loss():
            return _aggregate(release, [_loss(release, j, metric) for j in release.columns], metric.aggregate)
        case Precision():
            return _aggregate(release, [_precision(release, j) for j in release.columns], "arithmetic")
        case Height():
            return _aggregate(release, [Fraction(level) for level in release.outcome.node], "sum")
        case Entropy(monotonic):
            return _aggregate(release, [_bits(release, j, monotonic) for j in release.columns], "sum")
        case NormalisedEntropy():
            return _aggregate(release, [_share_of_bits(release, j) for j in release.columns], "sum")
        case Discernibility(monotonic):
            return sum(
                release.n if not monotonic and row in release.hidden else len(rows)
                for rows in release.classes
                for row in rows
            )
        case AverageClassSize():
            return release.n / (len(release.outcome.kept) + bool(release.hidden))
        case Ambiguity():
            return float(Fraction(sum(release.area(row) for row in range(release.n)), release.n))
        case KullbackLeibler():
            return _divergence(release)
        case Predictive():
            return _mispredicted(release, target) / release.n


def _aggregate(release: Release, costs: Sequence[Fraction | float], how: str) -> float:
    weights = release.definitions.task.weights
    weighted = list(zip(weights, costs, strict=True))
    match how:
        case "geometric":
            product = math.prod((1 + cost) ** weight for weight, cost in weighted)
            return math.pow(product, 1 / sum(weights)) - 1
        case "arithmetic":
            return float(sum(weight * cost for weight, cost in weighted) / sum(weights))
        case "sum":
            return float(len(weights) * sum(weight * cost for weight, cost in weighted) / sum(weights))
    return float(max(weight * cost for weight, cost in weighted) / max(weights))


def _loss(release: Release, column: int, metric: Loss) -> Fraction:
    """ARX's normalised loss of one column; see ``semantics`` in golden/arx.json."""
    leaves, n = release.definitions.leaves[column], release.n
    if leaves == 1:
        return Fraction(0)
    g = Fraction(1) if metric.gs <= Fraction(1, 2) else 2 * (1 - metric.gs)
    s = 2 * metric.gs if metric.gs < Fraction(1, 2) else Fraction(1)
    values = (release.definitions.task.rows[row][column] for row in range(n))
    level = release.outcome.node[column]
    shares = [Fraction(int(release.definitions.cells[column][v, level][1] or 0), leaves) for v in values]
    cells = (
        share + s * (1 - share)
        if row in release.hidden and s < 1
        else 1
        if row in release.hidden
        else g * share
        for row, share in enumerate(shares)
    )
    return (sum(cells) - g * Fraction(n, leaves)) / (n - g * Fraction(n, leaves))


def _precision(release: Release, column: int) -> Fraction:
    height = release.definitions.task.domains[column].top
    if height == 0:
        return Fraction(0)
    s, n = len(release.hidden), release.n
    return ((n - s) * Fraction(release.outcome.node[column], height) + s) / n


def _bits(release: Release, column: int, monotonic: bool) -> float:
    everyone, hidden = range(release.n), release.hidden
    original = Counter(release.label(row, column, 0) for row in everyone)
    label = Counter(release.label(row, column) for row in everyone)
    bits = [
        -math.log2(original[release.label(row, column, 0)] / label[release.label(row, column)])
        for row in everyone
    ]
    if not monotonic:
        among = Counter(release.label(row, column) for row in hidden)
        bits += [-math.log2(among[release.label(row, column)] / len(hidden)) for row in hidden]
    return math.fsum(bits)


def _share_of_bits(release: Release, column: int) -> float:
    original = Counter(release.label(row, column, 0) for row in range(release.n))
    most = math.fsum(-count * math.log2(count / release.n) for count in original.values())
    return _bits(release, column, False) / most if most else 0.0


def _divergence(release: Release) -> float:
    n, domain = release.n, math.prod(release.definitions.leaves)
    tuples = Counter(_tuple(release, row) for row in range(n))
    size = {row: len(rows) for rows in release.outcome.kept.values() for row in rows}
    told = {
        _tuple(release, row): Fraction(size[row], n * release.area(row))
        if row in size
        else Fraction(len(release.hidden), n * domain)
        for row in range(n)
    }
    return math.fsum(count / n * math.log2(Fraction(count, n) / told[t]) for t, count in tuples.items())


def _tuple(release: Release, row: int) -> tuple[Value, ...]:
    return tuple(release.label(row, j, 0) for j in release.columns)


def _mispredicted(release: Release, target: Sequence[Value]) -> int:
    def majority(rows: Iterable[int]) -> int:
        return max(Counter(target[row] for row in rows).values())

    return len(release.hidden) + sum(len(rows) - majority(rows) for rows in release.outcome.kept.values())
