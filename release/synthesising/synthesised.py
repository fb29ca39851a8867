"""A synthetic table of a run: drawn, staged and verified; and what attacks on it are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.errors import SynthesisFailed
from anonymizer.seeds import spawned
from anonymizer.tables.table import Table
from release.config.root import Config
from release.describing.comparing import in_words
from release.files import tables
from release.files.staging import Staging
from release.synthesising.histories import histories
from release.synthesising.holding_out import TWIN_SHARE, drawn
from release.synthesising.learning import Learned, learned, named_in
from release.synthesising.making import Made, Maker, made, made_with_events, maker, refitted
from release.verifying.synthetic import (
    DrawnEvents,
    SyntheticPromise,
    VerifiedSynthetic,
    verify_synthetic,
)
from release.verifying.verify import VerifiedRelease
from risk.attacks.shadows import Refit
from risk.comparison import Comparison
from synth.dispatch import Report
from synth.longitudinal.histories import PATIENTS, PERSON, Histories
from synth.variables import Training

NAME = "synthetic_{table}"


@dataclass(frozen=True, slots=True)
class Twin:
    """A table made the same way of four fifths of the people; ``out`` (bool) are the rows of the others."""

    made: Made
    out: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Synthesised:
    """A verified synthetic table, how it was ``made``, and what was ``learned`` from; a ``twin`` if asked."""

    verified: VerifiedSynthetic
    how: Maker
    made: Made
    learned: Learned
    twin: Twin | None = None
    histories: Histories | None = None

    def comparison(self, *, first: bool = False) -> Comparison:
        """The attacked table, or the ``first`` model's, beside the people; the twin's if there is one."""
        source = self.made if self.twin is None else self.twin.made
        released = source.first if first else self._attacked
        assert released is not None
        whole, told = self._people(), in_words(released, days=True)
        attributes = self.how.attributes(told)
        if self.twin is None:
            return replace(whole, released=told, attributes=attributes)
        inside, outside = (pl.Series(part) for part in (~self.twin.out, self.twin.out))
        return replace(
            whole,
            attributes=attributes,
            released=told,
            original=whole.original.filter(inside),
            base=whole.base.filter(inside),
            people=whole.people[~self.twin.out],
            shown=whole.shown[~self.twin.out],
            holdout=whole.original.filter(outside),
            holdout_people=whole.people[self.twin.out],
        )

    @property
    def told(self) -> dict[str, object]:
        """What the house is told of the making: counts and settings, no cell."""
        asked = self.how.synthesis
        return {
            "method": asked.method,
            "fit_on": asked.fit_on,
            "rows": self.verified.frame.height,
            "rows_learned_from": self.learned.training.frame.height,
            "filter": "cone" if asked.filters else "none",
            "distil": asked.distil,
            **self.made.told,
        }

    @property
    def courses(self) -> tuple[dict[str, pl.DataFrame], dict[str, pl.DataFrame], dict[str, str]]:
        """Patients and events that were learned from, those that were drawn, and each table's times."""
        told, drawn_tables = self.histories, self.verified.frames
        if told is None:
            return {}, {}, {}
        events = {name: _owned(each.training) for name, each in told.events.items()}
        names = {NAME.format(table=name): name for name in (PATIENTS, *events)}
        released = {names[name]: frame for name, frame in drawn_tables.items()}
        times = {name: each.time for name, each in told.events.items() if each.time is not None}
        return {PATIENTS: _owned(told.patients), **events}, released, times

    @property
    def refit(self) -> Refit:
        """Makes rows of other rows as these were made."""
        return refitted(self.how, self.learned.training)

    @property
    def _attacked(self) -> pl.DataFrame:
        return self.verified.frame if self.twin is None else self.twin.made.frame

    def _people(self) -> Comparison:
        found = self.learned
        words = in_words(found.everyone, days=True)
        return Comparison(
            "synthetic",
            self.how.attributes(words),
            words,
            words,
            found.base,
            found.people,
            found.shown,
            None if found.held_out is None else in_words(found.held_out, days=True),
            found.held_out_people,
        )


def synthesise(
    config: Config, verified: VerifiedRelease, held_out: Table | None, report: Report | None = None
) -> Synthesised:
    """The synthetic table that the config asks for, staged beside the anonymised one.

    Raises:
        SynthesisFailed, BadConfig, ComponentMissing: as ``making.made``.
        VerificationFailed: what was staged is not what was drawn.
    """
    found = learned(config, verified, held_out)
    if not found.training.frame.height:
        raise SynthesisFailed("the table that is to be learned from has no rows")
    types = tables.types(found.training.frame)
    how = maker(config, verified.promise.table.released, types, report)
    rng = spawned(config.seed, "synthesis")
    told = histories(verified, found.training.k, named_in(config)) if verified.events else None
    rows = made(how, found.training, rng) if told is None else made_with_events(how, told, rng)
    twin = _twin(config, how, found) if config.risk.holdout == "twin" else None
    staged = _staged(verified.staging, _promise(verified, how, rows, found, told))
    return Synthesised(staged, how, rows, found, twin, told)


def _owned(training: Training) -> pl.DataFrame:
    return training.frame.with_columns(pl.Series(PERSON, training.people).cast(pl.String))


def _promise(
    verified: VerifiedRelease, how: Maker, rows: Made, found: Learned, told: Histories | None
) -> SyntheticPromise:
    return SyntheticPromise(
        name=NAME.format(table=verified.promise.table_name),
        formats=verified.promise.formats,
        rows=how.rows(found.training),
        recipe=how.recipe,
        training=found.training,
        columns=how.columns,
        fit_on=how.synthesis.fit_on,
        frame=rows.frame,
        is_filtered=how.synthesis.filters,
        is_distilled=how.synthesis.distil,
        events={} if told is None else dict(_events(verified, rows, told)),
    )


def _events(verified: VerifiedRelease, rows: Made, told: Histories) -> Iterator[tuple[str, DrawnEvents]]:
    for name, events in told.events.items():
        columns = tuple(verified.promise.events[name].released)
        times = tuple(each for each in (events.time, *events.beside) if each is not None)
        drawn_events = DrawnEvents(events.training, columns, rows.events[name], times)
        yield NAME.format(table=name), drawn_events


def _staged(staging: Staging, promise: SyntheticPromise) -> VerifiedSynthetic:
    for name, frame in promise.frames.items():
        tables.write(frame, staging.data, name, promise.formats)
    return verify_synthetic(staging, promise)


def _twin(config: Config, how: Maker, found: Learned) -> Twin:
    """The same making without a fifth of the people, who were drawn by the run's seed."""
    out = drawn(found.people, TWIN_SHARE, spawned(config.seed, "twin's holdout"))
    learns = found.shown & ~out
    if not learns.any() or not out.any():
        raise SynthesisFailed("there are too few people for a twin")
    own = replace(found.training, frame=found.everyone.filter(pl.Series(learns)), people=found.people[learns])
    # The attacked table is as large as the released one; more rows would tell more.
    asked = how.synthesis.model_copy(update={"rows": how.rows(found.training)})
    rng = spawned(config.seed, "twin")
    return Twin(made(replace(how, synthesis=asked), own, rng), out)
