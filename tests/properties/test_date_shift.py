"""Laws of changed dates, against their definitions by plain Python loops and against the verifier's own."""

from __future__ import annotations

import hmac
import random
from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.timing import Relative, Shift, Timing, days_of, timed
from release.verifying.retime import retimed
from tests.properties.laws import law

COLUMNS = (
    Column("id", Role.IDENTIFIER),
    Column("from", Role.SENSITIVE, sensitive=True),
    Column("to", Role.INSENSITIVE),
    Column("since", Role.SENSITIVE, sensitive=True),
)
DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31)).map(date.isoformat)
CELLS = st.one_of(
    st.none(),
    DAYS,
    DAYS.map(lambda day: day[:7]),
    DAYS.map(lambda day: day[:4]),
)
ROWS = st.lists(st.tuples(st.sampled_from("abcdé"), CELLS, CELLS, CELLS), max_size=12)
SECRETS = st.binary(min_size=32, max_size=64)
SHIFTS = st.builds(Shift, st.just(("from", "to")), st.integers(30, 3650), st.booleans(), SECRETS)
BOTH = st.builds(Timing, SHIFTS, st.just(Relative(("since",), "from")))


def table(rows: list[tuple[str | None, ...]]) -> Table:
    frame = pl.DataFrame(rows, schema={c.name: pl.String for c in COLUMNS}, orient="row")
    return Table(frame, COLUMNS, "id")


def moved(cell: str | None, days: int) -> str | None:
    """A date moved, by the definition."""
    if cell is None:
        return None
    middle = {4: "-07-02", 7: "-15", 10: ""}[len(cell)]
    try:
        return str(date.fromisoformat(cell + middle) + timedelta(days=days))[: len(cell)]
    except OverflowError:
        return None


def first_day(cells: list[str | None]) -> date | None:
    """The first day for certain, by the definition: no other cell can mean an earlier one."""
    whole = sorted(cell for cell in cells if cell is not None and len(cell) == 10)
    parts = [cell for cell in cells if cell is not None and len(cell) < 10]
    if not whole or any((part + "-01-01")[:10] < whole[0] for part in parts):
        return None
    return date.fromisoformat(whole[0])


@law(60)
@given(ROWS, BOTH)
def test_every_cell_is_by_the_definition(rows: list[tuple[str | None, ...]], timing: Timing) -> None:
    assert timing.shift is not None
    told = timed(table(rows), timing).table.frame.rows()
    for row, (person, begin, end, since) in zip(rows, told, strict=True):
        days = days_of(timing.shift, str(row[0]))
        assert (person, begin, end) == (row[0], moved(row[1], days), moved(row[2], days))
        start = first_day([other[1] for other in rows if other[0] == row[0]])
        day = row[3] if row[3] is not None and len(row[3]) == 10 else None
        assert since == (None if start is None or day is None else (date.fromisoformat(day) - start).days)


@law(60)
@given(ROWS, BOTH)
def test_the_verifier_comes_to_the_same(rows: list[tuple[str | None, ...]], timing: Timing) -> None:
    input_ = table(rows)
    changed = timed(input_, timing).table.frame
    again = retimed(input_, timing)
    assert set(again) == timing.columns
    assert all(again[name].equals(changed[name], check_dtypes=True) for name in again)


@law(60)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.dates(), st.dates()), max_size=9), SHIFTS)
def test_date_columns_are_moved_as_text_is(rows: list[tuple[str, date, date]], shift: Shift) -> None:
    columns = COLUMNS[:3]
    frame = pl.DataFrame(rows, schema={"id": pl.String, "from": pl.Date, "to": pl.Date}, orient="row")
    days = Table(frame, columns, "id")
    text = Table(frame.with_columns(pl.col("from", "to").cast(pl.String)), columns, "id")
    told = [
        timed(each, Timing(shift)).table.frame.cast({"from": pl.String, "to": pl.String})
        for each in (days, text)
    ]
    assert told[0].equals(told[1])
    again = retimed(days, Timing(shift))
    assert all(again[name].equals(timed(days, Timing(shift)).table.frame[name]) for name in again)


@law(60)
@given(st.lists(st.dates(date(1900, 1, 1), date(2026, 11, 22)), min_size=2, max_size=9), SHIFTS)
def test_intervals_and_on_request_weekdays_are_kept(days: list[date], shift: Shift) -> None:
    rows = [("a", str(day), str(day), None) for day in days]
    frame = timed(table(rows), Timing(shift)).table.frame  # type: ignore[arg-type]
    told = [date.fromisoformat(str(day)) for day in frame["from"]]
    gaps = [(a - b).days for a, b in pairwise(days)]
    assert [(a - b).days for a, b in pairwise(told)] == gaps
    moves = {(b - a).days for a, b in zip(days, told, strict=True)}
    assert len(moves) == 1
    (move,) = moves
    assert 1 <= abs(move) <= shift.days
    if shift.keep_weekday:
        assert move % 7 == 0


@law(60)
@given(st.text(max_size=20), SHIFTS, SECRETS)
def test_the_move_is_the_secrets_and_never_0(person: str, shift: Shift, other: bytes) -> None:
    move = days_of(shift, person)
    assert move == days_of(Shift((), shift.days, shift.keep_weekday, shift.secret), person)
    assert 0 != move <= abs(move) <= shift.days
    if (
        other != shift.secret
        and hmac.new(other, b"", "sha256").digest() != hmac.new(shift.secret, b"", "sha256").digest()
    ):
        people = [f"{person}{n}" for n in range(40)]
        elsewhere = Shift((), shift.days, shift.keep_weekday, other)
        assert [days_of(shift, each) for each in people] != [days_of(elsewhere, each) for each in people]


def test_moves_are_uniform_and_those_of_two_people_or_secrets_unrelated() -> None:
    """Chi-squared of 60,000 people over 730 moves: 729 on average, above 900 once in 50,000 times.

    The same secrets as ever, so this holds or does not; it is no test that fails by chance.
    """
    secrets = [random.Random(n).randbytes(32) for n in (1, 2)]
    shifts = [Shift((), 365, False, secret) for secret in secrets]
    moves = [[days_of(shift, f"P{n}") for n in range(60_000)] for shift in shifts]
    for each in moves:
        assert chi_squared(Counter(each), 730) < 900
    both = Counter((a + b) % 730 for a, b in zip(*moves, strict=True))
    in_turn = Counter((a + b) % 730 for a, b in zip(moves[0][::2], moves[0][1::2], strict=True))
    assert set(moves[0]) == {*range(-365, 0), *range(1, 366)}
    assert chi_squared(both, 730) < 950
    assert chi_squared(in_turn, 730) < 950


def chi_squared(counts: Counter[int], cells: int) -> float:
    expected = sum(counts.values()) / cells
    empty = cells - len(counts)
    return sum((n - expected) ** 2 / expected for n in counts.values()) + empty * expected


def test_other_days_or_weekdays_are_other_moves() -> None:
    """Who knows the moves of one release does not know those of another one by the same secret."""
    secret = random.Random(3).randbytes(32)
    people = [f"P{n}" for n in range(20_000)]
    year, two = ([days_of(Shift((), days, False, secret), p) for p in people] for days in (365, 730))
    same = sum(a == b for a, b in zip(year, two, strict=True))
    assert same < 60  # 20,000 / 1,460 on average where they have nothing to do with one another
