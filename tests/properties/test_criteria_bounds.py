"""Laws of judging classes: the definitions decide, and what is called lost no specialisation ever keeps."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import product
from math import ceil, floor

import numpy as np
import polars as pl
import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from anonymizer.counting.classes import Classes, Ladders, base_classes, roll_up
from anonymizer.counting.counts import Counts, count
from anonymizer.criteria import (
    BetaLikeness,
    DeltaDisclosure,
    EntropyLDiversity,
    HistogramCriterion,
    KAnonymity,
    RecursiveCLDiversity,
    TCloseness,
)
from anonymizer.errors import BadConfig
from anonymizer.hierarchies.hierarchy import suppression
from anonymizer.judging import histogram_rows as rows
from anonymizer.judging.demands import Demands
from anonymizer.judging.entropy_ties import is_diverse
from anonymizer.judging.judgement import Judgement, judge
from anonymizer.judging.shares import delta_shares, largest_at_most, likeness_shares
from anonymizer.tables.table import Column, Role, Table
from tests.properties import literal_criteria
from tests.properties.definitions import Definitions, Node, Task, Value
from tests.properties.domains import few_numbers
from tests.properties.laws import law
from tests.properties.tasks import counts_of, criteria_on, tasks

NUMBERS = few_numbers()
CELL = st.sampled_from([*NUMBERS.values[:5], None])
KINDS = sorted(criteria_on("s"))


def judged(counts: Counts, task: Task, node: Node) -> tuple[Classes, Judgement]:
    """The classes at a node, by way of another one's, and their judgement."""
    ladders = Ladders.of(counts)
    halfway = roll_up(counts, ladders, base_classes(counts), tuple(level // 2 for level in node))
    classes = roll_up(counts, ladders, halfway, node)
    return classes, judge(counts, classes, task.criteria)


def rows_of(counts: Counts, classes: Classes, task: Task) -> list[tuple[int, ...]]:
    """The rows of each class, by their labels."""
    by_key = Definitions.of(task).classes(classes.node)
    labels = [ladder.labels[level] for ladder, level in zip(counts.ladders, classes.node, strict=True)]
    return [
        by_key[tuple(column[code] for column, code in zip(labels, counts.codes[c], strict=True))]
        for c in classes.representatives
    ]


@law(150)
@given(tasks(every=True), st.data())
def test_a_class_is_broken_exactly_if_the_definitions_say_so(task: Task, data: st.DataObject) -> None:
    counts, definitions = counts_of(task), Definitions.of(task)
    classes, judgement = judged(counts, task, data.draw(st.sampled_from(task.nodes)))
    for broken, members in zip(judgement.broken, rows_of(counts, classes, task), strict=True):
        event(f"broken: {broken}")
        assert broken == (not definitions.holds(members))


@law(80)
@given(tasks(every=True, repeated=True, most_rows=10), st.data())
def test_people_with_several_rows_have_each_of_their_values_once(task: Task, data: st.DataObject) -> None:
    counts, definitions = counts_of(task), Definitions.of(task)
    classes, judgement = judged(counts, task, data.draw(st.sampled_from(task.nodes)))
    members = rows_of(counts, classes, task)
    assert judgement.broken.tolist() == [not definitions.holds(each) for each in members]
    for name in counts.sensitive:
        found = classes.held[name].frequencies(len(classes))
        assert found.number is not None
        for c, each in enumerate(members):
            of_class = found.number[found.owner == c].tolist()
            assert sorted(of_class) == sorted(definitions.frequencies(each, name).values())


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_lost_is_suppressed_in_every_specialisation(kind: str) -> None:
    @law(40)
    @given(tasks(most_rows=12), criteria_on("s1")[kind], st.data())
    def law_of(drawn: Task, criterion: HistogramCriterion, data: st.DataObject) -> None:
        cells = data.draw(st.lists(CELL, min_size=len(drawn.rows), max_size=len(drawn.rows)))
        task = replace(
            drawn,
            sensitive={"s1": tuple(cells)},
            sensitive_domains={"s1": NUMBERS},
            criteria=(KAnonymity(data.draw(st.integers(1, 2))), criterion),
        )
        lost_for_good(task, data)

    law_of()


def lost_for_good(task: Task, data: st.DataObject) -> None:
    """Whether no specialisation of a node keeps what is lost at the node."""
    counts, definitions = counts_of(task), Definitions.of(task)
    node = data.draw(st.sampled_from(task.nodes[-4:]))
    classes, judgement = judged(counts, task, node)
    assert (judgement.lost[~judgement.broken] == 0).all()
    below = [n for n in task.nodes if all(a <= b for a, b in zip(n, node, strict=True))]
    kept = [{row for rows in definitions.outcome(n).kept.values() for row in rows} for n in below]
    for lost, members in zip(judgement.lost.tolist(), rows_of(counts, classes, task), strict=True):
        most = max(len(shown & set(members)) for shown in kept)
        event(f"lost: {'all' if lost == len(members) else 'some' if lost else 'none'}")
        assert lost <= len(members) - most


def table_of(values: list[Value]) -> Table:
    """A table with one sensitive column whose rows are all in one class."""
    frame = pl.DataFrame({"q": ["a"] * len(values), "s": values}, schema={"q": pl.String, "s": pl.String})
    quasi = Column("q", Role.QUASI_IDENTIFIER, suppression())
    return Table(frame, (quasi, Column("s", Role.SENSITIVE, NUMBERS.hierarchy, sensitive=True)), None)


@cache
def path(value: Value) -> list[Value]:
    """A value's labels from level 0 to the top."""
    below = [None if value is None else NUMBERS.generalise(value, level)[0] for level in range(NUMBERS.top)]
    return [*below, "*"]


def most_kept(criterion: HistogramCriterion, held: list[Value], whole: Counter[Value]) -> int:
    """The most people that any partition of a class keeps, by trying all of them."""

    @cache
    def alone(block: tuple[Value, ...]) -> int:
        return len(block) * literal_criteria.holds(criterion, Counter(block), whole, path)

    @cache
    def kept(people: tuple[Value, ...]) -> int:
        if not people:
            return 0
        first, rest = people[0], people[1:]
        return max(
            alone((first, *(p for p, chosen in zip(rest, choice, strict=True) if chosen)))
            + kept(tuple(p for p, chosen in zip(rest, choice, strict=True) if not chosen))
            for choice in product((False, True), repeat=len(rest))
        )

    return kept(tuple(sorted(held, key=str)))


@pytest.mark.parametrize("kind", KINDS)
def test_no_partition_of_a_class_keeps_more_than_the_bound(kind: str) -> None:
    @law(60)
    @given(st.lists(CELL, min_size=3, max_size=7), st.lists(CELL, max_size=8), criteria_on("s")[kind])
    def law_of(held: list[Value], others: list[Value], criterion: HistogramCriterion) -> None:
        bounded(held, held + others, criterion)

    law_of()


def bounded(held: list[Value], everyone: list[Value], criterion: HistogramCriterion) -> None:
    """Whether the bound of a class is that of the definitions if it holds, and else nowhere too low."""
    counts = count(table_of(everyone), [criterion])
    layout = Demands.of(counts, [criterion]).layout
    row = np.array([Counter(held)[v] for v in literal_criteria.in_order(list(Counter(everyone)))], np.int32)
    bound = int(rows.kept_by_all(layout, row, np.int64(len(held))))
    most = most_kept(criterion, held, Counter(everyone))
    event("whole" if bound == len(held) else "tight" if bound == most else "loose")
    assert most <= bound <= len(held)
    assert (bound == len(held)) == literal_criteria.holds(criterion, Counter(held), Counter(everyone), path)
    for k in (1, 2, 4, 9):
        with_k = Demands.of(counts, [KAnonymity(k), criterion]).layout
        kept = bound if bound in (len(held), max(bound, k)) else 0
        assert rows.kept_by_all(with_k, row, np.int64(len(held))) == kept
        everybody, lost = np.array([len(held)] * 2, np.int32), np.array([0, len(held)], np.int64)
        rows.lose_rows(with_k, np.stack([row, row]), everybody, lost)
        assert lost.tolist() == [len(held) - kept, len(held)]


@law(300)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(any),
    st.fractions(1, 6, max_denominator=30) | st.integers(1, 8).map(Fraction),
    st.integers(1, 5),
)
@example([2, 2, 2], Fraction(3), 1)
@example([4, 1, 1, 1, 1], Fraction(4), 7)
@example([1, 0, 3], Fraction(1), 1)
def test_entropy_is_decided_exactly(frequencies: list[int], least: Fraction, times: int) -> None:
    """With ties in which frequencies differ: 1/2 and four times 1/8 have an entropy of exactly ln 4."""
    row = np.array(frequencies, np.int64) * times
    numbers = np.array([len(row), least.numerator, least.denominator], np.int64)
    known = sorted((n * times for n in frequencies if n), reverse=True)
    holds = literal_criteria.has_entropy(known, least)
    assert bool(is_diverse(row, len(row), least.numerator, least.denominator)) == holds
    assert (rows.entropy_keeps(row, np.int64(row.sum()), numbers) == row.sum()) == holds


@pytest.mark.parametrize("size", [1, 10, 1_000, 300_000, 200_000_000])
@pytest.mark.parametrize("values", [2, 3, 7])
def test_an_exactly_uniform_class_has_the_entropy_of_its_values(size: int, values: int) -> None:
    """The reference system decides in floats and refuses some of these; one person more breaks them."""
    row, one_more = np.full(values, size, np.int64), np.full(values, size, np.int64)
    one_more[0] += 1
    numbers = np.array([values, values, 1], np.int64)
    assert rows.entropy_keeps(row, row.sum(), numbers) == row.sum()
    assert rows.entropy_keeps(one_more, one_more.sum(), numbers) == row.sum()


@law(300)
@given(st.fractions(0, 2, max_denominator=500), st.integers(1, 40))
def test_the_largest_fraction_at_most_a_bound_is_found(bound: Fraction, largest: int) -> None:
    expected = max(Fraction(floor(bound * d), d) for d in range(1, largest + 1))
    assert largest_at_most(bound, largest) == expected
    smallest = min(Fraction(ceil(bound * d), d) for d in range(1, largest + 1))
    assert -largest_at_most(-bound, largest) == smallest


@law(120)
@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=4), st.fractions(Fraction(1, 50), 4, max_denominator=60)
)
def test_a_share_is_allowed_exactly_if_the_definition_allows_it(totals: list[int], limit: Fraction) -> None:
    """All shares that a class may have, one value at a time."""
    whole: Counter[Value] = Counter({str(v): n for v, n in enumerate(totals)})
    people = sum(totals)
    basic = likeness_shares(totals, limit, enhanced=False)
    enhanced = likeness_shares(totals, limit, enhanced=True)
    disclosed = delta_shares(totals, limit)
    for n in range(1, min(totals[0], 9) + 1):
        for size in range(n, min(people, 14) + 1):
            share, gain = Fraction(n, size), Fraction(n * people, size * totals[0]) - 1
            assert (share <= basic[0][1]) == (gain <= limit)
            rare = literal_criteria.within_log(gain, Fraction(totals[0], people))
            assert (share <= enhanced[0][1]) == (gain <= 0 or (gain <= limit and rare))
            within = literal_criteria.log_ratio_within(n, {"0": size}, totals[0], whole, limit)
            assert (disclosed[0][0] <= share <= disclosed[0][1]) == within


