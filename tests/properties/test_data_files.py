"""What is written is what is read back, for every cell there can be."""

from __future__ import annotations

import csv
import datetime
import math
import struct
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from release.files import tables

NASTY = st.sampled_from(
    [
        *(
            "",
            "'",
            "''",
            "'x",
            "=1+1",
            "＝cmd",
            "-5",
            "+49",
            "@a",
            "\t",
            "\r",
            "\n",
            "a\r\nb",
            '"',
            'a"b',
            ",",
        ),
        *("01067", "1E5", "10-12", "12.3", "5-470", "NA", "null", "None", "NaN", "inf", "true", "Sep 2", " "),
        *(
            "\x00",
            "\ufeff",
            "#",
            "# x",
            "\\",
            "\\n",
            "é",
            "é",
            "🙂",
            "[40, 44]",
            "*",
            "1" * 16,
            "0",
            "7",
            " x ",
        ),
    ]
)
TEXT = st.one_of(NASTY, st.text(st.characters(exclude_categories=["Cs"]), max_size=6))
CODE = st.text("AZ0159.-'=", min_size=1, max_size=4)
CELLS = {
    pl.String(): TEXT,
    pl.Int64(): st.integers(-(2**63), 2**63 - 1),
    pl.Float64(): st.floats(),
    pl.Boolean(): st.booleans(),
    pl.Date(): st.dates(),
    pl.Datetime("us"): st.datetimes(),
    pl.List(pl.String()): st.lists(CODE, max_size=3),
}


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    names = draw(st.lists(TEXT, min_size=1, max_size=4, unique=True))
    height = draw(st.integers(0, 6))
    columns = []
    for name in names:
        dtype = draw(st.sampled_from(list(CELLS)))
        cells = draw(st.lists(st.none() | CELLS[dtype], min_size=height, max_size=height))
        columns.append(pl.Series(name, cells, dtype=dtype))
    return pl.DataFrame(columns)


def bits(value: object) -> object:
    """A value by its exact representation; every kind of "not a number" is one."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack("<d", value)
    return value


@settings(max_examples=150, deadline=None)
@given(frames())
@example(pl.DataFrame({"only": [None, "", None]}))
@example(pl.DataFrame({"x": [-0.0, 0.0, 5e-324, math.inf, -math.inf, math.nan, None]}))
@example(pl.DataFrame({"\ufeffID": ["a"], "=2": ["b"]}))
def test_both_formats_give_back_every_cell(frame: pl.DataFrame) -> None:
    with TemporaryDirectory() as folder:
        for path in tables.write(frame, Path(folder), "t", ["csv", "parquet"]):
            again = tables.read(path, tables.types(frame))
            assert again.schema == frame.schema
            assert [[bits(cell) for cell in row] for row in again.rows()] == [
                [bits(cell) for cell in row] for row in frame.rows()
            ]


@settings(max_examples=60, deadline=None)
@given(frames(), TEXT)
def test_compact_frames_hold_the_same_cells_and_no_other_value(frame: pl.DataFrame, foreign: str) -> None:
    """Whichever categories their columns came with: two frames of the same cells become equal ones."""
    kinds = {
        name: pl.Enum(sorted({foreign, *cells.drop_nulls()}, reverse=True))
        for name, cells in frame.to_dict().items()
        if cells.dtype == pl.String
    }
    compact = tables.compact(frame)
    assert compact.equals(tables.compact(frame.cast(kinds)))  # type: ignore[arg-type]
    assert [[bits(cell) for cell in row] for row in compact.rows()] == [
        [bits(cell) for cell in row] for row in frame.rows()
    ]
    for name in kinds:
        kept = compact.schema[name]
        assert isinstance(kept, pl.Enum)
        assert kept.categories.to_list() == sorted(set(frame[name].drop_nulls()))


@settings(max_examples=60, deadline=None)
@given(frames())
def test_another_reader_finds_the_same_csv_cells(frame: pl.DataFrame) -> None:
    """Python's reader, and an escape undone by hand: the file says what it says to everybody."""
    with TemporaryDirectory() as folder:
        (path,) = tables.write(frame, Path(folder), "t", ["csv"])
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file, strict=True)
    assert [name.removeprefix("'") for name in header] == frame.columns
    assert len(rows) == frame.height
    for name, position in zip(frame.columns, range(frame.width), strict=True):
        if frame.schema[name] == pl.String:
            cells = [row[position].removeprefix("'") if row[position] else None for row in rows]
            assert cells == frame[name].to_list()


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=5))
def test_no_csv_text_starts_a_formula(texts: list[str]) -> None:
    with TemporaryDirectory() as folder:
        (path,) = tables.write(pl.DataFrame({"a": texts, "b": texts}), Path(folder), "t", ["csv"])
        with path.open(encoding="utf-8", newline="") as file:
            cells = [cell for row in csv.reader(file, strict=True) for cell in row]
    assert not [cell for cell in cells if cell.lstrip().startswith(tuple("=+-@＝＋－＠"))]
    assert not [cell for cell in cells if cell.startswith(("\t", "\r", "\n"))]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(allow_nan=False), min_size=1), st.dates(), st.booleans())
def test_numbers_stand_as_they_are(numbers: list[float], day: datetime.date, truth: bool) -> None:
    frame = pl.DataFrame({"x": numbers, "d": [day] * len(numbers), "b": [truth] * len(numbers)})
    with TemporaryDirectory() as folder:
        (path,) = tables.write(frame, Path(folder), "t", ["csv"])
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, strict=True))[1:]
    assert [float(row[0]) for row in rows] == numbers
    assert {(row[1], row[2]) for row in rows} == {(day.isoformat(), str(truth).lower())}
