"""Bad tables (faults 1, 7 to 24, 45, 46, 58): refused with a rule and a count, and never a cell's value."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from pyarrow import parquet

from anonymizer.errors import AnonError, BadConfig, BadInput, InputMissing
from anonymizer.tables.fingerprint import fingerprints, require_unchanged
from anonymizer.tables.reading import read_table
from anonymizer.tables.values import canonical, parse_booleans, parse_dates, parse_integers, parse_numbers

CANARY = "Kanarienvogel-4711"


@contextmanager
def refused(kind: type[AnonError], message: str) -> Iterator[None]:
    """Expect ``kind`` with ``message``, and the canary in nothing that a traceback would print."""
    with pytest.raises(kind, match=message) as caught:
        yield
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert CANARY not in repr(vars(caught.value))


def read(tmp_path: Path, data: bytes, **declared: Any) -> pl.DataFrame:
    path = tmp_path / "table.csv"
    path.write_bytes(data.replace(b"@", CANARY.encode()))
    return read_table(path, **declared)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\n \n", "the file is empty"),
        (b"a,b", "the table has no rows"),
        (b"a,b\n\n\n", "the table has no rows"),
        ("a,b\n@,Mü\n".encode("latin-1"), r"the byte at offset 24 is not utf-8; declare the encoding"),
        ("a,Mü\n@,1\n".encode("latin-1"), r"the byte at offset 3 is not utf-8"),
        (b"a,b,a\n1,@,3\n", r"the header names a column twice \(1 time\); for example columns 1 and 3"),
        ("ü,b,u\u0308\n1,@,3\n".encode(), r"names a column twice"),
        (b"@,@,3\n1,2,3\n", r"names a column twice"),
        (b"a,,\n1,@,3\n", r"column 2 has no name \(2 times\)"),
        (b"a,b\n1,@,3\n4,5,@\n", r"every row has one cell more than the header \(2 times\)"),
        (b"a,b\n@,2\n1,@,3\n4\n@\n", r"\(3 times\); 2 are shorter and 1 longer than the header's 2"),
        (b'a,b\n"@",2\n"1\n@",@,3\n', r"\(1 time\); 0 are shorter and 1 longer"),
        (b"a,b\n1,2,3\n4,5,6,@\n", r"\(2 times\); 0 are shorter and 2 longer"),
        (b"a,b\n1,@\0\n\0,2\n", r"a NUL byte in the text \(2 times\)"),
        (
            b"a,b\n1,@\n2," + b"x" * 200_000 + b"\n",
            r"column 2 has cells longer than 65,536 bytes \(1 time\)",
        ),
        (b"a,b\n1,@\n2," + b"x" * 20_000_000 + b"\n", r"cannot be parsed as CSV, or a record is longer"),
        (b"a,b\n@,2\n" + b"x" * 200_000 + b",1\n", r"column 1 has cells longer"),
        (b"@" * 20_000 + b",b\n1,2\n", r"a name in it is too long"),
        (b'a,b\n1,2\n3,"@\n', "a quotation mark is never closed"),
        (b'a,b\n1,2\n3,"@', "a quotation mark is never closed"),
        (b'a,b\n"1,2\n@,4\n', "a quotation mark is never closed"),
        (b'a;b\n"1";"@"\n', "stands inside a cell; .* or the delimiter is another one"),
        (b'a,b\n3" pipe,@\n5" pipe,@\n', "stands inside a cell"),
        (b'a,b\n"3"@,2\n', "stands inside a cell"),
        (b'a,b\n1, "@"\n', "stands inside a cell"),
        (b'"a"x,b\n1,@\n', "stands inside a cell"),
        (b"\x1f\x8b\x08@", "the table is compressed; give the unpacked file"),
    ],
)
def test_a_file_that_is_no_plain_table_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    with refused(BadInput, message):
        read(tmp_path, data)


def test_a_stray_quotation_mark_cannot_hide_behind_the_border_of_a_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b'a,b\n"x ""y""",1\n"@"z,2\n'
    for size in range(1, len(data)):
        monkeypatch.setattr("anonymizer.tables.csv_table._SCAN_BYTES", size)
        with refused(BadInput, "stands inside a cell"):
            read(tmp_path, data)


def test_the_longest_cell_is_a_setting(tmp_path: Path) -> None:
    data = "a,b\nüü,1\n".encode()
    assert read(tmp_path, data, max_cell_bytes=4).shape == (1, 2)
    with refused(BadInput, r"longer than 3 bytes \(1 time\)"):
        read(tmp_path, data, max_cell_bytes=3)


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "§", "\0"])
def test_an_impossible_delimiter_is_a_bad_config(tmp_path: Path, delimiter: str) -> None:
    with refused(BadConfig, "the delimiter must be one ASCII character"):
        read(tmp_path, b"a,b\n1,@\n", delimiter=delimiter)


