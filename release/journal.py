"""What a run tells its log: codes, column names and counts, never a cell's value.

Counts below k are written as ``<k``: a count of two suppressed patients is a statement about two patients.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal, TextIO

_CODE = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
Level = Literal["info", "warning", "error"]


def utc_now() -> datetime:
    """The current time in UTC."""
    return datetime.now(UTC)


class Journal:
    """The run's events, kept until they can be stored, and mirrored to ``sink`` as they happen.

    ``k`` is the smallest count that is written as a number.
    """

    def __init__(
        self,
        k: int,
        *,
        sink: TextIO | None = None,
        form: Literal["json", "text"] = "text",
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._k = k
        self._sink = sink
        self._form = form
        self._clock = clock
        self._lines: list[str] = []

    def event(
        self,
        code: str,
        *,
        level: Level = "info",
        column: str | None = None,
        count: int | None = None,
        files: int | None = None,
        seconds: float | None = None,
    ) -> None:
        """Write one event; raises ``ValueError`` where ``code`` is free text instead of a code.

        ``count`` is of people or what belongs to them; ``files`` are none, and told however few.
        """
        if not _CODE.fullmatch(code):
            raise ValueError("an event is named by a code, not by a text")
        entry = {
            "time": self._clock().isoformat(timespec="milliseconds"),
            "level": level,
            "code": code,
            "column": column,
            "count": None if count is None else self._count(count),
            "files": files,
            "seconds": None if seconds is None else round(seconds, 3),
        }
        kept: dict[str, object] = {key: value for key, value in entry.items() if value is not None}
        self._lines.append(json.dumps(kept, ensure_ascii=False))
        self._mirror(kept)

    def text(self) -> str:
        """The log as JSON lines, for ``internal/log.jsonl``."""
        return "".join(f"{line}\n" for line in self._lines)

    @contextmanager
    def capture_warnings(self) -> Iterator[None]:
        """Warnings inside become events that name their category alone: their text may quote a cell."""
        with warnings.catch_warnings():
            warnings.showwarning = self._warned
            yield

    def _warned(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        del message, filename, lineno, file, line
        name = re.sub(r"[^a-z0-9]+", "-", category.__name__.lower()).strip("-")
        self.event(f"warning.{name}"[:64], level="warning")

    def _count(self, count: int) -> int | str:
        return count if count >= self._k else f"<{self._k}"

    def _mirror(self, entry: dict[str, object]) -> None:
        if self._sink is None:
            return
        try:
            self._print(entry)
        except OSError:
            # Progress nobody can read is no reason to fail; the log in internal/ holds it all.
            self._sink = None

    def _print(self, entry: dict[str, object]) -> None:
        if self._form == "json":
            print(self._lines[-1], file=self._sink, flush=True)
            return
        told = (key for key in ("column", "count", "files", "seconds") if key in entry)
        details = " ".join(f"{key}={json.dumps(entry[key])}" for key in told)
        print(f"{entry['code']} {details}".rstrip(), file=self._sink, flush=True)
