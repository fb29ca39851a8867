"""What attacks count, against the definitions written out row by row.

repU and DiSCO: Raab, Nowok and Dibben, arXiv 2406.16826 (2024), definitions of section 3 as of synthpop 1.9.
The paper's worked figures are of survey data and random draws of an R package, which are not here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.attacks.code_sets import set_numbers
from risk.attacks.guessing import outcomes
from risk.attacks.inference import disclosive_and_correct
from risk.attacks.linkage import linkage
from risk.attacks.matching import coded, groups, own_rows, people_in
from risk.attacks.singling_out import predicates, replicated_uniques
from risk.attacks.votes import chance_without, chances, votes
from risk.comparison import Attribute, Comparison

Row = tuple[str | None, float | None, str | None]
ATTRIBUTES = (
    Attribute("place", "category", is_quasi_identifier=True, is_sensitive=False),
    Attribute("age", "number", is_quasi_identifier=True, is_sensitive=False),
    Attribute("illness", "category", is_quasi_identifier=False, is_sensitive=True),
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "*", None]),
        st.sampled_from([1.0, 2.0, 0.0, -0.0, None]),
        st.sampled_from(["x", "y", None]),
    ),
    min_size=1,
    max_size=12,
)


def frame(rows: list[Row]) -> pl.DataFrame:
    schema = {"place": pl.String, "age": pl.Float64, "illness": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def synthetic(released: list[Row], data: list[Row], held: list[Row]) -> Comparison:
    base, shown = frame(data), np.ones(len(data), dtype=bool)
    numbers = np.arange(len(data))
    return Comparison(
        "synthetic",
        ATTRIBUTES,
        frame(released),
        base,
        base,
        numbers,
        shown,
        frame(held),
        np.arange(len(held)),
    )


def anonymised(rows: list[Row], people: list[int]) -> Comparison:
    words = frame(rows)
    shown = np.ones(len(rows), dtype=bool)
    return Comparison("anonymised", ATTRIBUTES, words, words, words, np.array(people), shown)


def keys(rows: list[Row]) -> Counter[tuple[str | None, float | None]]:
    return Counter(row[:2] for row in rows)


def certain(row: Row, released: list[Row]) -> bool:
    """Some released row has the record's keys, and all that do have its target."""
    targets = [other[2] for other in released if other[:2] == row[:2]]
    return bool(targets) and all(target == row[2] for target in targets)


@settings(max_examples=60)
@given(ROWS, ROWS, ROWS)
def test_replicated_uniques_are_those_of_the_definition(
    released: list[Row], data: list[Row], held: list[Row]
) -> None:
    found = replicated_uniques(synthetic(released, data, held), np.random.default_rng(0)).headline
    d, s = keys(data), keys(released)
    assert found.figure.value == sum(d[q] == 1 and s[q] == 1 for q in d) / len(data)
    assert found.control is not None
    assert found.control.value == sum(d[row[:2]] == 0 and s[row[:2]] == 1 for row in held) / len(held)


@settings(max_examples=60)
@given(ROWS, ROWS, ROWS)
def test_disco_is_that_of_the_definition(released: list[Row], data: list[Row], held: list[Row]) -> None:
    found = disclosive_and_correct(synthetic(released, data, held), np.random.default_rng(0)).headline
    assert found.figure.value == sum(certain(row, released) for row in data) / len(data)
    assert found.control is not None
    assert found.control.value == sum(certain(row, released) for row in held) / len(held)


