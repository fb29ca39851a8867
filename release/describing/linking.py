"""The linked tables of a release, for its reports: as they are released, and what became of their events."""

from __future__ import annotations

import polars as pl

from anonymizer.criteria import KMAnonymity
from anonymizer.tables.table import EVENTS, PERSON, Table
from release.describing.treatment import released_columns
from release.files import tables
from release.verifying.promise import Promise
from release.verifying.verify import VerifiedRelease
from risk import EventAccount, Knowledge, KnownEvents, LinkedTable

_OWNER, _CLASS, _FEWEST = "owner", "class", "fewest"


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
    asked = _asked(verified)
    return KnownEvents(asked.k, asked.m, verified.fewest.to_numpy())


def knowledge(verified: VerifiedRelease) -> Knowledge | None:
    """The same of the input's people and of the released ones; for the house alone."""
    after = known_events(verified)
    if after is None:
        return None
    fewest = _by_one_kind(verified.promise, after.m)
    return Knowledge(KnownEvents(after.k, after.m, fewest.to_numpy()), after)


def _asked(verified: VerifiedRelease) -> KMAnonymity:
    criteria = verified.promise.criteria
    return next(c for c in criteria if isinstance(c, KMAnonymity) and c.column == EVENTS)


def _by_one_kind(promise: Promise, m: int) -> pl.Series:
    """For each person of the input the fewest who share all base values and had one kind of events as often.

    A kind is its base values; more often than ``m`` times is not told apart.
    """
    table = promise.table
    subjects = table.frame[_subject(table)].alias(_OWNER)
    quasi = [table.frame[column.name].alias(f"q{i}") for i, column in enumerate(table.quasi_identifiers)]
    classes = pl.DataFrame([pl.repeat("*", len(subjects), eager=True).alias("q"), *quasi])
    numbers = classes.unique().with_row_index(_CLASS)
    people = classes.join(numbers, on=classes.columns, how="left", nulls_equal=True, maintain_order="left")
    people = people.select(subjects, _CLASS)
    least = [people.select(_OWNER, pl.len().over(_CLASS).alias(_FEWEST))]
    least += [_sharing(each, people, m) for each in promise.events.values()]
    together = pl.concat(each.cast({_FEWEST: pl.Int64}) for each in least)
    return together.group_by(_OWNER).agg(pl.col(_FEWEST).min())[_FEWEST]


def _sharing(events: Table, people: pl.DataFrame, m: int) -> pl.DataFrame:
    """Per person and kind of events how many of the class had it as often."""
    kinds = [events.frame[column.name].alias(f"l{i}") for i, column in enumerate(events.quasi_identifiers)]
    rows = pl.DataFrame([events.frame[_subject(events)].alias(_OWNER), *kinds])
    often = (
        rows.group_by(rows.columns).agg(pl.len().clip(upper_bound=m).alias("often")).join(people, on=_OWNER)
    )
    shared = pl.col("often").rank("max", descending=True).over(_CLASS, *rows.columns[1:])
    return often.select(_OWNER, shared.alias(_FEWEST))


def _subject(table: Table) -> str:
    if table.subject is None:
        raise ValueError("linked tables have a column that names the person")
    return table.subject


def accounts(verified: VerifiedRelease) -> tuple[EventAccount, ...]:
    """What became of each table's events: for the house alone."""
    return tuple(_account(verified, name) for name in verified.events)


def _account(verified: VerifiedRelease, name: str) -> EventAccount:
    given, told = verified.promise.events[name], verified.events[name]
    subject = _subject(given)
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
