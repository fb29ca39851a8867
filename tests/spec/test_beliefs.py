"""What an anonymised table's classes say about a sensitive value, on tables that the literature draws."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from risk.comparison import Attribute, Comparison
from risk.reidentification.beliefs import sensitive_figures

FOUR_ANONYMOUS = {
    "130**, <30": ["heart", "heart", "viral", "viral"],
    "1485*, >=40": ["cancer", "heart", "viral", "viral"],
    "130**, 3*": ["cancer", "cancer", "cancer", "cancer"],
}
"""Machanavajjhala et al. (ACM TKDD 1(1), 2007), figure 2: the 4-anonymous inpatient table."""

THREE_DIVERSE = {
    "1305*, <=40": ["heart", "viral", "cancer", "cancer"],
    "1485*, >40": ["cancer", "heart", "viral", "viral"],
    "1306*, <=40": ["heart", "viral", "cancer", "cancer"],
}
"""The same article, figure 4: the 3-diverse table of the same patients."""

SALARIES = {"476**, 2*": [3, 4, 5], "4790*, >=40": [6, 8, 11], "476**, 3*": [7, 9, 10]}
"""Li, Li and Venkatasubramanian (ICDE 2007), table 4, in thousands."""


def compared(
    classes: dict[str, list[str]] | dict[str, list[int]], shown: list[str] | None = None
) -> Comparison:
    """Everybody has one row; only the classes ``shown`` (all without it) are released."""
    labels = [label for label, values in classes.items() for _ in values]
    values = [value for values in classes.values() for value in values]
    number = isinstance(values[0], int)
    base = pl.DataFrame({"who": labels, "what": values}).with_columns(
        pl.col("what").cast(pl.Float64 if number else pl.String)
    )
    return Comparison(
        table="anonymised",
        attributes=(
            Attribute("who", "category", is_quasi_identifier=True, is_sensitive=False),
            Attribute(
                "what", "number" if number else "category", is_quasi_identifier=False, is_sensitive=True
            ),
        ),
        released=base,
        original=base,
        base=base,
        people=np.arange(len(labels)),
        shown=np.array([shown is None or label in shown for label in labels]),
    )


def test_the_four_anonymous_table_gives_everybody_of_one_class_away() -> None:
    table = compared(FOUR_ANONYMOUS)
    found = sensitive_figures(table)
    assert found["l_distinct.what"].value == 1
    assert found["l_entropy.what"].value == 1
    assert [found[f"belief_{m}.what"].value for m in range(4)] == [1, 1, 1, 1]


def test_each_value_ruled_out_raises_the_belief_until_l_are_gone() -> None:
    """Of heart, viral, cancer, cancer the cancer is believed in with 2/4, without heart 2/3, then surely."""
    table = compared(THREE_DIVERSE)
    found = sensitive_figures(table)
    assert found["l_distinct.what"].value == 3
    assert found["l_entropy.what"].value == pytest.approx(2 * 2**0.5)
    assert [found[f"belief_{m}.what"].value for m in range(4)] == [2 / 4, 2 / 3, 1, 1]


@pytest.mark.parametrize(("shown", "distance"), [("476**, 2*", 0.375), ("4790*, >=40", 0.1667)])
def test_t_of_the_salaries_is_the_article_s(shown: str, distance: float) -> None:
    """Printed there as D[P1, Q] = 0.375 and D[P2, Q] = 0.167."""
    found = sensitive_figures(compared(SALARIES, [shown]))
    assert found["t_ordered.what"].value == pytest.approx(distance, abs=1e-4)


def test_a_class_is_compared_with_the_whole_input_suppressed_people_included() -> None:
    table = compared({"a": ["x", "x", "y", "y"], "b": ["y"] * 4}, ["a"])
    found = sensitive_figures(table)
    # q(x) = 2/8, p(x) = 2/4; q(y) = 6/8, p(y) = 2/4
    assert found["t_equal.what"].value == pytest.approx(0.25)
    assert found["beta.what"].value == pytest.approx(1.0)
    assert found["delta.what"].value == pytest.approx(np.log(2))


def test_a_value_that_a_class_lacks_leaves_delta_without_an_upper_bound() -> None:
    delta = sensitive_figures(compared({"a": ["x", "y"], "b": ["x", "x"]}))["delta.what"]
    assert (delta.value, delta.high) == (None, None)
    assert delta.low == pytest.approx(np.log(2))
    assert "lacks a value" in delta.method


def test_nobody_released_gives_no_figure() -> None:
    table = compared(FOUR_ANONYMOUS, [])
    found = sensitive_figures(table)
    assert {figure.value for figure in found.values()} == {None}


def test_several_columns_and_code_lists_have_figures_of_their_own() -> None:
    """Two of three have I50, and no list says nothing: a belief in a code is a share of people."""
    base = pl.DataFrame(
        {"who": ["a"] * 3, "codes": [["I50", "J18"], ["I50", "J18"], []], "sex": ["f", "m", "f"]}
    )
    attributes = (
        Attribute("who", "category", is_quasi_identifier=True, is_sensitive=False),
        Attribute("codes", "codes", is_quasi_identifier=False, is_sensitive=True),
        Attribute("sex", "category", is_quasi_identifier=False, is_sensitive=True),
    )
    shown = np.ones(3, dtype=np.bool_)
    found = sensitive_figures(
        Comparison("anonymised", attributes, base, base, base, np.arange(3), shown), most=1
    )
    assert found["l_distinct.codes"].value == found["l_distinct.sex"].value == 2
    assert found["belief_0.codes"].value == pytest.approx(2 / 3)
    assert found["belief_1.sex"].value == 1
    assert (found["belief_1.codes"].low, found["belief_1.codes"].high) == (pytest.approx(2 / 3), 1)


def test_a_code_that_everybody_has_is_sure_whatever_else_is_in_the_lists() -> None:
    """Every list is another one, in another order: by lists nobody would be believed in anything."""
    lists = [["HIV", "a"], ["b", "HIV"], ["HIV"], ["c", "HIV", "d"]]
    base = pl.DataFrame({"who": ["x"] * 4, "codes": lists})
    attributes = (
        Attribute("who", "category", is_quasi_identifier=True, is_sensitive=False),
        Attribute("codes", "codes", is_quasi_identifier=False, is_sensitive=True),
    )
    shown = np.ones(4, dtype=np.bool_)
    found = sensitive_figures(
        Comparison("anonymised", attributes, base, base, base, np.arange(4), shown), most=0
    )
    assert (found["belief_0.codes"].value, found["l_distinct.codes"].value) == (1, 5)
    assert found["t_equal.codes"].high is None
    assert "several" in found["t_equal.codes"].method


def test_a_value_that_everybody_has_in_one_of_several_rows_is_sure() -> None:
    base = pl.DataFrame({"who": ["x"] * 6, "what": ["HIV", "a", "HIV", "b", "c", "HIV"]})
    attributes = (
        Attribute("who", "category", is_quasi_identifier=True, is_sensitive=False),
        Attribute("what", "category", is_quasi_identifier=False, is_sensitive=True),
    )
    people, shown = np.array([0, 0, 1, 1, 2, 2]), np.ones(6, dtype=np.bool_)
    found = sensitive_figures(Comparison("anonymised", attributes, base, base, base, people, shown))
    assert found["belief_0.what"].value == 1
    assert {found[f"{name}.what"].high for name in ("l_entropy", "t_equal", "beta", "delta")} == {None}


def test_somebody_with_several_rows_counts_once_per_value() -> None:
    base = pl.DataFrame({"who": ["a"] * 4, "what": ["x", "x", "y", "y"]})
    attributes = (
        Attribute("who", "category", is_quasi_identifier=True, is_sensitive=False),
        Attribute("what", "category", is_quasi_identifier=False, is_sensitive=True),
    )
    people, shown = np.array([0, 0, 1, 2]), np.ones(4, dtype=np.bool_)
    found = sensitive_figures(Comparison("anonymised", attributes, base, base, base, people, shown))
    assert found["belief_0.what"].value == pytest.approx(2 / 3)
