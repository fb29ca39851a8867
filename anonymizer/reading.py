"""Plain tables: a CSV or Parquet file as a frame, or a refusal that quotes no cell.

Every cell of a CSV file is text: `01067`, `1E5` and `NA` stay what they are. Only the values declared as
missing become null. Whatever a lenient reader would repair (short rows, a stray quotation mark, a repeated
header) is refused with a count, because a repair can move a value under another column's name.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import logging
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from anonymizer.errors import BadConfig, BadInput, InputMissing
from anonymizer.values import finite, nfc

MAX_CELL_BYTES: Final = 65_536
MAX_DECODED_BYTES: Final = 2 << 30
_BLOCK_BYTES: Final = 8 << 20
_QUOTE: Final = ord('"')
_COMPRESSED: Final = (b"\x1f\x8b", b"PK\x03\x04", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a file was at one moment: its size in bytes, its time of change, its SHA-256 in hexadecimal."""

    size: int
    modified_ns: int
    sha256: str


def read_table(
    path: Path,
    *,
    delimiter: str = ",",
    encoding: str = "utf-8",
    missing: Iterable[str] = ("",),
    max_cell_bytes: int = MAX_CELL_BYTES,
) -> pl.DataFrame:
    """Return the table in ``path``: Parquet (`.parquet`) with its own types, anything else as CSV, all String.

    A cell that equals a value of ``missing`` exactly is null, and no other. All text is in NFC. Raises
    ``InputMissing`` if the file cannot be read, ``BadInput`` with a count (never a cell) if it is no plain
    table, and ``BadConfig`` for a delimiter or encoding that does not exist.
    """
    declared = frozenset(missing)
    if path.suffix.lower() == ".parquet":
        frame = _with_missing(_read_parquet(path), declared)
    else:
        frame = _read_csv(_utf8(_bytes(path), encoding), delimiter, declared)
    _require_rows(frame)
    _require_short_cells(frame, max_cell_bytes)
    return frame


def fingerprints(path: Path) -> dict[str, Fingerprint]:
    """Return the fingerprint of a file, or of every file under a folder, by relative path.

    Raises ``InputMissing`` if ``path`` or a file in it cannot be read.
    """
    files = sorted(found for found in path.rglob("*") if found.is_file()) if path.is_dir() else [path]
    root = path if path.is_dir() else path.parent
    return {found.relative_to(root).as_posix(): _fingerprint(found) for found in files}


def require_unchanged(path: Path, before: Mapping[str, Fingerprint]) -> None:
    """Raise ``BadInput`` if the fingerprints of ``path`` are no longer ``before``.

    A file written anew with the same bytes counts as changed: what was read in between is unknown.
    """
    try:
        after = fingerprints(path)
    except InputMissing:
        raise BadInput("an input file vanished during the run") from None
    changed = sum(before.get(name) != after.get(name) for name in before.keys() | after.keys())
    if changed:
        raise BadInput(
            "an input file changed during the run", count=changed, hint="run again when it is complete"
        )


def _fingerprint(path: Path) -> Fingerprint:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        status = path.stat()
    except OSError as error:
        raise _missing(path, error) from None
    return Fingerprint(status.st_size, status.st_mtime_ns, digest)


def _missing(path: Path, error: OSError) -> InputMissing:
    return InputMissing(f"{path}: {error.strerror or 'cannot be read'}")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _missing(path, error) from None


# --- text ---------------------------------------------------------------------------------------------------


def _utf8(data: bytes, encoding: str) -> bytes:
    """Return ``data`` in UTF-8, without a byte order mark, ending with a line end."""
    if data.startswith(_COMPRESSED):
        raise BadInput("the table is compressed", hint="give the unpacked file")
    codec = _codec(encoding)
    if codec not in ("utf-8", "utf-8-sig", "ascii"):
        data = _recode(data, codec)
    elif not data.isascii():
        _decode(data, codec)
    data = data.removeprefix(codecs.BOM_UTF8)
    if nul := data.count(0):
        raise BadInput("a NUL byte in the text", count=nul, hint="the file is damaged or no text at all")
    if not data.strip():
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
    return text.removeprefix("\ufeff").encode("utf-8")