PEOPLE = st.lists(
    st.tuples(
        st.tuples(
            st.sampled_from(["a", "*"]), st.sampled_from([1.0, None]), st.sampled_from(["x", "y", "z", None])
        ),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=14,
)


def others(rows: list[Row], people: list[int], each: int) -> list[Row]:
    """The release without the rows of the person of a row."""
    return [row for row, person in zip(rows, people, strict=True) if person != people[each]]


@settings(max_examples=80)
@given(PEOPLE)
def test_disco_without_a_person_is_that_of_the_table_without_the_rows(world: list[tuple[Row, int]]) -> None:
    rows, people = [row for row, _ in world], [person for _, person in world]
    found = disclosive_and_correct(anonymised(rows, people), np.random.default_rng(0)).headline
    assert found.figure.value == sum(certain(row, rows) for row in rows) / len(rows)
    left = [certain(row, others(rows, people, each)) for each, row in enumerate(rows)]
    assert found.control is not None
    assert found.control.value == sum(left) / len(rows)


def majority(row: Row, released: list[Row]) -> float | None:
    """The probability of guessing the row's value as the most frequent of its class; None without a class."""
    cast = Counter(other[2] for other in released if other[:2] == row[:2])
    if not cast:
        return None
    best = [value for value, count in cast.items() if count == max(cast.values())]
    return (row[2] in best) / len(best)


@settings(max_examples=80)
@given(PEOPLE)
def test_guesses_with_and_without_a_person_are_those_of_the_table_with_and_without_the_rows(
    world: list[tuple[Row, int]],
) -> None:
    rows, people = [row for row, _ in world], [person for _, person in world]
    scene = anonymised(rows, people)
    found = outcomes(scene, ("illness",), ("place", "age"), np.random.default_rng(0))["illness"]
    assert found.right_without is not None
    for each, row in enumerate(rows):
        assert found.right[each] == majority(row, rows)
        left = majority(row, others(rows, people, each))
        if left is not None:
            assert found.right_without[each] == left


@settings(max_examples=60)
@given(PEOPLE)
def test_linkage_is_the_chance_of_an_own_row_in_the_class(world: list[tuple[Row, int]]) -> None:
    rows, people = [row for row, _ in world], [person for _, person in world]
    found = linkage(anonymised(rows, people), np.random.default_rng(0))
    chance = [
        sum(other[:2] == row[:2] and people[place] == people[each] for place, other in enumerate(rows))
        / keys(rows)[row[:2]]
        for each, row in enumerate(rows)
    ]
    assert found.headline.figure.value == float(np.mean(chance))
    assert found.parts["largest"].figure.value == max(chance)


@settings(max_examples=60)
@given(ROWS, ROWS, st.lists(st.integers(0, 4), min_size=12, max_size=12))
def test_predicates_are_those_that_one_released_row_has_and_one_person(
    released: list[Row], data: list[Row], numbers: list[int]
) -> None:
    people = numbers[: len(data)]
    scene = replace(synthetic(released, data, data[:1]), people=np.array(people))
    made = hits = 0
    for parts in ((0,), (1,), (0, 1)):
        of = [tuple(row[part] for part in parts) for row in released]
        for key in (key for key, count in Counter(of).items() if count == 1):
            made += 1
            owners = {
                person
                for row, person in zip(data, people, strict=True)
                if tuple(row[part] for part in parts) == key
            }
            hits += len(owners) == 1
    figure = predicates(scene, np.random.default_rng(0)).headline.figure
    assert figure.value == (hits / made if made else 0.0)


@settings(max_examples=60)
@given(ROWS, ROWS, st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_groups_are_rows_that_agree_and_people_are_counted_once(
    released: list[Row], data: list[Row], numbers: list[int]
) -> None:
    scene = synthetic(released, data, data)
    found = groups(coded(scene), ("place", "age"))
    alike = [row[:2] for row in released] + [row[:2] for row in data]
    both = np.concatenate([found.released, found.original])
    for i, first in enumerate(alike):
        assert [first == second for second in alike] == (both == both[i]).tolist()
    people = np.array(numbers[: len(data)])
    counted = people_in(found.original, people, found.count)
    mine = own_rows(found.original, people)
    for i, row in enumerate(data):
        same = [j for j, other in enumerate(data) if other[:2] == row[:2]]
        assert counted[found.original[i]] == len({people[j] for j in same})
        assert mine[i] == sum(people[j] == people[i] for j in same)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=15), st.data())
