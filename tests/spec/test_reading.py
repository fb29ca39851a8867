"""What a plain table becomes: a CSV file's cells stay the text they were, missing is what was declared."""

from __future__ import annotations

import datetime as dt
import logging
import unicodedata
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from anonymizer.tables import csv_table
from anonymizer.tables.csv_table import parse_csv
from anonymizer.tables.fingerprint import fingerprints, require_unchanged
from anonymizer.tables.reading import read_table
from anonymizer.tables.values import canonical, parse_booleans, parse_dates, parse_integers, parse_numbers
from tests.conftest import SHARED, needs_shared


def table(tmp_path: Path, data: bytes, **declared: Any) -> pl.DataFrame:
    path = tmp_path / "table.csv"
    path.write_bytes(data)
    return read_table(path, **declared)


def test_every_cell_stays_the_text_it_was(tmp_path: Path) -> None:
    frame = table(tmp_path, b"plz,code,country,day,yes\n01067,1E5,NA,2026-01-01,true\n1.0,-0,nan,null,+1\n")
    assert frame.dtypes == [pl.String] * 5
    assert frame.rows() == [("01067", "1E5", "NA", "2026-01-01", "true"), ("1.0", "-0", "nan", "null", "+1")]


def test_an_empty_cell_is_missing_by_default_quoted_or_not(tmp_path: Path) -> None:
    assert table(tmp_path, b'a,b\n,""\nNA, \n').rows() == [(None, None), ("NA", " ")]


def test_only_declared_values_are_missing_and_only_whole_cells(tmp_path: Path) -> None:
    frame = table(tmp_path, b"a,b\n?,\n? ,k.A.\n", missing=["?", "k.A."])
    assert frame.rows() == [(None, ""), ("? ", None)]


def test_a_declared_missing_value_is_found_however_its_letters_are_composed(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "ungültig")
    frame = table(tmp_path, f"a,b\n{decomposed},ungültig\nü,x\n".encode(), missing=["ungültig"])
    assert frame.rows() == [(None, None), ("ü", "x")]


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        (b"a;b\r\n1;2\r\n3;4\r\n", {"delimiter": ";"}),
        (b"a\tb\n1\t2\n3\t4", {"delimiter": "\t"}),
        (b"a|b\r1|2\r3|4\r", {"delimiter": "|"}),
        (b"\xef\xbb\xbfa,b\n1,2\n3,4\n", {}),
        (b"\xef\xbb\xbf\xef\xbb\xbfa,b\n1,2\n3,4\n", {}),
        (b"\r\n\xef\xbb\xbf\na,b\n1,2\n3,4\n", {}),
        (b"\n\r\na,b\n\n1,2\n\n3,4\n\n\n", {}),
        (b'"a","b"\n"1","2"\n"3","4"', {}),
        ("a,b\n1,2\n3,4\n".encode("utf-16"), {"encoding": "utf-16"}),
        ("\ufeffa,b\n1,2\n3,4\n".encode("utf-16-le"), {"encoding": "utf-16-le"}),
        (b"\xef\xbb\xbf" + b"a,b\n1,2\n3,4\n", {"encoding": "utf-8-sig"}),
    ],
    ids=[
        "crlf",
        "tab",
        "cr",
        "bom",
        "two-boms",
        "line-end-bom",
        "empty-lines",
        "quoted",
        "utf-16",
        "utf-16-le",
        "utf-8-sig",
    ],
)
def test_the_ways_to_write_the_same_table(tmp_path: Path, data: bytes, declared: dict[str, Any]) -> None:
    frame = table(tmp_path, data, **declared)
    assert (frame.columns, frame.rows()) == (["a", "b"], [("1", "2"), ("3", "4")])


def test_quoted_cells_hold_delimiters_line_ends_and_doubled_quotation_marks(tmp_path: Path) -> None:
    frame = table(tmp_path, b'"a ""x""",b\r\n"1,5","two\r\nlines"\r\n"say ""no""",""""\r\n')
    assert frame.columns == ['a "x"', "b"]
    assert frame.rows() == [("1,5", "two\r\nlines"), ('say "no"', '"')]


def test_in_a_table_of_one_column_an_empty_line_is_a_missing_cell(tmp_path: Path) -> None:
    assert table(tmp_path, b"a\n1\n\n3\n").rows() == [("1",), (None,), ("3",)]


def test_an_encoding_is_declared_and_letters_arrive_composed(tmp_path: Path) -> None:
    latin = table(tmp_path, "Größe,b\nMüller,1\n".encode("cp1252"), encoding="cp1252")
    decomposed = table(tmp_path, unicodedata.normalize("NFD", "Größe,b\nMüller,1\n").encode())
    assert latin.columns == decomposed.columns == ["Größe", "b"]
    assert latin.rows() == decomposed.rows() == [("Müller", "1")]


