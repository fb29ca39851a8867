"""From the config's input to a table with roles, and what is known about where it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, assert_never

import polars as pl

import mii
from anonymizer.errors import BadConfig, BadInput
from anonymizer.tables import values
from anonymizer.tables.reading import read_table
from anonymizer.tables.table import Column, Role, Table
from mii.writing import require_writable
from release.config.root import Config
from release.config.sections import MiiInput, TableInput
from release.intake.births import cut_births
from release.intake.columns import column_types, resolve
from release.intake.declarations import declarations
from release.intake.dependencies import refuse_dependencies
from release.intake.event_columns import event_tables
from release.intake.events import codes_outside_blocks, tables_of, wanted
from release.intake.spelling import canonical, of_column, unknown_codes
from release.intake.validity import Found, days_of_text, in_iso_form, partners, terms_of, together, valid


@dataclass(frozen=True, slots=True)
class Source:
    """The table a run starts from; ``consent`` is the statement that goes into the manifest.

    ``name`` names the released data files; it is never taken from the input's file name, which may name a
    person. ``audit`` holds what reading counted, for the house alone. ``events`` are the further tables:
    their rows tell what happened to people. ``untold`` are columns that the export holds nothing to make of.
    """

    table: Table
    name: str
    consent: str
    audit: Mapping[str, object]
    events: Mapping[str, Table] = field(default_factory=dict)
    untold: tuple[str, ...] = ()

    @property
    def files_ignored(self) -> int:
        """The files of an export that were passed over, as no part of it."""
        ignored = self.audit.get("files_ignored", 0)
        return ignored if isinstance(ignored, int) else 0


def read(config: Config, report: Callable[[int, int], None] = lambda done, total: None) -> Source:
    """The table of the config's input; ``report`` is told the bytes read and their total.

    Raises:
        BadInput, InputMissing, ConsentMissing: the input can't be used.
        BadConfig: the config does not fit the table.
    """
    match config.input.source:
        case MiiInput() as source:
            return _from_export(config, source, report)
        case TableInput() as source:
            return _from_table(config, source)
        case unknown:
            assert_never(unknown)


def _from_export(config: Config, source: MiiInput, report: Callable[[int, int], None]) -> Source:
    observations = {name: mii.Observation(o.loinc, o.unit) for name, o in source.observations.items()}
    declared = declarations(config, source)
    available = (*mii.available(observations, config.columns), *declared.names)
    families = (*mii.FAMILIES, *declared.families(observations))
    asked = event_tables(config)
    columns = resolve(config, available, families=families, kinds=declared.kinds, events=asked)
    if "fhir" in config.output.formats:
        released = [column.name for column in columns if column.role is not Role.IDENTIFIER]
        require_writable({"patients": released, **wanted(asked)})
    request = mii.MiiRequest(
        row=source.row,
        index_encounter=source.index_encounter,
        observations=observations,
        consent_required=source.consent_ignored is None,
        retrospective=source.retrospective,
        reference_date=config.reference_date,
        consent_date=source.consent_date or config.run_date,
        columns=frozenset(names := [column.name for column in columns]) | partners(names),
        declared=declared.columns,
        views=declared.views,
        tables=wanted(asked),
    )
    export = mii.read(source.path, request, effort=mii.Effort(report=report))
    consent = (
        "required; MII Broad Consent checked for every patient"
        if source.consent_ignored is None
        else f"not required: {source.consent_ignored}"
    )
    name = "patients" if source.row == "patient" else "encounters"
    whole, invalid = _table(config, export.frame, columns)
    table, left_out = cut_births(whole)
    events, invalid_events = tables_of(config, export.tables, asked)
    told = {
        "codes_outside_known_blocks": unknown_codes(table) | codes_outside_blocks(events),
        "impossible_or_malformed": invalid | invalid_events,
        "births_over_89": left_out,
    }
    return Source(table, name, consent, {**export.audit, **told}, events, _untold(export.audit))


def _untold(audit: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns that the export holds nothing to make of, by what reading it tells."""
    return (*audit.get("columns_without_source", ()), *audit.get("table_columns_without_source", ()))


def _from_table(config: Config, source: TableInput) -> Source:
    frame = read_table(
        source.path, delimiter=source.delimiter, encoding=source.encoding, missing=source.missing
    )
    columns = resolve(config, frame.columns)
    frame = frame.with_columns(in_iso_form(config, cells) for cells in frame)
    types = column_types(config, frame.columns)
    malformed: Found = {name: {} for name in types}
    frame = frame.with_columns(
        days_of_text(config, frame[name], malformed) for name, kind in types.items() if kind == "date"
    )
    typed = frame.with_columns(
        of_column(name, partial(_parse, kind=kind, decimal=source.decimal), frame[name])
        for name, kind in types.items()
    )
    table, invalid = _table(config, typed, columns)
    refuse_dependencies(config, table)
    audit = {
        "rows": table.frame.height,
        "codes_outside_known_blocks": unknown_codes(table),
        "impossible_or_malformed": together(malformed, invalid),
    }
    return Source(table, "table", "not checked", audit)


def _table(config: Config, frame: pl.DataFrame, columns: tuple[Column, ...]) -> tuple[Table, Found]:
    """The table in canonical form, and how much of it cannot be; a row that belongs to nobody is refused."""
    subject = config.person_column
    if subject is not None and (nobody := frame[subject].null_count()):
        raise BadInput("rows name no person", column=subject, count=nobody)
    cells = [canonical(frame[column.name], column, subject) for column in columns]
    _refuse_text(config, cells)
    terms = terms_of(config, frame.columns)
    possible, found = valid(terms, pl.DataFrame(cells), columns, whole=frame)
    return Table(possible, columns, subject, _population(config, columns, subject)), found


def _refuse_text(config: Config, columns: Iterable[pl.Series]) -> None:
    """Raise ``BadConfig`` where a column that is to be averaged holds no numbers."""
    for cells in columns:
        if cells.name in config.averaged and not cells.dtype.is_numeric():
            raise BadConfig("microaggregation is for numbers", column=cells.name)


def _population(config: Config, columns: tuple[Column, ...], subject: str | None) -> pl.DataFrame | None:
    """The quasi-identifiers of the population, where one is counted, in canonical form.

    Raises:
        BadInput: a quasi-identifier is no column of it, or it lists a person twice.
    """
    path = config.privacy.population
    if path is None:
        return None
    if (written := config.input.table) is None:
        frame = read_table(path)
    else:
        frame = read_table(
            path, delimiter=written.delimiter, encoding=written.encoding, missing=written.missing
        )
    frame = frame.with_columns(in_iso_form(config, cells) for cells in frame)
    quasi = [column for column in columns if column.role is Role.QUASI_IDENTIFIER]
    if lacking := [column.name for column in quasi if column.name not in frame.columns]:
        raise BadInput(f"the population lacks quasi-identifiers: {', '.join(lacking)}")
    named = subject if subject in frame.columns else None
    if named is not None and (again := frame.height - frame[named].n_unique()):
        raise BadInput("the population lists people more than once", column=named, count=again)
    return pl.DataFrame([canonical(frame[column.name], column, None) for column in quasi])


def _parse(series: pl.Series, *, kind: str, decimal: str) -> pl.Series:
    match kind:
        case "integer":
            return values.parse_integers(series)
        case "number":
            return values.parse_numbers(series, decimal)
        case "date":
            return values.parse_dates(series)
        case "codes":
            return values.parse_codes(series)
        case _:
            return values.parse_booleans(series)
