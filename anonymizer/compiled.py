"""How kernels are compiled: numba's flags, and a cache directory nobody else can write to.

A compiled cache is code: one that others may write is code execution, so a directory that is not ours alone
is not used, and without one the kernels are compiled afresh in each process.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba


def cache_directory() -> Path | None:
    """A private cache directory, made if need be, or ``None`` where there can't be one."""
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("HOME")
    if not home:
        return None
    root = Path(home) if "XDG_CACHE_HOME" in os.environ else Path(home) / ".cache"
    directory = root / "clinical-anon" / "kernels"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.lstat()
    except OSError:
        return None
    private = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022
    return directory if private and os.access(directory, os.W_OK) else None


_CACHE = cache_directory()
if _CACHE is not None:
    numba.config.CACHE_DIR = str(_CACHE)  # type: ignore[attr-defined]


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` compiled without Python objects, cached where a private directory allows it."""
    compiled: Callable[..., Any] = numba.njit(nogil=True, cache=_CACHE is not None)(function)
    return compiled
