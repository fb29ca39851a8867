"""`anon run` with a differentially private synthetic table, from the config to the release folder."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import ROOT
from tests.drawn_runs import LONGEST_NAME, OUTLIER, RARE_CODE, config, drawn, manifest
from tests.runs import anon, files

pytest.importorskip("opendp", reason="OpenDP, of the extra [dp], draws the noise")

DOMAIN = {
    "sex": "[f, m]",
    "diagnosis": "[I10, E11, J45, I48.1, R00]",
    "crp": "{from: 0, to: 400, bands: 8}",
    "admitted": "{from: 2024-01-01, to: 2026-12-31, bands: 12}",
    "discharged": "{from: 2024-01-01, to: 2026-12-31, bands: 12}",
}


def private(**changed: str) -> str:
    """The section `synthesis`; the age's domain is that of its hierarchy."""
    told = {
        "method": "dp-marginals",
        "fit_on": "original",
        "rows": "200",
        "epsilon": "2",
        "delta": "1.0e-5",
        "domain": "{" + ", ".join(f"{name}: {each}" for name, each in DOMAIN.items()) + "}",
    }
    return "{" + ", ".join(f"{name}: {value}" for name, value in {**told, **changed}.items()) + "}"


def test_it_is_published_with_what_it_promises_and_holds_declared_values_alone(tmp_path: Path) -> None:
    assert anon("run", config(tmp_path, synthesis=private()), "--quiet").code == 0

    (table,) = manifest(tmp_path)["tables"]
    assert table["guarantee"] == "differential privacy (epsilon = 2, delta = 1e-05)"
    rows = drawn(tmp_path)
    assert rows.height == 200
    assert set(rows["diagnosis"]) <= {"I10", "E11", "J45", "I48.1", "R00", None}
    assert rows["crp"].drop_nulls().is_between(0, 400).all()
    assert rows["admitted"].drop_nulls().is_between(date(2024, 1, 1), date(2026, 12, 31)).all()
    released = b"".join(files(tmp_path / "out/ward/release").values())
    for secret in (RARE_CODE, LONGEST_NAME, OUTLIER):
        assert secret.encode() not in released
    assert anon("verify", tmp_path / "out/ward/release").code == 0


def test_the_same_seed_does_not_give_the_same_noise(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        assert anon("run", config(folder, synthesis=private(), seed=7), "--quiet").code == 0
        made.append(drawn(folder))
    assert not made[0].equals(made[1])


def test_order_and_condition_hold_in_every_row(tmp_path: Path) -> None:
    asked = private(given="{sex: f}", constraints="[{order: [admitted, discharged]}]")
    assert anon("run", config(tmp_path, synthesis=asked), "--quiet").code == 0
    rows = drawn(tmp_path)
    assert rows.height == 200
    assert set(rows["sex"]) == {"f"}
    both = rows.filter(pl.col("admitted").is_not_null() & pl.col("discharged").is_not_null())
    assert (both["admitted"] <= both["discharged"]).all()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"fit_on": "anonymised"}, "synthesis.fit_on"),
        ({"filter": "cone"}, "synthesis.filter"),
        ({"distil": "true"}, "synthesis.distil"),
        ({"domain": "{sex: [f, m]}"}, "diagnosis"),
        ({"constraints": "[{combinations: [sex, diagnosis]}]"}, "not differentially private"),
    ],
)
def test_what_reads_the_data_without_paying_is_refused(
    tmp_path: Path, changed: dict[str, str], named: str
) -> None:
    told = anon("run", config(tmp_path, synthesis=private(**changed)), "--quiet")
    assert told.code == 78
    assert named in told.err
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").glob("ward"))


def test_a_share_cannot_be_held_out_for_it_moves_more_than_one_person(tmp_path: Path) -> None:
    """Who is held out hangs on how many there are: one person more would change the rows of many."""
    told = anon("run", config(tmp_path, synthesis=private(), risk="{holdout: 0.2}"), "--quiet")
    assert told.code == 78
    assert "risk.holdout" in told.err


def test_all_columns_without_a_domain_are_told_at_once_before_a_run(tmp_path: Path) -> None:
    told = anon("check", config(tmp_path, synthesis=private(domain="{sex: [f, m], crp: {from: 0, to: 9}}")))
    assert told.code == 78
    for name in ("diagnosis", "admitted", "discharged"):
        assert f"synthesis.domain.{name}: " in told.err
    for name in ("sex", "age", "crp"):  # told, or declared by a hierarchy
        assert f"synthesis.domain.{name}: " not in told.err


@pytest.mark.parametrize(
    ("name", "says"),
    [("age", "its hierarchy declares it: leave it out of synthesis.domain"), ("sex", "name its labels")],
)
def test_a_span_for_what_is_learned_as_text_is_refused_with_what_to_do(
    tmp_path: Path, name: str, says: str
) -> None:
    domain = ", ".join(f"{column}: {told}" for column, told in DOMAIN.items() if column != name)
    asked = private(domain=f"{{{domain}, {name}: {{from: 0, to: 109, bands: 22}}}}")
    told = anon("check", config(tmp_path, synthesis=asked))
    assert told.code == 78
    assert f"column '{name}'" in told.err
    assert says in told.err


def test_what_no_row_has_is_held_against_the_declared_domain(tmp_path: Path) -> None:
    """That nobody in the data has it would be told without being paid for."""
    for sex, code in (("male", 78), ("m", 0)):
        asked = private(constraints=f"[{{where: {{sex: {sex}}}, never: {{diagnosis: R00}}}}]")
        assert anon("check", config(tmp_path, synthesis=asked)).code == code
    unmet = private(
        domain="{" + ", ".join(f"{n}: {d}" for n, d in {**DOMAIN, "sex": "[f, m, x]"}.items()) + "}",
        constraints="[{where: {sex: x}, never: {diagnosis: R00}}]",
    )
    assert anon("check", config(tmp_path, synthesis=unmet)).code == 0


def test_the_sample_s_private_table_is_published(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sample_data/export", tmp_path / "export")
    shutil.copy(ROOT / "sample_data/private.yaml", tmp_path)
    assert anon("run", tmp_path / "private.yaml", "--quiet").code == 0

    release = tmp_path / "releases/sample-private/release"
    (table,) = json.loads((release / "manifest.json").read_text())["tables"]
    assert table["guarantee"] == "differential privacy (epsilon = 1, delta = 1e-06)"
    rows = pl.read_parquet(release / "data/synthetic_patients.parquet")
    assert rows.height == 5000
    assert set(rows["gender"].drop_nulls()) <= {"female", "male", "other", "unknown"}


def test_the_documented_section_fits_the_sample(tmp_path: Path) -> None:
    blocks = (ROOT / "docs/synthesis.md").read_text(encoding="utf-8").split("```yaml\n")
    (section,) = (text.split("```")[0] for text in blocks if "method: dp-marginals" in text.split("```")[0])
    sample = (ROOT / "sample_data/private.yaml").read_text(encoding="utf-8")
    before, _, rest = sample.partition("synthesis:\n")
    path = tmp_path / "private.yaml"
    path.write_text(before + section + rest[rest.index("\nrisk:") :], encoding="utf-8")
    shutil.copytree(ROOT / "sample_data/export", tmp_path / "export")
    assert anon("check", path).code == 0
