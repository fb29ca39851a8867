"""An export may be read in parts and by several processes; neither changes what is read of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import mii
from anonymizer.errors import AnonError, BadInput
from mii import effort, processes
from mii.forms import sources
from mii.parts import Part, Share, shares
from mii.streaming import Limits
from tests.cli.test_export_runs import FORMS, released
from tests.cli.test_export_runs import run as run_export
from tests.fhir_export import bundle, lab, patient, request, write
from tests.tiny_export import ndjson, resources

LIMITS = Limits(record_bytes=1 << 20, free_bytes=1 << 22, ratio=10)


def measured(identity: str, owner: str, value: float) -> dict[str, Any]:
    subject = {"reference": f"Patient/{owner}"}
    return lab(identity, value, "2026-01-01T08:00:00+01:00", subject=subject)


def read(path: Path, *, workers: int, share_bytes: int, **changes: Any) -> mii.Export:
    return mii.read(path, request(**changes), effort=mii.Effort(workers, share_bytes))


def same(one: mii.Export, other: mii.Export) -> bool:
    assert_frame_equal(one.frame, other.frame)
    return one.audit == other.audit


# parts --------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(
    lines=st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"")), max_size=12),
    size=st.integers(1, 40),
    is_ended=st.booleans(),
)
def test_the_parts_of_a_file_are_all_its_lines(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], size: int, is_ended: bool
) -> None:
    content = b"{" + b"\n".join(lines) + (b"\n" if is_ended else b"")
    path = tmp_path_factory.mktemp("cut") / "export.ndjson"
    path.write_bytes(content)
    parts = [part for share in shares(sources(path, LIMITS), [], size) for part in share]
    cut = [content[part.start :][: part.length] for part in parts]
    assert b"".join(cut) == content
    assert all(piece.endswith(b"\n") for piece in cut[:-1])
    assert len(parts) == 1 or all(piece.rfind(b"\n", 0, -1) < size for piece in cut)


def test_an_export_cut_anywhere_gives_the_same_table(tmp_path: Path) -> None:
    """The sizes put a boundary before, on and behind each end of a line."""
    lines = [
        patient("p", gender="female"),
        measured("o1", "p", 3.0),
        measured("o2", "p", 5.0),
        patient("q", name=[{"family": "Müller"}]),
        measured("o1", "p", 3.0),
        bundle(patient("r", gender="male"), measured("o3", "r", 7.0)),
    ]
    path = write(tmp_path, [*lines, "", "   ", json.dumps(patient("s"))])
    whole = read(path, workers=1, share_bytes=1 << 20)
    assert whole.frame["lab_crp_count"].to_list() == [2, 0, 1, 0]
    ends = [place for place, byte in enumerate(path.read_bytes(), 1) if byte == ord("\n")]
    for size in sorted({1, 2, 50, 1 << 10, *(end + step for end in ends for step in (-1, 0, 1))}):
        assert same(read(path, workers=1, share_bytes=size), whole)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_random_exports_cut_anywhere_give_the_same_table(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Among them duplicates with other contents, which two parts may hold."""
    ids, values = st.sampled_from("abc"), st.sampled_from([1.0, 2.0])
    drawn = st.one_of(
        st.builds(lambda i, g: patient(i, gender=g), ids, st.sampled_from(["male", "female"])),
        st.builds(measured, ids, ids, values),
    )
    lines = [patient("a"), *data.draw(st.lists(drawn, max_size=12))]
    path = write(tmp_path_factory.mktemp("random"), lines)
    whole = read(path, workers=1, share_bytes=1 << 20)
    assert same(read(path, workers=1, share_bytes=data.draw(st.integers(1, 400))), whole)


# processes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", list(FORMS)[1:8:2])
def test_two_processes_give_what_one_gives(tmp_path: Path, form: str) -> None:
    path = FORMS[form](tmp_path / "export", resources())
    one = read(path, workers=1, share_bytes=2000, consent_required=True)
    assert one.frame.height > 10
    assert same(read(path, workers=2, share_bytes=2000, consent_required=True), one)


def test_a_release_is_the_same_whatever_the_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = []
    batches = processes.batches

    def counted(parts: Any, task: Any, number: int) -> Any:
        several.append((len(parts) > 1, number))
        return batches(parts, task, number)

    export = ndjson(tmp_path / "export", resources())
    monkeypatch.setattr("mii.gathering.batches", counted)
    made = []
    for number in (1, 2):
        monkeypatch.setattr(effort.DEFAULT.__class__, "processes", lambda self, total, n=number: n)
        monkeypatch.setattr("release.intake.source.mii.Effort", partial(mii.Effort, share_bytes=3000))
        (tmp_path / str(number)).mkdir()
        result = run_export(tmp_path / str(number), export)
        assert result.code == 0, result.err
        made.append(released(tmp_path / str(number)))
    assert several == [(True, 1), (True, 2)]
    assert made[0] == made[1]


