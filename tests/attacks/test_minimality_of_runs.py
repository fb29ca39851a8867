"""Minimality asked of whole runs: of worlds that would have been released in the same way."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from release.assessing import assess_run
from release.config.root import load
from release.describing import minimality
from release.run import staged
from tests.runs import CONFIG, people, write_csv

pytestmark = pytest.mark.attacked


@pytest.mark.parametrize("limit", [0.0, 0.2])
@pytest.mark.parametrize("count", [40, 90])
def test_the_true_world_is_one_of_those_that_would_be_released(
    tmp_path: Path, limit: float, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its release is the optimum, so that no neighbour in the lattice is better."""
    write_csv(tmp_path / "people.csv", people(count))
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.replace("suppression_limit: 0.2", f"suppression_limit: {limit}"))
    asked = []

    def seen(recoded: object, rule: object, *_: object, **__: object) -> object:
        asked.append((recoded, rule))
        return minimality.Attack("minimality", "inference", minimality.Marked(minimality.not_estimated("")))

    monkeypatch.setattr(minimality, "minimality", seen)
    with staged(load(config), "") as done:
        minimality.minimality_attack(done.verified, "loss")
    ((recoded, rule),) = asked
    assert rule(recoded.truth)
    assert recoded.truth.height <= count


def test_a_full_attack_tells_what_minimality_gives_away(tmp_path: Path) -> None:
    write_csv(tmp_path / "people.csv", people())
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG + "risk: {attacks: full}\n")
    with staged(load(config), "") as done:
        figure = done.outcome.figures["anonymised.minimality"]
        told = json.dumps(figure)
        assert "worlds" in told
        assert -0.1 < float(str(figure["value"])) < 0.1
        again = assess_run(load(config), done.verified, None)
        assert done.outcome.figures == {**again.figures, **again.utility}, "the same input, the same figures"
