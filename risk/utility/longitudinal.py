"""How what happened to people differs over time: how many events, how long between them, what follows what.

The distances are metrics, so that each has the interval of `univariate`: as far as the original is from
resamples of its people. The floor of each is the release with its events dealt to its patients at random.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from risk.figures import Figure, exact, named, not_estimated
from risk.utility.sides import Rows
from risk.utility.univariate import RESAMPLES, Floats, within

PATIENTS = "patients"
MOST_EVENTS = 20
PAIRS = 50
FLOOR = "events dealt to patients at random, once"
Tables = Mapping[str, pl.DataFrame]
_WHO, _TIME, _CODE = "who", "time", "code"


def longitudinal(
    original: Tables,
    released: Tables,
    rng: np.random.Generator,
    *,
    people: tuple[str, str] = ("person", "person"),
    times: Mapping[str, str] | None = None,
) -> dict[str, Figure]:
    """Return ``longitudinal.<table>.counts``, ``.times``, ``.transitions`` and more, by name.

    Both sides have ``patients`` and the same tables of events, linked by their columns ``people``; ``times``
    names the column of each table that says when an event was, the same on both sides: a date, ISO text or a
    number. A table's code is its first column of text. ``counts`` and ``transitions`` are total variation
    distances, ``times`` that of Kolmogorov and Smirnov: 0 for the same distribution, at most 1. Without times
    an event follows another whose code is before its own in the alphabet. ``<name>.floor`` is the same of
    events dealt to patients at random, ``transitions.coverage`` a share, 1 at best. What both sides tell must
    be in the same words; how several tables go together is not measured.
    """
    found: dict[str, Figure] = {}
    for name in (name for name in original if name != PATIENTS and name in released):
        time = (times or {}).get(name)
        sides = [
            _side(tables[PATIENTS][key], tables[name], key, time)
            for tables, key in zip((original, released), people, strict=True)
        ]
        dealt = _dealt(sides[1], rng)
        found |= named(f"longitudinal.{name}", dict(_figures((sides[0], sides[1], dealt), time, rng)))
    return found


@dataclass(frozen=True, slots=True)
class _Side:
    """The number of patients, and the events: ``who`` (int64), ``time`` (float64) and ``code`` (text)."""

    patients: int
    events: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Cells:
    """What is counted: a number of each (int64), and whose it is (int64), of so many people."""

    cell: Rows
    who: Rows
    people: int

    def counted(self, size: int, weights: Floats | None = None) -> Floats:
        """Return the share of every number below ``size``, people counting as ``weights`` says."""
        each = None if weights is None else weights[self.who]
        counts = np.bincount(self.cell, each, minlength=size).astype(np.float64)
        return counts / max(float(counts.sum()), 1e-300)


Three = tuple[_Side, _Side, _Side]
"""The original, the release and its floor."""


def _figures(sides: Three, time: str | None, rng: np.random.Generator) -> Iterator[tuple[str, Figure]]:
    what = f"total variation distance of how many events people have, from {MOST_EVENTS} on together"
    yield from _compared("counts", [_counts(side) for side in sides], what, rng)
    if time is not None:
        what = "Kolmogorov–Smirnov distance of the times between a person's successive events"
        yield from _compared("times", _numbered([_gaps(side) for side in sides]), what, rng, is_ordered=True)
    pairs = _numbered([_pairs(side) for side in sides])
    if not len(pairs[0].cell):
        yield "transitions", not_estimated("nobody has two events with codes", sides[0].patients)
        return
    frequent = _most_frequent(pairs[0])
    order = "" if time is not None else "; without times, codes are taken in the order of the alphabet"
    what = (
        f"total variation distance of pairs of successive codes, all but the {len(frequent)} most frequent "
        f"together{order}"
    )
    yield from _compared("transitions", [_merged(each, frequent) for each in pairs], what, rng)
    shown = float(np.isin(frequent, pairs[1].cell).mean())
    what = f"share of the {len(frequent)} most frequent pairs of successive codes that the release has"
    yield "transitions.coverage", exact(shown, len(frequent), what)


def _compared(
    name: str, cells: list[_Cells], what: str, rng: np.random.Generator, *, is_ordered: bool = False
) -> Iterator[tuple[str, Figure]]:
    """A distance and its floor; ``cells`` are of the original, the release and the floor."""
    own, released, dealt = cells
    if not (len(own.cell) and len(released.cell)):
        yield name, not_estimated(f"{what}: one side has no values", len(own.cell))
        return
    size = 1 + max(int(each.cell.max(initial=0)) for each in cells)
    original = own.counted(size)
    off = np.array(
        [_apart(own.counted(size, weights), original, is_ordered) for weights in _resamples(own, rng)]
    )
    value = _apart(released.counted(size), original, is_ordered)
    yield name, within(value, off, len(own.cell), what)
    floor = _apart(dealt.counted(size), original, is_ordered)
    yield f"{name}.floor", Figure(floor, None, None, len(dealt.cell), FLOOR)


def _apart(first: Floats, second: Floats, is_ordered: bool) -> float:
    """The Kolmogorov–Smirnov distance of shares of rising numbers, or the total variation of any."""
    if is_ordered:
        return float(np.abs(np.cumsum(first - second)).max())
    return float(np.abs(first - second).sum() / 2)


def _resamples(cells: _Cells, rng: np.random.Generator) -> Iterator[Floats]:
    """How often each person is drawn, in every resample."""
    for _ in range(RESAMPLES):
        drawn = rng.integers(0, cells.people, cells.people)
        yield np.bincount(drawn, minlength=cells.people).astype(np.float64)


def _side(patients: pl.Series, events: pl.DataFrame, key: str, time: str | None) -> _Side:
    number = pl.DataFrame({key: patients}).with_row_index(_WHO).with_columns(pl.col(_WHO).cast(pl.Int64))
    texts = (name for name in events.columns if name != key and events.schema[name] == pl.String)
    code = next(texts, None)
    frame = pl.DataFrame(
        {
            key: events[key],
            _TIME: _amounts(events[time]) if time else pl.repeat(0.0, events.height, eager=True),
            _CODE: events[code] if code else pl.repeat("", events.height, eager=True),
        }
    )
    who = frame.join(number, on=key, how="inner").select(_WHO, _TIME, _CODE)
    return _Side(len(patients), who)


def _amounts(series: pl.Series) -> pl.Series:
    """Times as numbers: days, or seconds of date and time; NaN and half-told dates are missing."""
    if series.dtype == pl.String:
        series = series.str.to_date("%Y-%m-%d", strict=False)
    if series.dtype == pl.Date:
        series = series.cast(pl.Int32)
    if isinstance(series.dtype, pl.Datetime):
        series = series.cast(pl.Datetime("us")).cast(pl.Int64) / 1_000_000
    return series.cast(pl.Float64).fill_nan(None)


def _dealt(side: _Side, rng: np.random.Generator) -> _Side:
    """The same events of other people."""
    who = rng.integers(0, max(side.patients, 1), side.events.height)
    return _Side(side.patients, side.events.with_columns(pl.Series(_WHO, who)))


def _counts(side: _Side) -> _Cells:
    counts = np.bincount(side.events[_WHO].to_numpy(), minlength=side.patients)
    return _Cells(np.minimum(counts, MOST_EVENTS), np.arange(side.patients), side.patients)


Told = tuple[pl.Series, Rows, int]
"""Values, whose each is, and the number of people."""


def _successive(side: _Side, told: str) -> pl.DataFrame:
    """Every event that another one of the person follows, ``next`` that one's column."""
    ordered = side.events.drop_nulls([_TIME, told]).sort(_WHO, _TIME, _CODE)
    return ordered.with_columns(pl.col(told).shift(-1).over(_WHO).alias("next")).drop_nulls("next")


