"""The search and the verifier share no code: on every table the one's release passes the other's checks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.counting.counts import count
from anonymizer.criteria import (
    BetaLikeness,
    Criterion,
    DeltaDisclosure,
    DistinctLDiversity,
    EntropyLDiversity,
    KAnonymity,
    RecursiveCLDiversity,
    TCloseness,
)
from anonymizer.errors import CriteriaNotMet
from anonymizer.hierarchies.hierarchy import bands, prefix, suppression
from anonymizer.hierarchies.hierarchy_file import FromFile
from anonymizer.search.search import search
from anonymizer.tables.table import Column, Role, Table
from anonymizer.transforming.transformation import transform
from release.verifying.promise import Promise
from release.verifying.verify import verify
from tests.small_release import staged

CODES = {"A": ("A", "letter", "*"), "B": ("B", "letter", "*"), "10-12": ("10-12", "number", "*")}
COLUMNS = (
    Column("id", Role.IDENTIFIER),
    Column("sex", Role.QUASI_IDENTIFIER, suppression()),
    Column("age", Role.QUASI_IDENTIFIER, bands([5, 10], top=60), sensitive=True),
    Column("plz", Role.QUASI_IDENTIFIER, prefix([3, 1])),
    Column("code", Role.SENSITIVE, FromFile(CODES, ("value", "kind", "*")), sensitive=True),
    Column("crp", Role.INSENSITIVE, clip=(0.0, 10.0)),
)
ROW = st.tuples(
    st.sampled_from([f"P{i}" for i in range(9)]),
    st.sampled_from(["f", "m", None]),
    st.sampled_from(["41", "42", "48", "61", "77", None]),
    st.sampled_from(["01067", "01099", "37077", None]),
    st.sampled_from(["A", "B", "10-12", None]),
    st.sampled_from([-1.5, 0.25, 99.0, None]),
)

TENTHS = st.integers(1, 12).map(lambda tenths: Fraction(tenths, 10))


@st.composite
def demands(draw: st.DrawFn) -> tuple[Criterion, ...]:
    """Up to two demands on sensitive columns, one of which is a quasi-identifier as well."""
    column = st.sampled_from(["code", "age"])
    kinds = [
        st.builds(DistinctLDiversity, column, st.integers(1, 2)),
        st.builds(EntropyLDiversity, column, TENTHS.map(lambda x: 1 + x)),
        st.builds(RecursiveCLDiversity, column, TENTHS.map(lambda x: 2 * x), st.integers(1, 3)),
        st.builds(TCloseness, column, st.sampled_from(["equal", "ordered", "hierarchical"]), TENTHS),
        st.builds(DeltaDisclosure, column, TENTHS.map(lambda x: 2 * x)),
        st.builds(BetaLikeness, column, TENTHS, st.booleans()),
    ]
    return tuple(draw(st.lists(st.one_of(*kinds), max_size=2)))


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(ROW, min_size=1, max_size=24),
    k=st.integers(1, 4),
    asked=demands(),
    limit=st.sampled_from(["0", "0.1", "0.25", "1"]),
    suppressed=st.sampled_from(["drop", "star"]),
    by_subject=st.booleans(),
)
def test_what_the_search_finds_the_verifier_accepts(
    rows: list[tuple[object, ...]],
    k: int,
    asked: tuple[Criterion, ...],
    limit: str,
    suppressed: Literal["drop", "star"],
    by_subject: bool,
) -> None:
    names = [column.name for column in COLUMNS]
    schema = dict.fromkeys(names, pl.String) | {"crp": pl.Float64}
    table = Table(pl.DataFrame(rows, schema=schema, orient="row"), COLUMNS, "id" if by_subject else None)
    criteria = (KAnonymity(k), *asked)
    counts = count(table, criteria)
    try:
        solution = search(counts, criteria, Fraction(limit))
    except CriteriaNotMet:
        return
    frame = transform(table, counts, solution, criteria, suppressed=suppressed).frame
    promised = Promise(
        table, "t", ("csv", "parquet"), solution.transformation, criteria, Fraction(limit), suppressed
    )
    with TemporaryDirectory() as folder, staged(Path(folder), promised, frame) as stage:
        verified = verify(stage.staging, promised)
    assert verified.suppressed == solution.suppressed
    assert verified.frame.height <= len(rows)
    assert verified.criteria[0].reached == fewest_people(verified.evidence)


def fewest_people(evidence: pl.DataFrame) -> int | None:
    """The fewest distinct people of any released class, by a dictionary of sets."""
    seen: dict[tuple[object, ...], set[object]] = {}
    for *quasi, person in evidence.select("q0", "q1", "q2", "person").iter_rows():
        seen.setdefault(tuple(quasi), set()).add(person)
    return min(map(len, seen.values()), default=None)
