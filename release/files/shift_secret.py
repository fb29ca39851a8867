"""The secret of a run's date shifts on disk: a file of the house, or one of the run's own."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from anonymizer.errors import BadConfig, VerificationFailed
from anonymizer.transforming.timing import Shift, Timing
from release.files.staging import Staging

SECRET = "date_shift.key"
"""In ``internal/``: the secret of this run's shifts, where no `secret_file` holds it."""
SECRET_BYTES = 32
_FEWEST_KINDS = 8
"""Of 32 random bytes fewer than this many differ once in 10^60 times; of a password or zeros, often."""
_LARGEST = 4096
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def secret_in(path: Path) -> bytes:
    """What a `secret_file` holds: 32 bytes or more, or text of 64 characters or more without its line's end.

    Raises:
        BadConfig: it is no file, others may read or change it, or it is too short or too plain to be random.
    """
    try:
        # A pipe would keep the run waiting for a writer.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            state = os.fstat(file.fileno())
            content = file.read(_LARGEST + 1) if stat.S_ISREG(state.st_mode) else b""
    except OSError:
        raise _unfit("cannot be read") from None
    if not stat.S_ISREG(state.st_mode) or len(content) > _LARGEST:
        raise _unfit(f"must be a file of at most {_LARGEST} bytes")
    if state.st_mode & _OTHERS:
        raise _unfit("may be used by others than its owner: its mode must be 0600 or 0400")
    secret = _without_line_end(content)
    # A character of text holds half a byte where it is hexadecimal.
    least = 2 * SECRET_BYTES if secret.isascii() and secret.decode().isprintable() else SECRET_BYTES
    if len(secret) < least or len(set(secret)) < _FEWEST_KINDS:
        raise _unfit("must hold 256 random bits: 32 bytes, or 64 hexadecimal digits")
    return secret


def keep_secret(staging: Staging, timing: Timing) -> None:
    """Write the secret of this run's shifts to ``internal/``, unless a file of the house holds it."""
    if timing.shift is not None and timing.shift.secret_file is None:
        staging.write(f"internal/{SECRET}", timing.shift.secret + b"\n")


def kept_secret(staging: Staging, shift: Shift) -> bytes:
    """The secret as it lies on disk now; raises ``VerificationFailed`` where it does not."""
    path = staging.internal / SECRET if shift.secret_file is None else shift.secret_file
    try:
        return _without_line_end(path.read_bytes())
    except OSError:
        raise VerificationFailed("the secret of the date shift cannot be read back") from None


def _without_line_end(content: bytes) -> bytes:
    """Text without the end of its line; other bytes as they are."""
    text = content.rstrip(b"\r\n")
    return text if text.isascii() and text.decode().isprintable() else content


def _unfit(rule: str) -> BadConfig:
    hint = "make one: (umask 077; openssl rand -hex 32 > FILE)"
    return BadConfig(f"time.shift.secret_file: {rule}", hint=hint)
