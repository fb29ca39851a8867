"""The search for nearest records, and for the cones a record lies in, beside every pair looked at in turn."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.distances import leaves
from anonymizer.distances.encoding import UNIT, Encoded, Scale
from anonymizer.distances.kernels import common
from anonymizer.distances.nearest import NOBODY, Index
from risk.attacks.cone import ALLOWED, NEIGHBOUR, altered, fit
from risk.comparison import Attribute
from tests.copy_scenes import ATTRIBUTES as HOSPITAL
from tests.copy_scenes import patients, shifted
from tests.properties.laws import law

KINDS = {"age": "number", "sex": "category", "diagnoses": "codes", "weight": "number"}
ATTRIBUTES = tuple(Attribute(name, kind, True, False) for name, kind in KINDS.items())  # type: ignore[arg-type]
SCHEMA = {"age": pl.Float64, "sex": pl.String, "diagnoses": pl.List(pl.String), "weight": pl.Float64}

rows = st.fixed_dictionaries(
    {
        "age": st.none() | st.integers(0, 12).map(float),
        "sex": st.none() | st.sampled_from(["f", "m", "x"]),
        "diagnoses": st.none() | st.lists(st.sampled_from(["A1", "B2", "C3", "D4"]), max_size=4),
        "weight": st.none() | st.floats(-50, 50).map(lambda value: round(value, 2)),
    }
)
tables = st.lists(st.tuples(rows, st.integers(0, 9)), min_size=1, max_size=24)


@pytest.fixture(autouse=True)
def _small_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few rows make several leaves, so that leaves are passed over."""
    monkeypatch.setattr(leaves, "LEAF_ROWS", 3)


def frame(drawn: list[dict[str, object]]) -> pl.DataFrame:
    return pl.DataFrame(drawn, schema=SCHEMA)


