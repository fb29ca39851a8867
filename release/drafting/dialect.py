"""How a CSV file is written: its encoding, its delimiter, and the mark before a number's fraction."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from anonymizer.errors import InputMissing

DELIMITERS = (";", ",", "\t", "|")
"""In order of preference where two fit as well."""
_ENCODINGS = ("utf-8", "cp1252", "latin-1")
_ROWS = 500


@dataclass(frozen=True, slots=True)
class Dialect:
    """What ``input.table`` says of a file."""

    delimiter: str
    encoding: str


def dialect(path: Path) -> Dialect:
    """The dialect of the file at ``path``; raises ``InputMissing`` where it cannot be read.

    UTF-8 where the bytes are UTF-8, else cp1252, which holds the German letters where Latin-1 and
    ISO 8859-15 have them too.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputMissing(f"the table cannot be read: {error.strerror or 'unknown'}") from None
    encoding = next(name for name in _ENCODINGS if _decodes(content, name))
    return Dialect(_delimiter(content.decode(encoding).removeprefix("\ufeff")), encoding)


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(text: str) -> str:
    """The delimiter that gives every row the same number of cells, the more the better."""
    rows = {mark: _first_rows(text, mark) for mark in DELIMITERS}
    even = {mark: len(first[0]) for mark, first in rows.items() if first and len({*map(len, first)}) == 1}
    widths = {mark: width for mark, width in even.items() if width > 1}
    # Where no delimiter fits, the header decides, and reading the table says what is wrong with it.
    widths = widths or {mark: len(first[0]) for mark, first in rows.items() if first}
    best = max(widths.values(), default=1)
    return next((mark for mark, width in widths.items() if width == best > 1), ",")


def _first_rows(text: str, delimiter: str) -> Sequence[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return [row for row in islice(reader, _ROWS) if row]
    except csv.Error:
        return []