@pytest.mark.parametrize(("workers", "broken"), [(1, 0), (1, 1), (1, 7), (1, 19), (2, 7)])
@pytest.mark.parametrize("fault", ["cut", "garbled", "not UTF-8"])
def test_a_broken_line_in_any_part_is_named(tmp_path: Path, workers: int, broken: int, fault: str) -> None:
    lines = [json.dumps(patient(f"p{n}", name=[{"family": "Zephyrine"}])).encode() for n in range(20)]
    good = lines[broken]
    lines[broken] = {
        "cut": good[:-9],
        "garbled": good.replace(b":", b"\x00", 1),
        "not UTF-8": good.replace(b"Zeph", b"Z\xfcph"),
    }[fault]
    lines[-1] = lines[-1] if broken == 19 else lines[-1][:-1]  # the first fault is the one told
    path = tmp_path / "export.ndjson"
    path.write_bytes(b"\n".join(lines))
    with pytest.raises(BadInput) as refused:
        read(path, workers=workers, share_bytes=150)
    assert f"export.ndjson, line {broken + 1}: " in str(refused.value)
    assert "Zeph" not in str(refused.value)
    assert not children()


def test_a_file_that_becomes_shorter_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, [patient(f"p{n}") for n in range(50)])

    def cut(done: int, total: int) -> None:
        os.truncate(path, total // 2)

    with pytest.raises(BadInput, match="became shorter"):
        mii.read(path, request(), effort=mii.Effort(1, 300, cut))


@dataclass
class Worker:
    places: list[int] = field(default_factory=list)

    def ask(self, place: int, share: Share) -> None:
        self.places.append(place)


@pytest.mark.parametrize(
    ("files", "count", "handed"),
    [
        (1, 9, [[0, 2], [1, 3]]),
        (1, 5, [[0, 2], [1]]),
        (1, 4, [[0], [1]]),
        (1, 2, [[0], [1]]),
        (1, 1, [[0], []]),
        (2, 9, [[0], [1]]),
    ],
)
def test_a_busy_process_knows_its_next_share(files: int, count: int, handed: list[list[int]]) -> None:
    """But not one of the last, and no long list of files: its socket could be full from both sides."""
    part = Part("name", "file", None, is_document=False, disk_bytes=1)
    workers = [Worker(), Worker()]
    hand_over: Any = processes._hand_over
    assert hand_over([(part,) * files] * count, workers, 0, count) == sum(map(len, handed))
    assert [worker.places for worker in workers] == handed


def test_a_killed_process_refuses_the_export(tmp_path: Path) -> None:
    """As when the system kills it because memory runs out (fault 56)."""
    path = write(tmp_path, [patient(f"p{n}") for n in range(400)])

    def kill(done: int, total: int) -> None:
        for child in children():
            os.kill(child, signal.SIGKILL)

    with pytest.raises(AnonError, match="ended early") as refused:
        mii.read(path, request(), effort=mii.Effort(2, 300, kill))
    assert refused.value.exit_code == 70
    assert not children()


def test_an_interrupted_run_leaves_no_process(tmp_path: Path) -> None:
    path = write(tmp_path, [patient(f"p{n}") for n in range(400)])

    def interrupt(done: int, total: int) -> None:
        assert len(children()) == 2
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mii.read(path, request(), effort=mii.Effort(3, 300, interrupt))
    assert not children()


def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    """Even where it is killed and cannot tell them: the pipe closes when the last of them is gone."""
    path = write(tmp_path, [patient(f"p{n}") for n in range(400)])
    program = f"""
import os, signal, mii
from pathlib import Path
from tests.fhir_export import request
def kill(done, total):
    os.kill(os.getpid(), signal.SIGKILL)
mii.read(Path({str(path)!r}), request(), effort=mii.Effort(2, 300, kill))
"""
    ours, theirs = os.pipe()
    places = os.pathsep.join(sys.path)
    # The pipe's other end is passed on to every process that is started.
    keep = f"import subprocess; P = subprocess.Popen\nfd = {theirs}\n" + _PASS_ON + program
    ended = subprocess.run(
        [sys.executable, "-c", keep], pass_fds=[theirs], env={**os.environ, "PYTHONPATH": places}, check=False
    )
    os.close(theirs)
    with os.fdopen(ours, "rb") as reader:
        assert reader.read() == b""
    assert ended.returncode == -signal.SIGKILL


_PASS_ON = """
subprocess.Popen = lambda *a, pass_fds, **k: P(*a, pass_fds=[*pass_fds, fd], **k)
"""


def children() -> list[int]:
    """The processes that this one started and that go on."""
    return list(_children())


def _children() -> Iterator[int]:
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            state, parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        if int(parent) == os.getpid() and state != "Z":
            yield int(folder.name)


# effort -------------------------------------------------------------------------------------------


def test_small_exports_are_read_by_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effort, "_processors", lambda: 2)
    assert mii.Effort().processes(effort.WORTH_BYTES - 1) == 1
    assert mii.Effort().processes(effort.WORTH_BYTES) == 2
    monkeypatch.setattr(effort, "_processors", lambda: 64)
    assert mii.Effort().processes(effort.WORTH_BYTES) == effort.MOST_PROCESSES
    assert mii.Effort(workers=3).processes(1) == 3


def test_what_is_read_is_told_by_bytes(tmp_path: Path) -> None:
    path = write(tmp_path, [patient(f"p{n}") for n in range(40)])
    told: list[tuple[int, int]] = []
    mii.read(path, request(), effort=mii.Effort(1, 200, lambda done, total: told.append((done, total))))
    size = path.stat().st_size
    assert told[-1] == (size, size)
    assert told == sorted(set(told))
    assert len(told) > 5