def literal(scale: Scale, one: dict[str, object], other: dict[str, object]) -> int:
    """Gower's distance, attribute by attribute, in units."""
    total = 0
    for name, kind in KINDS.items():
        a, b = one[name], other[name]
        if a is None or b is None:
            total += 0 if a is b else UNIT
        elif kind == "number":
            middle, span = scale.ranges[name]
            gap = abs(round((a - middle) / span * UNIT) - round((b - middle) / span * UNIT)) if span else UNIT
            total += min(UNIT, gap) if a != b else 0
        elif kind == "category":
            total += UNIT * (a != b)
        else:
            union, shared = set(a) | set(b), set(a) & set(b)
            total += -(-UNIT * (len(union) - len(shared)) // len(union)) if union else 0
    return total


def world(drawn: list[tuple[dict[str, object], int]]) -> tuple[list[dict[str, object]], list[int]]:
    return [each[0] for each in drawn], [each[1] for each in drawn]


@law(150)
@given(tables, tables, st.integers(1, 6))
def test_the_nearest_rows_of_others_are_those_of_every_pair(reference, queries, k) -> None:  # type: ignore[no-untyped-def]
    known, people = world(reference)
    asked, own = world(queries)
    scale = Scale.of(frame(known), KINDS)  # type: ignore[arg-type]
    index = Index.of(frame(known), scale, np.array(people, np.int64))
    found, places = index.nearest(scale.encode(frame(asked)), np.array(own, np.int64), k=k)
    for q, query in enumerate(asked):
        every = sorted(
            literal(scale, query, row) for row, person in zip(known, people, strict=True) if person != own[q]
        )
        assert found[q].tolist() == (every + [float("inf")] * k)[:k]
        named = [place for place in places[q].tolist() if place >= 0]
        assert len(set(named)) == len(named) == min(k, len(every))
        assert [literal(scale, query, known[place]) for place in named] == every[:k]
        assert all(people[place] != own[q] for place in named)


@law(100)
@given(rows, rows, rows, st.lists(rows, min_size=1, max_size=6))
def test_the_distance_is_a_metric(a, b, c, reference) -> None:  # type: ignore[no-untyped-def]
    scale = Scale.of(frame([*reference, a, b, c]), KINDS)  # type: ignore[arg-type]
    between = {}
    for name, row in (("a", a), ("b", b), ("c", c)):
        index = Index.of(frame([row]), scale, np.array([0]))
        distances, _ = index.nearest(scale.encode(frame([a, b, c])), np.full(3, NOBODY))
        between[name] = distances[:, 0].tolist()
    assert between["a"][1] == between["b"][0]
    assert between["a"][0] == between["b"][1] == between["c"][2] == 0
    assert between["a"][2] <= between["a"][1] + between["b"][2]
    assert max(between["a"]) <= UNIT * len(KINDS)


def widths(scale: Scale, known: list[dict[str, object]], people: list[int], without: int | None) -> list[int]:
    """Each row's distance to its fifth nearest row of others, one person's rows taken out."""
    every = [
        sorted(
            literal(scale, row, other)
            for other, person in zip(known, people, strict=True)
            if person not in (people[place], without)
        )
        for place, row in enumerate(known)
    ]
    return [[*each, *[UNIT * len(KINDS)] * NEIGHBOUR][NEIGHBOUR - 1] for each in every]


def least(
    scale: Scale, query: dict[str, object], known: list[dict[str, object]], people: list[int], own: int | None
) -> Fraction | None:
    """The least distance from a query as a share of a row's width; None where every width is 0."""
    return min(
        (
            Fraction(literal(scale, query, row), width)
            for row, person, width in zip(known, people, widths(scale, known, people, own), strict=True)
            if person != own and width
        ),
        default=None,
    )


def literal_alpha(shares: list[Fraction | None]) -> Fraction:
    """The largest width that flags at most the allowed share: no share below it but so many."""
    known = [share for share in shares if share is not None]
    good = [alpha for alpha in known if sum(share < alpha for share in known) <= ALLOWED * len(shares)]
    # Without a next larger share everybody known might be flagged: then the cone is as wide as the distance.
    enough = len(known) <= ALLOWED * len(shares)
    return Fraction(1) if enough or not good else max(good)


@law(60)
@given(tables, tables, st.lists(rows, min_size=1, max_size=5))
def test_cones_flag_what_lies_nearer_to_somebody_than_the_width_says(real, held, asked) -> None:  # type: ignore[no-untyped-def]
    known, people = world(real)
    outside, _ = world(held)
    cone = fit(frame(known), np.array(people, np.int64), ATTRIBUTES, holdout=frame(outside))
    scale = cone.index.scale
    shares = [least(scale, row, known, people, None) for row in outside]
    alpha = literal_alpha(shares)
    assert Fraction(*cone.ratio) == alpha
    nearest = [least(scale, row, known, people, None) for row in asked]
    assert cone.flags(frame(asked)).tolist() == [share is not None and share < alpha for share in nearest]
    if len([share for share in shares if share is not None]) > ALLOWED * len(shares):
        assert cone.flags(frame(outside)).sum() <= ALLOWED * len(outside)


@law(60)
@given(tables)
def test_without_a_holdout_everybody_is_tried_as_if_in_no_table(real) -> None:  # type: ignore[no-untyped-def]
    known, people = world(real)
    cone = fit(frame(known), np.array(people, np.int64), ATTRIBUTES)
    shares = [
        least(cone.index.scale, row, known, people, person)
        for row, person in zip(known, people, strict=True)
        if people.count(person) <= 15
    ]
    assert cone.calibrated_on == len(shares)
    assert Fraction(*cone.ratio) == literal_alpha(shares)


def test_no_cone_is_missed_among_many_of_all_widths() -> None:
    """Leaves of people close together beside leaves of people far apart."""
    rng = np.random.default_rng(5)
    crowd, lonely = patients(90, 1), shifted(patients(30, 2), 150).with_columns(ward=pl.lit("hospice"))
    real, people = pl.concat([crowd, lonely]), rng.integers(0, 80, 120)
    asked = altered(real, 0.3, rng)
    kinds = {each.name: each.kind for each in HOSPITAL}
    scale = Scale.of(real, kinds)
    index = Index.of(real, scale, people)
    between = index.nearest(scale.encode(asked), np.full(120, NOBODY), k=120)
    pairs = np.empty((120, 120))
    np.put_along_axis(pairs, between[1], between[0].astype(np.float64), axis=1)
    inside = index.nearest(scale.encode(real), people, k=NEIGHBOUR)[0][:, -1].astype(np.float64)
    found = index.narrowest(scale.encode(asked), np.full(120, NOBODY), index.cones(rank=NEIGHBOUR, spare=3))
    assert found[:, 0] / found[:, 1] == pytest.approx((pairs / inside).min(axis=1), rel=1e-12)
    assert (np.diff(index.boxes.starts) <= 3).all()


def test_a_leaf_is_looked_at_for_its_widest_cone(monkeypatch: pytest.MonkeyPatch) -> None:
    """One person at 50 in a leaf with a crowd at 100, whose own cones have no width."""
    monkeypatch.setattr(leaves, "LEAF_ROWS", 9)
    real = pl.DataFrame({"age": [0.0] * 8 + [50.0] + [100.0] * 8})
    scale = Scale.of(real, {"age": "number"})
    index = Index.of(real, scale, np.arange(17))
    assert len(index.boxes.starts) == 3
    query = scale.encode(pl.DataFrame({"age": [40.0]}))
    found = index.narrowest(query, np.array([NOBODY]), index.cones(rank=NEIGHBOUR))
    assert found[0, 0] / found[0, 1] == pytest.approx(10 / 50, abs=1e-4)


@law(100)
@given(st.lists(st.lists(st.integers(0, 9), unique=True), min_size=2, max_size=2))
def test_common_codes_are_those_of_both_sets(sets: list[list[int]]) -> None:
    starts = np.array([[0, len(sets[0]), len(sets[0]) + len(sets[1])]])
    members = np.array([*sorted(sets[0]), *sorted(sets[1])], np.int64)
    nothing = np.zeros((0, 2), np.float32)
    encoded = Index.of(
        pl.DataFrame({"age": [1.0]}), Scale.of(pl.DataFrame({"age": [1.0]}), {"age": "number"}), np.array([0])
    ).rows._replace(numbers=nothing, categories=nothing, starts=starts, members=members)
    assert common(encoded, 0, 0, encoded, 1) == len(set(sets[0]) & set(sets[1]))


@law(50)
@given(st.lists(rows, min_size=1, max_size=8), st.data())
def test_rows_that_are_taken_are_encoded_alike(drawn: list[dict[str, object]], data: st.DataObject) -> None:
    scale = Scale.of(frame(drawn), KINDS)  # type: ignore[arg-type]
    places = data.draw(st.lists(st.integers(0, len(drawn) - 1), min_size=1, max_size=9))
    taken = scale.encode(frame(drawn)).take(np.array(places))
    again = scale.encode(frame([drawn[place] for place in places]))
    for name in Encoded.__slots__:
        assert getattr(taken, name).tolist() == getattr(again, name).tolist()
