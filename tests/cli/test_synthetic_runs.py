"""`anon run` with `synthesis`, from the config to the release folder; `anon synth`; methods in a sweep."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest

from risk.figures import exact
from risk.reports.risk_utility import risk_utility_page, risk_utility_text
from risk.results import Point
from tests.conftest import ROOT
from tests.drawn_runs import LONGEST_NAME, OUTLIER, RARE_CODE, config, drawn, manifest, people
from tests.runs import anon, files

ORIGINAL = "{method: cart, leaf: 5, fit_on: original}"
LIMITED = "{thresholds: {synthetic.copied_rare: 1.0}}"


def constrained(constraint: str) -> dict[str, str]:
    return {"synthesis": f"{{method: cart, leaf: 5, constraints: [{constraint}]}}"}


def test_a_synthetic_table_alone_is_published(tmp_path: Path) -> None:
    assert anon("run", config(tmp_path), "--quiet").code == 0

    release = tmp_path / "out/ward/release"
    told = manifest(tmp_path)
    (table,) = told["tables"]
    assert sorted(path.name for path in (release / "data").iterdir()) == [
        "synthetic_table.csv",
        "synthetic_table.parquet",
    ]
    assert (table["kind"], table["guarantee"]) == ("synthetic", "none: empirical only")
    assert table["synthesis"]["fit_on"] == "anonymised"
    assert table["criteria"] == []
    assert drawn(tmp_path).columns == ["sex", "age", "diagnosis", "crp", "admitted", "discharged"]
    checked = anon("verify", release)
    assert checked.code == 0
    assert "synthetic_table (synthetic)" in checked.out


def test_what_the_model_learned_from_is_in_the_words_of_the_anonymised_table(tmp_path: Path) -> None:
    both = config(tmp_path, output="{directory: out, publish: both}")
    assert anon("run", both, "--quiet").code == 0

    released = pl.read_parquet(tmp_path / "out/ward/release/data/table.parquet")
    made = drawn(tmp_path)
    assert [table["kind"] for table in manifest(tmp_path)["tables"]] == ["anonymised", "synthetic"]
    assert set(made["age"]) <= set(released["age"])
    assert made.schema == released.schema
    assert (tmp_path / "out/ward/internal/risk_report_synthetic.html").exists()
    assert anon("verify", tmp_path / "out/ward").code == 0


def test_a_limit_whose_attack_was_not_made_is_not_kept(tmp_path: Path) -> None:
    """Attacks are not made in tests that are not marked so."""
    told = anon("run", config(tmp_path, synthesis=ORIGINAL, risk=LIMITED), "--quiet", "--json")

    assert told.code == 13
    assert json.loads(told.out)["exit_code"] == 13


@pytest.mark.attacked
def test_a_table_fitted_on_the_original_is_published_where_its_limits_are_kept(tmp_path: Path) -> None:
    path = config(tmp_path, synthesis=ORIGINAL, risk=LIMITED)
    assert anon("run", path, "--quiet").code == 0

    ages = set(drawn(tmp_path)["age"].drop_nulls())
    assert any(age.isdigit() for age in ages)  # ages of fewer than five people are bands
    figures = json.loads((tmp_path / "out/ward/internal/risk.json").read_text())
    assert figures["synthetic.copied_rare"]["value"] == 0
    assert figures["synthetic.membership_tpr_1"]["value"] is None
    assert "held out" in figures["synthetic.membership_tpr_1"]["method"]
    internal = {path.name for path in (tmp_path / "out/ward/internal").iterdir()}
    assert {"risk_report.html", "utility_report.html", "utility.json"} <= internal


@pytest.mark.attacked
def test_a_limit_that_is_not_kept_publishes_nothing(tmp_path: Path) -> None:
    limits = "{thresholds: {synthetic.copies_near: 0.0}}"
    ended = anon("run", config(tmp_path, synthesis=ORIGINAL, risk=limits), "--quiet")

    assert ended.code == 13
    assert "synthetic.copies_near" in ended.err
    assert not (tmp_path / "out/ward").exists()


@pytest.mark.attacked
def test_the_figures_of_a_twin_say_so(tmp_path: Path) -> None:
    assert anon("run", config(tmp_path, risk="{holdout: twin}"), "--quiet").code == 0

    internal = tmp_path / "out/ward/internal"
    figures = json.loads((internal / "risk.json").read_text())
    attacks = [name for name in figures if name.startswith("synthetic.copies_exact")]
    assert attacks
    assert all("twin" in figures[name]["method"] for name in attacks)
    assert drawn(tmp_path).height > 200  # nobody is held out of the release itself
    assert "rows_held_out" not in json.loads((internal / "audit.json").read_text())["summary"]


def test_people_who_are_held_out_are_in_no_table(tmp_path: Path) -> None:
    both = "{directory: out, publish: both}"
    assert anon("run", config(tmp_path, risk="{holdout: 0.25}", output=both), "--quiet").code == 0

    summary = json.loads((tmp_path / "out/ward/internal/audit.json").read_text())["summary"]
    assert summary["rows_held_out"] == 60
    assert summary["rows_in"] == 180
    assert drawn(tmp_path).height == summary["rows_out"] <= 180


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path: Path) -> None:
    tables = []
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        folder = tmp_path / name
        folder.mkdir()
        assert anon("run", config(folder, seed=seed, risk="{holdout: 0.2}"), "--quiet").code == 0
        release = files(folder / "out/ward/release")
        tables.append({name: content for name, content in release.items() if not name.startswith("mani")})
    assert tables[0] == tables[1] != tables[2]


def test_without_a_seed_no_run_is_like_another(tmp_path: Path) -> None:
    found = []
    for name in "ab":
        folder = tmp_path / name
        folder.mkdir()
        assert anon("run", config(folder, seed=None), "--quiet").code == 0
        found.append(drawn(folder))
    assert not found[0].equals(found[1])


def test_the_order_of_the_input_changes_nothing(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        people(folder)
    shuffled = pl.read_csv(other / "people.csv", infer_schema=False).sample(fraction=1, shuffle=True, seed=3)
    shuffled.write_csv(other / "people.csv")
    for folder in (one, other):
        assert anon("run", config(folder), "--quiet").code == 0
    assert drawn(one).equals(drawn(other))


def test_what_one_person_has_alone_is_nowhere_in_the_release(tmp_path: Path) -> None:
    assert anon("run", config(tmp_path), "--quiet").code == 0

    written = b"".join(files(tmp_path / "out/ward/release").values())
    for canary in (RARE_CODE, LONGEST_NAME, OUTLIER, "987654"):
        assert canary.encode() not in written


def test_conditions_and_constraints_hold_in_every_row(tmp_path: Path) -> None:
    asked = (
        "{method: cart, leaf: 5, rows: 500, given: {sex: f, diagnosis: 'I*'}, constraints: "
        "[{order: [admitted, discharged]}, {column: crp, from: 5, to: 60}]}"
    )
    assert anon("run", config(tmp_path, synthesis=asked), "--quiet").code == 0

    made = drawn(tmp_path)
    assert made.height == 500
    assert set(made["sex"]) == {"f"}
    assert all(code.startswith("I") for code in made["diagnosis"])
    assert made.filter(pl.col("admitted") > pl.col("discharged")).is_empty()
    assert made["crp"].drop_nulls().is_between(5, 60).all()
    report = (tmp_path / "out/ward/release/release_report.html").read_text()
    assert "admitted ≤ discharged" in report


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"synthesis": ORIGINAL}, "risk.thresholds"),
        ({"synthesis": ORIGINAL, "risk": "{attacks: none}"}, "risk.attacks"),
        ({"synthesis": "{method: cart, epsilon: 1.0}"}, "synthesis.epsilon"),
        ({"synthesis": "{method: card}"}, "synthesis.method"),
        ({"synthesis": "{method: cart, given: {nmae: x}}"}, "synthesis.given.nmae"),
        ({"synthesis": "{method: cart, given: {name: x}}"}, "not released"),
        ({"output": "{directory: out, publish: anonymised}"}, "output.publish"),
        ({"output": "{directory: out, formats: [parquet, fhir], publish: both}"}, "output.formats"),
        ({"risk": "{thresholds: {synthetic.memberschip_tpr_1: 0.1}}"}, "risk.thresholds"),
        ({"risk": "{holdout: 0.9}"}, "risk.holdout"),
        ({"synthesis": "{method: dp-marginals, fit_on: original}"}, "synthesis.epsilon"),
        ({"synthesis": "{method: cart, constraints: [{where: {sex: m}}]}"}, "never"),
        ({"synthesis": "{method: cart, constraints: [crp < 5]}"}, "must be a mapping"),
        (constrained("{where: x, never: {sex: m}}"), "where: must be a mapping"),
        (constrained("{order: [crp]}"), "order: must name at least 2"),
        (constrained("{order: [crp, crp]}"), "names a column twice"),
        (constrained("{combinations: [sex, sex]}"), "names a column twice"),
        (constrained("{column: sex, determines: sex}"), "names a column twice"),
        ({"risk": "{thresholds: {synthetic.membership_auc: 0.6}}"}, "membership_auc: is not estimated"),
        ({"risk": "{thresholds: {synthetic.attribute_inference.crp: 0.6}}"}, "is not estimated"),
    ],
)
def test_a_config_that_is_wrong_is_told_by_its_key(
    tmp_path: Path, section: dict[str, str], says: str
) -> None:
    ended = anon("run", config(tmp_path, **section), "--quiet")  # type: ignore[arg-type]

    assert ended.code == 78
    assert says in ended.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("constraint", "says"),
    [
        ("{order: [sex, age]}", "column 'age'"),
        ("{where: {sex: maennlich}, never: {diagnosis: 'O*'}}", "column 'sex'"),
        ("{where: {sex: m}, never: {diagnosis: O00-O99}}", 'such as "O*"'),
    ],
)
def test_a_constraint_that_no_column_can_have_is_found_by_check_and_by_a_run(
    tmp_path: Path, constraint: str, says: str
) -> None:
    path = config(tmp_path, **constrained(constraint))  # type: ignore[arg-type]
    for command in (("check", path), ("run", path, "--quiet")):
        ended = anon(*command)
        assert ended.code == 78
        assert says in ended.err
    assert "maennlich" not in ended.err
    assert not (tmp_path / "out/ward").exists()


@pytest.mark.parametrize(
    "constraint",
    [
        "{where: {sex: m}, never: {diagnosis: 'O*'}}",  # nobody has such a code
        "{where: {age: {from: 60}}, never: {diagnosis: E11}}",
        "{where: {sex: [m, x]}, never: {diagnosis: E11}}",
        "{where: {crp: {from: 100000}}, never: {sex: m}}",
        "{order: [admitted, discharged]}",
    ],
)
def test_what_may_be_meant_is_not_refused(tmp_path: Path, constraint: str) -> None:
    assert anon("check", config(tmp_path, **constrained(constraint))).code == 0  # type: ignore[arg-type]


def test_a_range_in_another_unit_publishes_no_empty_column(tmp_path: Path) -> None:
    path = config(tmp_path, **constrained("{column: crp, from: 9000, to: 9900}"))  # type: ignore[arg-type]
    ended = anon("run", path, "--quiet")
    assert ended.code == 12
    assert "column 'crp'" in ended.err
    assert not (tmp_path / "out/ward").exists()


def test_check_says_what_synthesis_will_do(tmp_path: Path) -> None:
    told = anon("check", config(tmp_path, synthesis="{method: cart, rows: 1200}", risk="{holdout: 0.2}"))
    (line,) = [each for each in told.out.splitlines() if each.startswith("synthesis")]
    assert line.split(maxsplit=1)[1] == (
        "cart; fit_on: anonymised; rows: 1,200; publish: synthetic; filter: cone; distil: no; holdout: 20%"
    )
    without = anon("check", config(tmp_path, synthesis="null", seed=None))
    assert without.code == 0
    assert "\nsynthesis " not in without.out


def test_the_figure_proposed_as_a_limit_needs_nobody_held_out(tmp_path: Path) -> None:
    refused = anon("check", config(tmp_path, synthesis=ORIGINAL))
    proposed = re.search(r"did you mean '(.*)'", refused.err)
    assert proposed
    limited = config(tmp_path, synthesis=ORIGINAL, risk=f"{{thresholds: {{{proposed[1]}: 0.05}}}}")
    assert anon("check", limited).code == 0


def test_synthetic_tables_are_compared_by_their_own_figures() -> None:
    def point(method: str, copies: float) -> Point:
        figures = {
            "anonymised.prosecutor_average": exact(0.1, 9, "counted"),
            "synthetic.prosecutor_average": exact(1.0, 9, "counted"),
            "synthetic.copies_exact": exact(copies, 9, "counted"),
            "synthetic.association_difference": exact(0.2, 9, "counted"),
        }
        return Point({"method": method}, figures)

    text = risk_utility_text([point("a", 0.25), point("b", 0.5)])
    assert "prosecutor_average" not in text
    assert re.findall(r"copies_exact +([0-9.]+)", text) == ["0.25", "0.5"]
    page = risk_utility_page([point("a", 0.25), point("b", 0.5)])
    assert "Exact copies" in page
    assert "Average risk" not in page


def test_synthesis_alone_writes_one_file_and_no_release(tmp_path: Path) -> None:
    path, output = config(tmp_path), tmp_path / "drawn.parquet"
    (tmp_path / "out" / "ward").mkdir(parents=True)  # a release of the config is in nobody's way
    told = anon("synth", path, "-o", output, "--rows", "50", "--seed", "3")

    assert told.code == 0
    assert "no release" in told.out
    assert pl.read_parquet(output).height == 50
    assert oct(output.stat().st_mode)[-3:] == "600"
    assert {name for name in files(tmp_path) if name.startswith("out/")} <= {"out/.anon.lock"}
    assert anon("synth", path, "-o", output).code == 73


def test_any_table_can_be_synthesised(tmp_path: Path) -> None:
    table = people(tmp_path)
    for name in ("a.csv", "b.csv"):
        asked = ("--seed", "1", "--given", "sex=f", "--subject", "id", "--rows", "100")
        assert anon("synth", table, "-o", tmp_path / name, *asked).code == 0

    made = pl.read_csv(tmp_path / "a.csv", try_parse_dates=True)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert set(made["sex"]) == {"f"}
    assert made["name"].unique().to_list() == ["*"]
    assert made.schema["age"] == pl.Int64
    assert made.schema["admitted"] == pl.Date
    assert RARE_CODE.encode() not in (tmp_path / "a.csv").read_bytes()
    assert made["crp"].max() < 1000  # type: ignore[operator]


def test_numbers_with_a_comma_are_numbers_and_columns_that_are_lost_are_named(tmp_path: Path) -> None:
    table = tmp_path / "gewicht.csv"
    rows = "".join(f"P{n};{n % 7},{n % 10};0{n % 3}117\n" for n in range(90))
    table.write_text("kennung;gewicht;plz\n" + rows, encoding="utf-8")
    told = anon("synth", table, "-o", tmp_path / "x.parquet", "--seed", "1")

    assert told.code == 0
    assert "kennung" in told.out
    assert "gewicht" not in told.out
    made = pl.read_parquet(tmp_path / "x.parquet")
    assert made.schema["gewicht"] == pl.Float64
    assert set(made["plz"]) <= {"00117", "01117", "02117"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("-o", "x.xlsx"), 2),
        (("-o", "nowhere/x.csv"), 2),
        (("-o", "x.csv", "--given", "sex"), 2),
        (("-o", "x.csv", "--given", "sx=f"), 78),
        (("-o", "x.csv", "--subject", "nobody"), 2),
        (("-o", "x.csv", "--method", "dp-marginals"), 2),
        (("-o", "x.csv", "--rows", "0"), 2),
    ],
)
def test_synthesis_alone_refuses_what_it_cannot_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    assert anon("synth", people(tmp_path), *arguments).code == code
    assert {path.name for path in tmp_path.iterdir()} == {"people.csv"}


def test_a_sweep_compares_methods(tmp_path: Path) -> None:
    path = config(tmp_path, synthesis="{method: cart}")
    swept = anon("sweep", path, "--vary", "synthesis.method=gaussian-copula,cart", "--json")

    points = json.loads(swept.out)
    assert [point["settings"]["synthesis.method"] for point in points] == ["gaussian-copula", "cart"]
    assert [point["refusal"] for point in points] == ["", ""]
    largest = [point["figures"]["synthetic.class_size_max"]["value"] for point in points]
    assert largest[0] != largest[1]


@pytest.mark.attacked
def test_the_sample_s_synthetic_table_is_published(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sample_data/export", tmp_path / "export")
    shutil.copy(ROOT / "sample_data/synthetic.yaml", tmp_path)
    assert anon("run", tmp_path / "synthetic.yaml", "--quiet").code == 0

    internal = tmp_path / "releases/sample-synthetic/internal"
    figures = json.loads((internal / "risk.json").read_text())
    copies, control = figures["synthetic.copies_exact"], figures["synthetic.membership_auc"]
    assert copies["value"] is not None
    assert control["value"] < 0.6
