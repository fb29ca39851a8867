"""Laws of equivalence classes: rolling up from anywhere gives what grouping the rows gives."""

from __future__ import annotations

import random
from collections import Counter
from math import prod

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.counting.classes import Classes, Ladders, base_classes, number_classes, roll_up
from anonymizer.counting.counts import Counts, count
from anonymizer.hierarchies.hierarchy import suppression
from anonymizer.judging.judgement import distinct_values, judge
from anonymizer.tables.table import Column, Role, Table
from tests.properties.definitions import Definitions, Key, Node, Task
from tests.properties.laws import law
from tests.properties.tasks import counts_of, tasks

Summary = dict[Key, tuple[int, int, tuple[int, ...], bool]]


def shown(counts: Counts, classes: Classes, task: Task) -> Summary:
    """Labels → rows, people, values per criterion's column, whether a criterion is broken."""
    broken = judge(counts, classes, task.criteria).broken.tolist()
    summary: Summary = {}
    for c, tuple_ in enumerate(classes.representatives.tolist()):
        key = tuple(
            ladder.labels[level][counts.codes[tuple_, j]]
            for j, (ladder, level) in enumerate(zip(counts.ladders, classes.node, strict=True))
        )
        assert key not in summary, "two classes share their labels"
        values = tuple(int(distinct_values(counts, classes, name)[c]) for name in sorted(classes.held))
        summary[key] = int(classes.rows[c]), int(classes.n_people[c]), values, broken[c]
    return summary


def expected(definitions: Definitions, node: Node, columns: list[str]) -> Summary:
    return {
        key: (
            len(rows),
            definitions.people(rows),
            tuple(definitions.values(rows, column) for column in columns),
            not definitions.holds(rows),
        )
        for key, rows in definitions.classes(node).items()
    }


@law(200)
@given(tasks(), st.data())
def test_rolling_up_in_any_steps_gives_what_grouping_the_rows_gives(task: Task, data: st.DataObject) -> None:
    counts = counts_of(task)
    ladders, classes = Ladders.of(counts), base_classes(counts)
    definitions, columns = Definitions.of(task), sorted(counts.sensitive)
    node: Node = (0,) * len(task.domains)
    for _ in range(data.draw(st.integers(1, 3))):
        node = tuple(data.draw(st.integers(low, d.top)) for low, d in zip(node, task.domains, strict=True))
        classes = roll_up(counts, ladders, classes, node)
        assert classes.node == node
        assert shown(counts, classes, task) == expected(definitions, node, columns)


@law(150)
@given(tasks(repeated=True))
def test_the_counts_hold_every_row_every_person_and_every_value(task: Task) -> None:
    counts = counts_of(task)
    assert counts.n_rows == len(task.rows)
    tuples = [tuple(row) for row in counts.codes.tolist()]
    assert tuples == sorted(set(tuples))
    owners = counts.tuple_of_row.tolist()
    assert counts.rows.tolist() == [Counter(owners)[i] for i in range(len(tuples))]
    assert len({(row, owner) for row, owner in zip(task.rows, owners, strict=True)}) == len(set(task.rows))
    base = base_classes(counts)
    of = [[r for r, owner in enumerate(owners) if owner == i] for i in range(len(tuples))]
    definitions = Definitions.of(task)
    assert base.n_people.tolist() == [definitions.people(rows) for rows in of]
    for column in counts.sensitive:
        assert distinct_values(counts, base, column).tolist() == [
            definitions.values(rows, column) for rows in of
        ]


@pytest.mark.parametrize("seed", range(6))
def test_keys_beyond_62_bits_still_tell_all_classes_apart(seed: int) -> None:
    """Twenty quasi-identifiers of 64 values span 2^120 keys, so they are numbered in chunks.

    Powers of two are the hardest: an overflow drops whole columns. Rows that differ from another one in a
    single column are what it would merge.
    """
    rng, columns, values = random.Random(seed), 20, [f"{n:02}" for n in range(64)]
    distinct = [tuple(rng.choice(values) for _ in range(columns)) for _ in range(200)]
    distinct += [(value,) * columns for value in values]
    for row, j in zip(distinct[:160], [*range(columns)] * 8, strict=True):
        distinct.append((*row[:j], rng.choice(values), *row[j + 1 :]))
    rows = distinct + rng.choices(distinct, k=200)
    names = [f"q{j}" for j in range(columns)]
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    roles = tuple(Column(name, Role.QUASI_IDENTIFIER, suppression()) for name in names)
    counts = count(Table(frame, roles, None), [])
    assert prod(len(set(frame[name])) for name in names) == 2**120
    assert [tuple(row) for row in counts.codes.tolist()] == sorted({tuple(map(int, row)) for row in rows})
    ladders, everyone = Ladders.of(counts), base_classes(counts).representatives
    for levels in [(0,) * columns, *(tuple(rng.choices((0, 0, 0, 1), k=columns)) for _ in range(8))]:
        class_of, classes = number_classes(counts, ladders, everyone, levels)
        of_row = class_of[counts.tuple_of_row].tolist()
        keys = [tuple("*" if x else v for v, x in zip(row, levels, strict=True)) for row in rows]
        assert classes == len(set(keys)) == len(set(of_row)) == len(set(zip(keys, of_row, strict=True)))
