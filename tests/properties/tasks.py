"""Random small tables with everything a search is asked, and the product's form of them."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import polars as pl
from hypothesis import strategies as st

from anonymizer.counting.counts import Counts, count
from anonymizer.criteria import (
    BetaLikeness,
    Criterion,
    DeltaDisclosure,
    DistinctLDiversity,
    EntropyLDiversity,
    HistogramCriterion,
    KAnonymity,
    MaxRisk,
    RecursiveCLDiversity,
    TCloseness,
)
from anonymizer.tables.table import Column, Role, Table
from tests.properties.definitions import Domain, Key, Node, Task, Value
from tests.properties.domains import domains, few_numbers, short_codes

SENSITIVE = {"s0": short_codes(), "s1": few_numbers()}
_LARGEST_LATTICE = 120
_LIMITS = st.one_of(
    st.sampled_from([Fraction(0), Fraction(1)]), st.fractions(min_value=0, max_value=1, max_denominator=20)
)


@st.composite
def tasks(draw: st.DrawFn, *, most_rows: int = 14, repeated: bool | None = None, every: bool = False) -> Task:
    """A task; ``repeated`` says whether people may have several rows (``None``: sometimes).

    Its criteria are k-anonymity and distinct l-diversity, or ``every`` one that is about classes and needs
    nothing but the table.
    """
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
        criteria=_criteria(draw, sorted(sensitive), every),
        limit=draw(_LIMITS),
        sensitive_domains={name: SENSITIVE.get(name, drawn[0]) for name in sensitive},
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
    names = draw(st.sets(st.sampled_from([*SENSITIVE, "q0"]), max_size=2))
    return {
        name: tuple(row[0] for row in rows) if name == "q0" else _cells(draw, SENSITIVE[name], len(rows))
        for name in sorted(names)
    }


def _cells(draw: st.DrawFn, domain: Domain, rows: int) -> tuple[Value, ...]:
    cells = st.sampled_from([*domain.values, None])
    return tuple(draw(st.lists(cells, min_size=rows, max_size=rows)))


def _criteria(draw: st.DrawFn, sensitive: list[str], every: bool) -> tuple[Criterion, ...]:
    if every:
        drawn = [draw(_any_criterion(name)) for name in sensitive for _ in range(draw(st.integers(1, 2)))]
        diverse: tuple[Criterion, ...] = tuple(drawn)
    else:
        diverse = tuple(DistinctLDiversity(name, draw(st.integers(1, 3))) for name in sensitive)
    if diverse and draw(st.booleans()):
        return diverse
    if every and draw(st.booleans()):
        return (MaxRisk(draw(_fractions(Fraction(1, 5), 1))), *diverse)
    return (KAnonymity(draw(st.integers(1, 4))), *diverse)


def _fractions(low: Fraction | int, high: Fraction | int) -> st.SearchStrategy[Fraction]:
    return st.fractions(min_value=low, max_value=high, max_denominator=20)


def criteria_on(column: str) -> dict[str, st.SearchStrategy[HistogramCriterion]]:
    """Every criterion on a sensitive column by kind, with limits that small classes may meet or miss."""
    name, whole, above = st.just(column), st.integers(1, 3), _fractions(Fraction(1, 10), 3)
    distances = ("equal", "ordered", "hierarchical")
    closeness = {d: st.builds(TCloseness, name, st.just(d), _fractions(0, 1)) for d in distances}
    return {
        "distinct": st.builds(DistinctLDiversity, name, whole),
        "entropy": st.builds(EntropyLDiversity, name, _fractions(1, 3) | whole.map(Fraction)),
        "recursive": st.builds(RecursiveCLDiversity, name, above, whole),
        **closeness,
        "disclosure": st.builds(DeltaDisclosure, name, above),
        "basic": st.builds(BetaLikeness, name, above, st.just(False)),
        "enhanced": st.builds(BetaLikeness, name, above, st.just(True)),
    }


def _any_criterion(column: str) -> st.SearchStrategy[HistogramCriterion]:
    # The kind is drawn by its name: of several strategies the first would come up most.
    return st.sampled_from(sorted(criteria_on(column))).flatmap(criteria_on(column).__getitem__)


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
        hierarchy = task.sensitive_domains[name].hierarchy if sensitive else None
        return Column(name, Role.SENSITIVE, hierarchy, sensitive=sensitive)
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
