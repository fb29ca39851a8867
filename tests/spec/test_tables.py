"""The data files of a release: what a spreadsheet, a statistician and an attacker find in them."""

from __future__ import annotations

import datetime
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from anonymizer.errors import BadInput, VerificationFailed
from release.files import tables
from tests.conftest import ROOT

FORMATS = ("parquet", "csv")

SAFE = [
    "I21.0",
    "[40, 44]",
    "[90, *)",
    "*",
    "37",
    "0",
    "37077",
    "01***",
    "Sepsis 2",
    "NA",
    "12 kg",
    "Mai",
    "a'b",
]
EXECUTED = ["=cmd|' /C calc'!A0", "+1", "-5", "@SUM(1)", "\t=1", "\r=1", "＝1", " =1", "＠x"]
CONVERTED = ["10-12", "1E5", "01067", "2026-11", "2026-11-22", "3.14", "1,5", "10:30", "1/2", "5 %", "(7)"]
CONVERTED += ["1234567890123456", "SEPT2", "MARCH1", "2-Mrz", "true", "WAHR", "12 pm", ".5", "1e-3"]


def csv_of(folder: Path, frame: pl.DataFrame) -> str:
    (path,) = tables.write(frame, folder, "t", ["csv"])
    return path.read_bytes().decode()


def test_a_table_as_csv(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "age": ["[40, 44]", None],
            "plz": ["01067", "371"],
            "crp": [-5.0, None],
            "n": [-5, 7],
            "alive": [True, None],
            "day": [datetime.date(1962, 5, 31), None],
            "codes": [["I21.0", "I50.1"], []],
            "note": ['=1+"1"', ""],
        }
    )
    assert csv_of(tmp_path, frame) == (
        "age,plz,crp,n,alive,day,codes,note\r\n"
        '"[40, 44]",\'01067,-5.0,-5,true,1962-05-31,I21.0 I50.1,"\'=1+""1"""\r\n'
        ",371,,7,,,','\r\n"
    )


@pytest.mark.parametrize("text", EXECUTED + CONVERTED)
def test_what_a_spreadsheet_would_change_is_escaped(tmp_path: Path, text: str) -> None:
    """Faults 10, 47, 49."""
    assert (
        csv_of(tmp_path, pl.DataFrame({"a": ["x"], "b": [text]})).split("\r\n", 1)[1].lstrip('x,"')[0] == "'"
    )


@pytest.mark.parametrize("text", SAFE)
def test_what_a_spreadsheet_shows_unchanged_is_not_escaped(tmp_path: Path, text: str) -> None:
    cell = f'"{text}"' if "," in text else text
    assert csv_of(tmp_path, pl.DataFrame({"a": ["x"], "b": [text]})) == f"a,b\r\nx,{cell}\r\n"


def test_codes_with_a_space_cannot_stand_in_a_csv_list(tmp_path: Path) -> None:
    frame = pl.DataFrame({"codes": [["A B"], ["", "C"], ["D"]]})
    with pytest.raises(BadInput, match=r"'codes'.*\(2 times\)"):
        tables.write(frame, tmp_path, "t", ["csv"])
    (path,) = tables.write(frame, tmp_path, "t", ["parquet"])
    assert tables.read(path, tables.types(frame)).equals(frame)


@pytest.mark.parametrize(
    ("cells", "type_"),
    [
        (pl.Series([1], dtype=pl.UInt8), "integer"),
        (pl.Series([0.5], dtype=pl.Float32), "number"),
        (pl.Series(["a"], dtype=pl.Categorical), "string"),
        (pl.Series([["a"]], dtype=pl.List(pl.Enum(["a", "b"]))), "list"),
        (pl.Series([0], dtype=pl.Datetime("ms")), "datetime"),
    ],
)
def test_narrow_types_become_one_of_seven(tmp_path: Path, cells: pl.Series, type_: str) -> None:
    frame = cells.alias("x").to_frame()
    assert tables.types(frame) == {"x": type_}
    for path in tables.write(frame, tmp_path, "t", FORMATS):
        assert tables.read(path, {"x": type_}).equals(tables.canonical(frame))


@pytest.mark.parametrize(
    "cells",
    [
        pl.Series([{"a": 1}]),
        pl.Series([b"x"]),
        pl.Series([[1]]),
        pl.Series([datetime.time(1)]),
        pl.Series([datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)]),
        pl.Series([2**64 - 1], dtype=pl.UInt64),
    ],
    ids=lambda series: str(series.dtype),
)
def test_other_types_are_refused(tmp_path: Path, cells: pl.Series) -> None:
    with pytest.raises(BadInput, match="'x'"):
        tables.write(cells.alias("x").to_frame(), tmp_path, "t", ["parquet"])
    assert not list(tmp_path.iterdir())


def test_unused_values_and_metadata_are_absent_from_the_raw_bytes(tmp_path: Path) -> None:
    """Faults 8 of the expected behaviour: a dictionary would bring values that no row has."""
    canary = "Zacharias-Canary"
    frame = pl.DataFrame(
        {
            "category": pl.Series(["a", canary, "b"] * 50, dtype=pl.Categorical),
            "enum": pl.Series(["a", canary, "b"] * 50, dtype=pl.Enum(["a", "b", canary])),
            "text": ["a", canary * 3, "b"] * 50,
            "list": [["a"], [canary], []] * 50,
        }
    )
    kept = frame.filter(pl.col("text") != canary * 3)
    assert canary in str(kept["enum"].dtype)
    for path in tables.write(kept, tmp_path, "t", FORMATS):
        assert canary.encode() not in path.read_bytes()
    (loud,) = tables.write(frame, tmp_path, "with_canary", ["parquet"])
    assert canary.encode() in loud.read_bytes(), "the search would find it in the raw bytes"
    assert set(pl.read_parquet_metadata(tmp_path / "t.parquet")) == {"ARROW:schema"}


def test_a_table_of_another_schema_fails(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": ["x"], "n": [1]})
    for path in tables.write(frame, tmp_path, "t", FORMATS):
        for schema in ({"a": "string"}, {"n": "integer", "a": "string"}, {"a": "string", "n": "boolean"}):
            with pytest.raises(VerificationFailed):
                tables.read(path, schema)


def test_one_thread_and_two_write_the_same_bytes(tmp_path: Path) -> None:
    """Faults 62, for the writing."""
    rng = np.random.default_rng(1)
    ages = [f"[{age}, {age + 4}]" for age in rng.integers(0, 18, 70_000) * 5]
    big = pl.DataFrame({"age": ages, "crp": rng.random(70_000), "note": ['a\r\nb,"c', "d"] * 35_000})
    paths = tables.write(big, tmp_path, "t", FORMATS)
    for path in paths:
        assert tables.read(path, tables.types(big)).equals(big)
    big.write_ipc(tmp_path / "big.arrow")
    digests = {_digests_in_a_process(tmp_path, threads) for threads in (1, 2)}
    assert digests == {tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)}


def _digests_in_a_process(folder: Path, threads: int) -> tuple[str, ...]:
    code = (
        "import hashlib, polars as pl; from pathlib import Path; from release.files import tables;"
        f"folder = Path({str(folder)!r}); (folder / 'again').mkdir(exist_ok=True);"
        "frame = pl.read_ipc(folder / 'big.arrow');"
        "paths = tables.write(frame, folder / 'again', 't', ('parquet', 'csv'));"
        "print(*(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths))"
    )
    environment = {**os.environ, "POLARS_MAX_THREADS": str(threads), "PYTHONHASHSEED": str(threads)}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return tuple(run.stdout.split())