def test_utf8_declared_as_latin_is_read_as_declared_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        table(tmp_path, "a,b\nMüller,1\n".encode(), encoding="cp1252")
    assert "valid UTF-8 but declared as cp1252" in caplog.text
    assert "ller" not in caplog.text
    caplog.clear()
    table(tmp_path, "a,b\nMüller,1\n".encode("cp1252"), encoding="cp1252")
    table(tmp_path, b"a,b\nMueller,1\n", encoding="cp1252")
    assert not caplog.records


cells = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12)


@given(st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=12), st.sampled_from(",;\t|"))
def test_any_text_that_is_quoted_comes_back(rows: list[tuple[str, ...]], delimiter: str) -> None:
    quoted = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row] for row in [("a", "b", "c"), *rows]]
    data = "".join(delimiter.join(row) + "\n" for row in quoted).encode()
    frame = parse_csv(data, delimiter, frozenset())
    assert frame.rows() == [tuple(unicodedata.normalize("NFC", cell) for cell in row) for row in rows]


def test_quotation_marks_are_followed_over_the_borders_of_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anonymizer.tables.csv_table._SCAN_BYTES", 7)
    data = b"a,b\n" + b'"x ""y"", z",1\n' * 20 + b'2,"3"\n'
    assert table(tmp_path, data).rows() == [('x "y", z', "1")] * 20 + [("2", "3")]


def test_line_ends_on_the_border_of_a_block_stay_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyarrow 26 loses a line feed inside a quoted cell where the carriage return ends a block."""
    rows = [(f"{n}\n\n{n}", "x\r\ny" * (n % 9)) for n in range(60)]
    data = "a,b\r\n" + "".join(f'"{first}","{second}"\r\n' for first, second in rows)
    for size in range(50, 90):
        monkeypatch.setattr("anonymizer.tables.csv_table._BLOCK_BYTES", size)
        assert table(tmp_path, data.encode(), missing=[]).rows() == rows
        assert table(tmp_path, b"a,b\r\n" + b"1,2\r\n" * 50).rows() == [("1", "2")] * 50


def test_cells_full_of_carriage_returns_are_read_in_one_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anonymizer.tables.csv_table._BLOCK_BYTES", 8)
    rows = [("\r" * 2000, "\r\n" * 500), ("1", "2")]
    data = "a,b\n" + "".join(f'"{first}","{second}"\n' for first, second in rows)
    assert table(tmp_path, data.encode()).rows() == rows


def test_text_that_repeats_is_read_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns whose cells repeat in the first block are parsed into dictionaries."""
    monkeypatch.setattr(csv_table, "_SAMPLE_BYTES", 400)
    u = unicodedata.normalize("NFD", "ü")
    few = [u, "ü", "", '"a,b"', "?"]
    written = [(few[n % 5], f"P{n}", "same" if n < 60 else f"late{n}") for n in range(3000)]
    lines = "".join(f"{','.join(row)}\n" for row in written)
    frame = table(tmp_path, f"few,many,late\n{lines}".encode(), missing=["?"])
    spelled = {u: "ü", '"a,b"': "a,b", "?": None}
    assert frame.dtypes == [pl.String] * 3
    assert frame.rows() == [(spelled.get(few, few), many, late) for few, many, late in written]
    assert csv_table._repeating(f"few,many,late\n{lines}".encode(), ",", True, frame.columns) == {
        "few",
        "late",
    }


@needs_shared
def test_adult_has_30162_complete_rows() -> None:
    frame = read_table(SHARED / "data/adult/adult.csv", delimiter=";", missing=["?"])
    assert frame.shape == (30_162, 9)
    assert set(frame.dtypes) == {pl.String}
    assert frame.null_count().sum_horizontal().item() == 0


