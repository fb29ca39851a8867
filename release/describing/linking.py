"""The linked tables of a release, for its reports: as they are released, and what became of their events."""

from __future__ import annotations

import polars as pl

from anonymizer.criteria import KMAnonymity
from anonymizer.tables.table import EVENTS, PERSON
from release.describing.treatment import released_columns
from release.files import tables
from release.verifying.verify import VerifiedRelease
from risk import EventAccount, KnownEvents, LinkedTable


def linked_tables(verified: VerifiedRelease) -> tuple[LinkedTable, ...]:
    """The tables of events as they are released; none in a one-table release."""
    return tuple(
        LinkedTable(name, frame, released_columns(verified.promise.of_events(name), tables.types(frame)))
        for name, frame in verified.events.items()
    )


def known_events(verified: VerifiedRelease) -> KnownEvents | None:
    """What is known of released people's events, and how few people match; None in a one-table release."""
    if verified.fewest is None:
        return None
    asked = next(c for c in verified.promise.criteria if isinstance(c, KMAnonymity) and c.column == EVENTS)
    return KnownEvents(asked.k, asked.m, verified.fewest.to_numpy())


def accounts(verified: VerifiedRelease) -> tuple[EventAccount, ...]:
    """What became of each table's events: for the house alone."""
    return tuple(_account(verified, name) for name in verified.events)


def _account(verified: VerifiedRelease, name: str) -> EventAccount:
    given, told = verified.promise.events[name], verified.events[name]
    subject = given.subject
    if subject is None:
        raise ValueError("a table of events has no column that names the person")
    owners = given.frame[subject]
    # Evidence tells people by their row in the table of people, where nobody has two.
    people = verified.promise.table.frame[subject].gather(verified.evidence[PERSON].cast(pl.UInt32))
    theirs = int(owners.is_in(people.implode()).sum())
    return EventAccount(
        name,
        rows_in=len(owners),
        rows_out=told.height,
        removed=theirs - told.height,
        people_in=owners.n_unique(),
        people_out=told[PERSON].n_unique(),
    )
