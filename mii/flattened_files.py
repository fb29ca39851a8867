"""Flattened tables that are no CSV: a JSON object per row, or a Parquet file; cells become text as in CSV."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from anonymizer.errors import BadInput
from mii.flattened_elements import Row
from mii.forms import Source, names_elements
from mii.streaming import Limits, is_utf8, lines

_DECIMAL = {"decimal": "."}
_CELLS: msgspec.json.Decoder[dict[str, str | int | float | bool | None]] = msgspec.json.Decoder(
    dict[str, str | int | float | bool | None]
)


def json_rows(table: Source, limits: Limits) -> Iterator[Row]:
    """The rows of a table of JSON objects, without what is missing.

    Raises ``BadInput`` for a line that is no flat object, that names no elements, or is not UTF-8.
    """
    with table.open() as stream:
        for number, line in enumerate(lines(stream, limits), 1):
            if line.isspace():
                continue
            try:
                cells = _CELLS.decode(line) if is_utf8(line) else None
            except (msgspec.DecodeError, RecursionError):
                cells = None
            if cells is None or not names_elements(cells):
                raise BadInput(f"line {number} is no row of a flattened table")
            yield _row(cells)


def parquet_rows(table: Source) -> tuple[list[str], Iterator[Row]]:
    """The columns of a Parquet table and its rows, without what is missing.

    Raises ``BadInput`` where the file is packed once more (Parquet is packed already, and is read from its
    end), damaged, nested, or would not fit into memory.
    """
    from anonymizer.tables.parquet_table import read_parquet

    if table.member is not None or not table.is_plain:
        raise BadInput("a Parquet table is packed once more", hint="unpack it")
    frame = read_parquet(table.file, frozenset({""}))
    return frame.columns, map(_row, frame.iter_rows(named=True))


def _row(cells: Mapping[str, Any]) -> Row:
    told = {name: _text(cell) for name, cell in cells.items() if cell is not None and cell != ""}
    return told | _DECIMAL


def _text(cell: object) -> str:
    return cell.isoformat() if isinstance(cell, date | datetime) else str(cell)
