"""What trying every transformation finds, by the definitions: the least score, then the rules for ties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from anonymizer.criteria import Criterion
from anonymizer.metrics import Metric
from tests.properties import metric_definitions
from tests.properties.definitions import Definitions, Key, Node, Outcome, Task, Value
from tests.properties.definitions_population import World
from tests.properties.metric_definitions import Release

ROUNDING = 1e-10
"""Scores that differ by less are equal: the definitions add up in floating point where a metric is one."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best transformation: least score, then fewest suppressed rows, lowest levels, first in order."""

    node: Node
    score: float
    classes: int
    suppressed: int


@dataclass(frozen=True, slots=True)
class Everything:
    """What every transformation of a task's lattice does."""

    definitions: Definitions
    outcomes: tuple[Outcome, ...]
    target: Sequence[Value] = ()

    @classmethod
    def of(cls, task: Task, target: str = "q0") -> Everything:
        """Try every node; ``target`` is the column that may be predicted."""
        definitions = Definitions.of(task)
        cells = task.sensitive.get(target) or tuple(row[0] for row in task.rows)
        return cls(definitions, tuple(map(definitions.outcome, task.nodes)), cells)

    @classmethod
    def of_world(cls, world: World, criteria: Sequence[Criterion]) -> Everything:
        """Try every node under criteria about the population, code sets and the release as a whole."""
        task = _task_of(world)
        outcomes = tuple(
            _outcome(node, world.classes(node), world.released(node, criteria)) for node in world.nodes
        )
        return cls(Definitions.of(task), outcomes, tuple(row[0] for row in world.rows))

    def best(self, metric: Metric, limit: Fraction) -> Best | None:
        """The best transformation that keeps anything within the limit; ``None`` where there is none."""
        n = len(self.definitions.task.rows)
        scores = {
            outcome.node: (self._score(outcome, metric), outcome)
            for outcome in self.outcomes
            if outcome.kept and outcome.suppressed <= limit * n
        }
        if not scores:
            return None
        least = min(score for score, _ in scores.values())
        tied = [o for score, o in scores.values() if score <= least + ROUNDING * max(1.0, abs(least))]
        first = min(tied, key=lambda o: (o.suppressed, sum(o.node), o.node))
        return Best(first.node, least, len(first.kept), first.suppressed)

    def _score(self, outcome: Outcome, metric: Metric) -> float:
        return metric_definitions.score(Release(self.definitions, outcome), metric, self.target)


def _task_of(world: World) -> Task:
    """The world's table as a task; its criteria are looked at elsewhere."""
    m = len(world.domains)
    return Task(
        domains=world.domains,
        weights=(1,) * m,
        lowest=(0,) * m,
        highest=tuple(domain.top for domain in world.domains),
        rows=world.rows,
        people=world.people,
        sensitive={},
        criteria=(),
        limit=Fraction(1),
    )


def _outcome(node: Node, classes: Mapping[Key, Iterable[int]], released: Mapping[Key, object]) -> Outcome:
    kept = {key: tuple(rows) for key, rows in classes.items() if key in released}
    broken = {key: tuple(rows) for key, rows in classes.items() if key not in released}
    return Outcome(node, kept, broken, Fraction(0))
