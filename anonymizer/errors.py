"""Every error a run can end with, and the exit code each one maps to.

AnonError
├── UsageError           2    the command line is wrong
├── CriteriaNotMet      10    no transformation meets the criteria within the suppression limit
├── VerificationFailed  11    the staged bytes are not what was promised
├── SynthesisFailed     12    a synthesiser could not be fitted or sampled
├── ThresholdExceeded   13    a configured risk threshold is exceeded
├── BadInput            65    the input data break a rule
├── InputMissing        66    an input file does not exist or cannot be read
├── ComponentMissing    69    a key or method this version or installation does not have
├── OutputExists        73    the release folder is already there
├── OutputFailed        74    writing failed
├── Busy                75    another run holds the lock
├── ConsentMissing      77    nobody consented, or the export holds no consent
├── BadConfig           78    the configuration is wrong
└── Interrupted    130/143    SIGINT or SIGTERM

``MemoryError`` maps to 71 and everything else to 70, in ``cli.py`` alone.

A message is made of a rule, a column's name and a count. It never quotes a cell: the error may end in
a log or on a screen that is not allowed to see patients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


class AnonError(Exception):
    """A user-facing failure: nothing was released.

    ``rule`` says what was broken, ``column`` and ``count`` where and how often, ``hint`` what to do next.
    None of them may hold a value from a cell.
    """

    exit_code = 70

    def __init__(
        self, rule: str, *, column: str | None = None, count: int | None = None, hint: str | None = None
    ) -> None:
        self.rule, self.column, self.count, self.hint = rule, column, count, hint
        super().__init__(self._message())

    def about(self, column: str) -> Self:
        """The same error, said of a column."""
        return type(self)(self.rule, column=column, count=self.count, hint=self.hint)

    def _message(self) -> str:
        where = f"column {self.column!r}: " if self.column else ""
        times = "time" if self.count == 1 else "times"
        how_often = f" ({self.count:,} {times})" if self.count is not None else ""
        then = f"; {self.hint}" if self.hint else ""
        return f"{where}{self.rule}{how_often}{then}"


class UsageError(AnonError):
    exit_code = 2


class CriteriaNotMet(AnonError):
    exit_code = 10


class VerificationFailed(AnonError):
    exit_code = 11


class SynthesisFailed(AnonError):
    exit_code = 12


class ThresholdExceeded(AnonError):
    exit_code = 13


class BadInput(AnonError):
    exit_code = 65


class InputMissing(AnonError):
    exit_code = 66


class ComponentMissing(AnonError):
    exit_code = 69


class OutputExists(AnonError):
    exit_code = 73


class OutputFailed(AnonError):
    exit_code = 74


class Busy(AnonError):
    exit_code = 75


class ConsentMissing(AnonError):
    exit_code = 77


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding in a configuration: where it stands, what is wrong, what was probably meant."""

    path: str
    message: str
    line: int | None = None
    suggestion: str | None = None

    def __str__(self) -> str:
        line = f"line {self.line}: " if self.line is not None else ""
        meant = f" (did you mean {self.suggestion!r}?)" if self.suggestion else ""
        return f"{line}{self.path}: {self.message}{meant}"


class BadConfig(AnonError):
    """The configuration is wrong; ``problems`` holds every finding, not only the first."""

    exit_code = 78

    def __init__(
        self,
        rule: str,
        *,
        column: str | None = None,
        count: int | None = None,
        hint: str | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        self.problems = tuple(problems)
        super().__init__(rule, column=column, count=count, hint=hint)

    def _message(self) -> str:
        return "\n  ".join([super()._message(), *map(str, self.problems)])


class Interrupted(AnonError):
    """A signal ended the run; ``exit_code`` is 128 plus its number."""

    def __init__(self, signal_number: int) -> None:
        super().__init__("interrupted; nothing was released")
        self.exit_code = 128 + signal_number
