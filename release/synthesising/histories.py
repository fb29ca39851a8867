"""Patients and their events as a longitudinal synthesiser learns them, of a verified release of tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from anonymizer.tables.table import PERSON, Column, Role
from release.config.tables import DATES
from release.files import tables
from release.synthesising.columns import NOTHING_NAMED, Named, variables
from release.verifying.promise import Promise
from release.verifying.verify import VerifiedRelease
from synth.longitudinal.histories import Events, Histories
from synth.variables import Training, Variable

BEGINNINGS = (
    *("admission_date", "performed_date", "effective_date", "start_date", "recorded_date"),
    *("onset_date", "discharge_date"),
)
"""Dates of events, the one that says when an event was first."""
_MISSING = "\1"


def histories(verified: VerifiedRelease, k: int, named: Named = NOTHING_NAMED) -> Histories:
    """What is learned from the released tables, in which k people must have what is to be learned.

    The time of a table is its first kept date in the order of ``BEGINNINGS``; its other kept dates are
    learned as days since it. A date that is a quasi-identifier is a label as others are. The keys of people,
    which are others in every run, make no difference.
    """
    promise = verified.promise
    number = _numbers(verified.frame, verified.events)
    patients = _training(promise, verified.frame, number, k, named)
    order = np.argsort(patients.people)
    return Histories(
        replace(patients, frame=patients.frame[order], people=patients.people[order]),
        {name: _events(promise.of_events(name), verified.events[name], number, k) for name in promise.events},
    )


def _events(promise: Promise, frame: pl.DataFrame, number: pl.DataFrame, k: int) -> Events:
    training = _training(promise, frame, number, k)
    kept = [column.name for column in promise.table.released if _is_kept_date(column, promise)]
    ordered = sorted(kept, key=lambda name: BEGINNINGS.index(name) if name in BEGINNINGS else -1)
    if not ordered:
        return Events(training)
    types = {each.name: each.type for each in training.variables}
    beside = tuple(name for name in ordered[1:] if types[name] == types[ordered[0]])
    return Events(training, ordered[0], beside)


def _is_kept_date(column: Column, promise: Promise) -> bool:
    is_date = column.name in DATES or column.name in promise.timing.columns
    return is_date and column.role is not Role.QUASI_IDENTIFIER and column.release_level is None


def _training(
    promise: Promise, frame: pl.DataFrame, number: pl.DataFrame, k: int, named: Named = NOTHING_NAMED
) -> Training:
    """A released table as it is learned from; days are dates, although they are released as text."""
    cells = frame.drop(PERSON)
    told = variables(promise.table.released, promise.table.frame, tables.types(cells), cells, named)
    dated = tuple(
        Variable(each.name, "date") if each.type == "string" and _is_kept_date(column, promise) else each
        for each, column in zip(told, promise.table.released, strict=True)
    )
    people = frame.select(PERSON).join(number, on=PERSON, how="left", maintain_order="left")["number"]
    return Training(cells, dated, people.to_numpy(), k)


def _numbers(patients: pl.DataFrame, events: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """A number for every key, in the order of all that is released about people.

    Whom nothing tells apart can change places and nothing else changes.
    """
    told = patients.select(PERSON, _line(patients).alias("0"))
    for place, frame in enumerate(events.values(), 1):
        lines = frame.select(PERSON, _line(frame).alias(str(place)))
        together = lines.group_by(PERSON).agg(pl.col(str(place)).sort().str.join("\0"))
        told = told.join(together, on=PERSON, how="left")
    ordered = told.sort(pl.exclude(PERSON))
    return ordered.select(PERSON).with_row_index("number").with_columns(pl.col("number").cast(pl.Int64))


def _line(frame: pl.DataFrame) -> pl.Expr:
    """All cells of a row but its key as one text."""
    cells = [
        (pl.col(name).list.join("\2") if isinstance(dtype, pl.List) else pl.col(name).cast(pl.String))
        for name, dtype in frame.schema.items()
        if name != PERSON
    ]
    return pl.concat_str([cell.fill_null(_MISSING) for cell in cells], separator="\3")
