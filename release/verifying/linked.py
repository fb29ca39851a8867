"""Several tables of one release, literally: events as they are released, and what may be known of them.

Whoever knows some of a person's events knows of each its table and its quasi-identifiers, and how often it
happened. So events that are alike count as the first, the second, … of their kind, each a code of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import polars as pl

from anonymizer.criteria import DistinctLDiversity, KAnonymity, KMAnonymity, MaxRisk
from anonymizer.errors import VerificationFailed
from release.verifying.cells import check_levels, every_row
from release.verifying.promise import Promise
from release.verifying.recount import EVENTS, PERSON, key, keys_of
from release.verifying.retime import retimed
from release.verifying.verdicts import known_events

Events = Mapping[str, pl.DataFrame]
"""By table its events: the ``person`` they are about, then the columns."""
_ROW, _TOKEN, _PLACE, _LEFT = "\0row", "\0token", "\0place", "\0left"
_AS_TEXT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)


@dataclass(frozen=True, slots=True)
class Known:
    """What may be known of somebody's events: up to ``m``, each by its table's ``quasi``-identifiers."""

    quasi: Mapping[str, Sequence[str]]
    m: int


def check_linked(promise: Promise) -> None:
    """Raise ``VerificationFailed`` where several tables are promised in a way that none of this can check."""
    if not promise.events:
        return
    table = promise.table
    if table.subject is None or table.frame[table.subject].is_duplicated().any():
        raise VerificationFailed("events are linked to people who have several rows, or none")
    names = {column.name for each in (table, *promise.events.values()) for column in each.released}
    if names & {PERSON, EVENTS} or promise.table_name in promise.events:
        raise VerificationFailed("a column or table has a name that linked tables need")
    known = KAnonymity | MaxRisk | KMAnonymity | DistinctLDiversity
    if not all(isinstance(criterion, known) for criterion in promise.criteria):
        raise VerificationFailed("a criterion is promised that says nothing of people with events")
    if promise.suppressed != "drop" or promise.private or promise.groupings or promise.recoding:
        raise VerificationFailed("linked tables are promised together with what changes people's rows")
    for name in promise.events:
        _check_events(promise.of_events(name), table.subject)
    known_in(promise)


def _check_events(promise: Promise, subject: str) -> None:
    if promise.table.subject != subject or subject in {column.name for column in promise.table.released}:
        raise VerificationFailed("a table of events does not name people as the patients' table does")
    for column in promise.table.quasi_identifiers:
        if column.min_level != column.max_level:
            raise VerificationFailed("a column of events has no fixed level", column=column.name)
    check_levels(promise)


def known_in(promise: Promise) -> Known:
    """What may be known of events; raises ``VerificationFailed`` where no criterion is about them."""
    if (asked := known_events(promise.criteria)) is None:
        raise VerificationFailed("no criterion, or more than one, says what is known of events")
    quasi = {name: [c.name for c in table.quasi_identifiers] for name, table in promise.events.items()}
    return Known(quasi, asked[1])


def released_events(promise: Promise) -> dict[str, pl.DataFrame]:
    """Every event of the patients as it is released if none is left out; a person is the row's number."""
    patients = promise.table
    if not promise.events or patients.subject is None:
        return {}
    subject = patients.frame.get_column(patients.subject)
    numbers = pl.DataFrame({"subject": subject, PERSON: pl.int_range(len(subject), eager=True)})
    events = {}
    for name in promise.events:
        one = promise.of_events(name)
        who = one.table.frame.select(subject=subject.name).join(
            numbers, on="subject", how="left", maintain_order="left"
        )
        rows = every_row(one, retimed(one.table, one.timing, beginning=patients))
        events[name] = pl.DataFrame([who[PERSON], *rows]).drop_nulls(PERSON)
    return events


def known_of(people: pl.Series, events: Events, known: Known) -> pl.Series:
    """For each of the ``people`` the set of what may be known of their events, as lists of text."""
    numbers = pl.DataFrame({PERSON: people.cast(pl.String)}).with_row_index(_ROW)
    held = [pl.DataFrame(schema={_ROW: numbers.schema[_ROW], _TOKEN: pl.String})]
    for name, frame in events.items():
        quasi = list(known.quasi[name])
        rows = frame.select(pl.col(PERSON).cast(pl.String), *quasi).join(numbers, on=PERSON)
        often = rows.group_by(_ROW, *quasi).agg(pl.len().clip(None, known.m).alias(_PLACE))
        kinds = often.with_columns(pl.int_ranges(1, pl.col(_PLACE) + 1).alias(_PLACE)).explode(_PLACE)
        held.append(_with_tokens(kinds, name, quasi).select(_ROW, _TOKEN))
    sets = pl.concat(held).group_by(_ROW).agg(pl.col(_TOKEN).sort())
    return numbers.join(sets, on=_ROW, how="left", maintain_order="left")[_TOKEN].alias(EVENTS)


