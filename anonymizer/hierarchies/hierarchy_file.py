"""Hierarchies from files in ARX's layout: one row per leaf, from the leaf to the top, separated by ``;``."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

from anonymizer.errors import BadConfig, InputMissing
from anonymizer.hierarchies.hierarchy import SUPPRESSED, Generalised, refuse_outside

Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class FromFile:
    """Levels read from a file; a label covers as many leaves as the file has rows for it."""

    rows: dict[str, tuple[str, ...]]
    level_names: tuple[str, ...]

    @property
    def leaves(self) -> int:
        return len(self.rows)

    def generalise(self, values: Sequence[str]) -> Generalised:
        """The file's labels, unchanged; raises ``BadInput`` for values the file does not hold."""
        refuse_outside(values, self.rows.__contains__, "distinct values are not in the hierarchy file")
        columns = list(zip(*self.rows.values(), strict=True))
        counts = [Counter(column) for column in columns]
        paths = [self.rows[value] for value in values]
        return Generalised(
            tuple(tuple(path[level] for path in paths) for level in range(len(columns))),
            tuple(tuple(counts[level][path[level]] for path in paths) for level in range(len(columns))),
        )


def from_file(path: Path, *, delimiter: str = ";") -> FromFile:
    """The hierarchy of a file; a top level ``*`` is added where the file does not end in one.

    Raises:
        InputMissing: there is no such file.
        BadConfig: rows of uneven depth, a leaf twice, a label with two parents, a cycle.
    """
    rows = _with_top(_read(path, delimiter))
    _check_leaves(rows, path.name)
    _check_monotone(rows, path.name)
    names = ("value", *(f"level {level}" for level in range(1, len(rows[0]) - 1)), SUPPRESSED)
    return FromFile({row[0]: tuple(row) for row in rows}, names)


def _read(path: Path, delimiter: str) -> Rows:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError:
        raise InputMissing(f"the hierarchy file {path.name} cannot be read") from None
    except UnicodeDecodeError:
        raise BadConfig(f"the hierarchy file {path.name} is not UTF-8") from None
    # A label may hold other line separators (U+0085, U+2028) than CSV knows.
    lines = io.StringIO(unicodedata.normalize("NFC", text), newline="")
    try:
        rows = [row for row in csv.reader(lines, delimiter=delimiter, strict=True) if row]
    except csv.Error:
        raise BadConfig(f"the hierarchy file {path.name} is no CSV") from None
    if not rows:
        raise BadConfig(f"the hierarchy file {path.name} is empty")
    uneven = sum(len(row) != len(rows[0]) for row in rows)
    if uneven:
        raise BadConfig(f"the hierarchy file {path.name} has rows of uneven depth", count=uneven)
    if len(rows[0]) < 2 and len(rows) > 1:
        raise BadConfig(
            f"the hierarchy file {path.name} has one column only", hint="its delimiter may be another one"
        )
    return rows


def _with_top(rows: Rows) -> Rows:
    if all(row[-1] == SUPPRESSED for row in rows) and len(rows[0]) > 1:
        return rows
    return [[*row, SUPPRESSED] for row in rows]


def _check_leaves(rows: Rows, name: str) -> None:
    duplicates = len(rows) - len({row[0] for row in rows})
    if duplicates:
        raise BadConfig(f"the hierarchy file {name} holds a leaf more than once", count=duplicates)
    empty = sum(not cell for row in rows for cell in row)
    if empty:
        raise BadConfig(f"the hierarchy file {name} has empty cells", count=empty)


def _check_monotone(rows: Rows, name: str) -> None:
    """Values that share a label must share every coarser one, and no label may lie above itself."""
    for level in range(len(rows[0]) - 1):
        parents: dict[str, str] = {}
        split = sum(parents.setdefault(row[level], row[level + 1]) != row[level + 1] for row in rows)
        if split:
            raise BadConfig(
                f"the hierarchy file {name} is not monotone: labels of level {level} have two parents",
                count=split,
            )
    if _has_cycle(rows):
        raise BadConfig(f"the hierarchy file {name} has a cycle")


def _has_cycle(rows: Rows) -> bool:
    """Whether a label lies above itself; one that is repeated on neighbouring levels does not."""
    above: dict[str, set[str]] = {}
    for row in rows:
        for label, coarser in pairwise(row):
            above.setdefault(label, set()).update({coarser} - {label})
    try:
        TopologicalSorter(above).prepare()
    except CycleError:
        return True
    return False
