"""Laws of every recoding: its classes meet the criteria when they are counted as they read, and none is worse
than the global optimum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from anonymizer.counting.counts import Counts
from anonymizer.criteria import Criterion, KAnonymity
from anonymizer.errors import CriteriaNotMet
from anonymizer.recoding import cell_suppression, local_recoding
from anonymizer.recoding.cell_suppression import suppress_cells
from anonymizer.recoding.local_recoding import recode_locally
from anonymizer.recoding.mondrian import recode_multidimensionally
from anonymizer.recoding.quality import quality
from anonymizer.recoding.recoding import Recoding, holds, total_price, tree_of
from anonymizer.search.search import search
from anonymizer.transforming.transformation import recoding_of, transform
from benchmarks.recoding_bound import bound
from tests.properties.definitions import Definitions, Task
from tests.properties.laws import law
from tests.properties.recodings import classes, crowds, levels_of_rows, lost, price
from tests.properties.tasks import counts_of, table_of, tasks

ROUNDING = Fraction(1, 10**5)
"""Prices are rounded to 24 bits: a table of a few rows and columns may differ by less than this."""


@pytest.fixture(autouse=True, scope="module")
def _nothing_is_fallen_back_on() -> Iterator[None]:
    """What each way finds must hold by itself, or these laws would be about the optimum it falls back to."""

    def must_hold(counts: Counts, recoding: Recoding, criteria: Sequence[Criterion]) -> bool:
        assert holds(counts, recoding, criteria)
        return True

    with pytest.MonkeyPatch.context() as patch:
        for module in (local_recoding, cell_suppression):
            patch.setattr(module, "holds", must_hold)
        yield


def optimum(task: Task) -> tuple[Counts, Recoding]:
    """The counts and the global optimum; an example without one teaches nothing."""
    counts = counts_of(task)
    try:
        return counts, recoding_of(counts, task.criteria, search(counts, task.criteria, task.limit))
    except CriteriaNotMet:
        assume(False)
        raise


def mondrian(counts: Counts, task: Task) -> Recoding:
    """The multidimensional recoding, where there is one."""
    try:
        return recode_multidimensionally(counts, task.criteria, int(task.limit * len(task.rows)))
    except CriteriaNotMet:
        assume(False)
        raise


def meets_everything(task: Task, counts: Counts, recoding: Recoding) -> None:
    """Every released class meets every criterion, at levels that are allowed."""
    levels = levels_of_rows(counts, recoding)
    definitions = Definitions.of(task)
    assert all(definitions.holds(rows) for rows in classes(task, levels).values())
    for node in filter(None, levels):
        assert all(low <= x <= high for low, x, high in zip(task.lowest, node, task.highest, strict=True))


@law(150)
@given(crowds(every=True) | crowds(repeated=True) | tasks(most_rows=20, every=True))
def test_local_recoding_keeps_every_criterion_and_is_no_worse_than_the_optimum(task: Task) -> None:
    counts, start = optimum(task)
    found = recode_locally(counts, task.criteria, start)
    meets_everything(task, counts, found)
    before, after = levels_of_rows(counts, start), levels_of_rows(counts, found)
    assert price(task, after) <= price(task, before) + ROUNDING
    assert after.count(None) <= before.count(None)
    event(f"better: {price(task, after) < price(task, before)}")


@law(150)
@given(crowds(every=True) | crowds(repeated=True) | tasks(most_rows=20, every=True))
def test_multidimensional_recoding_keeps_every_criterion(task: Task) -> None:
    counts = counts_of(task)
    found = mondrian(counts, task)
    meets_everything(task, counts, found)
    levels = levels_of_rows(counts, found)
    top = Definitions.of(task).outcome(task.highest)
    assert levels.count(None) == top.suppressed
    at_top = [task.highest if node is not None else None for node in levels]
    assert price(task, levels) <= price(task, at_top) + ROUNDING


@law(100)
@given(tasks(most_rows=12, every=True))
def test_multidimensional_recoding_gives_up_only_where_the_highest_levels_fail(task: Task) -> None:
    counts = counts_of(task)
    top = Definitions.of(task).outcome(task.highest)
    try:
        recode_multidimensionally(counts, task.criteria, int(task.limit * len(task.rows)))
    except CriteriaNotMet:
        event("gives up")
        assert not top.kept or top.suppressed > task.limit * len(task.rows)
    else:
        assert top.kept
        assert top.suppressed <= task.limit * len(task.rows)


@law(150)
@given(crowds(every=True) | crowds(repeated=True) | tasks(most_rows=20, every=True))
def test_cell_suppression_stars_cells_of_suppressed_rows_alone(task: Task) -> None:
    counts, start = optimum(task)
    found = suppress_cells(counts, task.criteria, start)
    meets_everything(task, counts, found)
    tops = tuple(domain.top for domain in task.domains)
    node = next(node for node in levels_of_rows(counts, start) if node is not None)
    for before, after in zip(levels_of_rows(counts, start), levels_of_rows(counts, found), strict=True):
        if before is not None:
            assert after == before
        elif after is not None:
            event("starred")
            assert after != node
            assert all(x in (level, top) for x, level, top in zip(after, node, tops, strict=True))


Recoder = Callable[[Counts, Task], Recoding]
RECODERS: dict[str, Recoder] = {
    "local": lambda counts, task: recode_locally(
        counts, task.criteria, recoding_of(counts, task.criteria, search(counts, task.criteria, task.limit))
    ),
    "multidimensional": mondrian,
    "cell-suppression": lambda counts, task: suppress_cells(
        counts, task.criteria, recoding_of(counts, task.criteria, search(counts, task.criteria, task.limit))
    ),
}


@law(60)
@given(crowds() | tasks(most_rows=20))
def test_the_order_of_rows_changes_nothing(task: Task) -> None:
    optimum(task)
    backwards = replace(
        task,
        rows=task.rows[::-1],
        people=task.people[::-1],
        sensitive={name: cells[::-1] for name, cells in task.sensitive.items()},
    )
    for recode in RECODERS.values():
        levels = [
            levels_of_rows(counts_of(each), recode(counts_of(each), each)) for each in (task, backwards)
        ]
        assert levels[0] == levels[1][::-1]


@law(80)
@given(crowds() | tasks(most_rows=20))
def test_the_released_rows_are_those_of_the_levels(task: Task) -> None:
    counts, _ = optimum(task)
    columns = [cells for name, cells in task.sensitive.items() if name != "q0"]
    for recode in RECODERS.values():
        found = recode(counts, task)
        groups = classes(task, levels_of_rows(counts, found))
        expected = Counter(
            (*key, *(cells[row] for cells in columns)) for key, rows in groups.items() for row in rows
        )
        assert Counter(transform(table_of(task), counts, found, task.criteria).frame.rows()) == expected


@law(80)
@given(crowds())
def test_quality_follows_its_definition(task: Task) -> None:
    counts, start = optimum(task)
    found = recode_locally(counts, task.criteria, start)
    levels = levels_of_rows(counts, found)
    shares, measured = lost(task, levels), quality(counts, found)
    assert np.allclose(list(measured.granularities.values()), [float(1 - share) for share in shares])
    assert np.isclose(measured.granularity, 1 - float(sum(shares)) / len(shares))
    powers = [(1 + float(s)) ** (w / sum(task.weights)) for s, w in zip(shares, task.weights, strict=True)]
    assert np.isclose(measured.loss, np.prod(powers) - 1)
    assert measured.classes == len(classes(task, levels))
    assert measured.suppressed == levels.count(None)
    paid = total_price(counts, tree_of(counts.ladders), found.levels) / 2**24 / counts.n_rows
    assert np.isclose(paid, float(price(task, levels)), atol=1e-5)


@law(100)
@given(crowds(), st.data())
def test_no_recoding_keeps_more_than_the_bound_of_any_multipliers(task: Task, data: st.DataObject) -> None:
    """The bound that `benchmarks.recoding_bound` says of Adult, on tables where it can be seen."""
    size = task.criteria[0]
    assert isinstance(size, KAnonymity)
    counts, start = optimum(replace(task, criteria=(size,)))
    tree, local = tree_of(counts.ladders), recode_locally(counts, [size], start)
    assume(not local.suppressed.any())
    # Multipliers near what rows really pay make a bound that is worth anything.
    at = tree.offsets + local.levels.astype(np.int64) * tree.values + counts.codes
    near = tree.prices[at].sum(axis=1) * data.draw(st.integers(0, 12)) // 10
    noise = data.draw(st.lists(st.integers(0, 2**20), min_size=counts.n_tuples, max_size=counts.n_tuples))
    most = bound(counts, tree, near + np.array(noise), k=size.k)
    event(f"says something: {most < 1}")
    for found in (local, recode_multidimensionally(counts, [size], 10**6)):
        if not found.suppressed.any():
            assert 1 - total_price(counts, tree, found.levels) / 2**24 / counts.n_rows <= most
