"""What the cells of a plain table become before anything is counted: one value, one spelling."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest

from anonymizer.counting.counts import count
from anonymizer.errors import AnonError, CriteriaNotMet
from anonymizer.search.search import search
from anonymizer.tables.coarsening import coarsen
from anonymizer.tables.table import Table
from release.intake.source import read
from tests.configs import loaded

CONFIG = """\
name: t
reference_date: 2026-11-22
input: {{table: {{path: {path}}}}}
subject: row
columns:
  ward: {{role: quasi-identifier, hierarchy: suppression}}
  x: {rule}
privacy: {privacy}
output: {{directory: out}}
"""
DIVERSE = "{l_diversity: [{column: x, kind: distinct, l: 2}]}"
BANDS = "hierarchy: {bands: [5, 10], top: 90, bottom: -20}"
DAYS = "hierarchy: {date: [month, year]}"


def table(folder: Path, cells: Sequence[object], rule: str, privacy: str = "{k_anonymity: 2}") -> Table:
    """The table of a file with a column ``x``: CSV where the cells are text, Parquet where they are not."""
    frame = pl.DataFrame({"ward": ["a", "b"] * (len(cells) // 2), "x": cells})
    path = folder / ("t.csv" if frame["x"].dtype == pl.String else "t.parquet")
    frame.write_csv(path) if path.suffix == ".csv" else frame.write_parquet(path)
    return read(loaded(folder, CONFIG.format(path=path.name, rule=rule, privacy=privacy))).table


def released(source: Table) -> pl.Series:
    """The column ``x`` of a table as it is released."""
    return coarsen(source.frame["x"], source.columns[1])


@pytest.mark.parametrize(
    "rule",
    [
        f"{{role: quasi-identifier, sensitive: true, {BANDS}}}",
        f"{{role: sensitive, {BANDS}, release_level: 0}}",
    ],
)
def test_an_integer_has_one_spelling_where_its_hierarchy_is_of_integers(tmp_path: Path, rule: str) -> None:
    spelled = ["7", "07", "007", "0", "-0", "000", "-07", "100", None, "070"]
    cells = table(tmp_path, spelled, rule).frame["x"].to_list()
    assert cells == ["7", "7", "7", "0", "0", "0", "-7", "100", None, "70"]


def test_three_spellings_of_one_age_are_not_three_sensitive_values(tmp_path: Path) -> None:
    rule = f"{{role: quasi-identifier, sensitive: true, {BANDS}}}"
    source = table(tmp_path, ["7", "07", "007", "7"] * 10, rule, DIVERSE)
    config = loaded(tmp_path, CONFIG.format(path="t.csv", rule=rule, privacy=DIVERSE))
    with pytest.raises(CriteriaNotMet):
        search(count(source, config.criteria), config.criteria, config.privacy.suppression_share)


@pytest.mark.parametrize("cell", ["+7", "7.0", " 7", "7a", "٧", "--7", ""])
def test_what_is_no_integer_is_left_for_the_hierarchy_to_refuse(tmp_path: Path, cell: str) -> None:
    rule = f"{{role: quasi-identifier, {BANDS}}}"
    source = table(tmp_path, [f"{cell}", "7"], rule, "{k_anonymity: 2}")
    assert source.frame["x"].to_list() == [cell or None, "7"]


def test_leading_zeros_stay_where_the_hierarchy_is_of_codes(tmp_path: Path) -> None:
    source = table(tmp_path, ["01067", "1067"], "{role: quasi-identifier, hierarchy: {prefix: [3]}}")
    assert source.frame["x"].to_list() == ["01067", "1067"]


@pytest.mark.parametrize("role", ["quasi-identifier", "sensitive"])
@pytest.mark.parametrize("hour", [0, 7])
def test_a_timestamp_is_its_day_where_the_hierarchy_is_of_days(tmp_path: Path, role: str, hour: int) -> None:
    cells = [dt.datetime(1962, 5, 1), dt.datetime(1962, 5, 1, hour)]
    level = ", release_level: 1" if role == "sensitive" else ""
    source = table(tmp_path, cells, f"{{role: {role}, {DAYS}{level}}}")
    assert source.frame["x"].cast(pl.String).to_list() == ["1962-05-01", "1962-05-01"]
    if role == "sensitive":
        assert released(source).to_list() == ["1962-05", "1962-05"]


def test_a_column_has_the_type_of_its_rule_whatever_its_cells(tmp_path: Path) -> None:
    rule = "{role: sensitive, type: number}"
    types = {table(tmp_path, cells, rule).frame.schema["x"] for cells in (["1", "2"], ["1", "2.5"])}
    assert types == {pl.Float64()}
    assert table(tmp_path, ["1", "2"], "{role: sensitive, type: integer}").frame.schema["x"] == pl.Int64


def test_a_bound_of_minus_zero_is_not_released(tmp_path: Path) -> None:
    source = table(tmp_path, ["-5", "3.5"], "{role: sensitive, clip: [-0.0, 8]}")
    assert [math.copysign(1, cell) for cell in released(source)] == [1, 1]


@pytest.mark.parametrize(
    ("cells", "rule", "labels"),
    [
        ([7, 12, None, 7], f"{BANDS}, release_level: 1", ["[5, 9]", "[10, 14]", None, "[5, 9]"]),
        ([7.0, -3.0], f"{BANDS}, release_level: 2", ["[0, 9]", "[-10, -1]"]),
        ([dt.date(1962, 5, 31), None], f"{DAYS}, release_level: 2", ["1962", None]),
        ([True, None], "hierarchy: suppression, release_level: 0", ["true", None]),
        ([True, None], "hierarchy: suppression, release_level: 1", ["*", None]),
        ([0.5, None], "hierarchy: suppression, release_level: 0", ["0.5", None]),
    ],
)
def test_a_fixed_level_is_one_of_text_whatever_the_columns_type(
    tmp_path: Path, cells: list[object], rule: str, labels: list[str | None]
) -> None:
    assert released(table(tmp_path, cells, f"{{role: sensitive, {rule}}}")).to_list() == labels


def outcome(folder: Path, clip: str, of: Mapping[str, object]) -> object:
    try:
        return released(table(folder, list(of.values()), f"{{role: sensitive, {clip}}}")).to_list()
    except AnonError as error:
        return error.exit_code, error.column


def test_bounds_beyond_64_bits_cut_nothing_and_bounds_around_no_integer_are_refused(tmp_path: Path) -> None:
    cells = {"a": "-9", "b": "7"}
    assert outcome(tmp_path, "type: integer, clip: [-1e300, 1e300]", cells) == [-9, 7]
    assert outcome(tmp_path, "type: integer, clip: [-2.5, 1e300]", cells) == [-2, 7]
    assert outcome(tmp_path, "type: integer, clip: [0.2, 0.8]", cells) == (78, "x")
    assert outcome(tmp_path, "type: integer, clip: [1e300, 1e301]", cells) == (78, "x")
    assert outcome(tmp_path, "clip: [0.2, 0.8]", cells) == [0.2, 0.8]
