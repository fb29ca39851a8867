"""The arithmetic on intervals equals the literal meaning of the rules, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mii.consent import COLLECT, OID, USE, ConsentRecord, EncounterPeriod, Provision, decide

FIRST = date(2024, 1, 1)
SPAN = 40
ALL_DAYS = range(-SPAN, 2 * SPAN)
GATE = Provision("permit", "2000-01-01", None, (USE,))
PAST = f"{OID}.45"

periods = st.tuples(st.integers(0, SPAN), st.integers(0, SPAN)).map(lambda ends: (min(ends), max(ends)))
several = st.lists(periods, max_size=4)
Period = tuple[int, int]


def iso(day: int) -> str:
    return (FIRST + timedelta(days=day)).isoformat()


def provisions(kind: str, code: str, spans: list[Period]) -> tuple[Provision, ...]:
    return tuple(Provision(kind, iso(low), iso(high), (code,)) for low, high in spans)


def consents(permits: list[Period], denies: list[Period], past: list[Period]) -> list[ConsentRecord]:
    permitting = [
        ConsentRecord("p", "active", True, True, (GATE, *provisions("permit", COLLECT, [permit])))
        for permit in permits
    ]
    denied = (*provisions("deny", COLLECT, denies), *provisions("deny", PAST, past))
    return [*permitting, ConsentRecord("p", "active", True, True, denied)]


def covered(
    records: list[ConsentRecord], stays: Sequence[Period] = (), *, retrospective: bool = False
) -> set[int]:
    encounters = [EncounterPeriod("p", iso(low), iso(high)) for low, high in stays]
    decided = decide(
        records, encounters, reference_date=FIRST, consent_date=FIRST, retrospective=retrospective
    )["p"]
    return {day for day in ALL_DAYS if decided.window is not None and decided.window.covers(iso(day))}


def within(spans: list[Period]) -> set[int]:
    return {day for low, high in spans for day in range(low, high + 1)}


@given(permits=several, denies=several)
def test_the_window_is_permitted_days_less_denied_days(permits: list[Period], denies: list[Period]) -> None:
    assert covered(consents(permits, denies, [])) == within(permits) - within(denies)


@given(permits=several, denies=several, stays=several)
def test_stays_add_their_days_before_a_permit_that_starts_in_them(
    permits: list[Period], denies: list[Period], stays: list[Period]
) -> None:
    before = [(low, start) for start, _ in permits for low, high in stays if low < start <= high]
    expected = (within(permits) | within(before)) - within(denies)
    assert covered(consents(permits, denies, []), stays) == expected


@given(permits=several, denies=several, past=several)
def test_the_past_is_cut_by_its_own_denies_alone(
    permits: list[Period], denies: list[Period], past: list[Period]
) -> None:
    records = consents(permits, denies, past)
    for index in range(len(permits)):
        own = provisions("permit", PAST, [permits[index]])
        records[index] = ConsentRecord("p", "active", True, True, (*records[index].provisions, *own))
    earlier = [(min(ALL_DAYS), start - 1) for start, _ in permits]
    expected = within(permits) - within(denies) | (within(earlier) - within(past))
    assert covered(records, retrospective=True) == expected


@given(permits=several, denies=several)
def test_intervals_are_sorted_and_apart(permits: list[Period], denies: list[Period]) -> None:
    decided = decide(consents(permits, denies, []), [], reference_date=FIRST, consent_date=FIRST)["p"]
    intervals = decided.window.intervals if decided.window else ()
    for (_, high), (low, _) in pairwise(intervals):
        assert high + timedelta(days=1) < low
