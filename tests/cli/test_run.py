"""``anon run`` and its companions, as a user meets them."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.runs import CONFIG, anon, files, people, scene


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return scene(tmp_path)


def released_rows(folder: Path) -> list[list[str]]:
    with (folder / "out/demo/release/data/table.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_run_publishes_the_whole_layout(config: Path, tmp_path: Path) -> None:
    result = anon("run", config)
    assert result.code == 0, result.err
    assert set(files(tmp_path / "out")) == {
        ".anon.lock",
        "demo/release/data/table.csv",
        "demo/release/data/table.parquet",
        "demo/release/datapackage.json",
        "demo/release/manifest.json",
        "demo/release/release_report.html",
        "demo/internal/audit.json",
        "demo/internal/log.jsonl",
        "demo/internal/risk.json",
        "demo/internal/risk_report.html",
    }
    assert "release_report.html" in result.out


def test_what_is_released_is_k_anonymous_and_holds_no_identifier(config: Path, tmp_path: Path) -> None:
    anon("run", config)
    header, *rows = released_rows(tmp_path)
    assert header == ["sex", "age", "plz", "diagnosis", "note"]
    classes = Counter(tuple(row[:3]) for row in rows)
    assert min(classes.values()) >= 3
    assert len(rows) >= 0.8 * 60
    assert not any(
        f"P{n:04}".encode() in content for n in range(60) for content in _release(tmp_path).values()
    )


def _release(folder: Path) -> dict[str, bytes]:
    return files(folder / "out/demo/release")


def test_json_prints_the_summary_and_nothing_else(config: Path, tmp_path: Path) -> None:
    result = anon("run", config, "--json", "--quiet")
    summary = json.loads(result.out)
    assert result.err == ""
    assert summary["name"] == "demo"
    assert summary["exit_code"] == 0
    assert summary["rows_in"] == 60
    assert summary["rows_out"] == 60 - summary["search"]["suppressed"]
    assert summary["search"]["optimal"] is True
    assert set(summary["search"]["transformation"]) == {"sex", "age", "plz"}
    assert set(summary["seconds"]) == {*("read", "search", "write", "verify", "assess", "report", "total")}
    audit = json.loads((tmp_path / "out/demo/internal/audit.json").read_text())
    assert audit["summary"] == summary
    assert audit["search_trace"][-1]["score"] == summary["search"]["score"]
    assert set(audit["inputs"]["people.csv"]) == {"size", "modified_ns", "sha256"}
    assert audit["inputs"]["people.csv"]["sha256"] == _digest(tmp_path / "people.csv")
    assert audit["config_sha256"] == _digest(config)
    assert audit["config"]["privacy"]["k_anonymity"] == 3
    assert audit["secrets"] == {}
    assert set(audit) == {
        *("summary", "search_trace", "config_sha256", "consent", "reading", "inputs", "secrets", "config")
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_log_is_json_on_request_and_never_holds_small_counts_or_values(config: Path) -> None:
    events = [json.loads(line) for line in anon("run", config, "--log-format", "json").err.splitlines()]
    codes = "read rows.in search rows.suppressed write verify rows.out assess report".split()
    assert [event["code"] for event in events] == codes
    counts = {event["code"]: event["count"] for event in events if "count" in event}
    assert counts["rows.in"] == 60
    suppressed = 60 - counts["rows.out"]
    assert counts["rows.suppressed"] == (suppressed if suppressed >= 3 else "<3")


def test_a_refusal_is_told_in_the_form_that_was_asked_for(tmp_path: Path) -> None:
    config = scene(tmp_path, config=CONFIG.replace("k_anonymity: 3", "k_anonymity: 61"))
    result = anon("run", config, "--json", "--log-format", "json")
    assert result.code == 10
    assert json.loads(result.out)["exit_code"] == 10
    last = json.loads(result.err.splitlines()[-1])
    assert (last["level"], last["exit_code"]) == ("error", 10)
    assert "suppression limit" in last["message"]


def test_a_dry_run_does_everything_and_leaves_nothing(config: Path, tmp_path: Path) -> None:
    result = anon("run", config, "--dry-run")
    assert result.code == 0
    assert "nothing was published" in result.out
    assert set(files(tmp_path / "out")) == {".anon.lock"}


def test_a_dry_run_ends_with_the_code_of_the_run(tmp_path: Path) -> None:
    config = scene(tmp_path, config=CONFIG.replace("k_anonymity: 3", "k_anonymity: 61"))
    assert anon("run", config, "--dry-run").code == anon("run", config).code == 10


def test_check_reads_everything_and_writes_nothing(config: Path, tmp_path: Path) -> None:
    before = files(tmp_path)
    result = anon("check", config)
    assert result.code == 0
    assert "60 rows" in result.out
    assert "40 transformations" in result.out
    assert files(tmp_path) == before


def test_check_says_that_a_run_would_find_its_output_there(config: Path) -> None:
    assert "already there" not in anon("check", config).out
    anon("run", config)
    result = anon("check", config)
    assert result.code == 0
    assert "a run would end with 73" in result.out


def test_check_finds_values_outside_a_hierarchy(tmp_path: Path) -> None:
    rows = people()
    rows[7][2] = "forty"
    result = anon("check", scene(tmp_path, rows))
    assert result.code == 65
    assert "'age'" in result.err
    assert "1 time)" in result.err
    assert "forty" not in result.err


def test_schema_prints_json_schema() -> None:
    schema = json.loads(anon("schema").out)
    assert schema["type"] == "object"
    assert "k_anonymity" in json.dumps(schema)


def test_verify_and_export_take_the_release_or_its_parent(config: Path, tmp_path: Path) -> None:
    anon("run", config)
    release = tmp_path / "out/demo/release"
    assert anon("verify", release).code == 0
    assert anon("verify", release.parent).code == 0
    assert anon("export", release, tmp_path / "demo.zip").code == 0
    with zipfile.ZipFile(tmp_path / "demo.zip") as archive:
        assert not any("internal" in name for name in archive.namelist())
    (release / "data/table.csv").write_bytes(b"sex,age\n")
    assert anon("verify", release).code == 11
    assert anon("export", release, tmp_path / "again.zip").code == 11
    assert not (tmp_path / "again.zip").exists()


def test_the_same_run_twice_gives_the_same_data_and_release_report(config: Path, tmp_path: Path) -> None:
    anon("run", config)
    first = _release(tmp_path)
    (tmp_path / "out/demo").rename(tmp_path / "first")
    anon("run", config)
    assert _release(tmp_path) == first


def test_the_order_of_the_input_leaves_no_trace(config: Path, tmp_path: Path) -> None:
    anon("run", config)
    first = _release(tmp_path)
    (tmp_path / "out/demo").rename(tmp_path / "first")
    rows = people()
    random.Random(1).shuffle(rows)
    anon("run", scene(tmp_path, rows))
    assert _release(tmp_path) == first


@pytest.mark.parametrize("environment", [{"POLARS_MAX_THREADS": "1"}, {"PYTHONHASHSEED": "7"}])
def test_threads_and_hash_seeds_leave_no_trace(
    config: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    anon("run", config)
    first = _release(tmp_path)
    (tmp_path / "out/demo").rename(tmp_path / "first")
    command = [sys.executable, "-c", "import cli; cli.main()", "run", str(config)]
    subprocess.run(
        command, env={**os.environ, **environment}, cwd=ROOT, check=True, capture_output=True, timeout=120
    )
    assert _release(tmp_path) == first


def test_a_person_with_many_rows_is_one_person(tmp_path: Path) -> None:
    """Case 28: five encounters of one patient are a class of size one, not five."""
    rows = [["P1", "m", "40", "10117", f"D{n}", "n"] for n in range(5)]
    rows += [[f"Q{n}", "f", "40", "10117", f"D{n}", "n"] for n in range(5)]
    by_row = CONFIG.replace("k_anonymity: 3", "k_anonymity: 5").replace(
        "suppression_limit: 0.2", "suppression_limit: 0.5"
    )
    assert anon("run", scene(tmp_path, rows, by_row)).code == 0
    assert {row[0] for row in released_rows(tmp_path)[1:]} == {"m", "f"}
    (tmp_path / "out/demo").rename(tmp_path / "by_row")
    by_person = by_row.replace("subject: row", "subject: id")
    assert anon("run", scene(tmp_path, rows, by_person)).code == 0
    # Either the man's rows are suppressed or the sexes are merged: he never stands in a class of his own.
    assert {row[0] for row in released_rows(tmp_path)[1:]} in ({"f"}, {"*"})


def test_starred_rows_form_a_class_or_go(tmp_path: Path) -> None:
    rows = people(30) + [[f"X{n}", "m", "89", "99999", "D1", "secret"] for n in range(2)]
    rows += [[f"Y{n}", "f", "3", "00001", "D2", "secret"] for n in range(2)]
    starred = CONFIG.replace("formats: [csv, parquet]", "formats: [csv], suppressed: star")
    assert anon("run", scene(tmp_path, rows, starred)).code == 0
    suppressed = [row for row in released_rows(tmp_path)[1:] if row[:3] == ["*", "*", "*"]]
    assert len(suppressed) in (0, *range(3, 20))
    assert all(row[4] == "" for row in suppressed)


def test_a_threshold_that_is_exceeded_publishes_nothing(tmp_path: Path) -> None:
    config = scene(tmp_path, config=CONFIG + "risk: {thresholds: {anonymised.prosecutor_max: 0.01}}\n")
    result = anon("run", config)
    assert result.code == 13
    assert set(files(tmp_path / "out")) == {".anon.lock"}


def test_an_unknown_threshold_is_refused_before_the_run(tmp_path: Path) -> None:
    config = scene(tmp_path, config=CONFIG + "risk: {thresholds: {anonymised.prosecuter_max: 0.01}}\n")
    result = anon("run", config)
    assert result.code == 78
    assert "prosecutor_max" in result.err
    assert not (tmp_path / "out").exists()


def test_no_command_and_unknown_options_are_usage_errors(config: Path) -> None:
    assert anon("run").code == 2
    assert anon("run", config, "--jsn").code == 2


def test_a_missing_config_is_66(tmp_path: Path) -> None:
    assert anon("run", tmp_path / "nothing.yaml").code == 66


ANON = f"{sys.executable} -c 'import cli; cli.main()'"


@pytest.mark.parametrize(
    ("redirection", "code"),
    [(">/dev/full", 74), (">&-", 74), ("| true", 74), ("2>/dev/full", 0), ("2>&-", 0), (">&- --quiet", 0)],
)
def test_what_cannot_be_told_is_not_published(
    config: Path, tmp_path: Path, redirection: str, code: int
) -> None:
    """Case 60: an exit code other than 0 means that nothing was released, also where printing fails."""
    command = f"sleep 0.1; {ANON} run {config} {redirection}; exit ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, timeout=120, check=False)
    assert ended.returncode == code
    assert (tmp_path / "out/demo/release").exists() == (code == 0)


def ended(program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """A process of its own that runs ``program`` and then the command line."""
    command = [sys.executable, "-c", f"{program}\nimport cli\ncli.main()", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False)


def test_a_signal_after_the_release_is_there_changes_nothing(config: Path, tmp_path: Path) -> None:
    late = f"""
