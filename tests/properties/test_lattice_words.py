"""The words that stand for nodes, beside plain tuples of levels."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.counting.counts import Counts
from anonymizer.hierarchies.encoding import Ladder
from anonymizer.measuring.affine import AffineMetric
from anonymizer.metrics import Height, Loss, Metric
from anonymizer.search import lattice as words
from anonymizer.search import stones
from anonymizer.search.lattice import (
    ALIVE,
    Fields,
    Lattice,
    combined,
    height,
    is_specialisation,
    level,
    linear,
)
from anonymizer.search.opening import open_lattice, unpacked
from tests.properties.definitions import Node
from tests.properties.laws import law

HEIGHTS = st.lists(st.integers(0, 1), min_size=1, max_size=40) | st.lists(
    st.integers(0, 9), min_size=1, max_size=12
)
LARGEST = 400


def counts_of(heights: list[int]) -> Counts:
    """A table of one row whose columns have so many levels."""
    ladders = tuple(
        Ladder(
            f"q{j}",
            tuple(("a",) for _ in range(top + 1)),
            np.zeros((top + 1, 1), np.int32),
            np.arange(1, top + 2, dtype=np.int64).reshape(-1, 1),
            top + 1,
            0,
            top,
            1.0,
        )
        for j, top in enumerate(heights)
    )
    codes = np.zeros((1, len(heights)), np.int32)
    return Counts(ladders, codes, np.ones(1, np.int64), None, {}, np.zeros(1, np.int32))


def opened(heights: list[int], metric: Metric = Height()) -> Lattice:  # noqa: B008 - frozen
    counts = counts_of(heights)
    return open_lattice(counts, AffineMetric.of(counts, metric))


def small(heights: list[int]) -> list[int]:
    """Heights of a lattice that can be walked: columns from the end lose their levels."""
    kept: list[int] = []
    for top in heights:
        kept.append(top if prod(h + 1 for h in [*kept, top]) <= LARGEST else 0)
    return kept


def all_nodes(heights: list[int]) -> list[Node]:
    return list(product(*(range(top + 1) for top in heights)))


def lies_below(one: Node, other: Node) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True))


@law(120)
@given(HEIGHTS.map(small))
def test_a_lattice_holds_every_node_once_in_order(heights: list[int]) -> None:
    lattice = opened(heights)
    nodes = all_nodes(heights)
    assert [unpacked(lattice, word) for word in lattice.nodes] == nodes
    # Words are ordered as tuples are: ties between nodes go to the first.
    assert lattice.nodes.tolist() == sorted(set(lattice.nodes.tolist()))
    assert [linear(lattice.fields, word) for word in lattice.nodes] == list(range(len(nodes)))
    assert lattice.registers[ALIVE] == len(nodes)
    assert words.NONE not in lattice.nodes


@law(120)
@given(HEIGHTS.map(small), st.data())
def test_a_word_says_what_its_levels_say(heights: list[int], data: st.DataObject) -> None:
    lattice, nodes = opened(heights), all_nodes(heights)
    guard = lattice.fields.guard[0]
    for _ in range(12):
        i, k = (data.draw(st.integers(0, len(nodes) - 1)) for _ in range(2))
        one, other = lattice.nodes[i], lattice.nodes[k]
        assert bool(is_specialisation(one, other, guard)) == lies_below(nodes[i], nodes[k])
        assert tuple(level(lattice.fields, one, j) for j in range(len(heights))) == nodes[i]
        assert height(lattice.fields, one) == sum(nodes[i])
        assert combined(lattice.fields, lattice.terms, one) == pytest.approx(sum(nodes[i]))


@pytest.mark.parametrize("spec", [Loss(), Loss("max"), Loss("sum"), Height()])
@law(20)
@given(heights=HEIGHTS.map(small))
def test_bounds_start_as_the_columns_terms_combined(spec: Metric, heights: list[int]) -> None:
    lattice = opened(heights, spec)
    terms = AffineMetric.of(counts_of(heights), spec).start()
    for node, bound in zip(all_nodes(heights), lattice.bounds.tolist(), strict=True):
        parts = [float(column[at]) for column, at in zip(terms, node, strict=True)]
        assert bound == pytest.approx(max(parts) if lattice.fields.largest else sum(parts))


def some_of(nodes: list[Node]) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(0, len(nodes) - 1), max_size=9, unique=True)


def left_of(lattice: Lattice, alive: list[int]) -> list[np.uint64]:
    """The words of all nodes, of which only these are left alive."""
    everyone = lattice.nodes.copy()
    lattice.nodes[: len(alive)] = everyone[alive]
    lattice.registers[ALIVE] = len(alive)
    return list(everyone)


@law(80)
@given(HEIGHTS.map(small), st.data())
def test_the_meet_is_the_highest_node_below_all_alive_and_the_target(
    heights: list[int], data: st.DataObject
) -> None:
    lattice, nodes = opened(heights), all_nodes(heights)
    alive, target = data.draw(some_of(nodes)), data.draw(st.integers(0, len(nodes) - 1))
    lattice.chain[0] = left_of(lattice, alive)[target]
    expected = tuple(map(min, *(nodes[i] for i in [*alive, target, target])))
    assert unpacked(lattice, stones.meet(lattice)) == expected


@pytest.mark.parametrize("spec", [Height(), Loss("max")])
@law(60)
@given(heights=HEIGHTS.map(small), data=st.data())
def test_what_a_node_tells_of_its_specialisations_raises_their_bounds(
    spec: Metric, heights: list[int], data: st.DataObject
) -> None:
    """Exactly to the combined terms, whichever nodes are left alive, and no other's bound."""
    lattice, nodes = opened(heights, spec), all_nodes(heights)
    alive, told = sorted(data.draw(some_of(nodes))), data.draw(st.integers(0, len(nodes) - 1))
    word, fields = left_of(lattice, alive), lattice.fields
    terms = np.array([[data.draw(st.integers(0, 9)) / 8 for _ in row] for row in lattice.terms])
    bounds = np.array([data.draw(st.integers(0, 40)) / 8 for _ in alive])
    expected = [
        max(float(bound), combined(fields, terms, word[i])) if lies_below(nodes[i], nodes[told]) else bound
        for i, bound in zip(alive, bounds.tolist(), strict=True)
    ]
    words.raise_specialisations(fields, lattice.nodes[: len(alive)], bounds, word[told], terms)
    assert bounds.tolist() == expected


