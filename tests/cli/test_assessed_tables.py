"""`anon risk`: any table made elsewhere, beside the one it was made from."""

from __future__ import annotations

import csv
import json
import random
import stat
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.runs import CONFIG, anon, files, people, scene, write_csv

HEADER = ("person", "sex", "age", "plz", "stage")


def rows(seed: int, count: int = 240) -> list[list[str]]:
    draw = random.Random(seed)
    return [
        [
            f"P{seed}-{n}",
            draw.choice("mf"),
            str(draw.randint(20, 89)),
            draw.choice(("10117", "20095", "01067")),
            draw.choice("1234"),
        ]
        for n in range(count)
    ]


def figures(folder: Path, name: str = "risk.json") -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / name).read_text())
    return read


def without_person(table: list[list[str]]) -> list[list[str]]:
    return [row[1:] for row in table]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    original = rows(1)
    write_csv(tmp_path / "original.csv", original, HEADER)
    write_csv(tmp_path / "holdout.csv", rows(2), HEADER)
    write_csv(tmp_path / "copy.csv", without_person(original), HEADER[1:])
    write_csv(tmp_path / "fresh.csv", without_person(rows(3)), HEADER[1:])
    return tmp_path


def assess(folder: Path, table: str, *more: str | Path) -> dict[str, Any]:
    output = folder / f"risk of {table}"
    result = anon(
        *("risk", folder / table, "--original", folder / "original.csv", "--holdout", folder / "holdout.csv"),
        *("--kind", "synthetic", "--subject", "person", "--sensitive", "stage", "--output", output, *more),
    )
    assert result.code == 0, result.err
    return figures(output)


def test_a_verbatim_copy_is_told_from_a_fresh_sample(folder: Path) -> None:
    copied, fresh = assess(folder, "copy.csv"), assess(folder, "fresh.csv")
    for name in ("synthetic.copies_exact", "synthetic.rep_u", "synthetic.linkage"):
        assert copied[name]["value"] > fresh[name]["value"] + 0.1, name
    assert copied["original.prosecutor_average"]["value"] == copied["synthetic.prosecutor_average"]["value"]


def test_the_reports_stay_in_the_house_and_hold_no_row(folder: Path) -> None:
    assess(folder, "copy.csv", "--language", "de")
    written = folder / "risk of copy.csv"
    assert {path.name for path in written.iterdir()} == {
        *("risk.json", "risk_report.html", "utility.json", "utility_report.html")
    }
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in written.iterdir())
    assert stat.S_IMODE(written.stat().st_mode) == 0o700
    assert 'lang="de"' in (written / "risk_report.html").read_text()
    assert not any("P1-" in path.read_text() for path in written.iterdir())


def test_a_table_alone_is_assessed_by_its_classes(folder: Path) -> None:
    output = folder / "alone"
    result = anon("risk", folder / "fresh.csv", "--quasi-identifiers", "sex, plz", "--output", output)
    assert result.code == 0, result.err
    found = figures(output)
    assert found["anonymised.classes"]["value"] == 6
    assert found["original.classes"]["method"] == "not estimated: the original was not given"


def test_without_a_holdout_nothing_is_estimated_that_needs_one(folder: Path) -> None:
    output = folder / "no holdout"
    options = ("--original", folder / "original.csv", "--kind", "synthetic", "--subject", "person")
    assert anon("risk", folder / "fresh.csv", *options, "--output", output).code == 0
    found = figures(output)["synthetic.membership_tpr_1"]
    assert found["value"] is None
    assert "not estimated" in found["method"]


