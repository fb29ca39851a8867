"""Every criterion on risks, from a run to `anon verify`, and what neither must tell."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.runs import anon, files, scene, write_csv

CONFIG = """\
name: demo
reference_date: 2026-11-22
input: {{table: {{path: people.csv}}}}
subject: row
columns:
  id: {{role: identifier}}
  sex: {{role: quasi-identifier, hierarchy: suppression}}
  age: {{role: quasi-identifier, hierarchy: {{bands: [5, 10, 20], top: 90}}}}
  plz: {{role: quasi-identifier, hierarchy: {{prefix: [3, 1]}}}}
  diagnosis: {{role: sensitive, type: codes}}
  note: {{role: insensitive}}
privacy: {{{privacy}, suppression_limit: 0.3}}
output: {{directory: out, formats: [csv, parquet], suppressed: {suppressed}}}
"""
CANARY = "47110"
"""A postal code of the population alone."""
POPULATION = ", population: population.csv}"
DEMANDS = {
    "max_risk: 0.15": ("recounted", {"limit": 0.01}),
    "k_map: {k: 20, sampling_fraction: 0.2}": ("recounted", {"k": 900}),
    "km_anonymity: {column: diagnosis, k: 3, m: 2}": ("recounted", {"k": 99}),
    "km_anonymity: {column: diagnosis, k: 2, m: 1, repair: suppress-class}": ("recounted", {"k": 99}),
    "average_risk: 0.2": ("recounted", {"limit": 0.001}),
    "sample_uniqueness: 0.05": ("recounted", {"limit": 0.0}),
    "population_uniqueness: {limit: 0.01, sampling_fraction: 0.2}": ("recounted", {"limit": 0.0}),
    "k_map: {k: 20" + POPULATION: ("attested", {"k": 9000}),
    "delta_presence: {lower: 0.05, upper: 0.5" + POPULATION: ("attested", {"upper": 0.06}),
}
RELEASE = Path("out/demo/release")


def people(draw: random.Random, count: int) -> list[list[str]]:
    codes = ["I10", "I50.1", "E11.9", "J44", "Q99"]
    return [
        [
            f"P{n:04}",
            draw.choice("mf"),
            str(draw.randint(20, 59)),
            draw.choice(("10117", "10119", "20095", "01067")),
            " ".join(draw.choices(codes, weights=[30, 20, 20, 10, 1], k=draw.randint(0, 3))),
            f"n{draw.randint(0, 6)}",
        ]
        for n in range(count)
    ]


def prepared(folder: Path, privacy: str, suppressed: str = "drop") -> Path:
    """A fifth of a population, with its config."""
    draw = random.Random(20261122)
    everybody = people(draw, 600)
    others = [*(row[:4] for row in everybody), ["P9999", "f", "31", CANARY]]
    write_csv(folder / "population.csv", others, ("id", "sex", "age", "plz"))
    config = CONFIG.format(privacy=privacy, suppressed=suppressed)
    return scene(folder, draw.sample(everybody, 120), config)


@pytest.mark.parametrize("suppressed", ["drop", "star"])
@pytest.mark.parametrize("privacy", DEMANDS)
def test_a_release_is_published_and_verified(tmp_path: Path, privacy: str, suppressed: str) -> None:
    status, _ = DEMANDS[privacy]
    run = anon("run", prepared(tmp_path, privacy, suppressed), "--quiet")
    assert run.code == 0, run.err
    verified = anon("verify", tmp_path / "out/demo")
    assert (verified.code, f": {status}" in verified.out) == (0, True), verified.out
    inside = anon("verify", tmp_path / "out/demo", "--internal")
    assert (inside.code, "attested" in inside.out) == (0, False), inside.out


@pytest.mark.parametrize("privacy", DEMANDS)
def test_a_release_that_does_not_keep_what_its_manifest_says_is_refused(tmp_path: Path, privacy: str) -> None:
    _, stricter = DEMANDS[privacy]
    assert anon("run", prepared(tmp_path, privacy), "--quiet").code == 0
    path = tmp_path / RELEASE / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["tables"][0]["criteria"][0]["parameters"] |= stricter
    path.write_text(json.dumps(manifest))
    assert anon("verify", tmp_path / "out/demo", "--internal").code == 11


@pytest.mark.parametrize("privacy", [each for each, (status, _) in DEMANDS.items() if status == "attested"])
def test_what_only_the_population_knows_stays_inside(tmp_path: Path, privacy: str) -> None:
    run = anon("run", prepared(tmp_path, privacy))
    assert run.code == 0, run.err
    assert CANARY not in run.out + run.err
    told = {name: CANARY.encode() in content for name, content in files(tmp_path / RELEASE).items()}
    assert not any(told.values()), told
    manifest = json.loads((tmp_path / RELEASE / "manifest.json").read_bytes())
    assert "population" not in json.dumps(manifest["tables"][0]["criteria"])
    assert CANARY not in (tmp_path / "out/demo/internal/log.jsonl").read_text()


def test_what_lists_say_may_be_asked_for_beside_what_they_give_away(tmp_path: Path) -> None:
    """Lists that lose codes are not released as they are: their diversity is the input's, attested."""
    lists = "column: diagnosis, k: 3, m: 2"
    privacy = f"km_anonymity: {{{lists}}}, l_diversity: [{{column: diagnosis, kind: distinct, l: 2}}]"
    config = prepared(tmp_path, privacy)
    run = anon("run", config, "--quiet")
    assert run.code == 0, run.err
    told = anon("verify", tmp_path / "out/demo").out
    assert "distinct l-diversity of diagnosis (l = 2): attested" in told
    assert "(k, k^m)-anonymity of diagnosis (k = 3, m = 2, repair = True): recounted" in told
    assert anon("verify", tmp_path / "out/demo", "--internal").code == 0


