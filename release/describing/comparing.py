"""The release beside the people it was made of, for attacks and utility."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.hierarchies.hierarchy import SUPPRESSED, Bands
from anonymizer.tables.table import Column, Role, Table
from release.verifying.promise import Promise
from release.verifying.recount import key
from release.verifying.verify import VerifiedRelease
from risk import Figure
from risk.comparison import Attribute, Comparison, Kind

DAY_US = 86_400_000_000


def compared(verified: VerifiedRelease) -> Comparison:
    """What attacks and utility are measured on; of linked tables, the table of people."""
    table = verified.promise.table
    names = [column.name for column in table.released]
    released = in_words(verified.frame.select(names))
    return Comparison(
        "anonymised",
        tuple(attribute(column, released.schema[column.name]) for column in table.released),
        released,
        in_words(verified.everyone.select(names)),
        base_values(table),
        table.people.rank("dense").cast(pl.Int64).to_numpy() - 1,
        verified.shown.to_numpy().astype(np.bool_),
    )


def lost(verified: VerifiedRelease) -> dict[str, Figure]:
    """The information loss of the table by the metrics of the search. Starred rows have lost all."""
    from risk.utility.losses import losses

    told = labelled(verified).to_numpy().astype(np.bool_)
    return losses(verified.promise.table, _levels(verified.promise), told)


def labelled(verified: VerifiedRelease) -> pl.Series:
    """Which rows of the input are released with labels: all that are shown and not starred."""
    names = [column.name for column in verified.promise.table.quasi_identifiers]
    if not names:
        return verified.shown
    stars = verified.everyone.select(pl.all_horizontal(pl.col(names).cast(pl.String) == SUPPRESSED))
    return verified.shown & ~stars.to_series().fill_null(value=False)


def _levels(promise: Promise) -> Mapping[str, int] | NDArray[np.int8]:
    """The level of every quasi-identifier; of a recoding, of every row's cells, -1 where it is suppressed."""
    if promise.recoding is None:
        return promise.transformation
    quasi = promise.table.quasi_identifiers
    rows = pl.DataFrame([promise.table.frame[c.name].alias(key(j)) for j, c in enumerate(quasi)])
    keys = rows.columns
    known = promise.recoding.levels
    found = rows.join(known, on=keys, how="left", nulls_equal=True, maintain_order="left").drop(keys)
    return found.fill_null(-1).cast(pl.Int8).to_numpy()


def base_values(table: Table, *, days: bool = False) -> pl.DataFrame:
    """The values of the columns that are released, as they were; ages and the like are numbers again."""
    numbers = [c.name for c in table.released if isinstance(c.hierarchy, Bands)]
    frame = table.frame.select(column.name for column in table.released)
    ages = frame.with_columns(pl.col(name).cast(pl.Float64, strict=False) for name in numbers)
    return in_words(ages, days=days)


def in_words(frame: pl.DataFrame, *, days: bool = False) -> pl.DataFrame:
    """Numbers as Float64, lists as List(String), all else as text; dates as ``days`` since 1970 if asked.

    A drawn date is near another or far from it; a released one is the same or not.
    """
    return frame.select(_in_words(column, days=days) for column in frame)


def _in_words(column: pl.Series, *, days: bool) -> pl.Series:
    if days and column.dtype.is_temporal():
        return (column.cast(pl.Datetime("us")).to_physical() / DAY_US).cast(pl.Float64)
    if isinstance(column.dtype, pl.List):
        return column.cast(pl.List(pl.String))
    return column.cast(pl.Float64 if column.dtype.is_numeric() else pl.String)


def attribute(column: Column, dtype: pl.DataType) -> Attribute:
    """What attacks and utility know of a released column of a type."""
    kind: Kind = "category"
    if isinstance(dtype, pl.List):
        kind = "codes"
    elif dtype.is_numeric():
        kind = "number"
    return Attribute(column.name, kind, column.role is Role.QUASI_IDENTIFIER, column.sensitive)