def _gaps(side: _Side) -> Told:
    frame = _successive(side, _TIME)
    return frame["next"] - frame[_TIME], frame[_WHO].to_numpy(), side.patients


def _pairs(side: _Side) -> Told:
    frame = _successive(side, _CODE)
    return frame[_CODE] + "\0" + frame["next"], frame[_WHO].to_numpy(), side.patients


def _numbered(sides: list[Told]) -> list[_Cells]:
    """The values of all sides by their places among all of them, which rise."""
    values = pl.concat([values for values, _, _ in sides])
    places = values.rank("dense").cast(pl.Int64).to_numpy() - 1
    ends = np.cumsum([len(values) for values, _, _ in sides])[:-1]
    parts = np.split(places, ends)
    return [_Cells(part, who, people) for part, (_, who, people) in zip(parts, sides, strict=True)]


def _most_frequent(cells: _Cells) -> Rows:
    counts = np.bincount(cells.cell)
    return np.argsort(-counts, kind="stable")[: min(PAIRS, np.count_nonzero(counts))]


def _merged(cells: _Cells, frequent: Rows) -> _Cells:
    """The frequent ones by their places, all others as one more."""
    places = np.full(max(int(cells.cell.max(initial=0)), int(frequent.max())) + 1, len(frequent))
    places[frequent] = np.arange(len(frequent))
    return _Cells(places[cells.cell], cells.who, cells.people)
