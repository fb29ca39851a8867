"""Laws of a table's codes: nothing of fewer than k people, no matter the rows' order, and back again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
from hypothesis import assume, example, given
from hypothesis import strategies as st

from release.files.tables import DTYPES
from synth.coding.bands import learned
from synth.coding.codec import Codec
from synth.coding.people import People
from synth.variables import Training, Variable

LEAVES = [f"{chapter}{block}{digit}" for chapter in "AB" for block in "01" for digit in "012"]
COARSER = {leaf: (leaf[:2], leaf[:1], "*") for leaf in LEAVES}
UNEVEN = {
    **{leaf: (leaf[:2], leaf[:1]) for leaf in LEAVES[:6]},
    **{leaf: (leaf[:1],) for leaf in LEAVES[6:]},
    **{"A0": ("A",), "B0": ("B",)},
}
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "string": st.sampled_from([*LEAVES, "A0", "B", "*", ""]),
    "boolean": st.booleans(),
    "integer": st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1) | st.integers(-50, 50),
    "number": st.floats(-9, 9, width=16) | st.floats() | st.decimals(-9, 9, places=2).map(float),
    "date": st.dates(date(1900, 1, 1), date(2030, 1, 1)) | st.dates(date(1970, 1, 1), date(1970, 1, 4)),
    "datetime": st.datetimes(datetime(1900, 1, 1), datetime(2030, 1, 1)),
    "list": st.lists(st.sampled_from([*LEAVES, "*"]), max_size=4),
}


def column(type_: str, cells: Iterable[Any]) -> pl.Series:
    return pl.Series("x", list(cells), dtype=DTYPES[type_])


@st.composite
def trainings(draw: st.DrawFn, *types: str) -> Training:
    """A column of one of the types, of people who may have several rows each."""
    type_ = draw(st.sampled_from(types))
    k = draw(st.integers(1, 4))
    rows = draw(st.integers(k, 40))
    cells = draw(st.lists(st.none() | CELLS[type_], min_size=rows, max_size=rows))
    people = draw(
        st.just(np.arange(rows)) | st.lists(st.integers(0, 12), min_size=rows, max_size=rows).map(np.array)
    )
    assume(len(set(people.tolist())) >= k)
    coarser = draw(st.sampled_from([{}, COARSER, UNEVEN])) if type_ in ("string", "list") else {}
    variable = Variable("x", type_, coarser=coarser)  # type: ignore[arg-type]
    return Training(pl.DataFrame([column(type_, cells)]), (variable,), people.astype(np.int64), k)


def drawn(codec: Codec, codes: np.ndarray[Any, Any], seed: int = 0) -> pl.Series:
    return codec.decode(codes.astype(np.int32), np.random.default_rng(seed))["x"]


def every_code(codec: Codec) -> np.ndarray[Any, Any]:
    """Codes drawn independently, each of every axis several times."""
    rng = np.random.default_rng(1)
    return np.column_stack([rng.permutation(np.resize(np.arange(axis.size), 200)) for axis in codec.axes])


@given(trainings(*CELLS))
def test_decoded_columns_have_the_canonical_types(training: Training) -> None:
    codec = Codec.of(training)
    assert drawn(codec, every_code(codec)).dtype == DTYPES[training.variables[0].type]
    assert all(axis.size == len(axis.positions) >= 1 for axis in codec.axes)


@given(trainings("string", "boolean", "integer", "number", "date", "datetime"))
def test_every_code_is_of_k_people_or_the_only_one(training: Training) -> None:
    codec = Codec.of(training)
    codes = codec.encode(training.frame)[:, 0]
    for code in range(codec.axes[0].size if codec.axes[0].size > 1 else 0):
        assert len(set(training.people[codes == code].tolist())) >= training.k


@given(trainings("string"))
def test_no_label_comes_out_that_k_people_do_not_share(training: Training) -> None:
    codec, variable = Codec.of(training), training.variables[0]
    for label in drawn(codec, every_code(codec)).drop_nulls().unique():
        sharing = [
            label in (value, *variable.coarser.get(value, ()), "*")
            for value in training.frame["x"].fill_null("missing")
        ]
        assert len(set(training.people[sharing].tolist())) >= training.k


@given(trainings("list"))
def test_no_code_of_a_list_comes_out_that_k_people_do_not_share(training: Training) -> None:
    codec, variable = Codec.of(training), training.variables[0]
    lists = drawn(codec, every_code(codec))
    assert all(codes == sorted(set(codes)) for codes in lists.drop_nulls().to_list())
    for label in lists.explode(empty_as_null=True).drop_nulls().unique():
        sharing = [
            any(label in (value, *variable.coarser.get(value, ())) for value in codes or ())
            for codes in training.frame["x"].to_list()
        ]
        assert len(set(training.people[sharing].tolist())) >= training.k


@given(trainings("integer", "number", "date", "datetime"))
def test_no_number_lies_outside_of_what_k_people_reach(training: Training) -> None:
    codec, k = Codec.of(training), training.k
    found = drawn(codec, every_code(codec)).drop_nulls()
    known = [
        (cell, person)
        for cell, person in zip(training.frame["x"].to_list(), training.people.tolist(), strict=True)
        if cell is not None and not (isinstance(cell, float) and not np.isfinite(cell))
    ]
    smallest: dict[int, Any] = {}
    largest: dict[int, Any] = {}
    for cell, person in known:
        smallest[person] = min(smallest.get(person, cell), cell)
        largest[person] = max(largest.get(person, cell), cell)
    if len(smallest) < k:
        assert len(found) == 0
        return
    # Of fewer than 2 k people no value has k on either side: one in the middle stands for all.
    reach = max(min(k, len(smallest) // 2), 1)
    ends = sorted(smallest.values())[reach - 1], sorted(largest.values())[-reach]
    slack = _slack(training.frame["x"])
    assert all(ends[0] - slack <= cell <= ends[1] + slack for cell in found.to_list())


def _slack(cells: pl.Series) -> Any:
    """What rounding to six decimals, or a float's digits, may add; integers reach 2**61 at most."""
    if cells.dtype == pl.Float64:
        return 1e-6 + 1e-9 * max((abs(x) for x in cells.drop_nulls() if np.isfinite(x)), default=0)
    return timedelta(days=0) if cells.dtype.is_temporal() else 0


