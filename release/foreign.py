"""A table made elsewhere beside the people it was made from, as attacks and utility take it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.errors import BadInput, InputMissing, UsageError
from anonymizer.tables.table import Column, Role, Table
from anonymizer.tables.values import canonical
from release.aligning import as_numbers, found_level, placed, rows_in_both
from release.config.document import read_document
from release.config.keys import Setting
from release.config.root import Config, parse
from release.describing.comparing import attribute, base_values, in_words
from release.files.csv_cells import unescaped
from release.intake.source import read
from release.sweeping import changed
from release.table_findings import UNTOLD, read_found
from release.verifying.cells import kept_cells
from release.verifying.labels import labels_at
from risk.comparison import Attribute, Comparison, TableKind


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
    """The rows to assess and their ``attributes``; ``comparison`` where the original is known.

    ``is_placed`` says that every row was found as a row of the original, ``facts`` what reading it showed.
    """

    released: pl.DataFrame
    attributes: tuple[Attribute, ...]
    comparison: Comparison | None
    config: Config | None = None
    is_placed: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Sides:
    """Released rows and the original's in the same words, but for columns that are ``unread``: how many of
    their cells are no values of the original, as far as that was counted.
    """

    attributes: tuple[Attribute, ...]
    released: pl.DataFrame
    original: pl.DataFrame
    base: pl.DataFrame
    people: NDArray[np.int64]
    holdout: pl.DataFrame | None
    holdout_people: NDArray[np.int64] | None
    unread: Mapping[str, int]


def foreign(asked: Asked) -> Foreign:
    """What ``asked`` names.

    Raises:
        InputMissing, BadInput: a table cannot be read, columns are missing in one, or people of the original
            are in the holdout.
        UsageError: options that contradict one another.
        AnonError: as the config's run would.
    """
    if asked.config is not None:
        return _by_config(asked, asked.config)
    if asked.original is None and asked.holdout is not None:
        raise UsageError("--holdout needs --original: it is compared with it")
    if asked.original is None and asked.subject is not None:
        raise UsageError("--subject needs --original: it names the people there")
    return _as_told(asked)


def _as_told(asked: Asked) -> Foreign:
    table = _joined(_read(asked.table))
    others = [None if path is None else _joined(_read(path)) for path in (asked.original, asked.holdout)]
    names = [name for name in table.columns if name != asked.subject]
    _require_known((*asked.quasi_identifiers, *asked.sensitive), names)
    for other in others:
        if other is not None and (lacking := [name for name in names if name not in other.columns]):
            raise BadInput("columns of the table are missing in the original or holdout", count=len(lacking))
    frames = [table, *(other for other in others if other is not None)]
    numbers = {name for name in names if all(as_numbers(frame[name]) is not None for frame in frames)}
    quasi = asked.quasi_identifiers or tuple(name for name in names if name not in asked.sensitive)
    attributes = tuple(
        Attribute(name, "number" if name in numbers else "category", name in quasi, name in asked.sensitive)
        for name in names
    )
    released, *words = (_typed(frame.select(names), numbers) for frame in frames)
    if not words:
        return Foreign(released, attributes, None)
    people = [_people(frame, asked.subject) for frame in frames[1:]]
    holdout, holdout_people = (words[1], people[1]) if len(words) > 1 else (None, None)
    if holdout is not None:
        subjects = None if asked.subject is None else (frames[1][asked.subject], frames[2][asked.subject])
        _require_others(words[0], holdout, subjects)
    original = words[0]
    return _beside(
        asked, _Sides(attributes, released, original, original, people[0], holdout, holdout_people, {})
    )


def _read(path: Path) -> pl.DataFrame:
    """A table as it was meant: the CSV of a release has apostrophes where a spreadsheet needs them."""
    if path.suffix.lower() != ".parquet":
        return unescaped(read_found(path, UNTOLD))
    try:
        is_coded = pl.List(pl.String) in pl.read_parquet_schema(path).values()
        listed = pl.read_parquet(path) if is_coded else None
    except (pl.exceptions.PolarsError, OSError):
        listed = None  # whoever reads it next says why it cannot be read
    return read_found(path, UNTOLD) if listed is None or listed.is_empty() else listed


def _joined(frame: pl.DataFrame) -> pl.DataFrame:
    """Lists of codes as a CSV has them: text, with blanks between."""
    return frame.with_columns(pl.col(pl.List(pl.String)).list.join(" "))


def _require_known(asked: Sequence[str], names: Sequence[str]) -> None:
    if unknown := [name for name in dict.fromkeys(asked) if name not in names]:
        raise UsageError(f"the table has no column {', '.join(map(repr, unknown))}")


def _require_others(
    original: pl.DataFrame, holdout: pl.DataFrame, subjects: tuple[pl.Series, pl.Series] | None
) -> None:
    """Raise ``BadInput`` where the held-out people are those of the original, as far as can be seen."""
    if subjects is not None:
        known, held_out = (canonical(each).str.strip_chars().drop_nulls() for each in subjects)
        if both := int(held_out.is_in(known.unique().implode()).sum()):
            raise BadInput("people of the original are in the holdout: nobody may be in both", count=both)
    elif (same := rows_in_both(holdout, original)) * 2 > holdout.height:
        raise BadInput(
            "more than half of the rows of the holdout are rows of the original, too",
            count=same,
            hint="people must not be in both; if they are others who are alike, name the person's column",
        )


def _beside(asked: Asked, sides: _Sides, config: Config | None = None) -> Foreign:
    """The released rows beside the original's, and what could not be found there."""
    found = placed(asked.kind, sides.attributes, sides.released, sides.original, unread=tuple(sides.unread))
    comparison = Comparison(
        asked.kind,
        sides.attributes,
        sides.released,
        sides.original,
        sides.base,
        sides.people,
        found.shown,
        sides.holdout,
        sides.holdout_people,
        found.unaligned,
    )
    facts = {f"column {name}": _unread(cells) for name, cells in sides.unread.items()}
    if found.unaligned:
        facts["not found in the original"] = ", ".join(found.unaligned)
    if asked.kind == "anonymised" and not found.is_whole:
        facts["released rows"] = "not all could be found in the original; what rests on that is not estimated"
    return Foreign(sides.released, sides.attributes, comparison, config, found.is_whole, facts)


