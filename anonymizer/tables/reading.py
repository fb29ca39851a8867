"""A plain table, CSV or Parquet, as a frame; or a refusal that quotes no cell.

Every cell of a CSV file is text: `01067`, `1E5` and `NA` stay what they are. Only the values declared as
missing become null. `anonymizer.tables.values` makes numbers and dates of text where the caller says so.
"""

from __future__ import annotations

import codecs
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import polars as pl

from anonymizer.errors import BadConfig, BadInput, InputMissing
from anonymizer.tables.csv_table import parse_csv
from anonymizer.tables.parquet_table import read_parquet

MAX_CELL_BYTES: Final = 65_536
_COMPRESSED: Final = (b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")

_log = logging.getLogger(__name__)


def read_table(
    path: Path,
    *,
    delimiter: str = ",",
    encoding: str = "utf-8",
    missing: Iterable[str] = ("",),
    max_cell_bytes: int = MAX_CELL_BYTES,
) -> pl.DataFrame:
    """Return the table in ``path``: Parquet (`.parquet`) with its own types, else CSV, every column String.

    A cell that equals a value of ``missing`` exactly is null, and no other. All text is in NFC. Raises
    ``InputMissing`` if the file cannot be read, ``BadInput`` with a count (never a cell) if it is no plain
    table, and ``BadConfig`` for a delimiter or encoding that does not exist.
    """
    declared = frozenset(missing)
    if path.suffix.lower() == ".parquet":
        frame = read_parquet(path, declared)
    else:
        frame = parse_csv(_utf8(_bytes(path), encoding), delimiter, declared)
    if frame.is_empty():
        raise BadInput("the table has no rows")
    _require_short_cells(frame, max_cell_bytes)
    return frame


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputMissing(f"{path}: {error.strerror or 'cannot be read'}") from None


def _utf8(data: bytes, encoding: str) -> bytes:
    """Return ``data`` in UTF-8, without byte order marks and empty lines before the header."""
    if data.startswith(_COMPRESSED):
        raise BadInput("the table is compressed", hint="give the unpacked file")
    codec = _codec(encoding)
    if codec not in ("utf-8", "utf-8-sig", "ascii"):
        data = _recode(data, codec)
    elif not data.isascii():
        _decode(data, codec)
    while data.startswith((codecs.BOM_UTF8, b"\r", b"\n")):
        data = data.removeprefix(codecs.BOM_UTF8).lstrip(b"\r\n")
    if nul := data.count(0):
        raise BadInput("a NUL byte in the text", count=nul, hint="the file is damaged or no text at all")
    if not data or data.isspace():
        raise BadInput("the file is empty")
    return data if data.endswith((b"\n", b"\r")) else data + b"\n"


def _codec(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        raise BadConfig(f"{encoding!r} is no encoding", hint="use utf-8, cp1252 or latin-1") from None


def _recode(data: bytes, codec: str) -> bytes:
    """Return bytes of another encoding in UTF-8; warns if they already are UTF-8, declared wrongly."""
    text = _decode(data, codec)
    if not data.isascii() and _is_utf8(data):
        _log.warning("the table is valid UTF-8 but declared as %s: letters beyond ASCII will be wrong", codec)
    return text.encode("utf-8")


def _decode(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        rule = f"the byte at offset {error.start:,} is not {codec}"
    except LookupError:
        raise BadConfig(f"{codec!r} is no encoding of text") from None
    raise BadInput(rule, hint="declare the encoding of the file, for example cp1252")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _require_short_cells(frame: pl.DataFrame, max_cell_bytes: int) -> None:
    """Raise ``BadInput`` if a text cell is longer than ``max_cell_bytes``: it is a document, not a value."""
    for position, column in enumerate(frame, 1):
        if column.dtype != pl.String:
            continue
        if too_long := int((column.str.len_bytes() > max_cell_bytes).sum()):
            raise BadInput(
                f"column {position} has cells longer than {max_cell_bytes:,} bytes", count=too_long
            )
