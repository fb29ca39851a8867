"""Random small tables with everything a search is asked, and the product's form of them."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import polars as pl
from hypothesis import strategies as st

from anonymizer.counts import Counts, count
from anonymizer.criteria import Criterion, DistinctLDiversity, KAnonymity
from anonymizer.table import Column, Role, Table
from tests.properties.definitions import Domain, Key, Node, Task, Value
from tests.properties.domains import domains

_LARGEST_LATTICE = 120
_LIMITS = st.one_of(
    st.sampled_from([Fraction(0), Fraction(1)]), st.fractions(min_value=0, max_value=1, max_denominator=20)
)


@st.composite
def tasks(draw: st.DrawFn, *, most_rows: int = 14, repeated: bool | None = None) -> Task:
    """A task; ``repeated`` says whether people may have several rows (``None``: sometimes)."""
    drawn = tuple(draw(st.lists(domains(), min_size=1, max_size=4)))
    lowest, highest = _levels(draw, drawn)
    rows = draw(st.lists(_row(draw, drawn), min_size=1, max_size=most_rows))
    rows += draw(st.lists(st.sampled_from(rows), max_size=most_rows // 2))
    weights = draw(st.lists(st.sampled_from([1, 1, 2, 3]), min_size=len(drawn), max_size=len(drawn)))
    sensitive = _sensitive(draw, rows)
    return Task(
        domains=drawn,
        weights=tuple(weights),
        lowest=lowest,
        highest=highest,
        rows=tuple(rows),
        people=_people(draw, len(rows), draw(st.booleans()) if repeated is None else repeated),
        sensitive=sensitive,
        criteria=_criteria(draw, sorted(sensitive)),
        limit=draw(_LIMITS),
    )


def _levels(draw: st.DrawFn, drawn: tuple[Domain, ...]) -> tuple[Node, Node]:
    """The least and most levels, with a lattice that brute force can walk."""
    bounds = [sorted(draw(st.tuples(st.integers(0, d.top), st.integers(0, d.top)))) for d in drawn]
    bounds = [[0, d.top] if draw(st.booleans()) else b for b, d in zip(bounds, drawn, strict=True)]
    while prod(high - low + 1 for low, high in bounds) > _LARGEST_LATTICE:
        widest = max(bounds, key=lambda b: b[1] - b[0])
        widest[0] += 1
    return tuple(low for low, _ in bounds), tuple(high for _, high in bounds)


def _row(draw: st.DrawFn, drawn: tuple[Domain, ...]) -> st.SearchStrategy[Key]:
    pools = []
    for domain in drawn:
        pool: list[Value] = list(draw(st.lists(st.sampled_from(domain.values), min_size=1, max_size=4)))
        pools.append(st.sampled_from([*pool, None] if draw(st.booleans()) else pool))
    return st.tuples(*pools)


def _people(draw: st.DrawFn, rows: int, repeated: bool) -> tuple[str, ...]:
    names = [f"person {i}" for i in range(rows)]
    if not repeated:
        return tuple(draw(st.permutations(names)))
    return tuple(draw(st.lists(st.sampled_from(names[: rows // 2 + 1]), min_size=rows, max_size=rows)))


def _sensitive(draw: st.DrawFn, rows: list[Key]) -> dict[str, tuple[Value, ...]]:
    """Up to two sensitive columns; `q0` is a quasi-identifier that is sensitive as well."""
    cells = st.sampled_from(["x", "y", "z", None])
    names = draw(st.sets(st.sampled_from(["s0", "s1", "q0"]), max_size=2))
    return {
        name: tuple(row[0] for row in rows)
        if name == "q0"
        else tuple(draw(st.lists(cells, min_size=len(rows), max_size=len(rows))))
        for name in sorted(names)
    }


def _criteria(draw: st.DrawFn, sensitive: list[str]) -> tuple[Criterion, ...]:
    diverse = tuple(DistinctLDiversity(name, draw(st.integers(1, 3))) for name in sensitive)
    alone = bool(diverse) and draw(st.booleans())
    return diverse if alone else (KAnonymity(draw(st.integers(1, 4))), *diverse)


def table_of(task: Task) -> Table:
    """The task's table as the product sees it; a `subject` column where people have several rows."""
    quasi = {f"q{j}": [row[j] for row in task.rows] for j in range(len(task.domains))}
    cells = {**quasi, **{name: list(v) for name, v in task.sensitive.items() if name not in quasi}}
    several = len(set(task.people)) < len(task.people)
    columns = [_column(task, name, quasi) for name in cells]
    if several:
        cells["person"] = list(task.people)
        columns.append(Column("person", Role.IDENTIFIER))
    frame = pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String))
    return Table(frame, tuple(columns), "person" if several else None)


def _column(task: Task, name: str, quasi: dict[str, list[Value]]) -> Column:
    sensitive = name in task.sensitive
    if name not in quasi:
        return Column(name, Role.SENSITIVE, sensitive=sensitive)
    j = int(name[1:])
    return Column(
        name,
        Role.QUASI_IDENTIFIER,
        task.domains[j].hierarchy,
        sensitive=sensitive,
        weight=float(task.weights[j]),
        min_level=task.lowest[j],
        max_level=task.highest[j],
    )


def counts_of(task: Task) -> Counts:
    """The task's counts."""
    return count(table_of(task), task.criteria)
