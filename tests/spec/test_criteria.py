"""What each criterion on a sensitive column asks of a class, and how much of a class that breaks it is lost.

Every table here has one quasi-identifier, `class`: rows that share it are one equivalence class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from math import log
from pathlib import Path

import polars as pl
import pytest

from anonymizer.counting.classes import base_classes
from anonymizer.counting.counts import count
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
from anonymizer.errors import AnonError, BadConfig, BadInput
from anonymizer.hierarchies.hierarchy import Hierarchy, bands, suppression
from anonymizer.hierarchies.hierarchy_file import from_file
from anonymizer.judging.judgement import Judgement, judge
from anonymizer.tables.table import Column, Role, Table

Cells = Sequence[object]
CLASS = Column("class", Role.QUASI_IDENTIFIER, suppression())


def drawn(
    classes: Mapping[str, Cells], *, hierarchy: Hierarchy | None = None, people: Cells | None = None
) -> Table:
    """A table of these classes with the column `s`; ``people`` names each row's person."""
    labels = [name for name, cells in classes.items() for _ in cells]
    cells = [cell for held in classes.values() for cell in held]
    columns = [CLASS, Column("s", Role.SENSITIVE, hierarchy, sensitive=True)]
    series = [pl.Series("class", labels, dtype=pl.String), pl.Series("s", cells)]
    if people is not None:
        columns.append(Column("person", Role.IDENTIFIER))
        series.append(pl.Series("person", people))
    return Table(pl.DataFrame(series), tuple(columns), "person" if people is not None else None)


def judged(table: Table, *criteria: Criterion) -> Judgement:
    """The judgement of the classes in the order of their names."""
    counts = count(table, criteria)
    return judge(counts, base_classes(counts), criteria)


def holding(table: Table, *criteria: Criterion) -> list[bool]:
    """Which classes, in the order of their names, hold every criterion."""
    return [not broken for broken in judged(table, *criteria).broken.tolist()]


def distance(table: Table, kind: str, of: str) -> Fraction:
    """The distance of the class named ``of`` from the input: the least t that allows it, to 1/10,000."""
    position = sorted(set(table.frame["class"].to_list())).index(of)
    low, high = -1, 10_000
    while high - low > 1:
        middle = (low + high) // 2
        t = Fraction(middle, 10_000)
        holds = holding(table, TCloseness("s", kind, t))[position]  # type: ignore[arg-type]
        low, high = (low, middle) if holds else (middle, high)
    return Fraction(high, 10_000)


# l-diversity --------------------------------------------------------------------------------------

PATIENTS = {
    "1, 4, 9, 10": ["heart", "virus", "cancer", "cancer"],
    "2, 3, 11, 12": ["heart", "virus", "cancer", "cancer"],
    "5, 6, 7, 8": ["cancer", "heart", "virus", "virus"],
}
"""The twelve inpatients of Machanavajjhala et al., TKDD 2007, as their 3-diverse table groups them."""
HOMOGENEOUS = {"1-4": ["heart", "heart", "virus", "virus"], "9-12": ["cancer"] * 4}
"""Two classes of their 4-anonymous table: who is in the second one has cancer."""


def test_distinct_l_counts_values() -> None:
    assert holding(drawn(PATIENTS), DistinctLDiversity("s", 3)) == [True] * 3
    assert holding(drawn(HOMOGENEOUS), KAnonymity(4)) == [True, True]
    assert holding(drawn(HOMOGENEOUS), KAnonymity(4), DistinctLDiversity("s", 2)) == [True, False]


def test_entropy_l_asks_for_the_entropy_of_l_equally_frequent_values() -> None:
    """1/4, 1/4 and 1/2 have an entropy of ln 2.828…, less than three equally frequent values."""
    below, above = EntropyLDiversity("s", Fraction("2.82")), EntropyLDiversity("s", Fraction("2.83"))
    assert holding(drawn(PATIENTS), below) == [True] * 3
    assert holding(drawn(PATIENTS), above) == [False] * 3
    assert log(2.82) < 1.5 * log(2) < log(2.83)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_an_exactly_uniform_class_has_the_entropy_of_its_values(size: int) -> None:
    """The reference system decides in floating point and refuses 2/2/2 at l = 3."""
    table = drawn({"uniform": [*"abc"] * size})
    assert holding(table, EntropyLDiversity("s", Fraction(3))) == [True]
    assert holding(table, EntropyLDiversity("s", Fraction("3.000001"))) == [False]


