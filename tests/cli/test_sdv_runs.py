"""CTGAN on the sample export from the command line: one seed, the same bytes; 69 without the extra."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import ROOT
from tests.drawn_runs import config
from tests.runs import anon, files

SAMPLE = ROOT / "sample_data"


def sample(folder: Path) -> Path:
    """The sample's config of a synthetic table, by CTGAN with two epochs."""
    folder.mkdir()
    shutil.copytree(SAMPLE / "export", folder / "export")
    text = (SAMPLE / "synthetic.yaml").read_text(encoding="utf-8")
    trained = text.replace("  method: cart\n", "  method: ctgan\n  epochs: 2\n  filter: none\n")
    begin, end = trained.index("# A fifth"), trained.index("output:")
    path = folder / "config.yaml"
    path.write_text(trained[:begin] + trained[end:], encoding="utf-8")
    return path


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    pytest.importorskip("sdv", reason="needs the extra [sdv]")
    found = []
    for name in "ab":
        path = sample(tmp_path / name)
        ended = anon("run", path, "--quiet")
        assert ended.code == 0, ended.err
        data = files(path.parent / "releases/sample-synthetic/release/data")
        found.append(data)
    assert found[0] == found[1]
    assert len(found[0]) == 2
    made = pl.read_parquet(tmp_path / "a/releases/sample-synthetic/release/data/synthetic_patients.parquet")
    assert made.height > 4000
    assert made["lab_crp_last"].n_unique() > 10
    left = {path for path in files(tmp_path / "a") if not path.startswith(("export/", "releases/"))}
    assert left == {"config.yaml"}


def test_without_the_extra_the_run_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sdv", None)
    monkeypatch.setitem(sys.modules, "torch", None)
    ended = anon("run", config(tmp_path, synthesis="{method: ctgan, epochs: 1}"), "--quiet")

    assert ended.code == 69
    assert "[sdv]" in ended.err or "requirements-sdv.txt" in ended.err
    assert not (tmp_path / "out/ward").exists()
