"""Laws of the compiled search's tables: from wherever a node is rolled up, it has the classes of grouping."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod

import numpy as np
import polars as pl
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from anonymizer.counting.counts import Counts, count
from anonymizer.criteria import KAnonymity
from anonymizer.hierarchies.hierarchy import suppression
from anonymizer.measuring.affine import AffineMetric
from anonymizer.metrics import Loss
from anonymizer.search.compiled_explorer import Compiled
from anonymizer.search.evaluation import Finding, Problem, assess, bits_set
from anonymizer.search.lattice import is_specialisation
from anonymizer.search.rollup import BLOCK, OUT, keep, number_by_hash, replace_base, roll_up, smallest_source
from anonymizer.tables.table import Column, Role, Table
from tests.properties.definitions import Node, Task
from tests.properties.explorers import (
    PATHS,
    Assessed,
    Opened,
    Question,
    Rows,
    assessments,
    base_entries,
    crowded,
    grouped,
    held_at,
    nearly,
    tables,
)
from tests.properties.larger import larger
from tests.properties.laws import law
from tests.properties.tasks import counts_of, tasks
from tests.properties.test_kernels import KEYS, int64


@dataclass(frozen=True, slots=True)
class Desk:
    """A search's arena, and what direct grouping of the tuples says."""

    opened: Opened
    problem: Problem
    base: Rows

    @classmethod
    def of(cls, question: Question, explorer: Compiled) -> Desk:
        opened = Opened.of(question, "compiled")
        return cls(opened, explorer.problem, base_entries(question))

    def expected(self, node: Node) -> Rows:
        return grouped(self.opened.question, self.opened.question.counts.codes, self.base, node)

    def sources(self, node: Node) -> list[int]:
        """The tables that a node can be rolled up from."""
        guard, word = self.opened.lattice.fields.guard[0], self.opened.word(node)
        held = [t for t, (other, _) in enumerate(tables(self.problem.arena))]
        return [t for t in held if is_specialisation(self.problem.arena.nodes[t], word, guard)]

    def assess(self, node: Node, source: int) -> Finding:
        """Evaluate a node; its classes are what grouping says."""
        self.problem.scratch.levels[:] = node
        found = assess(self.problem, source)
        self.made_are_right(node, found.classes)
        return found

    def raise_base(self, node: Node, source: int) -> None:
        self.problem.scratch.levels[:] = node
        classes = roll_up(self.problem.packing, self.problem.arena, source, self.problem.scratch.levels)
        self.made_are_right(node, classes)
        replace_base(self.problem.arena, self.opened.word(node), classes)

    def made_are_right(self, node: Node, classes: int) -> None:
        out = int(self.problem.arena.registers[OUT])
        made = held_at(self.opened.question, self.problem, slice(out, out + classes), node)
        assert len(made) == classes
        assert np.array_equal(made, self.expected(node))

    def tables_are_right(self, *, raised: bool) -> None:
        """Every table is what its node says; the base is the tuples themselves until it is raised."""
        for t, (word, place) in enumerate(tables(self.problem.arena)):
            node = self.opened.levels(word)
            held = held_at(self.opened.question, self.problem, place, node)
            assert np.array_equal(held, self.expected(node))
            assert place.stop - place.start == len(held) or (t == 0 and not raised)


@law(60)
@given(tasks(every=True, repeated=False), st.data())
def test_classes_are_those_of_grouping_whatever_tables_are_held(task: Task, data: st.DataObject) -> None:
    asked = Question(counts_of(task), task.criteria, task.limit)
    explorer = Compiled.of(asked.counts, task.criteria, asked.allowance, asked.prepared)
    assert explorer is not None
    ring, most = data.draw(st.integers(1, asked.counts.n_tuples + 3)), data.draw(st.integers(2, 5))
    desk, truth = Desk.of(asked, crowded(explorer, ring=ring, tables=most)), assessments(asked)
    arena, bottom, raised = desk.problem.arena, task.lowest, False
    for _ in range(data.draw(st.integers(1, 9))):
        above = [node for node in task.nodes if all(a >= b for a, b in zip(node, bottom, strict=True))]
        node = data.draw(st.sampled_from(above))
        source = data.draw(st.sampled_from(desk.sources(node)))
        if data.draw(st.integers(0, 4)) == 0:
            desk.raise_base(node, source)
            bottom, raised = node, True
        else:
            found = desk.assess(node, source)
            is_assessed(found, truth[node], asked)
            if found.classes <= ring and data.draw(st.booleans()):
                keep(arena, desk.opened.word(node), found.classes)
        event(f"tables held: {len(tables(arena))}")
        desk.tables_are_right(raised=raised)
        chosen = smallest_source(arena, desk.opened.word(node), desk.opened.lattice.fields.guard[0])
        assert arena.lengths[chosen] == min(arena.lengths[t] for t in desk.sources(node))


def is_assessed(found: Finding, truth: Assessed, asked: Question) -> None:
    """Whether a node's figures are those of the general path."""
    assert (found.classes, found.suppressed) == (len(truth.classes), truth.suppressed)
    assert (found.kept, found.lost) == (int((~truth.broken).sum()), int(truth.lost.sum()))
    if found.kept:
        assert found.total == pytest.approx(truth.total, abs=1e-12)
    assert (found.total < np.inf) == (found.suppressed <= asked.allowance)


