"""CSV as RFC 4180 has it, read strictly.

Whatever a lenient reader would repair (short rows, a stray quotation mark, a repeated header) is refused
with a count, because a repair can move a value under another column's name. A file without a header has
its first patient in that place: messages give positions, never names.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from anonymizer.errors import BadConfig, BadInput
from anonymizer.tables.arrow_text import text

_BLOCK_BYTES: Final = 8 << 20
_SCAN_BYTES: Final = 8 << 20
_SAMPLE_BYTES: Final = 1 << 20
_REPEATED: Final = 4
"""A column is held as a dictionary where a text stands in at least so many rows of the sample on average."""
_QUOTE: Final = ord('"')


def parse_csv(data: bytes, delimiter: str, missing: frozenset[str]) -> pl.DataFrame:
    """Return ``data`` (UTF-8, ending with a line end) as a frame of String columns, ``missing`` as null.

    Raises ``BadInput`` if it is no CSV of one shape, ``BadConfig`` for an impossible delimiter.
    """
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
        raise BadConfig("the delimiter must be one ASCII character, no quotation mark and no line end")
    quoted = _require_whole_quotes(data, delimiter)
    names = _header(data, delimiter)
    refused: Counter[int] = Counter()
    options = _parse_options(delimiter, quoted, one_column=len(names) == 1, refused=refused)
    converted = _convert_options(names, missing, _repeating(data, delimiter, quoted, names))
    table = _parse(data, _block_bytes(data, quoted), options, converted)
    require_even_rows(refused, len(names), table.num_rows)
    return _frame(table)


def _frame(table: Any) -> pl.DataFrame:
    """Return an Arrow table's text as String columns."""
    import pyarrow as pa

    named = zip(table.column_names, table.columns, strict=True)
    columns = [text(cells).alias(composed(name)) for name, cells in named]
    # The pool would keep what parsing took for itself.
    pa.default_memory_pool().release_unused()
    return pl.DataFrame(columns)


def composed(text: str) -> str:
    """Return ``text`` in NFC."""
    return unicodedata.normalize("NFC", text)


def require_names(names: Sequence[str]) -> None:
    """Raise ``BadInput`` if a column has no name or shares it with another."""
    spelled = [composed(name) for name in names]
    if "" in spelled:
        raise BadInput(f"column {spelled.index('') + 1} has no name", count=spelled.count(""))
    first: dict[str, int] = {}
    for position, name in enumerate(spelled, 1):
        if first.setdefault(name, position) != position:
            where = f"for example columns {first[name]} and {position}"
            twice = len(spelled) - len(set(spelled))
            raise BadInput("the header names a column twice", count=twice, hint=where)


def require_even_rows(refused: Counter[int], width: int, kept: int) -> None:
    """Raise ``BadInput`` if rows were refused: ``refused`` counts them by their number of cells."""
    if not refused:
        return
    if not kept and set(refused) == {width + 1}:
        hint = "the header lacks a name, or every row ends with a delimiter"
        raise BadInput("every row has one cell more than the header", count=refused.total(), hint=hint)
    short = sum(count for cells, count in refused.items() if cells < width)
    hint = f"{short:,} are shorter and {refused.total() - short:,} longer than the header's {width}"
    raise BadInput("rows with another number of cells than the header", count=refused.total(), hint=hint)


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
    for start in range(0, raw.size, _SCAN_BYTES):
        at = start + np.flatnonzero(raw[start : start + _SCAN_BYTES] == _QUOTE)
        opening, closing = at[seen % 2 :: 2], at[1 - seen % 2 :: 2]
        seen += at.size
        # The last byte is a line end: no mark stands there, and it answers for what precedes the first byte.
        stray += int(np.sum(~outside[raw[opening - 1]])) + int(np.sum(~outside[raw[closing + 1]]))
    if stray or seen % 2:
        hint = (
            "put a cell that holds quotation marks in quotation marks, and double those inside;"
            " or the delimiter is another one"
        )
        raise BadInput("a quotation mark is never closed, or stands inside a cell", hint=hint)
    return True


def _header(data: bytes, delimiter: str) -> list[str]:
    """Return the header's names as they stand in the file."""
    lines = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")
    try:
        names = next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error:
        raise BadInput("the header cannot be parsed, or a name in it is too long") from None
    require_names(names)
    return names


def _parse_options(delimiter: str, quoted: bool, *, one_column: bool, refused: Counter[int]) -> Any:
    from pyarrow import csv as arrow_csv

    return arrow_csv.ParseOptions(
        delimiter=delimiter,
        newlines_in_values=quoted,
        ignore_empty_lines=not one_column,
        invalid_row_handler=_counter_of_rows(refused),
    )


def _counter_of_rows(refused: Counter[int]) -> Callable[[Any], str]:
    """Return a handler that skips a row and counts it by its number of cells, without looking at it."""

    def refuse(row: Any) -> str:
        refused[row.actual_columns] += 1
        return "skip"

    return refuse


def _repeating(data: bytes, delimiter: str, quoted: bool, names: list[str]) -> set[str]:
    """Return the columns whose cells repeat in the first block: those take less memory as dictionaries."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    blocks = arrow_csv.ReadOptions(block_size=_SAMPLE_BYTES, use_threads=False)
    options = _parse_options(delimiter, quoted, one_column=len(names) == 1, refused=Counter())
    converted = _convert_options(names, frozenset(), set())
    try:
        with arrow_csv.open_csv(pa.BufferReader(data), blocks, options, converted) as reader:
            sample = pl.DataFrame(pl.from_arrow(reader.read_next_batch()))
    except (pa.ArrowInvalid, StopIteration):  # reading the whole file will tell
        return set()
    return {name for name in names if sample[name].n_unique() * _REPEATED <= sample.height}


def _convert_options(names: list[str], missing: frozenset[str], repeating: set[str]) -> Any:
    """Return how cells become values: all text, and only ``missing`` null, however it is composed."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    forms = {unicodedata.normalize(form, value) for value in missing for form in ("NFC", "NFD")}
    few = pa.dictionary(pa.int32(), pa.string())
    return arrow_csv.ConvertOptions(
        column_types={name: few if name in repeating else pa.string() for name in names},
        null_values=sorted(forms | missing),
        strings_can_be_null=True,
    )


def _block_bytes(data: bytes, quoted: bool) -> int:
    """Return a block size for which no block of ``data`` ends with a carriage return.

    After such a block pyarrow 26 drops a line feed, even where both stand inside a quoted cell.
    """
    if not quoted:
        return _BLOCK_BYTES
    sizes = range(_BLOCK_BYTES, _BLOCK_BYTES + 1024)
    whole_file = len(data)
    return next((size for size in sizes if b"\r" not in data[size - 1 :: size]), whole_file)


def _parse(data: bytes, block_bytes: int, parse_options: Any, convert_options: Any) -> Any:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    blocks = arrow_csv.ReadOptions(block_size=block_bytes)
    try:
        return arrow_csv.read_csv(pa.BufferReader(data), blocks, parse_options, convert_options)
    except pa.ArrowInvalid:  # its message quotes the row
        raise BadInput("the table cannot be parsed as CSV, or a record is longer than 8 MiB") from None
