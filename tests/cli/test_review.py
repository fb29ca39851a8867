"""Whether a person has reviewed the roles: what a release says of it, and where a name stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.runs import CONFIG, Result, anon, files, scene

BOX = "No person has reviewed the columns’ roles, nor who a row is about"
REVIEWER = "Zqada Lovelace"


def run_with(folder: Path, first_lines: str) -> Result:
    return anon("run", scene(folder, config=first_lines + CONFIG), "--quiet")


@pytest.mark.parametrize(
    ("first_lines", "reviewed", "has_box"),
    [
        ("reviewed_by: null\n", False, True),
        (f"reviewed_by: {REVIEWER}\nrequire_review: true\n", True, False),
        ("", "not stated", False),
    ],
)
def test_manifest_and_reports_say_who_looked(
    tmp_path: Path, first_lines: str, reviewed: bool | str, has_box: bool
) -> None:
    result = run_with(tmp_path, first_lines)
    assert result.code == 0, result.err
    release = tmp_path / "out" / "demo"

    assert json.loads((release / "release" / "manifest.json").read_bytes())["reviewed"] == reviewed
    for report in ("release/release_report.html", "internal/risk_report.html"):
        page = (release / report).read_text(encoding="utf-8")
        assert (BOX in page) is has_box
        # Page one: before any figure.
        assert not has_box or page.index(BOX) < page.index("verdict", page.index("<header>"))
    verified = anon("verify", release)
    assert verified.code == 0
    assert ("No person has reviewed the columns' roles, nor who a row is about" in verified.out) is has_box


def test_the_reviewers_name_stays_inside(tmp_path: Path) -> None:
    run_with(tmp_path, f"reviewed_by: {REVIEWER}\n")
    found = files(tmp_path / "out" / "demo")

    holds = {name for name, content in found.items() if b"Zqada" in content}
    assert holds == {"internal/audit.json"}
    assert json.loads(found["internal/audit.json"])["config"]["reviewed_by"] == REVIEWER


@pytest.mark.parametrize("first_lines", ["reviewed_by: null\n", ""])
def test_a_required_review_that_nobody_made_ends_with_78(tmp_path: Path, first_lines: str) -> None:
    result = run_with(tmp_path, f"require_review: true\n{first_lines}")

    assert result.code == 78
    assert "no person has reviewed the roles" in result.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ['""', '"  "', "true", "[Ada]"])
def test_a_reviewer_has_a_name(tmp_path: Path, name: str) -> None:
    assert run_with(tmp_path, f"reviewed_by: {name}\n").code == 78
