"""Dates as hospitals' tables have them: `31.05.1962` is read as `1962-05-31`, in a column that has one form.

| cells                        | read as                  |
|------------------------------|--------------------------|
| `31.05.1962`, `1.5.1962`     | `1962-05-31`, `1962-05-01` |
| `05.1962`, `1962`            | `1962-05`, `1962`        |
| `1962-05-31` and `31.05.1962` | refused (65): two forms |
| `31.05.62`                   | no date: which century?  |
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anonymizer.errors import BadInput
from anonymizer.tables.values import iso_dates
from release.config.root import load
from tests.runs import anon, write_csv

HEADER = ("id", "sex", "born", "seen")
CONFIG = """\
name: demo
reference_date: 2026-11-22
input: {{table: {{path: people.csv, missing: ["", "k.A."]}}}}
subject: id
columns:
  id: {{role: identifier}}
  sex: {{role: quasi-identifier, hierarchy: suppression}}
  born: {{role: {born}}}
  seen: {{role: {seen}}}
privacy: {{k_anonymity: 3}}
{time}
output: {{directory: out, formats: [csv, parquet]}}
"""
BORN = "quasi-identifier, hierarchy: {date: [month, year]}"
GONE = "identifier"
RELATIVE = "time: {relative: {columns: [seen], to: born}}"


def run(
    folder: Path, births: list[str], visits: list[str], /, *, time: str = "", **roles: str
) -> tuple[int, str, pl.DataFrame]:
    """Exit code, errors and the released table of people born and seen on these days, again and again."""
    days = list(zip(births, visits, strict=True)) * 6
    write_csv(folder / "people.csv", [[f"P{n}", "mf"[n % 2], *each] for n, each in enumerate(days)], HEADER)
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(**{"born": GONE, "seen": GONE, **roles, "time": time}), encoding="utf-8")
    result = anon("run", path, "--quiet")
    data = folder / "out" / "demo" / "release" / "data" / "table.parquet"
    return result.code, result.err, pl.read_parquet(data) if data.exists() else pl.DataFrame()


def distinct(cells: pl.Series) -> set[object]:
    return set(cells.unique())


def test_a_hierarchy_of_dates_reads_german_ones(tmp_path: Path) -> None:
    born = ["31.05.1962", "1.5.1962", "05.1962", "1962", "k.A."]
    code, err, table = run(tmp_path, born, [""] * 5, born=f"{BORN}, max_level: 1, min_level: 1")
    assert code == 0, err
    assert distinct(table["born"]) == {"1962-05", "1962", None}


def test_a_date_of_its_type_is_released_as_iso_says_it(tmp_path: Path) -> None:
    code, err, table = run(tmp_path, [""] * 2, ["31.12.2025", "01.02.2026"], seen="sensitive, type: date")
    assert code == 0, err
    assert table.schema["seen"] == pl.Date
    assert distinct(table["seen"]) == {date(2025, 12, 31), date(2026, 2, 1)}


@pytest.mark.parametrize("partial", [["02.2026", "2025"], ["2026-02", "2025"]])
def test_a_month_or_a_year_alone_is_no_day_and_stays_where_the_column_is_text(
    tmp_path: Path, partial: list[str]
) -> None:
    code, err, _ = run(tmp_path, [""] * 2, partial, seen="sensitive, type: date")
    assert (code, "to keep those, leave out `type: date`" in err) == (65, True)
    assert "2026" not in err

    _, _, kept = run(tmp_path, [""] * 2, partial, seen="sensitive")
    assert distinct(kept["seen"]) == {*partial}


def test_a_month_alone_among_days_is_malformed_and_made_missing_if_so_asked(tmp_path: Path) -> None:
    rule = "sensitive, type: date, invalid: missing"
    _, _, table = run(tmp_path, [""] * 2, ["02.2026", "01.02.2026"], seen=rule)
    assert distinct(table["seen"]) == {None, date(2026, 2, 1)}


def test_time_counts_from_german_dates_of_columns_that_are_text(tmp_path: Path) -> None:
    born, seen = ["31.05.1962", "1.6.1962"], ["02.06.1962", "03.06.1962"]
    code, err, table = run(tmp_path, born, seen, seen="sensitive, accept_dependency: true", time=RELATIVE)
    assert code == 0, err
    assert distinct(table["seen"]) == {2}


@pytest.mark.parametrize(
    ("column", "rule"),
    [("born", BORN), ("born", f"{BORN}, invalid: missing"), ("seen", "sensitive, type: date")],
)
def test_two_forms_in_one_column_are_refused_and_not_quoted(tmp_path: Path, column: str, rule: str) -> None:
    mixed = ["1962-05-31", "31.05.1962", "1.5.1962"]
    code, err, _ = run(tmp_path, mixed, mixed, **{column: rule})
    assert (code, f"'{column}'" in err, "two forms" in err, "6 times" in err) == (65, True, True, True), err
    assert "1962-05-31" in err  # the form's own example
    assert "1.5.1962" not in err.replace("31.05.1962", "")


@pytest.mark.parametrize("cell", ["30.02.1962", "31.05.62", "05/31/1962", "31-05-1962", "5.1962", "13.1962"])
def test_what_is_no_german_date_is_malformed(tmp_path: Path, cell: str) -> None:
    code, err, _ = run(tmp_path, ["31.05.1962", cell], ["", ""], born=BORN)
    assert (code, "'born'" in err) == (65, True), err
    code, err, table = run(tmp_path, ["31.05.1962", cell], ["", ""], born=f"{BORN}, invalid: missing")
    assert code == 0, err
    assert table["born"].null_count() == table.height // 2


def test_text_that_no_rule_calls_a_date_stays_text(tmp_path: Path) -> None:
    code, err, table = run(tmp_path, [""] * 2, ["1.2.2024", "1.3.2024"], seen="sensitive")
    assert code == 0, err
    assert distinct(table["seen"]) == {"1.2.2024", "1.3.2024"}


def test_a_population_may_have_the_other_form(tmp_path: Path) -> None:
    people = [["1962-05-31", "m"], ["1962-05-31", "f"]] * 20
    write_csv(tmp_path / "all.csv", people, ("born", "sex"))
    write_csv(tmp_path / "people.csv", [[f"P{n}", "mf"[n % 2], "31.05.1962", ""] for n in range(12)], HEADER)
    text = CONFIG.format(born=BORN, seen=GONE, time="")
    text = text.replace("k_anonymity: 3", "k_map: {k: 9, population: all.csv}")
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    result = anon("run", tmp_path / "config.yaml", "--quiet")
    assert result.code == 0, result.err
    released = pl.read_parquet(tmp_path / "out" / "demo" / "release" / "data" / "table.parquet")
    assert distinct(released["born"]) == {"1962-05-31"}


def test_a_table_of_german_dates_publishes_as_drafted(tmp_path: Path) -> None:
    rows = [[f"P{n}", "mw"[n % 2], f"{n % 28 + 1:02}.{n % 3 + 4:02}.{1960 + n % 4}"] for n in range(240)]
    table = write_csv(tmp_path / "a.csv", rows, ("Patienten-ID", "Geschlecht", "Geburtsdatum"))
    config = tmp_path / "config.yaml"
    assert anon("init", table, "--output", config).code == 0

    rule = load(config).columns["Geburtsdatum"]
    assert (rule.role, type(rule.hierarchy).__name__) == ("quasi-identifier", "DatesSpec")
    result = anon("run", config, "--quiet")
    assert result.code == 0, result.err
    (release,) = [path for path in (tmp_path / "releases").iterdir() if path.is_dir()]
    born = pl.read_parquet(release / "release" / "data" / "table.parquet")["Geburtsdatum"]
    assert born.str.contains("^196[0-3]-(0[4-6]|Q2)$|^196[0-3]$").all()


@given(st.lists(st.dates(date(1000, 1, 1)), min_size=1, max_size=20))
def test_a_german_date_is_the_same_day(days: list[date]) -> None:
    written = pl.Series("x", [None, *(f"{day.day}.{day:%m}.{day.year:04}" for day in days)])
    assert iso_dates(written).to_list() == [None, *(day.isoformat() for day in days)]


@given(st.lists(st.sampled_from(["1962", "1962-05", "1962-05-31", "x", "5-323", None]), max_size=8))
def test_a_column_without_german_dates_is_untouched(cells: list[str | None]) -> None:
    series = pl.Series("x", cells, dtype=pl.String)
    assert iso_dates(series).equals(series, null_equal=True)


def test_the_rarer_form_is_counted() -> None:
    with pytest.raises(BadInput) as refused:
        iso_dates(pl.Series("x", ["1962-05-31"] * 5 + ["05.1962"] * 2 + ["1962", None]))
    assert refused.value.count == 2