def test_values_of_different_frequency_may_tie_as_well() -> None:
    """4/8 and four times 1/8: an entropy of exactly ln 4."""
    table = drawn({"tie": [*"aaaabcde"] * 9})
    assert holding(table, EntropyLDiversity("s", Fraction(4))) == [True]
    assert holding(table, EntropyLDiversity("s", Fraction("4.000001"))) == [False]


def test_recursive_c_l_bounds_the_most_frequent_value_by_the_rare_ones() -> None:
    """r = 4, 3, 2, 1: r_2 + … = 6 and r_3 + … = 3; 4 < c 3 needs c above 4/3."""
    table = drawn({"x": [*"aaaabbbccd"]})
    for c, least, holds in [("0.67", 2, True), ("2/3", 2, False), ("4/3", 3, False), ("1.34", 3, True)]:
        assert holding(table, RecursiveCLDiversity("s", Fraction(c), least)) == [holds]
    assert holding(table, RecursiveCLDiversity("s", Fraction(99), 5)) == [False]


def test_missing_is_no_value_of_diversity() -> None:
    table = drawn({"none": [None] * 4, "two": ["a", "b", None, None]})
    least = Fraction(2)
    for criterion in (
        DistinctLDiversity("s", 2),
        EntropyLDiversity("s", least),
        RecursiveCLDiversity("s", least, 2),
    ):
        assert holding(table, criterion) == [False, True]
    assert holding(table, EntropyLDiversity("s", Fraction(1))) == [False, True]


# t-closeness --------------------------------------------------------------------------------------

SALARIES = {"1-3": [3, 4, 5], "4-6": [6, 8, 11], "7-9": [7, 9, 10]}
"""Li et al., ICDE 2007: salaries in thousands."""


def test_the_published_distances_of_salaries() -> None:
    """0.375 and 0.167, whether salaries are numbers or text."""
    as_text = {name: [str(cell) for cell in cells] for name, cells in SALARIES.items()}
    for classes in (SALARIES, as_text):
        assert distance(drawn(classes), "ordered", "1-3") == Fraction(3, 8)
        assert distance(drawn(classes), "ordered", "4-6") == pytest.approx(1 / 6, abs=1e-4)


def test_a_tie_with_t_holds() -> None:
    sixth = Fraction(1, 6)
    for t, holds in ((sixth, True), (sixth - Fraction(1, 10**9), False)):
        assert holding(drawn(SALARIES), TCloseness("s", "ordered", t))[1] == holds


DISEASES = [
    ("flu", "infection", "respiratory"),
    ("bronchitis", "infection", "respiratory"),
    ("pneumonia", "infection", "respiratory"),
    ("embolism", "vascular", "respiratory"),
    ("gastritis", "stomach", "digestive"),
    ("ulcer", "stomach", "digestive"),
    ("stomach cancer", "stomach", "digestive"),
]
SICK = {
    "1, 3, 8": ["ulcer", "stomach cancer", "pneumonia"],
    "2, 7, 9": ["gastritis", "bronchitis", "stomach cancer"],
    "4, 5, 6": ["gastritis", "flu", "bronchitis"],
}
"""Li et al.'s diseases, grouped as in their last table."""


@pytest.fixture
def diseases(tmp_path: Path) -> Hierarchy:
    file = tmp_path / "diseases.csv"
    file.write_text("\n".join(";".join((*row, "*")) for row in DISEASES), "utf-8")
    return from_file(file)


def test_hierarchical_distance_moves_people_up_to_the_common_ancestor(diseases: Hierarchy) -> None:
    """From flu it is 1/3 to bronchitis, 2/3 to embolism and 1 to gastritis; half the people move."""
    for other, way in (("bronchitis", Fraction(1, 3)), ("embolism", Fraction(2, 3)), ("gastritis", 1)):
        table = drawn({"flu": ["flu"], "other": [other]}, hierarchy=diseases)
        assert distance(table, "hierarchical", "flu") == pytest.approx(float(way / 2), abs=1e-4)


def test_the_hierarchical_distances_of_the_papers_diseases(diseases: Hierarchy) -> None:
    """Class 4, 5, 6: 2/9 change from digestive to respiratory, 2/9 within stomach and infections at 1/3."""
    table = drawn(SICK, hierarchy=diseases)
    for name, ninths in (("1, 3, 8", 7), ("2, 7, 9", 5), ("4, 5, 6", 8)):
        assert distance(table, "hierarchical", name) == pytest.approx(ninths / 27, abs=1e-4)


