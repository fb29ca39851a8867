"""Dates: from the day to the decade. The leaves are the days of the domain."""

from __future__ import annotations

from datetime import date

import pytest

from anonymizer.errors import BadConfig, BadInput
from anonymizer.hierarchies.dates import Dates, dates

EVERY_UNIT = ["day", "month", "quarter", "year", "5-years", "decade"]
BIRTH = dates(EVERY_UNIT, first=date(1900, 1, 1), last=date(2026, 11, 22))


def path(hierarchy: Dates, value: str) -> list[tuple[str, int]]:
    """The (label, days) of a date from level 0 to the top."""
    result = hierarchy.generalise([value])
    labels, counts = [x for (x,) in result.labels], [x for (x,) in result.leaf_counts]
    return list(zip(labels, counts, strict=True))


def test_a_day_becomes_month_quarter_year_five_years_and_decade() -> None:
    assert BIRTH.level_names == ("day", "month", "quarter", "year", "5-years", "decade", "*")
    assert path(BIRTH, "1962-05-17") == [
        ("1962-05-17", 1),
        ("1962-05", 31),
        ("1962-Q2", 30 + 31 + 30),
        ("1962", 365),
        ("[1960, 1964]", 5 * 365 + 2),
        ("[1960, 1969]", 10 * 365 + 3),
        ("*", 46_347),
    ]


def test_the_day_is_always_level_0_and_units_may_be_left_out() -> None:
    some = dates(["month", "year"], first=date(1900, 1, 1), last=date(2026, 11, 22))
    assert some.level_names == ("day", "month", "year", "*")
    assert [label for label, _ in path(some, "1962-05-17")] == ["1962-05-17", "1962-05", "1962", "*"]
    assert dates(["day", "month", "year"], first=some.first, last=some.last).level_names == some.level_names
    assert dates([], first=some.first, last=some.last).level_names == ("day", "*")


@pytest.mark.parametrize(
    ("day", "quarter"),
    [
        ("1999-01-01", "1999-Q1"),
        ("1999-03-31", "1999-Q1"),
        ("1999-04-01", "1999-Q2"),
        ("1999-12-31", "1999-Q4"),
    ],
)
def test_quarters_start_in_january_april_july_and_october(day: str, quarter: str) -> None:
    assert path(BIRTH, day)[2][0] == quarter


def test_the_leap_day_is_a_day_of_its_february_and_of_no_other() -> None:
    assert path(BIRTH, "2000-02-29")[:4] == [
        ("2000-02-29", 1),
        ("2000-02", 29),
        ("2000-Q1", 31 + 29 + 31),
        ("2000", 366),
    ]
    assert path(BIRTH, "2001-02-28")[1] == ("2001-02", 28)
    with pytest.raises(BadInput):
        BIRTH.generalise(["1900-02-29"])


def test_a_month_is_a_leaf_of_its_own_up_to_the_level_that_contains_it() -> None:
    assert path(BIRTH, "1962-05")[:3] == [("1962-05", 1), ("1962-05", 31), ("1962-Q2", 91)]


def test_a_year_is_a_leaf_of_its_own_up_to_the_level_that_contains_it() -> None:
    assert path(BIRTH, "1962")[:5] == [
        ("1962", 1),
        ("1962", 1),
        ("1962", 1),
        ("1962", 365),
        ("[1960, 1964]", 1_827),
    ]


def test_a_period_counts_its_days_inside_the_domain_only() -> None:
    stay = dates(["month", "year"], first=date(2024, 2, 20), last=date(2025, 1, 5))
    assert stay.leaves == 10 + 306 + 5
    assert path(stay, "2024-02-29") == [("2024-02-29", 1), ("2024-02", 10), ("2024", 316), ("*", 321)]
    assert path(stay, "2025-01-05")[1:3] == [("2025-01", 5), ("2025", 5)]


def test_a_partial_date_belongs_where_one_of_its_days_does() -> None:
    stay = dates(["year"], first=date(2024, 2, 20), last=date(2025, 1, 5))
    assert path(stay, "2024-02") == [("2024-02", 1), ("2024", 316), ("*", 321)]
    assert path(stay, "2025") == [("2025", 1), ("2025", 5), ("*", 321)]
    with pytest.raises(BadInput):
        stay.generalise(["2024-01"])


OUTSIDE = ["1899-12-31", "2026-11-23", "1899", "2027-01"]
NO_DATES = [
    "",
    "62",
    "1962-5-17",
    "1962-13",
    "1962-00",
    "1962-04-31",
    "17.05.1962",
    "1962-05-17T08:00",
    "0000",
]
LOOKALIKES = ["1962-05-17 ", "1962-05-17\n", "１９６２", "-1962", "1962-Q2"]


@pytest.mark.parametrize("value", OUTSIDE + NO_DATES + LOOKALIKES)
def test_what_is_no_date_of_the_domain_is_refused_with_a_count(value: str) -> None:
    with pytest.raises(BadInput) as refusal:
        BIRTH.generalise(["1962-05-17", value])
    assert refusal.value.count == 1
    assert not value.strip() or value not in str(refusal.value)


def test_the_first_and_last_year_of_the_calendar_can_be_generalised() -> None:
    always = dates(EVERY_UNIT, first=date.min, last=date.max)
    assert path(always, "0001-01-01")[5:] == [("[0000, 0009]", 9 * 365 + 2), ("*", always.leaves)]
    assert path(always, "9999-12-31")[5] == ("[9990, 9999]", 10 * 365 + 2)


@pytest.mark.parametrize(
    "units", [["week"], ["year", "month"], ["month", "month"], ["decade", "5-years"], [""]]
)
def test_units_are_known_and_go_from_fine_to_coarse(units: list[str]) -> None:
    with pytest.raises(BadConfig, match="from fine to coarse"):
        dates(units, first=date(1900, 1, 1), last=date(2026, 11, 22))


def test_the_domain_does_not_end_before_it_starts() -> None:
    with pytest.raises(BadConfig, match="ends before it starts"):
        dates(["year"], first=date(2026, 1, 2), last=date(2026, 1, 1))
    assert dates(["year"], first=date(2026, 1, 1), last=date(2026, 1, 1)).leaves == 1
