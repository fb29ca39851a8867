"""What the terminal and the operating system give a command: signals, standard streams, last words.

Nothing printed here holds the text of an error or a warning, which may quote a cell.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn, TextIO

from anonymizer.errors import Interrupted, OutputFailed


@dataclass(slots=True)
class _AskedToEnd:
    """The signal that asked for the end of the run; ``None`` before one did."""

    signal_number: int | None = None


_asked_to_end = _AskedToEnd()
_ASK_AGAIN_S = 0.05


def end_on_signals() -> None:
    """Let SIGTERM and SIGINT end the run as an error does, also where it is lost in a callback."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    signal.signal(signal.SIGALRM, _interrupt_again)
    sys.unraisablehook = _report_unraisable


def end_if_asked() -> None:
    """End the run if it was asked for, also where a library has caught the error that said so."""
    if _asked_to_end.signal_number is not None:
        raise Interrupted(_asked_to_end.signal_number)


def report_without_texts() -> None:
    """Let the interpreter tell the types and places of errors and warnings, never what they say."""
    sys.excepthook = _report_crash
    warnings.showwarning = _report_warning


def occupy_standard_streams() -> None:
    """Open what the caller closed, so that no file of the data gets the number of a standard stream."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def say(text: str) -> None:
    """Print, and be sure of it: an answer that cannot be told is a failure.

    Raises ``OutputFailed``.
    """
    try:
        if sys.stdout is None:
            raise OSError(errno.EBADF, "closed")
        print(text, flush=True)
    except OSError:
        raise OutputFailed("standard output cannot be written") from None


def complain(text: str) -> None:
    """Print to standard error, where it can be written."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def is_all_said() -> bool:
    """Return whether what was printed has got out."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        return False
    return True


def crash(kind: type[BaseException], trace: TracebackType | None) -> str:
    """The type and the frames of an unexpected error, never its text: that may quote a cell."""
    return "\n".join([f"internal error {kind.__name__}; nothing was released", *_frames(trace)])


def _frames(trace: TracebackType | None) -> Iterator[str]:
    for frame in traceback.extract_tb(trace):
        yield f"  {Path(frame.filename).name}:{frame.lineno} in {frame.name}"


def _report_crash(kind: type[BaseException], _error: BaseException, trace: TracebackType | None) -> None:
    """What the interpreter says of an error that nobody caught."""
    complain(f"anon: {crash(kind, trace)}")


def _report_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """The kind of a warning and its place, never its text."""
    del message, file, line
    complain(f"anon: warning {category.__name__} at {Path(filename).name}:{lineno}")


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM and SIGINT end the run as an error does, so that everything is cleaned up."""
    _asked_to_end.signal_number = number
    raise Interrupted(number)


def _interrupt_again(_number: int, _frame: FrameType | None) -> None:
    """A signal that no code could end for, such as a callback of the compiler, is raised once more."""
    end_if_asked()


def _report_unraisable(lost: sys.UnraisableHookArgs) -> None:
    """What the interpreter says of an error that has nowhere to go: its type and frames, never its text."""
    if issubclass(lost.exc_type, Interrupted):
        signal.setitimer(signal.ITIMER_REAL, _ASK_AGAIN_S)
    else:
        told = f"anon: {lost.exc_type.__name__} where no error can be raised"
        complain("\n".join([told, *_frames(lost.exc_traceback)]))
