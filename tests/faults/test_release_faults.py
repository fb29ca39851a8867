"""Locks, disks, kills and paths: an exit code other than 0 means that nothing was released."""

from __future__ import annotations

import errno
import grp
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from anonymizer.errors import BadConfig, Busy, Interrupted, OutputExists, OutputFailed, VerificationFailed
from release.files.lock import LOCK_FILE, hold_lock
from release.files.staging import Staging, refuse_existing, refuse_overlap
from release.recheck import verify_release
from tests.conftest import ROOT
from tests.small_release import CANARY, published

CODES = {"ENOSPC": errno.ENOSPC, "EFBIG": errno.EFBIG, "EIO": errno.EIO, "EDQUOT": errno.EDQUOT}


def left_in(output: Path) -> set[str]:
    """What lies in an output directory besides the lock's file."""
    return {path.name for path in output.iterdir()} - {LOCK_FILE}


def in_a_process(body: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python process that runs ``body``; ``sys.argv[1:]`` are the arguments."""
    code = (
        "import os, sys, resource, signal, time\nfrom pathlib import Path\n"
        "from release.files.lock import hold_lock\nfrom release.files.staging import Staging\n"
        "from tests.small_release import published\noutput = Path(sys.argv[1])\n" + body
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_runs_at_once_in_one_process(tmp_path: Path) -> None:
    with hold_lock(tmp_path), pytest.raises(Busy) as refusal, hold_lock(tmp_path):
        pass
    assert refusal.value.exit_code == 75
    published(tmp_path)


def test_two_cron_runs_overlap(tmp_path: Path) -> None:
    """Faults 57: two processes; a killed holder frees the lock, and its staging is swept."""
    body = (
        "with hold_lock(output) as lock, Staging(lock, 'first') as staging:\n"
        "    staging.write('release/data/x.csv', 'half'); print('ready', flush=True); time.sleep(60)"
    )
    holder = in_a_process(body, tmp_path)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        with pytest.raises(Busy):
            published(tmp_path)
        assert [name.startswith(".staging-first-") for name in left_in(tmp_path)] == [True]
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    published(tmp_path)
    assert left_in(tmp_path) == {"small-ward"}


def test_sigkill_before_the_rename_leaves_no_release(tmp_path: Path) -> None:
    """Faults 53."""
    body = "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\nos.rename = die\npublished(output)"
    process = in_a_process(body, tmp_path)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "small-ward").exists()
    assert len(left_in(tmp_path)) == 1
    published(tmp_path)
    assert left_in(tmp_path) == {"small-ward"}


def test_the_sweep_takes_only_stagings(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / ".staging-link").symlink_to(tmp_path / "other")
    (tmp_path / ".staging-old-0123456789abcdef").mkdir()
    (tmp_path / ".staging-my-own").mkdir()
    published(tmp_path)
    assert left_in(tmp_path) == {"kept", "other", ".staging-link", ".staging-my-own", "small-ward"}


@pytest.mark.parametrize("call", ["fsync", "rename", "mkdir", "open"])
@pytest.mark.parametrize("code", CODES)
def test_a_refusing_disk_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: str
) -> None:
    """Faults 51 and 52, at every kind of call."""
    with hold_lock(tmp_path):
        pass
    monkeypatch.setattr(os, call, _refusing(getattr(os, call), CODES[code]))
    with pytest.raises(OutputFailed) as failure:
        published(tmp_path)
    monkeypatch.undo()
    assert failure.value.exit_code == 74
    assert str(tmp_path) not in str(failure.value)
    assert left_in(tmp_path) == set()


def _refusing(real: Callable[..., object], code: int) -> Callable[..., object]:
    """The call, failing for whatever it would make or save below a staging directory."""

    def call(target: object, *arguments: object, **options: object) -> object:
        path = Path(f"/proc/self/fd/{target}").readlink() if isinstance(target, int) else Path(str(target))
        reads_only = real.__name__ == "open" and not int(str(arguments[0])) & os.O_CREAT
        if ".staging-" in str(path) and not reads_only:
            raise OSError(code, os.strerror(code), str(path))
        return real(target, *arguments, **options)

    return call


def test_an_fsync_that_fails_after_the_rename_takes_the_release_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if (tmp_path / "small-ward").exists():
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OutputFailed):
        published(tmp_path)
    assert left_in(tmp_path) == set()


@pytest.mark.parametrize("limit", [100, 700, 3000])
def test_a_file_size_limit_leaves_nothing(tmp_path: Path, limit: int) -> None:
    """Faults 52 by the kernel itself: EFBIG while the data, or the papers, are written."""
    body = (
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "from anonymizer.errors import AnonError\n"
        "try: published(output)\nexcept AnonError as error: print(error); sys.exit(error.exit_code)"
    )
    process = in_a_process(body, tmp_path)
    out, error = process.communicate()
    assert process.returncode == 74, error
    assert CANARY not in out + error
    assert left_in(tmp_path) == set()


def test_an_unwritable_output_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputFailed):
        published(tmp_path / "file")
    with pytest.raises(OutputFailed):
        published(tmp_path / "file" / "below")


def test_a_lock_behind_a_link_is_refused(tmp_path: Path) -> None:
    """The lock must not create a file where a link points."""
    (tmp_path / LOCK_FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputFailed), hold_lock(tmp_path):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_a_disk_that_fills_in_somebody_elses_code_is_74(tmp_path: Path) -> None:
    def fill() -> None:
        with hold_lock(tmp_path) as lock, Staging(lock, "x"):
            raise OSError(errno.ENOSPC, "No space left on device", "/secret/path")

    with pytest.raises(OutputFailed) as failure:
        fill()
    assert "/secret" not in str(failure.value)
    assert failure.value.__cause__ is None
    assert left_in(tmp_path) == set()


@pytest.mark.parametrize("raised", [Interrupted(15), KeyboardInterrupt(), MemoryError(), ValueError("x")])
def test_whatever_ends_a_run_clears_its_staging(tmp_path: Path, raised: BaseException) -> None:
    def end() -> None:
        with hold_lock(tmp_path) as lock, Staging(lock, "x") as staging:
            staging.write("internal/audit.json", "{}")
            raise raised

    with pytest.raises(type(raised)):
        end()
    assert left_in(tmp_path) == set()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGTERM raises, as the command line makes it do."""

    def interrupt(number: int, frame: object) -> None:
        raise Interrupted(number)

    before = signal.signal(signal.SIGTERM, interrupt)
    yield
    signal.signal(signal.SIGTERM, before)


def test_sigterm_at_fsync_is_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruptible: None
) -> None:
    """Faults 54."""
    real = os.fsync

    def fsync(descriptor: int) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(Interrupted) as interruption:
        published(tmp_path)
    assert interruption.value.exit_code == 143
    assert left_in(tmp_path) == set()


