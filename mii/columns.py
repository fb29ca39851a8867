"""The resources of a patient as columns: few facts of each, and of some types millions.

Rows gather in Python and go into compact columns every ``FLUSH_ROWS``, while they are still in the
processor's cache. What can be done for a whole column is done there: finding duplicates, reducing
references, cutting dates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from mii.references import local_id

FLUSH_ROWS = 1 << 11

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

Row = tuple[Any, ...]


class ColumnSink:
    """Takes in the resources of one type, a row of ``schema`` each as ``make`` gives it."""

    def __init__(self, make: Callable[[str | None, Any], Row], schema: Mapping[str, Any]) -> None:
        self._make, self._schema = make, dict(schema)
        self._rows: list[Row] = []
        self._frames: list[pl.DataFrame] = []

    def add(self, identity: str | None, resource: Any) -> None:
        """Takes in one resource."""
        rows = self._rows
        rows.append(self._make(identity, resource))
        if len(rows) >= FLUSH_ROWS:
            self._flush()

    def frame(self) -> pl.DataFrame:
        """All rows taken in, duplicates among them."""
        self._flush()
        return pl.concat(self._frames)

    def _flush(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else ((),) * len(self._schema)
        made = zip(self._schema.items(), columns, strict=True)
        self._frames.append(pl.DataFrame([pl.Series(n, column, dtype=d) for (n, d), column in made]))
        self._rows = []


def together(frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """One frame of all types, which stand in the column ``type``; what a type does not have is missing."""
    typed = [frame.with_columns(pl.lit(name).alias("type")) for name, frame in frames.items()]
    return pl.concat(typed, how="diagonal")


def deduplicated(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """The rows with each id of a type once, and by type how many ids have different contents.

    Of different contents the one updated last is kept. Without ``meta.lastUpdated`` the choice depends on
    the content alone, never on the order of files.
    """
    repeated = frame["id"].is_duplicated()
    several, rest = frame.filter(repeated), frame.filter(~repeated)
    if not several.height:
        return frame, {}
    key, content = ("type", "id"), [name for name in frame.columns if name != "updated"]
    variants = several.unique(content).group_by(key).len().filter(pl.col("len") > 1)
    different = variants.group_by("type").len()
    chosen = several.sort("updated", *content, nulls_last=False).unique(key, keep="last", maintain_order=True)
    return pl.concat([rest, chosen]), dict(zip(different["type"], different["len"], strict=True))


def resolved(frame: pl.DataFrame, urns: Mapping[str, str]) -> pl.DataFrame:
    """``frame`` with ids for references (patient, encounter, a medication's others), days for dates.

    ``moment`` keeps the start as it was written.
    """
    drugs = frame["type"].str.starts_with("Medication")
    return frame.with_columns(
        named(frame["subject"], "Patient", urns).alias("patient"),
        named(frame["encounter"], "Encounter", urns),
        frame["others"].zip_with(~drugs, named(frame["others"].set(~drugs, None), "Medication", urns)),
        pl.col("start").alias("moment"),
        _day("start"),
        _day("end"),
    ).drop("subject", "updated")


def named(references: pl.Series, kind: str, urns: Mapping[str, str]) -> pl.Series:
    """The ids that references of one kind name; missing where they name none."""

    def name(reference: str) -> str | None:
        found = local_id(reference, kind)
        return urns.get(found, found) or None

    return mapped(references, name)


def mapped(column: pl.Series, change: Callable[[str], str | None]) -> pl.Series:
    """``column`` with ``change`` applied to each distinct text once; missing stays missing."""
    texts = column.drop_nulls().unique()
    changed = pl.Series([change(text) for text in texts], dtype=pl.String)
    return column.replace_strict(texts, changed, default=None, return_dtype=pl.String)


def series(name: str, values: Sequence[str | None]) -> pl.Series:
    """A column of texts."""
    return pl.Series(name, values, dtype=pl.String)


def _day(name: str) -> pl.Expr:
    column = pl.col(name)
    return pl.when(column.str.slice(10, 1) == "T").then(column.str.slice(0, 10)).otherwise(column).alias(name)
