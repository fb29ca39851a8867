"""What a person at a terminal sees while an export is read."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from release.intake.source import read
from release.progress import NOWHERE, Screen
from tests.cli.test_export_runs import CONFIG
from tests.cli.test_search_runs import Terminal
from tests.tiny_export import ndjson, resources


def test_a_terminal_shows_the_bytes_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    terminal = Terminal()
    with Screen(terminal, "text", True).reading() as report:  # type: ignore[arg-type]
        report(1_000_000, 4_000_000)
        report(4_000_000, 4_000_000)
    assert "1.0/4.0 MB" in terminal.text
    assert "4.0/4.0 MB" in terminal.text


@pytest.mark.parametrize("form", ["text", "json"])
def test_without_a_terminal_nothing_is_shown(form: str) -> None:
    sink = io.StringIO()
    for screen in (NOWHERE, Screen(sink, form, follows_search=True)):  # type: ignore[arg-type]
        with screen.reading() as report:
            report(1, 2)
    assert sink.getvalue() == ""


def test_a_run_tells_all_bytes_of_its_export(tmp_path: Path) -> None:
    from release.config.root import load

    export = ndjson(tmp_path / "export", resources())
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(path=export), encoding="utf-8")
    told: list[tuple[int, int]] = []
    read(load(config), lambda done, total: told.append((done, total)))
    size = sum(file.stat().st_size for file in export.iterdir())
    assert told[-1] == (size, size)
