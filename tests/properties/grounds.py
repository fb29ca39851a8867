"""Small lattices drawn for the kernels of the search of lattices of any size, and nodes in their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from anonymizer.search.anytime.boxes import Terrain
from tests.properties.definitions import Node

Words = NDArray[np.uint64]
MOST_HEIGHT = 2


def word(node: Sequence[int]) -> Words:
    """A node in words of eight columns each."""
    packed = np.zeros(-(-len(node) // 8), np.uint64)
    for j, level in enumerate(node):
        packed[j // 8] += np.uint64(level << 8 * (j % 8))
    return packed


def levels(packed: Words, m: int) -> Node:
    """The levels of a node in words."""
    return tuple(int(packed[j // 8]) >> 8 * (j % 8) & 0xFF for j in range(m))


def is_below(node: Node, other: Node) -> bool:
    return all(a <= b for a, b in zip(node, other, strict=True))


@dataclass(frozen=True, slots=True)
class Ground:
    """A lattice with what is known of it from the start, and its kernels' form."""

    heights: Node
    terrain: Terrain

    @property
    def m(self) -> int:
        return len(self.heights)

    def total(self, terms: NDArray[np.float64], node: Node) -> float:
        parts = [float(terms[j, level]) for j, level in enumerate(node)]
        return max(0.0, *parts) if self.terrain.largest else sum(parts)


@st.composite
def grounds(draw: st.DrawFn, *, most_columns: int = 10) -> Ground:
    """A lattice of a few hundred nodes at most, in up to two words; terms rise with the level."""
    m = draw(st.integers(1, most_columns))
    heights = [draw(st.integers(0, MOST_HEIGHT)) if j % 3 == 0 else j % 2 for j in range(m)]
    table = st.lists(
        st.lists(st.integers(0, 4), min_size=MOST_HEIGHT + 1, max_size=MOST_HEIGHT + 1),
        min_size=m,
        max_size=m,
    )
    terms, guide = (np.cumsum(draw(table), axis=1).astype(np.float64) / 8 for _ in range(2))
    terrain = Terrain(
        heights=np.array(heights, np.int64),
        terms=terms,
        guide=guide,
        floors=np.array(draw(st.lists(st.floats(0, 3), max_size=5).map(sorted)), np.float64),
        scale=np.array([0.0, 0.5]),
        largest=draw(st.booleans()),
    )
    return Ground(tuple(heights), terrain)


def nodes_of(ground: Ground) -> st.SearchStrategy[Node]:
    return st.tuples(*(st.integers(0, height) for height in ground.heights))


def flat(m: int) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    return np.ones(m, np.int64), np.zeros((m, 2)), np.zeros((m, 2))
