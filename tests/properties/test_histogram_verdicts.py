"""The verifier's verdicts against the definitions: in fractions, and solved as transport problems."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import accumulate
from math import inf, prod

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from anonymizer.criteria import (
    BetaLikeness,
    DeltaDisclosure,
    Distance,
    DistinctLDiversity,
    EntropyLDiversity,
    HistogramCriterion,
    RecursiveCLDiversity,
    TCloseness,
)
from anonymizer.hierarchies.hierarchy import Prefix
from anonymizer.tables.table import Column, Role, Table
from release.verifying.histograms import has_entropy
from release.verifying.recount import classed, countable
from release.verifying.references import references
from release.verifying.verdicts import verdict

VALUES = ("11", "12", "21", "22", "31", None)
TREE = Prefix((1,), (10, 10), r"\d\d", ("2 characters", "1 character"))
DECIMAL = st.decimals(0, 3, places=2, allow_nan=False).map(str).map(Fraction)
LIMIT = st.one_of(DECIMAL, st.fractions(0, 2, max_denominator=12))
ABOVE_0 = LIMIT.filter(lambda limit: limit > 0)
ROWS = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from("xyz"), st.sampled_from(VALUES)), min_size=1, max_size=16
)
CRITERIA = st.one_of(
    st.builds(DistinctLDiversity, st.just("s"), st.integers(1, 4)),
    st.builds(EntropyLDiversity, st.just("s"), LIMIT.map(lambda limit: limit + 1)),
    st.builds(RecursiveCLDiversity, st.just("s"), ABOVE_0, st.integers(1, 4)),
    st.builds(TCloseness, st.just("s"), st.sampled_from(["equal", "ordered", "hierarchical"]), LIMIT),
    st.builds(DeltaDisclosure, st.just("s"), ABOVE_0),
    st.builds(BetaLikeness, st.just("s"), ABOVE_0, st.booleans()),
)
Rows = list[tuple[int, str, str | None]]
Frequencies = dict[str | None, int]


def frequencies(rows: Rows, several: bool) -> Frequencies:
    """Distinct people per value; every row is a person of its own unless people have ``several``."""
    people = [(person, value) for person, _, value in rows]
    counted = set(people) if several else people
    return {value: sum(v == value for _, v in counted) for value in VALUES}


def meets(criterion: HistogramCriterion, own: Frequencies, whole: Frequencies) -> bool:
    """The definition, in fractions of whole numbers, and in eighty digits where there is a logarithm."""
    present = sorted((n for value, n in own.items() if n and value is not None), reverse=True)
    match criterion:
        case DistinctLDiversity(l=least):
            return len(present) >= least
        case EntropyLDiversity(l=limit):
            total = sum(present)
            return total > 0 and prod(Fraction(n) ** n for n in present) * limit**total <= total**total
        case RecursiveCLDiversity(c=c, l=least):
            return bool(present) and present[0] < c * sum(present[least - 1 :])
    domain = [value for value in VALUES if whole[value]]
    p = [Fraction(own[value], sum(own.values())) for value in domain]
    q = [Fraction(whole[value], sum(whole.values())) for value in domain]
    if isinstance(criterion, TCloseness):
        return distance(criterion.distance, domain, [a - b for a, b in zip(p, q, strict=True)]) <= criterion.t
    if isinstance(criterion, DeltaDisclosure):
        return all(
            a > 0 and abs(logarithm(a / b)) < decimal(criterion.delta) for a, b in zip(p, q, strict=True)
        )
    gains = [((a - b) / b, b) for a, b in zip(p, q, strict=True)]
    return all(
        gain <= criterion.beta and (not criterion.enhanced or decimal(gain) <= -logarithm(b))
        for gain, b in gains
    )


def distance(kind: Distance, domain: Sequence[str | None], difference: Sequence[Fraction]) -> Fraction:
    """The closed forms of Li et al., section 4, for p - q per value."""
    if kind == "equal":
        return sum(map(abs, difference), Fraction(0)) / 2
    if kind == "ordered":
        return sum(map(abs, accumulate(difference)), Fraction(0)) / max(len(domain) - 1, 1)
    groups: dict[str | None, list[Fraction]] = {}
    for value, each in zip(domain, difference, strict=True):
        groups.setdefault(value and value[0], []).append(each)
    return sum(map(moved, groups.values()), Fraction(0)) / 2 + moved([sum(g) for g in groups.values()])


def moved(differences: Sequence[Fraction | int]) -> Fraction:
    """What can go from where there is too much to where there is too little."""
    surplus = sum((each for each in differences if each > 0), Fraction(0))
    return min(surplus, surplus - sum(differences))


def decimal(number: Fraction) -> Decimal:
    with localcontext(prec=80):
        return Decimal(number.numerator) / number.denominator


def logarithm(number: Fraction) -> Decimal:
    with localcontext(prec=80):
        return Decimal(number.numerator).ln() - Decimal(number.denominator).ln()


def table_of(rows: Rows, several: bool) -> Table:
    columns = (
        Column("who", Role.IDENTIFIER),
        Column("q", Role.QUASI_IDENTIFIER),
        Column("s", Role.SENSITIVE, TREE),
    )
    schema = {"who": pl.Int64, "q": pl.String, "s": pl.String}
    return Table(pl.DataFrame(rows, schema=schema, orient="row"), columns, "who" if several else None)


@settings(max_examples=400, deadline=None)
@given(rows=ROWS, criterion=CRITERIA, several=st.booleans())
def test_every_class_is_judged_as_the_definition_says(
    rows: Rows, criterion: HistogramCriterion, several: bool
) -> None:
    table = table_of(rows, several)
    person = table.frame["who"] if several else pl.int_range(len(rows), eager=True)
    counted = classed(countable([table.frame["q"]], person.alias("person"), {0: table.frame["s"]}))
    found = verdict(counted, criterion, 0, references([criterion], table).get(0))
    whole = frequencies(rows, several)
    expected = [
        meets(criterion, frequencies([row for row in rows if row[1] == name], several), whole)
        for name in counted.classes["q0"]
    ]
    assert found.holds.to_list() == expected


@pytest.mark.parametrize("kind", ["equal", "ordered", "hierarchical"])
@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_distances_are_the_least_work_that_moves_one_distribution_into_the_other(
    kind: Distance, rows: Rows
) -> None:
    """The transport problem itself, by linear programming."""
    own, whole = frequencies([row for row in rows if row[1] == "x"], False), frequencies(rows, False)
    assume(sum(own.values()))
    domain = [value for value in VALUES if whole[value]]
    p = np.array([own[value] for value in domain]) / sum(own.values())
    q = np.array([whole[value] for value in domain]) / len(rows)
    ground = np.array([[apart(kind, domain, i, j) for j in range(len(domain))] for i in range(len(domain))])
    table = table_of(rows, False)
    only_x = table.frame.filter(pl.col("q") == "x")
    counted = classed(
        countable([only_x["q"]], pl.int_range(only_x.height, eager=True).alias("person"), {0: only_x["s"]})
    )
    criterion = TCloseness("s", kind, Fraction(1))
    found = verdict(counted, criterion, 0, references([criterion], table)[0])
    assert found.reached == pytest.approx(least_work(p, q, ground), abs=1e-9)


def apart(kind: Distance, domain: Sequence[str | None], i: int, j: int) -> float:
    """How far two values lie apart."""
    if i == j:
        return 0.0
    if kind == "ordered":
        return abs(i - j) / (len(domain) - 1)
    one, other = domain[i], domain[j]
    alike = kind == "hierarchical" and one is not None and other is not None and one[0] == other[0]
    return 0.5 if alike else 1.0


def least_work(p: np.ndarray, q: np.ndarray, ground: np.ndarray) -> float:
    from scipy.optimize import linprog

    size = len(p)
    out = np.kron(np.eye(size), np.ones(size))
    into = np.kron(np.ones(size), np.eye(size))
    solved = linprog(ground.ravel(), A_eq=np.vstack([out, into]), b_eq=np.concatenate([p, q]), method="highs")
    assert solved.success
    return float(solved.fun)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=6),
    st.integers(1, 10**6),
    st.integers(-1, 1),
)
def test_entropy_ties_are_decided_in_whole_numbers(counts: list[int], factor: int, off: int) -> None:
    """Whatever divides all frequencies, and however near l is to the entropy, in floats a tie."""
    total = sum(counts)
    effective = float(np.exp(np.log(total) - sum(n * np.log(n) for n in counts) / total))
    least = Fraction(repr(effective)) + Fraction(off, 10**14)
    expected = prod(Fraction(n) ** n for n in counts) * least**total <= total**total
    assert has_entropy([n * factor for n in counts], least) == expected


def test_the_figure_reached_by_a_class_that_lacks_a_value_is_infinite() -> None:
    rows: Rows = [(0, "x", "11"), (1, "y", "12")]
    counted = classed(
        countable([pl.Series(["x", "y"])], pl.Series("person", [0, 1]), {0: pl.Series(["11", "12"])})
    )
    criterion = DeltaDisclosure("s", Fraction(1))
    assert verdict(counted, criterion, 0, references([criterion], table_of(rows, False))[0]).reached == inf
