"""MDAV: the kernel against the algorithm in plain Python, and what must hold of any groups."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from anonymizer.transforming.mdav import mdav

Point = tuple[float, ...]
NUMBERS = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6, allow_nan=False))
K = st.integers(1, 4)


@st.composite
def clouds(draw: st.DrawFn) -> list[Point]:
    width = draw(st.integers(1, 3))
    return draw(st.lists(st.tuples(*[NUMBERS] * width), min_size=4, max_size=24))


def literal(points: list[Point], k: int) -> list[set[int]]:
    """The groups, as the paper's steps make them; of equals the first one counts."""
    alive, groups = list(range(len(points))), []
    while len(alive) >= 3 * k:
        far = farthest(points, alive, average(points, alive))
        groups.append(take(points, alive, points[far], k))
        groups.append(take(points, alive, points[farthest(points, alive, points[far])], k))
    if len(alive) >= 2 * k:
        groups.append(take(points, alive, points[farthest(points, alive, average(points, alive))], k))
    return [*groups, set(alive)]


def average(points: list[Point], alive: list[int]) -> Point:
    sums = [0.0] * len(points[0])
    for i in alive:
        sums = [total + x for total, x in zip(sums, points[i], strict=True)]
    return tuple(total / len(alive) for total in sums)


def distance(one: Point, other: Point) -> float:
    total = 0.0
    for x, y in zip(one, other, strict=True):
        total += (x - y) * (x - y)
    return total


def farthest(points: list[Point], alive: list[int], centre: Point) -> int:
    return max(alive, key=lambda i: (distance(points[i], centre), -i))


def take(points: list[Point], alive: list[int], centre: Point, k: int) -> set[int]:
    nearest = sorted(alive, key=lambda i: (distance(points[i], centre), i))[:k]
    for i in nearest:
        alive.remove(i)
    return set(nearest)


def numbered(points: list[Point], k: int) -> NDArray[np.int64]:
    found: NDArray[np.int64] = mdav(np.array(points, np.float64), k)
    return found


@settings(max_examples=150, deadline=None)
@given(clouds(), K)
def test_the_kernel_does_the_papers_steps(points: list[Point], k: int) -> None:
    found = numbered(points, k)
    assert [set(np.flatnonzero(found == g).tolist()) for g in range(found.max() + 1)] == literal(points, k)


@settings(max_examples=60, deadline=None)
@given(clouds(), K)
def test_every_group_holds_k_to_2k_minus_1_points(points: list[Point], k: int) -> None:
    sizes = np.bincount(numbered(points, k))
    assert sizes.sum() == len(points)
    assert sizes.min() >= k
    assert sizes.max() <= 2 * k - 1


def test_a_line_by_hand() -> None:
    """k = 2 on 0 1 2 10 11 20 21 22: 22 is farthest from the mean 10.9, then 0 from 22; then 20 and 2."""
    points = [(x,) for x in (0.0, 1.0, 2.0, 10.0, 11.0, 20.0, 21.0, 22.0)]
    # 22 + 21 | 0 + 1; of 2 10 11 20 (mean 10.75) 20 is farthest: 20 + 11, the rest is 2 and 10
    assert literal(points, 2) == [{6, 7}, {0, 1}, {4, 5}, {2, 3}]
    assert numbered(points, 2).tolist() == [1, 1, 3, 3, 2, 2, 0, 0]


def test_fewer_than_2k_points_are_one_group() -> None:
    assert numbered([(float(x),) for x in range(5)], 3).tolist() == [0] * 5
