"""What single attackers see, on tables small enough to work out by hand or by loops."""

from __future__ import annotations

from itertools import product
from math import exp, log

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from risk.attacks.likelihood import SMOOTHING, likelihood_ratio, tree
from risk.attacks.matches import with_and_without
from risk.attacks.scores import isolation, scores
from risk.comparison import Attribute, Comparison

SEX = Attribute("sex", "category", True, False)
CODES = Attribute("codes", "codes", True, False)
STAGE = Attribute("stage", "category", False, True)


def five(shown: list[bool] | None = None) -> Comparison:
    """Persons 0 to 3; person 0 has two rows alike. All are shown."""
    rows = pl.DataFrame({"sex": ["f", "f", "f", "m", "m"], "stage": ["I", "I", "II", "I", None]})
    seen = np.array(shown or [True] * 5)
    return Comparison(
        "anonymised",
        (SEX, STAGE),
        rows.filter(pl.Series(seen)),
        rows,
        rows,
        np.array([0, 0, 1, 2, 3]),
        seen,
    )


def test_all_rows_of_a_person_are_taken_out() -> None:
    found = with_and_without(five(), np.arange(5))
    present, absent = found["a match on all columns"]
    assert present.tolist() == [1, 1, 1, 1, 1]
    assert absent.tolist() == [0, 0, 0, 0, 0], "person 0's rows match each other and nobody else's"
    present, absent = found["a match on quasi-identifiers"]
    assert absent.tolist() == [1, 1, 1, 1, 1]


def test_only_rows_that_were_released_are_taken_out() -> None:
    found = with_and_without(five([True, False, True, True, True]), np.array([0]))
    present, absent = found["a match on all columns"]
    assert (present[0], absent[0]) == (1, 0)
    present, absent = found["unlikely matches on quasi-identifiers"]
    expected = 2.0
    assert present[0] == pytest.approx(-log(1 - exp(-expected) * (1 + expected)))
    assert absent[0] == pytest.approx(-log(1 - exp(-expected)))


def test_one_of_many_matches_more_or_less_is_not_seen() -> None:
    rows = pl.DataFrame({"sex": ["f"] * 4 + ["m"] * 3, "stage": ["I"] * 7})
    everybody = np.ones(7, np.bool_)
    comparison = Comparison("anonymised", (SEX, STAGE), rows, rows, rows, np.arange(7), everybody)
    for name, (present, absent) in with_and_without(comparison, np.arange(7)).items():
        assert (present[:4] == absent[:4]).all(), name
    present, absent = with_and_without(comparison, np.arange(7))["unlikely matches on all columns"]
    assert (present[4:] > absent[4:]).all()


def test_sets_of_codes_match_in_any_order() -> None:
    rows = pl.DataFrame({"codes": [["A", "B"], ["B", "A"], ["A"], None]})
    comparison = Comparison("anonymised", (CODES,), rows, rows, rows, np.arange(4), np.ones(4, np.bool_))
    _, absent = with_and_without(comparison, np.arange(4))["a match on quasi-identifiers"]
    assert absent.tolist() == [1, 1, 0, 0]


def test_isolation_is_from_other_people() -> None:
    """A person's own rows are not neighbours; the distance is in parts of the range of 100."""
    values = pl.DataFrame({"x": [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 50.0, 100.0]})
    kinds = (Attribute("x", "number", True, False),)
    people = np.array([0, 0, 0, 1, 2, 3, 4, 5])
    found = isolation(values, people, among=values, others=people, attributes=kinds)
    assert found[0] == found[2] > found[3], (
        "the fifth nearest of others is at 100, at 0 for who has more others"
    )


def test_the_nearest_scores_are_of_distances() -> None:
    kinds = (Attribute("x", "number", True, False), SEX)
    released = pl.DataFrame({"x": [0.0, 10.0, 100.0], "sex": ["f", "f", "m"]})
    reference = pl.DataFrame({"x": [50.0], "sex": ["f"]})
    targets = pl.DataFrame({"x": [10.0, 50.0, 40.0], "sex": ["f", "f", "f"]})
    found = scores(released, reference, targets, kinds)
    assert found["nearest record"][0] == 0
    assert found["nearest record"][1] == pytest.approx(4 / 3 * found["nearest record"][2], rel=1e-3)
    order = np.argsort(-found["calibrated nearest record"])
    assert order.tolist() == [0, 2, 1]


def literal_information(one: list[int], other: list[int]) -> float:
    n = len(one)
    total = 0.0
    for a, b in product(set(one), set(other)):
        joint = sum((x, y) == (a, b) for x, y in zip(one, other, strict=True)) / n
        if joint:
            total += joint * log(joint / (one.count(a) / n * other.count(b) / n))
    return total


def spanning_trees(count: int) -> list[list[int]]:
    """All trees on a few columns, as the parents of columns 1, …: no circle, all below the root."""
    found = []
    for parents in product(range(count), repeat=count - 1):
        reached, frontier = {0}, [0]
        while frontier:
            node = frontier.pop()
            children = [c + 1 for c, p in enumerate(parents) if p == node and c + 1 not in reached]
            reached |= set(children)
            frontier += children
        if len(reached) == count:
            found.append([-1, *parents])
    return found


@settings(max_examples=40)
@given(st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=2, max_size=12))
def test_the_tree_is_that_of_most_mutual_information(rows: list[tuple[int, ...]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]

    def worth(parents: list[int]) -> float:
        return sum(literal_information(columns[c], columns[p]) for c, p in enumerate(parents) if p >= 0)

    found = tree(np.array(columns), [3] * 4)
    assert found in spanning_trees(4)
    assert worth(found) == pytest.approx(max(map(worth, spanning_trees(4))), abs=1e-9)


def test_the_likelihood_ratio_is_worked_out_by_hand() -> None:
    """One column, so the tree is a root: the ratio of smoothed shares."""
    released = pl.DataFrame({"sex": ["f", "f", "f", "m"]})
    reference = pl.DataFrame({"sex": ["f", "m"]})
    found = likelihood_ratio(released, reference, pl.DataFrame({"sex": ["f", "m", None]}), (SEX,))

    def share(count: int, n: int) -> float:
        margin = (count + 1) / (n + 4)
        return (count + SMOOTHING * margin) / (n + SMOOTHING)

    expected = [log(share(a, 4) / share(b, 2)) for a, b in ((3, 1), (1, 1), (0, 0))]
    assert found == pytest.approx(expected)