@law(80)
@given(HEIGHTS.map(small), st.data())
def test_a_stone_lies_on_the_way(heights: list[int], data: st.DataObject) -> None:
    """It can be made of the table below, and what is asked for of it; some of the nodes alive lie above."""
    lattice, nodes = opened(heights), all_nodes(heights)
    high = data.draw(st.integers(0, len(nodes) - 1))
    low = data.draw(st.sampled_from([i for i, node in enumerate(nodes) if lies_below(node, nodes[high])]))
    alive = data.draw(some_of(nodes))
    word = left_of(lattice, alive)
    stone = unpacked(lattice, stones.midway(lattice, word[low], word[high]))
    assert lies_below(nodes[low], stone)
    assert lies_below(stone, nodes[high])
    reached = [i for i in alive if lies_below(nodes[low], nodes[i])]
    assert not reached or any(lies_below(stone, nodes[i]) for i in reached)


@law(150)
@given(st.data())
def test_words_of_up_to_64_bits_tell_nodes_apart(data: st.DataObject) -> None:
    """No lattice that fits in memory needs as many; the arithmetic must not depend on it."""
    heights: list[int] = []
    while sum(top.bit_length() + 1 for top in heights) < 62 and len(heights) < 40:
        heights.append(data.draw(st.integers(1, 2 ** data.draw(st.integers(1, 9)))))
    while sum(top.bit_length() + 1 for top in heights) > 64:
        heights.pop()
    fields = laid_out(heights)
    nodes = [tuple(data.draw(st.integers(0, top)) for top in heights) for _ in range(2)]
    nodes += [tuple(map(min, *nodes)), tuple(map(max, *nodes)), tuple(heights), (0,) * len(heights)]
    for one, other in product(nodes, nodes):
        below, above = word_of(fields, one), word_of(fields, other)
        assert bool(is_specialisation(below, above, fields.guard[0])) == lies_below(one, other)
        assert tuple(level(fields, below, j) for j in range(len(heights))) == one
        assert (below < above) == (one < other)
        assert height(fields, below) == sum(one)


def laid_out(heights: list[int]) -> Fields:
    """A guard bit over each field, the first column in the highest bits."""
    widths = [top.bit_length() + 1 for top in heights]
    shifts = [sum(widths[j + 1 :]) for j in range(len(widths))]
    guard = sum(1 << (shift + width - 1) for shift, width in zip(shifts, widths, strict=True))
    return Fields(
        np.array(shifts, np.uint64),
        np.array([(1 << (width - 1)) - 1 for width in widths], np.uint64),
        np.ones(len(heights), np.int64),
        np.array(heights, np.int64),
        np.array([guard], np.uint64),
        False,
    )


def word_of(fields: Fields, node: Node) -> np.uint64:
    return np.uint64(sum(at << int(shift) for at, shift in zip(node, fields.shifts, strict=True)))


def test_columns_of_one_level_take_no_bits() -> None:
    """A hundred columns that cannot be generalised, among three that can."""
    heights = [1, *[0] * 50, 3, *[0] * 50, 2]
    lattice = opened(heights)
    assert int(lattice.fields.guard[0]).bit_count() == 3
    assert [(n[0], n[51], n[102]) for n in (unpacked(lattice, w) for w in lattice.nodes)] == all_nodes(
        [1, 3, 2]
    )
