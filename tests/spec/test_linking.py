"""Several tables in one release: what is known of people's events, and what must leave a class of people.

Drawn: five people of two classes and their diagnoses. With k = 2 and m = 2 two people must share every pair.

    class f: ann  I10 I10 E11      class m: cid  I10
             bea  I10 E11                   dan  I10 C50
             eve  I10 I10
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import polars as pl
import pytest

from anonymizer.counting.counts import count
from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity, KMAnonymity
from anonymizer.errors import BadConfig
from anonymizer.hierarchies.hierarchy import prefix, suppression
from anonymizer.search.search import search
from anonymizer.tables.table import EVENTS, PERSON, Column, Role, Table
from anonymizer.transforming.linking import Linked, histories, linked, with_events
from anonymizer.transforming.transformation import transform

PEOPLE = {"ann": "f", "bea": "f", "eve": "f", "cid": "m", "dan": "m"}
HAD = [
    ("ann", "I10"),
    ("ann", "I10"),
    ("ann", "E11"),
    ("bea", "I10"),
    ("bea", "E11"),
    ("eve", "I10"),
    ("eve", "I10"),
    ("cid", "I10"),
    ("dan", "I10"),
    ("dan", "C50"),
]
KNOWN = KMAnonymity(EVENTS, k=2, m=2, repair=True)
K = KAnonymity(2)
ID = Column("id", Role.IDENTIFIER)


def people(sexes: Mapping[str, str] = PEOPLE, values: list[str | None] | None = None) -> Table:
    frame = pl.DataFrame({"id": list(sexes), "sex": list(sexes.values())})
    columns = [ID, Column("sex", Role.QUASI_IDENTIFIER, suppression(), max_level=0)]
    if values is not None:
        frame = frame.with_columns(pl.Series("ward", values, dtype=pl.String))
        columns.append(Column("ward", Role.SENSITIVE, sensitive=True))
    return Table(frame, tuple(columns), "id")


def diagnoses(had: list[tuple[str, str]] | None = None, *, level: int = 0) -> Table:
    rows = HAD if had is None else had
    frame = pl.DataFrame(rows, schema={"id": pl.String, "icd": pl.String}, orient="row")
    kind = Column("icd", Role.QUASI_IDENTIFIER, prefix((1,), length=3), min_level=level, max_level=level)
    return Table(frame, (ID, kind), "id")


def released(table: Table, events: Mapping[str, Table], *criteria: Criterion, limit: float = 0.0) -> Linked:
    known = next(c for c in criteria if isinstance(c, KMAnonymity))
    told = histories(events, known.m)
    beside = with_events(table, told)
    counts = count(beside, criteria)
    solution = search(counts, criteria, Fraction(limit))
    done = transform(beside, counts, solution, criteria)
    return linked(table, done.frame, told, done.removed_codes[EVENTS], criteria)


def shown(done: Linked, table: str = "diagnoses", column: str = "icd") -> list[tuple[str, ...]]:
    """What is released of each person: the sex, and the codes in order; the people in order."""
    sexes = dict(zip(done.people[PERSON], done.people["sex"], strict=True))
    had: dict[str, list[str]] = {person: [] for person in sexes}
    for person, code in done.events[table].select(PERSON, column).iter_rows():
        had[person].append(code)
    return sorted((sexes[person], *sorted(codes)) for person, codes in had.items())


def test_what_too_few_of_a_class_share_leaves_the_class() -> None:
    done = released(people(), {"diagnoses": diagnoses()}, K, KNOWN)
    # Only ann had I10 twice and E11: the rarer of the two leaves the class. C50 is dan alone.
    assert shown(done) == [
        ("f", "I10"),
        ("f", "I10", "I10"),
        ("f", "I10", "I10"),
        ("m", "I10"),
        ("m", "I10"),
    ]


def test_less_knowledge_shows_more() -> None:
    known = KMAnonymity(EVENTS, k=2, m=1, repair=True)
    done = released(people(), {"diagnoses": diagnoses()}, K, known)
    assert shown(done)[:3] == [("f", "E11", "I10"), ("f", "E11", "I10", "I10"), ("f", "I10", "I10")]


def test_the_events_of_a_coarser_level_are_shared_by_more() -> None:
    had = [("ann", "I10"), ("bea", "I20"), ("eve", "I30")]
    fine = released(people(), {"diagnoses": diagnoses(had)}, K, KNOWN)
    coarse = released(people(), {"diagnoses": diagnoses(had, level=1)}, K, KNOWN)
    assert fine.events["diagnoses"].is_empty()
    assert coarse.events["diagnoses"]["icd"].to_list() == ["I"] * 3


def test_events_of_two_tables_are_known_together() -> None:
    had = [("ann", "I10"), ("bea", "I10"), ("cid", "I10"), ("dan", "I10"), ("eve", "I10")]
    done_to = [("ann", "X1"), ("cid", "X1"), ("dan", "X1")]
    frame = pl.DataFrame(done_to, schema={"id": pl.String, "ops": pl.String}, orient="row")
    kind = Column("ops", Role.QUASI_IDENTIFIER, suppression(), max_level=0)
    tables = {"diagnoses": diagnoses(had), "procedures": Table(frame, (ID, kind), "id")}
    done = released(people(), tables, K, KNOWN)
    sexes = dict(zip(done.people[PERSON], done.people["sex"], strict=True))
    assert [sexes[person] for person in done.events["procedures"][PERSON]] == ["m", "m"]
    assert done.events["diagnoses"].height == 5


def test_beyond_m_events_of_a_kind_nobody_counts() -> None:
    had = [("cid", "I10")] * 2 + [("dan", "I10")] * 7
    done = released(people(), {"diagnoses": diagnoses(had)}, K, KNOWN)
    assert shown(done)[3:] == [("m", "I10", "I10"), ("m", *["I10"] * 7)]
    had = [("cid", "I10")] + [("dan", "I10")] * 7
    done = released(people(), {"diagnoses": diagnoses(had)}, K, KNOWN)
    assert shown(done)[3:] == [("m", "I10"), ("m", "I10")]


def test_which_of_several_alike_stay_does_not_depend_on_their_order_or_value() -> None:
    rows = [("cid", 1.0)] + [("dan", float(value)) for value in range(40)]
    frame = pl.DataFrame(rows, schema={"id": pl.String, "value": pl.Float64}, orient="row")
    columns = (ID, Column("value", Role.SENSITIVE, sensitive=True))

    def values(frame: pl.DataFrame) -> list[float]:
        known = KMAnonymity(EVENTS, k=2, m=9, repair=True)
        done = released(people(), {"labs": Table(frame, columns, "id")}, K, known)
        return sorted(done.events["labs"]["value"].to_list())

    (_, kept) = sorted(values(frame), key=lambda value: value == 1.0)[:2]
    assert values(frame) == values(frame.reverse())
    assert len(values(frame)) == 2
    assert kept is not None


def test_whoever_is_suppressed_leaves_with_all_events() -> None:
    alone = {**PEOPLE, "flo": "x"}
    done = released(people(alone), {"diagnoses": diagnoses([*HAD, ("flo", "I10")])}, K, KNOWN, limit=0.2)
    assert done.people.height == 5
    assert set(done.events["diagnoses"][PERSON]) <= set(done.people[PERSON])
    assert done.events["diagnoses"].height == 7


def test_people_who_share_events_differ_in_what_is_sensitive() -> None:
    had = [("ann", "I10"), ("bea", "I10"), ("cid", "I10"), ("dan", "I10")]
    wards = ["surgery", "surgery", "heart", "surgery", "heart"]
    diverse = DistinctLDiversity("ward", 2)
    done = released(people(values=wards), {"diagnoses": diagnoses(had)}, K, KNOWN, diverse)
    # ann and bea share I10 and lie in surgery both: whoever knows of I10 would know the ward.
    assert shown(done) == [("f",), ("f",), ("f",), ("m", "I10"), ("m", "I10")]


@pytest.mark.parametrize(
    "wards", [["surgery", None, "heart", "surgery", None], ["surgery", None, "a", "b", "c"]]
)
def test_missing_is_no_value_that_events_could_hide_behind(wards: list[str | None]) -> None:
    had = [("ann", "I10"), ("bea", "I10")]
    done = released(
        people(values=wards), {"diagnoses": diagnoses(had)}, KNOWN, DistinctLDiversity("ward", 2), limit=1.0
    )
    assert done.events["diagnoses"].is_empty()


def test_the_key_is_new_in_every_release_and_first_in_every_table() -> None:
    one, other = (released(people(), {"diagnoses": diagnoses()}, K, KNOWN) for _ in range(2))
    assert one.people.columns[0] == one.events["diagnoses"].columns[0] == PERSON
    assert one.people[PERSON].n_unique() == one.people.height
    assert set(one.people[PERSON]).isdisjoint(other.people[PERSON])
    assert one.people[PERSON].str.contains("^[0-9a-f]{16}$").all()
    assert one.people[PERSON].is_sorted()
    assert one.events["diagnoses"][PERSON].is_sorted()


def test_a_table_without_quasi_identifiers_still_tells_how_many_events_there_were() -> None:
    frame = pl.DataFrame({"id": ["ann", "bea", "bea", "cid"], "value": [1.0, 2.0, 3.0, 4.0]})
    labs = Table(frame, (ID, Column("value", Role.SENSITIVE, sensitive=True)), "id")
    done = released(people(), {"labs": labs}, K, KNOWN)
    # Two people of the first class have one each; the second value, and the only one of the other class, go.
    assert done.events["labs"].height == 2
    assert done.events["labs"][PERSON].n_unique() == 2


def test_more_combinations_than_can_be_counted_are_refused_before_they_are() -> None:
    had = [("ann", f"{n:03}") for n in range(900)]
    known = KMAnonymity(EVENTS, k=2, m=4, repair=True)
    with pytest.raises(BadConfig, match=r"combinations of up to 4 codes, more than can be counted"):
        released(people(), {"diagnoses": diagnoses(had)}, K, known)
    assert released(people(), {"diagnoses": diagnoses(had)}, K, KNOWN).events["diagnoses"].is_empty()
