"""The resources of a patient as columns: few facts of each, and of some types millions.

Resources wait as they were decoded until there are `EASE_ROWS` of them: so many still lie in the processor's
cache when their facts are taken out. The facts go into compact columns every `FLUSH_ROWS`. What can be done
for a whole column is done there: finding duplicates, cutting dates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from mii.digests import digests
from mii.facts import Change, Numbering, Table, by_text
from mii.references import local_id

EASE_ROWS = 1 << 6
FLUSH_ROWS = 1 << 10

HEAD: Mapping[str, Any] = {
    "id": pl.String,
    "updated": pl.String,
    "subject": pl.String,
    "start": pl.String,
    "end": pl.String,
    "is_period": pl.Boolean,
}
"""What the rows of every type begin with; ``start`` is the moment where there is no period."""

CODED: Mapping[str, Any] = {
    "void": pl.String,
    "encounter": pl.String,
    "codes": pl.String,
    "others": pl.String,
}
"""Conditions, Procedures, medications: the status where it voids them, the Encounter, codes with blanks
between, and of a Condition its ICD-10 codes, of a medication the Medication it names."""

MEASURED: Mapping[str, Any] = {
    "void": pl.String,
    "encounter": pl.String,
    "codes": pl.String,
    "value": pl.Float64,
    "comparator": pl.String,
    "unit": pl.String,
    "concept": pl.String,
}
"""Observations; all of it is missing where no column asks for their codes."""

TELLING: Mapping[str, Any] = {
    "type": pl.String,
    "id": pl.String,
    "patient": pl.String,
    "start": pl.String,
    "end": pl.String,
    "is_period": pl.Boolean,
    **CODED,
    **MEASURED,
    "moment": pl.String,
}
"""The rows of all types together: ids in place of references, and days for dates; ``moment`` is the start as
it was written."""

DATING: Mapping[str, Any] = {name: TELLING[name] for name in ("type", "patient", "start", "end", "is_period")}
"""The rows of resources that tell nothing but that somebody had one on a day: consent counts them."""

_ALWAYS = frozenset({"id", "codes"})
"""Columns that a frame has whatever it holds: the rows are counted by one, and tell something where the other
is."""

Row = tuple[Any, ...]
Values = Sequence[Any]
Maker = Callable[[Sequence[Any]], Sequence[Values]]
"""Gives the columns of some resources of one type."""


def by_row(make: Callable[[str | None, Any], Row]) -> Maker:
    """A maker of columns from one of rows, which is given a resource's id and itself."""

    def columns(resources: Sequence[Any]) -> Sequence[Values]:
        return list(zip(*[make(resource.id, resource) for resource in resources], strict=True))

    return columns


@dataclass(slots=True)
class Frames:
    """The rows of one type, duplicates among them: those that tell something, and the others."""

    telling: pl.DataFrame | None = None
    dating: pl.DataFrame | None = None


class Sink(Protocol):
    """Takes in the resources of one type by `add`; `frames` gives what was taken in since they were given."""

    add: Callable[[Any], None]

    def ease(self) -> None:
        """Takes the facts out of what waits, where that is enough to be worth it."""

    def frames(self) -> Frames:
        """All rows taken in since the last frames were given."""


class ColumnSink:
    """A `Sink` for one type, whose columns ``make`` gives as ``schema`` says."""

    def __init__(self, make: Maker, schema: Mapping[str, Any]) -> None:
        self._make, self._tells = make, "codes" in schema
        self._columns = Columns(schema)
        self._waiting: list[Any] = []
        self.add: Callable[[Any], None] = self._waiting.append

    def ease(self) -> None:
        """Takes the facts out of what waits, where that is enough to be worth it."""
        if len(self._waiting) >= EASE_ROWS:
            self._take_out()

    def frames(self) -> Frames:
        """All rows taken in since the last frames were given."""
        if self._waiting:
            self._take_out()
        frame = self._columns.frame()
        return Frames(telling=frame) if self._tells else Frames(dating=frame)

    def _take_out(self) -> None:
        self._columns.extend(self._make(self._waiting))
        self._waiting.clear()


