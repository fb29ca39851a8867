"""Shares of an export read by several processes, and given in their order.

This process is one of them and gathers what the others read. A further one is a fresh interpreter, connected
by one socket: it inherits nothing, writes nothing to a disk, and ends when the socket closes, however this
process ends.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from multiprocessing.connection import Connection, wait

from anonymizer.errors import AnonError, BadInput
from mii.batches import Batch
from mii.parts import Share
from mii.tasks import ShareReader, Task, found, packed

_PROGRAM = "from mii.working import main; main()"
_AHEAD = 3
"""Shares per process that may be under way or wait for an earlier one."""
_KEPT_BYTES = 32 << 20


def batches(parts: Sequence[Share], task: Task, processes: int) -> Generator[Batch]:
    """What each of ``parts`` holds, in their order, whatever the number of ``processes``.

    Raises ``BadInput`` for the first that breaks a rule, ``AnonError`` where a process ends early. Closing
    the iterator ends the processes.
    """
    others = min(processes, len(parts)) - 1 if sys.executable else 0
    workers: list[_Worker] = []
    try:
        for _ in range(others):
            workers.append(_Worker(task))
        yield from _in_order(parts, workers, ShareReader(task))
    finally:
        for worker in workers:
            worker.end()


def _in_order(parts: Sequence[Share], workers: Sequence[_Worker], own: ShareReader) -> Iterator[Batch]:
    answers: dict[int, bytes | Batch | BadInput] = {}
    handed = 0
    for place in range(len(parts)):
        end = min(len(parts), place + _AHEAD * (len(workers) + 1))
        while place not in answers:
            handed = _hand_over(parts, workers, handed, end)
            busy = [worker for worker in workers if worker.places]
            ready = wait([worker.connection for worker in busy], 0 if handed < end else None)
            answers |= dict(worker.answer() for worker in busy if worker.connection in ready)
            if not ready:
                answers[handed] = _read_here(own, parts[handed])
                handed += 1
        yield found(answers.pop(place))


def _read_here(own: ShareReader, share: Share) -> Batch | BadInput:
    """A refusal waits, as an earlier share may be refused too."""
    try:
        return own.read(share)
    except BadInput as error:
        return error


def _hand_over(parts: Sequence[Share], workers: Sequence[_Worker], handed: int, end: int) -> int:
    """The next share after those that were handed over, at most up to ``end``.

    A process knows its next share before it is done with one, so that it never waits; but the last shares
    go to those that have none. A list of many files could fill the socket of a process that fills it from the
    other side, so that both would wait for ever.
    """
    for most in (0, 1):
        for worker in workers:
            if len(worker.places) != most or handed == end:
                continue
            if most == 0 or (len(parts) - handed > len(workers) and len(parts[handed]) == 1):
                worker.ask(handed, parts[handed])
                handed += 1
    return handed


class _Worker:
    """A process that reads shares; ``places`` are those of the one it reads and of its next one."""

    def __init__(self, task: Task) -> None:
        here, there = socket.socketpair()
        with there:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, str(there.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[there.fileno()],
                env=_environment(),
            )
        self.connection = Connection(here.detach())
        self.places: deque[int] = deque()
        self._send(packed(task))

    def ask(self, place: int, share: Share) -> None:
        """Hands over the share at ``place``."""
        self._send(packed(share))
        self.places.append(place)

    def answer(self) -> tuple[int, bytes]:
        """The place of the share it read and what it answers; waits for it."""
        try:
            return self.places.popleft(), self.connection.recv_bytes()
        except (EOFError, OSError):
            raise _ended() from None

    def end(self) -> None:
        """Ends it, whatever it does."""
        self.connection.close()
        self._process.kill()
        self._process.wait()

    def _send(self, message: bytes) -> None:
        try:
            self.connection.send_bytes(message)
        except OSError:
            raise _ended() from None


def _ended() -> AnonError:
    return AnonError(
        "a process that read the export ended early",
        hint="the system ends processes when memory runs out",
    )


def _environment() -> dict[str, str]:
    """That of this process, with the places it imports from; one thread, as there are many processes.

    The C library keeps the memory of one block for the next, rather than give it back and ask for it again.
    """
    places = os.pathsep.join(place for place in sys.path if place)
    kept = dict.fromkeys(("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"), str(_KEPT_BYTES))
    return {**os.environ, **kept, "PYTHONPATH": places, "POLARS_MAX_THREADS": "1"}
