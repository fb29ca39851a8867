"""Shifted dates and relative time, end to end: what is released and told, what is kept, what is refused."""

from __future__ import annotations

import json
import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from anonymizer.transforming.timing import Shift, days_of
from tests.runs import anon, files, write_csv

HEADER = ("id", "sex", "age", "came", "left", "seen")
CONFIG = """\
name: demo
reference_date: 2026-11-22
input: {table: {path: people.csv}}
subject: id
columns:
  id: {role: identifier}
  sex: {role: quasi-identifier, hierarchy: suppression}
  age: {role: quasi-identifier, hierarchy: {bands: [5, 10, 20], top: 90}}
  came: {role: sensitive, type: date}
  left: {role: sensitive}
  seen: {role: insensitive}
privacy: {k_anonymity: 3, suppression_limit: 0.2}
time:
  shift: {columns: [came, left]}
  relative: {columns: [seen], to: came}
output: {directory: out, formats: [csv, parquet]}
"""
SECRET_FILE = "shift: {columns: [came, left], secret_file: shift.key}"


def visits(people: int = 60) -> list[list[str]]:
    """Two visits of each person, of a few days and within a month, and a day some weeks after each."""
    draw = random.Random(4)
    rows = []
    for n in range(people):
        sex, age = draw.choice("mf"), str(draw.randint(20, 59))
        first = date(2015, 1, 1) + timedelta(days=draw.randrange(3000))
        for came in (first, first + timedelta(days=draw.choice((14, 28)))):
            left, seen = (came + timedelta(days=draw.choice(some)) for some in ((1, 2, 4), (30, 40)))
            rows.append([f"P{n:03}", sex, age, *map(str, (came, left, seen))])
    return rows


def scene(folder: Path, config: str = CONFIG, rows: list[list[str]] | None = None) -> Path:
    write_csv(folder / "people.csv", visits() if rows is None else rows, HEADER)
    path = folder / "config.yaml"
    path.write_text(config, encoding="utf-8")
    return path


def published(folder: Path, config: str = CONFIG, rows: list[list[str]] | None = None) -> Path:
    result = anon("run", scene(folder, config, rows), "--quiet")
    assert result.code == 0, result.err
    return folder / "out" / "demo"


def with_secret(folder: Path, secret: str, config: str = CONFIG) -> Path:
    folder.mkdir()
    (folder / "shift.key").write_text(secret)
    (folder / "shift.key").chmod(0o600)
    return published(folder, config.replace("shift: {columns: [came, left]}", SECRET_FILE))


def data(release: Path) -> pl.DataFrame:
    return pl.read_parquet(release / "release" / "data" / "table.parquet")


def audit(release: Path) -> Any:
    return json.loads((release / "internal" / "audit.json").read_bytes())


def test_the_intervals_are_those_of_the_input_and_the_days_are_not(tmp_path: Path) -> None:
    release = published(tmp_path)
    frame = data(release).with_columns(pl.col("left").str.to_date())
    stays = (frame["left"] - frame["came"]).dt.total_days()
    assert set(stays) == {1, 2, 4}
    assert frame["seen"].dtype == pl.Int64
    assert frame["seen"].min() == 30
    true = {tuple(row[3:5]) for row in visits()}
    told = {(str(came), str(left)) for came, left in frame.select("came", "left").rows()}
    # by chance some are days of somebody else: 5 of 116 on average
    assert len(told & true) < 30


def test_it_is_the_secret_in_internal_that_moved_them(tmp_path: Path) -> None:
    release = published(tmp_path)
    secret = (release / "internal" / "date_shift.key").read_text().strip()
    assert len(secret) == 64
    shift = Shift((), 365, False, secret.encode())
    moved = {str(date.fromisoformat(row[3]) + timedelta(days=days_of(shift, row[0]))) for row in visits()}
    assert {str(day) for day in data(release)["came"]} <= moved
    assert audit(release)["secrets"]["date_shift"].startswith("internal/date_shift.key")
    outside = b"".join(files(release / "release").values())
    assert secret.encode() not in outside
    assert bytes.fromhex(secret) not in outside


