"""Criteria on sensitive columns and the search's limits, as a config asks for them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from anonymizer.criteria import (
    BetaLikeness,
    Criterion,
    DeltaDisclosure,
    DistinctLDiversity,
    EntropyLDiversity,
    KAnonymity,
    MaxRisk,
    RecursiveCLDiversity,
    TCloseness,
)
from tests.configs import TABLE, loaded
from tests.spec.test_config import findings

PLAIN = TABLE.replace("  k_anonymity: 2\n", "").replace(
    "  l_diversity: [{column: diagnosis, kind: distinct, l: 2}]\n", "  ASKED\n"
)


def asking(text: str, columns: str = "{role: sensitive}") -> str:
    """A config that asks for this and nothing else, with this rule for the column diagnosis."""
    return PLAIN.replace("ASKED", text).replace("diagnosis: {role: sensitive}", f"diagnosis: {columns}")


@pytest.mark.parametrize(
    ("text", "criterion"),
    [
        ("l_diversity: [{column: diagnosis, kind: distinct, l: 3}]", DistinctLDiversity("diagnosis", 3)),
        (
            "l_diversity: [{column: diagnosis, kind: entropy, l: 2.1}]",
            EntropyLDiversity("diagnosis", Fraction(21, 10)),
        ),
        (
            "l_diversity: [{column: diagnosis, kind: entropy, l: 3}]",
            EntropyLDiversity("diagnosis", Fraction(3)),
        ),
        (
            "l_diversity: [{column: diagnosis, kind: recursive, l: 2, c: 0.7}]",
            RecursiveCLDiversity("diagnosis", Fraction(7, 10), 2),
        ),
        (
            "t_closeness: [{column: diagnosis, distance: equal, t: 0.1}]",
            TCloseness("diagnosis", "equal", Fraction(1, 10)),
        ),
        (
            "t_closeness: [{column: diagnosis, distance: ordered, t: 0}]",
            TCloseness("diagnosis", "ordered", Fraction(0)),
        ),
        ("delta_disclosure: {column: diagnosis, delta: 1.1}", DeltaDisclosure("diagnosis", Fraction(11, 10))),
        ("delta_disclosure: [{column: diagnosis, delta: 2}]", DeltaDisclosure("diagnosis", Fraction(2))),
        ("beta_likeness: {column: diagnosis, beta: 1.5}", BetaLikeness("diagnosis", Fraction(3, 2), True)),
        (
            "beta_likeness: [{column: diagnosis, beta: 1, enhanced: false}]",
            BetaLikeness("diagnosis", Fraction(1), False),
        ),
    ],
)
def test_a_demand_is_a_criterion_with_the_decimal_of_the_file(
    tmp_path: Path, text: str, criterion: Criterion
) -> None:
    """0.1 is a tenth: as a float it would be a little more, and a tie would hold that breaks the limit."""
    assert loaded(tmp_path, asking(text)).criteria == (criterion,)


def test_several_columns_and_kinds_hold_at_once(tmp_path: Path) -> None:
    text = """\
  k_anonymity: 2
  l_diversity:
    - {column: diagnosis, kind: distinct, l: 3}
    - {column: diagnosis, kind: entropy, l: 2.5}
    - {column: department, kind: distinct, l: 2}
  t_closeness:
    - {column: department, distance: equal, t: 0.3}
    - {column: department, distance: ordered, t: 0.2}