def _decode(data: bytes, codec: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        where = f"the byte at offset {error.start:,} is not {codec}"
    except LookupError:
        raise BadConfig(f"{codec!r} is no encoding of text") from None
    raise BadInput(where, hint="declare the encoding, for example cp1252")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# --- CSV ----------------------------------------------------------------------------------------------------


def _read_csv(data: bytes, delimiter: str, missing: frozenset[str]) -> pl.DataFrame:
    """Return a CSV file of RFC 4180, every column String, with ``missing`` as null."""
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n':
        raise BadConfig("the delimiter must be one ASCII character that is no quotation mark and no line end")
    quoted = _require_whole_quotes(data, delimiter)
    names = _header(data, delimiter)
    refused: Counter[int] = Counter()
    table = _parse_csv(data, _arrow_options(names, delimiter, quoted, missing, refused))
    _require_even_rows(refused, len(names), table.num_rows)
    frame = pl.DataFrame(pl.from_arrow(table)).rename(dict(zip(names, map(_nfc_text, names), strict=True)))
    return frame if data.isascii() else frame.with_columns(nfc(column) for column in frame)


def _require_whole_quotes(data: bytes, delimiter: str) -> bool:
    """Return whether any cell is quoted.

    Counting from the start, odd quotation marks open and even ones close (a doubled one closes and opens
    again). An opening one stands after a delimiter, a line end or a closing one; a closing one before them.
    """
    if _QUOTE not in data:
        return False
    raw = np.frombuffer(data, dtype=np.uint8)
    outside = np.zeros(256, dtype=np.bool_)
    outside[[ord(delimiter), ord("\n"), ord("\r"), _QUOTE]] = True
    seen = stray = 0
    for start in range(0, raw.size, _BLOCK_BYTES):
        at = start + np.flatnonzero(raw[start : start + _BLOCK_BYTES] == _QUOTE)
        opening, closing = at[seen % 2 :: 2], at[1 - seen % 2 :: 2]
        seen += at.size
        # The last byte is a line end: it answers for what stands before the first byte, too.
        stray += int(np.sum(~outside[raw[opening - 1]]))
        stray += int(np.sum(~outside[raw[np.minimum(closing + 1, raw.size - 1)]]))
    if stray or seen % 2:
        hint = "quote a cell that holds quotation marks, and double them"
        raise BadInput(
            "a quotation mark is never closed or stands inside a cell", count=stray or None, hint=hint
        )
    return True


def _header(data: bytes, delimiter: str) -> list[str]:
    """Return the header's names as they stand in the file.

    A file without a header has its first patient there: messages give positions, never the names.
    """
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    try:
        names = next(record for record in csv.reader(lines, delimiter=delimiter, strict=True) if record)
    except csv.Error:
        raise BadInput("the header is no record of CSV, or a name in it is too long") from None
    _require_names(names)
    return names


def _require_names(names: list[str]) -> None:
    composed = [_nfc_text(name) for name in names]
    if "" in composed:
        raise BadInput(f"column {composed.index('') + 1} has no name", count=composed.count(""))
    first: dict[str, int] = {}
    for position, name in enumerate(composed, 1):
        if first.setdefault(name, position) != position:
            raise BadInput(
                "the header names a column twice",
                count=len(composed) - len(set(composed)),
                hint=f"for example columns {first[name]} and {position}",
            )


def _nfc_text(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _arrow_options(
    names: list[str], delimiter: str, quoted: bool, missing: frozenset[str], refused: Counter[int]
) -> dict[str, Any]:
    """Return how pyarrow reads: all text, only ``missing`` null, and rows of another length into ``refused``."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    def refuse(row: Any) -> str:
        refused[row.actual_columns] += 1
        return "skip"

    forms = {unicodedata.normalize(form, value) for value in missing for form in ("NFC", "NFD")}
    return {
        "read_options": arrow_csv.ReadOptions(block_size=_BLOCK_BYTES),
        "parse_options": arrow_csv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=quoted,
            ignore_empty_lines=len(names) > 1,
            invalid_row_handler=refuse,
        ),
        "convert_options": arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=sorted(forms | missing),
            strings_can_be_null=True,
        ),
    }


def _parse_csv(data: bytes, options: dict[str, Any]) -> Any:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    try:
        return arrow_csv.read_csv(pa.BufferReader(data), **options)
    except pa.ArrowInvalid:  # its message quotes the row
        raise BadInput("the table cannot be parsed as CSV, or a record is longer than 8 MiB") from None


def _require_even_rows(refused: Counter[int], width: int, kept: int) -> None:
    """Raise ``BadInput`` if rows were refused: they have another number of cells than the header."""
    if not refused:
        return
    if not kept and set(refused) == {width + 1}:
        hint = "the header lacks a name, or every row ends with a delimiter"
        raise BadInput("every row has one cell more than the header", count=refused.total(), hint=hint)
    short = sum(count for cells, count in refused.items() if cells < width)
    hint = f"{short:,} are shorter and {refused.total() - short:,} longer than the header's {width}"
    raise BadInput("a row has another number of cells than the header", count=refused.total(), hint=hint)


def _require_rows(frame: pl.DataFrame) -> None:
    if frame.is_empty():
        raise BadInput("the table has no rows")


def _require_short_cells(frame: pl.DataFrame, max_cell_bytes: int) -> None:
    """Raise ``BadInput`` if a text cell is longer than ``max_cell_bytes``: it is a document, not a value."""
    for column in frame.select(pl.col(pl.String)):
        if too_long := int((column.str.len_bytes() > max_cell_bytes).sum()):
            raise BadInput(
                f"a cell is longer than {max_cell_bytes:,} bytes", column=column.name, count=too_long
            )


# --- Parquet ------------------------------------------------------------------------------------------------


def _read_parquet(path: Path) -> pl.DataFrame:
    """Return a Parquet file's flat columns, text in NFC and floats finite; categories become plain text."""
    import pyarrow as pa
    from pyarrow import parquet

    if not path.is_file():
        raise InputMissing(f"{path}: no such file")
    try:
        with parquet.ParquetFile(path) as file:
            texts = _require_flat(file.schema_arrow)
            _require_bounded(file.metadata, file.schema_arrow)
        # As dictionaries: a long text repeated a million times stays one text in memory.
        table = parquet.read_table(path, read_dictionary=texts, partitioning=None)
    except (pa.ArrowException, OSError):  # both may quote the file's content
        raise BadInput("no readable Parquet file: damaged, encrypted, cut short or unsupported") from None
    frame = pl.DataFrame(pl.from_arrow(table)).with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.String))
    return frame.with_columns(_settled(column) for column in frame)


