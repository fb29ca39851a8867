"""Lists of codes repaired for (k, k^m)-anonymity: which codes leave the lists of which class."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from anonymizer.counting.code_sets import as_sets, hold_sets, rare_codes, require_countable
from anonymizer.criteria import Criterion, KMAnonymity


def repaired(
    frame: pl.DataFrame, quasi: list[str], people: pl.Series | None, criteria: Sequence[Criterion]
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """The frame without the codes that (k, k^m)-anonymity must not show, and which those are."""
    removed = {
        c.column: codes_to_remove(frame.select(quasi), people, frame[c.column], c)
        for c in criteria
        if isinstance(c, KMAnonymity) and c.repair
    }
    return frame.with_columns(
        without(frame.select(quasi), frame[name], codes) for name, codes in removed.items()
    ), removed


def codes_to_remove(
    quasi: pl.DataFrame, people: pl.Series | None, released: pl.Series, criterion: KMAnonymity
) -> pl.DataFrame:
    """What must leave the lists of which class for (k, k^m): its labels ``q0``, ``q1``, … and a ``code``.

    ``quasi`` holds the released quasi-identifiers, ``people`` each row's person (``None``: itself),
    ``released`` the lists as they would be released. What is removed from a class, all its rows lose. Sorted.
    """
    keys = _keys(quasi)
    classes = keys.unique(maintain_order=True).with_row_index("class")
    number = keys.join(classes, on=keys.columns, how="left", nulls_equal=True, maintain_order="left")["class"]
    person = None if people is None else people.rank("dense").cast(pl.Int32).to_numpy()
    lists = as_sets(released)
    require_countable(lists, criterion)
    sets = hold_sets(lists, number.cast(pl.Int32).to_numpy(), person)
    owner, code = rare_codes(sets, classes.height, criterion)
    names = sets.lists.names.gather(code).alias("code")
    return classes.drop("class")[owner].with_columns(names).sort(pl.all())


def without(quasi: pl.DataFrame, released: pl.Series, removed: pl.DataFrame) -> pl.Series:
    """The lists without the codes that ``codes_to_remove`` tells for their class.

    A list that loses every code is missing, as if nothing had been known: emptiness would tell that something
    was.
    """
    keys = _keys(quasi)
    gone = removed.group_by(keys.columns).agg(pl.col("code").alias("gone"))
    rows = keys.with_columns(released.alias("list")).join(
        gone, on=keys.columns, how="left", nulls_equal=True, maintain_order="left"
    )
    left = pl.col("list").list.set_difference("gone").list.sort()
    emptied = (pl.col("list").list.len() > 0) & (left.list.len() == 0)
    changed = pl.when(emptied).then(None).otherwise(left)
    return rows.select(
        pl.when(pl.col("gone").is_null()).then("list").otherwise(changed).alias(released.name)
    ).to_series()


def _keys(quasi: pl.DataFrame) -> pl.DataFrame:
    """The quasi-identifiers as text, named as in a record of removed codes."""
    return pl.DataFrame([cells.cast(pl.String).alias(f"q{j}") for j, cells in enumerate(quasi)])
