"""Released rows beside those that are expected: the same, each as often, in an order that tells nothing."""

from __future__ import annotations

import polars as pl

from anonymizer.errors import VerificationFailed
from release.files import tables


def check_rows(frame: pl.DataFrame, expected: pl.DataFrame) -> None:
    """Raise ``VerificationFailed`` unless the frame holds the expected multiset of rows."""
    if not _same_rows(frame, expected):
        ours, theirs = tables.canonical(frame), tables.canonical(expected)
        raise VerificationFailed(
            "released rows are not those that the recorded transformation gives",
            column=_culprit(frame, expected),
            count=surplus(ours, theirs) or surplus(theirs, ours),
        )


def is_sorted(frame: pl.DataFrame) -> bool:
    """Whether rows stand in the order of all columns, lists by their joined text.

    Otherwise a row's position could tell where in the input it stood, and where rows were suppressed.
    """
    # Of two neighbours the second is not the lesser, column by column from the last to the first.
    sorted_ = pl.repeat(value=True, n=max(frame.height - 1, 0), eager=True)
    for cells in reversed(_comparable(frame).get_columns()):
        above, below = cells.head(-1), cells.tail(-1)
        less = (above < below).fill_null(value=False) | (above.is_null() & below.is_not_null())
        sorted_ = less | (above.eq_missing(below) & sorted_)
    return sorted_.all()


def _comparable(frame: pl.DataFrame) -> pl.DataFrame:
    """Lists as text, by which released rows are ordered."""
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    return frame.with_columns(pl.col(name).list.join(" ") for name in lists)


def _same_rows(ours: pl.DataFrame, theirs: pl.DataFrame) -> bool:
    """Whether two compact frames hold the same rows, each as often; the same cells have the same schema."""
    same_shape = ours.schema == theirs.schema and ours.height == theirs.height
    return same_shape and surplus(ours, theirs) == 0


def surplus(ours: pl.DataFrame, theirs: pl.DataFrame) -> int:
    """How many rows of ``ours`` are not in ``theirs``, duplicates counted."""
    if not (names := ours.columns):
        return 0
    counts = ours.group_by(names).len("ours")
    others = theirs.group_by(names).len("theirs")
    both = counts.join(others, on=names, how="left", nulls_equal=True)
    excess = pl.col("ours").cast(pl.Int64) - pl.col("theirs").fill_null(0)
    return int(both.select(excess.clip(0).sum()).item())


def _culprit(frame: pl.DataFrame, expected: pl.DataFrame) -> str | None:
    """The column without which the rows would be right, where it is one column's fault."""
    if frame.height != expected.height or frame.width < 2:
        return None
    for name in frame.columns:
        if _same_rows(frame.drop(name), expected.drop(name)):
            return name
    return None
