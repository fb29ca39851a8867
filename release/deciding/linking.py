"""The tables of events beside the table of people: what the search counts of them, and what is released."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from anonymizer.criteria import Criterion, KMAnonymity
from anonymizer.tables.table import EVENTS, Table
from anonymizer.transforming.linking import Histories, histories, linked, with_events
from anonymizer.transforming.transformation import Transformed
from release.config.root import Config
from release.intake.source import Source


@dataclass(frozen=True, slots=True)
class Released:
    """The frames to write, by the names of their tables, and what left which class."""

    frames: Mapping[str, pl.DataFrame]
    removed_codes: Mapping[str, pl.DataFrame]


def histories_of(config: Config, dated: Source) -> Histories:
    """The events as they are released if nobody has to lose any, by table; empty where there is one table.

    Raises ``BadInput`` for values outside a hierarchy.
    """
    return histories(dated.events, known_events(config.criteria).m) if dated.events else {}


def beside(table: Table, told: Histories) -> Table:
    """The table to be counted or generalised: of people, with the code sets of their events if any."""
    return with_events(table, told) if told else table


def released(source: Source, told: Histories, done: Transformed, criteria: Sequence[Criterion]) -> Released:
    """The tables to be released: one, or that of people and those of events with a key of their own."""
    if not told:
        return Released({source.name: done.frame}, done.removed_codes)
    tables = linked(source.table, done.frame, told, done.removed_codes[EVENTS], criteria)
    frames = {source.name: tables.people, **tables.events}
    return Released(frames, {**done.removed_codes, EVENTS: tables.removed})


def known_events(criteria: Sequence[Criterion]) -> KMAnonymity:
    """The demand on what is known of people's events."""
    return next(c for c in criteria if isinstance(c, KMAnonymity) and c.column == EVENTS)
