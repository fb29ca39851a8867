"""Laws of the search: it finds what trying every transformation finds, whatever the order of the rows."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from anonymizer.errors import CriteriaNotMet
from anonymizer.search import search
from anonymizer.solution import Solution
from tests.properties.definitions import Definitions, Task
from tests.properties.laws import law
from tests.properties.tasks import counts_of, tasks


def found(task: Task) -> Solution:
    return search(counts_of(task), task.criteria, task.limit)


def same_as_brute_force(task: Task) -> None:
    definitions = Definitions.of(task)
    best = definitions.optimum()
    event("solvable" if best else "criteria cannot be met")
    if best is None:
        with pytest.raises(CriteriaNotMet):
            found(task)
        return
    solution = found(task)
    event(f"nodes evaluated: {'all' if solution.nodes_checked == solution.lattice_size else 'some'}")
    assert tuple(solution.transformation.values()) == best.node
    assert tuple(solution.transformation) == tuple(f"q{j}" for j in range(len(task.domains)))
    assert (solution.classes, solution.suppressed) == (len(best.kept), best.suppressed)
    assert solution.score == pytest.approx(definitions.score(best), abs=1e-9)
    assert (solution.optimal, solution.metric) == (True, "loss")
    assert solution.lattice_size == prod(
        high - low + 1 for low, high in zip(task.lowest, task.highest, strict=True)
    )
    assert 1 <= solution.nodes_checked <= solution.lattice_size


@law(300)
@given(tasks())
def test_the_search_finds_what_trying_every_transformation_finds(task: Task) -> None:
    same_as_brute_force(task)


@law(150)
@given(tasks(repeated=True))
def test_the_search_counts_distinct_people_where_they_have_several_rows(task: Task) -> None:
    same_as_brute_force(task)


@law(60)
@given(tasks(most_rows=40))
def test_the_search_is_right_on_larger_tables(task: Task) -> None:
    same_as_brute_force(task)


@law(100)
@given(tasks(), st.data())
def test_permuting_the_rows_changes_nothing(task: Task, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(task.rows))))
    permuted = replace(
        task,
        rows=tuple(task.rows[i] for i in order),
        people=tuple(task.people[i] for i in order),
        sensitive={name: tuple(cells[i] for i in order) for name, cells in task.sensitive.items()},
    )
    try:
        first = found(task)
    except CriteriaNotMet:
        with pytest.raises(CriteriaNotMet):
            found(permuted)
        return
    assert replace(found(permuted), seconds=0.0) == replace(first, seconds=0.0)


@law(60)
@given(tasks())
def test_a_higher_suppression_limit_never_costs_more(task: Task) -> None:
    definitions = Definitions.of(task)
    scores = []
    for limit in sorted({task.limit, (1 + task.limit) / 2}):
        try:
            scores.append(found(replace(task, limit=limit)).score)
        except CriteriaNotMet:
            assert not scores or definitions.optimum() is None
    assert scores == sorted(scores, reverse=True)
