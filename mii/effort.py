"""How much of the machine reading may take, and who is told how far it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

SHARE_BYTES = 64 << 20
MOST_PROCESSES = 4
WORTH_BYTES = 256 << 20
"""Below this an export is read before the first process of its own would have started."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How an export is read; nothing of it changes what is read.

    Files are cut into shares of about ``share_bytes``. ``workers`` are the processes to read them, this one
    among them; ``None`` takes as many as there are processors, but at most `MOST_PROCESSES`, each of which
    takes about 100 MB, and no further one for a small export. ``report`` is told the bytes read and their
    total from time to time.
    """

    workers: int | None = None
    share_bytes: int = SHARE_BYTES
    report: Callable[[int, int], None] = lambda done, total: None

    def processes(self, total_bytes: int) -> int:
        """How many processes read ``total_bytes``, this one among them."""
        if self.workers is not None:
            return self.workers
        if total_bytes < WORTH_BYTES:
            return 1
        return min(MOST_PROCESSES, _processors())


DEFAULT = Effort()


def _processors() -> int:
    """Those that this process may run on, which may be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
