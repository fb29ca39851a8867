"""What each criterion about a sensitive column means, on tables small enough to count by hand.

The verifier's counting is what is shown here: `verdicts` over `references`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import inf, log

import polars as pl
import pytest

from anonymizer.criteria import (
    BetaLikeness,
    Criterion,
    DeltaDisclosure,
    DistinctLDiversity,
    EntropyLDiversity,
    KAnonymity,
    RecursiveCLDiversity,
    TCloseness,
)
from anonymizer.errors import VerificationFailed
from anonymizer.hierarchies.hierarchy import Hierarchy
from anonymizer.hierarchies.hierarchy_file import from_file
from anonymizer.tables.table import Column, Role, Table
from release.verifying.recount import Verdict, classed, countable
from release.verifying.references import references
from release.verifying.verdicts import kept, verdict

Cells = Sequence[object]
LIKE_2 = EntropyLDiversity("s", Fraction(2))


def table_of(classes: Mapping[str, Cells], hierarchy: Hierarchy | None = None) -> Table:
    """A table with the quasi-identifier ``q`` and a sensitive column ``s``; every row is a person."""
    rows = [(name, cell) for name, cells in classes.items() for cell in cells]
    frame = pl.DataFrame(rows, schema=["q", "s"], orient="row")
    return Table(frame, (Column("q", Role.QUASI_IDENTIFIER), Column("s", Role.SENSITIVE, hierarchy)), None)


def judged(table: Table, criterion: Criterion, *, only: str | None = None) -> Verdict:
    """The verdict on the classes of ``q``, or on one of them, beside the whole table."""
    frame = table.frame
    person = pl.int_range(frame.height, eager=True) if table.subject is None else frame[table.subject]
    rows = countable([frame["q"]], person.alias("person"), {0: frame["s"]})
    released = rows if only is None else rows.filter(pl.col("q0") == only)
    return verdict(classed(released), criterion, 0, references([criterion], table).get(0))


def holds(classes: Mapping[str, Cells], criterion: Criterion) -> list[bool]:
    """Whether each class holds the criterion, in the classes' order."""
    return judged(table_of(classes), criterion).holds.to_list()


# distinct l-diversity -----------------------------------------------------------------------------


def test_distinct_values_are_counted_and_missing_is_none() -> None:
    ward = {"three": ["a", "b", "c", "c"], "two": ["a", "b", None], "one": ["a", "a"], "none": [None]}
    found = judged(table_of(ward), DistinctLDiversity("s", 2))
    assert found.holds.to_list() == [True, True, False, False]
    assert found.reached == 0


def test_the_inpatients_of_machanavajjhala_are_three_diverse() -> None:
    """Machanavajjhala et al., TKDD 2007, figures 2 and 3: 4-anonymous, then 3-diverse."""
    four_anonymous = {
        "130**, <30": ["heart", "heart", "viral", "viral"],
        "1485*, >=40": ["cancer", "heart", "viral", "viral"],
        "130**, 3*": ["cancer", "cancer", "cancer", "cancer"],
    }
    three_diverse = {
        "1305*, <=40": ["heart", "viral", "cancer", "cancer"],
        "1485*, >40": ["cancer", "heart", "viral", "viral"],
        "1306*, <=40": ["heart", "viral", "cancer", "cancer"],
    }
    assert holds(four_anonymous, DistinctLDiversity("s", 3)) == [False, True, False]
    assert holds(three_diverse, DistinctLDiversity("s", 3)) == [True, True, True]
    # 1/2, 1/4, 1/4: the entropy of 2.83 equally frequent values
    assert holds(three_diverse, EntropyLDiversity("s", Fraction("2.8"))) == [True] * 3
    assert judged(table_of(three_diverse), LIKE_2).reached == pytest.approx(2**1.5)


# entropy l-diversity ------------------------------------------------------------------------------


@pytest.mark.parametrize("each", [1, 2, 7, 10**5])
def test_equally_frequent_values_have_exactly_the_entropy_of_their_number(each: int) -> None:
    """ARX decides this tie in floats, and refuses 2/2/2 at l = 3."""
    ward = {"uniform": ["a", "b", "c"] * min(each, 50)}
    assert holds(ward, EntropyLDiversity("s", Fraction(3))) == [True]
    assert holds(ward, EntropyLDiversity("s", Fraction("3.0000000000000001"))) == [False]


