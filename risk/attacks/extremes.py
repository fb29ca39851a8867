"""Extremes and rare values that a release repeats: a value that few people have tells about them.

An age of 107 or a diagnosis of one patient is a person's, wherever it is seen again.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
from numpy.typing import NDArray

from risk.attacks.marks import marked_parts
from risk.comparison import Attribute, Comparison
from risk.figures import Figure, exact, not_estimated, share
from risk.results import Attack

Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]

FEW = 5
"""A value is rare if fewer people than this have it."""
_WHOLE = ""
"""The name of the figure of all columns together."""
NOBODY_HELD_OUT = "needs people who were held out"


def copied_extremes(comparison: Comparison, rng: np.random.Generator) -> Attack:
    """Return the share of number columns' smallest and largest values that the release shows.

    Each column has two, and one counts only where fewer than ``FEW`` people have it. Parts are by column. The
    control of a synthetic table are the same ends of the held-out people's values, where nobody else has
    them; that of an anonymised table the ends still shown when any one of those who have it is out.
    """
    names = [each.name for each in comparison.attributes if _is_number(comparison, each)]
    return _attack("copied_extremes", comparison, names, rng)


def copied_rare(comparison: Comparison, rng: np.random.Generator) -> Attack:
    """Return the share of rare categories and codes that the release shows.

    Rare is what fewer than ``FEW`` of the people in the release have, or of those its model was trained on.
    Parts and controls as for extremes. Where a criterion lets rare sensitive values through, the figure of an
    anonymised table says how many there are, not that the criterion is broken.
    """
    names = [each.name for each in comparison.attributes if not _is_number(comparison, each)]
    return _attack("copied_rare", comparison, names, rng)


def _is_number(comparison: Comparison, attribute: Attribute) -> bool:
    return comparison.base.schema[attribute.name].is_numeric()


def _attack(name: str, comparison: Comparison, columns: list[str], rng: np.random.Generator) -> Attack:
    def measured(scene: Comparison, _: np.random.Generator) -> dict[str, Figure]:
        return _figures(scene, columns, dict(_seen(scene, columns)))

    def control(scene: Comparison, _: np.random.Generator) -> dict[str, Figure]:
        if scene.table == "anonymised":
            return _figures(scene, columns, dict(_still_seen(scene, columns)))
        if scene.holdout is None or scene.holdout_people is None or not scene.holdout.height:
            return dict.fromkeys((_WHOLE, *columns), not_estimated(NOBODY_HELD_OUT))
        theirs = _seen_of_others(scene, columns, scene.holdout, scene.holdout_people)
        return _figures(scene, columns, dict(theirs))

    parts = marked_parts(comparison, measured, rng, control=control)
    return Attack(name, "singling-out", parts.pop(_WHOLE), parts)


def _figures(scene: Comparison, columns: list[str], seen: dict[str, Bools]) -> dict[str, Figure]:
    each = {column: _figure(scene, [seen[column]]) for column in columns}
    return {**each, _WHOLE: _figure(scene, list(seen.values()))}


def _figure(scene: Comparison, seen: list[Bools]) -> Figure:
    """Exact where rows are real ones; a synthetic table's rows might have been drawn otherwise."""
    if not scene.shown.any():
        return not_estimated("nobody's row is in the release")
    values = sum(len(each) for each in seen)
    hits = sum(int(each.sum()) for each in seen)
    if not values:
        return exact(0.0, 0, f"no such value of fewer than {FEW} people")
    what = f"{hits} of {values} values of fewer than {FEW} people are in the release"
    return exact(hits / values, values, what) if scene.table == "anonymised" else share(hits, values, what)


def _seen(scene: Comparison, columns: list[str]) -> Iterator[tuple[str, Bools]]:
    """Per column, which of the few people's values the release shows."""
    for column in columns:
        theirs = _few(scene.base[column].filter(scene.shown), scene.people[scene.shown])
        yield column, _in(theirs, _words(scene.released[column], scene.base[column]))


def _still_seen(scene: Comparison, columns: list[str]) -> Iterator[tuple[str, Bools]]:
    """The same with any one of those who have the value left out: shown for two people, or not at all."""
    people = scene.people[scene.shown]
    for column in columns:
        base = scene.base[column]
        theirs = _few(base.filter(scene.shown), people)
        released = _words(scene.released[column], base)
        shown = _owners(_written(scene.original[column].filter(scene.shown), base), people)
        yield column, _in(theirs, released) & _in(theirs, shown.filter(pl.col("people") >= 2)["value"])


def _seen_of_others(
    scene: Comparison, columns: list[str], holdout: pl.DataFrame, people: Longs
) -> Iterator[tuple[str, Bools]]:
    """Per column, which of the few held-out people's values that nobody else has the release shows."""
    for column in columns:
        known = scene.base[column].filter(scene.shown)
        theirs = _few(_written(holdout[column], known), people)
        elsewhere = _in(theirs, known.explode() if _is_list(known) else known)
        yield column, _in(theirs.filter(~elsewhere), _words(scene.released[column], known))


def _few(column: pl.Series, people: Longs) -> pl.Series:
    """The values fewer than ``FEW`` people have: of numbers the two ends, of other columns all of them."""
    owners = _owners(column, people)
    if column.dtype.is_numeric() and owners.height:
        ends = (owners["value"].min(), owners["value"].max())
        owners = owners.filter(pl.col("value").is_in(ends))
    return owners.filter(pl.col("people") < FEW)["value"]


def _owners(column: pl.Series, people: Longs) -> pl.DataFrame:
    """Each value, or code, and how many different people have it."""
    cells = pl.DataFrame({"value": column, "person": people})
    pairs = (cells.explode("value") if _is_list(column) else cells).drop_nulls().unique()
    return pairs.group_by("value").agg(pl.len().alias("people")).sort("value")


def _words(column: pl.Series, true: pl.Series) -> pl.Series:
    """The values, or codes, a column shows, as the true values are written."""
    written = _written(column, true)
    return written.explode() if _is_list(written) else written


def _written(column: pl.Series, true: pl.Series) -> pl.Series:
    """The cells, row by row, as the true values are written; a band of a number is none of them."""
    if _is_list(column):
        return column
    return column.cast(pl.Float64 if true.dtype.is_numeric() else pl.String, strict=False)


def _is_list(column: pl.Series) -> bool:
    return isinstance(column.dtype, pl.List)


def _in(values: pl.Series, shown: pl.Series) -> Bools:
    return values.is_in(shown.drop_nulls().unique().implode()).to_numpy()
