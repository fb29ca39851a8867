"""Faults 59 and 62: threads, hash seeds and a missing home change nothing of what comes out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

from tests.conftest import ROOT


@cache
def outcome(*changes: tuple[str, str | None]) -> dict[str, Any]:
    """What a process of its own finds under some environment variables (``None``: unset)."""
    environment = {**os.environ, **dict(changes)}
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.properties.solve_once"],
        cwd=ROOT,
        env={name: value for name, value in environment.items() if value is not None},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert finished.stderr == ""
    result: dict[str, Any] = json.loads(finished.stdout)
    return result


def usual() -> dict[str, Any]:
    return outcome(("POLARS_MAX_THREADS", "1"), ("PYTHONHASHSEED", "1"))


def test_the_table_is_worth_the_test() -> None:
    solution = usual()["solution"]
    assert 0 < solution["suppressed"] <= 40
    assert solution["classes"] > 5
    assert any(solution["transformation"].values())


def test_62_two_threads_and_another_hash_seed_change_nothing() -> None:
    other = outcome(("POLARS_MAX_THREADS", "2"), ("PYTHONHASHSEED", "4242"))
    assert (usual()["threads"], other["threads"]) == (1, 2)
    assert other["solution"] == usual()["solution"]
    assert other["released"] == usual()["released"]


def test_59_without_a_home_the_kernels_are_compiled_afresh() -> None:
    homeless = outcome(("HOME", None), ("XDG_CACHE_HOME", None), ("NUMBA_CACHE_DIR", None))
    assert not homeless["cached"]
    assert homeless["solution"] == usual()["solution"]
    assert homeless["released"] == usual()["released"]
