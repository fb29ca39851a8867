"""What lies in an export and is no part of it: passed over and told, or refused, and never waited for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.test_export_runs import CONFIG
from tests.runs import Result, anon
from tests.tiny_export import ndjson, resources

DAY = ("--reference-date", "2026-11-22")


def beside(folder: Path) -> Path:
    """An export with three files that are no part of it, one of them as compact as a resource would be."""
    export = ndjson(folder / "export", resources())
    (export / "crtdl.json").write_text(json.dumps({"version": "1", "cohortDefinition": {}}))
    (export / "job.json").write_text(json.dumps({"status": "done"}, indent=1))
    (export / "job.log").write_text("done\n")
    return export


def told(command: str, folder: Path, export: Path, *options: str) -> Result:
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(path=export), encoding="utf-8")
    return anon(command, config, *options)


def test_a_run_and_its_log_tell_how_many_files_were_passed_over(tmp_path: Path) -> None:
    result = told("run", tmp_path, beside(tmp_path))
    assert (result.code, "files.ignored files=3" in result.err) == (0, True)
    log = (tmp_path / "out" / "export" / "internal" / "log.jsonl").read_text(encoding="utf-8")
    events = [json.loads(line) for line in log.splitlines()]
    assert [e["files"] for e in events if e["code"] == "files.ignored"] == [3]


def test_a_check_tells_how_many_files_were_passed_over(tmp_path: Path) -> None:
    result = told("check", tmp_path, beside(tmp_path))
    assert result.code == 0
    assert "files ignored    3\n" in result.out


def test_nothing_is_told_where_no_file_was_passed_over(tmp_path: Path) -> None:
    export = ndjson(tmp_path / "export", resources())
    assert "ignored" not in told("check", tmp_path, export).out
    assert "ignored" not in told("run", tmp_path, export).err
    assert "passed over" not in anon("inspect", export, *DAY).out


def test_an_inspection_tells_how_many_files_were_passed_over(tmp_path: Path) -> None:
    export, page = beside(tmp_path), tmp_path / "page.html"
    words = "Files that are no part of an export, and are passed over: 3."
    result = anon("inspect", export, *DAY, "--output", page)
    assert result.code == 0
    assert words in result.out
    assert words in page.read_text(encoding="utf-8")
    assert json.loads(anon("inspect", export, *DAY, "--json").out)["files_ignored"] == 3


@pytest.mark.parametrize("command", ["run", "check", "inspect"])
@pytest.mark.parametrize("inside", [True, False])
def test_no_command_waits_for_a_pipe(tmp_path: Path, command: str, inside: bool) -> None:
    export = ndjson(tmp_path / "export", resources())
    os.mkfifo(export / "more.ndjson")
    path = export if inside else export / "more.ndjson"
    result = anon("inspect", path, *DAY) if command == "inspect" else told(command, tmp_path, path)
    assert result.code == 65
    assert "neither a file nor a folder" in result.err


@pytest.mark.parametrize("command", ["run", "check", "inspect"])
@pytest.mark.parametrize("place", ["", "self"])
def test_links_in_a_circle_are_refused(tmp_path: Path, command: str, place: str) -> None:
    """The input itself, or a folder in it."""
    export = ndjson(tmp_path / "export", resources())
    (export / "more").symlink_to(export)
    (tmp_path / "self").symlink_to("self")
    path = tmp_path / place if place else export
    result = anon("inspect", path, *DAY) if command == "inspect" else told(command, tmp_path, path)
    assert result.code == (66 if place else 65)


@pytest.mark.parametrize("content", ["[{}]", '"{}"', "# exported\n{}"])
def test_a_single_file_of_json_that_is_not_read_is_not_taken_for_a_table(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "Consent.json"
    path.write_text(content.replace("{}", "{" + '"resourceType": "Consent"' + "}"))
    result = anon("inspect", path, *DAY)
    assert (result.code, "in no form that is read" in result.err) == (65, True)


def test_an_empty_folder_is_no_export(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert anon("inspect", tmp_path / "empty", *DAY).code == 66
    for command in ("run", "check"):
        assert told(command, tmp_path, tmp_path / "empty").code == 66