def test_votes_are_those_of_a_counter(rows: list[tuple[int, int]], more: st.DataObject) -> None:
    number, value = more.draw(st.sampled_from(rows))
    same = [row for row in rows if row == (number, value)]
    taken = more.draw(st.integers(0, len(same)))
    cast = votes(np.array([row[0] for row in rows]), np.array([row[1] for row in rows]), 3, 4)
    left = Counter(row[1] for row in rows if row[0] == number)
    left[value] -= taken
    best = [each for each, count in left.items() if count == max(left.values()) and count > 0]
    expected = (value in best) / len(best) if best else 0.0
    asked = (np.array([number]), np.array([value]), np.array([taken]))
    assert chances(cast, *asked).tolist() == [expected]
    if best:
        assert chance_without(cast, number, np.array([value]), np.full(taken, value)) == expected


SETS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.one_of(st.none(), st.lists(st.sampled_from(["x", "y", "z"]), max_size=3, unique=True)),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=10,
)
CODED = (
    Attribute("place", "category", is_quasi_identifier=True, is_sensitive=False),
    Attribute("codes", "codes", is_quasi_identifier=False, is_sensitive=True),
)
SetRow = tuple[str, frozenset[str]]


def told(codes: list[str] | None) -> frozenset[str]:
    """A set; nothing at all is something that can be told of a person, too."""
    return frozenset(codes) if codes else frozenset(["nothing"])


def shared(row: SetRow, released: list[SetRow]) -> bool:
    alike = [codes for place, codes in released if place == row[0]]
    return bool(alike) and bool(row[1].intersection(*alike))


def most_frequent(row: SetRow, released: list[SetRow]) -> float | None:
    cast = Counter(code for place, codes in released if place == row[0] for code in codes)
    best = [code for code, count in cast.items() if count == max(cast.values())]
    return sum(code in row[1] for code in best) / len(best) if best else None


@settings(max_examples=80)
@given(SETS)
def test_sets_of_codes_are_told_and_guessed_code_by_code(
    world: list[tuple[str, list[str] | None, int]],
) -> None:
    schema = {"place": pl.String, "codes": pl.List(pl.String)}
    words = pl.DataFrame([row[:2] for row in world], schema=schema, orient="row")
    people, rows = [row[2] for row in world], [(row[0], told(row[1])) for row in world]
    shown = np.ones(len(rows), dtype=bool)
    scene = Comparison("anonymised", CODED, words, words, words, np.array(people), shown)
    left = [
        [row for row, person in zip(rows, people, strict=True) if person != people[each]]
        for each in range(len(rows))
    ]
    found = disclosive_and_correct(scene, np.random.default_rng(0)).headline
    assert found.figure.value == sum(shared(row, rows) for row in rows) / len(rows)
    assert found.control is not None
    control = sum(shared(row, rest) for row, rest in zip(rows, left, strict=True))
    assert found.control.value == control / len(rows)
    guesses = outcomes(scene, ("codes",), ("place",), np.random.default_rng(0))["codes"]
    assert guesses.right_without is not None
    for each, (row, rest) in enumerate(zip(rows, left, strict=True)):
        assert guesses.right[each] == most_frequent(row, rows)
        expected = most_frequent(row, rest)
        assert expected is None or guesses.right_without[each] == expected


@given(SETS)
def test_sets_that_have_the_same_codes_have_the_same_number(
    world: list[tuple[str, list[str] | None, int]],
) -> None:
    sets = [None if row[1] is None else frozenset(row[1]) for row in world]
    column = pl.Series([row[1] for row in world], dtype=pl.List(pl.String))
    numbers = set_numbers([column[:3], column[3:]])
    for i, first in enumerate(sets):
        assert [first == second for second in sets] == (numbers == numbers[i]).tolist()
