"""Laws of the released rows: they are what the definitions make of the input, row by row, and no more."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from typing import Literal

import polars as pl
from hypothesis import assume, event, given
from hypothesis import strategies as st

from anonymizer.criteria import KAnonymity
from anonymizer.errors import CriteriaNotMet
from anonymizer.search.search import search
from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.transformation import transform
from tests.properties.definitions import Definitions, Outcome, Task, Value
from tests.properties.laws import law
from tests.properties.tasks import counts_of, table_of, tasks

Suppressed = Literal["drop", "star"]
Rows = Counter[tuple[Value, ...]]


def released(task: Task, suppressed: Suppressed = "drop", table: Table | None = None) -> pl.DataFrame:
    """The released frame of the best transformation; an example without one teaches nothing."""
    counts = counts_of(task)
    try:
        solution = search(counts, task.criteria, task.limit)
    except CriteriaNotMet:
        assume(False)
        raise
    return transform(table or table_of(task), counts, solution, task.criteria, suppressed=suppressed).frame


def cells(task: Task, outcome: Outcome, *, star: bool) -> Rows:
    """The rows a node releases, quasi-identifiers first, then the sensitive columns' own values."""
    columns = [values for name, values in task.sensitive.items() if name != "q0"]
    groups = list(outcome.kept.items())
    if star:
        starred = tuple(row for rows in outcome.broken.values() for row in rows)
        groups.append((("*",) * len(task.domains), starred))
    return Counter((*key, *(values[row] for values in columns)) for key, rows in groups for row in rows)


@law(120)
@given(tasks())
def test_the_released_rows_are_those_of_the_definition(task: Task) -> None:
    best = Definitions.of(task).optimum()
    frame = released(task)
    assert best is not None
    assert Counter(frame.rows()) == cells(task, best, star=False)
    assert all(isinstance(frame.schema[f"q{j}"], pl.Enum) for j in range(len(task.domains)))


@law(150)
@given(tasks(most_rows=20), st.data())
def test_suppressed_rows_are_starred_only_where_they_meet_every_criterion_together(
    task: Task, data: st.DataObject
) -> None:
    """A lattice of one node and no limit leave as much suppressed as can be."""
    node = tuple(data.draw(st.integers(0, min(1, domain.top))) for domain in task.domains)
    task = replace(task, lowest=node, highest=node, limit=Fraction(1))
    frame = released(task, "star")
    definitions = Definitions.of(task)
    best = definitions.outcome(node)
    broken = [row for rows in best.broken.values() for row in rows]
    star = bool(broken) and definitions.holds(broken)
    event(f"starred: {star}")
    assert Counter(frame.rows()) == cells(task, best, star=star)


@law(120)
@given(tasks())
def test_released_rows_are_sorted_and_their_order_tells_nothing_of_the_inputs(task: Task) -> None:
    frame = released(task)
    backwards = replace(
        task,
        rows=task.rows[::-1],
        people=task.people[::-1],
        sensitive={name: values[::-1] for name, values in task.sensitive.items()},
    )
    assert released(backwards).equals(frame)
    in_order = [[(cell is not None, cell or "") for cell in row] for row in frame.rows()]
    assert in_order == sorted(in_order)


@law(120)
@given(tasks())
def test_every_class_of_the_release_meets_the_criteria_when_it_is_counted_again(task: Task) -> None:
    """The person rides along as one more column, for the count only: no such column is ever released."""
    table = table_of(task)
    frame = table.frame.with_columns(pl.Series("rider", task.people))
    columns = (*table.columns, Column("rider", Role.INSENSITIVE))
    riding = released(task, table=Table(frame, columns, table.subject))
    quasi = [f"q{j}" for j in range(len(task.domains))]
    people = riding.group_by(quasi).agg(pl.col("rider").n_unique())["rider"]
    least = max((c.k for c in task.criteria if isinstance(c, KAnonymity)), default=1)
    assert min(people) >= least
    assert len(task.rows) - riding.height <= task.limit * len(task.rows)


@law(60)
@given(tasks(repeated=True))
def test_no_identifier_is_released(task: Task) -> None:
    assume(len(set(task.people)) < len(task.people))
    assert "person" in table_of(task).frame.columns
    assert set(released(task).columns) == {f"q{j}" for j in range(len(task.domains))} | set(task.sensitive)
