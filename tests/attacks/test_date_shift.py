"""Attacks on shifted dates: guessing the secret, and finding a person's shift from what else is released."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.timing import Shift, Timing, days_of, timed
from tests.cli.test_time_runs import published

SECRET = random.Random(11).randbytes(32)
COLUMNS = (
    Column("id", Role.IDENTIFIER),
    Column("came", Role.SENSITIVE, sensitive=True),
    Column("left", Role.SENSITIVE, sensitive=True),
)


def stays(people: int = 500) -> Table:
    draw = random.Random(5)
    rows = []
    for n in range(people):
        came = date(2022, 1, 1) + timedelta(days=draw.randrange(1000))
        rows.append((f"P{n}", str(came), str(came + timedelta(days=draw.choice((1, 2, 3, 5, 9))))))
    return Table(pl.DataFrame(rows, schema=[c.name for c in COLUMNS], orient="row"), COLUMNS, "id")


def test_no_seed_that_can_be_guessed_gives_the_secret(tmp_path: Path) -> None:
    """The attack of faults.md: the open program replayed with the seeds 0 to 100,000."""
    kept = (published(tmp_path) / "internal" / "date_shift.key").read_text().strip()
    secret = int(kept, 16)
    assert all(random.Random(seed).getrandbits(256) != secret for seed in range(100_001))


def test_an_unkeyed_hash_of_the_id_does_not_tell_the_move() -> None:
    """Dictionary: the ids are known, the program is; without the secret the guesses are as good as any."""
    shift = Shift(("came",), 365, False, SECRET)
    guess = Shift(("came",), 365, False, b"")
    people = [f"P{n}" for n in range(5000)]
    hits = sum(days_of(shift, person) == days_of(guess, person) for person in people)
    assert hits <= 20  # 5000 / 730 = 7 by chance


def test_beside_a_date_by_the_calendar_the_shift_is_all_but_known() -> None:
    """Why a shifted date beside one by the calendar is refused: the month of admission, and the shifted
    discharge, leave 40 days instead of 730, and so does every other date that the person's shift was to hide.
    """
    table, shift = stays(), Shift(("left",), 365, False, SECRET)
    told = timed(table, Timing(shift)).table.frame
    for person, came, left in told.rows():
        month = date.fromisoformat(came[:7] + "-01")
        guess = (date.fromisoformat(left) - month).days - 20
        assert abs(guess - days_of(shift, person)) <= 20


def test_where_all_dates_are_shifted_the_release_fits_every_move_alike() -> None:
    """Two secrets, and two worlds whose dates differ by the difference of the moves: one release."""
    table, shift = stays(), Shift(("came", "left"), 365, False, SECRET)
    other = Shift(("came", "left"), 365, False, SECRET[::-1])
    elsewhere = []
    for person, *days in table.frame.rows():
        move = timedelta(days=days_of(shift, person) - days_of(other, person))
        elsewhere.append((person, *(str(date.fromisoformat(day) + move) for day in days)))
    world = Table(pl.DataFrame(elsewhere, schema=table.frame.schema, orient="row"), COLUMNS, "id")
    released = timed(table, Timing(shift)).table.frame
    assert timed(world, Timing(other)).table.frame.equals(released)
    assert not world.frame.equals(table.frame)
