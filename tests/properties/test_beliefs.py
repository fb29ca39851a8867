"""The criteria reached and the largest belief equal their definitions, counted by hand in fractions."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from itertools import combinations
from math import exp, log

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.comparison import Attribute, Comparison
from risk.reidentification.beliefs import (
    Cells,
    beliefs,
    cells,
    classes_of,
    largest_belief,
    reached,
)

Row = tuple[str, float | None, int, bool]
SEVERAL = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.one_of(st.none(), st.sampled_from([1.0, 2.0, 3.0, 10.0])),
        st.integers(0, 12),
        st.sampled_from([True, True, False]),
    ),
    min_size=1,
    max_size=24,
)


def single(rows: list[Row]) -> list[Row]:
    """The same people, each with the value of their first row in all of them."""
    first: dict[int, float | None] = {}
    return [(who, first.setdefault(person, what), person, shown) for who, what, person, shown in rows]


ROWS = SEVERAL.map(single)


def compared(rows: list[Row]) -> Comparison:
    base = pl.DataFrame(
        {"who": [row[0] for row in rows], "what": [row[1] for row in rows]},
        schema={"who": pl.String, "what": pl.Float64},
    )
    return Comparison(
        table="anonymised",
        attributes=(
            Attribute("who", "category", is_quasi_identifier=True, is_sensitive=False),
            Attribute("what", "number", is_quasi_identifier=False, is_sensitive=True),
        ),
        released=base,
        original=base,
        base=base,
        people=np.array([row[2] for row in rows]),
        shown=np.array([row[3] for row in rows]),
    )


def counted(rows: list[Row]) -> Cells:
    table = compared(rows)
    return cells(table, "what", classes_of(table))


def literal(rows: list[Row]) -> tuple[dict[str, Counter[float | None]], Counter[float | None]]:
    """The people of each value in each class that is shown, and in the whole input."""
    classes: dict[str, Counter[float | None]] = defaultdict(Counter)
    for who, what, _ in {row[:3] for row in rows if row[3]}:
        classes[who][what] += 1
    return classes, Counter(what for what, _ in {row[1:3] for row in rows})


def shares(counts: Counter[float | None], values: list[float | None]) -> list[Fraction]:
    return [Fraction(counts[value], counts.total()) for value in values]


@settings(max_examples=120)
@given(ROWS)
def test_what_is_reached_is_what_the_definitions_say(rows: list[Row]) -> None:
    classes, whole = literal(rows)
    found = {name.partition(".")[0]: figure for name, figure in reached(counted(rows)).items()}
    if not classes:
        assert {figure.value for figure in found.values()} == {None}
        return
    values = sorted(whole, key=lambda value: (value is None, value or 0))
    q = shares(whole, values)
    p = {who: shares(counts, values) for who, counts in classes.items()}
    present = {who: {v: n for v, n in counts.items() if v is not None} for who, counts in classes.items()}
    assert found["l_distinct"].value == min(len(held) for held in present.values())
    assert found["l_entropy"].value == pytest.approx(min(map(effective, present.values())))
    assert found["t_equal"].value == float(
        max(
            sum((max(a - b, Fraction(0)) for a, b in zip(own, q, strict=True)), Fraction(0))
            for own in p.values()
        )
    )
    moved = (
        sum(abs(sum(own[: i + 1]) - sum(q[: i + 1])) for i in range(len(q))) / max(len(q) - 1, 1)
        for own in p.values()
    )
    assert found["t_ordered"].value == pytest.approx(float(max(moved)))
    gains = [float(a / b) - 1 for own in p.values() for a, b in zip(own, q, strict=True)]
    assert found["beta"].value == pytest.approx(max(0.0, *gains))
    told = max(abs(log(a / b)) for own in p.values() for a, b in zip(own, q, strict=True) if a)
    assert found["delta"].low == pytest.approx(told)
    assert (found["delta"].high is None) == any(0 in own for own in p.values())


def effective(held: dict[float | None, int]) -> float:
    total = sum(held.values())
    return exp(-sum(n / total * log(n / total) for n in held.values())) if total else 0.0


@settings(max_examples=120)
@given(ROWS, st.integers(0, 4))
def test_no_choice_of_values_to_rule_out_gives_a_larger_belief(rows: list[Row], m: int) -> None:
    classes, _ = literal(rows)
    worst = Fraction(0)
    for counts in classes.values():
        for value in (value for value in counts if value is not None):
            others = [n for other, n in counts.items() if other != value]
            for gone in combinations(others, min(m, len(others))):
                worst = max(worst, Fraction(counts[value], counts.total() - sum(gone)))
    found = counted(rows)
    if classes:
        assert largest_belief(found, m) == worst
        assert beliefs(found, m)[f"belief_{m}.what"].value == float(worst)


@settings(max_examples=80)
@given(SEVERAL)
def test_of_people_with_several_values_shares_of_people_are_counted(rows: list[Row]) -> None:
    """Whoever is in the class is believed to have a value with the share of its people who have it."""
    people: dict[str, set[int]] = defaultdict(set)
    having: dict[tuple[str, float], set[int]] = defaultdict(set)
    values: dict[str, set[float | None]] = defaultdict(set)
    for who, what, person, _ in (row for row in rows if row[3]):
        people[who].add(person)
        values[who].add(what)
        if what is not None:
            having[who, what].add(person)
    if not people:
        return
    found = counted(rows)
    worst = max((Fraction(len(has), len(people[who])) for (who, _), has in having.items()), default=0)
    assert largest_belief(found, 0) == worst
    assert beliefs(found)["belief_0.what"].value == float(worst)
    assert reached(found)["l_distinct.what"].value == min(len(held - {None}) for held in values.values())
    for name in ("t_equal", "t_ordered", "beta", "delta"):
        told = reached(found)[f"{name}.what"]
        assert (told.low is None) == (len({row[1:3] for row in rows}) != len({row[2] for row in rows}))


@settings(max_examples=40)
@given(ROWS)
def test_beliefs_rise_with_every_value_ruled_out(rows: list[Row]) -> None:
    values = [figure.value for figure in beliefs(counted(rows)).values()]
    if None not in values:
        assert values == sorted(values, key=float)  # type: ignore[arg-type]