def test_equal_distance_is_half_the_sum_of_all_differences() -> None:
    table = drawn({"a": ["a", "a"], "b": ["a", "b"], "c": ["b", "b"]})
    assert [distance(table, "equal", name) for name in "abc"] == [Fraction(1, 2), 0, Fraction(1, 2)]


def test_missing_is_a_category_and_the_last_one() -> None:
    table = drawn({"a": ["a"], "b": ["b"], "m": [None]})
    assert distance(table, "equal", "m") == pytest.approx(2 / 3, abs=1e-4)
    assert distance(table, "ordered", "m") == distance(table, "ordered", "a") == Fraction(1, 2)
    assert distance(table, "ordered", "b") == pytest.approx(1 / 3, abs=1e-4)


@pytest.mark.parametrize(
    "cells",
    [
        ["9", "10", "11"],
        ["-1", "+0", "1"],
        [9, 10, 11],
        [0.5, 0.75, 1e3],
        [date(2026, 9, 9), date(2026, 9, 10), date(2026, 10, 1)],
        ["10 mg", "11 mg", "9 mg"],
        [False, True, None],
    ],
    ids=["text", "signed", "integers", "floats", "dates", "letters", "booleans"],
)
def test_the_order_comes_from_the_type(cells: Cells) -> None:
    """The one in the middle is nearer to all than the others are."""
    table = drawn({str(i): [cell] for i, cell in enumerate(cells)})
    assert distance(table, "ordered", "0") == distance(table, "ordered", "2") == Fraction(1, 2)
    assert distance(table, "ordered", "1") == pytest.approx(1 / 3, abs=1e-4)


def test_a_column_of_one_value_is_always_close() -> None:
    table = drawn({"x": ["a"], "y": ["a"]}, hierarchy=suppression())
    for kind in ("equal", "ordered", "hierarchical"):
        assert distance(table, kind, "x") == 0


def test_numbers_above_the_top_of_their_bands_are_one_leaf() -> None:
    """Sensitive ages count as they are, but their hierarchy begins with the top-coded age."""
    table = drawn({"x": [91], "y": [97]}, hierarchy=bands([5], top=90))
    assert distance(table, "hierarchical", "x") == 0
    assert distance(table, "equal", "x") == Fraction(1, 2)


# delta-disclosure privacy, beta-likeness ----------------------------------------------------------


def test_delta_disclosure_bounds_every_share_from_both_sides() -> None:
    """q = 1/2: p = 3/4 is 1.5 times as much, p = 1/4 half; |ln 1/2| = 0.6931 < delta."""
    table = drawn({"x": [*"aaab"], "y": [*"abbb"]})
    assert holding(table, DeltaDisclosure("s", Fraction("0.694"))) == [True, True]
    assert holding(table, DeltaDisclosure("s", Fraction("0.693"))) == [False, False]


def test_delta_disclosure_is_broken_by_a_value_that_a_class_lacks() -> None:
    """The strict form of Brickell and Shmatikov: ln 0 is infinite, so every class shows every value."""
    table = drawn({"x": [*"abc"], "y": [*"ab"]})
    assert holding(table, DeltaDisclosure("s", Fraction(50))) == [True, False]


def test_basic_beta_likeness_bounds_how_much_likelier_a_value_becomes() -> None:
    """q = 1/4: p = 1/2 is a gain of exactly 1; what becomes rarer does not matter."""
    table = drawn({"x": ["a", "b"], "y": ["b", "b"]})
    assert holding(table, BetaLikeness("s", Fraction(1), enhanced=False)) == [True, True]
    assert holding(table, BetaLikeness("s", Fraction("0.9999"), enhanced=False)) == [False, True]


def test_enhanced_beta_likeness_bounds_frequent_values_by_their_logarithm() -> None:
    """q = 3/4: p = 1 is a gain of 1/3 < beta, but more than -ln 3/4 = 0.288."""
    table = drawn({"x": ["a", "b"], "y": ["b", "b"]})
    assert holding(table, BetaLikeness("s", Fraction(1))) == [True, False]


# what is lost -------------------------------------------------------------------------------------


