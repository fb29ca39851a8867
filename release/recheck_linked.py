"""What anybody can check of several tables that are linked by a key: the key, and what is known of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import polars as pl

from anonymizer.errors import VerificationFailed
from release.describing import datapackage
from release.describing.manifest import CriterionEntry, TableEntry
from release.files.fhir import is_fhir
from release.verifying.criterion_entries import criterion_of
from release.verifying.linked import Known, known_of
from release.verifying.people import check_keys
from release.verifying.recount import EVENTS, PERSON
from release.verifying.verdicts import known_events

Frames = Mapping[str, pl.DataFrame]


def with_known(
    tables: Sequence[TableEntry], frames: Frames, package: datapackage.Package
) -> dict[str, pl.DataFrame]:
    """The tables, that of people with a list of what may be known of their events; others as they are.

    Raises:
        VerificationFailed: tables are not linked by people's keys, all of them and as the papers say, or
            nothing is promised of what may be known of events.
    """
    _check_drawn([table for table in tables if table.kind == "synthetic"], frames)
    real = [table for table in tables if table.kind == "anonymised"]
    if not real or (len(real) == 1 and not _is_linked(real[0])):
        return dict(frames)
    people, events = _sorted_out(real)
    check_keys(frames[people.name][PERSON], {table.name: frames[table.name] for table in events})
    _check_package(people, package)
    if (asked := known_of_events(people.criteria)) is None:
        raise VerificationFailed("no criterion, or more than one, says what is known of events")
    known = Known({table.name: _quasi(table) for table in events}, asked[1])
    rows = frames[people.name]
    if EVENTS in rows.columns:
        raise VerificationFailed("a column has a name that linked tables need")
    told = known_of(rows[PERSON], {table.name: frames[table.name] for table in events}, known)
    return {**frames, people.name: rows.with_columns(told)}


def _check_drawn(tables: Sequence[TableEntry], frames: Frames) -> None:
    """Raise ``VerificationFailed`` unless synthetic tables are one, or several that keys link."""
    linked = [table for table in tables if _is_linked(table)]
    if not linked and len(tables) < 2:
        return
    if len(linked) < len(tables):
        raise VerificationFailed("the manifest's synthetic tables are not linked by people's keys")
    people, *events = (frames[table.name] for table in tables)
    check_keys(people[PERSON], {str(place): frame for place, frame in enumerate(events)})


def known_of_events(entries: Sequence[CriterionEntry]) -> tuple[int, int] | None:
    """The position of the criterion about all events together, and how many are known; None without it."""
    return known_events([criterion_of(each.name, each.column, each.parameters) for each in entries])


def _is_linked(table: TableEntry) -> bool:
    return table.linked_by is not None or any(column.role == "key" for column in table.columns)


def _sorted_out(tables: Sequence[TableEntry]) -> tuple[TableEntry, list[TableEntry]]:
    """The table of people, and those of their events."""
    for table in tables:
        keys = [column.name for column in table.columns if column.role == "key"]
        if not (table.linked_by == table.columns[0].name == PERSON and keys == [PERSON]):
            raise VerificationFailed("the manifest's tables are not linked by people's keys")
    people = [table for table in tables if table.row_is_person]
    events = [table for table in tables if not table.row_is_person]
    if len(people) != 1 or not events or any(table.criteria for table in events):
        raise VerificationFailed("the manifest does not tell one table of people from those of their events")
    return people[0], events


def _check_package(people: TableEntry, package: datapackage.Package) -> None:
    for resource in (each for each in package.resources if not is_fhir(each.path)):
        path = PurePosixPath(resource.path)
        table = datapackage.Described(path.stem, (), PERSON, people.name)
        told = resource.schema
        expected = datapackage.keys_of(table, resource.format)
        if (told.primary_key, told.foreign_keys) != (expected.primary_key, expected.foreign_keys):
            raise VerificationFailed("datapackage.json does not link the tables as the manifest does")


def _quasi(table: TableEntry) -> list[str]:
    is_quasi = (column.released and "quasi-identifier" in column.role.split(", ") for column in table.columns)
    return [column.name for column, quasi in zip(table.columns, is_quasi, strict=True) if quasi]
