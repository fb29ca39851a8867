"""Laws of the metrics: each is what its definition says, and every bound lies below what it bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.counting.classes import Classes, Ladders, base_classes, roll_up
from anonymizer.counting.counts import Counts, count
from anonymizer.judging.judgement import Judgement, judge
from anonymizer.measuring.affine import AffineMetric, Floats
from anonymizer.measuring.class_metrics import ClassMetric, prepare
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
from tests.properties import metric_definitions
from tests.properties.definitions import Definitions, Node, Task
from tests.properties.laws import law
from tests.properties.metric_definitions import Release
from tests.properties.tasks import table_of, tasks

ROUNDING = 1e-9


def losses() -> st.SearchStrategy[Metric]:
    factors = st.one_of(
        st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1)]),
        st.fractions(min_value=0, max_value=1, max_denominator=9),
    )
    return st.builds(Loss, st.sampled_from(["geometric", "arithmetic", "sum", "max"]), factors)


AFFINE = st.one_of(losses(), st.sampled_from([Precision(), Height(), Entropy(monotonic=True)]))
BY_CLASSES: Mapping[str, Metric] = {
    "entropy": Entropy(),
    "normalised-entropy": NormalisedEntropy(),
    "discernibility": Discernibility(),
    "monotonic discernibility": Discernibility(monotonic=True),
    "average-class-size": AverageClassSize(),
    "ambiguity": Ambiguity(),
    "kl": KullbackLeibler(),
    "predictive": Predictive("target"),
}
by_classes = pytest.mark.parametrize("spec", BY_CLASSES.values(), ids=BY_CLASSES)


@dataclass(frozen=True, slots=True)
class Nodes:
    """Every node of a task's lattice with its classes and the judgement of them."""

    task: Task
    target: str
    counts: Counts
    at: Mapping[Node, tuple[Classes, Judgement]]

    @classmethod
    def of(cls, task: Task) -> Nodes:
        target = max(task.sensitive, default="q0")
        counts = count(table_of(task), task.criteria, also=[target])
        ladders, base = Ladders.of(counts), base_classes(counts)
        rolled = {node: roll_up(counts, ladders, base, node) for node in task.nodes}
        judged = {node: (c, judge(counts, c, task.criteria)) for node, c in rolled.items()}
        return cls(task, target, counts, judged)

    def by_class(self, spec: Metric) -> ClassMetric:
        """The working form of a metric; whatever is to be predicted is this task's target."""
        metric = prepare(self.counts, Predictive(self.target) if isinstance(spec, Predictive) else spec)
        assert not isinstance(metric, AffineMetric)
        return metric

    def by_column(self, spec: Metric) -> AffineMetric:
        """The working form of a metric."""
        metric = prepare(self.counts, spec)
        assert isinstance(metric, AffineMetric)
        return metric

    def suppressed(self, node: Node) -> int:
        """The rows suppressed at a node."""
        classes, judgement = self.at[node]
        return int(classes.rows[judgement.broken].sum())

    def total(self, metric: AffineMetric | ClassMetric, node: Node) -> float:
        """What a metric totals at a node."""
        classes, judgement = self.at[node]
        if not isinstance(metric, AffineMetric):
            return metric.total(self.counts, classes, judgement.broken)
        suppressed = np.where(judgement.broken, classes.rows, 0)
        cover = metric.suppressed_cover(self.counts, Ladders.of(self.counts), classes, suppressed)
        return metric.total(node, cover, int(suppressed.sum()))

    def specialisations(self, node: Node) -> list[Node]:
        return [other for other in self.at if all(a <= b for a, b in zip(other, node, strict=True))]

    def generalisations(self, node: Node) -> list[Node]:
        return [other for other in self.at if all(a >= b for a, b in zip(other, node, strict=True))]


def by_definition(nodes: Nodes, node: Node, metric: Metric) -> float:
    definitions = Definitions.of(nodes.task)
    cells = nodes.task.sensitive.get(nodes.target)
    target = [row[0] for row in nodes.task.rows] if cells is None else cells
    return metric_definitions.score(Release(definitions, definitions.outcome(node)), metric, target)


@law(100)
@given(tasks(every=True), AFFINE, st.data())
def test_a_metric_by_column_is_what_its_definition_says(
    task: Task, spec: Metric, data: st.DataObject
) -> None:
    nodes = Nodes.of(task)
    metric = nodes.by_column(spec)
    for node in data.draw(st.lists(st.sampled_from(task.nodes), min_size=1, max_size=4)):
        score = metric.score(nodes.total(metric, node))
        assert score == pytest.approx(by_definition(nodes, node, spec), abs=1e-9, rel=1e-12)


