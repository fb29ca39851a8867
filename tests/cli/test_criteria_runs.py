"""Each criterion on a sensitive column, from the config to a release that `anon verify` accepts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import SHARED, needs_shared
from tests.known_answers.arx import Answer, sensitive_answers
from tests.known_answers.test_verifier_arx import EXACT_TIES
from tests.runs import CONFIG, Result, anon, files, people, scene

HIERARCHY = "D0;low;*\nD1;low;*\nD2;high;*\nD3;high;*\n"


def asking(text: str) -> str:
    """The small table's config with this criterion, and a hierarchy of diagnoses where it needs one."""
    config = CONFIG.replace("suppression_limit: 0.2", f"suppression_limit: 0.3, {text}")
    if "hierarchical" in text:
        return config.replace("{role: sensitive}", "{role: sensitive, hierarchy: {file: diagnoses.csv}}")
    return config


def run(folder: Path, text: str, *options: str) -> Result:
    (folder / "diagnoses.csv").write_text(HIERARCHY, encoding="utf-8")
    return anon("run", scene(folder, config=asking(text)), *options)


ASKED = [
    (
        "l_diversity: [{column: diagnosis, kind: entropy, l: 2.5}]",
        "entropy l-diversity of diagnosis (l = 2.5): recounted",
        "entropy 2.5-diversity of diagnosis",
    ),
    (
        "l_diversity: [{column: diagnosis, kind: recursive, l: 2, c: 1.5}]",
        "recursive (c, l)-diversity of diagnosis (c = 1.5, l = 2): recounted",
        "recursive (1.5, 2)-diversity of diagnosis",
    ),
    (
        "t_closeness: [{column: diagnosis, distance: equal, t: 0.25}]",
        "t-closeness of diagnosis (distance = equal, t = 0.25): attested",
        "0.25-closeness of diagnosis, equal distance",
    ),
    (
        "t_closeness: [{column: diagnosis, distance: ordered, t: 0.15}]",
        "t-closeness of diagnosis (distance = ordered, t = 0.15): attested",
        "0.15-closeness of diagnosis, ordered distance",
    ),
    (
        "t_closeness: [{column: diagnosis, distance: hierarchical, t: 0.2}]",
        "t-closeness of diagnosis (distance = hierarchical, t = 0.2): attested",
        "0.2-closeness of diagnosis, hierarchical distance",
    ),
    (
        "delta_disclosure: {column: diagnosis, delta: 1.2}",
        "delta-disclosure privacy of diagnosis (delta = 1.2): attested",
        "1.2-disclosure privacy of diagnosis",
    ),
    (
        "beta_likeness: {column: diagnosis, beta: 0.8, enhanced: false}",
        "beta-likeness of diagnosis (beta = 0.8, enhanced = False): attested",
        "basic 0.8-likeness of diagnosis",
    ),
    (
        "beta_likeness: {column: diagnosis, beta: 1.1}",
        "beta-likeness of diagnosis (beta = 1.1, enhanced = True): attested",
        "enhanced 1.1-likeness of diagnosis",
    ),
]


@pytest.mark.parametrize(("text", "checked", "title"), ASKED)
def test_a_release_is_published_checked_and_reported(
    tmp_path: Path, text: str, checked: str, title: str
) -> None:
    result = run(tmp_path, text)
    assert result.code == 0, result.err
    release = tmp_path / "out/demo"
    assert checked in anon("verify", release).out
    inside = anon("verify", release, "--internal")
    assert inside.code == 0
    assert checked.replace("attested", "recounted from internal/") in inside.out
    assert title in (release / "release/release_report.html").read_text(encoding="utf-8")
    assert title in (release / "internal/risk_report.html").read_text(encoding="utf-8")


def test_several_sensitive_columns_are_protected_at_once(tmp_path: Path) -> None:
    """Two columns, three criteria: no class may break any of them."""
    text = (
        "l_diversity: [{column: diagnosis, kind: distinct, l: 2}, {column: age, kind: entropy, l: 2}], "
        "beta_likeness: [{column: diagnosis, beta: 1.5}]"
    )
    config = asking(text).replace(
        "bands: [5, 10, 20], top: 90}}", "bands: [5, 10, 20], top: 90}, sensitive: true}"
    )
    result = anon("run", scene(tmp_path, config=config))
    assert result.code == 0, result.err
    told = anon("verify", tmp_path / "out/demo", "--internal")
    assert told.code == 0
    # ages are released generalised: their own diversity cannot be counted from outside
    assert "entropy l-diversity of age (l = 2): recounted from internal/" in told.out
    assert "distinct l-diversity of diagnosis (l = 2): recounted," in told.out


