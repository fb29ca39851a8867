"""Which events left a class is chosen by rule: what an attacker learns who runs the program on every input.

All worlds of one class are enumerated in which each person has a set of the events a, b and c; the attacker
takes them for equally likely, keeps those that give the release, and asks which row is the target's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import combinations, combinations_with_replacement
from math import factorial, prod
from typing import NamedTuple

import polars as pl
import pytest

from anonymizer.counting.counts import count
from anonymizer.criteria import Criterion, KAnonymity, KMAnonymity
from anonymizer.hierarchies.hierarchy import suppression
from anonymizer.search.search import search
from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.transformation import transform

Events = tuple[str, ...]
SETS: list[Events] = [events for size in range(4) for events in combinations("abc", size)]
CLASS = Column("class", Role.QUASI_IDENTIFIER, suppression(), min_level=0, max_level=0)
HISTORY = Column("events", Role.SENSITIVE, sensitive=True)


class World(NamedTuple):
    """What everybody had, in how many orders of the people, and what is shown of it to all."""

    had: Counter[Events]
    orders: int
    shown: frozenset[str]


class Belief(NamedTuple):
    """How sure the attacker is that a row with these events is the target's, who had the known ones."""

    surest: Fraction
    row: Events
    known: Events
    release: tuple[Events, ...]


def left(events: Events, shown: frozenset[str]) -> Events:
    return tuple(event for event in events if event in shown)


def worlds(people: int, k: int, m: int) -> dict[tuple[Events, ...], list[World]]:
    """Every input but for the order of its people, by its release."""
    releases: defaultdict[tuple[Events, ...], list[World]] = defaultdict(list)
    for world in combinations_with_replacement(SETS, people):
        had, rows = Counter(world), released(world, k, m)
        shown = frozenset(event for row in rows for event in row)
        assert sorted(rows) == sorted(left(events, shown) for events in world)
        orders = factorial(people) // prod(factorial(n) for n in had.values())
        releases[tuple(sorted(rows))].append(World(had, orders, shown))
    return releases


def released(world: Sequence[Events], k: int, m: int) -> list[Events]:
    """What the program shows of these people."""
    criteria: tuple[Criterion, ...] = (KAnonymity(k), KMAnonymity("events", k, m, repair=True))
    columns = {"class": ["x"] * len(world), "events": [list(events) for events in world]}
    frame = pl.DataFrame(columns, schema={"class": pl.String, "events": pl.List(pl.String)})
    table = Table(frame, (CLASS, HISTORY), None)
    counts = count(table, criteria)
    done = transform(table, counts, search(counts, criteria, Fraction(0)), criteria)
    return [tuple(events or ()) for events in done.frame["events"].to_list()]


def beliefs(releases: dict[tuple[Events, ...], list[World]], m: int) -> Iterator[Belief]:
    """For every release, and every set of up to ``m`` events that the target may be known to have had."""
    for release, possible in releases.items():
        rows = Counter(release)
        for known in (events for events in SETS if len(events) <= m):
            weights: Counter[Events] = Counter()
            for world in possible:
                for events, people in world.had.items():
                    if set(known) <= set(events):
                        weights[left(events, world.shown)] += world.orders * people
            for row, weight in weights.items():
                yield Belief(Fraction(weight, weights.total() * rows[row]), row, known, release)


@pytest.mark.parametrize("k", [2, 3])
def test_who_knows_one_event_learns_nothing_from_the_rule(k: int) -> None:
    """With m = 1 an event stays where k people have it, whatever else they have."""
    assert max(belief.surest for belief in beliefs(worlds(4, k, 1), 1)) == Fraction(1, k)


def test_who_knows_two_events_that_are_gone_learns_something() -> None:
    """Three of four show a, nobody b or c, and the target had both: 13/22 that it is the one without a.

    More of the worlds in which the target is that one lose b and c. Of 590 cases the belief is above 1/k in
    these three. Stated in docs/linked_tables.md.
    """
    told = list(beliefs(worlds(4, 2, 2), 2))
    above = [belief for belief in told if belief.surest > Fraction(1, 2)]
    assert [(b.surest, b.row, b.known) for b in sorted(above, key=lambda b: b.known)] == [
        (Fraction(13, 22), (), ("a", "b")),
        (Fraction(13, 22), (), ("a", "c")),
        (Fraction(13, 22), (), ("b", "c")),
    ]
    assert {belief.release for belief in above} == {((), (x,), (x,), (x,)) for x in "abc"}
    assert len({(belief.release, belief.known) for belief in told}) == 590