def test_what_was_done_is_stated_and_attested(tmp_path: Path) -> None:
    release = published(tmp_path, CONFIG.replace("[came, left]}", "[came, left], keep_weekday: true}"))
    table = json.loads((release / "release" / "manifest.json").read_bytes())["tables"][0]
    assert table["date_shift"] == {"columns": ["came", "left"], "days": 365, "keep_weekday": True}
    assert table["relative_time"] == {"columns": ["seen"], "to": "came"}
    told = anon("verify", release).out
    assert "date shift of came, left (days = 365, keep_weekday = True): attested" in told
    assert "relative time of seen (to = came): attested" in told
    package = json.loads((release / "release" / "datapackage.json").read_bytes())
    fields = {field["name"]: field for field in package["resources"][0]["schema"]["fields"]}
    assert fields["came"]["treatment"] == (
        "moved by a secret number of days of whole weeks, at most 365, one for all dates of a person"
    )
    assert fields["seen"]["treatment"] == "told as days since the person's first came"
    assert (fields["seen"]["type"], fields["came"]["type"]) == ("integer", "date")
    assert "whole weeks" in (release / "release" / "release_report.html").read_text()
    assert audit(release)["dates_changed"]["came"]["shifted"] == 120


def test_a_manifest_that_calls_a_quasi_identifier_shifted_fails(tmp_path: Path) -> None:
    release = published(tmp_path)
    path = release / "release" / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["tables"][0]["date_shift"]["columns"] = ["came", "age"]
    path.write_text(json.dumps(manifest))
    result = anon("verify", release)
    assert (result.code, "is stated to be changed" in result.err) == (11, True), result.err


def test_diversity_of_a_shifted_date_counts_the_true_ones_and_is_attested(tmp_path: Path) -> None:
    """Every row is a person here; of a column that is released as it is anybody could count the values."""
    rows = [row for n, row in enumerate(visits()) if n % 2]
    demand = "l_diversity: [{column: came, kind: distinct, l: 2}], k_anonymity: 3"
    release = published(tmp_path, CONFIG.replace("k_anonymity: 3", demand), rows)
    table = json.loads((release / "release" / "manifest.json").read_bytes())["tables"][0]
    assert {each["name"]: each["status"] for each in table["criteria"]} == {
        "k-anonymity": "recounted",
        "distinct l-diversity": "attested",
    }
    assert anon("verify", release, "--internal").code == 0


def test_the_same_secret_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    first = published_in(tmp_path / "first")
    key = (first / "internal" / "date_shift.key").read_text()
    again = with_secret(tmp_path / "again", key)
    other = with_secret(tmp_path / "other", key[::-1].strip())
    contents = [(each / "release" / "data" / "table.csv").read_bytes() for each in (first, again, other)]
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]
    assert not (again / "internal" / "date_shift.key").exists()
    assert audit(again)["secrets"] == {"date_shift": "the config's time.shift.secret_file"}
    assert anon("verify", again).code == 0


def published_in(folder: Path, config: str = CONFIG) -> Path:
    folder.mkdir()
    return published(folder, config)


def test_nothing_but_the_operating_systems_bits_decides(tmp_path: Path) -> None:
    """Two runs of one config, from one state of every generator that has a seed, move people differently."""
    moves = []
    for name in ("one", "two"):
        random.seed(7)
        moves.append(data(published_in(tmp_path / name))["came"].sort().to_list())
    assert moves[0] != moves[1]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("[came, left]}", "[age]}", "must be sensitive or insensitive"),
        ("[came, left]}", "[id]}", "must be sensitive or insensitive"),
        ("[came, left]}", "[nobody]}", "has no rule"),
        ("[came, left]}", "[came, came]}", "names came twice"),
        ("[came, left]}", "[came, left, seen]}", "names seen twice"),
        ("[came, left]}", "[]}", "must not be empty"),
        ("[came, left]}", "[came, left], days: 29}", "time.shift.days"),
        ("[came, left]}", "[came, left], days: 3651}", "time.shift.days"),
        ("[came, left]}", "[came, left], days: 60.0}", "time.shift.days"),
        ("[came, left]}", "[came, left], secret_file: nowhere.key}", "cannot be read"),
        ("to: came", "to: nobody", "has no rule"),
        ("subject: id", "subject: row", "all dates of a person move"),
        ("{role: sensitive, type: date}", "{role: sensitive, type: integer}", "must be of the type date"),
        ("{role: sensitive}", "{role: sensitive, clip: [0, 9]}", "cannot have clip"),
        (
            "{role: insensitive}",
            "{role: insensitive, hierarchy: {date: [year]}, release_level: 1}",
            "cannot have hierarchy",
        ),
        ("  relative: {columns: [seen], to: came}", "  relative: {columns: [seen]}", "time.relative.to"),
        # released as it is, one date tells the shift of the other
        ("[came, left]}", "[left]}", "'came' is released by the calendar"),
        ("output:", "microaggregation: [{columns: [seen], k: 3}]\noutput:", "a date that `time` changes"),
        (
            "{k_anonymity: 3, suppression_limit: 0.2}",
            "{differential_privacy: {epsilon: 1.0, delta: 0.01}}",
            "time: cannot be combined with differential_privacy",
        ),
    ],
)
def test_what_would_be_unsafe_or_without_effect_is_refused(
    tmp_path: Path, old: str, new: str, found: str
) -> None:
    assert old in CONFIG
    result = anon("run", scene(tmp_path, CONFIG.replace(old, new)), "--quiet")
    assert result.code == 78, result.err
    assert found.replace("'came'", "came") in result.err
    assert not list((tmp_path / "out").glob("demo"))


