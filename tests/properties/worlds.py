"""Random worlds, and criteria to ask of them."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from anonymizer.criteria import (
    AverageRisk,
    Criterion,
    DeltaPresence,
    KAnonymity,
    KMAnonymity,
    KMap,
    MaxRisk,
    PopulationUniqueness,
    SampleUniqueness,
)
from tests.properties.definitions import Key
from tests.properties.definitions_population import CODES, World
from tests.properties.domains import banded, filed, suppressions

_SHARES = st.fractions(min_value=0, max_value=1, max_denominator=12)
_LIMITS = st.fractions(min_value=Fraction(1, 9), max_value=1, max_denominator=9)

CLASS_CRITERIA = st.one_of(
    st.builds(KAnonymity, st.integers(1, 4)),
    st.builds(MaxRisk, _LIMITS),
    st.builds(KMap, st.integers(1, 6)),
    st.builds(KMap, st.integers(1, 6), _LIMITS),
    st.builds(KMAnonymity, st.just(CODES), st.integers(1, 3), st.integers(1, 3)),
    st.tuples(_SHARES, _SHARES).map(lambda shares: DeltaPresence(min(shares), max(shares))),
)
SAMPLE_CRITERIA = st.one_of(
    st.builds(AverageRisk, _LIMITS),
    st.builds(SampleUniqueness, _SHARES),
    st.builds(PopulationUniqueness, _SHARES, _LIMITS),
)
CRITERIA: st.SearchStrategy[list[Criterion]] = st.lists(
    st.one_of(CLASS_CRITERIA, SAMPLE_CRITERIA), min_size=1, max_size=3
)


@st.composite
def worlds(draw: st.DrawFn, *, repeated: bool | None = None, most_rows: int = 12) -> World:
    """A world; ``repeated`` says whether people may have several rows (``None``: sometimes)."""
    domains = tuple(draw(st.lists(st.one_of(suppressions(), banded(), filed()), min_size=1, max_size=3)))
    pools = [st.sampled_from([*domain.values[:4], None]) for domain in domains]
    row: st.SearchStrategy[Key] = st.tuples(*pools)
    rows = draw(st.lists(row, min_size=1, max_size=most_rows))
    names = [f"person {i}" for i in range(len(rows))]
    if draw(st.booleans()) if repeated is None else repeated:
        names = draw(st.lists(st.sampled_from(names), min_size=len(rows), max_size=len(rows)))
    sets = st.one_of(st.none(), st.frozensets(st.sampled_from("ABCD"), max_size=4))
    return World(
        domains,
        tuple(rows),
        tuple(names),
        tuple(draw(st.lists(sets, min_size=len(rows), max_size=len(rows)))),
        (*rows, *draw(st.lists(row, max_size=most_rows))),
    )
