"""`anon compare` and `anon sweep`: several releases, or runs that publish nothing, side by side."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from anonymizer.errors import Interrupted
from tests.runs import CONFIG, Result, anon, files, people, write_csv

QUIET = CONFIG + "risk: {attacks: none, thresholds: {anonymised.prosecutor_max: 0.4}}\n"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    write_csv(tmp_path / "people.csv", people())
    path = tmp_path / "config.yaml"
    path.write_text(QUIET)
    return path


def told(result: Result) -> list[dict[str, Any]]:
    assert result.code == 0, result.err
    points: list[dict[str, Any]] = json.loads(result.out)
    return points


def test_a_sweep_tells_what_each_value_leads_to_and_publishes_nothing(config: Path) -> None:
    before = files(config.parent)
    points = told(anon("sweep", config, "--vary", "privacy.k_anonymity=2,5,61", "--json"))
    assert [point["settings"] for point in points] == [{"privacy.k_anonymity": k} for k in ("2", "5", "61")]
    largest = [point["figures"].get("anonymised.prosecutor_max", {}).get("value") for point in points]
    assert largest[0] > 0.4 > largest[1] > 0
    assert largest[2] is None
    assert [len(point["broken"]) for point in points] == [1, 0, 0]
    assert points[2]["refusal"].endswith("(exit 10)")
    assert files(config.parent).keys() - before.keys() <= {"out/.anon.lock"}


def test_every_combination_of_several_keys_is_run(config: Path) -> None:
    swept = anon(
        *("sweep", config, "--json", "--vary", "privacy.k_anonymity=2,3"),
        *("--vary", "search.metric=precision,{name: loss, aggregate: max}"),
    )
    assert [tuple(point["settings"].values()) for point in told(swept)] == [
        ("2", "precision"),
        ("2", "name: loss, aggregate: max"),
        ("3", "precision"),
        ("3", "name: loss, aggregate: max"),
    ]


def test_a_value_that_the_config_may_not_have_is_told_and_the_others_are_run(config: Path) -> None:
    points = told(anon("sweep", config, "--vary", "privacy.k_anonymity=none,3", "--json"))
    assert points[0]["refusal"].endswith("(exit 78)")
    assert points[1]["figures"]


@pytest.mark.parametrize(
    ("vary", "code"),
    [("privacy.k_anonymty=2,5", 78), ("privacy.k_anonymity=61,62", 10), ("output.link_rows=true,false", 69)],
)
def test_where_nothing_could_be_released_a_sweep_ends_as_the_run_would(
    config: Path, vary: str, code: int
) -> None:
    assert anon("sweep", config, "--vary", vary, "--json").code == code


def test_a_signal_ends_a_sweep(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise Interrupted(15)

    monkeypatch.setattr("release.run.decide", interrupted)
    result = anon("sweep", config, "--vary", "privacy.k_anonymity=2,3,4")
    assert (result.code, result.out) == (143, "")


@pytest.mark.parametrize("vary", ["privacy.k_anonymity", "=3", "privacy.k_anonymity=", "a..b=1"])
def test_a_key_without_values_is_no_sweep(config: Path, vary: str) -> None:
    result = anon("sweep", config, "--vary", vary)
    assert (result.code, "--vary" in result.err) == (2, True)


def test_too_many_runs_are_refused_before_the_first(config: Path) -> None:
    values = ",".join(map(str, range(2, 13)))
    result = anon("sweep", config, "--vary", f"privacy.k_anonymity={values}", "--vary", f"seed={values}")
    assert (result.code, "121" in result.err) == (2, True)


def test_a_sweep_after_a_release_leaves_it_alone(config: Path) -> None:
    assert anon("run", config, "--quiet").code == 0
    before = files(config.parent)
    assert told(anon("sweep", config, "--vary", "privacy.k_anonymity=5", "--json"))[0]["figures"]
    assert files(config.parent) == before


@pytest.mark.parametrize("language", ["en", "de"])
def test_releases_are_compared_from_their_internal_figures(config: Path, language: str) -> None:
    releases = []
    for k in (3, 6):
        config.write_text(QUIET.replace("k_anonymity: 3", f"k_anonymity: {k}").replace("demo", f"demo-{k}"))
        assert anon("run", config, "--quiet").code == 0
        releases.append(config.parent / "out" / f"demo-{k}")
    page = config.parent / "page.html"
    result = anon(
        *("compare", releases[0], releases[1] / "release", "--json", "--output", page, "--language", language)
    )
    largest = [point["figures"]["anonymised.prosecutor_max"]["value"] for point in told(result)]
    assert 1 / 3 >= largest[0] > largest[1] > 0
    text = page.read_text()
    assert "demo-3" in text
    assert f'lang="{language}"' in text
    assert "<script" not in text
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert anon("compare", *releases, "--output", page).code == 73


def test_a_release_without_its_internal_figures_cannot_be_compared(config: Path, tmp_path: Path) -> None:
    assert anon("run", config, "--quiet").code == 0
    figures = tmp_path / "out" / "demo" / "internal" / "risk.json"
    for content, code in (("[1]", 65), ('{"x": {"value": "Zephyrine"}}', 65), ("{", 65), (None, 66)):
        if content is None:
            figures.unlink()
        else:
            figures.write_text(content)
        result = anon("compare", tmp_path / "out" / "demo")
        assert result.code == code
        assert "Zephyrine" not in result.err
