"""The search as a user meets it: limits, progress at a terminal, Ctrl-C."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from anonymizer.search.search import Effort, search
from anonymizer.search.solution import Solution
from release.progress import Screen
from tests.cli.test_run import ended
from tests.conftest import ROOT
from tests.runs import anon, files, write_csv

COLUMNS = tuple(f"c{i}" for i in range(8))
CONFIG = """\
name: demo
reference_date: 2026-11-22
input: {table: {path: wide.csv}}
subject: row
columns:
  "c*": {role: quasi-identifier, hierarchy: {bands: [2, 4, 8, 16, 32], top: 64}}
privacy: {k_anonymity: 3, suppression_limit: 0.1}
output: {directory: out, formats: [csv]}
"""
"""Seven levels in each of eight columns: 5,764,801 transformations of rows that have little in common."""


def smaller(config: Path) -> Path:
    """The same with fewer levels: 65,536 transformations."""
    text = config.read_text(encoding="utf-8").replace("[2, 4, 8, 16, 32]", "[8, 32]")
    config.write_text(text, encoding="utf-8")
    return config


def wide(folder: Path, search: str = "", rows: int = 300) -> Path:
    draw = random.Random(20261122)
    cells = [[str(draw.randint(0, 63)) for _ in COLUMNS] for _ in range(rows)]
    write_csv(folder / "wide.csv", cells, COLUMNS)
    path = folder / "config.yaml"
    path.write_text(CONFIG + (f"search: {search}\n" if search else ""), encoding="utf-8")
    return path


# limits -------------------------------------------------------------------------------------------


def test_a_limit_of_nodes_gives_the_same_release_each_time(tmp_path: Path) -> None:
    seen = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        result = anon("run", smaller(wide(tmp_path / name, "{max_nodes: 60}")), "--json", "--quiet")
        assert result.code == 0, result.err
        search = json.loads(result.out)["search"]
        assert not search["optimal"]
        assert search["nodes_checked"] <= 60
        assert search["bound"] < search["score"]
        release = files(tmp_path / name / "out/demo/release")
        seen.append((search["transformation"], search["score"], search["bound"], release))
    assert seen[0] == seen[1]


def test_an_unproven_answer_may_be_refused(tmp_path: Path) -> None:
    result = anon("run", wide(tmp_path, "{max_nodes: 60, require_optimal: true}"))
    assert result.code == 10
    assert "not proven" in result.err
    assert set(files(tmp_path / "out")) == {".anon.lock"}


def test_a_proven_answer_within_the_limit_is_not_refused(tmp_path: Path) -> None:
    config = wide(tmp_path, "{max_nodes: 1000000, require_optimal: true}", rows=9)
    config.write_text(config.read_text().replace("[2, 4, 8, 16, 32]", "[32]"), encoding="utf-8")
    result = anon("run", config, "--json", "--quiet")
    assert result.code == 0, result.err
    assert json.loads(result.out)["search"]["optimal"]


def test_nothing_released_tells_about_the_limit_or_the_search(tmp_path: Path) -> None:
    assert anon("run", wide(tmp_path, "{max_nodes: 60}")).code == 0
    papers = files(tmp_path / "out/demo/release")
    told = b"".join(papers[name] for name in ("release_report.html", "manifest.json", "datapackage.json"))
    for word in (b"max_nodes", b"optimal", b"lattice_size", b"nodes_checked", b"score", b"5,764,801"):
        assert word not in told


def test_the_time_limit_begins_when_the_kernels_are_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def searched(*arguments: Any, effort: Effort, **options: Any) -> Solution:
        asked.append(effort)
        return search(*arguments, effort=effort, **options)

    monkeypatch.setattr("release.deciding.searching.search", searched)
    config = smaller(wide(tmp_path, "{strategy: anytime, max_nodes: 60, time_limit_s: 600}"))
    assert anon("run", config).code == 0
    assert asked == [Effort(max_nodes=1, anytime=True), Effort(60, 600.0, anytime=True)]


# progress -----------------------------------------------------------------------------------------


class Terminal:
    """What is written to a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_nodes_best_score_and_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    terminal = Terminal()
    with Screen(terminal, "text", True).search() as report:  # type: ignore[arg-type]
        assert report is not None
        assert "search  starting" in terminal.text
        report(12, None, 0.0)
        report(1234, 0.25, 0.125)
    assert "1,234 transformations" in terminal.text
    assert "best none" in terminal.text
    assert "best 0.250000" in terminal.text
    assert "bound 0.125000" in terminal.text


