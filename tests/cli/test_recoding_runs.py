"""Runs with each recoding: from the config to a release that verifies, and what its papers say."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from benchmarks.whole_run import adult_config
from tests.conftest import needs_shared
from tests.runs import CONFIG, anon, files, people, scene

KINDS = ("local", "multidimensional", "cell-suppression")
AGE = {"level": 0, "highestLevel": 3}


def config(kind: str) -> str:
    return CONFIG + f"search: {{recoding: {kind}}}\n"


def published(folder: Path) -> dict[str, Any]:
    """The papers of the release ``demo``."""
    release = folder / "out" / "demo" / "release"
    return {name: json.loads((release / name).read_bytes()) for name in ("manifest.json", "datapackage.json")}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_with_each_recoding_is_published_and_verifies(tmp_path: Path, kind: str) -> None:
    result = anon("run", scene(tmp_path, config=config(kind)), "--json", "--quiet")
    assert result.code == 0, result.err
    told = json.loads(result.out)["recoding"]
    assert told["kind"] == kind
    frame = pl.read_parquet(tmp_path / "out" / "demo" / "release" / "data" / "table.parquet")
    classes = frame.group_by("sex", "age", "plz").len()
    assert min(classes["len"]) >= 3
    assert told["classes"] == classes.height
    assert told["suppressed"] == 60 - frame.height
    verified = anon("verify", tmp_path / "out" / "demo", "--internal")
    assert verified.code == 0, verified.err
    assert "recounted" in verified.out


def test_local_recoding_loses_less_than_the_optimum_and_mondrian_than_nothing(tmp_path: Path) -> None:
    scores = {}
    for kind in ("local", "multidimensional"):
        folder = tmp_path / kind
        folder.mkdir()
        result = anon("run", scene(folder, config=config(kind)), "--json", "--quiet")
        scores[kind] = json.loads(result.out)
    local = scores["local"]
    assert local["recoding"]["loss"] < local["search"]["score"]
    assert scores["multidimensional"]["search"]["score"] == scores["multidimensional"]["recoding"]["loss"]


def test_the_papers_say_which_levels_a_column_has(tmp_path: Path) -> None:
    assert anon("run", scene(tmp_path, config=config("local")), "--quiet").code == 0
    papers = published(tmp_path)
    table = papers["manifest.json"]["tables"][0]
    assert table["recoding"] == "local"
    columns = {column["name"]: column for column in table["columns"]}
    assert (columns["age"]["level"], columns["age"]["highest_level"]) == (0, 3)
    fields = {
        field["name"]: field for field in papers["datapackage.json"]["resources"][0]["schema"]["fields"]
    }
    assert {name: fields["age"][name] for name in AGE} == AGE
    assert fields["age"]["treatment"].startswith("recoded class by class to levels 0 to 3 of 4")
    assert "highestLevel" not in fields["diagnosis"]
    report = (tmp_path / "out" / "demo" / "release" / "release_report.html").read_text("utf-8")
    assert "0 to 3 of 4" in report


def test_the_map_stays_in_the_house(tmp_path: Path) -> None:
    """It says of every value of the input what became of it, of suppressed rows too."""
    assert anon("run", scene(tmp_path, config=config("local")), "--quiet").code == 0
    folder = tmp_path / "out" / "demo"
    recoding = pl.read_parquet(folder / "internal" / "recoding_table.parquet")
    assert recoding.columns == ["q0", "q1", "q2", "level_0", "level_1", "level_2"]
    ages = {row[2] for row in people()}
    assert set(recoding["q1"]) == ages
    assert not any("recoding" in name for name in files(folder / "release"))
    assert "recoding" in json.loads((folder / "internal" / "audit.json").read_bytes())["secrets"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_run_again_gives_the_same_bytes(tmp_path: Path, kind: str) -> None:
    """Whatever the order of the rows."""
    released = []
    for rows in (people(), people()[::-1]):
        folder = tmp_path / str(len(released))
        folder.mkdir()
        assert anon("run", scene(folder, rows, config=config(kind)), "--quiet").code == 0
        released.append(files(folder / "out" / "demo" / "release" / "data"))
    assert released[0] == released[1]


def test_recoding_keeps_a_star_for_suppressed_rows(tmp_path: Path) -> None:
    text = config("cell-suppression").replace("formats:", "suppressed: star, formats:")
    result = anon("run", scene(tmp_path, config=text), "--json", "--quiet")
    assert result.code == 0, result.err
    assert anon("verify", tmp_path / "out" / "demo").code == 0


OF_THE_WHOLE = {
    "average_risk: 0.2": ("average risk (limit = 0.2): recounted", 5),
    "sample_uniqueness: 0.1": ("sample uniqueness (limit = 0.1): recounted", 2),
    "population_uniqueness: {limit: 0.01, sampling_fraction: 0.1}": ("population uniqueness", 2),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("privacy", OF_THE_WHOLE)
def test_what_holds_of_the_whole_release_is_kept_in_every_class(
    tmp_path: Path, kind: str, privacy: str
) -> None:
    """Whoever has at most the risk of one in five is no more at risk on average."""
    checked, least = OF_THE_WHOLE[privacy]
    result = anon("run", scene(tmp_path, config=config(kind).replace("k_anonymity: 3", privacy)), "--quiet")
    assert result.code == 0, result.err
    frame = pl.read_parquet(tmp_path / "out" / "demo" / "release" / "data" / "table.parquet")
    assert min(frame.group_by("sex", "age", "plz").len()["len"]) >= least
    assert checked in anon("verify", tmp_path / "out" / "demo").out


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("repair", ["suppress-codes", "suppress-class"])
def test_lists_of_codes_are_kept_in_recoded_classes(tmp_path: Path, kind: str, repair: str) -> None:
    """With two codes known, three people fit; what m = 2 demands is counted by hand."""
    rows = [
        [*row[:4], codes, row[5]] for row, codes in zip(people(), ["A B", "A", "B C", "C"] * 15, strict=True)
    ]
    lists = f"km_anonymity: {{column: diagnosis, k: 3, m: 2, repair: {repair}}}"
    text = (
        config(kind)
        .replace("k_anonymity: 3", lists)
        .replace("{role: sensitive}", "{role: sensitive, type: codes}")
    )
    result = anon("run", scene(tmp_path, rows, config=text), "--quiet")
    assert result.code == 0, result.err
    frame = pl.read_parquet(tmp_path / "out" / "demo" / "release" / "data" / "table.parquet")
    seen: dict[tuple[object, ...], int] = {}
    for *quasi, codes in frame.select("sex", "age", "plz", "diagnosis").iter_rows():
        for size in range(3):
            for known in combinations(codes or [], size):
                seen[(*quasi, *known)] = seen.get((*quasi, *known), 0) + 1
    assert min(seen.values()) >= 3
    verified = anon("verify", tmp_path / "out" / "demo", "--internal")
    assert verified.code == 0, verified.err


@needs_shared
@pytest.mark.parametrize("kind", KINDS)
def test_adult_is_recoded(tmp_path: Path, kind: str) -> None:
    path = adult_config(tmp_path)
    path.write_text(path.read_text("utf-8") + f"search: {{recoding: {kind}}}\n", encoding="utf-8")
    result = anon("run", path, "--json", "--quiet")
    assert result.code == 0, result.err
    told = json.loads(result.out)
    if kind != "cell-suppression":
        assert told["rows_out"] == told["rows_in"]
    assert told["recoding"]["granularity"] > {"local": 0.95, "multidimensional": 0.92}.get(kind, 0.6)
    assert anon("verify", tmp_path / "out" / "adult").code == 0