@by_classes
@law(30)
@given(task=tasks(every=True), data=st.data())
def test_a_metric_by_class_is_what_its_definition_says(spec: Metric, task: Task, data: st.DataObject) -> None:
    nodes = Nodes.of(task)
    metric = nodes.by_class(spec)
    for node in data.draw(st.lists(st.sampled_from(task.nodes), min_size=1, max_size=4)):
        score = metric.score(nodes.total(metric, node))
        assert score == pytest.approx(by_definition(nodes, node, spec), abs=1e-9, rel=1e-9)


def no_bound_lies_above(spec: Metric, task: Task) -> None:
    """total(z) >= base(z) + floor(y) + penalty(x) for all y <= z <= x, and at_least(guide(z))."""
    nodes = Nodes.of(task)
    metric, counts = nodes.by_class(spec), nodes.counts
    floor = {node: metric.floor(counts, classes) for node, (classes, _) in nodes.at.items()}
    penalty = {node: metric.penalty(counts, c, judged.lost) for node, (c, judged) in nodes.at.items()}
    assert min(*floor.values(), *penalty.values(), 0.0) == 0.0
    for node in nodes.at:
        total = nodes.total(metric, node)
        least = max(floor[y] for y in nodes.specialisations(node))
        most_lost = max(penalty[x] for x in nodes.generalisations(node))
        assert at(metric.base, node) + least + most_lost <= total + ROUNDING
        assert metric.at_least(np.array([at(metric.guide, node)]))[0] <= total + ROUNDING


@by_classes
@law(40)
@given(task=tasks(every=True))
def test_no_bound_by_class_lies_above_the_total(spec: Metric, task: Task) -> None:
    no_bound_lies_above(spec, task)


@by_classes
@law(8)
@given(task=tasks(most_rows=60))
def test_no_bound_by_class_lies_above_the_total_on_larger_tables(spec: Metric, task: Task) -> None:
    no_bound_lies_above(spec, task)


@law(100)
@given(tasks(every=True), AFFINE)
def test_no_bound_by_column_lies_above_the_total(task: Task, spec: Metric) -> None:
    nodes = Nodes.of(task)
    metric, ladders = nodes.by_column(spec), Ladders.of(nodes.counts)
    for j, cover in enumerate(metric.cover):
        assert (metric.alpha[j] - metric.beta[j] * cover >= -1e-15).all()
    totals = {node: nodes.total(metric, node) for node in nodes.at}
    for node, (classes, judgement) in nodes.at.items():
        terms = metric.least_terms(nodes.counts, ladders, classes, judgement.lost)
        for below in nodes.specialisations(node):
            bound, start = combined(metric, terms, below), combined(metric, metric.start(), below)
            assert start <= bound + ROUNDING
            assert bound <= totals[below] + ROUNDING


@law(60)
@given(tasks(), st.sampled_from([Height(), Entropy(monotonic=True)]))
def test_the_first_bound_of_a_monotonic_metric_by_column_is_its_total(task: Task, spec: Metric) -> None:
    """So a best-first search ends with the first node that is allowed."""
    nodes = Nodes.of(task)
    metric = nodes.by_column(spec)
    for node in nodes.at:
        assert combined(metric, metric.start(), node) == nodes.total(metric, node)


@law(60)
@given(tasks())
def test_the_bound_of_monotonic_discernibility_tells_every_merge_of_two_neighbours(task: Task) -> None:
    """Where the lowest node is allowed, nodes that join rows which differ in one column are out at once."""
    nodes = Nodes.of(task)
    metric = nodes.by_class(Discernibility(monotonic=True))
    totals = {node: nodes.total(metric, node) for node in nodes.at}
    assert metric.floor(nodes.counts, nodes.at[task.lowest][0]) == 0
    assert at(metric.base, task.lowest) == totals[task.lowest]
    for j, level in enumerate(task.highest):
        raised = (*task.lowest[:j], level, *task.lowest[j + 1 :])
        assert at(metric.base, raised) == totals[raised]


@law(100)
@given(tasks(every=True), st.data())
def test_scores_keep_the_bounds_known_beforehand(task: Task, data: st.DataObject) -> None:
    nodes = Nodes.of(task)
    node = data.draw(st.sampled_from(task.nodes))

    def score(spec: Metric) -> float:
        metric = nodes.by_class(spec)
        return metric.score(nodes.total(metric, node))

    n, columns = len(task.rows), len(task.domains)
    domain = prod(ladder.leaves for ladder in nodes.counts.ladders)
    assert 0 <= score(Predictive("target")) <= 1
    assert 1 <= score(AverageClassSize()) <= n
    assert n <= score(Discernibility()) <= n * n
    assert -ROUNDING <= score(NormalisedEntropy()) <= columns + ROUNDING
    assert 1 - ROUNDING <= score(Ambiguity()) <= domain * (1 + ROUNDING)


def combined(metric: AffineMetric, terms: Sequence[Floats], node: Node) -> float:
    return metric.combine([float(column[level]) for column, level in zip(terms, node, strict=True)])


def at(terms: Sequence[Floats], node: Node) -> float:
    return float(sum(column[level] for column, level in zip(terms, node, strict=True)))