def test_sigterm_during_the_rename_comes_too_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruptible: None
) -> None:
    """Once the release is there the run has succeeded: a signal then must not make it look failed."""
    real = os.rename

    def rename(source: Path, target: Path) -> None:
        real(source, target)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)

    monkeypatch.setattr(os, "rename", rename)
    verify_release(published(tmp_path))


def test_output_equal_to_an_input(tmp_path: Path) -> None:
    """Faults 42: refused before anything is written."""
    patients = tmp_path / "patients.csv"
    patients.write_text("x")
    export = tmp_path / "export"
    (export / "sub").mkdir(parents=True)
    os.link(patients, tmp_path / "hard")
    (tmp_path / "link").symlink_to(export)
    for directory, name in [
        (tmp_path, "patients.csv"),
        (tmp_path, "export"),
        (tmp_path, "hard"),
        (tmp_path, "link"),
        (export, "out"),
        (export / "sub", "out"),
        (tmp_path / "link", "out"),
        (tmp_path / "hard", "out"),
    ]:
        with pytest.raises(BadConfig) as refusal:
            refuse_overlap(directory, name, [patients, export])
        assert refusal.value.exit_code == 78
    with pytest.raises(BadConfig):
        refuse_overlap(tmp_path, "export", [export / "sub" / "patients.ndjson"])
    assert patients.read_text() == "x"
    assert not list(tmp_path.rglob(LOCK_FILE))


def test_the_lock_file_as_a_hard_link_of_an_input(tmp_path: Path) -> None:
    (tmp_path / "patients.csv").write_text("x")
    (tmp_path / "out").mkdir()
    os.link(tmp_path / "patients.csv", tmp_path / "out" / LOCK_FILE)
    with pytest.raises(BadConfig):
        refuse_overlap(tmp_path / "out", "name", [tmp_path / "patients.csv"])


def test_an_input_beside_the_release_is_no_overlap(tmp_path: Path) -> None:
    (tmp_path / "patients.csv").write_text("x")
    refuse_overlap(tmp_path, "name", [tmp_path / "patients.csv"])
    refuse_overlap(tmp_path / "releases", "name", [tmp_path / "patients.csv"])
    refuse_existing(tmp_path, "name")


def test_an_existing_release_is_seen_before_the_work(tmp_path: Path) -> None:
    """Faults 43."""
    published(tmp_path)
    with pytest.raises(OutputExists):
        refuse_existing(tmp_path, "small-ward")


def test_nothing_of_the_data_goes_to_the_temporary_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    temporary.chmod(0o500)
    published(tmp_path / "out")
    assert not list(temporary.iterdir())


def test_a_staging_file_is_never_overwritten(tmp_path: Path) -> None:
    with hold_lock(tmp_path) as lock, Staging(lock, "x") as staging:
        path = staging.write("internal/log.jsonl", "{}\n")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(OutputFailed):
            staging.write("internal/log.jsonl", "")


def test_the_group_may_read(tmp_path: Path) -> None:
    name = grp.getgrgid(os.getgid()).gr_name
    with hold_lock(tmp_path) as lock, Staging(lock, "x", group=name) as staging:
        staging.write("release/manifest.json", "{}")
        folder = staging.commit()
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o750 if path.is_dir() else 0o640)
        assert path.stat().st_gid == os.getgid()


def test_an_unknown_group_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with hold_lock(tmp_path) as lock, pytest.raises(BadConfig), Staging(lock, "x", group="no-such-group"):
        pass
    assert left_in(tmp_path) == set()


def test_a_release_is_complete_or_not_there(tmp_path: Path) -> None:
    """A crash at every file made or opened, fsync and rename, one after the other, until none is left."""
    for attempt in range(1, 100):
        output = tmp_path / str(attempt)
        if _publishes(output, Crash(attempt)):
            verify_release(output / "small-ward")
            assert attempt > 20
            return
        assert left_in(output) == set()
    raise AssertionError("the run never succeeded")


@dataclass
class Crash:
    """Makes the ``nth`` call that touches a staging directory fail."""

    nth: int

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        touches = event in ("open", "os.mkdir", "os.rename") and ".staging-" in str(arguments[0])
        self.nth -= touches
        if touches and self.nth == 0:
            raise OSError(errno.EIO, "crash")


_CRASHES: list[Crash] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    for crash in _CRASHES:
        crash(event, arguments)


sys.addaudithook(_watch)


def _publishes(output: Path, crash: Crash) -> bool:
    _CRASHES.append(crash)
    try:
        published(output)
    except (OutputFailed, VerificationFailed):
        return False
    finally:
        _CRASHES.clear()
    return True
