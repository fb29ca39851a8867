"""``anon export``: one zip of ``release/`` alone, after verifying it; same release, same bytes."""

from __future__ import annotations

import os
import secrets
import zipfile
from pathlib import Path

from anonymizer.errors import OutputExists, OutputFailed, UsageError, VerificationFailed
from release.describing import manifest
from release.files.permissions import owner_only
from release.files.staging import sync
from release.recheck import find_release, verify_release

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o600 << 16


def export(path: Path, zip_path: Path) -> Path:
    """The new zip file, which unpacks to ``release/``; it never overwrites.

    Raises:
        InputMissing, VerificationFailed: as ``verify_release``.
        UsageError: the file would lie inside the release folder.
        OutputExists: there is a file of this name.
        OutputFailed: writing failed; nothing is left.
    """
    if zip_path.resolve().is_relative_to(find_release(path).resolve()):
        # It would break the release that it packs.
        raise UsageError("the zip file would lie inside the release folder; write it elsewhere")
    if os.path.lexists(zip_path):
        raise OutputExists("the zip file is already there")
    release = verify_release(path).release
    partial = zip_path.with_name(f".{zip_path.name}-{secrets.token_hex(8)}")
    try:
        with owner_only():
            _pack(release, partial)
            _appear(partial, zip_path)
    except FileExistsError:
        raise OutputExists("the zip file has appeared meanwhile") from None
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else "I/O error"
        raise OutputFailed(f"writing the zip file failed: {reason}") from None
    finally:
        partial.unlink(missing_ok=True)
    return zip_path


def _pack(release: Path, partial: Path) -> None:
    """Only files the manifest names go in, and only as the bytes it names."""
    content = (release / manifest.FILE).read_bytes()
    declared = manifest.decode(content)
    with partial.open("xb") as file, zipfile.ZipFile(file, "w") as archive:
        for name in sorted(declared.files):
            _add(archive, name, (release / name).read_bytes())
        _add(archive, manifest.FILE, content)
    with zipfile.ZipFile(partial) as archive:
        if any(_digest(archive, f"release/{name}") != entry.sha256 for name, entry in declared.files.items()):
            raise VerificationFailed("a file was changed while it was packed")
    sync(partial)


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(f"release/{name}", _EPOCH)
    entry.external_attr = _MODE
    entry.create_system = 3
    archive.writestr(entry, content, zipfile.ZIP_DEFLATED)


def _digest(archive: zipfile.ZipFile, name: str) -> str:
    with archive.open(name) as file:
        return manifest.sha256(file)


def _appear(partial: Path, target: Path) -> None:
    """The file under its own name, in one step that fails where the name is taken."""
    target.hardlink_to(partial)
    sync(target.parent)