def test_a_tie_of_unequal_frequencies_is_decided_exactly() -> None:
    """1/2, 1/8, 1/8, 1/8, 1/8 have an entropy of 2 bits: that of 4 equally frequent values."""
    ward = {"unequal": [*"aaaa", *"bcde"]}
    assert holds(ward, EntropyLDiversity("s", Fraction(4))) == [True]
    assert holds(ward, EntropyLDiversity("s", 4 + Fraction(1, 10**30))) == [False]


def test_a_skewed_class_has_less_entropy_than_its_values_suggest() -> None:
    ward = {"skewed": [*"aaaaaaaa", "b", "c"], "even": [*"aaabbc"]}
    assert holds(ward, LIKE_2) == [False, True]


def test_missing_is_no_value_of_an_entropy() -> None:
    ward = {"a and b": ["a", "b", None, None, None], "none": [None, None], "a": ["a", None]}
    assert holds(ward, LIKE_2) == [True, False, False]


# recursive (c, l)-diversity -----------------------------------------------------------------------


def test_the_first_value_must_be_rarer_than_c_times_the_tail() -> None:
    """(3, 2): 5 < 3 * (1 + 1) holds, and 6 < 3 * 2 is a tie, which breaks the strict rule."""
    ward = {"holds": [*"aaaaabc"], "tie": [*"aaaaaabc"], "no tail": [*"aaaa"]}
    found = judged(table_of(ward), RecursiveCLDiversity("s", Fraction(3), 2))
    assert found.holds.to_list() == [True, False, False]
    assert found.reached == inf


def test_the_l_minus_one_most_frequent_values_do_not_count_for_the_tail() -> None:
    ward = {"three": [*"aabbc"], "two": [*"aabb"]}
    assert holds(ward, RecursiveCLDiversity("s", Fraction("2.5"), 3)) == [True, False]
    assert holds(ward, RecursiveCLDiversity("s", Fraction(2), 3)) == [False, False]


# t-closeness --------------------------------------------------------------------------------------

SALARIES = {"low": ["3", "4", "5"], "mixed": ["6", "8", "11"], "rest": ["7", "9", "10"]}
"""Li et al., ICDE 2007, example 3: salaries in thousands; in text order 10 would come first."""


def test_equal_distance_is_half_the_sum_of_the_differences() -> None:
    ward = {"like all": [*"ab"], "only a": [*"aa"], "more b": [*"abbb"]}
    # in the input, a and b are 4 : 4
    for name, distance in (("like all", 0.0), ("only a", 0.5), ("more b", 0.25)):
        found = judged(table_of(ward), TCloseness("s", "equal", Fraction(1, 4)), only=name)
        assert found.reached == distance
        assert found.holds.to_list() == [distance <= 0.25]


@pytest.mark.parametrize("cells", [list, lambda texts: [int(text) for text in texts]])
def test_ordered_distances_of_li_s_salaries(cells: type[list[object]]) -> None:
    """0.375 and 0.167 in the paper, whether the salaries are written as text or as numbers."""
    table = table_of({name: cells(salaries) for name, salaries in SALARIES.items()})
    for name, distance in (("low", Fraction(3, 8)), ("mixed", Fraction(1, 6))):
        for t, expected in ((distance, True), (distance - Fraction(1, 10**12), False)):
            assert judged(table, TCloseness("s", "ordered", t), only=name).holds.to_list() == [expected]


def test_text_that_is_not_whole_numbers_throughout_is_ordered_as_text() -> None:
    """In text order 10, 2, x; the numbers' order would be 2, 10, x."""
    ward = {"first two": ["10", "2"], "last": ["x", "x"]}
    assert judged(table_of(ward), TCloseness("s", "ordered", Fraction(1)), only="last").reached == 0.375
    swapped = {"ends": ["10", "x"], "middle": ["2", "2"]}
    assert judged(table_of(swapped), TCloseness("s", "ordered", Fraction(1)), only="middle").reached == 0.25


def test_missing_is_the_last_category() -> None:
    ward = {"present": [1, 1], "missing": [None, None]}
    for distance in ("equal", "ordered"):
        found = judged(table_of(ward), TCloseness("s", distance, Fraction("0.49")))  # type: ignore[arg-type]
        assert found.reached == 0.5
        assert found.holds.to_list() == [False, False]


