"""(k, k^m)-anonymity counted literally: every combination of codes of every released list, and who has it."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb

import polars as pl

from anonymizer.criteria import KMAnonymity
from release.verifying.recount import CLASS, PERSON, Classed, Verdict, base

_MOST_AT_ONCE = 5_000_000
"""Combinations held in memory at one time, but for those of one class."""
_ROW, _CODE = "row", "code"


def known_codes(classed: Classed, criterion: KMAnonymity, position: int) -> Verdict:
    """The verdict of (k, k^m): the class's people, and those who share any 1 … m codes that one row holds.

    ``reached`` is the fewest people of any class who share the quasi-identifiers and up to m codes.
    """
    fewest = classed.classes.select(CLASS, fewest=pl.col(PERSON))
    shared = [_fewest_sharing(part, criterion.m) for part in _parts(classed, criterion, position)]
    least = pl.concat([fewest, *shared]).group_by(CLASS).agg(pl.col("fewest").min()).sort(CLASS)["fewest"]
    return Verdict(least >= criterion.k, least.min())  # type: ignore[arg-type]


def _parts(classed: Classed, criterion: KMAnonymity, position: int) -> Iterator[pl.DataFrame]:
    """The codes of all rows, one each, in runs of whole classes that have not too many combinations."""
    lists = classed.rows.select(CLASS, PERSON, codes=base(position)).with_row_index(_ROW)
    codes = lists.explode("codes").drop_nulls("codes").unique([_ROW, "codes"])
    numbered = codes.select(_ROW, CLASS, PERSON, pl.col("codes").rank("dense").alias(_CODE))
    held = numbered.group_by(CLASS, _ROW).len("held")
    ways = pl.Series([sum(comb(n, size) for size in range(1, criterion.m + 1)) for n in held["held"]])
    load = held.with_columns(ways=ways.cast(pl.Int64)).group_by(CLASS).agg(pl.col("ways").sum()).sort(CLASS)
    part = load.select(CLASS, part=pl.col("ways").cum_sum() // _MOST_AT_ONCE)
    yield from numbered.join(part, on=CLASS).partition_by("part", include_key=False)


def _fewest_sharing(codes: pl.DataFrame, m: int) -> pl.DataFrame:
    """The fewest people of each class who share up to ``m`` codes; combinations grow by joining."""
    combined, found = codes.rename({_CODE: "c0"}), []
    for size in range(1, m + 1):
        names = [f"c{i}" for i in range(size)]
        found.append(combined.group_by(CLASS, *names).agg(fewest=pl.col(PERSON).n_unique()))
        longer = combined.join(codes.select(_ROW, _CODE), on=_ROW)
        combined = longer.filter(pl.col(_CODE) > pl.col(names[-1])).rename({_CODE: f"c{size}"})
    return pl.concat([each.select(CLASS, pl.col("fewest").cast(pl.Int64)) for each in found])


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