@pytest.mark.attacked
def test_a_config_tells_roles_levels_and_thresholds(tmp_path: Path) -> None:
    """A released table is found at its levels again, and has the figures that its run gave it."""
    write_csv(tmp_path / "people.csv", people())
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    assert anon("run", config, "--quiet").code == 0
    released = tmp_path / "out" / "demo" / "release" / "data" / "table.parquet"
    result = anon("risk", released, "--config", config, "--output", tmp_path / "risk")
    assert result.code == 0, result.err
    own, told = figures(tmp_path / "risk"), figures(tmp_path / "out" / "demo" / "internal")
    for name in ("anonymised.prosecutor_max", "original.prosecutor_max", "anonymised.linkage.largest"):
        assert own[name]["value"] == pytest.approx(told[name]["value"]), name

    config.write_text(CONFIG + "risk: {thresholds: {anonymised.prosecutor_max: 0.1}}\n")
    result = anon("risk", released, "--config", config, "--output", tmp_path / "gate")
    assert result.code == 13
    assert (tmp_path / "gate" / "risk_report.html").exists()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--holdout", "holdout.csv"), 2),
        (("--quasi-identifiers", "sex,aeg"), 2),
        (("--subject", "person"), 2),
        (("--population", "10"), 78),
        (("--original", "original.csv", "--subject", "person", "--holdout", "original.csv"), 65),
        (("--original", "original.csv", "--holdout", "original.csv"), 65),
        (("--original", "nowhere.csv"), 66),
        (("--original", "short.csv"), 65),
        (("--original", "original.csv", "--population", "3"), 78),
        (("--original", "original.csv", "--subject", "nobody"), 2),
        (("--config", "nowhere.yaml"), 66),
        (("--kind", "blurred"), 2),
    ],
)
def test_what_cannot_be_assessed_is_refused_and_nothing_written(
    folder: Path, options: tuple[str, ...], code: int
) -> None:
    write_csv(folder / "short.csv", [["f", "Zephyrine"]], ("sex", "age"))
    before = files(folder)
    named = [folder / each if each.endswith((".csv", ".yaml")) else each for each in options]
    result = anon("risk", folder / "fresh.csv", *named, "--output", folder / "x")
    assert (result.code, "Zephyrine" in result.err) == (code, False)
    assert files(folder) == before
    assert ("aeg" in options[-1]) == ("'aeg'" in result.err)


def test_a_folder_that_is_there_is_left_alone(folder: Path) -> None:
    assert anon("risk", folder / "fresh.csv", "--output", folder).code == 73


LOSSY = CONFIG.replace("suppression_limit: 0.2", "suppression_limit: 0.3").replace(
    "age: {role: quasi-identifier, hierarchy: {bands: [5, 10, 20], top: 90}}",
    "age: {role: quasi-identifier, hierarchy: {bands: [5, 10, 20], top: 90}, min_level: 4}",
)
"""Age is suppressed in all rows, and people are dropped."""
LOCAL = CONFIG + "search: {recoding: local}\n"
GATED = "risk: {thresholds: {anonymised.linkage: %s}}\n"


def released(folder: Path, config: str, rows: list[list[str]] | None = None) -> Path:
    """The table that a run releases, as a CSV."""
    path = scene(folder, rows, config)
    assert anon("run", path, "--quiet").code == 0
    return folder / "out" / "demo" / "release" / "data" / "table.csv"