@pytest.mark.parametrize(("t", "expected"), [("0", True), ("0.9", True)])
def test_a_column_of_one_value_is_always_close(t: str, expected: bool) -> None:
    for distance in ("equal", "ordered"):
        criterion = TCloseness("s", distance, Fraction(t))  # type: ignore[arg-type]
        assert holds({"x": ["a"], "y": ["a", "a"]}, criterion) == [expected] * 2


DISEASES = """\
flu;respiratory infection;respiratory;*
pneumonia;respiratory infection;respiratory;*
bronchitis;respiratory infection;respiratory;*
pulmonary edema;vascular lung disease;respiratory;*
pulmonary embolism;vascular lung disease;respiratory;*
gastric ulcer;stomach disease;digestive;*
stomach cancer;stomach disease;digestive;*
gastritis;stomach disease;digestive;*
colitis;colon disease;digestive;*
colon cancer;colon disease;digestive;*
"""
PATIENTS = {
    "1, 3, 8": ["gastric ulcer", "stomach cancer", "pneumonia"],
    "4, 5, 6": ["gastritis", "flu", "bronchitis"],
    "2, 7, 9": ["gastritis", "bronchitis", "stomach cancer"],
}
"""Li et al., ICDE 2007, tables 3 and 5 with the hierarchy of figure 1."""


@pytest.fixture
def diseases(tmp_path_factory: pytest.TempPathFactory) -> Hierarchy:
    path = tmp_path_factory.mktemp("hierarchy") / "diseases.csv"
    path.write_text(DISEASES, encoding="utf-8")
    return from_file(path, delimiter=";")


def test_what_moves_is_counted_where_it_moves_in_the_hierarchy(diseases: Hierarchy) -> None:
    """Of 4, 5, 6: 2/9 go from respiratory to digestive, and 1/9 moves inside each infection's group: 8/27."""
    for name, distance in (("1, 3, 8", (7, 27)), ("4, 5, 6", (8, 27)), ("2, 7, 9", (5, 27))):
        t = Fraction(*distance)
        for limit, expected in ((t, True), (t - Fraction(1, 10**15), False)):
            criterion = TCloseness("s", "hierarchical", limit)
            assert judged(table_of(PATIENTS, diseases), criterion, only=name).holds.to_list() == [expected]


def test_values_that_meet_lower_in_the_hierarchy_lie_closer(diseases: Hierarchy) -> None:
    """Flu to bronchitis is 1/3 of the way up, to pulmonary embolism 2/3, to stomach cancer all of it."""
    for other, way in (("bronchitis", 1 / 3), ("pulmonary embolism", 2 / 3), ("stomach cancer", 1)):
        table = table_of({"flu": ["flu"], "other": [other]}, diseases)
        found = judged(table, TCloseness("s", "hierarchical", Fraction(1)), only="flu")
        assert found.reached == pytest.approx(way / 2)  # half of the people are to move


def test_missing_meets_the_others_at_the_top_alone(diseases: Hierarchy) -> None:
    table = table_of({"flu": ["flu"], "missing": [None]}, diseases)
    assert judged(table, TCloseness("s", "hierarchical", Fraction(1)), only="missing").reached == 0.5


# delta-disclosure privacy -------------------------------------------------------------------------


def test_delta_disclosure_bounds_every_value_s_share_both_ways() -> None:
    """q = 1/2 each; p = 3/4 and 1/4: the rarer one counts, |ln 1/2| = 0.693."""
    ward = {"skewed": [*"aaab"], "other": [*"abbb"]}
    found = judged(table_of(ward), DeltaDisclosure("s", Fraction("0.7")))
    assert found.reached == pytest.approx(log(2))
    assert found.holds.to_list() == [True, True]
    assert holds(ward, DeltaDisclosure("s", Fraction("0.69"))) == [False, False]


def test_a_class_without_one_of_the_input_s_values_tells_that_nobody_has_it() -> None:
    found = judged(table_of({"all": [*"ab"], "only a": ["a"]}), DeltaDisclosure("s", Fraction(1000)))
    assert found.holds.to_list() == [True, False]
    assert found.reached == inf