@pytest.mark.parametrize("encoding", ["klingon", "rot13", "zlib"])
def test_an_unknown_encoding_is_a_bad_config(tmp_path: Path, encoding: str) -> None:
    with refused(BadConfig, "is no encoding"):
        read(tmp_path, b"a,b\n1,@\n", encoding=encoding)


def test_bytes_that_the_declared_encoding_does_not_have_are_refused(tmp_path: Path) -> None:
    with refused(BadInput, "the byte at offset 23 is not cp1252"):
        read(tmp_path, b"a,b\n@,\x81\n", encoding="cp1252")


@pytest.mark.parametrize("name", ["nowhere.csv", "nowhere.parquet", "folder", "folder.parquet"])
def test_a_missing_file_is_no_bad_input(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.parquet").mkdir()
    with refused(InputMissing, name):
        read_table(tmp_path / name)


def parquet_file(tmp_path: Path, **columns: Any) -> Path:
    path = tmp_path / "table.parquet"
    parquet.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize(
    "column",
    [
        [[CANARY]],
        [{"x": CANARY}],
        [CANARY.encode()],
        pa.array([[("k", CANARY)]], pa.map_(pa.string(), pa.string())),
    ],
    ids=["list", "struct", "binary", "map"],
)
def test_nested_and_binary_parquet_columns_are_refused(tmp_path: Path, column: Any) -> None:
    with refused(BadInput, "column 'x': neither text, number, boolean, date nor time"):
        read_table(parquet_file(tmp_path, x=column))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([Decimal("1.5")], pa.decimal256(50, 2)), "neither text, number"),
        (pa.array([2**30, 5, -(2**30)], pa.int32()).cast(pa.date32()), r"the years 1 to 9999.* \(2 times\)"),
        (pa.array([10**12, 5], pa.int64()).cast(pa.timestamp("s")), r"the years 1 to 9999.* \(1 time\)"),
        (pa.array([10**17, 5], pa.int64()).cast(pa.timestamp("ms")), "no calendar has"),
        (pa.array([2**62, 5], pa.int64()).cast(pa.timestamp("us", "UTC")), r"9999.* \(1 time\)"),
        (pa.array([5], pa.int64()).cast(pa.timestamp("us", "+05:30")), "no calendar has"),
        (pa.array([86_400 * 10**6, 5], pa.int64()).cast(pa.time64("us")), r"times of no day \(1 time\)"),
    ],
    ids=["decimal", "date", "year", "overflow", "zone", "offset", "time"],
)
def test_parquet_cells_that_have_no_text_are_refused(tmp_path: Path, column: Any, message: str) -> None:
    with refused(BadInput, f"column 'x': .*{message}"):
        read_table(parquet_file(tmp_path, x=column))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-40] + b"\xff" * 32 + data[-8:],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-4] + b"PARE",
        lambda data: b"",
        lambda data: CANARY.encode(),
        lambda data: data[:4] + b"\xff" * 60 + data[64:],
    ],
    ids=["footer", "cut", "encrypted", "empty", "text", "page"],
)
def test_a_damaged_parquet_file_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = parquet_file(tmp_path, x=[f"{CANARY}{n}" for n in range(1000)])
    path.write_bytes(damage(path.read_bytes()))
    with refused(BadInput, "no readable Parquet file"):
        read_table(path)


def test_a_parquet_file_without_rows_or_with_a_name_twice_is_refused(tmp_path: Path) -> None:
    with refused(BadInput, "the table has no rows"):
        read_table(parquet_file(tmp_path, x=pa.array([], pa.string()), y=pa.array([], pa.int64())))
    parquet.write_table(pa.table([[1], [2]], names=["ü", "u\u0308"]), tmp_path / "twice.parquet")
    with refused(BadInput, "names a column twice"):
        read_table(tmp_path / "twice.parquet")


def test_a_small_parquet_file_that_fills_the_memory_is_refused(tmp_path: Path) -> None:
    wide = dict.fromkeys((f"c{n}" for n in range(400)), pa.array([0]).take(pa.array([0] * 700_000)))
    path = parquet_file(tmp_path, **wide)
    assert path.stat().st_size < 2_000_000
    with refused(BadInput, "the table would take more than 2,048 MiB in memory"):
        read_table(path)


