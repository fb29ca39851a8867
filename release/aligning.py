"""A released table found again in the original: the level of each column, and the rows that are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from anonymizer.errors import BadInput
from anonymizer.hierarchies.hierarchy import SUPPRESSED
from anonymizer.tables.table import Column
from anonymizer.tables.values import parse_numbers
from release.verifying.labels import hierarchy_of, labels_between
from risk.comparison import Attribute, TableKind

MOST_STRANGE = 10
"""A quasi-identifier is not read in the original's words where more than one cell in so many is not there."""
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


@dataclass(frozen=True, slots=True)
class FoundLevel:
    """The ``level`` whose labels a column's cells all are, None if there is none or it is not certain.

    ``strange`` counts the cells that are labels of no level.
    """

    level: int | None
    strange: int


@dataclass(frozen=True, slots=True)
class Placed:
    """The original's rows that are ``shown`` (bool, shape (rows of original,)), as far as that is known.

    ``unaligned`` names the columns that are not read in the original's words. ``is_whole`` says that every
    released row was found as a row of the original.
    """

    shown: NDArray[np.bool_]
    unaligned: tuple[str, ...]
    is_whole: bool


def found_level(column: Column, cells: pl.Series, values: pl.Series) -> FoundLevel:
    """The level at which ``values`` of the original were released as ``cells``.

    A column that is suppressed as a whole stands at the top. Where several levels have all the labels, it
    must make no difference which one it is.
    """
    top = len(hierarchy_of(column).level_names) - 1
    known = labels_between(column, values, (0, top))
    shown = cells.cast(pl.String).alias("label").to_frame().group_by("label").agg(pl.len().alias("cells"))
    hits = shown.join(known, on="label", how="inner", nulls_equal=True)
    strange = shown.join(known, on="label", how="anti", nulls_equal=True)["cells"].sum()
    found = hits.group_by("level").agg(pl.col("label").n_unique().alias("labels"))
    levels = found.filter(pl.col("labels") == shown.height)["level"].sort().to_list()
    if not levels:
        return FoundLevel(None, int(strange))
    if shown["label"].to_list() == [SUPPRESSED]:
        return FoundLevel(levels[-1], 0)
    pairs = hits.filter(pl.col("level").is_in(levels)).select("value", "label")
    return FoundLevel(levels[0] if pairs.n_unique() * len(levels) == pairs.height else None, 0)


def as_numbers(cells: pl.Series) -> pl.Series | None:
    """Cells as Float64, blanks around them aside; None where they are no numbers.

    The decimal mark is the point, or the comma where all cells are numbers with that one only.
    """
    if cells.dtype.is_numeric():
        return parse_numbers(cells)
    if cells.dtype != pl.String:
        return None
    for mark in ".,":
        try:
            return parse_numbers(cells.str.strip_chars(), mark)
        except BadInput:
            continue
    return None


def placed(
    kind: TableKind,
    attributes: Sequence[Attribute],
    released: pl.DataFrame,
    original: pl.DataFrame,
    *,
    unread: Sequence[str] = (),
) -> Placed:
    """Where the released rows stand in the original, which is in the same words but for ``unread`` columns.

    An anonymised table shows each row of the original at most once, of equal ones the first. Where a row is
    found nowhere, or a quasi-identifier cannot be read, nobody's row is certain: all are taken to be shown,
    and the columns that an attacker would learn are unaligned, too; so are the quasi-identifiers, unless the
    rows of everybody are found by these alone.
    """
    everybody = np.ones(original.height, dtype=np.bool_)
    if kind == "synthetic":
        found = {a.name for a in attributes if _is_elsewhere(a, released[a.name], original[a.name])}
        return Placed(everybody, _in_order(attributes, found | {*unread}), is_whole=False)
    unaligned = {*unread} | {a.name for a in attributes if _is_other(a, released[a.name], original[a.name])}
    quasi = [a.name for a in attributes if a.is_quasi_identifier]
    lost = unaligned | {*_learnt(attributes)}
    if unaligned.isdisjoint(quasi):
        names = [a.name for a in attributes if a.name not in unaligned]
        shown = _shown(released.select(names), original.select(names))
        if shown.sum() == released.height:
            return Placed(shown, _in_order(attributes, unaligned), is_whole=True)
        known = _shown(released.select(quasi), original.select(quasi))
        # Taking people for shown who are not would make a risk of those who are look smaller.
        lost |= set() if known.all() and released.height == original.height else {*quasi}
    return Placed(everybody, _in_order(attributes, lost), is_whole=False)


