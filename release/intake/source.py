"""From the config's input to a table with roles, and what is known about where it came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import assert_never

import polars as pl

import mii
from anonymizer.errors import AnonError, BadConfig, BadInput
from anonymizer.hierarchies.dates import Dates
from anonymizer.hierarchies.hierarchy import Bands, Hierarchy
from anonymizer.tables import values
from anonymizer.tables.reading import read_table
from anonymizer.tables.table import Column, Role, Table
from mii.codesystems import Icd10Gm, canonical_icd_10_gm
from release.config.root import Config
from release.config.sections import MiiInput, TableInput
from release.intake.columns import column_types, resolve
from release.intake.declarations import declarations
from release.intake.dependencies import refuse_dependencies
from release.intake.validity import Found, days_of_text, in_iso_form, partners, together, valid


@dataclass(frozen=True, slots=True)
class Source:
    """The table a run starts from; ``consent`` is the statement that goes into the manifest.

    ``name`` names the released data files; it is never taken from the input's file name, which may name a
    person. ``audit`` holds what reading counted, for the house alone. ``events`` are the further tables:
    their rows tell what happened to people.
    """

    table: Table
    name: str
    consent: str
    audit: Mapping[str, object]
    events: Mapping[str, Table] = field(default_factory=dict)


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
    columns = resolve(config, available, families=families, kinds=declared.kinds)
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
    )
    export = mii.read(source.path, request, effort=mii.Effort(report=report))
    consent = (
        "required; MII Broad Consent checked for every patient"
        if source.consent_ignored is None
        else f"not required: {source.consent_ignored}"
    )
    name = "patients" if source.row == "patient" else "encounters"
    table, invalid = _table(config, export.frame, columns)
    told = {"codes_outside_known_blocks": _unknown_codes(table), "impossible_or_malformed": invalid}
    return Source(table, name, consent, {**export.audit, **told})


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
        _of_column(name, partial(_parse, kind=kind, decimal=source.decimal), frame[name])
        for name, kind in types.items()
    )
    table, invalid = _table(config, typed, columns)
    refuse_dependencies(config, table)
    audit = {
        "rows": table.frame.height,
        "codes_outside_known_blocks": _unknown_codes(table),
        "impossible_or_malformed": together(malformed, invalid),
    }
    return Source(table, "table", "not checked", audit)


def _table(config: Config, frame: pl.DataFrame, columns: tuple[Column, ...]) -> tuple[Table, Found]:
    """The table in canonical form, and how much of it cannot be; a row that belongs to nobody is refused."""
    subject = config.person_column
    if subject is not None and (nobody := frame[subject].null_count()):
        raise BadInput("rows name no person", column=subject, count=nobody)
    canonical = [_canonical(frame[column.name], column, subject) for column in columns]
    _refuse_text(config, canonical)
    possible, found = valid(config, pl.DataFrame(canonical), columns, whole=frame)
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
    return pl.DataFrame([_canonical(frame[column.name], column, None) for column in quasi])


def _canonical(series: pl.Series, column: Column, subject: str | None) -> pl.Series:
    cells = _one_spelling(series, column.hierarchy)
    if column.role is Role.QUASI_IDENTIFIER or column.name == subject:
        return _of_column(column.name, values.canonical, cells)
    if cells.dtype.is_float():
        return _of_column(column.name, values.finite, cells)
    return cells


def _one_spelling(series: pl.Series, hierarchy: Hierarchy | None) -> pl.Series:
    """The cells as the hierarchy spells its values; what is none of them stays, for it to refuse.

    Two spellings of one value would count as two values of a sensitive attribute.
    """
    is_text = series.dtype == pl.String
    match hierarchy:
        case Icd10Gm() if is_text:
            return _icd_10_gm(series)
        case Bands() if is_text:
            return _integers(series)
        case Dates() if isinstance(series.dtype, pl.Datetime):
            return series.dt.date()
    return series


def _integers(cells: pl.Series) -> pl.Series:
    """Text of integers without leading zeros, and zero without a sign."""
    return cells.str.replace(r"^(-?)0+([0-9]+)$", "${1}${2}").str.replace(r"^-0$", "0")


def _icd_10_gm(codes: pl.Series) -> pl.Series:
    distinct = codes.unique().drop_nulls().to_list()
    spelled = [canonical_icd_10_gm(code) or code for code in distinct]
    return codes.replace_strict(distinct, spelled, return_dtype=pl.String)


def _unknown_codes(table: Table) -> dict[str, int]:
    """By column, the ICD-10-GM codes that have a valid shape and lie outside every known block."""
    return {
        column.name: column.hierarchy.unknown(_cells(table.frame[column.name]))
        for column in table.released
        if isinstance(column.hierarchy, Icd10Gm)
    }


def _cells(series: pl.Series) -> pl.Series:
    cells = series.explode() if isinstance(series.dtype, pl.List) else series
    return cells.drop_nulls()


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


def _of_column(name: str, convert: Callable[[pl.Series], pl.Series], series: pl.Series) -> pl.Series:
    try:
        return convert(series).alias(name)
    except AnonError as error:
        raise error.about(name) from None
