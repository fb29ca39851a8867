"""Top and bottom coding: what lies beyond a bound becomes the bound, or one group.

Bounds come from the config alone.
"""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from anonymizer.errors import BadConfig, BadInput
from anonymizer.hierarchies.hierarchy import bands
from anonymizer.tables.coarsening import coarsen
from anonymizer.tables.table import Column, Role, Table
from release.verifying.promise import Promise
from release.verifying.replay import replay
from tests.runs import anon, scene

Bounds = tuple[float | None, float | None]


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        ((0.0, 9.0), [0.0, 0.0, 7.5, 9.0, None]),
        ((None, 9.0), [-3.0, 0.0, 7.5, 9.0, None]),
        ((0.0, None), [0.0, 0.0, 7.5, 99.0, None]),
    ],
)
def test_numbers_are_cut_at_the_bounds_that_are_given(clip: Bounds, expected: list[float | None]) -> None:
    cells = pl.Series("x", [-3.0, 0.0, 7.5, 99.0, None])
    assert coarsen(cells, Column("x", Role.SENSITIVE, clip=clip)).to_list() == expected


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        ((None, 8.9), [-3, 0, 8, 8, None]),
        ((-2.5, None), [-2, 0, 8, 99, None]),
        ((None, 1e300), [-3, 0, 8, 99, None]),
    ],
)
def test_integers_stay_integers_inside_the_bounds(clip: Bounds, expected: list[int | None]) -> None:
    column = Column("x", Role.SENSITIVE, clip=clip)
    cells = pl.Series("x", [-3, 0, 8, 99, None])
    assert coarsen(cells, column).to_list() == expected
    table = Table(cells.to_frame(), (column,), None)
    replayed = replay(Promise(table, "t", ("csv",), {}, (), 0.0)).frame["x"]
    assert replayed.equals(coarsen(cells, column), check_dtypes=True)


def test_no_integer_between_the_bounds_is_refused() -> None:
    with pytest.raises(BadConfig, match="no integer"):
        coarsen(pl.Series("x", [1]), Column("x", Role.SENSITIVE, clip=(None, -1e300)))


def test_below_the_bottom_is_an_error_or_one_group() -> None:
    values = ["3", "17", "18", "41", "90", "104"]
    with pytest.raises(BadInput, match="2 times"):
        bands([5, 10], top=90, bottom=18).generalise(values)
    grouped = bands([5, 10], top=90, bottom=18, bottom_group=True)
    found = grouped.generalise(values)
    assert found.labels[0] == ("(*, 17]", "(*, 17]", "18", "41", "[90, *)", "[90, *)")
    assert found.labels[1] == ("(*, 17]", "(*, 17]", "[18, 19]", "[40, 44]", "[90, *)", "[90, *)")
    assert found.labels[3] == ("*",) * 6
    # the group is one leaf more, at every level below the top
    assert grouped.leaves == 74
    assert found.leaf_counts == ((1,) * 6, (1, 1, 2, 5, 1, 1), (1, 1, 2, 10, 1, 1), (74,) * 6)


CONFIG = """\
name: demo
reference_date: 2026-11-22
input: {table: {path: people.csv}}
subject: row
columns:
  id: {role: identifier}
  sex: {role: identifier}
  age: {role: quasi-identifier, hierarchy: {bands: [10], top: 50, bottom: 30, bottom_group: true}}
  plz: {role: identifier}
  diagnosis: {role: sensitive, type: integer, clip: [null, 40]}
  note: {role: insensitive, clip: [2, null]}
privacy: {k_anonymity: 3}
output: {directory: out, formats: [parquet]}
"""
ROWS = [[f"P{n}", "", str(20 + n % 40), "", str(n % 60), f"{n % 7}.5"] for n in range(240)]


def test_a_run_codes_tops_and_bottoms_and_says_so(tmp_path: Path) -> None:
    result = anon("run", scene(tmp_path, ROWS, CONFIG), "--quiet")
    assert result.code == 0, result.err
    release = tmp_path / "out" / "demo" / "release"
    frame = pl.read_parquet(release / "data" / "table.parquet")
    assert set(frame["age"]) <= {"(*, 29]", "[50, *)", *map(str, range(30, 50)), "[30, 39]", "[40, 49]"}
    assert (frame["diagnosis"].max(), frame["diagnosis"].min()) == (40, 0)
    assert (frame["note"].max(), frame["note"].min()) == (6.5, 2.0)
    package = json.loads((release / "datapackage.json").read_bytes())
    done = {field["name"]: field["treatment"] for field in package["resources"][0]["schema"]["fields"]}
    assert done["diagnosis"] == "clipped to at most 40"
    assert done["note"] == "clipped to at least 2"
    assert anon("verify", release).code == 0


@pytest.mark.parametrize(
    ("clip", "found"),
    [
        ("[null, null]", "has no effect without any bound"),
        ("[9, 1]", "lower bound lies above"),
        ("[p1, p99]", "columns.note.clip"),
        ("[2]", "columns.note.clip"),
        ("{quantiles: [0.01, 0.99]}", "columns.note.clip"),
    ],
)
def test_bounds_are_numbers_of_the_config(tmp_path: Path, clip: str, found: str) -> None:
    """A percentile is a person's value: bounds never come from the data."""
    result = anon("run", scene(tmp_path, ROWS, CONFIG.replace("[2, null]", clip)), "--quiet")
    assert (result.code, found in result.err) == (78, True), result.err