class Columns:
    """Columns that grow: what was added last as Python's lists, all else compact.

    A column that is missing in some rows in succession is left out of their frame.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._lists: list[list[Any]] = [[] for _ in schema]
        self._frames: list[pl.DataFrame] = []

    def extend(self, columns: Sequence[Values]) -> None:
        """Adds rows: the values of each column."""
        for known, values in zip(self._lists, columns, strict=True):
            known += values
        if len(self._lists[0]) >= FLUSH_ROWS:
            self._flush()

    def frame(self) -> pl.DataFrame | None:
        """All rows added since the last frame was given."""
        if self._lists[0]:
            self._flush()
        frames, self._frames = self._frames, []
        return pl.concat(frames, how="diagonal") if frames else None

    def _flush(self) -> None:
        made = zip(self._schema.items(), self._lists, strict=True)
        told = (each for each in made if each[0][0] in _ALWAYS or _tells(each[1]))
        self._frames.append(pl.DataFrame([pl.Series(n, values, dtype=d) for (n, d), values in told]))
        for values in self._lists:
            values.clear()


def _tells(values: Values) -> bool:
    """Whether a value is there: mostly the first one is, or none."""
    return values[0] is not None or values.count(None) < len(values)


def together(frames: Mapping[str, pl.DataFrame], key: bytes) -> tuple[Table | None, list[str]]:
    """One table of all types, as `DATING` or `TELLING` says, and the types of which one has no id.

    In place of the id it has its `DIGEST`, and beside it where something is told. What is missing in all rows
    is left out.
    """
    if not frames:
        return None, []
    typed = [frame.with_columns(pl.lit(name).alias("type")) for name, frame in frames.items()]
    frame = pl.concat(typed, how="diagonal", rechunk=True)
    tells = "codes" in frame.columns
    numbering = Numbering()
    numbering.keep(*digests(frame["id"], key))
    told = [column.name for column in frame if column.null_count() < frame.height]
    texts = [name for name in told if name != "id" and frame.schema[name] == pl.String]
    numbering.number(frame.select(texts), {name: _made(name, tells=tells) for name in texts})
    numbering.keep(*frame.select(name for name in told if name not in texts and (tells or name != "id")))
    nameless = frame["type"].filter(frame["id"].is_null()).unique()
    return numbering.table(), nameless.to_list()


def _made(name: str, *, tells: bool) -> Mapping[str, Change | None]:
    """The columns made of one: how their texts are changed."""
    if name == "start":
        return {"start": _days} | ({"moment": None} if tells else {})
    return _MADE.get(name, {name: None})


def renamed(frame: pl.DataFrame, urns: Mapping[str, str]) -> pl.DataFrame:
    """``frame`` with the ids that ``urn:uuid:…`` stand for; ``frame`` has categories."""
    if not urns:
        return frame

    def meant(texts: pl.Series) -> pl.Series:
        return mapped(texts, lambda text: urns.get(text, text))

    columns = [frame[name] for name in ("patient", "encounter", "others") if name in frame.columns]
    return frame.with_columns(
        by_text(column, meant).cast(column.dtype).alias(column.name) for column in columns
    )


def _ids(references: pl.Series, kind: str) -> pl.Series:
    """The ids that distinct references of one kind name; missing where they name none."""
    return pl.Series([local_id(reference, kind) or None for reference in references], dtype=pl.String)


def mapped(column: pl.Series, change: Callable[[str], str | None]) -> pl.Series:
    """``column`` with ``change`` applied to each distinct text once; missing stays missing."""
    texts = column.drop_nulls().unique()
    changed = pl.Series([change(text) for text in texts], dtype=pl.String)
    return column.replace_strict(texts, changed, default=None, return_dtype=pl.String)


def series(name: str, values: Sequence[str | None]) -> pl.Series:
    """A column of texts."""
    return pl.Series(name, values, dtype=pl.String)


_MADE: Mapping[str, Mapping[str, Change | None]] = {
    "subject": {"patient": lambda texts: _ids(texts, "Patient")},
    "encounter": {"encounter": lambda texts: _ids(texts, "Encounter")},
    "end": {"end": lambda texts: _days(texts)},
}


def _days(moments: pl.Series) -> pl.Series:
    """The date part of each date or dateTime, as written; it may be partial."""
    if moments.null_count() == len(moments):
        return moments
    has_time = moments.str.slice(10, 1) == "T"
    return moments.str.slice(0, 10).zip_with(has_time.fill_null(value=False), moments)