def test_a_decimal_next_to_the_logarithm_is_told_from_it() -> None:
    """ln 2 = 0.69314718055994530941723212145817656807…"""
    ward = {"skewed": [*"aaab"], "other": [*"abbb"]}
    below, above = Fraction("0.6931471805599453094172321214"), Fraction("0.6931471805599453094172321215")
    assert holds(ward, DeltaDisclosure("s", below)) == [False, False]
    assert holds(ward, DeltaDisclosure("s", above)) == [True, True]


def test_a_class_like_the_input_holds_any_delta_however_small() -> None:
    """ln 1 = 0 is less than 1e-300, though e^1e-300 is 1 in sixty digits."""
    ward = {"alike": [*"ab"], "alike too": [*"aabb"]}
    assert holds(ward, DeltaDisclosure("s", Fraction(1, 10**300))) == [True, True]


# beta-likeness ------------------------------------------------------------------------------------


def test_beta_likeness_bounds_how_much_likelier_a_value_gets() -> None:
    """q = 1/4 for b; p = 1/2 is a gain of 1: exactly beta = 1."""
    ward = {"half": [*"ab"], "none": [*"aa"], "rest": [*"aaab"]}
    plain = BetaLikeness("s", Fraction(1), enhanced=False)
    assert holds(ward, plain) == [True, True, True]
    assert holds(ward, BetaLikeness("s", Fraction("0.999999"), enhanced=False)) == [False, True, True]
    assert judged(table_of(ward), plain).reached == 1.0


def test_enhanced_beta_likeness_bounds_frequent_values_more() -> None:
    """q = 3/4 for a: -ln q = 0.288, and the gain of p = 1 is 1/3; beta alone would allow it."""
    ward = {"half": [*"ab"], "only a": [*"aa"], "rest": [*"aaab"]}
    assert holds(ward, BetaLikeness("s", Fraction(1), enhanced=False)) == [True, True, True]
    assert holds(ward, BetaLikeness("s", Fraction(1))) == [True, False, True]


def test_a_value_that_everybody_has_gains_nothing() -> None:
    """-ln 1 = 0, and so is the gain: a tie that holds."""
    assert holds({"x": ["a"], "y": ["a"]}, BetaLikeness("s", Fraction(1))) == [True, True]


# people -------------------------------------------------------------------------------------------


def test_a_person_s_value_counts_once_in_a_class() -> None:
    """P1 has a three times: one person with a, one with b."""
    frame = pl.DataFrame({"who": ["P1", "P1", "P1", "P2"], "q": ["x"] * 4, "s": [*"aaab"]})
    columns = (
        Column("who", Role.IDENTIFIER),
        Column("q", Role.QUASI_IDENTIFIER),
        Column("s", Role.SENSITIVE),
    )
    table = Table(frame, columns, "who")
    assert judged(table, LIKE_2).holds.to_list() == [True]
    assert references([TCloseness("s", "equal", Fraction(0))], table)[0]["people"].to_list() == [1, 1]


# several at once ----------------------------------------------------------------------------------


def test_a_row_is_kept_where_its_class_holds_every_criterion() -> None:
    table = table_of({"good": [*"ab"], "one value": [*"aa"], "alone": ["b"]})
    criteria: tuple[Criterion, ...] = (KAnonymity(2), DistinctLDiversity("s", 2))
    rows = countable([table.frame["q"]], pl.int_range(5, eager=True), {1: table.frame["s"]})
    assert kept(classed(rows), criteria, {}).to_list() == [True, True, False, False, False]


def test_without_any_row_there_is_nothing_to_break() -> None:
    for criterion in (LIKE_2, TCloseness("s", "ordered", Fraction(0)), BetaLikeness("s", Fraction(1))):
        found = judged(table_of({"x": ["a", "b"]}), criterion, only="nobody")
        assert (found.holds.to_list(), found.reached) == ([], None)


def test_a_class_with_a_value_that_the_input_does_not_have_is_no_release_of_it() -> None:
    rows = classed(countable([pl.Series(["x"])], pl.Series([0]), {0: pl.Series(["z"])}))
    reference = references([BetaLikeness("s", Fraction(1))], table_of({"x": ["a"]}))[0]
    with pytest.raises(VerificationFailed, match="values that the input does not") as failure:
        verdict(rows, BetaLikeness("s", Fraction(1)), 0, reference)
    assert "z" not in str(failure.value).replace("organization", "")
