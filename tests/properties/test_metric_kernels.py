"""Every kernel of the metrics beside a twin of a few lines of Python."""

from __future__ import annotations

from math import fsum, log, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.measuring import metric_kernels
from tests.properties.laws import law
from tests.properties.test_kernels import Arrays, arrays, int32, int64


@st.composite
def weighted(draw: st.DrawFn) -> tuple[Arrays, list[int]]:
    """Random classes and how many rows of each count."""
    drawn = draw(arrays())
    n = len(drawn.representatives)
    return drawn, draw(st.lists(st.integers(0, 10**6), min_size=n, max_size=n))


@law(150)
@given(weighted())
def test_covered(drawn: tuple[Arrays, list[int]]) -> None:
    a, weights = drawn
    total = metric_kernels.covered(int64(weights), a.representatives, a.codes, a.leaf_counts, a.offsets)
    assert total.tolist() == [
        sum(w * int(a.leaf_counts[a.value(i, j)]) for i, w in enumerate(weights)) for j in range(len(a.sizes))
    ]


@law(150)
@given(weighted(), st.data())
def test_capped(drawn: tuple[Arrays, list[int]], data: st.DataObject) -> None:
    a, weights = drawn
    m, levels = len(a.sizes), data.draw(st.integers(1, 4))
    row = st.lists(st.integers(1, 10**6), min_size=levels, max_size=levels)
    caps = data.draw(st.lists(row, min_size=m, max_size=m))
    total = metric_kernels.capped(
        int64(weights), a.representatives, a.codes, a.leaf_counts, a.offsets, int64(caps)
    )
    assert total.tolist() == [
        [
            sum(w * min(int(a.leaf_counts[a.value(i, j)]), cap) for i, w in enumerate(weights))
            for cap in caps[j]
        ]
        for j in range(m)
    ]


@law(150)
@given(weighted())
def test_label_rows(drawn: tuple[Arrays, list[int]]) -> None:
    a, weights = drawn
    starts = np.cumsum([0, *a.sizes])
    total = metric_kernels.label_rows(
        int64(weights), a.representatives, a.codes, a.label_codes, a.offsets, starts
    )
    assert total.tolist() == [
        sum(w for i, w in enumerate(weights) if a.label_codes[a.value(i, j)] == label)
        for j, size in enumerate(a.sizes)
        for label in range(size)
    ]


@law(150)
@given(arrays())
def test_log_areas(a: Arrays) -> None:
    areas = metric_kernels.log_areas(a.representatives, a.codes, np.log(a.leaf_counts), a.offsets)
    assert areas.tolist() == pytest.approx(
        [
            fsum(log(a.leaf_counts[a.value(i, j)]) for j in range(len(a.sizes)))
            for i in range(len(a.representatives))
        ]
    )


@law(150)
@given(weighted(), st.data())
def test_area_sums(drawn: tuple[Arrays, list[int]], data: st.DataObject) -> None:
    a, weights = drawn
    n = len(weights)
    rows = data.draw(st.lists(st.integers(0, 10**6), min_size=n, max_size=n))
    areas = [prod(int(a.leaf_counts[a.value(i, j)]) for j in range(len(a.sizes))) for i in range(n)]
    sums = metric_kernels.area_sums(
        int64(rows), int64(weights), a.representatives, a.codes, a.leaf_counts.astype(float), a.offsets
    )
    assert sums[0] == pytest.approx(sum(row * area for row, area in zip(rows, areas, strict=True)))
    assert sums[1] == pytest.approx(sum(w * area for w, area in zip(weights, areas, strict=True)))


@law(150)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9))))
def test_majorities(pairs: list[tuple[int, int]]) -> None:
    owner, number = int32([c for c, _ in pairs]), int64([n for _, n in pairs])
    most = metric_kernels.majorities(owner, number, 6)
    assert most.tolist() == [max([n for c, n in pairs if c == each], default=0) for each in range(6)]