def large(totals: list[int]) -> Counts:
    """Counts that say ``totals`` people have each value, without a table of that size."""
    counts = count(table_of(["-3", "2"]), [TCloseness("s", "hierarchical", Fraction(1, 5))])
    column = replace(counts.sensitive["s"], totals=np.array(totals, np.int64))
    return replace(counts, sensitive={"s": column})


@pytest.mark.parametrize("distance", ["equal", "ordered", "hierarchical"])
def test_the_reference_systems_overflow_does_not_happen(distance: str) -> None:
    """A million people, 60:40 in one half and 40:60 in the other: 0.1 from the input's 50:50 (arx.json)."""
    counts = large([500_000, 500_000])
    for t, holds in ((Fraction(1, 20), False), (Fraction(1, 10), True)):
        layout = Demands.of(counts, [TCloseness("s", distance, t)]).layout  # type: ignore[arg-type]
        row = np.array([300_000, 200_000], np.int32)
        assert (rows.kept_by_all(layout, row, np.int64(500_000)) == 500_000) == holds


@pytest.mark.parametrize(
    "criterion",
    [
        TCloseness("s", "equal", Fraction(1, 10**7)),
        TCloseness("s", "ordered", Fraction(1, 10**7)),
        TCloseness("s", "hierarchical", Fraction(1, 10**7)),
        RecursiveCLDiversity("s", Fraction(10**13 + 1, 10**13), 2),
        EntropyLDiversity("s", Fraction(10**13 + 1, 10**13)),
    ],
    ids=lambda criterion: criterion.name,
)
def test_what_could_overflow_is_refused(criterion: HistogramCriterion) -> None:
    Demands.of(large([3, 4]), [criterion] if isinstance(criterion, TCloseness) else [])
    with pytest.raises(BadConfig, match="too large to decide") as refusal:
        Demands.of(large([600_000, 600_000]), [criterion])
    assert refusal.value.exit_code == 78


@pytest.mark.parametrize("criterion", [DeltaDisclosure("s", Fraction(1)), BetaLikeness("s", Fraction(1))])
def test_more_people_than_shares_can_be_compared_for_are_refused(criterion: HistogramCriterion) -> None:
    with pytest.raises(BadConfig, match="too many people"):
        Demands.of(large([2**30, 2**30]), [criterion])