def test_a_parquet_file_keeps_its_types(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "plz": ["01067", None, ""],
            "sex": pl.Series(["f", "m", "?"], dtype=pl.Categorical),
            "stay": [3, None, 5],
            "crp": [-0.0, 1.5, None],
            "day": [dt.date(2026, 1, 1), None, None],
            "dead": [True, False, None],
        }
    )
    frame.write_parquet(tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet", missing=["", "?"])
    assert read.dtypes == [pl.String, pl.String, pl.Int64, pl.Float64, pl.Date, pl.Boolean]
    assert read["plz"].to_list() == ["01067", None, None]
    assert read["sex"].to_list() == ["f", "m", None]
    assert str(read["crp"][0]) == "0.0"
    assert read.select("stay", "day", "dead").equals(frame.select("stay", "day", "dead"))


def test_parquet_text_is_composed_over_row_groups_and_names_too(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Größe")
    frame = pa.table({decomposed: [decomposed, "a", None, "b", decomposed]})
    parquet.write_table(frame, tmp_path / "t.PARQUET", row_group_size=2)
    read = read_table(tmp_path / "t.PARQUET")
    assert read.columns == ["Größe"]
    assert read["Größe"].to_list() == ["Größe", "a", None, "b", "Größe"]


def test_declared_values_are_missing_in_parquet_numbers_and_dates_too(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "stay": [3, -99, 5],
            "crp": [-99.0, 1.5, -99.5],
            "day": [dt.date(9999, 12, 31), dt.date(2026, 1, 1), None],
            "dead": [True, False, None],
        }
    )
    frame.write_parquet(tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet", missing=["", "-99", "9999-12-31", "false"])
    assert read.schema == frame.schema
    assert read.rows() == [
        (3, None, None, True),
        (None, 1.5, dt.date(2026, 1, 1), None),
        (5, -99.5, None, None),
    ]


def test_parquet_timestamps_are_read_in_microseconds(tmp_path: Path) -> None:
    """What is finer is not released, so it may not make two sensitive values of one."""
    at = pa.array([1_000_000, 1_000_999, -1, None], pa.int64())
    units = {unit: at.cast(pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")}
    parquet.write_table(pa.table({**units, "day": at.cast(pa.date64(), safe=False)}), tmp_path / "t.parquet")
    read = read_table(tmp_path / "t.parquet")
    assert read.dtypes == [pl.Datetime("us")] * 4 + [pl.Date]
    assert read["ns"].drop_nulls().n_unique() == 2
    assert read["us"].drop_nulls().n_unique() == 3
    assert read["s"].dt.epoch("s").to_list() == at.to_pylist()


def test_numbers_are_parsed_where_the_caller_says_so() -> None:
    whole = parse_numbers(pl.Series(["007", "-5", "+3", None]))
    broken = parse_numbers(pl.Series(["1", "-0.0", "2.5e3", ".5", None]))
    comma = parse_numbers(pl.Series(["1,5", "2"]), decimal=",")
    assert [whole.dtype, broken.dtype] == [pl.Float64, pl.Float64]
    assert whole.to_list() == [7.0, -5.0, 3.0, None]
    assert broken.to_list() == [1.0, 0.0, 2500.0, 0.5, None]
    assert str(broken[1]) == "0.0"
    assert comma.to_list() == [1.5, 2.0]
    assert parse_numbers(pl.Series([3, 4], dtype=pl.UInt8)).dtype == pl.Float64
    assert parse_numbers(pl.Series([Decimal("1.50")])).to_list() == [1.5]
    assert parse_integers(pl.Series(["12", None])).to_list() == [12, None]


def test_dates_and_booleans_are_parsed_where_the_caller_says_so() -> None:
    days = parse_dates(pl.Series(["2024-02-29", None]))
    truth = parse_booleans(pl.Series(["true", "FALSE", "1", "0", None]))
    assert days.to_list() == [dt.date(2024, 2, 29), None]
    assert truth.to_list() == [True, False, True, False, None]
    assert parse_dates(days).equals(days)
    assert parse_booleans(truth).equals(truth)


@pytest.mark.parametrize(
    ("values", "dtype", "text"),
    [
        ([3, -4, None], pl.Int64, ["3", "-4", None]),
        ([3.0, 0.5, -0.0, 1 + 1e-16, None], pl.Float64, ["3", "0.5", "0", "1", None]),
        ([1e300, 2.0**53, 1e-7], pl.Float64, ["1e+300", "9007199254740992", "1e-07"]),
        ([0.1, 2.0], pl.Float32, ["0.1", "2"]),
        ([Decimal("1.50"), Decimal("100.00")], pl.Decimal(10, 2), ["1.5", "100"]),
        ([True, False, None], pl.Boolean, ["true", "false", None]),
        ([dt.date(1962, 5, 1)], pl.Date, ["1962-05-01"]),
        ([dt.datetime(1962, 5, 1), None], pl.Datetime("us"), ["1962-05-01T00:00:00", None]),
        ([dt.datetime(1962, 5, 1), dt.datetime(1962, 5, 1, 7)], pl.Datetime("ns"),
         ["1962-05-01T00:00:00", "1962-05-01T07:00:00"]),
        ([dt.time(7, 30), dt.time(7, 30, 0, 500)], pl.Time, ["07:30:00", "07:30:00.000500"]),
        (["u\u0308", "01067", None], pl.String, ["ü", "01067", None]),
        (["u\u0308"], pl.Categorical, ["ü"]),
        ([None, None], pl.Null, [None, None]),
        ([], pl.Float64, []),
    ],
)  # fmt: skip
def test_the_canonical_text_of_every_scalar_type(values: list[Any], dtype: Any, text: list[Any]) -> None:
    column = canonical(pl.Series("x", values, dtype=dtype))
    assert column.dtype == pl.String
    assert column.to_list() == text


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))))
def test_equal_floats_have_one_text_and_different_ones_two(values: list[float | None]) -> None:
    texts = canonical(pl.Series(values, dtype=pl.Float64)).to_list()
    assert [None if text is None else float(text) for text in texts] == values
    assert len(set(texts)) == len(set(values))


def test_fingerprints_notice_a_changed_an_added_and_a_removed_file(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.csv").write_text("a\n")
    (tmp_path / "sub/b.csv").write_text("b\n")
    before = fingerprints(tmp_path)
    assert sorted(before) == ["a.csv", "sub/b.csv"]
    assert before["a.csv"].size == 2
    assert before["a.csv"].sha256 == "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7"
    assert fingerprints(tmp_path / "a.csv") == {"a.csv": before["a.csv"]}
    require_unchanged(tmp_path, before)