def is_certain(original: pl.DataFrame, people: NDArray[np.int64], shown: NDArray[np.bool_]) -> bool:
    """Whether it makes no difference to people which of equal rows are ``shown``."""
    rows = _comparable(original).with_columns(pl.Series("#person", people), pl.Series("#shown", shown))
    groups = rows.group_by(original.columns).agg(
        pl.col("#person").n_unique(), pl.col("#shown").any() & ~pl.col("#shown").all()
    )
    return not groups.select((pl.col("#shown") & (pl.col("#person") > 1)).any()).item()


def rows_in_both(frame: pl.DataFrame, other: pl.DataFrame) -> int:
    """How many rows of ``frame`` equal some row of ``other``; both have the same columns and types."""
    if not frame.width:
        return 0
    keys = frame.columns
    return _comparable(frame).join(_comparable(other), on=keys, how="semi", nulls_equal=True).height


def _learnt(attributes: Sequence[Attribute]) -> Iterator[str]:
    """The names of what an attacker would learn: sensitive columns, or else all others, or else all."""
    sensitive = [a.name for a in attributes if a.is_sensitive]
    others = [a.name for a in attributes if not a.is_quasi_identifier]
    yield from sensitive or others or (a.name for a in attributes)


def _in_order(attributes: Sequence[Attribute], names: set[str]) -> tuple[str, ...]:
    return tuple(a.name for a in attributes if a.name in names)


def _is_other(attribute: Attribute, released: pl.Series, original: pl.Series) -> bool:
    """Whether a column shows values more often than the original has them.

    Of a quasi-identifier a few such cells are let pass here: their rows are found nowhere.
    """
    beyond = _beyond(released, original)
    return beyond * MOST_STRANGE > len(released) if attribute.is_quasi_identifier else beyond > 0


def _beyond(released: pl.Series, original: pl.Series) -> int:
    """How many cells there are more than the original has of the same value."""
    shown, had = (
        _comparable(cells.alias("cell").to_frame()).group_by("cell").agg(pl.len().alias("cells"))
        for cells in (released, original)
    )
    both = shown.join(had, on="cell", how="left", nulls_equal=True)
    more = pl.col("cells").cast(pl.Int64) - pl.col("cells_right").cast(pl.Int64).fill_null(0)
    return int(both.select(more.clip(0).sum()).item() or 0)


def _is_elsewhere(attribute: Attribute, released: pl.Series, original: pl.Series) -> bool:
    """Whether the values of a synthetic quasi-identifier are mostly none of the original, nor between."""
    if not attribute.is_quasi_identifier:
        return False
    present, had = released.drop_nulls(), original.drop_nulls()
    if isinstance(present.dtype, pl.List):
        present, had = present.explode().drop_nulls(), had.explode().drop_nulls()
    known = present.is_in(had.unique().implode())
    if attribute.kind == "number" or _are_days(present, had):
        known = known | present.is_between(had.min(), had.max())
    return int((~known.fill_null(value=False)).sum()) * MOST_STRANGE > len(present)


def _are_days(*columns: pl.Series) -> bool:
    """Whether all cells are dates that are ordered as text."""
    return all(each.dtype == pl.String and len(each) and each.str.contains(_DAY).all() for each in columns)


def _shown(released: pl.DataFrame, original: pl.DataFrame) -> NDArray[np.bool_]:
    """Which rows of the original are released, each at most as often as it is there."""
    if not released.width:
        return np.arange(original.height) < released.height
    keys = [*released.columns, "#nth"]
    nth = pl.int_range(pl.len()).over(released.columns).alias("#nth")
    rows, wanted = (_comparable(frame).with_columns(nth) for frame in (original, released))
    numbered = rows.with_row_index("#row")
    found = numbered.join(wanted, on=keys, how="semi", nulls_equal=True)["#row"].to_numpy()
    shown = np.zeros(original.height, dtype=np.bool_)
    shown[found] = True
    return shown


def _comparable(frame: pl.DataFrame) -> pl.DataFrame:
    """Sets of codes as text, and minus zero as zero."""
    return frame.with_columns(
        _as_key(pl.col(name), dtype).alias(name)
        for name, dtype in frame.schema.items()
        if isinstance(dtype, pl.List) or dtype.is_float()
    )


def _as_key(cells: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    return cells.list.unique().list.sort().list.join("\x1f") if isinstance(dtype, pl.List) else cells + 0.0
