"""The scores of private levels: the literal definition, and what one person can change."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product
from math import floor

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.errors import BadConfig
from anonymizer.hierarchies.hierarchy import bands, prefix, suppression
from anonymizer.private.differential_privacy import Sampling, sampling_for
from anonymizer.private.exponential_mechanism import SystemChance
from anonymizer.private.levels import UNIT, Ramp, choose_levels, ramp_for, scores
from anonymizer.tables.table import Column, Role, Table

COLUMNS = (
    Column("sex", Role.QUASI_IDENTIFIER, suppression(), weight=2.5),
    Column("age", Role.QUASI_IDENTIFIER, bands([5, 10], top=30)),
    Column("plz", Role.QUASI_IDENTIFIER, prefix([1], length=2), min_level=1),
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["f", "m", None]),
        st.sampled_from(["3", "4", "17", "40", None]),
        st.sampled_from(["11", "12", "21"]),
    ),
    min_size=2,
    max_size=14,
)
RAMPS = st.builds(Ramp, st.integers(1, 5), st.integers(1, 4))
Row = tuple[str | None, ...]


def table(rows: list[Row], columns: tuple[Column, ...] = COLUMNS) -> Table:
    schema = {column.name: pl.String for column in columns}
    return Table(pl.DataFrame(rows, schema=schema, orient="row"), columns, None)


def literal_score(rows: list[Row], node: tuple[int, ...], ramp: Ramp) -> int:
    """The definition: each class's people on the ramp, times what its labels keep."""
    classes: Counter[tuple[object, ...]] = Counter()
    for row in rows:
        classes[
            tuple(label(c, value, level) for c, value, level in zip(COLUMNS, row, node, strict=True))
        ] += 1
    return sum(
        min(people, ramp.slope * max(0, people - ramp.threshold + 1)) * sum(kept for _, kept in labels)  # type: ignore[misc]
        for labels, people in classes.items()
    )


def label(column: Column, value: str | None, level: int) -> tuple[str | None, int]:
    """A value's label and the whole parts it keeps of the column's share of all weights."""
    hierarchy = column.hierarchy
    assert hierarchy is not None
    share = Fraction(column.weight) / sum(Fraction(other.weight) for other in COLUMNS)
    if level == len(hierarchy.level_names) - 1:
        return "*", 0
    leaves = hierarchy.leaves + 1
    if value is None:
        return None, floor(UNIT * share * (leaves - 1) / leaves)
    found = hierarchy.generalise([value])
    kept = Fraction(leaves - found.leaf_counts[level][0], leaves)
    return found.labels[level][0], floor(UNIT * share * kept)


@settings(max_examples=40, deadline=None)
@given(ROWS, RAMPS)
def test_scores_are_what_the_definition_says(rows: list[Row], ramp: Ramp) -> None:
    nodes = product(range(2), range(4), range(1, 3))
    assert scores(table(rows), ramp) == {node: literal_score(rows, node, ramp) for node in nodes}


@settings(max_examples=60, deadline=None)
@given(ROWS, RAMPS, st.data())
def test_one_person_moves_no_score_by_more_than_the_slope(
    rows: list[Row], ramp: Ramp, data: st.DataObject
) -> None:
    """Also where that person alone has a missing cell or a value of their own."""
    gone = data.draw(st.integers(0, len(rows) - 1))
    all_of_them, others = scores(table(rows), ramp), scores(table(rows[:gone] + rows[gone + 1 :]), ramp)
    assert all_of_them.keys() == others.keys()
    assert all(abs(all_of_them[node] - others[node]) <= ramp.slope * UNIT for node in others)


def test_the_ramp_starts_where_k_people_can_be_expected() -> None:
    ramp = ramp_for(Sampling(2**63, 50))
    assert (ramp.threshold, ramp.slope) == (100, 10)
    assert ramp_for(Sampling(2**63, 51)).slope == 11
    ramp = ramp_for(sampling_for(Fraction(1), Fraction(1, 10**6)))
    assert (ramp.threshold, ramp.slope) == (118, 11)


def test_with_a_large_budget_the_best_transformation_is_chosen() -> None:
    rows: list[Row] = [("f", "3", "11")] * 40 + [("m", "4", "12")] * 40
    sampling = Sampling(2**63, 20)
    chosen = choose_levels(table(rows), sampling, epsilon=Fraction(10**9), chance=SystemChance())
    found = scores(table(rows), ramp_for(sampling))
    assert found[tuple(chosen.values())] == max(found.values())


def test_with_next_to_no_budget_every_transformation_is_chosen_now_and_then() -> None:
    rows: list[Row] = [("f", "3", "11")] * 40
    columns = (COLUMNS[0],)
    only_sex = table([(row[0],) for row in rows], columns)
    sampling = Sampling(2**63, 20)
    seen = {
        choose_levels(only_sex, sampling, epsilon=Fraction(1, 10**9), chance=SystemChance())["sex"]
        for _ in range(100)
    }
    assert seen == {0, 1}


def test_too_many_transformations_are_refused_by_their_number() -> None:
    columns = tuple(Column(f"c{i}", Role.QUASI_IDENTIFIER, suppression()) for i in range(16))
    many = table([tuple("a" for _ in columns)], columns)
    with pytest.raises(BadConfig, match="50,000"):
        choose_levels(many, Sampling(2**63, 20), epsilon=Fraction(1), chance=SystemChance())


def test_columns_whose_values_do_not_fit_one_number_are_told_apart() -> None:
    columns = tuple(Column(f"c{i}", Role.QUASI_IDENTIFIER, suppression()) for i in range(13))
    rows: list[Row] = [tuple(f"{n % (40 + i)}" for i in range(13)) for n in range(60)]
    found = scores(table([*rows, *rows], columns), Ramp(2, 2))
    assert found[(0,) * 13] == 120 * sum([floor(UNIT * Fraction(1, 13) * Fraction(2, 3))] * 13)
