"""A table made elsewhere beside the people it was made from, as attacks and utility take it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.errors import BadInput, InputMissing, UsageError
from anonymizer.hierarchies.hierarchy import SUPPRESSED
from anonymizer.tables.table import Column, Role, Table
from release.config.document import read_document
from release.config.keys import Setting
from release.config.root import Config, parse
from release.describing.comparing import attribute, base_values, in_words
from release.intake.source import read
from release.sweeping import changed
from release.table_findings import UNTOLD, read_found
from release.verifying.labels import labels_at
from risk.comparison import Attribute, Comparison, TableKind

_NUMBER = r"^\s*-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]+)?\s*$"


@dataclass(frozen=True, slots=True)
class Asked:
    """A ``table`` to assess, the ``original`` it was made from and the ``holdout`` it was not.

    Roles come from a ``config``, or are told: where no quasi-identifier is named, every column is one.
    ``subject`` is the column of original and holdout that names the person.
    """

    table: Path
    kind: TableKind = "anonymised"
    original: Path | None = None
    holdout: Path | None = None
    config: Path | None = None
    quasi_identifiers: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Foreign:
    """The rows to assess and their ``attributes``; ``comparison`` where the original is known."""

    released: pl.DataFrame
    attributes: tuple[Attribute, ...]
    comparison: Comparison | None
    config: Config | None = None


def foreign(asked: Asked) -> Foreign:
    """What ``asked`` names.

    Raises:
        InputMissing, BadInput: a table cannot be read, or columns are missing in one.
        UsageError: options that contradict one another.
        AnonError: as the config's run would.
    """
    if asked.config is not None:
        return _by_config(asked, asked.config)
    if asked.holdout is not None and asked.original is None:
        raise UsageError("--holdout needs --original: it is compared with it")
    return _as_told(asked)


def _as_told(asked: Asked) -> Foreign:
    table = read_found(asked.table, UNTOLD)
    others = [None if path is None else read_found(path, UNTOLD) for path in (asked.original, asked.holdout)]
    names = [name for name in table.columns if name != asked.subject]
    named = {*asked.quasi_identifiers, *asked.sensitive}
    if unknown := len(named - set(names)):
        raise UsageError(f"{unknown} of the columns named as options are none of the table's")
    for other in others:
        if other is not None and (lacking := [name for name in names if name not in other.columns]):
            raise BadInput("columns of the table are missing in the original or holdout", count=len(lacking))
    frames = [table, *(other for other in others if other is not None)]
    numbers = [name for name in names if all(_is_number(frame[name]) for frame in frames)]
    quasi = asked.quasi_identifiers or tuple(name for name in names if name not in asked.sensitive)
    attributes = tuple(
        Attribute(name, "number" if name in numbers else "category", name in quasi, name in asked.sensitive)
        for name in names
    )
    words = [_typed(frame.select(names), numbers) for frame in frames]
    people = [_people(frame, asked.subject) for frame in frames[1:]]
    return Foreign(words[0], attributes, _beside(asked.kind, attributes, words, people))


def _beside(
    kind: TableKind,
    attributes: tuple[Attribute, ...],
    words: Sequence[pl.DataFrame],
    people: Sequence[NDArray[np.int64]],
) -> Comparison | None:
    """The released rows beside the original's and, where there are any, the held-out ones."""
    if not people:
        return None
    released, original, *held_out = words
    shown = np.ones(original.height, dtype=np.bool_)
    holdout = (held_out[0], people[1]) if held_out else (None, None)
    return Comparison(kind, attributes, released, original, original, people[0], shown, *holdout)


def _by_config(asked: Asked, path: Path) -> Foreign:
    if asked.quasi_identifiers or asked.sensitive or asked.subject:
        raise UsageError("roles and the person come from the config: name them there or leave --config out")
    config = _config(path, asked.original)
    table = read(config).table
    held_out = None if asked.holdout is None else read(_config(path, asked.holdout)).table
    frame = read_found(asked.table, UNTOLD)
    columns = _assessed(frame, table)
    levels = {column.name: _level(column, frame[column.name], table) for column in columns}
    base = base_values(replace(table, columns=tuple(columns), frame=table.frame.select(list(levels))))
    released = _like(frame.select(list(levels)), columns, table)
    original = _generalised(table, columns, levels)
    attributes = tuple(attribute(column, original.schema[column.name]) for column in columns)
    shown = np.ones(original.height, dtype=np.bool_)
    holdout = (
        (None, None) if held_out is None else (_generalised(held_out, columns, levels), _numbered(held_out))
    )
    comparison = Comparison(
        asked.kind, attributes, released, original, base, _numbered(table), shown, *holdout
    )
    return Foreign(released, attributes, comparison, config)


