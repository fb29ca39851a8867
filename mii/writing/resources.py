"""The lines of NDJSON that released tables are in FHIR."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import chain

import msgspec
import polars as pl

from mii.writing import events, labs, persons, stays, tables
from mii.writing.placing import Json, Row

Lines = Iterator[bytes]
_Make = Callable[[str, str, Row], Json]


def resources(
    released: Mapping[str, pl.DataFrame], *, reference_date: date | None = None
) -> Mapping[str, Lines]:
    """The resources of each type as lines with their ends, UTF-8, each made when it is asked for.

    ``released`` are the tables `mii.writing.tables.COLUMNS` (any column may be lacking), each with the
    person's key in ``person``; ``reference_date`` is the day of the ages. The lines are a function of the
    tables' contents alone: neither the order of rows nor that of columns has an influence.

    Raises ``BadConfig`` and ``BadInput`` as `mii.writing.tables.require_conformant` does, before any line.
    """
    tables.require_conformant(released)
    patients = released[tables.PATIENTS]
    found: dict[str, list[Lines]] = {"Patient": [_patients(patients)]}
    if {"age_years", "deceased", "cause_of_death"} & set(patients.columns):
        found["Observation"] = [_observations(patients, reference_date)]
    if "cause_of_death" in patients.columns:
        found["Condition"] = [_causes(patients)]
    for table, (kind, make) in _EVENTS.items():
        if table in released:
            found.setdefault(kind, []).append(_events(table, released[table], make))
    if tables.MEDICATIONS in released:
        found |= {kind: [lines] for kind, lines in _medications(released[tables.MEDICATIONS])}
    return {kind: chain.from_iterable(lines) for kind, lines in sorted(found.items())}


_EVENTS: Mapping[str, tuple[str, _Make]] = {
    tables.STAYS: ("Encounter", stays.encounter),
    tables.DIAGNOSES: ("Condition", events.condition),
    tables.PROCEDURES: ("Procedure", events.procedure),
    tables.LABS: ("Observation", labs.observation),
}
_encode = msgspec.json.Encoder().encode


def _line(resource: Json) -> bytes:
    return _encode(resource) + b"\n"


def _patients(frame: pl.DataFrame) -> Lines:
    for person, row in tables.rows(frame):
        yield _line(persons.patient(person, row))


def _observations(frame: pl.DataFrame, reference_date: date | None) -> Lines:
    for person, row in tables.rows(frame):
        yield from map(_line, persons.observations(person, row, reference_date))


def _causes(frame: pl.DataFrame) -> Lines:
    for person, row in tables.rows(frame):
        yield from map(_line, persons.conditions(person, row))


def _events(table: str, frame: pl.DataFrame, make: _Make) -> Lines:
    for person, identity, row in tables.numbered(table, frame):
        yield _line(make(person, identity, row))


def _medications(frame: pl.DataFrame) -> Iterator[tuple[str, Lines]]:
    """The lines of each of the three types; they share the numbers of a person's medications."""
    for kind in events.KINDS.values():
        yield kind, _of_kind(frame, kind)


def _of_kind(frame: pl.DataFrame, kind: str) -> Lines:
    for person, identity, row in tables.numbered(tables.MEDICATIONS, frame):
        if events.type_of(row) == kind:
            yield _line(events.medication(person, identity, row))
