"""Adult, read from its file to a verified release, against ARX's optimum."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.whole_run import adult_config
from tests.conftest import needs_shared
from tests.known_answers.arx import loss_answers
from tests.runs import anon


@needs_shared
def test_adult_is_released_at_the_optimum_arx_found(tmp_path: Path) -> None:
    golden = next(answer for answer in loss_answers() if answer.name == "adult9_k5_s2_loss")
    result = anon("run", adult_config(tmp_path), "--json", "--quiet")
    assert result.code == 0, result.err
    summary = json.loads(result.out)
    found = summary["search"]
    assert tuple(found["transformation"].values()) == golden.optimum
    assert found["score"] == pytest.approx(golden.score, abs=1e-8)
    assert (found["classes"], found["suppressed"]) == (golden.classes, golden.suppressed)
    assert summary["rows_out"] == summary["rows_in"] - golden.suppressed
    told = anon("verify", tmp_path / "out" / "adult")
    assert told.code == 0
    assert "recounted" in told.out
