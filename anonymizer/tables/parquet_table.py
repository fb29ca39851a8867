"""Parquet files of flat columns, with their own types."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from anonymizer.errors import BadInput, InputMissing
from anonymizer.tables.arrow_text import text
from anonymizer.tables.csv_table import composed, require_names
from anonymizer.tables.values import canonical, finite

MAX_DECODED_BYTES: Final = 2 << 30


def read_parquet(path: Path, missing: frozenset[str]) -> pl.DataFrame:
    """Return a Parquet file's columns: text in NFC, categories as text, timestamps in microseconds.

    A cell whose canonical text is one of ``missing`` is null. Raises ``InputMissing`` if the file cannot be
    opened, ``BadInput`` if it is damaged, encrypted, nested, would take more than ``MAX_DECODED_BYTES`` in
    memory, or has a NaN, an infinity, or a day before year 1 or after year 9999.
    """
    _require_file(path)
    table = _table(path)
    declared = frozenset(map(composed, missing))
    named = zip(table.column_names, table.columns, strict=True)
    return pl.DataFrame([_column(composed(name), column, declared) for name, column in named])


def _require_file(path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise InputMissing(f"{path}: {error.strerror or 'cannot be read'}") from None


def _table(path: Path) -> Any:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            texts = _require_flat(file.schema_arrow)
            _require_bounded(file.metadata, file.schema_arrow)
        # Text as dictionaries: a long text repeated a million times stays one text in memory.
        return parquet.read_table(path, read_dictionary=texts, partitioning=None)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError):  # their messages may quote the content
        raise BadInput("no readable Parquet file: damaged, encrypted or unsupported") from None


def _column(name: str, column: Any, missing: frozenset[str]) -> pl.Series:
    from pyarrow import types

    if types.is_dictionary(column.type):
        return text(column, missing).alias(name)
    values = _scalars(name, column)
    # The text of a number is never empty: the default declares nothing here and costs nothing.
    if declared := sorted(missing - {""}):
        spelled = canonical(values)
        return pl.select(pl.when(~spelled.is_in(declared)).then(values)).to_series().alias(name)
    return values


def _scalars(name: str, column: Any) -> pl.Series:
    """Return numbers, booleans, dates and times; raises ``BadInput`` for those that have no text."""
    import pyarrow as pa

    try:
        values = pl.Series(name, pl.from_arrow(_in_calendar_units(column)))
    except (pa.ArrowInvalid, pl.exceptions.PolarsError):  # their messages may quote a cell
        raise BadInput("a date, time or time zone that no calendar has", column=name) from None
    # A time of no day comes as null.
    if outside := _off_calendar(values) + values.null_count() - column.null_count:
        raise BadInput("days outside the years 1 to 9999, or times of no day", column=name, count=outside)
    return finite(values) if values.dtype.is_float() else values


def _in_calendar_units(column: Any) -> Any:
    """Return timestamps in microseconds, what is finer cut off, and dates in days."""
    import pyarrow as pa
    from pyarrow import compute, types

    if types.is_date64(column.type):
        return column.cast(pa.date32())
    if types.is_timestamp(column.type):
        target = pa.timestamp("us", column.type.tz)
        return column.cast(options=compute.CastOptions(target, allow_time_truncate=True))
    return column


def _off_calendar(values: pl.Series) -> int:
    """Return how many dates and timestamps lie in years that ISO text has no four digits for."""
    if isinstance(values.dtype, pl.Datetime):
        inside = values.dt.replace_time_zone(None).is_between(datetime.min, datetime.max)
    elif values.dtype == pl.Date:
        inside = values.is_between(date.min, date.max)
    else:
        return 0
    return int((~inside).sum())


def _require_flat(schema: Any) -> list[str]:
    """Return the names of the text columns; raises ``BadInput`` for types that are no single value."""
    require_names(schema.names)
    texts = [field.name for field in schema if _is_text(field.type)]
    for field in schema:
        if field.name not in texts and not _is_scalar(field.type):
            raise BadInput("neither text, number, boolean, date nor time", column=field.name)
    return texts


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    plain = kind.value_type if types.is_dictionary(kind) else kind
    return any(is_kind(plain) for is_kind in (types.is_string, types.is_large_string, types.is_string_view))


def _is_scalar(kind: Any) -> bool:
    from pyarrow import types

    if types.is_decimal256(kind):
        return False
    numbers = (types.is_boolean, types.is_integer, types.is_floating, types.is_decimal)
    times = (types.is_date, types.is_timestamp, types.is_time, types.is_null)
    return any(is_kind(kind) for is_kind in numbers + times)


def _require_bounded(metadata: Any, schema: Any) -> None:
    """Raise ``BadInput`` for a small file that would fill the memory: encodings repeat a value for free."""
    groups = (metadata.row_group(index) for index in range(metadata.num_row_groups))
    stored = sum(group.total_byte_size for group in groups)
    decoded = metadata.num_rows * sum(16 if _is_text(field.type) else 8 for field in schema)
    if max(stored, decoded) > MAX_DECODED_BYTES:
        raise BadInput(f"the table would take more than {MAX_DECODED_BYTES >> 20:,} MiB in memory")
