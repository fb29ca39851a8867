"""Laws of linked tables on random small worlds, each counted by brute force from the released rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

import polars as pl
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from anonymizer.counting.counts import count
from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity, KMAnonymity
from anonymizer.hierarchies.hierarchy import suppression
from anonymizer.search.search import search
from anonymizer.tables.table import EVENTS, PERSON, Column, Role, Table
from anonymizer.transforming.linking import Linked, histories, linked, with_events
from anonymizer.transforming.transformation import transform

ID = Column("id", Role.IDENTIFIER)
Kind = tuple[str, str | None]
History = Counter[Kind]

had = st.lists(st.tuples(st.integers(0, 8), st.sampled_from(["a", "b", "c", None])), max_size=22)
worlds = st.tuples(had, had, st.lists(st.sampled_from("xyz"), min_size=9, max_size=9))
wards = st.lists(st.sampled_from(["s", "h", None]), min_size=9, max_size=9)


def people(sexes: list[str], values: list[str | None]) -> Table:
    frame = pl.DataFrame(
        {"id": [f"p{i}" for i in range(9)], "sex": sexes, "ward": pl.Series(values, dtype=pl.String)}
    )
    sex = Column("sex", Role.QUASI_IDENTIFIER, suppression())
    return Table(frame, (ID, sex, Column("ward", Role.SENSITIVE, sensitive=True)), "id")


def events(rows: list[tuple[int, str | None]]) -> Table:
    schema = {"id": pl.String, "code": pl.String, "row": pl.Int64}
    frame = pl.DataFrame(
        [(f"p{i}", code, n) for n, (i, code) in enumerate(rows)], schema=schema, orient="row"
    )
    code = Column("code", Role.QUASI_IDENTIFIER, suppression(), max_level=0)
    return Table(frame, (ID, code, Column("row", Role.SENSITIVE, sensitive=True)), "id")


def released(table: Table, tables: dict[str, Table], criteria: tuple[Criterion, ...]) -> Linked:
    known = next(c for c in criteria if isinstance(c, KMAnonymity))
    told = histories(tables, known.m)
    beside = with_events(table, told)
    counts = count(beside, criteria)
    done = transform(beside, counts, search(counts, criteria, Fraction(1)), criteria)
    return linked(table, done.frame, told, done.removed_codes[EVENTS], criteria)


def classes(done: Linked) -> dict[str, list[tuple[str | None, History]]]:
    """By class the ward and the events of each person, from the released tables alone."""
    had: dict[str, History] = {person: Counter() for person in done.people[PERSON]}
    for name, frame in done.events.items():
        for person, code in frame.select(PERSON, "code").iter_rows():
            had[person][name, code] += 1
    found: dict[str, list[tuple[str | None, History]]] = {}
    for person, sex, ward in done.people.select(PERSON, "sex", "ward").iter_rows():
        found.setdefault(sex, []).append((ward, had[person]))
    return found


def known(history: History, m: int) -> Iterator[History]:
    """Every multiset of up to m events of a person."""
    for size in range(m + 1):
        yield from map(Counter, combinations(list(history.elements()), size))


@settings(max_examples=120, deadline=None)
@given(worlds, wards, st.integers(2, 4), st.integers(1, 3))
def test_any_m_events_are_those_of_k_people_of_the_class(
    world: tuple[list[tuple[int, str | None]], list[tuple[int, str | None]], list[str]],
    values: list[str | None],
    k: int,
    m: int,
) -> None:
    diagnosed, treated, sexes = world
    tables = {"diagnoses": events(diagnosed), "procedures": events(treated)}
    done = released(people(sexes, values), tables, (KAnonymity(k), KMAnonymity(EVENTS, k, m, repair=True)))
    for everyone in classes(done).values():
        for _, history in everyone:
            for some in known(history, m):
                assert sum(some <= other for _, other in everyone) >= k


@settings(max_examples=80, deadline=None)
@given(worlds, wards, st.integers(1, 3))
def test_whoever_shares_known_events_differs_in_what_is_sensitive(
    world: tuple[list[tuple[int, str | None]], list[tuple[int, str | None]], list[str]],
    values: list[str | None],
    m: int,
) -> None:
    diagnosed, treated, sexes = world
    tables = {"diagnoses": events(diagnosed), "procedures": events(treated)}
    assume({*values} >= {"s", "h"})
    criteria = (KAnonymity(2), KMAnonymity(EVENTS, 2, m, repair=True), DistinctLDiversity("ward", 2))
    done = released(people(sexes, values), tables, criteria)
    for everyone in classes(done).values():
        for _, history in everyone:
            for some in known(history, m):
                assert {ward for ward, other in everyone if some <= other} >= {"s", "h"}


@settings(max_examples=80, deadline=None)
@given(worlds, wards, st.integers(1, 3))
def test_every_event_released_is_one_of_its_person_and_told_once(
    world: tuple[list[tuple[int, str | None]], list[tuple[int, str | None]], list[str]],
    values: list[str | None],
    m: int,
) -> None:
    diagnosed, treated, sexes = world
    rows = {"diagnoses": diagnosed, "procedures": treated}
    tables = {name: events(of) for name, of in rows.items()}
    done = released(people(sexes, values), tables, (KAnonymity(2), KMAnonymity(EVENTS, 2, m, repair=True)))
    owner: dict[str, int] = {}
    for name, frame in done.events.items():
        assert frame["row"].is_duplicated().sum() == 0
        assert set(frame[PERSON]) <= set(done.people[PERSON])
        for person, code, row in frame.iter_rows():
            assert rows[name][row][1] == code
            assert owner.setdefault(person, rows[name][row][0]) == rows[name][row][0]
    assert len(set(owner.values())) == len(owner)


@settings(max_examples=40, deadline=None)
@given(had, st.integers(1, 3))
def test_nothing_is_removed_from_people_who_all_had_the_same(
    rows: list[tuple[int, str | None]], m: int
) -> None:
    same = [(person, code) for person in range(9) for _, code in rows]
    tables = {"diagnoses": events(same)}
    criteria = (KAnonymity(3), KMAnonymity(EVENTS, 3, m, repair=True))
    done = released(people(["x"] * 9, [None] * 9), tables, criteria)
    assert done.events["diagnoses"].height == len(same)
    assert done.removed.is_empty()
