"""Compiled counting of code sets beside its twin: dictionaries of sets of people."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from anonymizer.counting.set_kernels import choose_removed, mark_rare
from anonymizer.criteria import KMAnonymity
from anonymizer.transforming.code_removal import codes_to_remove, without
from release.verifying.code_set_counts import without_codes

Row = tuple[int, frozenset[int]]
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
CODES = 5
ROWS = st.lists(st.tuples(st.integers(0, 4), st.frozensets(st.integers(0, CODES - 1))), max_size=9)
CLASSES = st.lists(ROWS, min_size=1, max_size=3)


def arrays(classes: Sequence[Sequence[Row]]) -> Arrays:
    """Classes of (person, codes) as the kernels want them."""
    ordered = [row for rows in classes for row in sorted(rows, key=lambda row: row[0])]
    codes = [code for _, held in ordered for code in sorted(held)]
    return (
        np.cumsum([0, *map(len, classes)]),
        np.cumsum([0, *(len(held) for _, held in ordered)]),
        np.array(codes, np.int32),
        np.array([person for person, _ in ordered], np.int32),
    )


def rare(rows: Sequence[Row], k: int, m: int) -> set[frozenset[int]]:
    """The itemsets of up to m codes that some row holds and fewer than k people share."""
    people: dict[frozenset[int], set[int]] = {}
    for person, held in rows:
        for size in range(1, m + 1):
            for itemset in combinations(sorted(held), size):
                people.setdefault(frozenset(itemset), set()).add(person)
    return {itemset for itemset, sharing in people.items() if len(sharing) < k}


@settings(max_examples=150, deadline=None)
@given(CLASSES, st.integers(1, 4), st.integers(1, 4))
def test_marked_rows_hold_a_rare_itemset_and_every_class_that_has_one_is_marked(
    classes: list[list[Row]], k: int, m: int
) -> None:
    marks = iter(mark_rare(*arrays(classes), k, m, CODES).tolist())
    for rows in classes:
        found = rare(rows, k, m)
        marked = [(held, next(marks)) for _, held in sorted(rows, key=lambda row: row[0])]
        assert any(mark for _, mark in marked) == bool(found)
        assert all(any(itemset <= held for itemset in found) for held, mark in marked if mark)


@settings(max_examples=150, deadline=None)
@given(CLASSES, st.integers(1, 4), st.integers(1, 4))
def test_without_the_chosen_codes_nothing_is_rare(classes: list[list[Row]], k: int, m: int) -> None:
    of_class, code = choose_removed(*arrays(classes), k, m, CODES)
    for c, rows in enumerate(classes):
        gone = frozenset(code[of_class == c].tolist())
        found = rare(rows, k, m)
        assert not rare([(person, held - gone) for person, held in rows], k, m)
        # what is rare by itself must go, and no code goes without being in a rare itemset
        assert {*(next(iter(one)) for one in found if len(one) == 1)} <= gone
        assert gone <= frozenset().union(*found)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", None]),
            st.integers(0, 6),
            st.one_of(st.none(), st.frozensets(st.sampled_from("VWXYZ"))),
        ),
        min_size=1,
        max_size=14,
    ),
    st.booleans(),
    st.integers(1, 3),
    st.integers(1, 3),
)
def test_lists_lose_their_classes_codes_and_nothing_else(
    rows: list[tuple[str | None, int, frozenset[str] | None]], by_person: bool, k: int, m: int
) -> None:
    quasi = pl.DataFrame({"label": [label for label, _, _ in rows]}, schema={"label": pl.String})
    people = pl.Series([person for _, person, _ in rows]) if by_person else None
    cells = [None if held is None else sorted(held) for _, _, held in rows]
    lists = pl.Series("dx", cells, dtype=pl.List(pl.String))
    removed = codes_to_remove(quasi, people, lists, KMAnonymity("dx", k, m, repair=True))

    gone: dict[str | None, set[str]] = {}
    for label, code in removed.iter_rows():
        gone.setdefault(label, set()).add(code)
    expected = [
        None
        if held is None or (held and held <= gone.get(label, set()))
        else sorted(held - gone.get(label, set()))
        for label, _, held in rows
    ]
    assert without(quasi, lists, removed).to_list() == expected
    assert without_codes(lists, quasi.rename({"label": "q0"}), removed).to_list() == expected
