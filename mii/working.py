"""What a process does that reads shares of an export for another one (see `mii.processes`)."""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

from mii.tasks import answer, reader_of


def main() -> None:
    """Answers one share after another, until the other process closes the socket or is gone.

    It reads the next share while an answer waits for the other process, which reads too.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = Connection(int(sys.argv[1]))
    threading.Thread(target=_end_with, args=(connection.fileno(),), daemon=True).start()
    gc.disable()
    try:
        reader = reader_of(connection.recv_bytes())
        with ThreadPoolExecutor(1) as sender:
            sent = None
            while True:
                made = answer(reader, connection.recv_bytes())
                if sent is not None:
                    sent.result()
                sent = sender.submit(connection.send_bytes, made)
    except (EOFError, OSError):
        return


def _end_with(socket: int) -> None:
    """Ends this process when the other one is gone: a share can take minutes."""
    gone = select.poll()
    gone.register(socket, select.POLLHUP)
    gone.poll()
    os._exit(1)