def _unread(strange: int) -> str:
    if not strange:
        return "its cells have different levels, or a level that is not certain"
    return f"{strange:,} {'cell is no label' if strange == 1 else 'cells are no labels'} of any level"


def _by_config(asked: Asked, path: Path) -> Foreign:
    if asked.quasi_identifiers or asked.sensitive or asked.subject:
        raise UsageError("roles and the person come from the config: name them there or leave --config out")
    config = _config(path, asked.original)
    table = read(config).table
    held_out = None if asked.holdout is None else read(_config(path, asked.holdout)).table
    frame = _read(asked.table)
    columns = _assessed(frame, table)
    names = [column.name for column in columns]
    levels, unread = _levels(columns, frame, table)
    original = _generalised(table, columns, levels)
    released, strange = _like(frame.select(names), original)
    original = original.with_columns(pl.col(name).cast(pl.String) for name in strange)
    holdout = None if held_out is None else _generalised(held_out, columns, levels)
    if held_out is not None and holdout is not None:
        holdout = holdout.with_columns(pl.col(name).cast(pl.String) for name in strange)
        _require_others(_whole(table, columns), _whole(held_out, columns), _subjects(table, held_out))
    sides = _Sides(
        tuple(attribute(column, original.schema[column.name]) for column in columns),
        released,
        original,
        base_values(replace(table, columns=tuple(columns), frame=table.frame.select(names))),
        _numbered(table),
        holdout,
        None if held_out is None else _numbered(held_out),
        unread | strange,
    )
    return _beside(asked, sides, config)


def _whole(table: Table, columns: Sequence[Column]) -> pl.DataFrame:
    return in_words(table.frame.select(column.name for column in columns))


def _subjects(table: Table, held_out: Table) -> tuple[pl.Series, pl.Series] | None:
    name = table.subject
    return None if name is None else (table.frame[name], held_out.frame[name])


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
    return [column for name, column in known.items() if name in frame.columns]


def _levels(
    columns: Sequence[Column], frame: pl.DataFrame, table: Table
) -> tuple[dict[str, int], dict[str, int]]:
    """The level of each quasi-identifier; and how many cells of one are labels of none, where it has none."""
    levels, unread = {}, {}
    for column in columns:
        if column.role is Role.QUASI_IDENTIFIER and column.hierarchy is not None:
            found = found_level(column, canonical(frame[column.name]), table.frame[column.name])
            levels[column.name] = found.level or 0
            if found.level is None:
                unread[column.name] = found.strange
    return levels, unread


def _generalised(table: Table, columns: Sequence[Column], levels: Mapping[str, int]) -> pl.DataFrame:
    """The table's rows in the words of the release."""
    return in_words(pl.DataFrame([_at(table.frame[c.name], c, levels.get(c.name)) for c in columns]))


def _at(cells: pl.Series, column: Column, level: int | None) -> pl.Series:
    if level is None:
        return kept_cells(cells, column)
    labels = labels_at(column, cells, level)
    rows = cells.alias("value").to_frame()
    joined = rows.join(labels, on="value", how="left", nulls_equal=True, maintain_order="left")
    return joined["label"].alias(column.name)


def _like(frame: pl.DataFrame, original: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """A table with the types that its columns have in the original, and how many cells are no numbers in
    columns that should hold numbers: those stay text.
    """
    cells, strange = [], {}
    for name, dtype in original.schema.items():
        typed = _typed_as(frame[name], dtype)
        if typed is None:
            told = frame[name].drop_nulls()
            strange[name] = int(told.cast(pl.Float64, strict=False).is_null().sum())
        cells.append(frame[name] if typed is None else typed)
    return in_words(pl.DataFrame(cells)), strange


def _typed_as(cells: pl.Series, dtype: pl.DataType) -> pl.Series | None:
    """Cells of a type; None where they are no numbers and should be."""
    if isinstance(dtype, pl.List):
        is_text = cells.dtype == pl.String
        return cells.str.split(" ").list.filter(pl.element() != "") if is_text else cells
    if dtype.is_numeric():
        return as_numbers(cells)
    return cells if cells.dtype == pl.String else canonical(cells)


def _typed(frame: pl.DataFrame, numbers: Collection[str]) -> pl.DataFrame:
    cells = ((as_numbers(cells) if cells.name in numbers else None, cells) for cells in frame)
    return in_words(pl.DataFrame([text if number is None else number for number, text in cells]))


def _people(frame: pl.DataFrame, subject: str | None) -> NDArray[np.int64]:
    if subject is None:
        return np.arange(frame.height, dtype=np.int64)
    if subject not in frame.columns:
        raise UsageError("the original has no column of the name that --subject gives")
    if nobody := frame[subject].null_count():
        raise BadInput("rows name no person", column=subject, count=nobody)
    return _ranks(frame[subject])


def _numbered(table: Table) -> NDArray[np.int64]:
    return _ranks(table.people)


def _ranks(people: pl.Series) -> NDArray[np.int64]:
    return people.rank("dense").cast(pl.Int64).to_numpy() - 1