def _with_tokens(kinds: pl.DataFrame, table: str, quasi: list[str]) -> pl.DataFrame:
    """The rows with the text that stands for a table, its quasi-identifiers and a number."""
    distinct = kinds.select(*quasi, _PLACE).unique()
    texts = [_AS_TEXT.encode([table, *row]) for row in distinct.iter_rows()]
    tokens = distinct.with_columns(pl.Series(_TOKEN, texts, dtype=pl.String))
    return kinds.join(tokens, on=[*quasi, _PLACE], how="left", nulls_equal=True)


def remaining(
    events: Events, classes: pl.DataFrame, removed: pl.DataFrame, known: Known
) -> dict[str, pl.DataFrame]:
    """The events of the people of ``classes`` less what is recorded as ``removed`` from their class.

    ``classes`` holds each ``person`` and the labels ``q0``, ``q1``, … of its class; ``removed`` such labels
    and a ``code``. Whoever loses the i-th of some events that are alike keeps the first i - 1, in the order
    of SHA-256 of their cells, which prefers no value.

    Raises:
        VerificationFailed: a code stands for no event.
    """
    text = classes.select(PERSON, pl.exclude(PERSON).cast(pl.String))
    # Without any quasi-identifier everybody is of one class, which no label names.
    of_class = removed if keys_of(removed) else removed.with_columns(pl.lit("*").alias(key(0)))
    read = _read_codes(of_class, known.quasi)
    return {
        name: _less(
            frame.join(text.select(PERSON), on=PERSON, how="semi"), text, read[name], list(known.quasi[name])
        )
        for name, frame in events.items()
    }


def _read_codes(removed: pl.DataFrame, quasi: Mapping[str, Sequence[str]]) -> dict[str, pl.DataFrame]:
    """By table how many of which events are ``left`` in which class: its labels, and the events' ``l0`` …"""
    keys = keys_of(removed)
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in quasi}
    for *labels, code in removed.select(*keys, "code").iter_rows():
        table, *cells, place = _read_code(code)
        if (
            len(cells) != len(quasi.get(table, ()))
            or table not in quasi
            or type(place) is not int
            or place < 1
        ):
            raise VerificationFailed("a removed code stands for no event")
        rows[table].append((*labels, *cells, place - 1))
    found = {}
    for name, of_table in rows.items():
        cells = [f"l{i}" for i in range(len(quasi[name]))]
        schema = {**dict.fromkeys([*keys, *cells], pl.String), _LEFT: pl.Int64}
        frame = pl.DataFrame(of_table, schema=schema, orient="row")
        found[name] = frame.group_by(*keys, *cells).agg(pl.col(_LEFT).min())
    return found


def _read_code(code: str) -> list[Any]:
    try:
        cells = json.loads(code)
    except ValueError:
        cells = None
    if not isinstance(cells, list) or len(cells) < 2:
        raise VerificationFailed("a removed code stands for no event")
    return cells


def _less(frame: pl.DataFrame, people: pl.DataFrame, removed: pl.DataFrame, quasi: list[str]) -> pl.DataFrame:
    """A table's events less those that are not among the first that are left of their kind."""
    labels = {f"l{i}": pl.col(name).cast(pl.String) for i, name in enumerate(quasi)}
    keys = [name for name in people.columns if name != PERSON]
    rows = frame.with_row_index(_PLACE).with_columns(**labels).join(people, on=PERSON)
    touched = rows.join(removed, on=[*keys, *labels], nulls_equal=True)
    digests = [_digest(row) for row in touched.select(frame.columns[1:]).iter_rows()]
    ordered = touched.with_columns(pl.Series("digest", digests, dtype=pl.String)).sort("digest")
    beyond = pl.int_range(pl.len()).over(PERSON, *labels) >= pl.col(_LEFT)
    gone = ordered.filter(beyond).select(_PLACE)
    return frame.with_row_index(_PLACE).join(gone, on=_PLACE, how="anti").drop(_PLACE)


def _digest(cells: tuple[Any, ...]) -> str:
    return sha256(_AS_TEXT.encode(list(cells)).encode()).hexdigest()