@pytest.mark.parametrize(
    "text",
    [
        "l_diversity: [{column: diagnosis, kind: entropy, l: 4.1}]",
        "t_closeness: [{column: diagnosis, distance: equal, t: 0.2}]",
    ],
)
def test_what_no_transformation_meets_ends_with_10(tmp_path: Path, text: str) -> None:
    """Four values cannot be as diverse as 4.1; and age alone cannot be coarse enough below its top."""
    config = asking(text).replace("top: 90}}", "top: 90}, max_level: 0}")
    result = anon("run", scene(tmp_path, config=config))
    assert result.code == 10
    assert set(files(tmp_path / "out")) == {".anon.lock"}


def test_a_value_outside_the_hierarchy_of_a_distance_is_65(tmp_path: Path) -> None:
    (tmp_path / "diagnoses.csv").write_text(HIERARCHY, encoding="utf-8")
    rows = people()
    rows[7][4] = "secret"
    text = "t_closeness: [{column: diagnosis, distance: hierarchical, t: 0.2}]"
    result = anon("run", scene(tmp_path, rows, asking(text)))
    assert result.code == 65
    assert "'diagnosis'" in result.err
    assert "secret" not in result.err


def test_starred_rows_are_a_class_that_meets_the_criteria_too(tmp_path: Path) -> None:
    text = "t_closeness: [{column: diagnosis, distance: equal, t: 0.3}]"
    config = asking(text).replace("csv, parquet]", "csv], suppressed: star")
    result = anon("run", scene(tmp_path, config=config))
    assert result.code == 0, result.err
    assert anon("verify", tmp_path / "out/demo", "--internal").code == 0


CHOSEN = {
    "adult8_k5_s2_loss": "l_diversity: [{column: occupation, kind: distinct, l: 1}]",
    "adult8_k5_entropyl3_s2_loss": "l_diversity: [{column: occupation, kind: entropy, l: 3}]",
    "adult8_k5_recursive_c3_l3_s2_loss": "l_diversity: [{column: occupation, kind: recursive, c: 3, l: 3}]",
    "adult8_k5_tequal02_s2_loss": "t_closeness: [{column: occupation, distance: equal, t: 0.2}]",
    "adult8_k5_thier02_s5_loss": "t_closeness: [{column: occupation, distance: hierarchical, t: 0.2}]",
    "adult8a_k5_tordered02_age_s2_loss": "t_closeness: [{column: age, distance: ordered, t: 0.2}]",
}


@needs_shared
@pytest.mark.parametrize("answer", [a for a in sensitive_answers() if a.name in CHOSEN], ids=lambda a: a.name)
def test_adult_is_released_at_arx_s_optimum_and_verifies(tmp_path: Path, answer: Answer) -> None:
    assert answer.name not in EXACT_TIES
    result = anon("run", adult_config(tmp_path, answer), "--json", "--quiet")
    assert result.code == 0, result.err
    found = json.loads(result.out)["search"]
    assert found["score"] == pytest.approx(answer.score, abs=1e-8)
    assert (found["classes"], found["suppressed"]) == (answer.classes, answer.suppressed)
    assert anon("verify", tmp_path / "out/adult", "--internal").code == 0


@needs_shared
def test_every_chosen_answer_is_there() -> None:
    assert CHOSEN.keys() <= {answer.name for answer in sensitive_answers()}


def adult_config(folder: Path, answer: Answer) -> Path:
    data = SHARED / "data/adult"
    header = (data / "adult.csv").read_text(encoding="utf-8").splitlines()[0]
    rules = dict.fromkeys(header.strip().split(";"), "{role: identifier}")
    for name in answer.quasi_identifiers:
        rules[name] = (
            f"{{role: quasi-identifier, hierarchy: {{file: {data / f'adult_hierarchy_{name}.csv'}}}}}"
        )
    for name in answer.sensitive:
        hierarchy = f", hierarchy: {{file: {data / f'adult_hierarchy_{name}.csv'}}}"
        rules[name] = f"{{role: sensitive{hierarchy if 'hierarchical' in CHOSEN[answer.name] else ''}}}"
    columns = "".join(f"  {name}: {rule}\n" for name, rule in rules.items())
    config = folder / "adult.yaml"
    config.write_text(
        "name: adult\nreference_date: 2026-11-22\nsubject: row\n"
        f"input: {{table: {{path: {data / 'adult.csv'}, delimiter: ';'}}}}\n"
        f"columns:\n{columns}"
        f"privacy: {{k_anonymity: 5, suppression_limit: {float(answer.limit)}, {CHOSEN[answer.name]}}}\n"
        f"output: {{directory: {folder / 'out'}, formats: [parquet]}}\n",
        encoding="utf-8",
    )
    return config
