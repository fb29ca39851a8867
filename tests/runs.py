"""Running the command line inside the tests, and small inputs for it."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import random
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import cli

PEOPLE = ("id", "sex", "age", "plz", "diagnosis", "note")
CONFIG = """\
name: demo
reference_date: 2026-11-22
input: {table: {path: people.csv}}
subject: row
columns:
  id: {role: identifier}
  sex: {role: quasi-identifier, hierarchy: suppression}
  age: {role: quasi-identifier, hierarchy: {bands: [5, 10, 20], top: 90}}
  plz: {role: quasi-identifier, hierarchy: {prefix: [3, 1]}}
  diagnosis: {role: sensitive}
  note: {role: insensitive}
privacy: {k_anonymity: 3, suppression_limit: 0.2}
output: {directory: out, formats: [csv, parquet]}
"""


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


def anon(*arguments: str | Path) -> Result:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    umask, hook, show = os.umask(0o077), sys.excepthook, warnings.showwarning
    try:
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.setattr(sys, "argv", ["anon", *map(str, arguments)])
            code = cli.execute()
    finally:
        os.umask(umask)
        sys.excepthook, warnings.showwarning = hook, show
    return Result(code, out.getvalue(), err.getvalue())


def people(count: int = 60) -> list[list[str]]:
    """Rows of ``PEOPLE`` that k = 3 can release; every id is unlike the others, no column tells another."""
    draw = random.Random(20261122)
    return [
        [
            f"P{n:04}",
            draw.choice("mf"),
            str(draw.randint(20, 59)),
            draw.choice(("10117", "10119", "20095", "01067")),
            f"D{draw.randint(0, 3)}",
            f"n{draw.randint(0, 8)}",
        ]
        for n in range(count)
    ]


def write_csv(path: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = PEOPLE) -> Path:
    """A comma-separated file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def scene(folder: Path, rows: Sequence[Sequence[str]] | None = None, config: str = CONFIG) -> Path:
    """A folder with ``people.csv`` and a config; the config's path."""
    write_csv(folder / "people.csv", people() if rows is None else rows)
    path = folder / "config.yaml"
    path.write_text(config, encoding="utf-8")
    return path


def files(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder``, by relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
