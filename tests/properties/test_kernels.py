"""Every kernel beside a twin of a few lines of Python."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from anonymizer.counting import kernels
from tests.properties.laws import law

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]


def int32(values: object) -> Ints:
    return np.array(values, np.int32)


def int64(values: object) -> Longs:
    return np.array(values, np.int64)


@dataclass(frozen=True, slots=True)
class Arrays:
    """A random table of codes with a ladder position per column, as the kernels see it."""

    codes: Ints
    representatives: Ints
    label_codes: Ints
    leaf_counts: Longs
    offsets: Longs
    sizes: Longs

    def value(self, i: int, j: int) -> int:
        """Where the flat arrays hold the value that row i has in column j."""
        return int(self.offsets[j] + self.codes[self.representatives[i], j])


@st.composite
def arrays(draw: st.DrawFn) -> Arrays:
    m, tuples = draw(st.integers(1, 4)), draw(st.integers(1, 9))
    values = draw(st.lists(st.integers(1, 5), min_size=m, max_size=m))
    # A gap before each column's part shows that its offset is used.
    gap = draw(st.integers(0, 3))
    offsets = np.cumsum([gap, *(v + gap for v in values)])[:-1]
    sizes = draw(st.lists(st.integers(1, 4), min_size=m, max_size=m))
    flat = sum(values) + m * gap + gap
    labels = np.zeros(flat, np.int32)
    for j in range(m):
        codes = st.lists(st.integers(0, sizes[j] - 1), min_size=values[j], max_size=values[j])
        labels[offsets[j] : offsets[j] + values[j]] = draw(codes)
    leaves = draw(st.lists(st.integers(1, 10**6), min_size=flat, max_size=flat))
    rows = [[draw(st.integers(0, v - 1)) for v in values] for _ in range(tuples)]
    members = draw(st.lists(st.integers(0, tuples - 1), max_size=12))
    return Arrays(int32(rows), int32(members), labels, int64(leaves), int64(offsets), int64(sizes))


def numbered(keys: list[int]) -> list[int]:
    order = list(dict.fromkeys(keys))
    return [order.index(key) for key in keys]


@law(150)
@given(arrays(), st.data())
def test_extend_keys(a: Arrays, data: st.DataObject) -> None:
    start = data.draw(
        st.lists(st.integers(0, 99), min_size=len(a.representatives), max_size=len(a.representatives))
    )
    columns = data.draw(st.lists(st.sampled_from(range(len(a.sizes))), unique=True))
    expected = list(start)
    for j in columns:
        expected = [k * int(a.sizes[j]) + int(a.label_codes[a.value(i, j)]) for i, k in enumerate(expected)]
    keys, chosen = int64(start), int64(columns)
    offsets, sizes = a.offsets[chosen], a.sizes[chosen]
    kernels.extend_keys(keys, a.codes, a.representatives, chosen, a.label_codes, offsets, sizes)
    assert keys.tolist() == expected


@law(150)
@given(st.lists(st.integers(0, 40)))
def test_number_small_keys(keys: list[int]) -> None:
    class_of, classes = kernels.number_small_keys(int64(keys), 41)
    assert class_of.tolist() == numbered(keys)
    assert classes == len(set(keys))


# Multiples of a power of two have equal low bits: a table addressed by those would see only collisions.
KEYS = st.one_of(
    st.integers(0, 60), st.integers(0, 2**63 - 1), st.integers(0, 50).map(lambda n: n << 57), st.just(0)
)


@law(300)
@given(st.lists(KEYS, max_size=80))
def test_number_keys(keys: list[int]) -> None:
    class_of, classes = kernels.number_keys(int64(keys))
    assert class_of.tolist() == numbered(keys)
    assert classes == len(set(keys))


def test_number_keys_of_many() -> None:
    keys = [(i * 2_654_435_761) % 5_000 * 2**40 for i in range(20_000)]
    class_of, classes = kernels.number_keys(int64(keys))
    first = {key: n for n, key in enumerate(dict.fromkeys(keys))}
    assert class_of.tolist() == [first[key] for key in keys]
    assert classes == len(first)


@st.composite
def memberships(draw: st.DrawFn) -> tuple[list[int], int]:
    """The class of each of some tuples, with no class empty, and the number of classes."""
    class_of = numbered(draw(st.lists(st.integers(0, 6), min_size=1, max_size=15)))
    return class_of, max(class_of) + 1


@law(150)
@given(memberships(), st.data())
def test_merge_rows(membership: tuple[list[int], int], data: st.DataObject) -> None:
    class_of, classes = membership
    n = len(class_of)
    rows = data.draw(st.lists(st.integers(1, 2**40), min_size=n, max_size=n))
    members = data.draw(st.permutations(range(n)))
    total, first = kernels.merge_rows(int32(class_of), classes, int64(rows), int32(members))
    of = [[i for i in range(n) if class_of[i] == c] for c in range(classes)]
    assert total.tolist() == [sum(rows[i] for i in mine) for mine in of]
    assert first.tolist() == [members[mine[0]] for mine in of]


@law(200)
@given(memberships(), st.data())
def test_merge_pairs(membership: tuple[list[int], int], data: st.DataObject) -> None:
    class_of, classes = membership
    pair = st.tuples(st.integers(1, 5), st.integers(0, len(class_of) - 1))
    pairs = sorted(data.draw(st.sets(pair)))
    owner, item, distinct = kernels.merge_pairs(
        int32(class_of), classes, int32([o for _, o in pairs]), int32([i for i, _ in pairs])
    )
    merged = list(zip(item.tolist(), owner.tolist(), strict=True))
    expected = {(i, class_of[o]) for i, o in pairs}
    assert set(merged) == expected
    assert len(merged) == len(expected)
    assert item.tolist() == sorted(item.tolist())
    assert distinct.tolist() == [sum(c == mine for _, c in expected) for mine in range(classes)]
