"""How kernels are compiled: numba's flags, and a cache directory nobody else can write to.

A compiled cache is code: one that others may write is code execution, so a directory that is not ours alone
is not used, and without one the kernels are compiled afresh in each process.

Numba asks only whether the file of a compiled function changed, not those of the functions it calls, and
would go on using old code in new. So each state of the sources has a cache directory of its own.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba


def cache_directory() -> Path | None:
    """A private cache directory, made if need be, or ``None`` where there can't be one."""
    root = _cache_root()
    if root is None:
        return None
    directory = root / "clinical-anon" / "kernels"
    versioned = directory / _sources_digest()
    try:
        for level in (directory.parent, directory, versioned):
            level.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Files in it may have been left open by a lax umask: nobody else may even reach them.
        private = _closed(directory.parent, 0o022) and _closed(directory, 0o077) and _closed(versioned, 0o077)
    except OSError:
        return None
    return versioned if private and os.access(versioned, os.W_OK) else None


def _sources_digest() -> str:
    """A digest of all modules that may hold kernels, and of what compiles them."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        content = path.read_bytes()
        if b"@kernel" in content:
            digest.update(content)
    return digest.hexdigest()[:16]


def _cache_root() -> Path | None:
    """The user's cache by the XDG base directory rules: an empty or relative path counts as unset."""
    given, home = os.environ.get("XDG_CACHE_HOME", ""), os.environ.get("HOME", "")
    if Path(given).is_absolute():
        return Path(given)
    return Path(home) / ".cache" if Path(home).is_absolute() else None


def _closed(directory: Path, bits: int) -> bool:
    """Whether a directory, no link, is the user's own and gives others none of the permission ``bits``."""
    status = directory.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & bits


_CACHE = cache_directory()
if _CACHE is not None:
    numba.config.CACHE_DIR = str(_CACHE)  # type: ignore[attr-defined]


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` compiled without Python objects, cached where a private directory allows it."""
    compiled: Callable[..., Any] = numba.njit(nogil=True, cache=_CACHE is not None)(function)
    return compiled