def _settled(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        return nfc(column)
    return finite(column) if column.dtype.is_float() else column


def _require_flat(schema: Any) -> list[str]:
    """Return the names of the text columns; raises ``BadInput`` for types that are no single value."""
    from pyarrow import types

    scalar = (
        types.is_boolean, types.is_integer, types.is_floating, types.is_decimal, types.is_date,
        types.is_timestamp, types.is_time, types.is_null,
    )  # fmt: skip
    _require_names(schema.names)
    texts = [field.name for field in schema if _is_text(field.type)]
    for field in schema:
        if field.name not in texts and not any(kind(field.type) for kind in scalar):
            raise BadInput("nested or binary values are not supported", column=field.name)
    return texts


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    plain = kind.value_type if types.is_dictionary(kind) else kind
    return any(is_kind(plain) for is_kind in (types.is_string, types.is_large_string, types.is_string_view))


def _require_bounded(metadata: Any, schema: Any) -> None:
    """Raise ``BadInput`` for a small file that would fill the memory (encodings repeat a value at no cost)."""
    groups = (metadata.row_group(index) for index in range(metadata.num_row_groups))
    stored = sum(group.total_byte_size for group in groups)
    decoded = metadata.num_rows * sum(16 if _is_text(field.type) else 8 for field in schema)
    if max(stored, decoded) > MAX_DECODED_BYTES:
        raise BadInput(f"the table would take more than {MAX_DECODED_BYTES >> 20:,} MiB in memory")


def _with_missing(frame: pl.DataFrame, missing: frozenset[str]) -> pl.DataFrame:
    """Return the frame with the declared values of its text columns as null."""
    declared = [_nfc_text(value) for value in missing]
    text = pl.col(pl.String)
    return frame.with_columns(pl.when(~text.is_in(declared)).then(text).name.keep())
