"""What the input files were at one moment, to notice that they changed during a run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from anonymizer.errors import BadInput, InputMissing


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One file: its size in bytes, its time of change, its SHA-256 in hexadecimal."""

    size: int
    modified_ns: int
    sha256: str


def fingerprints(path: Path) -> dict[str, Fingerprint]:
    """Return the fingerprint of a file, or of every file under a folder, by relative path.

    Raises ``InputMissing`` if ``path`` or a file in it cannot be read.
    """
    try:
        folder = path.is_dir()
        files = sorted(found for found in path.rglob("*") if found.is_file()) if folder else [path]
    except OSError as error:
        raise _missing(path, error) from None
    root = path if folder else path.parent
    return {found.relative_to(root).as_posix(): _fingerprint(found) for found in files}


def require_unchanged(path: Path, before: Mapping[str, Fingerprint]) -> None:
    """Raise ``BadInput`` if the fingerprints of ``path`` are no longer ``before``.

    A file written anew with the same bytes counts as changed: what was read in between is unknown.
    """
    try:
        after = fingerprints(path)
    except InputMissing:
        raise BadInput("an input file vanished during the run") from None
    changed = sum(before.get(name) != after.get(name) for name in before.keys() | after.keys())
    if changed:
        raise BadInput(
            "input files changed during the run", count=changed, hint="run again when all are written"
        )


def _fingerprint(path: Path) -> Fingerprint:
    try:
        if path.exists() and not path.is_file():
            raise BadInput("an input is neither a file nor a folder")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        status = path.stat()
    except OSError as error:
        raise _missing(path, error) from None
    return Fingerprint(status.st_size, status.st_mtime_ns, digest)


def _missing(path: Path, error: OSError) -> InputMissing:
    return InputMissing(f"{path}: {error.strerror or 'cannot be read'}")
