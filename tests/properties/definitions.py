"""The definitions, word for word: dictionaries, sets and fractions over single rows.

Nothing here comes from the search, its kernels or its numbers: where both agree, both follow the definitions.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product

from anonymizer.criteria import Criterion, HistogramCriterion, KAnonymity, MaxRisk
from anonymizer.hierarchies.hierarchy import Hierarchy
from tests.properties import literal_criteria

Value = str | None
Node = tuple[int, ...]
Key = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Domain:
    """A hierarchy of the product beside its definition: all leaves, and a label per value and level.

    ``values`` may be drawn into a table; some are no leaves of the domain (partial dates, short codes): they
    are leaves of their own. ``label`` holds a function for every level below the top.
    """

    hierarchy: Hierarchy
    values: tuple[str, ...]
    leaves: tuple[str, ...]
    label: tuple[Callable[[str], str], ...]

    @property
    def top(self) -> int:
        return len(self.label)

    def generalise(self, value: str, level: int) -> tuple[str, int]:
        """A value's label and the number of leaves that have the same one."""
        if level == self.top:
            return "*", len(self.leaves)
        label = self.label[level](value)
        return label, max(1, sum(self.label[level](leaf) == label for leaf in self.leaves))


@dataclass(frozen=True, slots=True)
class Task:
    """A table and what is asked of it. ``people[i]`` is the person of row i; weights are whole numbers.

    ``sensitive`` holds the cells of sensitive columns, ``sensitive_domains`` their domains.
    """

    domains: tuple[Domain, ...]
    weights: tuple[int, ...]
    lowest: Node
    highest: Node
    rows: tuple[Key, ...]
    people: tuple[str, ...]
    sensitive: Mapping[str, tuple[Value, ...]]
    criteria: tuple[Criterion, ...]
    limit: Fraction
    sensitive_domains: Mapping[str, Domain] = field(default_factory=dict)

    @property
    def nodes(self) -> list[Node]:
        return list(
            product(*(range(low, high + 1) for low, high in zip(self.lowest, self.highest, strict=True)))
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a node does to a table; ``loss`` is prod((1 + x_j)^w_j), exactly."""

    node: Node
    kept: Mapping[Key, tuple[int, ...]]
    broken: Mapping[Key, tuple[int, ...]]
    loss: Fraction

    @property
    def suppressed(self) -> int:
        return sum(map(len, self.broken.values()))

    @property
    def rank(self) -> tuple[Fraction, int, int, Node]:
        return self.loss, self.suppressed, sum(self.node), self.node


@dataclass(frozen=True, slots=True)
class Definitions:
    """A task with every cell's label and leaves written down: ``cells[j][value, level]``."""

    task: Task
    cells: tuple[Mapping[tuple[Value, int], tuple[Value, int]], ...]
    leaves: tuple[int, ...]

    @classmethod
    def of(cls, task: Task) -> Definitions:
        """Look up all cells of a task once."""
        columns = [{row[j] for row in task.rows} for j in range(len(task.domains))]
        leaves = tuple(len(d.leaves) + (None in c) for d, c in zip(task.domains, columns, strict=True))
        cells = tuple(
            {(value, level): _cell(d, value, level, size) for value in c for level in range(d.top + 1)}
            for d, c, size in zip(task.domains, columns, leaves, strict=True)
        )
        return cls(task, cells, leaves)

    def key(self, row: int, node: Node) -> Key:
        """The labels of a row at a node."""
        values = self.task.rows[row]
        return tuple(c[v, level][0] for c, v, level in zip(self.cells, values, node, strict=True))

    def classes(self, node: Node) -> dict[Key, tuple[int, ...]]:
        """The rows of every equivalence class at a node."""
        classes: dict[Key, tuple[int, ...]] = {}
        for row in range(len(self.task.rows)):
            key = self.key(row, node)
            classes[key] = (*classes.get(key, ()), row)
        return classes

    def people(self, rows: Sequence[int]) -> int:
        return len({self.task.people[row] for row in rows})

    def values(self, rows: Sequence[int], column: str) -> int:
        """How many different values of a sensitive column some rows hold; missing is none."""
        return len({self.task.sensitive[column][row] for row in rows} - {None})

    def frequencies(self, rows: Sequence[int], column: str) -> dict[Value, int]:
        """How many people have each value of a sensitive column at least once in some rows."""
        cells = {(self.task.sensitive[column][row], self.task.people[row]) for row in rows}
        return dict(Counter(value for value, _ in cells))

    def holds(self, rows: Sequence[int]) -> bool:
        """Whether a class of these rows meets every criterion that is about classes."""
        return all(self._holds(criterion, rows) for criterion in self.task.criteria)

    def _holds(self, criterion: Criterion, rows: Sequence[int]) -> bool:
        match criterion:
            case KAnonymity(k):
                return self.people(rows) >= k
            case MaxRisk(limit):
                return Fraction(1, self.people(rows)) <= limit
        if isinstance(criterion, HistogramCriterion):
            return self._distributed(criterion, rows)
        raise NotImplementedError(criterion.name)

    def _distributed(self, criterion: HistogramCriterion, rows: Sequence[int]) -> bool:
        domain = self.task.sensitive_domains.get(criterion.column)

        def path(value: Value) -> list[Value]:
            assert domain is not None, "this column has no hierarchy"
            return [_cell(domain, value, level, 1)[0] for level in range(domain.top + 1)]

        held, whole = (
            self.frequencies(some, criterion.column) for some in (rows, range(len(self.task.rows)))
        )
        return literal_criteria.holds(criterion, held, whole, path)

    def outcome(self, node: Node) -> Outcome:
        """What a node does: each class that breaks a criterion is suppressed as a whole."""
        classes = self.classes(node)
        kept = {key: rows for key, rows in classes.items() if self.holds(rows)}
        broken = {key: rows for key, rows in classes.items() if key not in kept}
        shown = {row for rows in kept.values() for row in rows}
        factors = [(1 + self._share(j, level, shown)) ** self.task.weights[j] for j, level in enumerate(node)]
        return Outcome(node, kept, broken, math.prod(factors, start=Fraction(1)))

    def _share(self, j: int, level: int, shown: set[int]) -> Fraction:
        """(sum of covered shares - n/L) / (n - n/L): 0 where nothing is lost, 1 where everything is."""
        n, leaves = len(self.task.rows), self.leaves[j]
        if leaves == 1:
            return Fraction(0)
        covered = sum(
            self.cells[j][self.task.rows[row][j], level][1] if row in shown else leaves for row in range(n)
        )
        return Fraction(covered - n, n * (leaves - 1))

    def within_limit(self, outcome: Outcome) -> bool:
        return outcome.suppressed <= self.task.limit * len(self.task.rows)

    def optimum(self) -> Outcome | None:
        """Least loss, then fewest suppressed rows, then lowest levels; ``None`` where nothing is kept."""
        allowed = [o for o in map(self.outcome, self.task.nodes) if self.within_limit(o)]
        best = min(allowed, key=lambda outcome: outcome.rank, default=None)
        return best if best and best.kept else None

    def score(self, outcome: Outcome) -> float:
        """The weighted geometric mean of all (1 + x_j), less one."""
        return math.pow(outcome.loss, 1 / sum(self.task.weights)) - 1


def _cell(domain: Domain, value: Value, level: int, leaves: int) -> tuple[Value, int]:
    if level == domain.top:
        return "*", leaves
    return (None, 1) if value is None else domain.generalise(value, level)
