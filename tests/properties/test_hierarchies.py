"""Laws of every hierarchy: built-in or from a file."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.hierarchies.encoding import encode
from anonymizer.hierarchies.hierarchy import Generalised
from anonymizer.tables.table import Column, Role
from tests.properties.definitions import Domain
from tests.properties.domains import domains
from tests.properties.laws import law


def generalised(domain: Domain) -> Generalised:
    return domain.hierarchy.generalise(domain.values)


@law(300)
@given(domains())
def test_labels_and_leaf_counts_are_those_of_the_definition(domain: Domain) -> None:
    result = generalised(domain)
    cells = [[domain.generalise(value, level) for value in domain.values] for level in range(domain.top + 1)]
    assert result.labels == tuple(tuple(label for label, _ in level) for level in cells)
    assert domain.hierarchy.leaves == len(domain.leaves)
    assert result.leaf_counts == tuple(tuple(count for _, count in level) for level in cells)


@law(200)
@given(domains())
def test_there_is_a_name_for_every_level_and_the_top_is_a_star_over_all_leaves(domain: Domain) -> None:
    result, n = generalised(domain), len(domain.values)
    assert (
        len(domain.hierarchy.level_names) == len(result.labels) == len(result.leaf_counts) == domain.top + 1
    )
    assert len(set(domain.hierarchy.level_names)) == domain.top + 1
    assert domain.hierarchy.level_names[-1] == "*"
    assert result.labels[-1] == ("*",) * n
    assert result.leaf_counts[-1] == (domain.hierarchy.leaves,) * n


@law(200)
@given(domains())
def test_a_label_determines_every_coarser_label(domain: Domain) -> None:
    labels = generalised(domain).labels
    for finer, coarser in pairwise(labels):
        assert len(set(zip(finer, coarser, strict=True))) == len(set(finer))


@law(200)
@given(domains())
def test_leaf_counts_never_fall_and_all_members_of_a_label_agree_on_them(domain: Domain) -> None:
    result = generalised(domain)
    for finer, coarser in pairwise(result.leaf_counts):
        assert all(a <= b for a, b in zip(finer, coarser, strict=True))
    for labels, counts in zip(result.labels, result.leaf_counts, strict=True):
        assert len(set(zip(labels, counts, strict=True))) == len(set(labels))
        assert min(counts) >= 1


@law(100)
@given(domains(), st.data())
def test_a_value_generalises_alone_as_it_does_among_others(domain: Domain, data: st.DataObject) -> None:
    some = data.draw(st.lists(st.sampled_from(domain.values), min_size=1, unique=True))
    everyone = dict(zip(domain.values, zip(*generalised(domain).labels, strict=True), strict=True))
    alone = zip(*domain.hierarchy.generalise(some).labels, strict=True)
    assert dict(zip(some, alone, strict=True)) == {value: everyone[value] for value in some}


@law(150)
@given(domains(), st.data())
def test_missing_is_one_extra_leaf(domain: Domain, data: st.DataObject) -> None:
    cells = data.draw(st.lists(st.sampled_from([*domain.values[:6], None]), max_size=12))
    column = Column("q", Role.QUASI_IDENTIFIER, domain.hierarchy)
    codes, ladder = encode(pl.Series("q", cells, dtype=pl.String), column)
    assert ladder.leaves == len(domain.leaves) + (None in cells)
    for cell, code in zip(cells, codes.tolist(), strict=True):
        at_top = ladder.labels[ladder.top][code], ladder.leaf_counts[ladder.top][code]
        assert at_top == ("*", ladder.leaves)
        below = [(ladder.labels[x][code], ladder.leaf_counts[x][code]) for x in range(ladder.top)]
        expected = [(None, 1) if cell is None else domain.generalise(cell, x) for x in range(ladder.top)]
        assert below == expected


@law(100)
@given(domains(), st.data())
def test_codes_depend_on_the_set_of_values_and_not_on_the_order_of_rows(
    domain: Domain, data: st.DataObject
) -> None:
    cells = data.draw(st.lists(st.sampled_from([*domain.values[:6], None]), min_size=1, max_size=12))
    shuffled = data.draw(st.permutations(cells))
    column = Column("q", Role.QUASI_IDENTIFIER, domain.hierarchy)
    one, ladder = encode(pl.Series("q", cells, dtype=pl.String), column)
    two, other = encode(pl.Series("q", shuffled, dtype=pl.String), column)
    assert dict(zip(cells, one.tolist(), strict=True)) == dict(zip(shuffled, two.tolist(), strict=True))
    assert ladder.labels == other.labels
    assert ladder.label_codes.tolist() == other.label_codes.tolist()
