"""The table that is learned from, in the seven types that leave the house."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from anonymizer.errors import BadInput
from synth.variables import Training, Type, Variable

DTYPES: dict[Type, pl.DataType] = {
    "string": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
    "list": pl.List(pl.String()),
}
_TRUTHS = {"true": True, "false": False}


def canonical(training: Training) -> Training:
    """Return the same table with every column in its canonical type; words are read as what they say.

    Not a number becomes missing.

    Raises:
        BadInput: cells that are not of the column's type (column and count).
    """
    columns = [_cast(training.frame[each.name], each) for each in training.variables]
    return replace(training, frame=pl.DataFrame(columns))


def empty(variables: tuple[Variable, ...]) -> pl.DataFrame:
    """Return a table of these columns without rows."""
    return pl.DataFrame(schema={each.name: DTYPES[each.type] for each in variables})


def _cast(cells: pl.Series, variable: Variable) -> pl.Series:
    dtype = DTYPES[variable.type]
    if isinstance(cells.dtype, pl.Enum | pl.Categorical):
        cells = cells.cast(pl.String)
    if cells.dtype == dtype:
        return cells.fill_nan(None) if variable.type == "number" else cells
    try:
        cast = _read(cells, dtype)
    except pl.exceptions.PolarsError:
        raise BadInput("the cells are not of the column's type", column=variable.name) from None
    lost = cast.null_count() - cells.null_count()
    if lost > 0:
        raise BadInput("cells are not of the column's type", column=variable.name, count=lost)
    return cast.fill_nan(None) if variable.type == "number" else cast


def _read(cells: pl.Series, dtype: pl.DataType) -> pl.Series:
    if isinstance(dtype, pl.List) and not isinstance(cells.dtype, pl.List):
        raise pl.exceptions.SchemaError
    if cells.dtype == pl.String and isinstance(dtype, pl.Boolean):
        return cells.str.to_lowercase().replace_strict(_TRUTHS, default=None, return_dtype=pl.Boolean)
    if cells.dtype == pl.String and isinstance(dtype, pl.Datetime):
        return cells.str.to_datetime(time_unit="us", strict=False)
    if cells.dtype == pl.String and isinstance(dtype, pl.Date):
        return cells.str.to_date("%Y-%m-%d", strict=False)
    if cells.dtype.is_float() and dtype == pl.Int64():
        return cells.set(cells.cast(pl.Int64, strict=False).cast(pl.Float64) != cells, None).cast(
            pl.Int64, strict=False
        )
    return cells.cast(dtype, strict=False)
