"""Where nothing can be released: the message names the criterion that stands in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runs import CONFIG, anon, files, people, write_csv

PRIVACY = "privacy: {k_anonymity: 3, suppression_limit: 0.2}"
FEW = {
    "{k_anonymity: 61}": "k-anonymity cannot be kept",
    "{k_anonymity: 3, l_diversity: [{column: diagnosis, kind: distinct, l: 5}]}": (
        "distinct l-diversity of 'diagnosis' cannot be kept"
    ),
    "{max_risk: 0.01, l_diversity: [{column: diagnosis, kind: distinct, l: 5}]}": (
        "maximum risk and distinct l-diversity of 'diagnosis' cannot be kept"
    ),
}
"""Of 60 people with four diagnoses."""


def refused(folder: Path, privacy: str, search: str = "{metric: loss}") -> str:
    write_csv(folder / "people.csv", people())
    config = folder / "config.yaml"
    text = CONFIG.replace(PRIVACY, f"privacy: {privacy}\nsearch: {search}")
    assert text != CONFIG
    config.write_text(text, encoding="utf-8")
    result = anon("run", config, "--quiet")
    assert result.code == 10, result.err
    assert set(files(folder / "out")) == {".anon.lock"}
    return result.err


@pytest.mark.parametrize("search", ["{metric: loss}", "{recoding: local}", "{recoding: multidimensional}"])
@pytest.mark.parametrize("privacy", FEW)
def test_criteria_that_fail_even_at_the_highest_levels_are_named(
    tmp_path: Path, privacy: str, search: str
) -> None:
    said = refused(tmp_path, privacy, search)
    assert FEW[privacy] in said
    assert "even at the highest levels allowed; ask for less of it" in said


def test_an_unproven_answer_is_no_criterion_that_fails(tmp_path: Path) -> None:
    said = refused(
        tmp_path, "{k_anonymity: 3, suppression_limit: 0.2}", "{max_nodes: 1, require_optimal: true}"
    )
    assert "cannot be kept" not in said
    assert "raise search.max_nodes" in said
