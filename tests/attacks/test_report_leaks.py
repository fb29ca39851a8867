"""Report differencing: the release report tells nothing that the released table does not."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache
from typing import Any

import polars as pl

from risk import CriterionResult, ReleasedColumn, ReleaseFacts, release_report
from tests.conftest import needs_shared
from tests.published import facts_of, generalised, golden, kept, original
from tests.report_scenes import Page, small_facts

CASE = "adult9_k5_s2_loss"
CANARY = "Zanzibar-7731"


@cache
def case() -> dict[str, Any]:
    return golden(CASE)


def released_from(table: pl.DataFrame) -> pl.DataFrame:
    names = case()["quasi_identifiers"]
    levels = dict(zip(names, case()["optimum"], strict=True))
    return kept(generalised(table, "adult", levels), names, 5)


def swapped_within_generalised_values(table: pl.DataFrame) -> pl.DataFrame:
    """Return another input: occupations, released as * for everybody, handed out in another order."""
    return table.with_columns(pl.col("occupation").reverse())


def without_suppressed_rows(table: pl.DataFrame) -> pl.DataFrame:
    """Return another input: only the rows that survive, so that nothing at all was suppressed."""
    names = case()["quasi_identifiers"]
    levels = dict(zip(names, case()["optimum"], strict=True))
    coarse = generalised(table, "adult", levels).with_row_index("row")
    survivors = coarse.filter(pl.len().over(names) >= 5)["row"]
    return table[survivors.to_list()]


@needs_shared
def test_two_inputs_with_the_same_release_give_the_same_bytes() -> None:
    table = original("adult")
    report = release_report(facts_of(case(), frame=released_from(table)))
    for other in (swapped_within_generalised_values(table), without_suppressed_rows(table)):
        assert not other.equals(table)
        assert release_report(facts_of(case(), frame=released_from(other))) == report


@needs_shared
def test_the_order_of_released_rows_tells_nothing() -> None:
    facts = facts_of(case())
    shuffled = facts.frame.sample(fraction=1.0, shuffle=True, seed=11)
    assert release_report(replace(facts, frame=shuffled)) == release_report(facts)


@needs_shared
def test_the_input_s_size_the_suppressed_rows_and_the_search_are_absent() -> None:
    text = Page(release_report(facts_of(case()))).text
    for internal in ("30,162", "30162", "506", "12,960", "1,245", "0.3137", "rows in", "score", "lattice"):
        assert internal not in text.split()
        assert internal == "506" or internal not in text


def test_the_facts_have_no_room_for_what_is_internal() -> None:
    assert {field.name for field in fields(ReleaseFacts)} == {
        *("name", "frame", "columns", "criteria", "row_is_person", "consent", "reference_date"),
        *("reviewed", "language", "table_name", "tables", "known", "synthetic"),  # of released tables
    }


def test_no_cell_s_value_is_shown() -> None:
    columns = tuple(
        ReleasedColumn(name, role, "string", None, None, None, "unchanged")
        for name, role in (("a", "quasi-identifier"), ("b", "sensitive"), ("c", "insensitive"))
    )
    frame = pl.DataFrame({name: [CANARY, CANARY, "other"] for name in "abc"})
    report = release_report(replace(small_facts(), frame=frame, columns=columns, criteria=()))
    assert CANARY not in report


def test_extremes_of_a_sensitive_number_are_not_shown() -> None:
    facts = small_facts()
    crp = pl.Series("crp", [0.015625, 2.5, None, 4.0, 98765.25, 7.0, 9.0])
    text = release_report(replace(facts, frame=facts.frame.with_columns(crp)))
    assert "98765" not in text
    assert "98,765" not in text
    assert "0.015625" not in text
    assert text == release_report(facts)  # only how many different values there are


def test_what_an_attested_criterion_reached_is_not_told() -> None:
    facts = small_facts()
    reports = {
        release_report(
            replace(facts, criteria=(CriterionResult("k-anonymity", None, {"k": 2}, found, "attested"),))
        )
        for found in (2, 3, 4711)
    }
    assert len(reports) == 1
