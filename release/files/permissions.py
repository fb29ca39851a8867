"""Who may read what a run writes: its owner alone, or a named group as well."""

from __future__ import annotations

import grp
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from anonymizer.errors import BadConfig, OutputFailed

OWNER_ONLY = 0o077
_GROUP_DIRECTORY, _GROUP_FILE = 0o750, 0o640


@contextmanager
def owner_only() -> Iterator[None]:
    """Everything created inside is 0700 (directories) or 0600 (files)."""
    before = os.umask(OWNER_ONLY)
    try:
        yield
    finally:
        os.umask(before)


def group_number(name: str) -> int:
    """The number of a group; raises ``BadConfig`` where this machine has none of that name."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise BadConfig("output.group: this machine has no such group") from None


def open_to_group(root: Path, group: str) -> None:
    """Make ``root`` and all below it readable for a group: directories 0750, files 0640.

    Raises:
        BadConfig: there is no such group.
        OutputFailed: this account may not give files to it.
    """
    number = group_number(group)
    try:
        for path in (root, *root.rglob("*")):
            os.chown(path, -1, number, follow_symlinks=False)
            path.chmod(_GROUP_DIRECTORY if path.is_dir() else _GROUP_FILE)
    except PermissionError:
        raise OutputFailed(
            "the release cannot be given to output.group", hint="this account must be a member of the group"
        ) from None
