"""Data files: written with a freshly built schema, and read back to exactly the frame that was written.

Seven types leave the house, named as in Table Schema: string, integer, number, boolean, date, datetime and
list (of strings). Whatever else a frame carries (categories, index metadata, dictionaries with values
nobody has) never reaches a file.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import polars as pl

from anonymizer.errors import BadInput, OutputFailed, VerificationFailed
from release.files import csv_cells

Types = Mapping[str, str]
"""Each column's Table Schema type, in the columns' order."""

DTYPES: dict[str, pl.DataType] = {
    "string": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
    "list": pl.List(pl.String()),
}
_ROWS_PER_GROUP = 1 << 18
_OWN_METADATA = {"ARROW:schema"}


def types(frame: pl.DataFrame) -> dict[str, str]:
    """Each column's type; raises ``BadInput`` for a column of a type that cannot be released."""
    return {name: _type(name, dtype) for name, dtype in frame.schema.items()}


def canonical(frame: pl.DataFrame) -> pl.DataFrame:
    """The same cells under a freshly built schema of the seven types.

    Raises:
        BadInput: a column of another type, or an integer beyond 64 bits (column and count).
    """
    return pl.DataFrame([_canonical(frame[name], type_) for name, type_ in types(frame).items()])


def compact(frame: pl.DataFrame) -> pl.DataFrame:
    """The cells of ``canonical``, text as categories: its own values, sorted, and no others.

    Equal cells have equal schemas too. A category takes a quarter of a text's memory and is compared as a
    number. Raises as ``canonical`` does.
    """
    return pl.DataFrame([_compact(frame[name], type_) for name, type_ in types(frame).items()])


def write(frame: pl.DataFrame, directory: Path, name: str, formats: Sequence[str]) -> tuple[Path, ...]:
    """The paths of the new files ``<name>.<format>``; the same frame always gives the same bytes.

    Raises:
        BadInput: a column that cannot be released, or codes that CSV cannot hold.
        OutputFailed: writing failed.
    """
    clean = compact(frame).rechunk()
    return tuple(_write(clean, directory / f"{name}.{format_}") for format_ in formats)


def read(path: Path, schema: Types) -> pl.DataFrame:
    """The frame a data file holds, decoded as ``schema`` says; raises as ``decode`` does."""
    return decode(path.read_bytes(), path.suffix.removeprefix("."), schema)


def decode(content: bytes, format_: str, schema: Types) -> pl.DataFrame:
    """The frame that a file's bytes hold.

    Raises:
        VerificationFailed: the bytes are no such file, or its columns or types are not the schema's.
    """
    try:
        frame = _decode_csv(content, schema) if format_ == "csv" else _decode_parquet(content)
    except (pl.exceptions.PolarsError, OSError):
        raise VerificationFailed(f"the {format_} file cannot be read as its schema says") from None
    wrong = [name for name, type_ in schema.items() if frame.schema.get(name) != DTYPES[type_]]
    if wrong:
        raise VerificationFailed(
            f"the {format_} file lacks a column or has it in another type", column=wrong[0]
        )
    if frame.columns != list(schema):
        raise VerificationFailed(f"the {format_} file has columns that the schema does not name")
    return frame


def _type(name: str, dtype: pl.DataType) -> str:
    if dtype.is_integer():
        return "integer"
    if dtype in (pl.Float32, pl.Float64):
        return "number"
    if isinstance(dtype, pl.List):
        return "list" if _type(name, pl.Series(dtype=dtype.inner).dtype) == "string" else _refuse(name)
    if isinstance(dtype, pl.Datetime):
        return "datetime" if dtype.time_zone is None else _refuse(name)
    simple = {pl.String: "string", pl.Categorical: "string", pl.Enum: "string"}
    return (simple | {pl.Boolean: "boolean", pl.Date: "date"}).get(type(dtype)) or _refuse(name)


def _refuse(name: str) -> str:
    raise BadInput(
        "a column of this type cannot be released",
        column=name,
        hint="give it as text, integer, number, boolean, date, date and time without zone, or list of text",
    )


def _canonical(series: pl.Series, type_: str) -> pl.Series:
    if isinstance(series.dtype, pl.Enum):
        return series.dtype.categories.gather(series.to_physical()).alias(series.name)
    cast = series.cast(DTYPES[type_], strict=False)
    lost = cast.null_count() - series.null_count()
    if lost:
        raise BadInput("integers beyond 64 bits cannot be released", column=series.name, count=lost)
    # One bit pattern for "not a number": the payload of the others could carry something out.
    return cast.fill_nan(float("nan")) if type_ == "number" else cast


def _compact(series: pl.Series, type_: str) -> pl.Series:
    if type_ != "string":
        return _canonical(series, type_)
    return series.cast(pl.Enum(series.unique().drop_nulls().cast(pl.String).sort()))


def _write(frame: pl.DataFrame, path: Path) -> Path:
    is_csv = path.suffix == ".csv"
    # Parquet would name all of a column's categories.
    cells = csv_cells.encode(frame) if is_csv else canonical(frame)
    try:
        if is_csv:
            # A lone missing cell would be an empty line, which many readers skip.
            style: Literal["always", "necessary"] = "always" if frame.width == 1 else "necessary"
            cells.write_csv(path, line_terminator="\r\n", quote_style=style)
        else:
            cells.write_parquet(path, statistics=False, row_group_size=_ROWS_PER_GROUP)
    except (OSError, pl.exceptions.ComputeError):
        # The library hides the error's number; its text may name the path and is dropped.
        raise OutputFailed(
            "writing a data file failed", hint="is the disk full or a quota reached?"
        ) from None
    return path


def _decode_csv(content: bytes, schema: Types) -> pl.DataFrame:
    # The header is read as a row: the library's own way of reading it keeps doubled quotes.
    cells = pl.read_csv(content, has_header=False, infer_schema=False, encoding="utf8")
    return csv_cells.decode(cells, {name: DTYPES[type_] for name, type_ in schema.items()})


def _decode_parquet(content: bytes) -> pl.DataFrame:
    if set(pl.read_parquet_metadata(io.BytesIO(content))) - _OWN_METADATA:
        raise VerificationFailed("the parquet file carries foreign metadata")
    return pl.read_parquet(io.BytesIO(content))
