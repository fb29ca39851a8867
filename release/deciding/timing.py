"""The changed dates of a run: which, by how much, and where the secret that shifts them lies."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace

from anonymizer.transforming.timing import Relative, Shift, Timing, timed
from release.config.root import Config
from release.config.time import DateShift
from release.files.shift_secret import SECRET, SECRET_BYTES, secret_in
from release.intake.source import Source

Counts = Mapping[str, Mapping[str, int]]


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


def retold(source: Source, timing: Timing) -> tuple[Source, Counts]:
    """The same with all dates as ``timing`` tells them, and by column how many cells met which rule."""
    people = timed(source.table, timing.beside(source.events))
    counts = dict(people.counts)
    events = {}
    for name, table in source.events.items():
        done = timed(table, timing.of_table(name), people=source.table)
        events[name] = done.table
        counts |= {f"{name}.{column}": found for column, found in done.counts.items()}
    return replace(source, table=people.table, events=events), counts


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
