"""Criteria in the reports' words: what was asked, what was found, and what must not be told outside."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from risk import CriterionResult, release_report, risk_report
from risk.facts import Status
from risk.reports import criteria_words
from tests.report_scenes import Page, small_assessment, small_context, small_facts


def result(
    name: str, reached: float | None, status: Status = "attested", **parameters: float | str
) -> CriterionResult:
    return CriterionResult(name, "diagnosis", parameters, reached, status)


ENTROPY = result("entropy l-diversity", 2.8284, "recounted", l=2.5)
RECURSIVE = result("recursive (c, l)-diversity", 1.25, "recounted", c=2, l=3)
EQUAL = result("t-closeness", 0.1875, distance="equal", t=0.2)
ORDERED = replace(EQUAL, parameters={"distance": "ordered", "t": 0.2})
HIERARCHICAL = replace(EQUAL, parameters={"distance": "hierarchical", "t": 0.2})
DELTA = result("delta-disclosure privacy", 0.6931, delta=0.7)
BETA = result("beta-likeness", 1.0, beta=1.5, enhanced=False)
ENHANCED = result("beta-likeness", 0.75, beta=1, enhanced=True)
EVERY = (ENTROPY, RECURSIVE, EQUAL, ORDERED, HIERARCHICAL, DELTA, BETA, ENHANCED)


@pytest.mark.parametrize(
    ("criterion", "title", "asked", "found"),
    [
        (ENTROPY, "entropy 2.5-diversity of diagnosis", "as 2.5 equally frequent values would", "as 2.828"),
        (
            RECURSIVE,
            "recursive (2, 3)-diversity of diagnosis",
            "rarer than 2 times all values but the 2 most frequent together",
            "1.25 times as frequent",
        ),
        (
            EQUAL,
            "0.2-closeness of diagnosis, equal distance",
            "at most the share 0.2 has to move (",
            "0.1875 away",
        ),
        (
            ORDERED,
            "0.2-closeness of diagnosis, ordered distance",
            "from one end of the order to the other",
            "0.1875 away",
        ),
        (
            HIERARCHICAL,
            "0.2-closeness of diagnosis, hierarchical distance",
            "the higher up in the hierarchy",
            "0.1875 away",
        ),
        (
            DELTA,
            "0.7-disclosure privacy of diagnosis",
            "less than 2.01 times, and more than 1/2.01 of, its share",
            "is 0.6931",
        ),
        (BETA, "basic 1.5-likeness of diagnosis", "more than 2.5 times as frequent", "gain is 1"),
        (ENHANCED, "enhanced 1-likeness of diagnosis", "-ln of their share", "gain is 0.75"),
    ],
)
def test_a_statistician_can_read_what_was_asked_and_found(
    criterion: CriterionResult, title: str, asked: str, found: str
) -> None:
    assert title in criteria_words.title_of(criterion)
    assert asked in criteria_words.asked(criterion)
    assert criterion.column is not None
    assert criterion.column in criteria_words.asked(criterion)
    assert found in criteria_words.found(criterion)


def test_basic_likeness_does_not_speak_of_frequent_values() -> None:
    assert "ln" not in criteria_words.asked(BETA)


@pytest.mark.parametrize(
    ("criterion", "broken"),
    [
        (ENTROPY, 2.49),
        (RECURSIVE, 2.01),
        (replace(EQUAL, status="recounted"), 0.21),
        (replace(DELTA, status="recounted"), 0.71),
        (replace(BETA, status="recounted"), inf),
    ],
)
def test_a_figure_beyond_its_limit_is_called_so(criterion: CriterionResult, broken: float) -> None:
    assert criteria_words.is_met(criterion)
    assert not criteria_words.is_met(replace(criterion, reached=broken))


def test_a_tie_is_met_although_its_float_may_be_off() -> None:
    assert criteria_words.is_met(replace(ENTROPY, reached=2.4999999999999996))


def test_what_was_reached_beside_the_input_stays_inside() -> None:
    """The farthest class's distance says something about the suppressed rows; the house may see it."""
    facts = replace(small_facts(), criteria=EVERY)
    outside = Page(release_report(facts)).text
    assert "checked in the run; not countable from the released file" in outside.lower()
    for figure in ("0.1875", "0.6931"):
        assert figure not in outside
    assert "2.828" in outside  # counted from the released values themselves
    elsewhere = tuple(
        replace(criterion, reached=0.001) if criterion.status == "attested" else criterion
        for criterion in EVERY
    )
    assert release_report(replace(facts, criteria=elsewhere)) == release_report(facts)
    inside = Page(risk_report(small_assessment(), small_context(criteria=EVERY))).text
    for criterion in EVERY:
        assert criteria_words.title_of(criterion) in inside
    assert "the farthest class lies 0.1875 away" in inside


def test_the_first_page_counts_all_criteria() -> None:
    assert (
        "All 8 privacy criteria are met" in Page(release_report(replace(small_facts(), criteria=EVERY))).text
    )


@pytest.mark.parametrize(
    ("criteria", "limit"),
    [
        ((EQUAL,), "departs from the whole input"),
        ((ENTROPY,), "how frequent one value may be"),
        ((result("distinct l-diversity", 3, "recounted", l=2),), "not how alike or how frequent"),
    ],
)
def test_what_the_criteria_leave_open_is_stated(criteria: tuple[CriterionResult, ...], limit: str) -> None:
    facts = small_facts()
    both = (*criteria, *(replace(criterion, column="crp") for criterion in criteria))
    assert limit in Page(release_report(replace(facts, criteria=both))).text