@pytest.mark.parametrize(("path", "nodes"), [("compiled", 10_000), ("crowded", 7)])
@pytest.mark.parametrize("seed", range(7))
def test_tables_stay_right_through_a_whole_search(seed: int, path: str, nodes: int) -> None:
    """With room to spare tables stay; without they are overwritten all the time."""
    asked = larger(seed)
    opened = Opened.of(asked, path)
    assert isinstance(opened.explorer, Compiled)
    desk = Desk(opened, opened.explorer.problem, base_entries(asked))
    ended = False
    while not ended:
        ended = opened.explorer.explore(opened.lattice, nodes)
        raised = bool(
            desk.problem.arena.nodes[0] != opened.word(tuple(x.lowest for x in asked.counts.ladders))
        )
        desk.tables_are_right(raised=raised)


@pytest.mark.parametrize("seed", range(14))
def test_all_paths_find_the_same_in_larger_tables(seed: int) -> None:
    asked = larger(seed)
    first = asked.answer("general")
    for path in PATHS:
        assert asked.answer(path) == nearly(first)


def many_columns(columns: int, values: int, seed: int) -> Counts:
    """Rows that differ from another one in a single column: what a key that overflows would merge."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, values, (150, columns))
    rows[:values] = np.arange(values).reshape(-1, 1)[:150]
    near = rows[rng.integers(0, len(rows), 150)]
    near[np.arange(150), np.arange(150) % columns] = rng.integers(0, values, 150)
    cells = {f"q{j}": [f"{n:05}" for n in column] for j, column in enumerate(np.vstack([rows, near]).T)}
    roles = tuple(Column(name, Role.QUASI_IDENTIFIER, suppression()) for name in cells)
    return count(Table(pl.DataFrame(cells), roles, None), [KAnonymity(2)])


@pytest.mark.parametrize(("columns", "values"), [(4, 64), (10, 64), (13, 100), (16, 100)])
def test_two_keys_tell_classes_apart_where_one_has_no_room(columns: int, values: int) -> None:
    """Ten columns of 64 values have 2^60 tuples, sixteen of 100 have 2^106; a key holds 2^62."""
    asked = Question(many_columns(columns, values, 3), [KAnonymity(2)], Fraction(1))
    explorer = Compiled.of(asked.counts, asked.criteria, asked.allowance, asked.prepared)
    assert explorer is not None
    packing, arena = explorer.problem.packing, explorer.problem.arena
    blocks = (len(packing.chunk_starts) - 1) // BLOCK
    assert (packing.halves < blocks) == (values**columns > 2**62)
    base, rng = base_entries(asked), np.random.default_rng(7)
    for share in (0.0, 0.1, 0.5, 0.9):
        node = tuple((rng.random(columns) < share).astype(int).tolist())
        classes = roll_up(packing, arena, 0, np.array(node))
        out = int(arena.registers[OUT])
        expected = grouped(asked, asked.counts.codes, base, node)
        assert classes == len(expected)
        part = slice(out, out + classes)
        assert np.array_equal(held_at(asked, explorer.problem, part, node), expected)


@pytest.mark.parametrize(("columns", "values"), [(24, 64), (40, 20)])
def test_what_two_keys_cannot_hold_is_left_to_the_general_search(columns: int, values: int) -> None:
    counts = many_columns(columns, values, 5)
    assert prod(ladder.label_codes.shape[1] for ladder in counts.ladders) > 2**124
    metric = AffineMetric.of(counts, Loss())
    assert Compiled.of(counts, [KAnonymity(2)], 10, metric) is None


@pytest.mark.parametrize("values", [2**16, 2**16 + 1])
def test_a_column_has_as_many_values_as_16_bits_tell_apart(values: int) -> None:
    rows = np.stack([np.arange(values), np.arange(values) % 2], axis=1)
    cells = {f"q{j}": [f"{n:05}" for n in column] for j, column in enumerate(rows.T)}
    roles = tuple(Column(name, Role.QUASI_IDENTIFIER, suppression()) for name in cells)
    asked = Question(count(Table(pl.DataFrame(cells), roles, None), []), [KAnonymity(1)], Fraction(0))
    explorer = Compiled.of(asked.counts, asked.criteria, asked.allowance, asked.prepared)
    assert (explorer is None) == (values > 2**16)
    if explorer:
        classes = [roll_up(*explorer.problem[:2], 0, np.array(node)) for node in ((0, 0), (0, 1), (1, 0))]
        assert classes == [values, values, 2]


@law(150)
@given(st.lists(st.tuples(KEYS, KEYS), min_size=1, max_size=80))
def test_number_by_hash(pairs: list[tuple[int, int]]) -> None:
    n = len(pairs)
    slots, class_of, members = (np.full(max(8 * n, 64), 9, np.int32) for _ in range(3))
    classes = number_by_hash(
        int64([a for a, _ in pairs]), int64([b for _, b in pairs]), slots, class_of, members
    )
    order = list(dict.fromkeys(pairs))
    assert classes == len(order)
    assert class_of[:n].tolist() == [order.index(pair) for pair in pairs]
    assert members[:classes].tolist() == [pairs.index(pair) for pair in order]


@law(150)
@given(st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**63, 2**64 - 1]))
def test_bits_set(word: int) -> None:
    assert bits_set(np.uint64(word)) == word.bit_count()