def test_intervals_that_tell_a_quasi_identifier_are_refused(tmp_path: Path) -> None:
    """Nobody sees a day of birth, but from it to the first visit it is the age, to the day."""
    draw = random.Random(1)
    rows = []
    for n in range(60):
        age, came = 20 + n % 40, date(2024, 6, 1) + timedelta(days=draw.randrange(20))
        born = came - timedelta(days=365 * age + 180 + draw.randrange(9))
        rows.append([f"P{n:03}", draw.choice("mf"), str(age), str(came), str(born), str(came)])
    config = CONFIG.replace("  relative: {columns: [seen], to: came}\n", "").replace(
        "[came, left]", "[came, left, seen]"
    )
    result = anon("run", scene(tmp_path, config, rows), "--quiet")
    assert result.code == 78, result.err
    assert "the interval came … left" in result.err


@pytest.mark.parametrize(("interval", "is_near"), [(60, True), (61, False)])
def test_near_is_what_tells_more_than_the_possible_moves(
    tmp_path: Path, interval: int, is_near: bool
) -> None:
    """30 days either way are 60 in all: half of the people came within 60 days of one another's distance."""
    came = date(2024, 1, 1)
    distances = (0, interval, 1000, 5000)
    rows = [
        [f"P{n}", "m", "30", str(came), str(came - timedelta(days=days)), "x"]
        for n, days in enumerate(distances)
    ]
    config = CONFIG.replace("[came, left]}\n  relative: {columns: [seen], to: came}", "[came], days: 30}")
    config = config.replace("left: {role: sensitive}", "left: {role: sensitive, type: date}")
    result = anon("check", scene(tmp_path, config, rows))
    assert ("left is released by the calendar" in result.err) == is_near, result.err
    assert result.code == (78 if is_near else 0)


def test_a_date_far_from_the_shifted_ones_may_stay_on_the_calendar(tmp_path: Path) -> None:
    """When somebody was born tells nothing of the day on which they came."""
    born = {row[0]: f"{1931 + 11 * n % 67}-05-17" for n, row in enumerate(visits())}
    rows = [[*row[:5], born[row[0]]] for row in visits()]
    config = CONFIG.replace("  relative: {columns: [seen], to: came}\n", "").replace(
        "{role: insensitive}", "{role: quasi-identifier, hierarchy: {date: [year, decade]}}"
    )
    assert published(tmp_path, config.replace("limit: 0.2", "limit: 0.9"), rows)


@pytest.mark.parametrize(
    "also",
    [
        "search: {recoding: local}",
        "search: {recoding: cell-suppression}",
    ],
)
def test_dates_are_shifted_beside_every_recoding(tmp_path: Path, also: str) -> None:
    release = published(tmp_path, f"{CONFIG}{also}\n")
    assert anon("verify", release, "--internal").code == 0
    assert data(release)["seen"].min() == 30


def test_the_dates_of_starred_rows_are_shifted_or_missing(tmp_path: Path) -> None:
    """Four lonely people are one class of stars: their sensitive dates stay, the insensitive ones do not."""
    lonely = [[f"L{n}", "m", str(84 + n), "2020-01-01", "2020-01-02", "2020-02-01"] for n in range(4)]
    config = CONFIG.replace("formats: [csv, parquet]", "formats: [parquet], suppressed: star")
    config = config.replace("bands: [5, 10, 20], top: 90}", "bands: [5], top: 90}, max_level: 1")
    release = published(tmp_path, config.replace("limit: 0.2", "limit: 0.9"), [*visits(), *lonely])
    stars = data(release).filter(pl.col("age") == "*")
    assert stars.height >= 4
    assert stars["seen"].null_count() == stars.height
    assert stars["came"].null_count() == 0
    assert anon("verify", release, "--internal").code == 0
