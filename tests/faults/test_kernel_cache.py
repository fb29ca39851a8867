"""Fault 59 and behaviour 9: the kernels' cache is code, so it is ours alone or it is not used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from anonymizer.compiled import cache_directory


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of our own; nothing else names a cache."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return tmp_path


def test_a_private_directory_is_made_in_the_home(home: Path) -> None:
    before = os.umask(0o002)
    try:
        directory = cache_directory()
    finally:
        os.umask(before)
    assert directory is not None
    assert directory.parent == home / ".cache" / "clinical-anon" / "kernels"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert directory.parent.stat().st_mode & 0o777 == 0o700
    assert cache_directory() == directory


def test_the_users_cache_home_is_respected(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "elsewhere"))
    directory = cache_directory()
    assert directory is not None
    assert directory.parent == home / "elsewhere" / "clinical-anon" / "kernels"


@pytest.mark.parametrize("given", ["", "relative/cache"])
def test_an_empty_or_relative_cache_home_counts_as_unset(
    given: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", given)
    directory = cache_directory()
    assert directory is not None
    assert directory.parent == home / ".cache" / "clinical-anon" / "kernels"


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720, 0o702, 0o1777, 0o755, 0o701])
def test_a_cache_that_others_can_write_to_or_reach_into_is_not_used(home: Path, mode: int) -> None:
    directory = cache_directory()
    assert directory is not None
    directory.chmod(mode)
    assert cache_directory() is None


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_nor_one_that_others_can_replace(home: Path, mode: int) -> None:
    directory = cache_directory()
    assert directory is not None
    application = directory.parent.parent
    application.chmod(mode)
    assert cache_directory() is None
    application.chmod(0o755)
    assert cache_directory() == directory


@pytest.mark.parametrize("linked", ["kernels", "clinical-anon"])
def test_a_link_is_not_followed(home: Path, linked: str) -> None:
    directory = cache_directory()
    assert directory is not None
    place = directory if linked == "kernels" else directory.parent
    place.rename(home / "somewhere")
    place.symlink_to(home / "somewhere")
    assert cache_directory() is None


def test_somebody_elses_directory_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_directory() is not None
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    assert cache_directory() is None


@pytest.mark.parametrize("place", [".cache", ".cache/clinical-anon", ".cache/clinical-anon/kernels"])
def test_without_room_for_a_directory_there_is_no_cache(home: Path, place: str) -> None:
    (home / place).parent.mkdir(parents=True, exist_ok=True)
    (home / place).touch()
    assert cache_directory() is None


@pytest.mark.parametrize("given", ["", "relative"])
def test_without_a_home_there_is_no_cache(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", given)
    assert cache_directory() is None
    monkeypatch.delenv("HOME")
    assert cache_directory() is None


def test_a_home_that_cannot_be_written_to_gives_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/proc/nowhere")
    assert cache_directory() is None


def test_other_sources_have_another_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numba looks at a kernel's own file only, not at those of the kernels it calls."""
    before = cache_directory()
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read(path) + b"# changed")
    assert cache_directory() != before
