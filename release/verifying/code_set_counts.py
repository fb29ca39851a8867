"""(k, k^m)-anonymity counted literally: every combination of codes of every released list, and who has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import comb
from typing import NamedTuple

import polars as pl

from anonymizer.criteria import DistinctLDiversity, KMAnonymity
from release.verifying.recount import CLASS, PERSON, Classed, Verdict, at_least, base

_MOST_AT_ONCE = 3_000_000
"""Combinations held in memory at one time, but for those that begin with one code of one class."""
_ROW, _CODE, _AT, _END, _PART, _FEWEST = "row", "code", "at", "end", "part", "fewest"


class _Known(NamedTuple):
    """All that somebody may know who knows these codes: a row per row that holds them, and their names."""

    rows: pl.DataFrame
    codes: list[str]


def known_codes(classed: Classed, criterion: KMAnonymity, position: int) -> Verdict:
    """The verdict of (k, k^m): the class's people, and those who share any 1 … m codes that one row holds.

    ``reached`` is the fewest people of any class who share the quasi-identifiers and up to m codes.
    """
    shared = [
        known.rows.group_by(CLASS, *known.codes).agg(_people(classed))
        for known in _combinations(classed, position, criterion.m)
    ]
    return at_least(
        _least([classed.classes.select(CLASS, pl.col(PERSON).alias(_FEWEST)), *shared], CLASS), criterion.k
    )


def diverse_codes(
    classed: Classed, criterion: DistinctLDiversity, positions: tuple[int, int], m: int
) -> Verdict:
    """The verdict of distinct l-diversity among the people of a class, and those who share 1 … m codes.

    ``positions`` are those of the sensitive values and of the lists of codes. Missing is no value.
    """
    values, lists = positions
    told = classed.rows.select(CLASS, value=pl.col(base(values)).rank("dense")).with_row_index(_ROW)
    shared = [_values(told, [CLASS])]
    for known in _combinations(classed, lists, m):
        of_rows = known.rows.select(CLASS, _ROW, *known.codes).join(told.drop(CLASS), on=_ROW)
        shared.append(_values(of_rows, [CLASS, *known.codes]))
    return at_least(_least(shared, CLASS), criterion.l)


def fewest_sharing(classed: Classed, position: int, m: int) -> pl.Series:
    """For each row the fewest people of its class who have some up to ``m`` of its codes, Int64.

    The whole class is among them: those who have none of them that are known.
    """
    numbers = classed.rows.select(CLASS).with_row_index(_ROW)
    everybody = numbers.join(classed.classes.select(CLASS, pl.col(PERSON).alias(_FEWEST)), on=CLASS)
    shared = (
        known.rows.select(_ROW, _people(classed).over(CLASS, *known.codes))
        for known in _combinations(classed, position, m)
    )
    return _least([everybody, *(each.group_by(_ROW).agg(pl.col(_FEWEST).min()) for each in shared)], _ROW)


def _people(classed: Classed) -> pl.Expr:
    who = pl.len() if classed.row_is_person else pl.col(PERSON).n_unique()
    return who.cast(pl.Int64).alias(_FEWEST)


def _values(rows: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """How many distinct values the rows of each group have, none among them."""
    distinct = rows.select(*keys, "value").unique()
    return distinct.group_by(keys).agg(pl.col("value").count().cast(pl.Int64).alias(_FEWEST))


def _least(found: Sequence[pl.DataFrame], key: str) -> pl.Series:
    """The least figure of every class or row, in their order."""
    each = pl.concat([part.group_by(key).agg(pl.col(_FEWEST).min()) for part in found])
    return each.group_by(key).agg(pl.col(_FEWEST).min()).sort(key)[_FEWEST]


def _combinations(classed: Classed, position: int, m: int) -> Iterator[_Known]:
    """Every combination of 1 … ``m`` codes of every row; the rows that share one come together.

    They grow from their smallest code, by every greater one of the row, in parts that fit into memory.
    """
    cells = _cells(classed, position)
    for part in _parts(cells, m):
        rows = part.rename({_CODE: "c0"})
        for size in range(1, m + 1):
            names = [f"c{i}" for i in range(size)]
            yield _Known(rows, names)
            if size < m:
                rows = _longer(rows, cells[_CODE], f"c{size}")


def _cells(classed: Classed, position: int) -> pl.DataFrame:
    """One row per list and code, numbered, by lists; where it stands, and where its list ends."""
    lists = classed.rows.select(CLASS, PERSON, pl.col(base(position)).alias(_CODE)).with_row_index(_ROW)
    codes = lists.explode(_CODE).drop_nulls(_CODE).unique([_ROW, _CODE])
    ranked = codes.with_columns(pl.col(_CODE).rank("dense")).sort(_ROW, _CODE).with_row_index(_AT)
    return ranked.with_columns(pl.col(_AT).max().over(_ROW).alias(_END) + 1)


def _parts(cells: pl.DataFrame, m: int) -> Iterator[pl.DataFrame]:
    """The cells in runs of whole classes' codes that begin not too many combinations."""
    later = pl.col(_END).cast(pl.Int64) - pl.col(_AT) - 1
    begun = cells.select(CLASS, _CODE, later.alias("later"))
    ways = {n: sum(comb(n, size) for size in range(m)) for n in begun["later"].unique()}
    load = begun.group_by(CLASS, _CODE).agg(
        pl.col("later").replace_strict(ways, return_dtype=pl.Int64).sum().alias("load")
    )
    part = load.sort(CLASS, _CODE).select(
        CLASS, _CODE, pl.col("load").cum_sum().alias(_PART) // _MOST_AT_ONCE
    )
    yield from cells.join(part, on=[CLASS, _CODE]).partition_by(_PART, include_key=False)


def _longer(rows: pl.DataFrame, codes: pl.Series, name: str) -> pl.DataFrame:
    """The combinations with each code that stands later in its row's list."""
    open_ = rows.filter(pl.col(_AT) + 1 < pl.col(_END))
    longer = open_.with_columns(pl.int_ranges(pl.col(_AT) + 1, _END, dtype=pl.UInt32).alias(_AT)).explode(_AT)
    return longer.with_columns(codes.gather(longer[_AT]).alias(name))


def without_codes(lists: pl.Series, keys: pl.DataFrame, removed: pl.DataFrame) -> pl.Series:
    """The lists less the codes that are ``removed`` from their class, one code after another.

    ``keys`` holds each row's labels ``q0``, ``q1``, …; ``removed`` such labels and a ``code``. What is left
    is sorted, and a list that nothing is left of is missing.
    """
    labels = keys.select(pl.all().cast(pl.String)).with_row_index(_ROW)
    touched = labels.join(removed, on=keys.columns, how="semi", nulls_equal=True)
    codes = touched.join(pl.DataFrame({_CODE: lists}).with_row_index(_ROW), on=_ROW).explode(_CODE)
    told = codes.drop_nulls(_CODE)
    left = told.join(removed, on=[*keys.columns, _CODE], how="anti", nulls_equal=True)
    remaining = left.group_by(_ROW).agg(pl.col(_CODE).unique().sort().alias("left"))
    changed = told.select(_ROW).unique().with_columns(pl.lit(value=True).alias("changed"))
    rows = pl.DataFrame({"list": lists}).with_row_index(_ROW).join(changed, on=_ROW, how="left")
    rows = rows.join(remaining, on=_ROW, how="left").sort(_ROW)
    return rows.select(
        pl.when(pl.col("changed").is_null()).then("list").otherwise("left").alias(lists.name)
    ).to_series()