def _config(path: Path, table: Path | None) -> Config:
    """The config in ``path``, with another ``table`` in place of its own input."""
    document = read_document(path)
    data = document.data
    if table is not None:
        written = data.get("input")
        if not isinstance(written, dict) or "table" not in written:
            raise UsageError("--original and --holdout are tables, and the config's input is an export")
        data = changed(data, ("input", "table", "path"), str(table.absolute()))
    setting = Setting(path.absolute().parent, date.today(), document.lines)
    return parse(data, setting, found=document.problems)


def _assessed(frame: pl.DataFrame, table: Table) -> list[Column]:
    """The columns of the table, of which the config must speak.

    Raises:
        BadInput: it has others, direct identifiers among them, or none.
    """
    known = {column.name: column for column in table.released}
    if others := sum(name not in known for name in frame.columns):
        raise BadInput(
            "the table has columns that the config does not name or calls identifiers",
            count=others,
            hint="an identifier must not be released at all",
        )
    if not frame.width:
        raise InputMissing("the table has no column")
    return [known[name] for name in frame.columns]


def _level(column: Column, cells: pl.Series, table: Table) -> int:
    """The lowest level at which all cells are labels; 0 where there is none."""
    if column.role is not Role.QUASI_IDENTIFIER or column.hierarchy is None:
        return 0
    shown = {*cells.cast(pl.String).drop_nulls(), SUPPRESSED}
    for level in range(len(column.hierarchy.level_names)):
        labels = labels_at(column, table.frame[column.name], level)["label"]
        if shown <= {*labels, SUPPRESSED}:
            return level
    return 0


def _generalised(table: Table, columns: Sequence[Column], levels: dict[str, int]) -> pl.DataFrame:
    """The table's rows in the words of the release."""
    return in_words(pl.DataFrame([_at(table.frame[c.name], c, levels[c.name]) for c in columns]))


def _at(cells: pl.Series, column: Column, level: int) -> pl.Series:
    if not level:
        return cells
    labels = labels_at(column, cells, level)
    rows = cells.alias("value").to_frame()
    joined = rows.join(labels, on="value", how="left", nulls_equal=True, maintain_order="left")
    return joined["label"].alias(column.name)


def _like(frame: pl.DataFrame, columns: Sequence[Column], table: Table) -> pl.DataFrame:
    """A table of texts with the types that its columns have in the original."""
    return in_words(pl.DataFrame([_typed_as(frame[c.name], table.frame.schema[c.name]) for c in columns]))


def _typed_as(cells: pl.Series, dtype: pl.DataType) -> pl.Series:
    if isinstance(dtype, pl.List):
        is_text = cells.dtype == pl.String
        return cells.str.split(" ").list.filter(pl.element() != "") if is_text else cells
    if dtype.is_numeric() and cells.dtype == pl.String:
        return cells.str.strip_chars().cast(pl.Float64, strict=False)
    return cells


def _typed(frame: pl.DataFrame, numbers: Sequence[str]) -> pl.DataFrame:
    cells = (
        frame[name].cast(pl.String).str.strip_chars().cast(pl.Float64) if name in numbers else frame[name]
        for name in frame.columns
    )
    return in_words(pl.DataFrame(list(cells)))


def _is_number(cells: pl.Series) -> bool:
    if cells.dtype.is_numeric():
        return True
    return cells.dtype == pl.String and bool(cells.drop_nulls().str.contains(_NUMBER).all())


def _people(frame: pl.DataFrame, subject: str | None) -> NDArray[np.int64]:
    if subject is None:
        return np.arange(frame.height, dtype=np.int64)
    if subject not in frame.columns:
        raise UsageError("the original has no column of the name that --subject gives")
    return _ranks(frame[subject])


def _numbered(table: Table) -> NDArray[np.int64]:
    return _ranks(table.people)


def _ranks(people: pl.Series) -> NDArray[np.int64]:
    return people.rank("dense").cast(pl.Int64).to_numpy() - 1
