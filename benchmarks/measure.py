"""Timing of whole processes: wall seconds and peak memory, as the operating system accounts for them."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_LOOK_S = 0.05
RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("numba", "numpy", "polars", "msgspec")


@dataclass(frozen=True, slots=True)
class Finished:
    """One run of a command: ``memory_bytes`` is the process's largest resident set."""

    wall_s: float
    cpu_s: float
    memory_bytes: int
    stdout: str


def once(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> Finished:
    """One run of a command; raises ``RuntimeError`` where it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    assert process.stdout is not None
    stdout = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return Finished(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, stdout)


def repeated(run: Callable[[], Finished], *, times: int, warm_up: int = 1) -> list[Finished]:
    """The counted runs after ``warm_up`` uncounted ones."""
    return [run() for _ in range(warm_up + times)][warm_up:]


def median(values: Sequence[float]) -> float:
    """The median to four significant digits."""
    return float(f"{statistics.median(values):.4g}")


def spread(values: Sequence[float]) -> dict[str, float]:
    """Smallest, median and largest."""
    return {"min": float(f"{min(values):.4g}"), "median": median(values), "max": float(f"{max(values):.4g}")}


def machine() -> dict[str, object]:
    """What the figures were measured on and with."""
    return {
        "cpus": os.cpu_count(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


def write(name: str, figures: Mapping[str, object]) -> Path:
    """The result file ``results/<name>.json``, with the machine it was measured on."""
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), **figures}, indent=1) + "\n", encoding="utf-8")
    return path


def memory_of_all(command: list[str]) -> int:
    """The most memory that a command and the processes it starts take together."""
    most = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, sum(map(_resident, _family(process.pid))))
            time.sleep(_LOOK_S)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return most


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
    return [pid, *map(int, children)]


def _resident(pid: int) -> int:
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in told.splitlines() if line.startswith("Pss:")) * 1024