import os, signal
close = os.close
def closed(descriptor):
    close(descriptor)
    if os.path.exists({str(tmp_path / "out/demo")!r}):
        os.kill(os.getpid(), signal.SIGTERM)
        print("signalled")
os.close = closed
"""
    process = ended(late, "run", str(config))
    assert process.returncode == 0
    assert b"signalled" in process.stdout
    assert anon("verify", tmp_path / "out/demo").code == 0


def test_a_signal_before_the_release_is_there_ends_the_run_cleanly(config: Path, tmp_path: Path) -> None:
    early = """
import os, signal, release.run as run
verify = run.verify
def interrupted(*arguments):
    os.kill(os.getpid(), signal.SIGTERM)
    return verify(*arguments)
run.verify = interrupted
"""
    assert ended(early, "run", str(config)).returncode == 143
    assert set(files(tmp_path / "out")) == {".anon.lock"}


def test_help_and_version_answer() -> None:
    told = ended("", "--help")
    assert told.returncode == 0
    assert b"export" in told.stdout
    assert anon("--version").out.startswith("anon 0.")


def test_an_unexpected_error_is_told_in_the_form_that_was_asked_for(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("release.deciding.decision.count", broken)
    result = anon("run", config, "--json", "--log-format", "json")
    assert result.code == json.loads(result.out)["exit_code"] == 70
    assert "ZeroDivisionError" in json.loads(result.err.splitlines()[-1])["message"]
    assert anon("run", config).err.splitlines()[-1].startswith("  ")


ICD = """\
name: demo
reference_date: 2026-11-22
input: {table: {path: people.csv}}
subject: row
columns:
  id: {role: identifier}
  sex: {role: quasi-identifier, hierarchy: suppression}
  age: {role: identifier}
  plz: {role: identifier}
  diagnosis: {role: quasi-identifier, sensitive: true, hierarchy: icd-10-gm, min_level: 2}
  note: {role: identifier}
privacy: {k_anonymity: 2, l_diversity: [{column: diagnosis, kind: distinct, l: 2}]}
output: {directory: out, formats: [csv]}
"""


def test_two_spellings_of_a_code_are_one_sensitive_value(tmp_path: Path) -> None:
    rows = [[f"P{n}", "m", "1", "1", ("J12.8", "J12.8!", "j128")[n % 3], ""] for n in range(9)]
    assert anon("run", scene(tmp_path, rows, ICD)).code == 10
    rows[0][4] = "J12.9"
    assert anon("run", scene(tmp_path, rows, ICD)).code == 0


def test_25a_codes_outside_every_known_block_are_counted(tmp_path: Path) -> None:
    rows = [[f"P{n}", "m", "1", "1", ("E95.1", "E95.2", "I50.1")[n % 3], ""] for n in range(9)]
    assert anon("run", scene(tmp_path, rows, ICD.replace(", min_level: 2", ""))).code == 0
    audit = json.loads((tmp_path / "out/demo/internal/audit.json").read_text())
    assert audit["reading"]["codes_outside_known_blocks"] == {"diagnosis": 6}
    assert "codes outside known blocks" in (tmp_path / "out/demo/internal/risk_report.html").read_text()
