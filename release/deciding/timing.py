"""The changed dates of a run: which, by how much, and where the secret that shifts them lies."""

from __future__ import annotations

import secrets

from anonymizer.transforming.timing import Relative, Shift, Timing
from release.config.root import Config
from release.config.time import DateShift
from release.files.shift_secret import SECRET, SECRET_BYTES, secret_in


def timing_of(config: Config) -> Timing:
    """How this run changes dates; without `secret_file`, with 256 new bits of the operating system.

    Never from a seed, which can be guessed. Raises ``BadConfig`` as ``secret_in`` does.
    """
    if config.time is None:
        return Timing()
    shift, relative = config.time.shift, config.time.relative
    return Timing(
        None if shift is None else _shift(shift),
        None if relative is None else Relative(relative.columns, relative.to),
    )


def refuse_unfit_secret(config: Config) -> None:
    """Raise ``BadConfig`` where the config's `secret_file` is no secret; nothing is kept of it."""
    if config.time is not None and config.time.shift is not None and config.time.shift.secret_file:
        secret_in(config.time.shift.secret_file)


def whereabouts(timing: Timing) -> dict[str, str]:
    """Where the audit says that the secret lies; nothing where no date is shifted."""
    if timing.shift is None:
        return {}
    if timing.shift.secret_file is not None:
        return {"date_shift": "the config's time.shift.secret_file"}
    return {"date_shift": f"internal/{SECRET}: drawn by the operating system's generator"}


def _shift(asked: DateShift) -> Shift:
    if asked.secret_file is None:
        secret = secrets.token_hex(SECRET_BYTES).encode()
    else:
        secret = secret_in(asked.secret_file)
    return Shift(asked.columns, asked.days, asked.keep_weekday, secret, asked.secret_file)
