"""`anon verify`: a synthetic table of whose proof a manifest says more than its method gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.drawn_runs import config
from tests.runs import anon

PROVEN = "differential privacy (epsilon = 1, delta = 1e-06)"
LOSS = {"epsilon": 1.0, "delta": 1e-6, "rows_per_person": 1}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("said")
    assert anon("run", config(folder, risk="{attacks: none}"), "--quiet").code == 0
    return folder / "out/ward/release"


def said(release: Path, table: Mapping[str, object], synthesis: Mapping[str, object]) -> int:
    """How the verifier ends where the manifest says something else of the synthetic table."""
    path = release / "manifest.json"
    before = path.read_bytes()
    told = json.loads(before)
    told["tables"][0].update(table)
    told["tables"][0]["synthesis"].update(synthesis)
    path.write_text(json.dumps(told))
    try:
        return anon("verify", release).code
    finally:
        path.write_bytes(before)


def test_what_the_run_says_is_verified(release: Path) -> None:
    assert said(release, {}, {}) == 0
    assert said(release, {"guarantee": PROVEN}, {"method": "dp-marginals", "privacy": LOSS}) == 0


@pytest.mark.parametrize(
    ("table", "synthesis"),
    [
        ({"guarantee": "k-anonymity (k = 5)"}, {}),
        ({"guarantee": PROVEN}, {}),
        ({"row_is_person": True}, {}),
        ({}, {"privacy": LOSS}),
        ({"guarantee": PROVEN}, {"privacy": LOSS}),
        ({}, {"method": "dp-marginals"}),
        ({"guarantee": PROVEN}, {"method": "dp-marginals", "privacy": {"epsilon": 1.0}}),
        ({"guarantee": PROVEN}, {"method": "dp-marginals", "privacy": {**LOSS, "epsilon": 2.0}}),
    ],
)
def test_what_is_not_proven_must_not_be_said(
    release: Path, table: dict[str, object], synthesis: dict[str, object]
) -> None:
    assert said(release, table, synthesis) == 11