def test_how_many_codes_were_removed_stays_inside(tmp_path: Path) -> None:
    assert (
        anon("run", prepared(tmp_path, "km_anonymity: {column: diagnosis, k: 3, m: 2}"), "--quiet").code == 0
    )
    audit = json.loads((tmp_path / "out/demo/internal/audit.json").read_bytes())
    removed = audit["codes_removed_from_classes"]["diagnosis"]
    assert removed > 0
    assert all(b"removed" not in content for content in files(tmp_path / RELEASE).values())


def test_the_population_is_an_input_that_must_not_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = prepared(tmp_path, "k_map: {k: 20" + POPULATION)
    from release import run

    def altering(*arguments: object) -> object:
        with (tmp_path / "population.csv").open("a") as file:
            file.write("P,f,31,10117\n")
        return verify(*arguments)

    verify = run.verify
    monkeypatch.setattr(run, "verify", altering)
    result = anon("run", config, "--quiet")
    assert (result.code, "changed during the run" in result.err) == (65, True)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("P1,f,31,10117\nP1,m,32,10119\n", "lists people more than once"),
        ("P1,f,31\n", "ragged|cells"),
    ],
)
def test_a_damaged_population_is_refused(tmp_path: Path, lines: str, says: str) -> None:
    config = prepared(tmp_path, "k_map: {k: 20" + POPULATION)
    config.write_text(config.read_text().replace("subject: row", "subject: id"))
    (tmp_path / "population.csv").write_text("id,sex,age,plz\n" + lines)
    result = anon("run", config, "--quiet")
    assert result.code == 65
    assert any(word in result.err for word in says.split("|")), result.err
    assert "10117" not in result.err


def test_a_population_that_is_not_there_ends_with_66(tmp_path: Path) -> None:
    config = prepared(tmp_path, "k_map: {k: 20" + POPULATION)
    (tmp_path / "population.csv").unlink()
    assert anon("run", config, "--quiet").code == 66
