"""Generalisation hierarchies: what a value becomes, level by level, and how many leaves it then covers.

A leaf is a value of the domain. The share of the domain that a cell covers is what it loses.
"""

from __future__ import annotations

import polars as pl
import pytest

from anonymizer.errors import BadConfig, BadInput
from anonymizer.hierarchies.encoding import build_ladder, encode
from anonymizer.hierarchies.hierarchy import Hierarchy, Prefix, bands, prefix, suppression
from anonymizer.tables.table import Column, Role

Path = list[tuple[str, int]]


def path(hierarchy: Hierarchy, value: str) -> Path:
    """The (label, leaves) of a value from level 0 to the top."""
    result = hierarchy.generalise([value])
    labels, counts = [x for (x,) in result.labels], [x for (x,) in result.leaf_counts]
    return list(zip(labels, counts, strict=True))


# --- suppression: the value, or nothing ---------------------------------------------------------------------


def test_suppression_keeps_a_value_or_drops_it() -> None:
    assert suppression().level_names == ("value", "*")
    assert path(suppression(), "female") == [("female", 1), ("*", 2)]


# --- bands of integers, top-coded ---------------------------------------------------------------------------

AGE = bands([5, 10, 20], top=90)


def test_bands_are_closed_intervals_that_double_as_their_own_explanation() -> None:
    assert AGE.level_names == ("value", "bands of 5", "bands of 10", "bands of 20", "*")
    assert path(AGE, "42") == [("42", 1), ("[40, 44]", 5), ("[40, 49]", 10), ("[40, 59]", 20), ("*", 91)]


def test_the_domain_is_the_integers_from_0_to_the_top() -> None:
    assert AGE.leaves == 91
    assert path(AGE, "0")[:2] == [("0", 1), ("[0, 4]", 5)]


@pytest.mark.parametrize("age", ["90", "91", "117"])
def test_everything_from_the_top_on_is_one_leaf_at_every_level(age: str) -> None:
    assert path(AGE, age) == [("[90, *)", 1)] * 4 + [("*", 91)]


def test_a_band_that_the_top_cuts_ends_below_it() -> None:
    assert path(bands([10, 20], top=85), "84") == [("84", 1), ("[80, 84]", 5), ("[80, 84]", 5), ("*", 86)]


def test_a_band_that_the_bottom_cuts_starts_at_it() -> None:
    hierarchy = bands([10], top=90, bottom=18)
    assert hierarchy.leaves == 73
    assert path(hierarchy, "18") == [("18", 1), ("[18, 19]", 2), ("*", 73)]
    assert path(hierarchy, "20")[1] == ("[20, 29]", 10)


def test_bands_reach_below_zero() -> None:
    assert path(bands([5], top=40, bottom=-20), "-3") == [("-3", 1), ("[-5, -1]", 5), ("*", 61)]


@pytest.mark.parametrize("value", ["17", "-1", "042", "42.0", "4 2", "", "forty", "1e2", "٤٢", "+5"])
def test_what_is_no_integer_from_the_bottom_on_is_refused_with_a_count(value: str) -> None:
    with pytest.raises(BadInput) as refusal:
        bands([5], top=90, bottom=18).generalise(["20", value])
    assert refusal.value.count == 1


@pytest.mark.parametrize("value", ["-0", "00", "007", "-07"])
def test_an_integer_in_another_spelling_is_refused_too(value: str) -> None:
    """As one more value of the same band it would count towards l."""
    with pytest.raises(BadInput):
        bands([5], top=90, bottom=-20).generalise(["0", "7", value])


@pytest.mark.parametrize("widths", [[5, 12], [10, 5], [5, 5], [1], [0], [-5]])
def test_a_band_may_not_be_split_by_a_wider_one(widths: list[int]) -> None:
    with pytest.raises(BadConfig, match="multiple"):
        bands(widths, top=90)


def test_the_bottom_lies_below_the_top() -> None:
    with pytest.raises(BadConfig, match="bottom"):
        bands([5], top=18, bottom=18)


# --- prefixes -----------------------------------------------------------------------------------------------


def test_a_prefix_shares_one_in_ten_per_digit_dropped() -> None:
    plz = prefix([3, 2, 1])
    assert plz.level_names == ("5 characters", "3 characters", "2 characters", "1 character", "*")
    assert path(plz, "01067") == [("01067", 1), ("010", 100), ("01", 1_000), ("0", 10_000), ("*", 100_000)]


def test_a_short_code_is_a_leaf_of_its_own_up_to_the_level_that_contains_it() -> None:
    assert path(prefix([3, 2]), "01") == [("01", 1), ("01", 1), ("01", 1_000), ("*", 100_000)]


