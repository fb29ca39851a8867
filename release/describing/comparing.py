"""The release beside the people it was made of, for attacks and utility."""

from __future__ import annotations

import numpy as np
import polars as pl

from anonymizer.hierarchies.hierarchy import Bands
from anonymizer.tables.table import Column, Role, Table
from release.verifying.verify import VerifiedRelease
from risk.comparison import Attribute, Comparison, Kind


def compared(verified: VerifiedRelease) -> Comparison:
    """What attacks and utility are measured on; of linked tables, the table of people."""
    table = verified.promise.table
    names = [column.name for column in table.released]
    released = in_words(verified.frame.select(names))
    return Comparison(
        "anonymised",
        tuple(_attribute(column, released.schema[column.name]) for column in table.released),
        released,
        in_words(verified.everyone.select(names)),
        base_values(table),
        table.people.rank("dense").cast(pl.Int64).to_numpy() - 1,
        verified.shown.to_numpy().astype(np.bool_),
    )


def base_values(table: Table) -> pl.DataFrame:
    """The values of the columns that are released, as they were; ages and the like are numbers again."""
    numbers = [c.name for c in table.released if isinstance(c.hierarchy, Bands)]
    frame = table.frame.select(column.name for column in table.released)
    return in_words(frame.with_columns(pl.col(name).cast(pl.Float64, strict=False) for name in numbers))


def in_words(frame: pl.DataFrame) -> pl.DataFrame:
    """Numbers as Float64, lists as List(String), all else as text."""
    return frame.select(_in_words(column) for column in frame)


def _in_words(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.List):
        return column.cast(pl.List(pl.String))
    return column.cast(pl.Float64 if column.dtype.is_numeric() else pl.String)


def _attribute(column: Column, dtype: pl.DataType) -> Attribute:
    kind: Kind = "category"
    if isinstance(dtype, pl.List):
        kind = "codes"
    elif dtype.is_numeric():
        kind = "number"
    return Attribute(column.name, kind, column.role is Role.QUASI_IDENTIFIER, column.sensitive)
