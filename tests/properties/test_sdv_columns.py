"""Codes become columns for SDV and the same codes again; what is no code is left out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from synth.axes import Axis, Coded
from synth.methods.sdv_columns import Columns


@st.composite
def coded_tables(draw: st.DrawFn) -> Coded:
    """Up to four axes, with and without an order, whose positions are shuffled and in part missing."""
    rows = draw(st.integers(1, 12))
    axes, codes = [], []
    for number in range(draw(st.integers(1, 4))):
        size = draw(st.integers(1, 6))
        positions = np.array(draw(st.permutations(range(size))), dtype=np.float64)
        positions[draw(st.lists(st.integers(0, size - 1), max_size=2))] = np.nan
        axes.append(Axis(str(number), size, positions, draw(st.booleans())))
        codes.append(draw(st.lists(st.integers(0, size - 1), min_size=rows, max_size=rows)))
    return Coded(np.array(codes, dtype=np.int32).T.copy(), tuple(axes), np.arange(rows))


def drawn(columns: Columns, coded: Coded) -> dict[str, NDArray[Any]]:
    frame = columns.frame(coded.codes)
    return {name: frame[name].to_numpy(writable=True) for name in frame.columns}


@given(coded_tables())
def test_columns_give_back_the_codes(coded: Coded) -> None:
    columns = Columns.of(coded)
    found = drawn(columns, coded)
    assert set(found) == set(columns.metadata()["tables"]["codes"]["columns"])
    if columns.varied:
        assert (columns.codes(found) == coded.codes).all()
    else:
        assert (coded.codes == columns.constant).all()


@given(coded_tables(), st.data())
def test_a_row_with_what_is_no_code_is_left_out(coded: Coded, data: st.DataObject) -> None:
    columns = Columns.of(coded)
    found = drawn(columns, coded)
    if not found:
        return
    name = data.draw(st.sampled_from(sorted(found)))
    row = data.draw(st.integers(0, len(coded.codes) - 1))
    is_number = name.endswith("number")
    category = found.get(name.removesuffix(" number"))
    is_number_not_meant = is_number and category is not None and category[row] != "in order"
    found[name][row] = np.nan if is_number else data.draw(st.sampled_from(["", "nan", "7", None]))
    kept = columns.codes(found)
    rest = coded.codes if is_number_not_meant else np.delete(coded.codes, row, axis=0)
    assert (kept == rest).all()


def test_many_labels_are_told_by_two_columns_in_which_kin_stand_together() -> None:
    codes = np.random.default_rng(0).permutation(1000).astype(np.int32)
    chapters = np.arange(1000) % 10
    axis = Axis("icd", 1000, np.full(1000, np.nan), groups=(np.arange(1000) % 200, chapters))
    coded = Coded(codes[:, None], (axis,), np.arange(1000))
    columns = Columns.of(coded)
    found = drawn(columns, coded)
    assert {name: len(set(labels)) for name, labels in found.items()} == {
        "axis 0 block": 32,
        "axis 0 place": 32,
    }
    assert (columns.codes(found) == coded.codes).all()
    of_block = {
        block: set(chapters[codes[found["axis 0 block"] == block]]) for block in found["axis 0 block"]
    }
    assert max(map(len, of_block.values())) == 2
    nothing = {"axis 0 block": np.array(["31", "31"]), "axis 0 place": np.array(["7", "8"])}
    assert len(columns.codes(nothing)) == 1


@pytest.mark.parametrize(("number", "code"), [(-9.0, 4), (0.4, 4), (0.6, 0), (1.2, 0), (1.9, 2), (1e300, 2)])
def test_a_number_becomes_the_nearest_code_that_the_data_have(number: float, code: int) -> None:
    axis = Axis("age", 5, np.array([2.0, np.nan, 9.0, 5.0, 1.0]), is_ordered=True)
    seen = np.array([[4], [0], [2]], dtype=np.int32)
    columns = Columns.of(Coded(seen, (axis,), np.arange(3)))
    assert columns.codes({"axis 0 number": np.array([number])}).tolist() == [[code]]