def test_a_code_system_shares_by_position() -> None:
    """`C09A`: one letter of two, a number of ten by ten, one letter of three."""
    code = Prefix((3, 1), (2, 10, 10, 3), r"[A-B][0-9]{2}[A-C]", ("code", "group", "chapter"))
    assert path(code, "B09C") == [("B09C", 1), ("B09", 3), ("B", 300), ("*", 600)]


def test_a_malformed_code_is_refused_with_a_count() -> None:
    with pytest.raises(BadInput) as refusal:
        prefix([3, 2]).generalise(["01067", "010 7", "010678", ""])
    assert refusal.value.count == 3


@pytest.mark.parametrize("kept", [[2, 3], [3, 3], [5], [6], [0], [2, 0], [-1]])
def test_prefixes_grow_shorter_from_level_to_level(kept: list[int]) -> None:
    with pytest.raises(BadConfig, match="fall"):
        prefix(kept)


# --- missing values and level bounds ------------------------------------------------------------------------


def age_column(**bounds: int) -> Column:
    return Column("age", Role.QUASI_IDENTIFIER, AGE, **bounds)  # type: ignore[arg-type]


def test_missing_is_one_extra_leaf_that_stays_missing_below_the_top() -> None:
    codes, ladder = encode(pl.Series("age", ["42", None, "7"]), age_column())
    assert codes.tolist() == [0, 2, 1]
    assert ladder.leaves == 92
    assert [level[2] for level in ladder.labels] == [None, None, None, None, "*"]
    assert ladder.leaf_counts[:, 2].tolist() == [1, 1, 1, 1, 92]
    assert ladder.leaf_counts[:, 0].tolist() == [1, 5, 10, 20, 92]


def test_a_column_without_missing_values_has_no_extra_leaf() -> None:
    _, ladder = encode(pl.Series("age", ["42", "7"]), age_column())
    assert ladder.leaves == 91
    assert ladder.leaf_counts[:, 0].tolist() == [1, 5, 10, 20, 91]


def test_a_column_of_nothing_but_missing_values_is_encoded() -> None:
    codes, ladder = encode(pl.Series("age", [None, None], dtype=pl.String), age_column())
    assert codes.tolist() == [0, 0]
    assert ladder.labels == ((None,),) * 4 + (("*",),)


def test_missing_and_a_value_that_reads_alike_are_two_things() -> None:
    column = Column("q", Role.QUASI_IDENTIFIER, suppression())
    codes, ladder = encode(pl.Series("q", ["", None, "null", "None"]), column)
    assert len(set(codes.tolist())) == 4
    assert len(set(ladder.label_codes[0].tolist())) == 4


def test_levels_may_be_bounded() -> None:
    ladder = build_ladder(age_column(min_level=1, max_level=3), ["42"], missing=False)
    assert (ladder.lowest, ladder.highest, ladder.top) == (1, 3, 4)
    unbounded = build_ladder(age_column(), ["42"], missing=False)
    assert (unbounded.lowest, unbounded.highest) == (0, 4)


@pytest.mark.parametrize("bounds", [(-1, 2), (0, 5), (3, 2), (5, 5)])
def test_level_bounds_outside_the_hierarchy_are_refused(bounds: tuple[int, int]) -> None:
    with pytest.raises(BadConfig, match=r"'age'.*between 0 and 4"):
        build_ladder(age_column(min_level=bounds[0], max_level=bounds[1]), ["42"], missing=False)


def test_more_leaves_than_64_bits_can_count_are_refused() -> None:
    def ladder(bottom: int, *, missing: bool) -> object:
        column = Column("q", Role.QUASI_IDENTIFIER, bands([5], top=2**62 - 2, bottom=bottom))
        return build_ladder(column, ["42"], missing=missing)

    ladder(0, missing=False)
    for bottom, missing in [(0, True), (-1, False), (-(2**70), False)]:
        with pytest.raises(BadConfig, match=r"'q'.*too many leaves"):
            ladder(bottom, missing=missing)


def test_a_quasi_identifier_needs_a_hierarchy() -> None:
    with pytest.raises(BadConfig, match=r"'age'.*needs a hierarchy"):
        build_ladder(Column("age", Role.QUASI_IDENTIFIER), ["42"], missing=False)


def test_a_refused_value_is_reported_with_its_column() -> None:
    with pytest.raises(BadInput) as refusal:
        encode(pl.Series("age", ["42", "4Z", None]), age_column())
    assert (refusal.value.column, refusal.value.count) == ("age", 1)
    assert "4Z" not in str(refusal.value)
