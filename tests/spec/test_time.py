"""Dates that are told without their day: shifted by each person's own days, or counted from an event.

| patient | admitted   | discharged | died    |     | patient | admitted   | discharged | died    | stay |
|---------|------------|------------|---------|     |---------|------------|------------|---------|------|
| P1      | 2024-02-26 | 2024-03-01 | 2025    | →   | P1      | 2023-10-26 | 2023-10-30 | 2025    | 4    |
| P1      | 2024-05-06 | 2024-05-07 | 2025    |     | P1      | 2024-01-04 | 2024-01-05 | 2025    | 71   |
| P2      | 2020-12-31 |            | 2021-01 |     | P2      | 2020-01-27 |            | 2020-02 |      |

P1's dates move by -123 days and P2's by -339: the intervals stay, the days do not. `stay` is the discharge
told as days since the first admission.
"""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.timing import Relative, Shift, Timing, days_of, timed

SECRET = b"0123456789abcdef" * 4
ROWS = [
    ("P1", "2024-02-26", "2024-03-01", "2025", "2024-03-01"),
    ("P1", "2024-05-06", "2024-05-07", "2025", "2024-05-07"),
    ("P2", "2020-12-31", None, "2021-01", None),
]
NAMES = ("patient", "admitted", "discharged", "died", "stay")
SHIFT = Shift(("admitted", "discharged", "died"), 365, False, SECRET)


def history(rows: list[tuple[str | None, ...]] = ROWS) -> Table:  # type: ignore[assignment]
    columns = [Column(name, Role.SENSITIVE, sensitive=True) for name in NAMES]
    columns[0] = Column("patient", Role.IDENTIFIER)
    frame = pl.DataFrame(rows, schema=dict.fromkeys(NAMES, pl.String), orient="row")
    return Table(frame, tuple(columns), "patient")


def test_all_dates_of_a_person_move_by_the_same_days() -> None:
    told = timed(history(), Timing(SHIFT, Relative(("stay",), "admitted"))).table.frame
    assert told.drop("patient").rows() == [
        ("2023-10-26", "2023-10-30", "2025", 4),
        ("2024-01-04", "2024-01-05", "2025", 71),
        ("2020-01-27", None, "2020-02", None),
    ]


@pytest.mark.parametrize(
    ("person", "any_day", "weekday", "a_month"),
    [("P1", -123, 105, 6), ("P2", -339, 98, -20), ("P3", 25, 21, 2), ("Müller", -247, 252, 7)],
)
def test_the_days_are_those_that_an_hmac_tells(person: str, any_day: int, weekday: int, a_month: int) -> None:
    """Computed with OpenSSL 3: the HMAC-SHA-256 of `clinical-anon date shift␀365␀0␀P1` and the like, as a
    number, modulo the number of possible moves, counted from the earliest one."""
    shifts = [Shift((), 365, False, SECRET), Shift((), 365, True, SECRET), Shift((), 30, False, SECRET)]
    assert [days_of(shift, person) for shift in shifts] == [any_day, weekday, a_month]


def test_partial_dates_move_by_their_middle_and_stay_as_precise() -> None:
    """By -123 days: the 15th of October becomes one of June, the 2 July one of March."""
    rows = [("P1", "2024-10", "1962", "1962-03", None)]
    done = timed(history(rows), Timing(SHIFT))
    assert done.table.frame.row(0)[1:4] == ("2024-06", "1962", "1961-11")
    assert done.counts["died"] == {"shifted": 1, "partial": 1, "missing_outside_the_calendar": 0}


def test_dates_of_a_date_column_stay_dates() -> None:
    table = history()
    frame = table.frame.with_columns(pl.col("admitted").str.to_date())
    told = timed(Table(frame, table.columns, "patient"), Timing(Shift(("admitted",), 365, False, SECRET)))
    assert told.table.frame["admitted"].to_list() == [
        date(2023, 10, 26),
        date(2024, 1, 4),
        date(2020, 1, 27),
    ]


def test_a_date_that_leaves_the_calendar_becomes_missing_and_is_counted() -> None:
    done = timed(history([("P1", "0001-02-01", "0001-12-24", None, None)]), Timing(SHIFT))
    assert done.table.frame.row(0)[1:3] == (None, "0001-08-23")
    assert done.counts["admitted"]["missing_outside_the_calendar"] == 1


def test_relative_time_counts_from_the_first_day_and_never_guesses() -> None:
    rows = [
        ("P1", "2024-02-26", None, None, "2024-02-20"),
        ("P1", "2024-02-10", None, None, "2024-03"),
        ("P2", "2024", None, None, "2024-05-01"),
        ("P3", "2024-03-15", None, None, "2024-03-16"),
        ("P3", "2024-03", None, None, "2024-03-17"),
        ("P4", "2024-03-01", None, None, "2024-03-02"),
        ("P4", "2024-03", None, None, "2024-03-03"),
        ("P5", None, None, None, "2024-03-03"),
    ]
    done = timed(history(rows), Timing(relative=Relative(("stay",), "admitted")))
    # P2's admission is of no known day, P3's other one may have been before the known one; P4's cannot
    assert done.table.frame["stay"].to_list() == [10, None, None, None, None, 1, 2, None]
    assert done.table.frame.schema["stay"] == pl.Int64
    assert done.counts["stay"] == {
        "told": 3,
        "missing_for_a_partial_date": 1,
        "missing_for_want_of_a_first_day": 4,
    }


def test_the_secret_is_not_in_the_words_of_a_shift() -> None:
    assert SECRET.decode() not in repr(SHIFT) + repr(Timing(SHIFT)) + str(SHIFT)