def test_a_class_with_too_few_people_or_values_is_lost_as_a_whole() -> None:
    table = drawn({"x": ["a", "a"], "y": ["a", "b"], "z": ["a"]})
    assert judged(table, KAnonymity(2)).lost.tolist() == [0, 0, 1]
    assert judged(table, MaxRisk(Fraction("0.4"))).lost.tolist() == [2, 2, 1]
    assert judged(table, DistinctLDiversity("s", 2)).lost.tolist() == [2, 0, 1]


def test_part_of_a_class_that_is_too_uneven_may_be_kept_in_finer_classes() -> None:
    """Six a and two b: with entropy ln 2, two of each can be kept; (2, 2)-diverse are three a and two b."""
    table = drawn({"x": [*"aaaaaabb"]})
    even = judged(table, EntropyLDiversity("s", Fraction(2)))
    assert (even.broken.tolist(), even.lost.tolist()) == ([True], [4])
    assert judged(table, RecursiveCLDiversity("s", Fraction(2), 2)).lost.tolist() == [3]


def test_what_is_kept_is_no_less_than_k() -> None:
    table = drawn({"x": [*"aaaaaabb"]})
    assert judged(table, KAnonymity(5), EntropyLDiversity("s", Fraction(2))).lost.tolist() == [8]


def test_t_closeness_keeps_what_can_be_like_the_input() -> None:
    """The input has a and b in equal shares. Of six a and two b, t = 0.1 allows 3 : 2 and no more."""
    table = drawn({"x": [*"aaaaaabb"], "y": [*"aabbbbbb"]})
    assert judged(table, TCloseness("s", "equal", Fraction("0.1"))).lost.tolist() == [3, 3]


def test_with_several_rows_per_person_only_what_is_monotone_is_lost() -> None:
    """One person's values count once in a class: parts may hold what the class breaks."""
    table = drawn({"x": [*"aaaab"]}, people=[1, 1, 2, 3, 4])
    judgement = judged(table, EntropyLDiversity("s", Fraction(2)))
    assert (judgement.broken.tolist(), judgement.lost.tolist()) == ([True], [0])
    assert judged(table, DistinctLDiversity("s", 3)).lost.tolist() == [5]


def test_a_value_counts_the_people_who_have_it() -> None:
    """Three rows with a are of one person, and two people with b: 1 : 2."""
    table = drawn({"x": [*"aaabb"]}, people=[1, 1, 1, 2, 3])
    assert holding(table, RecursiveCLDiversity("s", Fraction("2.1"), 2)) == [True]
    assert holding(table, RecursiveCLDiversity("s", Fraction(2), 2)) == [False]


# several at once ----------------------------------------------------------------------------------


def test_a_class_must_hold_every_criterion_of_every_sensitive_column() -> None:
    labels = ["x", "x", "y", "y", "z", "z"]
    cells = {"class": labels, "s": [*"ababaa"], "t": ["1", "2", "1", "1", "1", "2"]}
    columns = (CLASS, *(Column(name, Role.SENSITIVE, sensitive=True) for name in "st"))
    table = Table(pl.DataFrame(cells), columns, None)
    both = (DistinctLDiversity("s", 2), EntropyLDiversity("t", Fraction(2)))
    assert holding(table, *both) == [True, False, False]
    assert judged(table, *both).lost.tolist() == [0, 2, 2]
    assert holding(table, *both, RecursiveCLDiversity("s", Fraction(1), 2)) == [False, False, False]


# what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "hierarchy", "error", "exit_code"),
    [
        (["a", "b"], None, BadConfig, 78),
        ([["a"], ["b"]], suppression(), BadConfig, 78),
        (["41", "old"], bands([5], top=90), BadInput, 65),
    ],
    ids=["no hierarchy", "lists", "outside the hierarchy"],
)
def test_hierarchical_distance_needs_a_place_for_every_value(
    cells: Cells, hierarchy: Hierarchy | None, error: type[AnonError], exit_code: int
) -> None:
    table = drawn({"x": cells}, hierarchy=hierarchy)
    with pytest.raises(error, match="column 's'") as refusal:
        count(table, [TCloseness("s", "hierarchical", Fraction(1))])
    assert refusal.value.exit_code == exit_code
    assert "old" not in str(refusal.value)


def test_an_unused_hierarchy_is_not_asked() -> None:
    counts = count(
        drawn({"x": ["41", "old"]}, hierarchy=bands([5], top=90)), [TCloseness("s", "equal", Fraction(1))]
    )
    assert counts.sensitive["s"].ancestors is None