"""
    config = PLAIN.replace("  ASKED\n", text).replace(
        "columns:\n", "columns:\n  department: {role: sensitive}\n"
    )
    assert loaded(tmp_path, config).criteria == (
        KAnonymity(2),
        DistinctLDiversity("diagnosis", 3),
        EntropyLDiversity("diagnosis", Fraction(5, 2)),
        DistinctLDiversity("department", 2),
        TCloseness("department", "equal", Fraction(3, 10)),
        TCloseness("department", "ordered", Fraction(1, 5)),
    )


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("l_diversity: [{column: diagnosis, kind: distinct, l: 2.5}]", "l_diversity[0].l", "whole number"),
        ("l_diversity: [{column: diagnosis, kind: distinct, l: 2.0}]", "l_diversity[0].l", "whole number"),
        ("l_diversity: [{column: diagnosis, kind: recursive, l: 2.5, c: 1}]", "l_diversity[0].l", "whole"),
        ("l_diversity: [{column: diagnosis, kind: entropy, l: 1}]", "l_diversity[0].l", "more than 1"),
        ("l_diversity: [{column: diagnosis, kind: entropy, l: '2'}]", "l_diversity[0].l", "must be a number"),
        ("l_diversity: [{column: diagnosis, kind: recursive, l: 2}]", "l_diversity[0].c", "is required"),
        (
            "l_diversity: [{column: diagnosis, kind: recursive, l: 2, c: 0}]",
            "l_diversity[0].c",
            "more than 0",
        ),
        ("l_diversity: [{column: diagnosis, kind: distinct, l: 2, c: 3}]", "l_diversity[0].c", "no effect"),
        ("t_closeness: [{column: diagnosis, distance: equal, t: 1}]", "t_closeness[0].t", "less than 1"),
        ("t_closeness: [{column: diagnosis, distance: equal, t: -0.1}]", "t_closeness[0].t", "at least 0"),
        ("t_closeness: [{column: diagnosis, distance: far, t: 0.1}]", "t_closeness[0].distance", "must be"),
        ("t_closeness: [{column: diagnosis, t: 0.1}]", "t_closeness[0].distance", "is required"),
        ("t_closeness: {column: diagnosis, distance: equal, t: 0.1}", "t_closeness", "must be a list"),
        ("delta_disclosure: {column: diagnosis, delta: 0}", "delta_disclosure.delta", "more than 0"),
        ("delta_disclosure: {column: diagnosis, delta: 101}", "delta_disclosure.delta", "at most 100"),
        ("beta_likeness: {column: diagnosis, beta: 1.0e+10}", "beta_likeness.beta", "at most 1,000,000,000"),
        ("l_diversity: [{column: diagnosis, kind: distinct, l: 1}]", "l_diversity[0].l", "another criterion"),
        (
            "l_diversity: [{column: diagnosis, kind: recursive, l: 1, c: 2}]",
            "l_diversity[0].l",
            "more than 1",
        ),
        ("beta_likeness: {column: diagnosis, beta: 0}", "beta_likeness.beta", "more than 0"),
        ("beta_likeness: {column: diagnosis, beta: 1, c: 2}", "beta_likeness.c", "is no key here"),
    ],
)
def test_a_parameter_out_of_range_is_refused(tmp_path: Path, text: str, at: str, says: str) -> None:
    found = findings(tmp_path, asking(text))
    assert list(found) == [f"privacy.{at}"]
    assert says in found[f"privacy.{at}"]


@pytest.mark.parametrize(
    "text",
    [
        "l_diversity: [{column: COLUMN, kind: entropy, l: 2}]",
        "t_closeness: [{column: COLUMN, distance: equal, t: 0.2}]",
        "delta_disclosure: [{column: COLUMN, delta: 2}]",
        "beta_likeness: [{column: COLUMN, beta: 2}]",
    ],
)
def test_every_demand_names_a_sensitive_column_once(tmp_path: Path, text: str) -> None:
    key = text.partition(":")[0]
    at = f"privacy.{key}[0].column"
    assert "must be a sensitive column" in findings(tmp_path, asking(text.replace("COLUMN", "age")))[at]
    assert "has no rule" in findings(tmp_path, asking(text.replace("COLUMN", "diagnoses")))[at]
    demand = text.replace("COLUMN", "diagnosis").partition("[")[2].removesuffix("]")
    twice = findings(tmp_path, asking(f"{key}: [{demand}, {demand}]"))
    assert twice == {f"privacy.{key}[1].column": "has a demand already"}


@pytest.mark.parametrize(
    ("text", "criteria"),
    [
        (
            "l_diversity: [{column: diagnosis, kind: recursive, l: 2, c: 1}, "
            "{column: diagnosis, kind: recursive, l: 3, c: 4}]",
            (
                RecursiveCLDiversity("diagnosis", Fraction(1), 2),
                RecursiveCLDiversity("diagnosis", Fraction(4), 3),
            ),
        ),
        (
            "beta_likeness: [{column: diagnosis, beta: 1, enhanced: false}, {column: diagnosis, beta: 3}]",
            (
                BetaLikeness("diagnosis", Fraction(1), False),
                BetaLikeness("diagnosis", Fraction(3), True),
            ),
        ),
        (
            "k_anonymity: 2, l_diversity: [{column: diagnosis, kind: distinct, l: 1}]",
            (KAnonymity(2), DistinctLDiversity("diagnosis", 1)),
        ),
        ("max_risk: ema-policy-0070", (MaxRisk(Fraction(9, 100)),)),
    ],
)
def test_what_neither_implies_the_other_may_stand_together(
    tmp_path: Path, text: str, criteria: tuple[Criterion, ...]
) -> None:
    """A class of 7, 2, 2 breaks (1, 2) alone, one of 5, 5, 1 (4, 3) alone."""
    wanted = asking("ASKED").replace("  ASKED\n", "").replace("privacy:\n", f"privacy: {{{text}}}\n")
    assert loaded(tmp_path, wanted).criteria == criteria


HIERARCHICAL = "t_closeness: [{column: diagnosis, distance: hierarchical, t: 0.2}]"


def test_a_hierarchical_distance_needs_the_column_s_hierarchy(tmp_path: Path) -> None:
    found = findings(tmp_path, asking(HIERARCHICAL))
    assert found == {
        "privacy.t_closeness[0].distance": "needs a hierarchy: give columns.diagnosis one, or choose equal "
        "or ordered"
    }
    config = loaded(tmp_path, asking(HIERARCHICAL, "{role: sensitive, hierarchy: icd-10-gm}"))
    assert config.criteria == (TCloseness("diagnosis", "hierarchical", Fraction(1, 5)),)


def test_a_sensitive_column_s_hierarchy_needs_a_use(tmp_path: Path) -> None:
    equal = HIERARCHICAL.replace("hierarchical", "equal")
    found = findings(tmp_path, asking(equal, "{role: sensitive, hierarchy: icd-10-gm}"))
    assert list(found) == ["columns.diagnosis.hierarchy"]
    assert "no effect" in found["columns.diagnosis.hierarchy"]
    loaded(tmp_path, asking(equal, "{role: sensitive, hierarchy: icd-10-gm, release_level: 1}"))


# the search's limits ------------------------------------------------------------------------------


def searching(text: str) -> str:
    return TABLE + f"search: {text}\n"


def test_a_search_is_optimal_and_without_limits_by_default(tmp_path: Path) -> None:
    search = loaded(tmp_path, TABLE).search
    assert (search.strategy, search.max_nodes, search.time_limit_s) == ("optimal", None, None)
    assert not search.require_optimal


@pytest.mark.parametrize("limit", ["max_nodes: 500", "time_limit_s: 1.5", "max_nodes: 9, time_limit_s: 60"])
@pytest.mark.parametrize("strategy", ["optimal", "anytime"])
def test_a_search_may_have_limits(tmp_path: Path, strategy: str, limit: str) -> None:
    search = loaded(tmp_path, searching(f"{{strategy: {strategy}, {limit}, require_optimal: true}}")).search
    assert search.strategy == strategy
    assert search.require_optimal


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("{strategy: anytime}", "search.strategy", "needs a limit"),
        ("{require_optimal: true}", "search.require_optimal", "no effect"),
        ("{require_optimal: false}", "search.require_optimal", "no effect"),
        ("{max_nodes: 0}", "search.max_nodes", "at least 1"),
        ("{time_limit_s: 0}", "search.time_limit_s", "more than 0"),
        ("{strategy: fast}", "search.strategy", "must be optimal or anytime"),
    ],
)
def test_a_search_that_contradicts_itself_is_refused(tmp_path: Path, text: str, at: str, says: str) -> None:
    found = findings(tmp_path, searching(text))
    assert list(found) == [at]
    assert says in found[at]