def read_csv(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def by_config(folder: Path, table: Path, name: str = "risk", code: int = 0) -> dict[str, Any]:
    """The figures of a table by the config beside it."""
    result = anon("risk", table, "--config", folder / "config.yaml", "--output", folder / name)
    assert result.code == code, result.err
    return figures(folder / name)


def lonely() -> list[list[str]]:
    """People of whom some are alone, so that they are dropped, and some of whose values are missing."""
    odd = [[f"Q{n}", "mf"[n % 2], "33", f"{n}9999", "D1", "n1"] for n in range(3, 7)]
    missing = [[f"R{n}", "m", "", "10117", "", "n2"] for n in range(5)]
    return [*people(80), *odd, *missing]


@pytest.mark.attacked
@pytest.mark.parametrize("config", [CONFIG, LOSSY])
def test_a_release_has_the_figures_that_its_own_run_gave_it(tmp_path: Path, config: str) -> None:
    table = released(tmp_path, config, lonely())
    own, told = by_config(tmp_path, table), figures(tmp_path / "out" / "demo" / "internal")
    if config == LOSSY:
        assert "'01067" in table.read_text(), "what a spreadsheet would change is written with an apostrophe"
        assert told["anonymised.suppressed_share"]["value"] > 0
        assert {row[1] for row in read_csv(table)[1:]} == {"*"}
    assert {name: own[name] for name in told if name in own} == {n: told[n] for n in told if n in own}
    assert {*told} - {*own} == set()


@pytest.mark.attacked
def test_labels_of_several_levels_are_not_attacked_as_if_they_were_of_one(tmp_path: Path) -> None:
    table = released(tmp_path, LOCAL, lonely())
    own, told = by_config(tmp_path, table), figures(tmp_path / "out" / "demo" / "internal")
    assert told["anonymised.linkage"]["value"] > 0
    for name in (
        "linkage",
        "singling_out",
        "attribute_inference",
        "l_distinct.diagnosis",
        "belief_1.diagnosis",
    ):
        assert own[f"anonymised.{name}"]["method"].startswith("not estimated"), name
    for name in ("prosecutor_max", "prosecutor_average", "classes"):
        assert own[f"anonymised.{name}"] == told[f"anonymised.{name}"], name


@pytest.mark.attacked
@pytest.mark.parametrize("config", [CONFIG, LOSSY])
def test_a_blank_behind_one_label_opens_no_gate(tmp_path: Path, config: str) -> None:
    table = released(tmp_path, config, lonely())
    (tmp_path / "config.yaml").write_text(config + GATED % 0.01)
    by_config(tmp_path, table, "as it is", 13)
    head, *cells = read_csv(table)
    cells[0][head.index("plz")] += " "
    write_csv(tmp_path / "blank.csv", cells, head)
    by_config(tmp_path, tmp_path / "blank.csv", "blank", 13)
    result = anon(
        *("risk", tmp_path / "blank.csv", "--config", tmp_path / "config.yaml", "--output", tmp_path / "x")
    )
    assert "column plz: 1 cell" in result.err
    assert f"the reports are in {tmp_path / 'x'}" in result.err
    assert "column plz" in (tmp_path / "x" / "risk_report.html").read_text()


def told_alone(folder: Path, table: list[list[str]], *more: str, kind: str = "anonymised") -> dict[str, Any]:
    """The figures of a table beside the original, without a config."""
    write_csv(folder / "table.csv", table, HEADER[1:])
    options = ("--original", folder / "original.csv", "--subject", "person", "--sensitive", "stage")
    result = anon(
        *("risk", folder / "table.csv", *options, "--kind", kind, *more),
        *("--output", folder / f"told {len(list(folder.iterdir()))}"),
    )
    assert result.code == 0, result.err
    return figures(max(folder.glob("told *"), key=lambda path: int(path.name.split()[1])))


@pytest.mark.attacked
def test_bands_are_not_the_originals_ages(folder: Path) -> None:
    """Whoever looks ages up among bands finds nobody, which says nothing; nor do ages that were rounded."""
    own = told_alone(folder, without_person(rows(1)))
    assert own["anonymised.linkage"]["value"] > 0.5
    for written in (lambda age: f"{age[0]}0-{age[0]}9", lambda age: f"{age[0]}0"):
        table = [[sex, written(age), plz, stage] for sex, age, plz, stage in without_person(rows(1))]
        for kind in ("anonymised", "synthetic") if "-" in table[0][1] else ("anonymised",):
            found = told_alone(folder, table, kind=kind)
            for name in ("linkage", "rep_u", "attribute_inference"):
                assert found[f"{kind}.{name}"]["method"].startswith("not estimated"), (name, kind)


@pytest.mark.attacked
def test_numbers_are_the_same_however_they_are_written(folder: Path) -> None:
    table = without_person(rows(1))
    plain = told_alone(folder, table)
    for mark in (".0", ",0"):
        assert told_alone(folder, [[s, age + mark, p, g] for s, age, p, g in table]) == plain


@pytest.mark.attacked
def test_only_apostrophes_that_a_release_would_have_set_are_taken_off(folder: Path) -> None:
    """`'01067` stands for 01067, and a town whose name has one stands for itself."""
    moved = [[*row[:3], row[3].replace("01067", "'s-Gravenhage"), row[4]] for row in rows(1)]
    write_csv(folder / "original.csv", moved, HEADER)
    assert told_alone(folder, without_person(moved))["anonymised.linkage"]["value"] > 0.5
    escaped = [[s, age, "'" + plz if plz[0] in "0'" else plz, g] for s, age, plz, g in without_person(moved)]
    assert told_alone(folder, escaped)["anonymised.linkage"]["value"] > 0.5


@pytest.mark.attacked
def test_rows_that_are_nobodys_say_so(folder: Path) -> None:
    """Shuffled stages are stages of the original, but nobody's row is known to be shown any more."""
    table = without_person(rows(1))
    stages = [row[3] for row in table]
    shuffled = [[*row[:3], stage] for row, stage in zip(table, stages[1:] + stages[:1], strict=True)]
    assert told_alone(folder, table)["anonymised.l_distinct.stage"]["value"] == 1
    found = told_alone(folder, shuffled)
    for name in ("l_distinct.stage", "t_equal.stage", "belief_0.stage", "disco", "suppressed_share"):
        assert found[f"anonymised.{name}"]["method"].startswith("not estimated"), name
    assert found["anonymised.linkage"]["value"] > 0.5
    few = told_alone(folder, [*table[:59], [table[59][0], table[58][1], *table[59][2:]]])
    assert {few[f"anonymised.{name}"]["value"] for name in ("linkage", "rep_u")} == {None}


SEVERAL = """\
name: demo
reference_date: 2026-11-22
input: {table: {path: people.csv}}
subject: id
columns:
  id: {role: identifier}
  sex: {role: quasi-identifier, hierarchy: suppression}
  diagnosis: {role: sensitive}
privacy: {t_closeness: [{column: diagnosis, distance: equal, t: 0.99}], suppression_limit: 0}
output: {directory: out, formats: [csv]}
"""


@pytest.mark.attacked
def test_rows_of_one_person_are_no_crowd(tmp_path: Path) -> None:
    """Everybody is alone with two rows; people are counted as the run counts them, or from one person on."""
    several = [[f"P{n}", f"u{n}", f"D{row}{n % 4}"] for n in range(30) for row in range(2)]
    path = write_csv(tmp_path / "people.csv", several, ("id", "sex", "diagnosis")).with_name("config.yaml")
    path.write_text(SEVERAL)
    assert anon("run", path, "--quiet").code == 0
    table = tmp_path / "out" / "demo" / "release" / "data" / "table.csv"
    own, told = by_config(tmp_path, table), figures(tmp_path / "out" / "demo" / "internal")
    assert own["anonymised.prosecutor_max"] == told["anonymised.prosecutor_max"]
    assert own["anonymised.prosecutor_max"]["value"] == 1

    path.write_text(SEVERAL + "risk: {thresholds: {anonymised.prosecutor_max: 0.5}}\n")
    by_config(tmp_path, table, "gate", 13)
    head, *cells = read_csv(table)
    shuffled = [[sex, other[1]] for (sex, _), other in zip(cells, cells[1:] + cells[:1], strict=True)]
    write_csv(tmp_path / "changed.csv", shuffled, head)
    bounds = by_config(tmp_path, tmp_path / "changed.csv", "bounds", 13)["anonymised.prosecutor_max"]
    assert (bounds["value"], bounds["low"], bounds["high"]) == (None, 0.5, 1.0)


def test_the_report_names_what_the_columns_were_taken_for(folder: Path) -> None:
    output = folder / "roles"
    options = ("--quasi-identifiers", "sex,plz", "--sensitive", "stage", "--output", output)
    assert anon("risk", folder / "fresh.csv", *options).code == 0
    page = (output / "risk_report.html").read_text()
    assert "sex, plz" in page
    assert "made elsewhere" in page


def test_somebody_in_several_classes_is_one_of_the_population(tmp_path: Path) -> None:
    """Forty people with three rows each, in a population that has room for them and not for their rows."""
    table = [[f"P{n}", "f", str(20 + 20 * row), "10117", "1"] for n in range(40) for row in range(3)]
    write_csv(tmp_path / "original.csv", table, HEADER)
    write_csv(tmp_path / "copy.csv", without_person(table), HEADER[1:])
    options = ("--original", tmp_path / "original.csv", "--subject", "person", "--attacks", "none")
    asked = (*options, "--quasi-identifiers", "age", "--population", "100", "--output", tmp_path / "risk")
    result = anon("risk", tmp_path / "copy.csv", *asked)
    assert result.code == 0, result.err
    assert "40 of 100 people" in figures(tmp_path / "risk")["original.journalist_max"]["method"]


def test_rows_that_name_nobody_are_refused(folder: Path) -> None:
    write_csv(
        folder / "gaps.csv", [["", *row[1:]] if n < 3 else row for n, row in enumerate(rows(1))], HEADER
    )
    options = ("--original", folder / "gaps.csv", "--subject", "person", "--output", folder / "x")
    result = anon("risk", folder / "fresh.csv", *options)
    assert (result.code, "column 'person': rows name no person (3 times)" in result.err) == (65, True)


@pytest.mark.parametrize(("first", "code"), [(3.0, 65), (999.0, 0)])
def test_one_person_is_the_same_however_the_number_is_written(folder: Path, first: float, code: int) -> None:
    """The original calls its people 0 to 239, the holdout calls one of them 3.0."""
    for name, numbers in (("original", range(240)), ("holdout", [first, *map(float, range(1000, 1239))])):
        frame = pl.read_csv(folder / f"{name}.csv", infer_schema=False)
        frame.with_columns(pl.Series("person", list(numbers))).write_parquet(folder / f"{name}.parquet")
    tables = ("--original", folder / "original.parquet", "--holdout", folder / "holdout.parquet")
    asked = ("--subject", "person", "--kind", "synthetic", "--attacks", "none", "--output", folder / "x")
    assert anon("risk", folder / "fresh.csv", *tables, *asked).code == code


@pytest.mark.attacked
def test_more_rows_than_people_are_no_crowd(folder: Path) -> None:
    """Each row stands twice: there are 240 people, not 480."""
    found = told_alone(folder, without_person(rows(1)) * 2, "--attacks", "none")
    largest = found["anonymised.prosecutor_max"]
    assert (largest["value"], largest["low"], largest["high"]) == (None, 0.5, 1.0)


@pytest.mark.attacked
def test_lists_of_codes_and_another_order_of_columns_change_no_figure(tmp_path: Path) -> None:
    """The Parquet file of a release has lists, its CSV has blanks between codes."""
    coded = CONFIG.replace("diagnosis: {role: sensitive}", "diagnosis: {role: sensitive, type: codes}")
    several = [[*row[:4], f"{row[4]} E{n % 3}", row[5]] for n, row in enumerate(lonely())]
    table = released(tmp_path, coded, several)
    told = figures(tmp_path / "out" / "demo" / "internal")
    head, *cells = read_csv(table)
    write_csv(tmp_path / "turned.csv", [row[::-1] for row in cells], head[::-1])
    for each in (table.with_suffix(".parquet"), tmp_path / "turned.csv"):
        assert by_config(tmp_path, each, f"risk of {each.name}") == told
    options = (
        "--original",
        table.with_suffix(".parquet"),
        "--attacks",
        "none",
        "--output",
        tmp_path / "lists",
    )
    assert anon("risk", table, *options).code == 0
    assert "not all could be found" not in (tmp_path / "lists" / "risk_report.html").read_text()
