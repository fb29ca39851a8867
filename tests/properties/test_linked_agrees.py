"""Transformation and verifier each make several tables by their own code: on every world the two agree."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.counting.counts import count
from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity, KMAnonymity
from anonymizer.errors import CriteriaNotMet
from anonymizer.hierarchies.hierarchy import bands, prefix, suppression
from anonymizer.search.search import search
from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.linking import histories, linked, with_events
from anonymizer.transforming.transformation import transform
from release.files import tables
from release.files.lock import hold_lock
from release.files.staging import Staging
from release.verifying.promise import Promise
from release.verifying.recount import classed, countable
from release.verifying.verdicts import verdict
from release.verifying.verify import VerifiedRelease, verify

ID = Column("id", Role.IDENTIFIER)
PEOPLE = (
    ID,
    Column("sex", Role.QUASI_IDENTIFIER, suppression()),
    Column("age", Role.QUASI_IDENTIFIER, bands([20], top=90)),
    Column("stage", Role.SENSITIVE, sensitive=True),
)
VISITS = (
    ID,
    Column("ward", Role.QUASI_IDENTIFIER, prefix([1]), min_level=1, max_level=1),
    Column("kind", Role.QUASI_IDENTIFIER, suppression(), min_level=0, max_level=0),
    Column("crp", Role.SENSITIVE, sensitive=True, clip=(0.0, 9.0)),
)
LABS = (ID, Column("value", Role.INSENSITIVE, bands([5], top=90), release_level=1))
PERSON = st.tuples(
    st.sampled_from(["f", "m", None]), st.sampled_from(["41", "66", None]), st.sampled_from(["I", "II", None])
)
VISIT = st.tuples(
    st.integers(0, 11),
    st.sampled_from(["A1", "A2", "B1", None]),
    st.sampled_from(["in", "out", None]),
    st.sampled_from([None, 0.5, 12.25, -1.0]),
)
LAB = st.tuples(st.integers(0, 11), st.sampled_from(["7", "8", "44", None]))


def table_of(rows: list[tuple[object, ...]], columns: tuple[Column, ...]) -> Table:
    schema = {column.name: pl.Float64 if column.name == "crp" else pl.String for column in columns}
    return Table(pl.DataFrame(rows, schema=schema, orient="row"), columns, "id")


def verified(folder: Path, promised: Promise, frames: dict[str, pl.DataFrame]) -> VerifiedRelease:
    with hold_lock(folder) as lock, Staging(lock, "world") as staging:
        for name, frame in frames.items():
            tables.write(frame, staging.data, name, ["csv", "parquet"])
        return verify(staging, promised)


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(PERSON, min_size=1, max_size=12),
    visits=st.lists(VISIT, max_size=40),
    labs=st.lists(LAB, max_size=12),
    k=st.integers(1, 3),
    m=st.integers(1, 3),
    diverse=st.booleans(),
)
def test_what_is_made_of_linked_tables_the_verifier_accepts(
    rows: list[tuple[object, ...]],
    visits: list[tuple[object, ...]],
    labs: list[tuple[object, ...]],
    k: int,
    m: int,
    diverse: bool,
) -> None:
    people = table_of([(f"P{i}", *row) for i, row in enumerate(rows)], PEOPLE)
    events = {
        name: table_of([(f"P{i}", *rest) for i, *rest in told if i < len(rows)], columns)  # type: ignore[operator]
        for name, told, columns in (("visits", visits, VISITS), ("labs", labs, LABS))
    }
    criteria: tuple[Criterion, ...] = (
        KAnonymity(k),
        KMAnonymity("events", k, m, repair=True),
        *([DistinctLDiversity("stage", 2)] if diverse else []),
    )
    told = histories(events, m)
    counted = with_events(people, told)
    counts = count(counted, criteria)
    try:
        solution = search(counts, criteria, Fraction(1, 2))
    except CriteriaNotMet:
        return
    done = transform(counted, counts, solution, criteria)
    made = linked(people, done.frame, told, done.removed_codes["events"], criteria)
    promised = Promise(
        table=people,
        table_name="patients",
        formats=("csv", "parquet"),
        transformation=solution.transformation,
        criteria=criteria,
        suppression_limit=Fraction(1, 2),
        removed_codes={"events": made.removed},
        events=events,
    )
    with TemporaryDirectory() as folder:
        found = verified(Path(folder), promised, {"patients": made.people, **made.events})
    assert found.suppressed == solution.suppressed
    assert found.criteria[1].reached == min(found.fewest, default=None)  # type: ignore[arg-type]


SETS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sets(st.sampled_from("UVWXYZ")), st.sampled_from(["I", "II", None])),
    min_size=1,
    max_size=9,
)


@settings(max_examples=120, deadline=None)
@given(rows=SETS, m=st.integers(1, 4))
def test_values_of_those_who_share_codes_are_counted_one_by_one(
    rows: list[tuple[str, set[str], str | None]], m: int
) -> None:
    counted = classed(
        countable(
            [pl.Series([row[0] for row in rows])],
            pl.int_range(len(rows), eager=True),
            {
                0: pl.Series([sorted(row[1]) or None for row in rows], dtype=pl.List(pl.String)),
                1: pl.Series([row[2] for row in rows], dtype=pl.String),
            },
        )
    )
    least: dict[str, int] = {}
    for label, codes, _ in rows:
        for size in range(m + 1):
            for combined in combinations(sorted(codes), size):
                values = {v for c, held, v in rows if c == label and set(combined) <= held} - {None}
                least[label] = min(least.get(label, 9), len(values))
    found = verdict(counted, DistinctLDiversity("stage", 2), 1, known=(0, m))
    assert found.reached == min(least.values())
    labels = counted.classes["q0"].to_list()
    assert found.holds.to_list() == [least[label] >= 2 for label in labels]