def test_a_long_text_repeated_in_every_row_is_held_once(tmp_path: Path) -> None:
    codes = pa.array([0] * 2_000_000, pa.int32())
    path = parquet_file(tmp_path, x=pa.DictionaryArray.from_arrays(codes, pa.array(["x" * 60_000])))
    frame = read_table(path)  # 120 GB if every row held its own
    assert frame.shape == (2_000_000, 1)
    with refused(BadInput, r"longer than 59,999 bytes \(2,000,000 times\)"):
        read_table(path, max_cell_bytes=59_999)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_nan_and_infinity_in_a_parquet_column_are_refused(tmp_path: Path, value: float) -> None:
    path = tmp_path / "table.parquet"
    pl.DataFrame({"crp": [1.0, value, None, value]}).write_parquet(path)
    with refused(BadInput, r"column 'crp': NaN or infinity in a numeric column \(2 times\)"):
        read_table(path)


@pytest.mark.parametrize(
    ("parse", "values", "message"),
    [
        (parse_numbers, ["1", CANARY, "", "1 ", "1,5"], r"not a number with '.' .* \(4 times\); 1 cells"),
        (parse_numbers, ["1.5", "1.234,5", "1 000"], r"\(2 times\); 1 cells are right"),
        (parse_numbers, ["1.5", "nan", "-INF", "Infinity"], r"NaN or infinity .* \(3 times\)"),
        (parse_numbers, ["1.5", "1e999"], r"NaN or infinity .* \(1 time\)"),
        (parse_numbers, ["0x10", "1_000", "٣"], r"\(3 times\); 0 cells are right"),
        (parse_integers, ["1", "1.0", "1E5", CANARY, "9" * 19], r"not a whole number \(4 times\)"),
        (parse_dates, ["2024-02-29", "2023-02-29", "1.2.2024", "24-01-01", "1962-05"], r"\(4 times\); 1"),
        (parse_booleans, ["true", CANARY, "yes"], r"neither true nor false \(2 times\)"),
    ],
)  # fmt: skip
def test_text_that_is_not_what_it_must_be_is_counted(parse: Any, values: list[str], message: str) -> None:
    with refused(BadInput, f"column 'x': .*{message}"):
        parse(pl.Series("x", [*values, None]))


def test_the_other_decimal_mark_is_refused_not_read_as_thousands() -> None:
    with refused(BadInput, r"\(1 time\); 1 cells are right"):
        parse_numbers(pl.Series("x", ["1,5", "1.234"]), decimal=",")


@pytest.mark.parametrize("parse", [parse_integers, parse_numbers, parse_dates, parse_booleans])
def test_a_column_of_another_type_is_refused(parse: Any) -> None:
    with refused(BadInput, "column 'x': a column of type"):
        parse(pl.Series("x", [[CANARY]]))


def test_what_has_no_canonical_text_is_refused() -> None:
    with refused(BadInput, "nested or binary"):
        canonical(pl.Series("x", [[CANARY]]))
    with refused(BadInput, r"NaN or infinity in a numeric column \(1 time\)"):
        canonical(pl.Series("x", [1.0, float("nan")]))
    with refused(BadInput, r"an integer beyond 64 bits \(1 time\)"):
        parse_integers(pl.Series("x", [2**63], dtype=pl.UInt64))


def change(path: Path) -> None:
    """Write other bytes of the same length and give the file its old times back."""
    times = path.stat()
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize(
    ("happens", "message"),
    [
        (change, r"input files changed during the run \(1 time\)"),
        (lambda path: os.utime(path, ns=(0, 0)), r"\(1 time\)"),
        (lambda path: path.with_name("late.csv").write_text("x"), r"\(1 time\)"),
        (lambda path: path.unlink(), r"\(1 time\)"),
        (lambda path: path.rename(path.with_name("other.csv")), r"\(2 times\)"),
    ],
    ids=["rewritten", "touched", "added", "removed", "renamed"],
)
def test_an_input_that_changes_during_the_run_is_noticed(
    tmp_path: Path, happens: Callable[[Path], object], message: str
) -> None:
    (tmp_path / "a.csv").write_text(f"a\n{CANARY}\n")
    before = fingerprints(tmp_path)
    happens(tmp_path / "a.csv")
    with refused(BadInput, message):
        require_unchanged(tmp_path, before)


@pytest.mark.parametrize("name", ["x" * 300 + ".csv", "x" * 300 + ".parquet"])
def test_a_path_that_the_system_refuses_is_a_missing_input(tmp_path: Path, name: str) -> None:
    for look in (fingerprints, read_table):
        with refused(InputMissing, "too long"):
            look(tmp_path / name)


def test_a_file_that_vanishes_during_the_run_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    before = fingerprints(path)
    path.unlink()
    with refused(BadInput, "vanished during the run"):
        require_unchanged(path, before)
    with refused(InputMissing, r"a\.csv"):
        fingerprints(path)
