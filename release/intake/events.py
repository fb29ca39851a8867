"""From an export's tables of events to tables with roles, as the table of patients gets them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import polars as pl

from anonymizer.errors import BadInput
from anonymizer.tables import values
from anonymizer.tables.table import Column, Role, Table
from release.config.root import Config
from release.intake.event_columns import EventTables
from release.intake.spelling import canonical, unknown_codes
from release.intake.validity import Found, partners, terms_of_events, valid

SUBJECT = Column("patient_id", Role.IDENTIFIER)


def wanted(events: EventTables) -> dict[str, frozenset[str]]:
    """The columns to be read of each table: those with a role, and those that these are compared with."""
    names = {table: [column.name for column in columns] for table, columns in events.columns.items()}
    return {table: frozenset(own) | partners(own) for table, own in names.items()}


def tables_of(
    config: Config, frames: Mapping[str, pl.DataFrame], events: EventTables
) -> tuple[dict[str, Table], Found]:
    """The tables of events, and how much of each ``<table>.<column>`` cannot be.

    Quasi-identifiers are in canonical form; every row names its patient.

    Raises:
        BadInput: values outside a hierarchy, or impossible dates that `time` changes (column and count).
    """
    tables: dict[str, Table] = {}
    found: Found = {}
    for name, columns in events.columns.items():
        with _of_table(name):
            tables[name], own = _table(config, name, frames[name], columns)
        found |= {f"{name}.{column}": counts for column, counts in own.items()}
    return tables, found


def codes_outside_blocks(tables: Mapping[str, Table]) -> dict[str, int]:
    """By ``<table>.<column>``, the ICD-10-GM codes that lie outside every known block."""
    return {
        f"{name}.{column}": count
        for name, table in tables.items()
        for column, count in unknown_codes(table).items()
    }


def _table(
    config: Config, name: str, frame: pl.DataFrame, columns: tuple[Column, ...]
) -> tuple[Table, Found]:
    own = (SUBJECT, *columns)
    cells = pl.DataFrame([canonical(frame[each.name], each, SUBJECT.name) for each in own])
    possible, found = valid(terms_of_events(config, name), cells, own, whole=frame)
    for column in columns:
        _refuse_outside(possible[column.name], column)
    return Table(possible, own, SUBJECT.name), found


def _refuse_outside(cells: pl.Series, column: Column) -> None:
    """Raise ``BadInput`` for values outside the column's hierarchy."""
    if column.hierarchy is None:
        return
    try:
        column.hierarchy.generalise(values.canonical(cells.unique()).drop_nulls().to_list())
    except BadInput as error:
        raise error.about(column.name) from None


@contextmanager
def _of_table(name: str) -> Iterator[None]:
    """Errors about a column name its table too."""
    try:
        yield
    except BadInput as error:
        raise error.about(f"{name}.{error.column}" if error.column else name) from None
