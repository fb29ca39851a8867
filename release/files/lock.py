"""One run at a time per output directory."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anonymizer.errors import Busy, OutputFailed
from release.files.permissions import owner_only

LOCK_FILE = ".anon.lock"


@dataclass(frozen=True, slots=True)
class Lock:
    """Held on ``directory``. Whoever sweeps or publishes there must show one."""

    directory: Path


@contextmanager
def hold_lock(directory: Path) -> Iterator[Lock]:
    """The lock on an output directory, which is made (0700) where it does not exist; umask 077 meanwhile.

    The kernel frees it when the process ends, however it ends; the file itself stays.

    Raises:
        Busy: another run holds it.
        OutputFailed: the directory cannot be made or written.
    """
    with owner_only():
        descriptor = _open(directory)
        try:
            _take(descriptor)
            yield Lock(directory)
        finally:
            os.close(descriptor)


def _open(directory: Path) -> int:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # Never through a link: the lock must not create or touch a file elsewhere.
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(directory / LOCK_FILE, flags, 0o600)
    except OSError:
        raise OutputFailed("the output directory cannot be made or written") from None


def _take(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Busy("another run is writing to the same output directory") from None
    except OSError:
        raise OutputFailed("the output directory's file system has no locks") from None
