"""Laws of the lattice: a node is evaluated exactly, and no bound ever lies above what it bounds."""

from __future__ import annotations

from math import inf, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.search import Lattice, evaluate, open_lattice
from tests.properties.definitions import Definitions, Node, Outcome, Task
from tests.properties.laws import law
from tests.properties.tasks import counts_of, tasks

ROUNDING = 1e-9


def opened(task: Task) -> Lattice:
    return open_lattice(counts_of(task), task.criteria, task.limit)


def total(definitions: Definitions, outcome: Outcome) -> float:
    """What the search adds up: the logarithm of the loss, infinite beyond the suppression limit."""
    if not definitions.within_limit(outcome):
        return inf
    return log(outcome.loss) / sum(definitions.task.weights)


def is_specialisation(below: Node, node: Node) -> bool:
    return all(a <= b for a, b in zip(below, node, strict=True))


@law(120)
@given(tasks(), st.data())
def test_a_node_is_evaluated_exactly_from_whatever_tables_are_at_hand(
    task: Task, data: st.DataObject
) -> None:
    definitions, lattice = Definitions.of(task), opened(task)
    for node in data.draw(st.lists(st.sampled_from(task.nodes), min_size=1, max_size=12)):
        evaluation, outcome = evaluate(lattice, node), definitions.outcome(node)
        assert evaluation.node == node
        assert (evaluation.classes, evaluation.suppressed) == (len(outcome.kept), outcome.suppressed)
        assert evaluation.total == pytest.approx(total(definitions, outcome), abs=ROUNDING)


@law(120)
@given(tasks(), st.data())
def test_every_stored_bound_is_admissible(task: Task, data: st.DataObject) -> None:
    definitions, lattice = Definitions.of(task), opened(task)
    truth = {node: total(definitions, definitions.outcome(node)) for node in task.nodes}
    evaluated: set[Node] = set()
    for node in [None, *data.draw(st.lists(st.sampled_from(task.nodes), max_size=6))]:
        if node is not None:
            evaluate(lattice, node)
            evaluated.add(node)
        for other in truth.keys() - evaluated:
            assert lattice.bounds[lattice.position(other)] <= truth[other] + ROUNDING


@law(120)
@given(tasks(), st.data())
def test_what_a_node_tells_holds_for_all_its_specialisations(task: Task, data: st.DataObject) -> None:
    definitions, lattice = Definitions.of(task), opened(task)
    node = data.draw(st.sampled_from(task.nodes))
    evaluate(lattice, node)
    for below in filter(lambda other: is_specialisation(other, node), task.nodes):
        outcome = definitions.outcome(below)
        assert lattice.insights[node].bound(below) <= total(definitions, outcome) + ROUNDING
