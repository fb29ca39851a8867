"""Columns of an input in canonical form: one spelling for one value."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from anonymizer.errors import AnonError
from anonymizer.hierarchies.dates import Dates
from anonymizer.hierarchies.hierarchy import Bands, Hierarchy
from anonymizer.tables import values
from anonymizer.tables.table import Column, Role, Table
from mii.codesystems import Icd10Gm, canonical_icd_10_gm


def canonical(series: pl.Series, column: Column, subject: str | None) -> pl.Series:
    """The cells in canonical form: of a quasi-identifier and of the ``subject`` as text, of others as typed.

    Raises ``BadInput`` for NaN, infinity and nested values (column and count).
    """
    cells = _one_spelling(series, column.hierarchy)
    if column.role is Role.QUASI_IDENTIFIER or column.name == subject:
        return of_column(column.name, values.canonical, cells)
    if cells.dtype.is_float():
        return of_column(column.name, values.finite, cells)
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


def unknown_codes(table: Table) -> dict[str, int]:
    """By column, the ICD-10-GM codes that have a valid shape and lie outside every known block."""
    return {
        column.name: column.hierarchy.unknown(_cells(table.frame[column.name]))
        for column in table.released
        if isinstance(column.hierarchy, Icd10Gm)
    }


def _cells(series: pl.Series) -> pl.Series:
    cells = series.explode() if isinstance(series.dtype, pl.List) else series
    return cells.drop_nulls()


def of_column(name: str, convert: Callable[[pl.Series], pl.Series], series: pl.Series) -> pl.Series:
    """What ``convert`` makes of a column; its errors say which column it is."""
    try:
        return convert(series).alias(name)
    except AnonError as error:
        raise error.about(name) from None