@given(trainings(*CELLS), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(training: Training, random: Any) -> None:
    order = list(range(training.frame.height))
    random.shuffle(order)
    other = Training(training.frame[order], training.variables, training.people[order], training.k)
    first, second = Codec.of(training), Codec.of(other)
    assert [(a.name, a.size) for a in first.axes] == [(a.name, a.size) for a in second.axes]
    assert all(
        np.array_equal(a.positions, b.positions, equal_nan=True)
        for a, b in zip(first.axes, second.axes, strict=True)
    )
    assert np.array_equal(first.encode(training.frame)[order], second.encode(other.frame))
    assert drawn(first, every_code(first)).equals(drawn(second, every_code(second)), null_equal=True)
    assert first.merged == second.merged


@given(trainings("string", "boolean", "integer", "number", "date", "datetime"), st.integers(0, 5))
def test_decoded_rows_have_the_codes_they_were_decoded_from(training: Training, seed: int) -> None:
    codec = Codec.of(training)
    codes = every_code(codec)
    assert np.array_equal(codec.encode(drawn(codec, codes, seed).to_frame()), codes)


@given(trainings("list"), st.integers(0, 5))
def test_decoded_lists_have_the_codes_they_were_decoded_from(training: Training, seed: int) -> None:
    codec = Codec.of(training)
    codes = codec.encode(training.frame)
    assert np.array_equal(codec.encode(drawn(codec, codes, seed).to_frame()), codes)


@given(trainings(*CELLS), st.data())
def test_whatever_was_never_learned_has_a_code(training: Training, data: st.DataObject) -> None:
    codec = Codec.of(training)
    type_ = data.draw(st.sampled_from([*CELLS]))
    other = pl.DataFrame([column(type_, data.draw(st.lists(st.none() | CELLS[type_], max_size=5)))])
    codes = codec.encode(other)
    assert codes.shape == (other.height, len(codec.axes))
    assert codes.dtype == np.int32
    assert (codes >= 0).all()
    assert (codes < np.array([axis.size for axis in codec.axes])).all()


@given(trainings("string"))
def test_coarser_groups_are_nested(training: Training) -> None:
    axis = Codec.of(training).axes[0]
    fine = np.arange(axis.size)
    for coarse in axis.groups:
        assert len({*zip(fine.tolist(), coarse.tolist(), strict=True)}) == len({*fine.tolist()})
        assert len({*coarse.tolist()}) < len({*fine.tolist()})
        fine = coarse


@given(
    st.lists(st.tuples(st.integers(-30, 30), st.integers(0, 9)), min_size=1, max_size=60),
    st.integers(1, 4),
    st.integers(2, 6),
)
@example([(0, 0), (1, 1), (1, 2)], 1, 2)
def test_bands_are_disjoint_and_of_k_people_however_few_there_may_be(
    cells: list[tuple[int, int]], k: int, most: int
) -> None:
    values, numbers = (np.array(part, dtype=np.int64) for part in zip(*cells, strict=True))
    bands = learned(values, People.of(numbers), k, most=most)
    assert (bands.low <= bands.high).all()
    assert (bands.low[1:] > bands.high[:-1]).all()
    nearest = bands.nearest(values) if len(bands.low) else values[:0]
    for band in range(len(bands.low)):
        assert len({*numbers[nearest == band].tolist()}) >= k
    assert len(bands.low) <= 2 * most + 2