def test_without_a_terminal_nothing_is_asked_of_the_search() -> None:
    for screen in (Screen(), Screen(sys.stderr, "text", False), Screen(None, "text", True)):
        with screen.search() as report:
            assert report is None
    with Path(os.devnull).open("w") as sink, Screen(sink, "text", True).search() as report:
        assert report is None


@pytest.mark.parametrize(
    ("options", "shown"),
    [((), True), (("--quiet",), False), (("--json",), False), (("--log-format", "json"), False)],
)
def test_progress_is_for_people_at_a_terminal(tmp_path: Path, options: tuple[str, ...], shown: bool) -> None:
    ours, theirs = os.openpty()
    config = smaller(wide(tmp_path, "{max_nodes: 600}"))
    command = [sys.executable, "-c", "import cli; cli.main()", "run", str(config)]
    with os.fdopen(ours, "rb", 0) as seen:
        process = subprocess.Popen(
            [*command, *options],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
        )
        os.close(theirs)
        text = read_all(seen.fileno())
        assert process.wait(120) == 0
    assert (b"transformations" in text) == shown
    assert (b"\x1b[" in text) == shown
    if not options:
        assert b"rows.out" in text  # the events stand below, each on a line of its own


def read_all(descriptor: int) -> bytes:
    """What a terminal gets until the other end is closed, which is an error there."""
    text = b""
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:
            return text
        if not piece:
            return text
        text += piece


# signals ------------------------------------------------------------------------------------------

STRUCK = """
import os, signal, threading, release.deciding.decision as run
solve = run.solve
def struck(config, counts, report=None):
    def strike(*_):
        # from another thread, while the search goes on
        threading.Thread(target=os.kill, args=(os.getpid(), signal.{name})).start()
    return solve(config, counts, strike)
run.solve = struck
"""


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_during_the_search_ends_the_run_cleanly(tmp_path: Path, name: str, code: int) -> None:
    process = ended(STRUCK.format(name=name), "run", str(wide(tmp_path)))
    assert process.returncode == code
    assert b"interrupted; nothing was released" in process.stderr
    assert set(files(tmp_path / "out")) == {".anon.lock"}
    assert signal.Signals[name] + 128 == code


SWALLOWED = """
import ctypes, os, signal, release.deciding.decision as run
solve = run.solve
@ctypes.CFUNCTYPE(None)
def callback():
    # an error in here cannot be raised, as in those that the compiler calls
    os.kill(os.getpid(), signal.{name})
def struck(config, counts, report=None):
    callback()
    return solve(config, counts, report)
run.solve = struck
"""
CAUGHT = """
import os, signal, release.deciding.decision as run
solve = run.solve
def struck(config, counts, report=None):
    try:
        os.kill(os.getpid(), signal.{name})
    except Exception:  # as in the compiler
        pass
    return solve(config, counts, report)
run.solve = struck
"""


@pytest.mark.parametrize("swallowing", [SWALLOWED, CAUGHT])
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_that_a_library_swallows_ends_the_run_all_the_same(
    tmp_path: Path, swallowing: str, name: str, code: int
) -> None:
    config = smaller(wide(tmp_path, "{max_nodes: 60}"))
    process = ended(swallowing.format(name=name), "run", str(config))
    assert process.returncode == code
    assert process.stderr.endswith(b"interrupted; nothing was released\n")
    assert b"Traceback" not in process.stderr
    assert set(files(tmp_path / "out")) == {".anon.lock"}


UNRAISABLE = """
import ctypes, release.deciding.decision as run
solve = run.solve
@ctypes.CFUNCTYPE(None)
def callback():
    raise ValueError("CANARY")
def struck(config, counts, report=None):
    callback()
    return solve(config, counts, report)
run.solve = struck
"""


def test_an_error_that_nobody_can_catch_is_told_without_its_text(tmp_path: Path) -> None:
    config = smaller(wide(tmp_path, "{max_nodes: 60}"))
    process = ended(UNRAISABLE, "run", str(config))
    assert b"ValueError" in process.stderr
    assert b"CANARY" not in process.stderr
