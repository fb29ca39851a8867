"""A directory beside the target that becomes the release by one rename, or disappears."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from anonymizer.errors import BadConfig, InputMissing, OutputExists, OutputFailed
from release.files.lock import LOCK_FILE, Lock
from release.files.permissions import group_number, open_to_group

PREFIX = ".staging-"
_OURS = re.compile(rf"{re.escape(PREFIX)}.+-[0-9a-f]{{16}}")
"""What a run of ours names its staging directory; a user's own `.staging-…` is none of our business."""
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS}
_TAKEN = {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}


def refuse_overlap(directory: Path, name: str, inputs: Sequence[Path]) -> None:
    """Raise ``BadConfig`` where writing the release would touch an input, before anything is written.

    The release folder may not be an input, hold one or lie inside one; the output directory and its lock
    may not be an input under another name (a hard link).
    """
    target = _target(directory, name).resolve()
    for path in inputs:
        try:
            source = path.resolve()
        except (OSError, RuntimeError):
            raise InputMissing("an input cannot be read: its links lead in a circle") from None
        nested = target.is_relative_to(source) or source.is_relative_to(target)
        if nested or any(_same(source, own) for own in (target, directory, directory / LOCK_FILE)):
            raise BadConfig("the output would overwrite or mix with an input", hint="choose another output")


def refuse_existing(directory: Path, name: str) -> None:
    """Raise ``OutputExists`` where the release folder is already there: nothing is ever overwritten."""
    if os.path.lexists(_target(directory, name)):
        raise OutputExists(
            "the release folder is already there", hint="choose another name, or remove it yourself"
        )


class Staging:
    """The staging directory of one run, on the target's own file system; a context manager.

    Entering sweeps what killed runs left. Leaving removes everything unless ``commit`` has published it.
    """

    def __init__(self, lock: Lock, name: str, *, group: str | None = None) -> None:
        self.target = _target(lock.directory, name)
        self.name = name
        self.root = lock.directory / f"{PREFIX}{name}-{secrets.token_hex(8)}"
        self.release = self.root / "release"
        self.data = self.release / "data"
        self.internal = self.root / "internal"
        self._group = group
        self._published = False

    def __enter__(self) -> Staging:
        refuse_existing(self.target.parent, self.name)
        if self._group is not None:
            group_number(self._group)
        try:
            with _output():
                _sweep(self.target.parent)
                for directory in (self.root, self.release, self.data, self.internal):
                    directory.mkdir(mode=0o700)
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._published:
            self._remove()
        if isinstance(error, OSError) and error.errno in _DISK:
            raise OutputFailed(_disk_rule(error)) from None

    def make_folder(self, relative: str) -> None:
        """A new folder below the staging directory (0700); raises ``OutputFailed``."""
        with _output():
            (self.root / relative).mkdir(mode=0o700)

    def remove(self, relative: str) -> None:
        """Remove a staged file that is not to leave; raises ``OutputFailed``."""
        with _output():
            (self.root / relative).unlink()

    def write(self, relative: str, content: bytes | str | Iterable[bytes]) -> Path:
        """The path of a new file below the staging directory (0600); raises ``OutputFailed``."""
        path = self.root / relative
        with _output():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                match content:
                    case str():
                        file.write(content.encode())
                    case bytes():
                        file.write(content)
                    case lines:
                        file.writelines(lines)
        return path

    def commit(self) -> Path:
        """The published folder: everything on disk, then one rename; the process then ignores signals.

        Raises:
            OutputExists: the release folder has appeared meanwhile.
            OutputFailed: the disk refused; nothing was published.
        """
        with _output():
            if self._group is not None:
                open_to_group(self.root, self._group)
            _sync_tree(self.root)
            with _deaf_once_published():
                self._rename()
        return self.target

    def _remove(self) -> None:
        # What cannot be removed now is swept by the next run; the reason for leaving must not be hidden.
        shutil.rmtree(self.root, ignore_errors=True)

    def _rename(self) -> None:
        refuse_existing(self.target.parent, self.name)
        try:
            os.rename(self.root, self.target)  # noqa: PTH104 - Path.replace would hide what is meant
        except OSError as error:
            if error.errno in _TAKEN:
                raise OutputExists("the release folder has appeared during the run") from None
            raise
        try:
            sync(self.target.parent)
        except OSError:
            os.rename(self.target, self.root)  # noqa: PTH104
            raise
        self._published = True


def _target(directory: Path, name: str) -> Path:
    if name in ("", ".", "..") or name.startswith(".") or set("/\\\0") & set(name):
        raise BadConfig("name: must be a plain folder name that does not start with a dot")
    return directory / name


def _same(source: Path, own: Path) -> bool:
    """Whether two paths lead to one file; an output that does not exist yet is nobody's twin."""
    try:
        return source.samefile(own)
    except OSError:
        return False


def _sweep(directory: Path) -> None:
    """Remove what killed runs left; the caller holds the lock, so no living run owns it."""
    for path in directory.glob(f"{PREFIX}*"):
        if _OURS.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)


def _sync_tree(root: Path) -> None:
    for folder, _, files in os.walk(root, topdown=False):
        for name in files:
            sync(Path(folder, name))
        sync(Path(folder))


def sync(path: Path) -> None:
    """Wait until a file's or directory's content is on disk; raises ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _deaf_once_published() -> Iterator[None]:
    """SIGINT and SIGTERM are ignored inside, and stay ignored unless an error ends it.

    A signal that comes between the rename and the end of the process would make a published run look failed.
    One that came before is raised on entering.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except BaseException:
        for number, handler in before.items():
            signal.signal(number, handler)
        raise


@contextmanager
def _output() -> Iterator[None]:
    """Any refusal of the operating system inside is ``OutputFailed``, without path or content."""
    try:
        yield
    except OSError as error:
        raise OutputFailed(_disk_rule(error)) from None


def _disk_rule(error: OSError) -> str:
    return f"writing the release failed: {os.strerror(error.errno) if error.errno else 'I/O error'}"
