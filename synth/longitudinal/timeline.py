"""A person's events in order, with what lies between them in place of their times; and back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from synth.axes import Ints
from synth.longitudinal.histories import PERSON, Events
from synth.variables import Training, Variable

_SECOND = 1_000_000
_PLACE, _BEGIN = "\0place", "\0begin"


@dataclass(frozen=True, slots=True, repr=False)
class Timeline:
    """All events of a table, person by person and in order.

    ``events`` has in place of a time what lies between it and the one before, missing at a person's first
    event, as its first column; ``position`` (int64, shape (rows,)) numbers a person's events from 0.
    ``start`` tells the time of everybody's first event. Nothing is later than ``latest``, which k people
    reach. Both are None where events have no time.
    """

    events: Training
    position: Ints
    start: Training | None = None
    latest: float | None = None


def told(table: Events) -> Timeline:
    """Return the events in the order of their times, those of one time in that of their cells.

    What has no time comes last. The rows' order in the table makes no difference.
    """
    training = table.training
    frame = training.frame.with_columns(
        pl.Series(PERSON, training.people),
        *(_amount(training.frame[name], training) for name in _times(table)),
    )
    others = [each.name for each in training.variables if each.name not in _times(table)]
    order = [PERSON, *_times(table)[:1], *_times(table)[1:], *others]
    comparable = frame.select(order).with_columns(pl.col(pl.List).list.join(" "))
    place = comparable.with_row_index(_PLACE).sort(order, nulls_last=True)[_PLACE]
    frame = frame[place.to_numpy()]
    people = frame[PERSON].to_numpy()
    position = _positions(people)
    if table.clock is None:
        return Timeline(_cells(table, frame.drop(PERSON), people), position)
    start = frame.filter(position == 0).select(table.clock.name)
    return Timeline(
        _cells(table, _relative(frame, table), people),
        position,
        Training(start, (_number(table.clock),), people[position == 0], training.k),
        _latest(frame[table.clock.name], people, training.k),
    )


def restored(table: Events, frame: pl.DataFrame, start: pl.Series, latest: float | None) -> pl.DataFrame:
    """Return drawn events with their times again, which never decrease from one of a person to the next.

    ``frame`` has a column ``person`` of numbers in which those of a person stand together and in order, and
    what lies between times; ``start`` tells the first time of everybody who is in it.
    """
    clock = table.clock
    columns = [PERSON, *(each.name for each in table.training.variables)]
    if clock is None:
        return frame.select(columns)
    position = _positions(frame[PERSON].to_numpy())
    firsts = pl.Series(np.flatnonzero(position == 0))
    begin = pl.DataFrame({PERSON: frame[PERSON].gather(firsts), _BEGIN: start.cast(pl.Float64)})
    timed = frame.with_columns(pl.Series(_PLACE, position)).join(
        begin, on=PERSON, how="left", maintain_order="left"
    )
    is_first, gap = pl.col(_PLACE) == 0, pl.col(clock.name).cast(pl.Float64).clip(lower_bound=0.0)
    passed = pl.when(is_first).then(0.0).otherwise(gap.fill_null(0.0)).cum_sum().over(PERSON)
    time = (pl.col(_BEGIN) + passed).clip(upper_bound=latest)
    is_told = is_first | pl.col(clock.name).is_not_null()
    timed = timed.with_columns(pl.when(is_told).then(time).alias(clock.name))
    others = [(pl.col(name).cast(pl.Float64) + pl.col(clock.name)).alias(name) for name in table.beside]
    typed = timed.with_columns(others).with_columns(_typed(name, clock) for name in _times(table))
    return typed.select(columns)


def _times(table: Events) -> tuple[str, ...]:
    return () if table.time is None else (table.time, *table.beside)


def _number(clock: Variable) -> Variable:
    return Variable(clock.name, "number" if clock.type == "number" else "integer")


def _amount(series: pl.Series, training: Training) -> pl.Series:
    """A time as a number: days, or seconds of date and time; missing where it is no whole day."""
    type_ = next(each.type for each in training.variables if each.name == series.name)
    if type_ == "date":
        days = series.str.to_date("%Y-%m-%d", strict=False) if series.dtype == pl.String else series
        return days.cast(pl.Date).cast(pl.Int32).cast(pl.Float64)
    if type_ == "datetime":
        moments = series.str.to_datetime(strict=False) if series.dtype == pl.String else series
        return (moments.cast(pl.Datetime("us")).cast(pl.Int64) // _SECOND).cast(pl.Float64)
    return series.cast(pl.Float64).fill_nan(None)


def _typed(name: str, clock: Variable) -> pl.Expr:
    """A number of ``_amount`` as the time that it is."""
    if clock.type == "number":
        return pl.col(name)
    whole = pl.col(name).round().cast(pl.Int64)
    if clock.type == "date":
        return whole.cast(pl.Int32).cast(pl.Date)
    return (whole * _SECOND).cast(pl.Datetime("us")) if clock.type == "datetime" else whole


def _relative(frame: pl.DataFrame, table: Events) -> pl.DataFrame:
    """The events with times as what lies between them."""
    assert table.clock is not None
    time, type_ = pl.col(table.clock.name), pl.Float64 if table.clock.type == "number" else pl.Int64
    between = (time - time.shift(1).over(PERSON)).cast(type_)
    since = [(pl.col(name) - time).cast(type_).alias(name) for name in table.beside]
    return frame.with_columns(between, *since).drop(PERSON)


def _cells(table: Events, frame: pl.DataFrame, people: Ints) -> Training:
    """The events as they are learned from, the time first."""
    times = set(_times(table))
    clock = [] if table.clock is None else [_number(table.clock)]
    rest = [
        replace(_number(each), low=None) if each.name in times else each
        for each in table.training.variables
        if each.name != table.time
    ]
    variables = (*clock, *rest)
    return Training(frame.select(each.name for each in variables), variables, people, table.training.k)


def _positions(people: Ints) -> Ints:
    """The number of each row among those of its person, who stand together."""
    starts = np.flatnonzero(np.r_[True, people[1:] != people[:-1]]) if len(people) else np.zeros(0, np.int64)
    sizes = np.diff(np.r_[starts, len(people)])
    return np.arange(len(people), dtype=np.int64) - np.repeat(starts, sizes)


def _latest(times: pl.Series, people: Ints, k: int) -> float | None:
    """The latest time that k people reach; None where fewer have any."""
    last = pl.DataFrame({PERSON: people, "time": times}).group_by(PERSON).agg(pl.col("time").max())["time"]
    reached = last.drop_nulls().sort(descending=True)
    return float(reached[k - 1]) if len(reached) >= k else None
